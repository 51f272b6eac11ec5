"""`pybridge verify dem`: the same packing here and in Yade, stress and contact stiffness up to 1 % strain and beyond.

Up to 1 % every record of one packing is compared. Packings of spheres are chaotic well before: moving every centre by
1e-12 m changes their stress as much as another program does, which is measured and shown beside the difference. Where
that happens, and beyond 1 %, the means over ten packings are compared with their scatter.

Needs Yade (Debian, Ubuntu: apt-get install --no-install-recommends yade).
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from pybridge._core import ContactLaw, PackingEngine, PackingParameters
from pybridge.packing import load_library, prepare, uniform_radii
from pybridge.packing.prepare import inertial_time
from pybridge.packing.yade_process import run_yade
from pybridge.report import Report

PRESSURE = 1e5
INERTIAL_NUMBER = 1e-3
RECORDS = 5
NUDGE = 1e-12  # m


def paths(dim: int) -> dict[str, NDArray]:
    """Directions of the strain, the largest component 1."""
    return {
        "isochoric": np.diag([0.5, -1.0, 0.5]) if dim == 3 else np.diag([1.0, -1.0, 0.0]),
        "oedometric": np.diag([0.0, -1.0, 0.0]),
        "shear": np.array([[0, 1.0, 0], [1.0, 0, 0], [0, 0, 0]]),
    }


def drive(packing: PackingEngine, gradient: NDArray, dt: float, steps: int) -> tuple[NDArray, NDArray]:
    """Stress and stiffness after each of RECORDS runs."""
    stress, stiffness = [], []
    for _ in range(RECORDS):
        packing.drive(gradient, dt, steps)
        stress.append(packing.measure().stress)
        stiffness.append(packing.stiffness())
    return np.array(stress), np.array(stiffness)


def nudged(packing: PackingEngine) -> PackingEngine:
    """The packing with every centre moved by about NUDGE."""
    state = packing.state
    state["position"] = state["position"] + NUDGE * np.random.default_rng(1).normal(
        size=state["position"].size
    )
    return PackingEngine(packing.dim, packing.radius, packing.parameters, state)


def apart(a: NDArray, b: NDArray) -> float:
    """Largest over the records of |a - b| / |b|, Frobenius."""
    axes = (1, 2)
    return float(np.max(np.linalg.norm(a - b, axis=axes) / np.linalg.norm(b, axis=axes)))


def run_of(packing: PackingEngine, strain: float) -> tuple[float, float, int]:
    """Strain rate, step, steps a record."""
    rate, dt = INERTIAL_NUMBER / inertial_time(packing, PRESSURE), packing.time_step
    return rate, dt, max(1, round(strain / rate / dt / RECORDS))


def one_packing(report: Report, name: str, packing: PackingEngine, strict: tuple[str, ...]) -> None:
    """Differences up to 1 % strain; targets on the paths in `strict`."""
    for path, direction in paths(packing.dim).items():
        rate, dt, steps = run_of(packing, 0.01)
        stress, stiffness = drive(packing.clone(), rate * direction, dt, steps)
        other = run_yade(packing, rate * direction, dt, steps, RECORDS)
        moved = drive(nudged(packing), rate * direction, dt, steps)[0]
        targets = ("<= 0.005", "<= 0.01") if path in strict else ("", "")
        report.add(f"{name}, {path}: stress up to 1 %", apart(stress, other.stress), "1", targets[0])
        report.add(f"{name}, {path}: stiffness up to 1 %", apart(stiffness, other.stiffness), "1", targets[1])
        report.add(f"{name}, {path}: stress, centres moved by 1e-12 m", apart(moved, stress), "1")


def many_packings(report: Report, dim: int, grains: int, strain: float, count: int) -> None:
    """Means over packings at the end of an isochoric path, their difference over its standard error."""
    ours, theirs = [], []
    for seed in range(count):
        radii = uniform_radii(grains, 0.003, 0.007 if dim == 2 else 0.005, seed=100 + seed)
        packing = prepare(dim, radii, PRESSURE, seed=100 + seed)
        rate, dt, steps = run_of(packing, strain)
        gradient = rate * paths(dim)["isochoric"]
        theirs.append(run_yade(packing, gradient, dt, steps, RECORDS).stress)
        ours.append(drive(packing, gradient, dt, steps)[0])

    # Mean pressure and axial deviator, averaged over the records after the first: numbers that a test reports.
    def figures(stress: list[NDArray]) -> NDArray:
        s = np.array(stress)[:, 1:]
        pressure = -np.trace(s[..., :dim, :dim], axis1=-2, axis2=-1) / dim
        return np.stack([pressure.mean(1), (s[..., 0, 0] - s[..., 1, 1]).mean(1)], axis=1)

    a, b = figures(ours), figures(theirs)
    error = np.sqrt((a.var(0, ddof=1) + b.var(0, ddof=1)) / count)
    kind = "disks" if dim == 2 else "spheres"
    for k, what in enumerate(("pressure", "deviator")):
        title = f"{count} x {grains} {kind} to {strain:.0%}: {what}"
        report.add(f"{title}, difference of means", float(abs(a[:, k].mean() / b[:, k].mean() - 1)), "1")
        scatter = float(b[:, k].std(ddof=1) / b[:, k].mean())
        report.add(f"{title}, scatter of the packings", scatter, "1")
        report.add(
            f"{title}, over its standard error",
            float(abs(a[:, k].mean() - b[:, k].mean()) / error[k]),
            "1",
            "<= 2",
        )


def run(options: argparse.Namespace) -> Report:
    """See `pybridge verify dem`."""
    report = Report("dem")
    everywhere = ("isochoric", "oedometric", "shear")
    one_packing(report, "400 disks", load_library("disks400"), everywhere)
    one_packing(report, "500 spheres", load_library("spheres500"), everywhere)
    hertz = PackingParameters()
    hertz.law, hertz.young, hertz.poisson = ContactLaw.hertz, 7e9, 0.2
    spheres = prepare(3, uniform_radii(300, 0.003, 0.005, seed=1), PRESSURE, hertz)
    one_packing(report, "300 spheres, Hertz-Mindlin", spheres, everywhere)
    count = 3 if options.quick else 10
    many_packings(report, 2, 200, 0.05, count)
    many_packings(report, 3, 200, 0.03, count)
    return report
