"""Reports of `pybridge verify` and `pybridge bench`: a table for people, one line of JSON for scripts."""

from __future__ import annotations

import json
import math
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value. `target` is text such as "<= 0.05" or ">= 0.7", "" where nothing is asked."""

    value: float
    unit: str
    target: str = ""

    def met(self) -> bool:
        """Whether the value meets the target; a value that is not finite never does."""
        if not self.target:
            return True
        if not math.isfinite(self.value):
            return False
        for sign, holds in (("<=", self.value.__le__), (">=", self.value.__ge__)):
            if self.target.startswith(sign):
                return bool(holds(float(self.target[2:])))
        low, high = (float(part) for part in self.target.split(".."))
        return low <= self.value <= high


@dataclass
class Report:
    """Named figures of one verification or benchmark, in the order they were added."""

    name: str
    figures: dict[str, Figure] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str, target: str = "") -> None:
        """Add a figure; targets are "<= x", ">= x", "low..high" or "" (reported only)."""
        self.figures[name] = Figure(float(value), unit, target)

    @property
    def passed(self) -> bool:
        """Whether every target is met; a report without a single target passes only if it holds figures."""
        return bool(self.figures) and all(figure.met() for figure in self.figures.values())

    def json_line(self) -> str:
        """The one line of JSON that ends the output; not-a-number is written as null."""
        figures = {
            name: {"value": f.value if math.isfinite(f.value) else None, "unit": f.unit, "target": f.target}
            for name, f in self.figures.items()
        }
        return json.dumps({"name": self.name, "passed": self.passed, "figures": figures})

    def print(self, json_file: Path | None = None) -> int:
        """Print table and JSON line, write `json_file` where given, and return the exit code (0: all targets met)."""
        from rich.console import Console
        from rich.table import Table

        table = Table(title=self.name)
        for heading in ("figure", "value", "unit", "target", ""):
            table.add_column(heading, justify="right" if heading == "value" else "left")
        for name, f in self.figures.items():
            verdict = "" if not f.target else ("met" if f.met() else "MISSED")
            table.add_row(name, f"{f.value:.6g}", f.unit, f.target, verdict)
        Console().print(table)
        line = self.json_line()
        if json_file is not None:
            write_text_atomic(json_file, line + "\n")
        print(line, flush=True)
        return 0 if self.passed else 1


def write_text_atomic(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all, also when the disk is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp's are for the owner alone
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process's mask of permissions, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
