"""Learned soil: coupled tests with a packing at every Gauss point, and a committee of networks trained on them.

    pybridge soil generate --packing disks100 --runs 8 --out soil.h5
    pybridge soil train soil.h5 --members 5 --out soil.pt

An interrupted `generate` goes on with the same command. docs/theory/packings.md has the equations.
"""

from __future__ import annotations

import argparse
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
    make.add_argument("--out", type=Path, required=True, metavar="FILE")
    fit = actions.add_parser("train", help="train a committee and export it to a model file")
    fit.add_argument("data", type=Path, metavar="FILE")
    fit.add_argument("--config", type=Path, metavar="TOML", help="keys of training.mlp.MlpConfig")
    fit.add_argument("--members", type=int, help="networks of the committee, instead of the configuration's")
    fit.add_argument("--epochs", type=int, help="most epochs, instead of the configuration's")
    fit.add_argument("--out", type=Path, required=True, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action."""
    return (_generate if options.action == "generate" else _train)(options)


def _generate(options: argparse.Namespace) -> int:
    from pybridge.solver.implicit import BiaxialTest
    from training.soil import generate

    test = BiaxialTest(columns=options.mesh[0], rows=options.mesh[1], strain=options.strain)
    generate(
        options.out, packing=options.packing, runs=options.runs, steps=options.steps, test=test, seed=options.seed,
        threads=options.threads,
    )  # fmt: skip
    print(options.out)
    return 0


def _train(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from training.mlp import MlpConfig, read_mlp_config, train
    from training.mlp_export import export_mlp
    from training.soil import read_samples

    config = MlpConfig() if options.config is None else read_mlp_config(options.config)
    for name in ("members", "epochs"):
        if getattr(options, name) is not None:
            config = replace(config, **{name: getattr(options, name)})
    samples, provenance = read_samples(options.data)
    model = train(samples, config, provenance["material"], provenance={"data": provenance["checksum"]})
    for member, log in enumerate(model.card["training"]["members"]):
        print(
            f"member {member}: validation {log['validation']:.4g} at epoch {log['epoch']} of {log['epochs']}"
        )
    for name, value in model.card["errors"].items():
        print(f"{name.replace('_', ', ')}: relative error {value:.4f}")
    found = export_mlp(model, options.out)
    print(f"{options.out}: engines agree within {max(found.values()):.1e} (single precision), "
          f"{max(v for k, v in found.items() if '64' in k):.1e} (double)")  # fmt: skip
    return 0
