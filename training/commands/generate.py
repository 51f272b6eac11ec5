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
from training.executor import make_executor
from training.fine_scale import Law
from training.generate import Part, Plan, generate
from training.paths import DESCRIPTIONS, PathSpec

HELP = "produce stress histories of a fine-scale law: a data set (.h5)"
TAYLOR = "PYBRIDGE_TAYLOR_CRYSTAL"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge generate --help`."""
    protocols = "; ".join(f"{name} {text}" for name, text in DESCRIPTIONS.items())
    parser.add_argument(
        "source", choices=["taylor", "law"], help="taylor: the polycrystal; law: a built-in law"
    )
    parser.add_argument("name", nargs="?", help="with `law`: its name, as PYBRIDGE_J2")
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
    parser.add_argument("--grains", type=int, default=128, help="taylor: orientations (128)")
    parser.add_argument("--texture-seed", type=int, default=0, help="taylor: seed of the orientations (0)")
    parser.add_argument(
        "--constants", default="", metavar="C1,C2,…",
        help="law: its constants (SI); taylor: constants after grains and seed",
    )  # fmt: skip
    parser.add_argument(
        "--density", type=float, default=1.0e4, help="reference density kg/m3 (1e4, [LIU22] A.1)"
    )
    parser.add_argument(
        "--precision", choices=["float64", "float32"], default="float64", help="of the fine scale"
    )
    parser.add_argument("--processes", type=int, default=2, help="worker processes; 0: in this process (2)")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the Dask cluster of this scheduler instead")
    parser.add_argument("--batch", type=int, default=32, help="paths a task (32)")


def run(options: argparse.Namespace) -> int:
    """Make the data set and say what it cost."""
    plan = Plan(_law(options), _parts(options), options.stored, options.batch)
    figures = generate(plan, options.out, make_executor(options.processes, options.dask))
    if figures["new"] == 0:
        print(f"{options.out}: already complete, {figures['paths']} paths")
        return 0
    print(
        f"{options.out}: {figures['paths']} paths ({figures['new']} in this run, {figures['seconds']:.1f} s), "
        f"{figures['failed']} failed, {figures['redraws']} rejected draws"
    )
    return 0


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ConfigError(f"--constants {text}: expected numbers separated by commas") from error


def _law(options: argparse.Namespace) -> Law:
    constants = _numbers(options.constants)
    if options.source == "taylor":
        if options.name:
            raise ConfigError(f"generate taylor: no name expected, got {options.name!r}")
        constants = (float(options.grains), float(options.texture_seed), *constants)
        return Law(TAYLOR, constants, options.density, options.precision)
    if not options.name:
        raise ConfigError("generate law: expected the name of a built-in law, as `generate law PYBRIDGE_J2`")
    return Law(options.name, constants, options.density, options.precision)


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
