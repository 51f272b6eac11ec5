"""A biaxial test or retaining wall with one material, as a run that can be kept in a file and taken from there."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pybridge._core as _core
from abaqus_jobs.soil_wall import WallTest, wall_pressure, wall_problem
from pybridge import __version__
from pybridge.errors import SolverError
from pybridge.model_file import read_model
from pybridge.packing import open_material
from pybridge.solver.implicit import (
    BiaxialTest,
    History,
    MaterialPoints,
    Problem,
    biaxial_problem,
    solve,
    suggested_controls,
)
from pybridge.solver.implicit.biaxial import axial_stress

TELL_SECONDS = 1  # between two lines of progress
RECORDS = ("load", "displacement", "strain", "stress", "residual", "iterations", "pressure", "flagged")


Test = BiaxialTest | WallTest


@dataclass(frozen=True)
class Run:
    """What came out: of every record load (n,), displacement (n, dofs), strain and stress (n, 3, points), residual and
    iterations (n,), pressure under the top or of the wall (n,) Pa, flagged (n, points); CPU and wall seconds, why it stopped or ""."""

    test: Test
    problem: Problem
    steps: int
    load: NDArray
    displacement: NDArray
    strain: NDArray
    stress: NDArray
    residual: NDArray
    iterations: NDArray
    pressure: NDArray
    flagged: NDArray
    cpu: float
    wall: float
    stopped: str = ""

    def deviatoric(self, record: int) -> NDArray:
        """(points,) sqrt((eps_11 - eps_22)^2 + gamma_12^2) of a record."""
        e = self.strain[record]
        return np.sqrt((e[0] - e[1]) ** 2 + e[2] ** 2)

    def at(self, load: float) -> int:
        """The record nearest to a load."""
        return int(np.argmin(np.abs(self.load - load)))

    def save(self, file: Path, settings: dict[str, Any]) -> None:
        """As .npz, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        trial = file.with_name(f".{file.stem}.{os.getpid()}.npz")
        arrays: dict[str, Any] = {name: getattr(self, name) for name in RECORDS}
        numbers = {"cpu": self.cpu, "wall": self.wall, "steps": self.steps, "stopped": self.stopped}
        np.savez_compressed(trial, settings=json.dumps(settings, sort_keys=True), **arrays, **numbers)
        os.replace(trial, file)


def saved_run(file: Path, test: Test, settings: dict[str, Any]) -> Run | None:
    """The run of a file that was made with the same settings."""
    if not file.exists():
        return None
    with np.load(file) as kept:
        if str(kept["settings"]) != json.dumps(settings, sort_keys=True):
            return None
        arrays: dict[str, Any] = {name: kept[name] for name in RECORDS}
        arrays |= {"cpu": float(kept["cpu"]), "wall": float(kept["wall"]), "stopped": str(kept["stopped"])}
        return Run(test=test, problem=problem_of(test), steps=int(kept["steps"]), **arrays)


def problem_of(test: Test, pressure: Callable[[float], float] | None = None) -> Problem:
    """The test as a problem of the implicit solver; `pressure(load)` instead of a biaxial test's constant one."""
    return wall_problem(test) if isinstance(test, WallTest) else biaxial_problem(test, pressure)


def _force(test: Test, problem: Problem, history: History) -> NDArray:
    return (wall_pressure if isinstance(test, WallTest) else axial_stress)(test, problem, history)  # type: ignore[arg-type]


def run_material(
    material: Any, test: Test, steps: int, threads: int, label: str,
    pressure: Callable[[float], float] | None = None, restart: tuple[Path, str] | None = None,
) -> Run:  # fmt: skip
    """Solve the test, under a lateral pressure (Pa) over the load or its own; a run that stops early comes back with what
    it reached. `restart`: of solve()."""
    problem = problem_of(test, pressure)
    points = MaterialPoints(material, problem.mesh.points, threads)
    told = [time.monotonic()]

    def progress(load: float, iterations: int) -> None:
        if time.monotonic() - told[0] > TELL_SECONDS:
            told[0] = time.monotonic()
            print(f"{label}: strain {load * test.strain:.4f}, {iterations} iterations", flush=True)

    stopped = ""
    try:
        history = solve(
            problem,
            points,
            suggested_controls(points, steps=steps),
            progress=progress,
            restart=restart,
        )
    except SolverError as error:
        stopped, history = str(error), getattr(error, "history", None)
        if history is None:
            raise
        print(f"{label}: {stopped}", flush=True)
    return Run(
        test, problem, steps, np.array(history.load), np.array(history.displacement), np.array(history.strain),
        np.array(history.stress), np.array(history.residual), np.array(history.iterations),
        _force(test, problem, history), np.array([s == 1 for s in history.status]),
        sum(history.cpu), sum(history.wall), stopped,
    )  # fmt: skip


def kept_run(
    file: Path, settings: dict[str, Any], test: Test, steps: int, threads: int, label: str,
    material: Callable[[], Any],
) -> Run:  # fmt: skip
    """The run of `file` where it stands with the same settings, test and steps; otherwise a new one, kept there, or one
    that was interrupted and goes on."""
    settings = {**settings, "test": vars(test), "steps": steps, "threads": threads}
    found = saved_run(file, test, settings)
    if found is None:
        mark = json.dumps({**settings, "version": __version__}, sort_keys=True)
        restart = file.with_suffix(".restart.npz"), mark
        found = run_material(material(), test, steps, threads, label, restart=restart)
        found.save(file, settings)
        restart[0].unlink(missing_ok=True)  # left by a run that stopped early
    return found


def wrong(run: Run, packing: str, threads: int) -> NDArray:
    """(whole steps + 1, points) |stress - stress of a packing on the same strain path| / the latter's norm, for a run with
    a network. Where a packing fails, infinite from there on."""
    reached = int(np.floor(run.load[-1] * run.steps + 1e-6))
    points = MaterialPoints(open_material(packing), run.strain.shape[2], threads)
    failed = np.zeros(points.n, bool)
    out = np.zeros((reached + 1, points.n))
    for k in range(reached + 1):
        record = run.at(k / run.steps)
        points.trial(run.strain[record])
        failed |= points.status >= 2
        norms = [np.linalg.norm(s, axis=0) for s in (run.stress[record] - points.stress, points.stress)]
        out[k] = np.divide(norms[0], norms[1], out=np.full(points.n, np.inf), where=~failed & (norms[1] > 0))
        points.accept()
    return out


def reasons(run: Run, model: Path) -> tuple[NDArray, NDArray]:
    """(records, points) twice, of a run with a network: where its members disagree, and where strain or phi are outside the
    trained box by more than a tenth of it."""
    file = read_model(model)
    lowest, highest = file.tensors["input_lowest"], file.tensors["input_highest"]
    slack = 0.1 * (highest - lowest)
    points = MaterialPoints(_core.load_model(str(model), "native", "float64"), run.strain.shape[2])
    apart, outside = [], []
    for strain in run.strain:
        points.trial(strain)
        inputs = np.vstack([strain * np.array([1, 1, 0.5])[:, None], points.shown("accumulated_strain")])
        low, high = ((bound + sign * slack)[:, None] for bound, sign in ((lowest, -1), (highest, 1)))
        outside.append(np.any((inputs < low) | (inputs > high), axis=0))
        apart.append(points.shown("spread")[0] > file.tensors["spread_max"][0])
        points.accept()
    return np.array(apart), np.array(outside)
