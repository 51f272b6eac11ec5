"""Run a table of problems: velocity, geometry, material and host as columns; one HDF5, one table, one picture.

  name,   problem,      velocity, height, material,     host
  slow,   taylor-anvil, 100,      5e-3,   magnesium-jc, bindings
  fast,   taylor-anvil, 300,      5e-3,   rod.pt,       vumat

  pybridge study table.csv --out study --processes 4

Columns: name, problem (taylor-anvil, copper-rod, plate-impact), material (magnesium-jc, copper, or a model file beside
the table), host (bindings, vumat, torchscript, fine-scale, with :single for single precision), density (kg/m3), and
any parameter of the problem (docs/problems.md). An interrupted study goes on with the same command; complete runs are
taken again. Exit code 1 where a run failed; its row says why.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "run a table of problems; one data file, table and picture"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge study --help`."""
    parser.add_argument("table", type=Path, metavar="TABLE", help="the runs, values between commas (.csv)")
    parser.add_argument(
        "--out", type=Path, default=Path("study"), metavar="DIR", help="folder of all files (study)"
    )
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="runs at once (1)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of each run (1)")


def run(options: argparse.Namespace) -> int:
    """Run the study."""
    from abaqus_jobs.study import run_study

    rows = run_study(options.table, options.out, processes=options.processes, threads=options.threads)
    for kind in ("h5", "csv", "png"):
        print(options.out / f"study.{kind}")
    return 1 if any(row["error"] for row in rows) else 0
