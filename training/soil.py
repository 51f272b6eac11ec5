"""Data for soil: biaxial tests with a packing at every point under random lateral pressures ([GUAN22] 3.4).

Every Gauss point's history of strain, stress and contact stiffness becomes a path of the data set; `run` says which
test it came from. Finished tests stand in FILE.parts, so that the same command goes on after an interruption.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError, SolverError
from pybridge.packing import load, load_library, packing_material
from pybridge.solver.implicit import BiaxialTest, Controls, History, MaterialPoints, biaxial_problem, solve
from training.atomic import atomic_path
from training.datasets import DataSetWriter, parts_folder, read_dataset
from training.mlp import COMPONENTS, Samples

UPPER = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]


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


def open_packing(name: str) -> Any:
    """A packing from a file, or one of the library by its name."""
    return load(name) if Path(name).suffix else load_library(name)


def run_test(
    packing: str, test: BiaxialTest, steps: int, pressure: NDArray | None, threads: int,
    progress: Callable[[float, int], None] | None = None,
) -> History:  # fmt: skip
    """One coupled test with lateral pressures (steps + 1,) Pa, or the test's constant one."""
    x = np.linspace(0, 1, steps + 1)
    lateral = None if pressure is None else (lambda load: float(np.interp(load, x, pressure)))
    problem = biaxial_problem(test, lateral)
    points = MaterialPoints(packing_material(open_packing(packing)), problem.mesh.points, threads)
    return solve(problem, points, Controls(steps=steps), progress=progress)


def at_whole_steps(history: History, steps: int) -> dict[str, NDArray]:
    """strain (points, steps + 1, 3) tensor components, stress, stiffness at the loads k / steps."""
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
    seed: int = 0, threads: int = 2, tell: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """Run the tests and write the data set. A test that stops early is told and left out; raises DataSetError where
    fewer than three are left, or FILE.parts holds tests of other settings."""
    out = Path(out)
    test = BiaxialTest() if test is None else test
    settings = {"packing": packing, "steps": steps, "test": vars(test), "seed": seed}
    parts = parts_folder(out)
    parts.mkdir(parents=True, exist_ok=True)
    _check_settings(parts, settings)
    done: list[int] = []
    for index in range(runs):
        file = parts / f"run-{index}.npz"
        if not file.exists():
            path = pressure_path(steps, seed, index, test.pressure)
            tell(
                f"coupled test {index + 1} of {runs}: lateral pressure {path.min():.3g} to {path.max():.3g} Pa"
            )
            try:
                history = run_test(packing, test, steps, path, threads)
            except SolverError as error:
                tell(f"coupled test {index + 1} of {runs} left out: {error}")
                continue
            with atomic_path(file) as temporary:
                arrays: dict[str, Any] = dict(at_whole_steps(history, steps))
                np.savez_compressed(temporary, **arrays)
        done.append(index)
    if len(done) < 3:
        raise DataSetError(
            f"{out}: {len(done)} of {runs} tests came to their end, expected 3 or more: ask for more runs"
        )
    _join(out, parts, done, settings, steps)


def _check_settings(parts: Path, settings: dict[str, Any]) -> None:
    file, text = parts / "settings.json", json.dumps(settings, sort_keys=True)
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise DataSetError(
            f"{parts}: holds tests of other settings ({file}); remove the folder or choose another --out"
        )
    with atomic_path(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _join(out: Path, parts: Path, done: list[int], settings: dict[str, Any], steps: int) -> None:
    arrays = [dict(np.load(parts / f"run-{index}.npz")) for index in done]
    joined = {name: np.concatenate([a[name] for a in arrays]) for name in ("strain", "stress", "stiffness")}
    count = [len(a["strain"]) for a in arrays]
    stretch, stress = (np.zeros((*joined["strain"].shape[:2], 6)) for _ in range(2))
    stretch[:, :, :3] = 1
    for k, component in enumerate(COMPONENTS):
        stretch[:, :, component] += joined["strain"][:, :, k]
        stress[:, :, component] = joined["stress"][:, :, k]
    stress[:, :, 2] = stress[:, :, :2].mean(axis=2)
    engine = open_packing(settings["packing"])
    moduli = packing_material(engine).elastic_moduli
    density = engine.parameters.density / (1 + engine.measure().void_ratio)
    provenance = {
        "source": "biaxial tests with a packing at every point", **settings,
        "material": {"bulk": moduli.bulk, "shear": moduli.shear, "density": density},
    }  # fmt: skip
    writer = DataSetWriter(out, np.linspace(0, 1, steps + 1), provenance)
    paths = {
        "stretch": stretch, "stress": stress, "stiffness": joined["stiffness"], "run": np.repeat(done, count)
    }  # fmt: skip
    writer.append(np.arange(len(stretch)), paths, ["biaxial"] * len(stretch), np.zeros(len(stretch), bool))
    writer.finish({})


def read_samples(path: Path) -> tuple[Samples, dict[str, Any]]:
    """Histories for training.mlp from a data set, and its provenance with the checksum of the file; raises DataSetError
    where it has no stiffness or runs (units and conventions are checked by the reader of every data set)."""
    data = read_dataset(path)
    with h5py.File(path, "r") as file:
        if "stiffness" not in file or "run" not in file:
            raise DataSetError(
                f"{path}: expected the datasets stiffness [n_path, n_time, 6] and run [n_path]; "
                "`pybridge soil generate` writes them"
            )
        stiffness, run = np.asarray(file["stiffness"]), np.asarray(file["run"])
    if stiffness.shape != (*data.stress.shape[:2], len(UPPER)) or run.shape != (len(data),):
        raise DataSetError(
            f"{path}: stiffness {stiffness.shape} and run {run.shape} do not fit {data.stress.shape[:2]} paths and times"
        )
    if not np.all(np.isfinite(stiffness)):
        raise DataSetError(f"{path}: stiffness holds numbers that are not finite")
    columns = list(COMPONENTS)
    samples = Samples(data.strain[:, :, columns], data.stress[:, :, columns], stiffness, run)
    return samples, {**data.provenance, "checksum": f"{zlib.crc32(path.read_bytes()):08x}"}
