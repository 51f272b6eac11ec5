"""Make a result file of what abaqus_jobs/cae/read_odb.py took out of an Abaqus output database.

abaqus python read_odb.py anvil.odb anvil.npz        where Abaqus is
pybridge odb anvil.npz --out anvil_abaqus.h5         anywhere
pybridge compare anvil_abaqus.h5 anvil.h5
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "make a result file of an Abaqus output database"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge odb --help`."""
    parser.add_argument("arrays", type=Path, metavar="FILE", help="arrays (.npz) written by read_odb.py")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the result file (.h5)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    from abaqus_jobs.odb import write_result

    frames = write_result(options.arrays, options.out, overwrite=options.overwrite)
    print(f"{options.out}: {frames} frames")
    return 0
