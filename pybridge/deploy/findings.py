"""One finding of `pybridge doctor`, and how findings are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pybridge.report import write_text_atomic

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands (ok, note, warning, error), in words, and what to do."""

    check: str
    state: str
    text: str
    remedy: str = ""


def show(findings: Sequence[Finding]) -> None:
    """Print each finding, with its remedy."""
    for one in findings:
        print(f"{one.state:8}{one.check}: {one.text}")
        if one.remedy:
            print(f"{'':8}  -> {one.remedy}", flush=True)


def print_findings(findings: Sequence[Finding], json_file: Path | None = None) -> int:
    """Print all findings and whether the machine is ready; 1 where any is an error, else 0."""
    show(findings)
    errors = sum(one.state == ERROR for one in findings)
    warnings = sum(one.state == WARNING for one in findings)
    if json_file is not None:
        found = {"name": "doctor", "passed": not errors, "findings": [asdict(one) for one in findings]}
        write_text_atomic(json_file, json.dumps(found) + "\n")
    if errors:
        print(f"not ready: {errors} error{'s' * (errors > 1)}", flush=True)
    else:
        print("ready" + (f", with {warnings} warning{'s' * (warnings > 1)}" if warnings else ""), flush=True)
    return 1 if errors else 0
