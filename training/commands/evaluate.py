"""Measure the errors of a surrogate against the fine scale it was trained on.

  pybridge evaluate runs/pca_dnn --out runs/pca_dnn/evaluation
  pybridge evaluate magnesium.pt --data laboratory.h5

Fresh test paths of every protocol are run through the fine scale (kept in --out and reused). Every error is given for
total, deviatoric and volumetric stress; "held" is what a solver gets, where the future of a path is unknown.
Writes evaluation.md, evaluation.json and pictures. The errors are also noted in the training folder, so that a later
`pybridge export` writes them on the model's card.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

HELP = "measure a surrogate's errors against the fine scale"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge evaluate --help`."""
    parser.add_argument("model", type=Path, help="training folder, its surrogate.npz, or a model file (.pt)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for tables and pictures (MODEL/evaluation)"
    )
    parser.add_argument("--paths", type=int, default=100, help="test paths of each protocol (100)")
    parser.add_argument("--strain", type=float, help="largest strain of the test paths (that of training)")
    parser.add_argument("--processes", type=int, default=2, help="worker processes for the fine scale (2)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="evaluate on this data set only (.h5)")


def run(options: argparse.Namespace) -> int:
    """Evaluate and print the table."""
    from training.datasets import read_dataset
    from training.evaluate import protocol_row, source_of
    from training.evaluation_report import run_evaluation, table
    from training.executor import make_executor
    from training.export import load_any
    from training.pca_dnn import save_surrogate

    model = load_any(options.model)
    if options.data is not None:
        row = protocol_row(model, read_dataset(options.data))
        for key in ("whole", "held", "linear"):
            print(
                f"{key}: " + ", ".join(f"{n} {100 * v:.2f} %" for n, v in row[key].items() if v is not None)
            )
        return 0
    base = options.model if options.model.is_dir() else options.model.with_suffix("")
    out = options.out or base / "evaluation"
    result = run_evaluation(
        model, source_of(model), out, make_executor(options.processes), options.paths, options.strain
    )
    print("\n".join(table(result)))
    if options.model.is_dir():
        measured = {
            f"{name}, {key}": row[key]
            for name, row in result["protocols"].items()
            for key in ("whole", "held")
        }
        card = {**model.card, "errors": {**model.card["errors"], **measured}}
        save_surrogate(replace(model, card=card), options.model / "surrogate.npz")
    return 0
