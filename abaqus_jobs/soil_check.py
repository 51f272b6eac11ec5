"""The same biaxial test twice on one mesh: with a packing at every Gauss point, and with what was learned from such.

Compared are the pressure under the top, displacements and deviatoric strain at the end, iterations, and time. The
lateral pressure is constant here and was random in the tests that the network was trained on.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pybridge._core as _core
from pybridge.errors import SolverError
from pybridge.packing import load, load_library, packing_material
from pybridge.report import Report
from pybridge.solver.implicit import (
    BiaxialTest,
    Controls,
    History,
    MaterialPoints,
    Problem,
    biaxial_problem,
    solve,
)
from pybridge.solver.implicit.biaxial import axial_stress

GENERATE_SECONDS = 1  # between two lines of progress


@dataclass(frozen=True)
class Run:
    """One run: what was solved, what came out, CPU and wall seconds, why it stopped early (or "")."""

    problem: Problem
    history: History
    cpu: float
    wall: float
    stopped: str = ""

    def deviatoric(self, record: int) -> NDArray:
        """(points,) sqrt((eps_11 - eps_22)^2 + gamma_12^2) of a record."""
        e = self.history.strain[record]
        return np.sqrt((e[0] - e[1]) ** 2 + e[2] ** 2)


def run_material(material: Any, test: BiaxialTest, steps: int, threads: int, label: str) -> Run:
    """Solve the test; a run that stops early comes back with what it reached."""
    problem = biaxial_problem(test)
    points = MaterialPoints(material, problem.mesh.points, threads)
    begun, cpu, told = time.monotonic(), time.process_time(), [time.monotonic()]

    def progress(load: float, iterations: int) -> None:
        if time.monotonic() - told[0] > GENERATE_SECONDS:
            told[0] = time.monotonic()
            print(f"{label}: strain {load * test.strain:.4f}, {iterations} iterations", flush=True)

    stopped = ""
    try:
        history = solve(problem, points, Controls(steps=steps), progress=progress)
    except SolverError as error:
        stopped, history = str(error), getattr(error, "history", None)
        if history is None:
            raise
        print(f"{label}: {stopped}", flush=True)
    return Run(problem, history, time.process_time() - cpu, time.monotonic() - begun, stopped)


def compare(packing: str, model: Path, test: BiaxialTest, steps: int, threads: int, out: Path) -> Report:
    """Both runs, the report, and two pictures in `out`."""
    engine = load(packing) if Path(packing).suffix else load_library(packing)
    dem = run_material(packing_material(engine), test, steps, threads, "packings")
    net = run_material(_core.load_model(str(model), "native", "float64"), test, steps, 1, "network")
    report = Report("soil")
    both = min(dem.history.load[-1], net.history.load[-1])
    grid = np.linspace(0, both, 200)
    a, b = (np.interp(grid, r.history.load, axial_stress(test, r.problem, r.history)) for r in (dem, net))
    report.add("reached, packings", dem.history.load[-1] * test.strain, "1")
    report.add("reached, network", net.history.load[-1] * test.strain, "1")
    report.add("pressure under the top: mean error", float(np.mean(np.abs(b - a)) / a.max()), "1")
    report.add("pressure under the top: error of the peak", float(abs(b.max() / a.max() - 1)), "1")
    record = [int(np.argmin(np.abs(np.array(r.history.load) - both))) for r in (dem, net)]
    u = [r.history.displacement[k] for r, k in zip((dem, net), record, strict=True)]
    report.add("displacement at the end", float(np.linalg.norm(u[1] - u[0]) / np.linalg.norm(u[0])), "1")
    d = [r.deviatoric(k) for r, k in zip((dem, net), record, strict=True)]
    report.add("deviatoric strain at the end", float(np.linalg.norm(d[1] - d[0]) / np.linalg.norm(d[0])), "1")
    for name, r in (("packings", dem), ("network", net)):
        iterations = max(1, sum(r.history.iterations))
        report.add(f"iterations a step, {name}", iterations / max(1, len(r.history.load) - 1), "1")
        report.add(f"largest residual, {name}", max(r.history.residual), "1")
        report.add(f"CPU time an iteration, {name}", 1e3 * r.cpu / iterations, "ms")
        report.add(f"CPU time, {name}", r.cpu, "s")
        report.add(f"wall time, {name}", r.wall, "s")
    per = [r.cpu / max(1, sum(r.history.iterations)) for r in (dem, net)]
    report.add("CPU time an iteration, ratio", per[0] / per[1], "1")
    flagged = np.array([s == 1 for s in net.history.status])
    report.add("points flagged by the network at the end", float(flagged[record[1]].mean()), "1")
    first = np.flatnonzero(flagged.any(axis=1))
    at = net.history.load[int(first[0])] * test.strain if len(first) else float("nan")
    report.add("axial strain at the first flag", at, "1")
    error = np.abs(d[1] - d[0])
    seen = flagged[record[1]]
    if seen.any() and not seen.all():
        report.add("error of deviatoric strain, flagged points", float(error[seen].mean()), "1")
        report.add("error of deviatoric strain, other points", float(error[~seen].mean()), "1")
    out.mkdir(parents=True, exist_ok=True)
    for file in (_curves(test, dem, net, out), _fields(dem, net, record, out)):
        print(file)
    return report


def _save(figure: Any, file: Path) -> Path:
    import matplotlib.pyplot as plt

    trial = file.with_name(f".{file.stem}.{os.getpid()}.png")
    figure.savefig(trial, dpi=130)
    plt.close(figure)
    os.replace(trial, file)
    return file


def _curves(test: BiaxialTest, dem: Run, net: Run, out: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, r, style in (("packings", dem, "k-"), ("network", net, "r--")):
        strain = 100 * test.strain * np.array(r.history.load)
        axes[0].plot(strain, axial_stress(test, r.problem, r.history) / 1e3, style, label=name)
        volume = [float(r.problem.mesh.weights @ (e[0] + e[1])) for e in r.history.strain]
        axes[1].plot(strain, 100 * np.array(volume) / r.problem.mesh.weights.sum(), style, label=name)
    axes[0].set(xlabel="axial strain, %", ylabel="pressure under the top, kPa")
    axes[1].set(xlabel="axial strain, %", ylabel="volume strain, %")
    axes[0].legend()
    return _save(figure, out / "curves.png")


def _fields(dem: Run, net: Run, record: list[int], out: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fields = [100 * r.deviatoric(k) for r, k in zip((dem, net), record, strict=True)]
    top = max(float(f.max()) for f in fields)
    figure, axes = plt.subplots(1, 2, figsize=(6.5, 6), layout="constrained", sharey=True)
    image: Any = None
    for axis, name, r, k, field in zip(
        axes, ("packings", "network"), (dem, net), record, fields, strict=True
    ):
        mesh = r.problem.mesh
        u = r.history.displacement[k]
        moved = mesh.coordinates + mesh.displacement(u)
        image = axis.scatter(*moved, c=field, s=260, marker="s", vmin=0, vmax=top, cmap="viridis")
        axis.set(title=name, aspect="equal", xlabel="m")
    figure.colorbar(image, ax=axes, label="deviatoric strain at the Gauss points, %")
    return _save(figure, out / "fields.png")
