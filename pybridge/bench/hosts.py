"""What the bridge costs: vumat_ beside a direct C++ call of the same material with the same points.

Both run in compiled code, one thread, the smallest CPU time over many windows, taken in turn. The bridge is what
vumat_ adds: finding the material, checking precision, kinematics and answer, energies. Johnson-Cook flows plastically
at every point; linear elasticity, the cheapest law, shows the cost in ns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pybridge._core as core
from pybridge.bench.vumat import BLOCKS, HORIZON, JOHNSON_COOK, PRECISIONS, make_arguments, surrogate_of
from pybridge.errors import PybridgeError
from pybridge.host import VumatLibrary, load_vumat, our_library
from pybridge.report import Report

WINDOW = 1e-3  # s
WINDOWS, QUICK_WINDOWS = 60, 5
TARGET = "<= 0.02"  # of the direct call, Johnson-Cook at 136 points


def direct_call(material: Any, arguments: dict[str, NDArray], n: int) -> Callable[[int], None]:
    """call(repeats): the material's own update with the points of a call of vumat_, arrays of its own for answers."""
    end, dt = float(arguments["totalTime"][0]), float(arguments["dt"][0])
    states = material.state_size

    def rows(name: str) -> NDArray:
        return arguments[name][: 6 * n].reshape(6, n)

    arrays = {
        "strain_inc": rows("strainInc"), "stretch_old": rows("stretchOld"), "stretch_new": rows("stretchNew"),
        "stress_old": rows("stressOld"), "temperature": arguments["tempOld"], "density": arguments["density"],
        "state_old": arguments["stateOld"][: states * n].reshape(states, n), "stress_new": np.empty((6, n), material.dtype),
        "state_new": np.empty((states, n), material.dtype), "dissipation_inc": np.empty(n, material.dtype),
        "status": np.empty(n, np.int32),
    }  # fmt: skip

    def call(repeats: int) -> None:
        material.update(time_old=end - dt, dt=dt, repeats=repeats, **arrays)

    call(1)
    if not (arrays["status"] <= 1).all():
        raise PybridgeError("bench hosts: the direct call failed at a point; it was meant to answer at all")
    return call


def hosted_call(library: VumatLibrary, arguments: dict[str, NDArray]) -> Callable[[int], None]:
    """call(repeats): vumat_ from compiled code."""
    pointers = library.pointers(arguments)
    library.call_pointers(pointers)
    return lambda repeats: library.repeat_pointers(pointers, repeats)


def seconds_a_call(calls: list[Callable[[int], None]], windows: int) -> list[float]:
    """Smallest CPU time of one call of each, measured in turn so that a slow moment hits all."""
    repeats = []
    for call in calls:
        count, spent = 1, 0.0
        while spent < WINDOW:
            count = max(2 * count, int(count * WINDOW / spent)) if spent > 0 else 2 * count
            spent = _timed(call, count)
        repeats.append(count)
    best = [float("inf")] * len(calls)
    for _ in range(windows):
        for k, (call, count) in enumerate(zip(calls, repeats, strict=True)):
            best[k] = min(best[k], _timed(call, count) / count)
    return best


def _timed(call: Callable[[int], None], repeats: int) -> float:
    start = time.process_time()
    call(repeats)
    return time.process_time() - start


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench hosts`."""
    report = Report("hosts")
    windows = QUICK_WINDOWS if options.quick else WINDOWS
    with tempfile.TemporaryDirectory() as folder:
        file = surrogate_of(options, folder)
        for precision, short in PRECISIONS.items():
            library = load_vumat(our_library(precision))
            library.use_model("BENCH_HOSTS", Path(file), "native")
            surrogate = core.load_model(str(file), "native", precision)  # type: ignore[attr-defined]
            end = 0.5 * min(surrogate.domain.time_max, HORIZON)
            cases = (
                ("elastic", "PYBRIDGE_ELASTIC", JOHNSON_COOK[:2], None),
                ("johnson_cook", "PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK, None),
                ("surrogate", "BENCH_HOSTS", (), surrogate),
            )
            for n in BLOCKS:
                for label, name, constants, model in cases:
                    material = model or core.make_law(name, list(constants), precision)
                    arguments = make_arguments(library, name, constants, n, end)
                    times = seconds_a_call(
                        [direct_call(material, arguments, n), hosted_call(library, arguments)], windows
                    )
                    _add(report, f"{short}_{label}_{n}", times, label == "johnson_cook" and n == 136)
    return report


def _add(report: Report, name: str, times: list[float], has_target: bool) -> None:
    direct, hosted = times
    report.add(f"{name}_direct", direct * 1e6, "us/call")
    report.add(f"{name}_vumat", hosted * 1e6, "us/call")
    report.add(f"{name}_bridge", hosted / direct - 1, "of the direct call", TARGET if has_target else "")
