"""Microseconds a call of the compiled umat_, with and without its tangent: laws, and PCA + DNN in the native engine.

Whole calls from compiled code: kinematics, checks, stress, exact tangent turned to the global basis, energies. One
thread, smallest CPU time over many windows, with and without the tangent in turn. Laws flow plastically. Networks for
each instruction set of the processor, or for the one that PYBRIDGE_ISA names.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from pybridge._core import active_isa, supported_isas
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
RATIO = "<= 3"  # missed by larger networks with SSE2 alone: docs/umat.md
GRADIENT = np.array([[0.031, 0.052, -0.017], [-0.024, -0.037, 0.028], [0.011, -0.041, 0.009]])


Times = tuple[str, float, float]  # label, s a call: stress alone, stress and tangent


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench umat`."""
    report = Report("umat")
    windows = 5 if options.quick else 40
    for label, alone, whole in time_laws(windows):
        _add(report, label, alone, whole)
    isas = [active_isa()] if os.environ.get("PYBRIDGE_ISA") else supported_isas()
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for label, sizes in NETWORKS.items():
            files[f"PCA + DNN {label}"] = str(Path(folder) / f"{len(files)}.pt")
            write_random_surrogate(Path(files[f"PCA + DNN {label}"]), *sizes, HORIZON)
        if options.model:
            files[Path(options.model).name] = options.model
        for isa in reversed(isas):
            for label, alone, whole in _with_isa(isa, files, windows):
                small = label.endswith(" 2 x 40") and isa == active_isa()
                _add(report, f"{isa}, {label}", alone, whole, "<= 1" if small else "", RATIO)
    return report


def _with_isa(isa: str, files: dict[str, str], windows: int) -> list[Times]:
    """time_networks in a process of its own: the instruction set is chosen once for a process."""
    before = os.environ.get("PYBRIDGE_ISA")
    os.environ["PYBRIDGE_ISA"] = isa
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(time_networks, files, windows).result()
    finally:
        if before is None:
            del os.environ["PYBRIDGE_ISA"]
        else:
            os.environ["PYBRIDGE_ISA"] = before


def time_laws(windows: int) -> list[Times]:
    """Each of LAWS."""
    library = UmatLibrary()
    points = {label: UmatPoint(library, *law) for label, law in LAWS.items()}
    return [(label, *seconds_a_call(point, windows)) for label, point in points.items()]


def time_networks(files: dict[str, str], windows: int) -> list[Times]:
    """Each of the model files, by label."""
    library = UmatLibrary()
    times = []
    for k, (label, file) in enumerate(files.items()):
        library.use_model(f"BENCH{k}", Path(file))
        times.append((label, *seconds_a_call(UmatPoint(library, f"BENCH{k}"), windows)))
    return times


def _add(report: Report, label: str, alone: float, whole: float, limit: str = "", ratio: str = "") -> None:
    report.add(f"{label}, stress", alone * 1e6, "us/call")
    report.add(f"{label}, stress and tangent", whole * 1e6, "us/call", limit)
    report.add(f"{label}, stress and tangent / stress", whole / alone, "1", ratio)


def seconds_a_call(point: UmatPoint, windows: int) -> tuple[float, float]:
    """CPU time of the call that takes the point a little further, without and with its tangent."""
    library = point.library
    for a in (0.9, 0.95):
        point.step(np.eye(3) + a * GRADIENT, HORIZON / 50)
    arguments = point.arguments(np.eye(3) + GRADIENT, HORIZON / 50)
    calls = [library.pointers(arguments, tangent=tangent) for tangent in (False, True)]

    def timed(call: int, repeats: int) -> float:
        start = time.process_time()
        library.repeat_pointers(calls[call], repeats)
        return time.process_time() - start

    repeats, best = [1, 1], [np.inf, np.inf]
    for call in (0, 1):
        while timed(call, repeats[call]) < WINDOW:
            repeats[call] *= 2
    for _ in range(windows):
        for call in (0, 1):
            best[call] = min(best[call], timed(call, repeats[call]) / repeats[call])
    return best[0], best[1]
