"""Produce stress histories of a fine-scale law along sampled deformation paths, as a data set (.h5).

  pybridge generate taylor --paths 3200 --protocol R --strain 0.1 --out crystal.h5
  pybridge generate taylor --protocol R:2000:0.1,impact:4000:0.4 --out impact.h5
  pybridge generate law PYBRIDGE_J2 --constants 45e9,0.3,100e6,0 --paths 100 --out j2.h5

`taylor` is a magnesium polycrystal, Taylor average over --grains orientations. An interrupted run (Ctrl-C, kill,
full disk) loses no finished path: the same command goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pybridge.errors import ConfigError
from training.commands._laws import add_law_arguments, law_of
from training.executor import make_executor
from training.generate import Part, Plan, generate
from training.paths import DESCRIPTIONS, PathSpec

HELP = "produce stress histories of a fine-scale law: a data set (.h5)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge generate --help`."""
    protocols = "; ".join(f"{name} {text}" for name, text in DESCRIPTIONS.items())
    add_law_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the data set to write")
    parser.add_argument("--paths", type=int, default=3200, help="number of paths (3200)")
    parser.add_argument(
        "--protocol",
        default="R",
        metavar="P",
        help=f"NAME, or several as NAME:PATHS[:STRAIN],…: {protocols} (R)",
    )
    parser.add_argument("--strain", type=float, default=0.1, help="largest strain U_max (0.1)")
    parser.add_argument(
        "--duration", type=float, default=1e-6, metavar="T", help="duration of a path in s (1e-6)"
    )
    parser.add_argument("--steps", type=int, default=1000, help="time steps of the fine scale (1000)")
    parser.add_argument("--stored", type=int, default=200, help="steps that are stored (200)")
    parser.add_argument("--intervals", type=int, default=10, help="intervals N of a random walk (10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the paths (0)")
    parser.add_argument("--processes", type=int, default=2, help="worker processes; 0: in this process (2)")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the Dask cluster of this scheduler instead")
    parser.add_argument("--batch", type=int, default=32, help="paths a task (32)")


def run(options: argparse.Namespace) -> int:
    """Make the data set and say what it cost."""
    plan = Plan(law_of(options), _parts(options), options.stored, options.batch)
    figures = generate(plan, options.out, make_executor(options.processes, options.dask))
    if figures["new"] == 0:
        print(f"{options.out}: already complete, {figures['paths']} paths")
        return 0
    print(
        f"{options.out}: {figures['paths']} paths ({figures['new']} in this run, {figures['seconds']:.1f} s), "
        f"{figures['failed']} failed, {figures['redraws']} rejected draws"
    )
    return 0


def _parts(options: argparse.Namespace) -> tuple[Part, ...]:
    parts = []
    for text in options.protocol.split(","):
        name, *rest = text.split(":")
        try:
            paths = int(rest[0]) if rest else options.paths
            strain = float(rest[1]) if len(rest) > 1 else options.strain
        except ValueError as error:
            raise ConfigError(f"--protocol {text}: expected NAME, NAME:PATHS or NAME:PATHS:STRAIN") from error
        spec = PathSpec(name, strain, options.duration, options.steps, options.intervals, options.seed)
        parts.append(Part(spec, paths))
    return tuple(parts)
