"""What `verify` and `bench` share: find the module of a name, run it, print its report."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from pybridge.commands import registered
from pybridge.errors import MaterialError, PybridgeError


def add_arguments(parser: argparse.ArgumentParser, group: str) -> None:
    """NAME, --json, and the options of every registered module."""
    names = sorted(registered(group))
    parser.add_argument("name", metavar="NAME", help=f"one of: {', '.join(names)}; or all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the line of JSON to FILE too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep pictures and result files in DIR")
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="a trained model, where the check compares one"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="FILE", help="another trained model beside it (impacts: PCA + DNN)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smaller case, to try the command; targets may be missed"
    )


def run(options: argparse.Namespace, group: str) -> int:
    """Run one module's `run(options) -> Report`, or all of them one after the other."""
    known = registered(group)
    if options.name != "all" and options.name not in known:
        raise PybridgeError(
            f"{options.command} {options.name}: no such name; expected one of {', '.join(sorted(known))}, all"
        )
    names = sorted(known) if options.name == "all" else [options.name]
    code = 0
    for name in names:
        try:
            report = importlib.import_module(known[name]).run(options)
        except (PybridgeError, MaterialError) as error:
            if len(names) == 1:
                raise
            # A check that cannot run here, for want of a compiler perhaps, keeps the others from nothing.
            print(f"{options.command} {name}: error: {error}", file=sys.stderr)
            code = 2
            continue
        json_file = options.json
        if json_file is not None and len(names) > 1:
            json_file = json_file.with_stem(f"{json_file.stem}-{name}")
        code = max(code, report.print(json_file))
    return code
