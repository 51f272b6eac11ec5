"""Microseconds a point and step of the learned yield surface through the compiled vumat_, both engines.

Every point flows, its step a fifth of a piece long (the network is asked once), a piece (twice) or three (four times). One thread, smallest CPU time over many windows; Johnson-Cook
in the same run. Without --model: the shipped sizes with random weights; speed does not depend on what was learned.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.bench.vumat import BLOCKS, JOHNSON_COOK, PRECISIONS, make_arguments, seconds_a_call
from pybridge.errors import PybridgeError
from pybridge.host import VumatLibrary, load_vumat, our_library
from pybridge.report import Report

STEPS = 12  # towards flow at every point


ASKED_OF = ("f32 nblock 136, 0.2 piece", "f32 nblock 136, 1 piece")


def random_surrogate(path: Path) -> None:
    """A model file of the shipped sizes with seeded random weights."""
    import torch

    from training.yield_surface import YieldSurface
    from training.yield_surface_config import YieldSurfaceConfig
    from training.yield_surface_export import Surrogate, tensors_from, write

    config = YieldSurfaceConfig()
    model = YieldSurface(config.sizes, torch.Generator().manual_seed(0), config.radius_floor).double()
    tensors = tensors_from(
        model, strain_scale=7e-3, time_scale=9e-9, piece=config.piece, ahead=config.ahead, radius_bound=50.0,
        hidden_bound=np.full(config.sizes.states, 10.0), elasticity=np.eye(6, 5), pressure=np.array([48e9]),
    )  # fmt: skip
    card = {
        "kind": "yield_surface", "name": "random", "sizes": vars(config.sizes), "precision": "f64", "training": {}, "errors": {},
        "domain": {"strain_max": None, "rate_max": None, "time_max": None},
        "material": {"bulk": 48e9, "shear": 25e9, "density": 1e4},
    }  # fmt: skip
    write(Surrogate(tensors, card), path)


def flowing(library: VumatLibrary, name: str, n: int, scale: float, pieces: float) -> dict[str, NDArray]:
    """Arguments of a step in the middle of flow, as long as `pieces` times `scale` in the deviator of the stretch."""
    arguments = make_arguments(library, name, (), n, 1e-6)
    arguments["dt"][0] = 5e-9
    direction = np.array([0.55, -0.25, -0.3, 0.4, -0.2, 0.3])
    direction /= np.sqrt((direction**2 * np.array([1, 1, 1, 2, 2, 2])).sum())
    spread = np.linspace(0.9, 0.99, n)
    for key in ("stretchOld", "stretchNew"):
        arguments[key][:] = np.repeat([1.0, 1, 1, 0, 0, 0], n)
    for step in range(STEPS):
        arguments["stateOld"][:] = arguments["stateNew"] if step else 0.0
        arguments["stretchOld"][:] = arguments["stretchNew"]
        strain = np.outer(direction, spread * scale * (pieces if step == STEPS - 1 else 1.0)).ravel()
        arguments["strainInc"][:] = strain
        arguments["stretchNew"][:] += strain
        arguments["defgradNew"][: 6 * n] = arguments["stretchNew"]
        library.call_pointers(library.pointers(arguments))
    return arguments


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench yield-surface`."""
    from pybridge.model_file import read_model

    report = Report("yield-surface")
    windows, blocks = (3, (1, 136)) if options.quick else (15, BLOCKS)
    with tempfile.TemporaryDirectory() as folder:
        file = options.model or Path(folder) / "random.pt"
        if options.model is None:
            random_surrogate(file)
        model = read_model(file)
        if model.kind != "yield_surface":
            raise PybridgeError(f"--model {file}: kind {model.kind!r}; expected a learned yield surface")
        hidden = len(model.tensors["speed"])
        scale = float(model.tensors["scales"][0] * model.tensors["scales"][3])
        for precision, short in PRECISIONS.items():
            library = load_vumat(our_library(precision))
            for engine in ("native", "torchscript"):
                library.use_model(f"SURFACE_{engine}", file, engine)
            for n in blocks:
                base = make_arguments(library, "PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK, n, 1e-6)
                johnson_cook, _ = seconds_a_call(library, base, windows)
                report.add(f"{short} nblock {n}, Johnson-Cook", johnson_cook / n * 1e6, "us/point")
                for pieces in (0.2, 1, 3):
                    _cases(report, library, f"{short} nblock {n}", n, scale, pieces, hidden, windows)
    return report


def _cases(
    report: Report, library: VumatLibrary, label: str, n: int, scale: float, pieces: float, hidden: int, windows: int
) -> None:  # fmt: skip
    label += (
        f", {pieces} piece{'s' if pieces > 1 else ''}"  # 0.2: shorter than `ahead`, the network is asked once
    )
    found = {}
    for engine in ("native", "torchscript"):
        arguments = flowing(library, f"SURFACE_{engine}", n, scale, pieces)
        row = slice((6 + hidden) * n, (7 + hidden) * n)  # equivalent plastic strain
        if not (arguments["stateNew"][row] > arguments["stateOld"][row]).all():
            raise PybridgeError("bench yield-surface: the surface was meant to flow at every point")
        found[engine], _ = seconds_a_call(library, arguments, windows)
        target = "<= 0.15" if engine == "native" and label in ASKED_OF else ""
        report.add(f"{label}, {engine}", found[engine] / n * 1e6, "us/point", target)
    target = ">= 10" if label in ASKED_OF else ""
    report.add(f"{label}, TorchScript / native", found["torchscript"] / found["native"], "1", target)
