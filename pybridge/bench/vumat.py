"""Microseconds a point and step of the compiled vumat_: Johnson-Cook, and PCA + DNN in both engines.

Whole calls, checks and energies included, repeated from compiled code; the overhead of a call through cffi is its own
figure. One thread, smallest CPU time over many windows. Johnson-Cook flows plastically at every point.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.bench.random_surrogate import write_random_surrogate
from pybridge.errors import PybridgeError
from pybridge.host import VumatLibrary, load_vumat, our_library
from pybridge.host.arguments import Sizes, default_arguments
from pybridge.report import Report

BLOCKS = (1, 16, 136, 512)
PRECISIONS = {"float32": "f32", "float64": "f64"}
JOHNSON_COOK = (200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9)
# Random weights of the size of the shipped configuration (training/configs/pca_dnn_impact.toml).
MODES, WIDTH, HIDDEN = 32, 192, 3
HORIZON = 1e-6
WINDOW = 2e-3  # s


def make_arguments(
    library: VumatLibrary, name: str, constants: tuple[float, ...], n: int, end: float
) -> dict[str, NDArray]:
    """A call in the middle of a history: shear and tension that differ from point to point."""
    states = sum(entry["count"] for entry in library.describe(name, list(constants))["states"])
    sizes = Sizes(n, states=states, constants=len(constants))
    arguments = default_arguments(sizes, library.dtype, name, list(constants))
    arguments["totalTime"][0] = arguments["stepTime"][0] = end
    arguments["dt"][0] = end / 100
    arguments["density"][:] = 7800
    scale = np.linspace(1, 2, n)
    strain = np.outer([2e-3, -1.2e-3, -0.9e-3, 1.5e-3, -0.7e-3, 1.1e-3], scale)
    arguments["strainInc"][:] = strain.ravel()
    arguments["stretchNew"][:] += strain.ravel()
    arguments["defgradNew"][: 6 * n] = arguments["stretchNew"]
    arguments["stressOld"][:] = strain.ravel() * 1e11
    if name == "PYBRIDGE_JOHNSON_COOK":
        arguments["stateOld"][:n] = 0.1
        arguments["stateOld"][n : 2 * n] = 1.5e-3 * scale / arguments["dt"][0]
    return arguments


def seconds_a_call(library: VumatLibrary, arguments: dict[str, NDArray], windows: int) -> tuple[float, float]:
    """CPU time of one call: repeated in compiled code, and once through cffi."""
    pointers = library.pointers(arguments)
    library.call_pointers(pointers)
    repeats, spent = 1, 0.0
    while spent < WINDOW:
        repeats = max(2 * repeats, int(repeats * WINDOW / spent)) if spent > 0 else 2 * repeats
        spent = _timed(library.repeat_pointers, pointers, repeats)
    compiled = min(_timed(library.repeat_pointers, pointers, repeats) for _ in range(windows))
    calls = min(repeats, 200)
    through_cffi = min(_timed(_call_often, library, pointers, calls) for _ in range(windows))
    return compiled / repeats, through_cffi / calls


def _call_often(library: VumatLibrary, pointers: list[Any], calls: int) -> None:
    for _ in range(calls):
        library.call_pointers(pointers)


def _timed(work: Any, *arguments: Any) -> float:
    start = time.process_time()
    work(*arguments)
    return time.process_time() - start


def surrogate_of(options: argparse.Namespace, folder: str) -> Path:
    """The file named by --model, or one of random weights."""
    given = getattr(options, "model", None)
    if given is not None:
        if not Path(given).is_file():
            raise PybridgeError(f"--model {given}: no such file; expected a model file (.pt) of pybridge")
        return Path(given)
    path = Path(folder) / "random.pt"
    write_random_surrogate(path, MODES, WIDTH, HIDDEN, HORIZON)
    return path


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench vumat`."""
    report = Report("vumat")
    windows, blocks = (3, (1, 136)) if options.quick else (15, BLOCKS)
    with tempfile.TemporaryDirectory() as folder:
        file = surrogate_of(options, folder)
        for precision, short in PRECISIONS.items():
            library = load_vumat(our_library(precision))
            for engine in ("native", "torchscript"):
                library.use_model(f"BENCH_{engine}", file, engine)
            horizon = library.describe("BENCH_NATIVE", [])["time_max"]
            end = 0.5 * min(horizon, HORIZON)
            smallest = make_arguments(library, "PYBRIDGE_ELASTIC", JOHNSON_COOK[:2], 1, end)
            compiled, through_cffi = seconds_a_call(library, smallest, windows)
            report.add(f"{short} one point, linear elasticity", compiled * 1e6, "us/call")
            report.add(
                f"{short} a call through cffi, beyond that", (through_cffi - compiled) * 1e6, "us/call"
            )
            for n in blocks:
                _block(report, library, f"{short} nblock {n}", n, end, windows)
    return report


def _block(report: Report, library: VumatLibrary, label: str, n: int, end: float, windows: int) -> None:
    base = make_arguments(library, "PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK, n, end)
    johnson_cook, _ = seconds_a_call(library, base, windows)
    if not (base["stateNew"][:n] > base["stateOld"][:n]).all():
        raise PybridgeError("bench vumat: Johnson-Cook was meant to flow at every point")
    report.add(f"{label}, Johnson-Cook", johnson_cook / n * 1e6, "us/point")
    for engine in ("native", "torchscript"):
        arguments = make_arguments(library, f"BENCH_{engine}", (), n, end)
        seconds, _ = seconds_a_call(library, arguments, windows)
        report.add(f"{label}, PCA + DNN {engine}", seconds / n * 1e6, "us/point")
        report.add(f"{label}, PCA + DNN {engine} / Johnson-Cook", seconds / johnson_cook, "1")
