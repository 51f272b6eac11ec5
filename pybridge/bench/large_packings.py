"""`pybridge bench large-packings`: packings of 20,000 grains, from loose grains to a laboratory test, on one thread.

Disks and spheres are thrown, consolidated to 100 kPa, saved, reloaded, and compressed by 2 % with the lateral faces at
100 kPa (biaxial, triaxial). Speed is that of the test's first 1,000 steps at constant volume. --out keeps the packings
and takes them from there. --quick: 2,000 grains.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from pybridge._core import PackingEngine
from pybridge.packing import biaxial, load, prepare, save, triaxial, uniform_radii
from pybridge.packing.prepare import inertial_time
from pybridge.report import Report

PRESSURE, STRAIN = 1e5, 0.02
CREEP = 1e-4  # from here on with friction: without it they rearrange for very long


def run(options: argparse.Namespace) -> Report:
    """Both kinds of grains."""
    report = Report("large-packings")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for dim in (2, 3):
            whole_life(report, dim, 2000 if options.quick else 20_000, folder)
    return report


def whole_life(report: Report, dim: int, count: int, folder: Path, strain: float = STRAIN) -> None:
    """Preparation, file, speed and test of one packing, as figures."""
    name = f"{count} {'disks' if dim == 2 else 'spheres'}"
    file = folder / f"{name.replace(' ', '-')}.h5"

    def add(what: str, value: float, unit: str, target: str = "") -> None:
        report.add(f"{name}: {what}", value, unit, target)

    if not file.exists():
        begin = time.process_time()
        radii = uniform_radii(count, 0.003, 0.007, seed=1)
        packing = prepare(dim, radii, PRESSURE, preparation_creep=CREEP)
        add("preparation, CPU", time.process_time() - begin, "s")
        begin = time.process_time()
        save(file, packing)
        add("saving, CPU", time.process_time() - begin, "s")
        again = load(file)
        same = all(np.array_equal(again.state[key], value) for key, value in packing.state.items())
        add("reloaded with the same bits", float(same), "1", ">= 1")
    add("file", file.stat().st_size / 1e6, "MB")
    packing = load(file)
    measured = packing.measure()
    stress = np.diag(measured.stress)[:dim]
    add("normal stresses over the pressure, furthest from 1", float(np.abs(stress / PRESSURE + 1).max()), "1")
    add("void ratio", measured.void_ratio, "1")
    add("contacts a grain", measured.coordination, "1")
    add("pairs listed a grain", packing.state["first"].size / count, "1")
    _speed(add, packing.clone())
    begin = time.process_time()
    test = (biaxial if dim == 2 else triaxial)(packing, PRESSURE, [-strain], records=20)
    add("test, CPU", time.process_time() - begin, "s")
    axial = -test.stress[:, dim - 1, dim - 1]
    add("test: largest axial stress over the lateral", float(axial.max() / PRESSURE), "1")
    add("test: volume strain", float(test.strain[-1, :dim].sum()), "1")
    add("test: lateral stress off at a record", float(test.error.max() / PRESSURE), "1", "<= 0.01")


def _speed(add, packing: PackingEngine, steps: int = 1000) -> None:
    rate = 1e-3 / inertial_time(packing, PRESSURE)
    gradient = rate * (np.diag([0.5, 0.5, -1.0]) if packing.dim == 3 else np.diag([1.0, -1.0, 0.0]))
    begin, built = time.process_time(), packing.lists_built
    packing.drive(gradient, packing.time_step, steps)
    add("particle-steps a second", packing.count * steps / (time.process_time() - begin), "1/s")
    add("lists built in these steps", packing.lists_built - built, "1")
