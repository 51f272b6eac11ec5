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
    from training.yield_surface_measure import is_yield_surface

    if is_yield_surface(options.model):
        return run_yield_surface(options)
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


def run_yield_surface(options: argparse.Namespace) -> int:
    """The same for a learned yield surface, which needs no future: one answer for every path."""
    import json

    from pybridge.report import write_text_atomic
    from training.datasets import read_dataset
    from training.evaluate import TABLE_PROTOCOLS, fresh_paths, source_of
    from training.executor import make_executor
    from training.yield_surface_export import load, save
    from training.yield_surface_measure import learned, protocol_errors, table

    model = learned(options.model)
    if options.data is not None:
        found = protocol_errors(model, read_dataset(options.data))
        print("\n".join(table({str(options.data): found})))
        return 0
    base = options.model if options.model.is_dir() else options.model.with_suffix("")
    out = options.out or base / "evaluation"
    source = source_of(model)
    strain = source.spec.strain if options.strain is None else options.strain
    names = [*TABLE_PROTOCOLS, *sorted(set(source.protocols) - set(TABLE_PROTOCOLS))]
    rows = {}
    for name in names:
        data = fresh_paths(source, name, options.paths, strain, out, make_executor(options.processes))
        rows[name] = protocol_errors(model, data)
    lines = [f"Largest strain {strain}; mean relative L2 errors in %.", "", *table(rows)]
    write_text_atomic(
        out / "evaluation.json", json.dumps({"strain": strain, "protocols": rows}, indent=1) + "\n"
    )
    write_text_atomic(out / "evaluation.md", "\n".join(lines) + "\n")
    print("\n".join(lines))
    if options.model.is_dir():
        path = options.model / "surrogate.npz"
        surrogate = load(path)
        save(
            replace(surrogate, card={**surrogate.card, "errors": {**surrogate.card["errors"], **rows}}), path
        )
    return 0
