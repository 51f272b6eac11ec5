"""Speed of the mini-solver: element-steps a second of C3D8R with J2 through the bindings, on one core, and how the cost
grows with the mesh. A block of elements at rest in one half runs into the other, so that half of it flows plastically.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

import pybridge._core as _core
from pybridge.report import Report
from pybridge.solver.integrator import Integrator
from pybridge.solver.model import Controls, ElementGroup, Model, SolverMaterial

SIZES = ((10, 10, 10), (10, 10, 100), (20, 20, 250))  # 1e3, 1e4, 1e5 elements
COPPER = [117e9, 0.35, 400e6, 0.0, 500e6, 1.0]


def run(options: argparse.Namespace) -> Report:
    """Figures of `pybridge bench solver`."""
    quick = bool(getattr(options, "quick", False))
    report = Report("solver")
    sizes = SIZES[:2] if quick else SIZES
    rates = {}
    for size in sizes:
        elements = int(np.prod(size))
        seconds = seconds_a_step(size, "C3D8R", windows=4 if quick else 12)
        rates[elements] = elements / seconds
        target = ">= 5e5" if elements == 10_000 else ""
        report.add(f"C3D8R, J2, {elements} elements", rates[elements], "element-steps/s", target)
    largest, smallest = max(rates), min(rates)
    growth = (rates[smallest] / rates[largest] - 1.0) if largest > smallest else 0.0
    report.add(
        f"cost an element, {largest} against {smallest} elements",
        1.0 + growth,
        "1",
        "" if quick else "0.5..1.5",
    )
    for kind, size in (("C3D8", (10, 10, 10)), ("CAX4R", (20, 100, 1))):
        elements = int(np.prod(size))
        seconds = seconds_a_step(size, kind, windows=3 if quick else 6)
        report.add(f"{kind}, J2, {elements} elements", elements / seconds, "element-steps/s")
    return report


def seconds_a_step(size: tuple[int, int, int], kind: str, windows: int) -> float:
    """Least CPU time of a step over some windows of time."""
    job = Integrator(block_model(size, kind), Controls(end_time=1.0, threads=1))
    steps = max(2, 20_000 // int(np.prod(size)))
    best = np.inf
    for _ in range(windows):
        begin = time.process_time()
        for _ in range(steps):
            job.step(0.9 * job.stable_dt)
        best = min(best, (time.process_time() - begin) / steps)
    return best


def block_model(size: tuple[int, int, int], kind: str) -> Model:
    """A box of elements of 1 mm; its left half meets its right half at 200 m/s."""
    points, cells = _grid(size) if kind != "CAX4R" else _rectangle(size)
    law = _core.make_law("PYBRIDGE_J2", COPPER, "float64")
    group = ElementGroup(kind, np.arange(len(cells)) + 1, cells, SolverMaterial("COPPER", law, 8930.0))
    velocity = np.zeros_like(points)
    axis = 2 if kind != "CAX4R" else 1
    velocity[points[:, axis] < 0.5 * points[:, axis].max(), axis] = 200.0
    return Model(np.arange(len(points)) + 1, points, (group,), velocity)


def _grid(size: tuple[int, int, int]) -> tuple[NDArray, NDArray]:
    _, ny, nz = size
    axes = [np.arange(n + 1) * 1e-3 for n in size]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    i, j, k = (a.reshape(-1) for a in np.meshgrid(*(np.arange(n) for n in size), indexing="ij"))

    def node(di: int, dj: int, dk: int) -> NDArray[np.int64]:
        return ((i + di) * (ny + 1) + j + dj) * (nz + 1) + k + dk

    corners = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
    return points, np.stack([node(*c) for c in corners], axis=1)


def _rectangle(size: tuple[int, int, int]) -> tuple[NDArray, NDArray]:
    nr, nz, _ = size
    r, z = np.meshgrid(np.arange(nr + 1) * 1e-3, np.arange(nz + 1) * 1e-3, indexing="ij")
    points = np.stack([r.reshape(-1), z.reshape(-1), np.zeros(r.size)], axis=1)
    i, k = (a.reshape(-1) for a in np.meshgrid(np.arange(nr), np.arange(nz), indexing="ij"))
    first = i * (nz + 1) + k
    return points, np.stack([first, first + nz + 1, first + nz + 2, first + 1], axis=1)
