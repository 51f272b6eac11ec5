"""Speed of packings: particle-steps a CPU second beside Yade in one run, and the time of a coupled cycle.

One thread each. The packings are driven isochorically to 1 % strain in five runs, here and in Yade in turn; the median
of the five ratios counts. A coupled cycle is what a solver asks of a point in an iteration: state in, increment, stress,
stiffness, state out. Without Yade only this side is measured, and the ratios are missing.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from pybridge._core import PackingEngine
from pybridge.packing import load_library, packing_material, prepare, uniform_radii
from pybridge.packing.prepare import inertial_time
from pybridge.packing.yade_process import available, run_yade
from pybridge.report import Report

RUNS = 5


def speed(report: Report, name: str, packing: PackingEngine, target: str) -> None:
    """Particle-steps a second here and in Yade, and the median ratio."""
    dim, dt = packing.dim, packing.time_step
    rate = 1e-3 / inertial_time(packing, 1e5)
    gradient = rate * (np.diag([0.5, -1.0, 0.5]) if dim == 3 else np.diag([1.0, -1.0, 0.0]))
    steps = max(1, round(0.01 / rate / dt / RUNS))
    work = packing.count * steps
    theirs = run_yade(packing, gradient, dt, steps, RUNS).seconds if available() else np.full(RUNS, np.nan)
    ours = np.zeros(RUNS)
    for k in range(RUNS):
        begin = time.process_time()
        packing.drive(gradient, dt, steps)
        ours[k] = time.process_time() - begin
    report.add(f"{name}: particle-steps a second", work / float(np.median(ours)), "1/s")
    if available():
        report.add(f"{name}: particle-steps a second, Yade", work / float(np.median(theirs)), "1/s")
        report.add(f"{name}: times Yade", float(np.median(theirs / ours)), "1", target)


def cycle(report: Report, name: str) -> None:
    """Milliseconds of one call of the material for one point, increments of 1e-4 and 1e-3."""
    material = packing_material(load_library(name))
    size = material.state_size
    for strain in (1e-4, 1e-3):
        old, new = np.zeros((size, 1)), np.zeros((size, 1))
        stress, status, out = np.zeros((6, 1)), np.zeros(1, np.int32), np.zeros(1)
        u_old = np.array([[1.0], [1], [1], [0], [0], [0]])
        spent = []
        for k in range(1, 11):
            u_new = u_old.copy()
            u_new[1] = 1 - k * strain
            begin = time.process_time()
            material.update(
                time_old=0.0, dt=1.0, strain_inc=u_new - u_old, stretch_old=u_old, stretch_new=u_new,
                temperature=out * 0, density=out * 0 + 1, stress_old=stress, state_old=old, stress_new=stress.copy(),
                state_new=new, dissipation_inc=out, status=status,
            )  # fmt: skip
            spent.append(time.process_time() - begin)
            old, new, u_old = new, old, u_new
        report.add(f"{name}: coupled cycle, strain step {strain:g}", 1e3 * float(np.median(spent)), "ms")


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench dem`."""
    report = Report("dem")
    speed(report, "400 disks", load_library("disks400"), ">= 15")
    if not options.quick:
        speed(report, "1000 disks", prepare(2, uniform_radii(1000, 0.003, 0.007, seed=1), 1e5), ">= 15")
        speed(report, "1000 spheres", prepare(3, uniform_radii(1000, 0.003, 0.007, seed=1), 1e5), ">= 8")
    speed(report, "500 spheres", load_library("spheres500"), ">= 8")
    for name in ("disks400", "spheres500"):
        cycle(report, name)
    return report
