"""Say in plain words whether this machine is ready for Abaqus jobs with pybridge, and what to do where it is not.

  pybridge doctor                             the package's own libraries, compilers, environment
  pybridge doctor deploy                      a folder that `pybridge build abaqus` wrote
  pybridge doctor deploy --deck anvil.inp     also the deck: model files, DEPVAR, unit constants, horizon

Each finding is ok, note, warning or error, with its remedy. Exit code 1 where any is an error.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pybridge.errors import ConfigError

HELP = "whether this machine is ready for Abaqus, and what to do if not"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge doctor --help`."""
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help="folder of the libraries (the package's own)"
    )
    parser.add_argument("--deck", type=Path, metavar="FILE", help="a deck (.inp) to check with it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings to FILE as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the findings."""
    from pybridge.deploy.doctor import examine, print_findings

    if options.folder is not None and not options.folder.is_dir():
        raise ConfigError(
            f"{options.folder}: no such folder; expected one that `pybridge build abaqus` wrote"
        )
    if options.deck is not None and not options.deck.is_file():
        raise ConfigError(f"--deck {options.deck}: no such file; expected an Abaqus deck (.inp)")
    return print_findings(examine(options.folder, options.deck), options.json)
