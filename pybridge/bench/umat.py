"""Microseconds a call of the compiled umat_, with and without its tangent: laws, and PCA + DNN in the native engine.

Whole calls from compiled code: kinematics, checks, stress, exact tangent turned to the global basis, energies. One
thread, smallest CPU time over many windows. Laws flow plastically.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from pybridge.bench.random_surrogate import write_random_surrogate
from pybridge.host import UmatLibrary, UmatPoint
from pybridge.report import Report

LAWS = {
    "linear elasticity": ("PYBRIDGE_ELASTIC", (200e9, 0.3)),
    "J2": ("PYBRIDGE_J2", (200e9, 0.3, 4e8, 0.0, 5e8, 0.1)),
    "Johnson-Cook": (
        "PYBRIDGE_JOHNSON_COOK",
        (200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9, 7800.0),
    ),
}
# Modes a component, width and number of hidden layers: a network 6-40-40-6, and sizes of trained surrogates.
NETWORKS = {"2 x 40": (1, 40, 2), "3 x 192, 32 modes": (32, 192, 3), "3 x 600, 100 modes": (100, 600, 3)}
HORIZON = 1e-6
WINDOW = 1e-3  # s
GRADIENT = np.array([[0.031, 0.052, -0.017], [-0.024, -0.037, 0.028], [0.011, -0.041, 0.009]])


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench umat`."""
    report = Report("umat")
    windows = 5 if options.quick else 40
    library = UmatLibrary()
    for label, (name, constants) in LAWS.items():
        _add(report, label, UmatPoint(library, name, constants), windows)
    with tempfile.TemporaryDirectory() as folder:
        for label, sizes in NETWORKS.items():
            file = Path(folder) / "network.pt"
            write_random_surrogate(file, *sizes, HORIZON)
            library.use_model("BENCH", file)
            limit = "<= 1" if label == "2 x 40" else ""
            _add(report, f"PCA + DNN {label}", UmatPoint(library, "BENCH"), windows, limit, "<= 3")
    if options.model:
        library.use_model("GIVEN", Path(options.model))
        _add(report, Path(options.model).name, UmatPoint(library, "GIVEN"), windows, "", "<= 3")
    return report


def _add(
    report: Report, label: str, point: UmatPoint, windows: int, limit: str = "", ratio: str = ""
) -> None:
    for a in (0.9, 0.95):
        point.step(np.eye(3) + a * GRADIENT, HORIZON / 50)
    alone, whole = (seconds_a_call(point, tangent, windows) for tangent in (False, True))
    report.add(f"{label}, stress", alone * 1e6, "us/call")
    report.add(f"{label}, stress and tangent", whole * 1e6, "us/call", limit)
    report.add(f"{label}, stress and tangent / stress", whole / alone, "1", ratio)


def seconds_a_call(point: UmatPoint, tangent: bool, windows: int) -> float:
    """CPU time of the call that takes the point a little further."""
    library = point.library
    arguments = point.arguments(np.eye(3) + GRADIENT, HORIZON / 50)
    pointers = library.pointers(arguments, tangent=tangent)

    def timed(repeats: int) -> float:
        start = time.process_time()
        library.repeat_pointers(pointers, repeats)
        return time.process_time() - start

    repeats, spent = 1, 0.0
    while spent < WINDOW:
        repeats *= 2
        spent = timed(repeats)
    return min(timed(repeats) for _ in range(windows)) / repeats
