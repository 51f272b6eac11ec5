"""Turn a trained surrogate into one model file (.pt) that the compiled VUMAT, the mini-solver and PyTorch read.

  pybridge export runs/pca_dnn --out magnesium.pt

The file is reloaded in the native and in the TorchScript engine, in both precisions, and compared with the trained
surrogate on random histories at uneven time steps before it is put in place.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "turn a trained surrogate into a model file (.pt)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge export --help`."""
    parser.add_argument("training", type=Path, help="folder of a training, or its surrogate.npz")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the model file to write (NAME.pt)"
    )
    parser.add_argument("--name", help="name on the card (that of the file)")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")


def run(options: argparse.Namespace) -> int:
    """Export and say how the engines compared."""
    from pybridge.errors import ModelFileError
    from training import yield_surface_export
    from training.export import export, load_any

    if options.out.exists() and not options.force:
        raise ModelFileError(f"{options.out} exists; choose another --out, or --force to replace it")
    if yield_surface_export.holds(options.training):
        folder = options.training
        surrogate = yield_surface_export.load(folder / "surrogate.npz" if folder.is_dir() else folder)
        found = yield_surface_export.export(surrogate, options.out, options.name)
    else:
        found = export(load_any(options.training), options.out, options.name)
    size = options.out.stat().st_size / 1e6
    print(
        f"{options.out}: {size:.1f} MB, reloaded and compared; largest difference over the largest stress (yield surface: deviator):"
    )
    for key, value in found.items():
        print(f"  {key:22s} {value:.1e}")
    return 0
