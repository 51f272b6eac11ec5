"""What the bridge costs: vumat_ beside a direct C++ call of the same material with the same points.

Both run in compiled code of one library, on the same arrays, one thread, in turn. Of the CPU times of
many windows the lowest tenth's upper end counts: other work slows windows down, and one moment at a higher clock does
not decide. The bridge is what vumat_ adds: finding the material, checking precision, kinematics and answer, energies.
Johnson-Cook flows plastically at every point; linear elasticity, the cheapest law, shows the cost in ns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.bench.vumat import BLOCKS, HORIZON, JOHNSON_COOK, PRECISIONS, make_arguments, surrogate_of
from pybridge.errors import PybridgeError
from pybridge.host import VumatLibrary, load_vumat, our_library
from pybridge.report import Report

CASES = {
    "elastic": ("PYBRIDGE_ELASTIC", JOHNSON_COOK[:2]),
    "johnson_cook": ("PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK),
    "surrogate": ("BENCH_HOSTS", ()),
}
WINDOW = 5e-4  # s
WINDOWS, QUICK_WINDOWS = 120, 6
TARGET = "<= 0.02"  # of the direct call, Johnson-Cook at 136 points


def direct_call(library: VumatLibrary, arguments: dict[str, NDArray]) -> Callable[[int], None]:
    """call(repeats): the material's own update with the arrays of a call of vumat_."""
    pointers = library.pointers(arguments)
    library.call_pointers(pointers)
    hosted = arguments["stressNew"].copy()
    arguments["stressNew"][:] = np.nan
    library.repeat_update(pointers, 1)
    if not np.array_equal(hosted, arguments["stressNew"]):
        raise PybridgeError("bench hosts: the direct call answered otherwise than vumat_; please report this")
    return lambda repeats: library.repeat_update(pointers, repeats)


def hosted_call(library: VumatLibrary, arguments: dict[str, NDArray]) -> Callable[[int], None]:
    """call(repeats): vumat_ from compiled code."""
    pointers = library.pointers(arguments)
    library.call_pointers(pointers)
    return lambda repeats: library.repeat_pointers(pointers, repeats)


def seconds_in_turn(calls: list[Callable[[int], None]], windows: int) -> NDArray:
    """CPU time of one call of each, s [windows][calls]: in turn and in alternating order, so that a slow moment hits all."""
    repeats = []
    for call in calls:
        count, spent = 1, 0.0
        while spent < WINDOW:
            count = max(2 * count, int(count * WINDOW / spent)) if spent > 0 else 2 * count
            spent = _timed(call, count)
        repeats.append(count)
    seconds = np.empty((windows, len(calls)))
    for window in range(windows):
        order = range(len(calls)) if window % 2 else reversed(range(len(calls)))
        for k in order:
            seconds[window, k] = _timed(calls[k], repeats[k]) / repeats[k]
    return seconds


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
            end = 0.5 * min(library.describe("BENCH_HOSTS", [])["time_max"], HORIZON)
            for n in BLOCKS:
                for label, (name, constants) in CASES.items():
                    arguments = make_arguments(library, name, constants, n, end)
                    calls = [direct_call(library, arguments), hosted_call(library, arguments)]
                    seconds = seconds_in_turn(calls, windows)
                    _add(report, f"{short}_{label}_{n}", seconds, label == "johnson_cook" and n == 136)
    return report


def _add(report: Report, name: str, seconds: NDArray, has_target: bool) -> None:
    direct, hosted = np.quantile(seconds, 0.1, axis=0)
    report.add(f"{name}_direct", direct * 1e6, "us/call")
    report.add(f"{name}_vumat", hosted * 1e6, "us/call")
    report.add(f"{name}_bridge", hosted / direct - 1, "of the direct call", TARGET if has_target else "")
