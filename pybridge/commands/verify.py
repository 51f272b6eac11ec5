"""Verify physics against published or independent answers; prints a table and, last, one line of JSON.

Exit code 0 only where every target is met. Modules register in the entry-point group "pybridge.verify".
"""

from __future__ import annotations

import argparse

from pybridge.commands import _reports

HELP = "verify physics against published or independent answers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge verify --help`."""
    _reports.add_arguments(parser, "pybridge.verify")


def run(options: argparse.Namespace) -> int:
    """Run the named check."""
    return _reports.run(options, "pybridge.verify")
