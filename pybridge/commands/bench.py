"""Measure speed, as ratios within one run; prints a table and, last, one line of JSON.

Exit code 0 only where every target is met. Modules register in the entry-point group "pybridge.bench".
"""

from __future__ import annotations

import argparse

from pybridge.commands import _reports

HELP = "measure speed, as ratios within one run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge bench --help`."""
    _reports.add_arguments(parser, "pybridge.bench")


def run(options: argparse.Namespace) -> int:
    """Run the named check."""
    return _reports.run(options, "pybridge.bench")
