"""Make a result file of what abaqus_jobs/cae/read_odb.py took out of an Abaqus output database.

pybridge odb --scripts .                             writes read_odb.py and impact.py, for Abaqus's Python
abaqus python read_odb.py anvil.odb anvil.npz        where Abaqus is
pybridge odb anvil.npz --out anvil_abaqus.h5         anywhere
pybridge compare anvil_abaqus.h5 anvil.h5
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from pybridge.errors import ConfigError

HELP = "make a result file of an Abaqus output database"
SCRIPTS = ("read_odb.py", "impact.py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge odb --help`."""
    parser.add_argument(
        "arrays", type=Path, nargs="?", metavar="FILE", help="arrays (.npz) written by read_odb.py"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the result file (.h5)")
    parser.add_argument("--scripts", type=Path, metavar="DIR", help=f"write {' and '.join(SCRIPTS)} to DIR")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def run(options: argparse.Namespace) -> int:
    """Write the scripts, or the file."""
    if options.scripts is not None:
        _write_scripts(options.scripts, options.overwrite)
        if options.arrays is None:
            return 0
    if options.arrays is None or options.out is None:
        raise ConfigError("expected FILE.npz and --out FILE.h5, or --scripts DIR; see pybridge odb --help")
    from abaqus_jobs.odb import write_result

    frames = write_result(options.arrays, options.out, overwrite=options.overwrite)
    print(f"{options.out}: {frames} frames")
    return 0


def _write_scripts(folder: Path, overwrite: bool) -> None:
    source = Path(__file__).resolve().parents[1] / "cae"
    there = [name for name in SCRIPTS if (folder / name).exists()]
    if there and not overwrite:
        raise ConfigError(f"{folder}: {', '.join(there)} there already; give --overwrite, or another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCRIPTS:
        shutil.copyfile(source / name, folder / name)
        print(folder / name)
