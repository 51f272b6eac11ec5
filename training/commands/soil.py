"""Learned soil: coupled tests with a packing at every Gauss point, and a committee of networks trained on them.

    pybridge soil generate --packing disks100 --runs 8 --out soil.h5
    pybridge soil train soil.h5 --members 5 --out soil.pt
    pybridge soil resample results/run.h5 --packing disks100 --points 32 --out flagged.h5
    pybridge soil train soil.h5 flagged.h5 --members 5 --out soil2.pt

An interrupted `generate` or `train` goes on with the same command. `resample` takes the result file of a run with a network.
docs/soil.md says more.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

HELP = "learned soil: coupled tests with packings, and networks trained on them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge soil --help`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    make = actions.add_parser("generate", help="biaxial tests under random lateral pressures, as a data set")
    make.add_argument(
        "--packing", default="disks100", metavar="NAME", help="file or name of the library (disks100)"
    )
    make.add_argument("--runs", type=int, default=8, help="tests (8); the papers ran ten")
    make.add_argument("--steps", type=int, default=50, help="load steps of a test (50)")
    make.add_argument("--strain", type=float, default=0.05, help="final axial strain (0.05)")
    make.add_argument(
        "--mesh", type=int, nargs=2, default=(2, 4), metavar="N", help="columns and rows of Q8 (2 4)"
    )
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--threads", type=int, default=2)
    make.add_argument(
        "--collect", choices=("converged", "iterations"), default="converged",
        help="converged steps (default), or the trial states of all iterations beside them",
    )  # fmt: skip
    make.add_argument("--out", type=Path, required=True, metavar="FILE")
    fit = actions.add_parser("train", help="train a committee and export it to a model file")
    fit.add_argument(
        "data", type=Path, nargs="+", metavar="FILE", help="data sets, each split by its own runs"
    )
    fit.add_argument("--config", type=Path, metavar="TOML", help="keys of training.mlp.MlpConfig")
    fit.add_argument("--members", type=int, help="networks of the committee, instead of the configuration's")
    fit.add_argument("--start", type=Path, metavar="MODEL", help="go on from a committee of the same sizes")
    fit.add_argument("--epochs", type=int, help="most epochs, instead of the configuration's")
    fit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one key of the configuration, in TOML",
    )
    fit.add_argument(
        "--processes", type=int, default=2, help="networks trained at once; 0: one by one in this process (2)"
    )
    fit.add_argument("--out", type=Path, required=True, metavar="FILE")
    again = actions.add_parser(
        "resample", help="paths of flagged points, answered by packings, as a data set"
    )
    again.add_argument(
        "source", type=Path, metavar="RUN", help="a run with a network: result file (.h5), or history (.npz)"
    )
    again.add_argument("--packing", required=True, metavar="NAME", help="file or name of the library")
    many = again.add_mutually_exclusive_group()
    many.add_argument("--points", type=int, default=32, help="flagged points to take at most (32)")
    many.add_argument("--all", action="store_true", help="every point, flagged or not")
    again.add_argument(
        "--records", type=int, help="of a path, straight between those of the run (as many as it has frames)"
    )
    again.add_argument("--threads", type=int, default=2)
    again.add_argument("--out", type=Path, required=True, metavar="FILE")
    part = actions.add_parser(
        "select", help="the points of a data set in the shear band, or those outside it, as a data set"
    )
    part.add_argument("data", type=Path, metavar="FILE")
    part.add_argument("--where", choices=("band", "rest"), required=True)
    part.add_argument("--out", type=Path, required=True, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action."""
    actions = {"generate": _generate, "train": _train, "resample": _resample, "select": _select}
    return actions[options.action](options)


def _generate(options: argparse.Namespace) -> int:
    from pybridge.solver.implicit import BiaxialTest
    from training.soil import generate

    test = BiaxialTest(columns=options.mesh[0], rows=options.mesh[1], strain=options.strain)
    generate(
        options.out, packing=options.packing, runs=options.runs, steps=options.steps, test=test, seed=options.seed,
        threads=options.threads, collect=options.collect,
    )  # fmt: skip
    print(options.out)
    return 0


def _train(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from pybridge.errors import ModelFileError
    from training.atomic import check_model_name
    from training.datasets import parts_folder
    from training.executor import make_executor
    from training.mlp import read_mlp_config
    from training.mlp_export import export_mlp, read_mlp
    from training.mlp_train import train
    from training.soil_sets import read_sets

    check_model_name(options.out)
    config = read_mlp_config(options.config, options.set)
    for name in ("members", "epochs"):
        if getattr(options, name) is not None:
            config = replace(config, **{name: getattr(options, name)})
    sets, provenance = read_sets(options.data)
    parts = parts_folder(options.out)
    model = train(
        sets[0], config, provenance["material"], added=sets[1:],
        start=None if options.start is None else read_mlp(options.start), provenance={"data": provenance["checksum"], "packing": provenance.get("packing")},
        folder=parts, executor=make_executor(options.processes), quiet=False,
        picture=options.out.with_suffix(".training.png"),
    )  # fmt: skip
    for member, log in enumerate(model.card["training"]["members"]):
        print(
            f"member {member}: validation {log['validation']:.4g} at epoch {log['epoch']} of {log['epochs']}"
        )
    for name, value in model.card["errors"].items():
        print(f"{name.replace('_', ', ')}: relative error {value:.4f}")
    try:
        found = export_mlp(model, options.out)
    except ModelFileError as error:
        raise ModelFileError(
            f"{error}; the trained networks stand in {parts}: the same command exports them"
        ) from error
    shutil.rmtree(parts)
    print(f"{options.out}: engines agree within {max(found.values()):.1e} (single precision), "
          f"{max(v for k, v in found.items() if '64' in k):.1e} (double)")  # fmt: skip
    return 0


def _resample(options: argparse.Namespace) -> int:
    from training.soil_resample import resample

    resample(
        options.out, options.source, packing=options.packing, points=None if options.all else options.points,
        threads=options.threads, records=options.records, quiet=False,
    )  # fmt: skip
    print(options.out)
    return 0


def _select(options: argparse.Namespace) -> int:
    from training.soil_sets import select

    select(options.out, options.data, in_band=options.where == "band")
    print(options.out)
    return 0
