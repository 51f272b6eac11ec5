"""Time of a point in committees of one to five networks, through the native engine and through the compiled vumat_.

Random weights (the speed does not depend on what was learned), 2 x 40, ReLU; one thread, smallest CPU time over many
windows, in turn. Five members must cost no more than five times one ([QU23A] Fig. 24 has five).
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import pybridge._core as _core
from pybridge.bench.vumat import make_arguments, seconds_a_call
from pybridge.host import load_vumat, our_library
from pybridge.report import Report

POINTS, BLOCK = 512, 136
MEMBERS: tuple[int, ...] = (1, 5)
WINDOWS = 30


def random_committee(path: Path, members: int, width: int = 40) -> None:
    """A model file with seeded random weights."""
    from training.mlp import Mlp
    from training.mlp_export import export_mlp

    rng = np.random.default_rng(members)
    sizes = (6, width, width, 9)
    weights = tuple(
        tuple(rng.normal(size=(b, a)) * (2 / a) ** 0.5 for a, b in itertools.pairwise(sizes))
        for _ in range(members)
    )
    biases = tuple(tuple(0.1 * rng.normal(size=b) for b in sizes[1:]) for _ in range(members))
    card = {"material": {"bulk": 2e7, "shear": 1e7, "density": 2200.0}, "training": {}, "errors": {}}
    box = np.array([0.1, 0.1, 0.1])
    committee = Mlp(
        weights, biases, "relu", np.ones(6), np.full(9, 1e5), np.zeros(9),
        np.concatenate([-box, 0 * box]), np.concatenate([box, 2 * box]), 1e5, 10.0, 0.0, card,
    )  # fmt: skip
    export_mlp(committee, path)


def update(material: Any) -> Any:
    """A call of the native engine on POINTS points, as a function without arguments."""
    dtype = np.dtype(material.dtype)
    old, new = (np.zeros((material.state_size, POINTS), dtype) for _ in range(2))
    stretch, stress = np.zeros((6, POINTS), dtype), np.zeros((6, POINTS), dtype)
    stretch[:3] = 1
    moved = stretch + np.random.default_rng(0).uniform(-1e-3, 1e-3, stretch.shape).astype(dtype)
    rest, density, status = np.zeros(POINTS, dtype), np.ones(POINTS, dtype), np.zeros(POINTS, np.int32)
    arguments: dict[str, Any] = {
        "time_old": 0.0, "dt": 1.0, "strain_inc": moved - stretch, "stretch_old": stretch, "stretch_new": moved,
        "temperature": rest, "density": density, "stress_old": stress, "state_old": old, "stress_new": stress.copy(),
        "state_new": new, "dissipation_inc": rest.copy(), "status": status,
    }  # fmt: skip
    return lambda: material.update(**arguments)


def window(call: Any, seconds: float = 0.01) -> float:
    """CPU seconds of one call, over a window."""
    count, begun = 0, time.process_time()
    while (spent := time.process_time() - begun) < seconds:
        call()
        count += 1
    return spent / count


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench committee`."""
    report = Report("committee")
    with tempfile.TemporaryDirectory() as folder:
        files = {m: Path(folder) / f"MEMBERS{m}.pt" for m in MEMBERS}
        for members, file in files.items():
            random_committee(file, members)
        for precision in ("float64", "float32"):
            calls = {m: update(_core.load_model(str(f), "native", precision)) for m, f in files.items()}
            best = dict.fromkeys(MEMBERS, np.inf)
            for _ in range(5 if options.quick else WINDOWS):
                for m, call in calls.items():
                    best[m] = min(best[m], window(call))
            for m in MEMBERS:
                report.add(f"native, {precision}, {m} members: a point", 1e9 * best[m] / POINTS, "ns")
            ratio = best[MEMBERS[-1]] / best[MEMBERS[0]]
            report.add(f"native, {precision}: five members over one", ratio, "1", "<= 5")
        _vumat(report, files, options.quick)
    return report


def _vumat(report: Report, files: dict[int, Path], quick: bool) -> None:
    library = load_vumat(our_library("float64"))
    calls, best = {}, dict.fromkeys(files, np.inf)
    for m, file in files.items():
        library.use_model(f"COMMITTEE_{m}", file)
        calls[m] = make_arguments(library, f"COMMITTEE_{m}", (), BLOCK, 1e-6)
    for _ in range(2 if quick else 5):
        for m, arguments in calls.items():
            best[m] = min(best[m], seconds_a_call(library, arguments, 3)[0])
    for m, seconds in best.items():
        report.add(f"vumat_, float64, {m} members: a point", 1e9 * seconds / BLOCK, "ns")
    report.add("vumat_, float64: five members over one", best[5] / best[1], "1", "<= 5")
