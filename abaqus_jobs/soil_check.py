"""The same biaxial test twice on one mesh: with a packing at every Gauss point, and with what was learned from such.

Compared are the pressure under the top, displacements and deviatoric strain, iterations, and time. The lateral pressure
is constant here and was random in the tests that the network was trained on.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pybridge._core as _core
from abaqus_jobs.soil_pictures import curves, fields
from abaqus_jobs.soil_runs import Run, run_material
from abaqus_jobs.soil_wall import WallTest
from pybridge.packing import open_material
from pybridge.report import Report
from pybridge.solver.implicit import BiaxialTest

APART = 0.05  # of the peak: the curve has departed


def pressures(dem: Run, net: Run) -> tuple[NDArray, NDArray, NDArray]:
    """Loads of whole steps that both reached, and the pressure under the top there, Pa."""
    both = min(dem.load[-1], net.load[-1])
    grid = np.arange(int(np.floor(both * dem.steps + 1e-6)) + 1) / dem.steps
    return grid, np.interp(grid, dem.load, dem.pressure), np.interp(grid, net.load, net.pressure)


def departure(dem: Run, net: Run) -> float:
    """Strain (axial; of a wall its way over the width) from which on the pressure is off by more than APART of the peak, two whole steps in a row; nan where
    it never is. A run that stops early departs there."""
    grid, a, b = pressures(dem, net)
    off = np.abs(b - a) > APART * a.max()
    rows = np.flatnonzero(off[:-1] & off[1:])
    if len(rows):
        return float(grid[rows[0]] * dem.test.strain)
    return float(net.load[-1] * net.test.strain) if net.load[-1] < dem.load[-1] else math.nan


def add_comparison(
    report: Report, dem: Run, net: Run, prefix: str = "", targets: dict[str, str] | None = None
) -> None:
    """Curves, fields, iterations and times of two runs as figures."""

    def add(name: str, value: float, unit: str) -> None:
        report.add(prefix + name, value, unit, (targets or {}).get(name, ""))

    grid, a, b = pressures(dem, net)
    add("reached, packings", dem.load[-1] * dem.test.strain, "1")
    add("reached, network", net.load[-1] * net.test.strain, "1")
    force = "pressure of the wall" if isinstance(dem.test, WallTest) else "pressure under the top"
    add(f"{force}: mean error", float(np.mean(np.abs(b - a)) / a.max()), "1")
    add(f"{force}: error of the peak", float(abs(b.max() / a.max() - 1)), "1")
    add(f"{force}: error at the end", float(abs(b[-1] / a[-1] - 1)), "1")
    add("strain where it is off by 5 % of the peak", departure(dem, net), "1")
    i, j = dem.at(grid[-1]), net.at(grid[-1])
    add("displacement at the end", _apart(net.displacement[j], dem.displacement[i]), "1")
    d = dem.deviatoric(i), net.deviatoric(j)
    add("deviatoric strain at the end", _apart(d[1], d[0]), "1")
    add("largest deviatoric strain, packings", float(d[0].max()), "1")
    add("largest deviatoric strain, network", float(d[1].max()), "1")
    for name, r in (("packings", dem), ("network", net)):
        iterations = max(1, int(r.iterations.sum()))
        add(f"iterations a step, {name}", iterations / max(1, len(r.load) - 1), "1")
        add(f"largest residual, {name}", float(r.residual.max()), "1")
        add(f"CPU time an iteration, {name}", 1e3 * r.cpu / iterations, "ms")
        add(f"CPU time, {name}", r.cpu, "s")
        add(f"wall time, {name}", r.wall, "s")
    per = [r.cpu / max(1, int(r.iterations.sum())) for r in (dem, net)]
    add("CPU time an iteration, ratio", per[0] / per[1], "1")
    add("CPU time, ratio", dem.cpu / net.cpu, "1")
    add("wall time, ratio", dem.wall / net.wall, "1")
    flagged = net.flagged.any(axis=1)
    add("points flagged at the end", float(net.flagged[j].mean()), "1")
    first = float(net.load[int(flagged.argmax())] * net.test.strain) if flagged.any() else math.nan
    add("strain at the first flag", first, "1")


def add_scatter(report: Report, dem: Run, again: Run, prefix: str) -> None:
    """How far two runs with packings are apart whose loads are all but equal: no network can be nearer to one of them."""
    grid, a, b = pressures(dem, again)
    i, j = dem.at(grid[-1]), again.at(grid[-1])
    fields = [(r.displacement[k], r.deviatoric(k)) for r, k in ((dem, i), (again, j))]
    for name, value in (
        ("pressure: mean error", float(np.mean(np.abs(b - a)) / a.max())),
        ("displacement at the end", _apart(fields[1][0], fields[0][0])),
        ("deviatoric strain at the end", _apart(fields[1][1], fields[0][1])),
    ):
        report.add(prefix + name, value, "1")


def _apart(a: NDArray, b: NDArray) -> float:
    size = float(np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / size if size > 0 else math.nan


def compare(packing: str, model: Path, test: BiaxialTest, steps: int, threads: int, out: Path) -> Report:
    """Both runs on the same number of threads, the report, and two pictures in `out`."""
    dem = run_material(open_material(packing), test, steps, threads, "packings")
    net = run_material(_core.load_model(str(model), "native", "float64"), test, steps, threads, "network")
    report = Report("soil")
    add_comparison(report, dem, net)
    runs = {"packings": dem, "network": net}
    out.mkdir(parents=True, exist_ok=True)
    for file in (curves(runs, out / "curves.png"), fields(runs, out / "fields.png")):
        print(file)
    return report
