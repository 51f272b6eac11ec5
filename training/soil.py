"""Data for soil: biaxial tests with a packing at every point under random lateral pressures ([GUAN22] 3.4).

Every Gauss point's history of strain, stress and contact stiffness becomes a path of the data set; `run` says which
test it came from. With `collect` = "iterations" the trial states of the iterations are kept beside them, as the paper
did. Finished tests stand in FILE.parts, and where an unfinished one is, so that the same command goes on after an
interruption.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from pybridge.errors import DataSetError, SolverError
from pybridge.packing import open_material, split_options
from pybridge.solver.implicit import (
    BiaxialTest,
    History,
    MaterialPoints,
    biaxial_problem,
    solve,
    suggested_controls,
)
from training.atomic import atomic_path
from training.datasets import check_same, parts_folder, read_dataset
from training.progress import progress_bar
from training.soil_sets import write_samples

COLLECT = ("converged", "iterations")
KEPT_FROM = 0.5  # of the way: a test that came so far is kept


def pressure_path(
    steps: int, seed: int, index: int, mean: float = 1e5, spread: float = 0.3, least: float = 0.3
) -> NDArray:
    """(steps + 1,) lateral pressure, Pa, from a Gaussian process that starts at the mean ([GUAN22] Eq. 16 to 17).

        f ~ GP(mean, (spread mean)^2 x x' exp(-v_c 4 (x - x')^2)),  v_c uniform from 1 to 5,  x from 0 to 1

    Eq. 17 as printed is not symmetric and has variance at x = 0; the factors x, x' in front give what its text asks
    for: the consolidation pressure at the start. Clipped at `least` x mean.
    """
    rng = np.random.default_rng([seed, 7, index])
    x = np.linspace(0, 1, steps + 1)
    curvature = rng.uniform(1, 5)
    kernel = np.outer(x, x) * np.exp(-4 * curvature * (x[:, None] - x[None]) ** 2)
    values, vectors = np.linalg.eigh(kernel)
    path = vectors @ (np.sqrt(np.maximum(values, 0)) * rng.normal(size=steps + 1))
    return np.maximum(mean * (1 + spread * path), least * mean)


class _Watched(MaterialPoints):
    """Points that keep every trial taken from a whole step of `steps`."""

    def __init__(self, material: Any, n: int, threads: int, steps: int) -> None:
        super().__init__(material, n, threads)
        self.steps = steps
        self.record: list[int] = []
        self.kept: dict[str, list[NDArray]] = {"strain": [], "stress": [], "stiffness": []}

    def trial(self, strain: NDArray, dt: float = 1.0) -> None:
        super().trial(strain, dt)
        whole = round(self.time * self.steps)
        if dt > 0 and abs(self.time * self.steps - whole) < 1e-6 and not np.any(self.status >= 2):
            tensor = strain * np.array([1, 1, 0.5])[:, None]
            for name, value in (("strain", tensor), ("stress", self.stress)):
                self.kept[name].append(value)
            self.kept["stiffness"].append(self.stiffness()[np.triu_indices(3)])
            self.record.append(whole)

    def iterations(self) -> dict[str, NDArray]:
        """iteration_path, iteration_record (k,), iteration_strain, ..., each trial of each point a row."""
        rows = {name: np.concatenate([v.T for v in values]) for name, values in self.kept.items()}
        places = {
            "path": np.tile(np.arange(self.n), len(self.record)),
            "record": np.repeat(self.record, self.n),
        }
        return {f"iteration_{name}": value for name, value in (places | rows).items()}


def run_test(
    packing: str, test: BiaxialTest, steps: int, pressure: NDArray | None, threads: int, collect: str = "converged",
    restart: tuple[Path, str] | None = None, progress: Callable[[float, int], None] | None = None,
) -> dict[str, NDArray]:  # fmt: skip
    """One coupled test with lateral pressures (steps + 1,) Pa, or the test's constant one: what it gives as data.
    `restart`, `progress`: of solve(). A restart file does not keep the trial states that "iterations" asks for."""
    x = np.linspace(0, 1, steps + 1)
    lateral = None if pressure is None else (lambda load: float(np.interp(load, x, pressure)))
    problem = biaxial_problem(test, lateral)
    points = _Watched(open_material(packing), problem.mesh.points, threads, steps)
    controls = suggested_controls(points, steps=steps)
    restart = restart if collect == "converged" else None
    history = solve(problem, points, controls, restart=restart, progress=progress)
    data = at_whole_steps(history, steps)
    return data | points.iterations() if collect == "iterations" else data


def at_whole_steps(history: History, steps: int) -> dict[str, NDArray]:
    """strain (points, steps + 1, 3) tensor components, stress, stiffness at the loads k / steps; where a run stopped early,
    its last record from there on."""
    load = np.array(history.load)
    keep = [int(np.argmin(np.abs(load - k / steps))) for k in range(steps + 1)]
    strain = np.array(history.strain)[keep].transpose(2, 0, 1).copy()
    strain[:, :, 2] *= 0.5
    stress = np.array(history.stress)[keep].transpose(2, 0, 1)
    return {
        "strain": strain,
        "stress": stress,
        "stiffness": np.array(history.stiffness)[keep].transpose(2, 0, 1),
    }


def generate(
    out: Path, *, packing: str = "disks100", runs: int = 8, steps: int = 50, test: BiaxialTest | None = None,
    seed: int = 0, threads: int = 2, collect: str = "converged", tell: Callable[[str], None] = print,
    quiet: bool = False,
) -> None:  # fmt: skip
    """Run the tests and write the data set, converged steps or all "iterations". A test that stops early is told, and kept as
    far as it came if that is half of the way or more (not with "iterations"). Raises DataSetError where fewer than three are
    left, or FILE.parts holds tests of other settings."""
    out = Path(out)
    test = BiaxialTest() if test is None else test
    if collect not in COLLECT:
        raise DataSetError(f"collect = {collect!r}: expected one of {', '.join(COLLECT)}")
    for name, value, least in (("runs", runs, 3), ("steps", steps, 1), ("threads", threads, 1)):
        if value < least:
            raise DataSetError(f"{name} = {value}: expected {least} or more")
    open_material(packing)  # a name that is unknown is told before anything is written
    settings = {"packing": packing, "steps": steps, "test": vars(test), "seed": seed, "collect": collect}
    if out.exists():
        _check_there(out, {**settings, "runs": runs})
        tell(f"{out}: holds these tests already; nothing to do")
        return
    parts = parts_folder(out)
    parts.mkdir(parents=True, exist_ok=True)
    _check_settings(parts, settings)
    done: list[int] = []
    for index in range(runs):
        file, which = parts / f"run-{index}.npz", f"coupled test {index + 1} of {runs}"
        if not file.exists():
            path = pressure_path(steps, seed, index, test.pressure)
            tell(f"{which}: lateral pressure {path.min():.3g} to {path.max():.3g} Pa")
            restart = (
                parts / f"run-{index}.restart.npz",
                json.dumps({**settings, "index": index}, sort_keys=True),
            )
            try:
                with progress_bar(quiet) as bar:
                    moved = partial(_moved, bar, bar.add_task(which, total=steps, note=""), steps)
                    arrays: dict[str, Any] = run_test(
                        packing, test, steps, path, threads, collect, restart, moved
                    )
            except SolverError as error:
                history = getattr(error, "history", None)
                if collect == "iterations" or history is None or history.load[-1] < KEPT_FROM:
                    tell(f"{which} left out: {error}")
                    continue
                tell(f"{which} kept to a strain of {history.load[-1] * test.strain:.4f}: {error}")
                arrays = at_whole_steps(history, steps)
            with atomic_path(file) as temporary:
                np.savez_compressed(temporary, **arrays)
        done.append(index)
    if len(done) < 3:
        raise DataSetError(
            f"{out}: {len(done)} of {runs} tests came to their end or half of the way, expected 3 or more: ask for more runs"
        )
    _join(out, parts, done, {**settings, "runs": runs})


def _moved(bar: Progress, task: TaskID, steps: int, load: float, iterations: int) -> None:
    bar.update(task, completed=load * steps, note=f"{iterations} iterations")


def _check_settings(parts: Path, settings: dict[str, Any]) -> None:
    file, text = parts / "settings.json", json.dumps(settings, sort_keys=True)
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise DataSetError(
            f"{parts}: holds tests of other settings ({file}); remove the folder or choose another --out"
        )
    with atomic_path(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _check_there(out: Path, settings: dict[str, Any]) -> None:
    """Raises DataSetError where `out` holds tests of other settings."""
    name, options = split_options(settings["packing"])
    check_same(read_dataset(out), {**settings, "packing": name, "packing_options": options}, "other tests")


def _join(out: Path, parts: Path, done: list[int], settings: dict[str, Any]) -> None:
    arrays = [dict(np.load(parts / f"run-{index}.npz")) for index in done]
    count = [len(a["strain"]) for a in arrays]
    for first, a in zip(np.cumsum([0, *count[:-1]]), arrays, strict=True):
        if "iteration_path" in a:
            a["iteration_path"] = a["iteration_path"] + first
    joined = {name: np.concatenate([a[name] for a in arrays]) for name in arrays[0]}
    source = {"source": "biaxial tests with a packing at every point", **settings}
    write_samples(out, settings["packing"], joined, np.repeat(done, count), source)
