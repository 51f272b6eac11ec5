"""`pybridge verify soil-history`: what step size and noise do to the accumulated strain, and what a deadband repairs.

The strain paths of every point of a coupled test are driven through a network in 100, 1,000 and 10,000 steps, smooth and
with a small random strain on every step, as an explicit run has it: phi = sum |d eps| collects the noise of every step.
The same with a network trained with a deadband ([GUAN22] Eq. 12 over a play of that backlash), and force curves of the
biaxial test with the step halved and with the lateral pressure shaken. Takes coarse.h5 and coarse.pt of `pybridge verify
soil` where they stand in the same --out, or makes them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.report import Report

CUTS, LONG = (100, 1000, 10_000), 100_000
NOISES = (1e-6, 1e-5, 1e-4)
DEADBAND = 2e-4
SHAKE, SEEDS = 0.01, 3
TRIANGLES, EXPLICIT_STRAIN, UNEVEN = 120, 0.02, 0.5


def run(options: argparse.Namespace) -> Report:
    """Both networks along paths, then in the test."""
    import pybridge._core as _core
    from abaqus_jobs.verify.soil import SIZES, call, learned
    from pybridge.solver.implicit import BiaxialTest

    out: Path = (options.out or Path("runs") / "verify") / "soil"
    out.mkdir(parents=True, exist_ok=True)
    data = learned(out, options.model)
    banded = out / "deadband.pt"
    if not banded.exists():
        call(
            "soil", "train", str(data["data"]), "--members", "5", "--epochs", str(SIZES.epochs), "--set",
            f"deadband = {DEADBAND}", "--out", str(banded),
        )  # fmt: skip
    report = Report("soil-history")
    paths = strains(data["data"])
    test = BiaxialTest(*SIZES.coarse, strain=SIZES.strain)
    for name, model in (("Eq. 12", data["model"]), (f"deadband {DEADBAND:g}", banded)):
        for precision in ("float64", "float32")[: 2 if name == "Eq. 12" else 1]:
            material = _core.load_model(str(model), "native", precision)
            along_paths(report, f"{name}, {precision}", material, paths)
        force_curves(report, name, _core.load_model(str(model), "native", "float64"), test)
        explicit_curves(report, name, model, out)
    return report


def strains(data: Path) -> NDArray:
    """(times, 3, points) of the first run in a data set, every other record so that its 20 intervals divide CUTS evenly;
    engineering shear."""
    import h5py

    with h5py.File(data, "r") as file:
        run = np.asarray(file["run"])
        stretch = np.asarray(file["stretch"])[run == run[0], ::2]
    return (stretch[:, :, [0, 1, 3]] - [1, 1, 0]).transpose(1, 2, 0) * np.array([1, 1, 2])[:, None]


def cut(paths: NDArray, steps: int, noise: float, seed: int = 0) -> NDArray:
    """(steps + 1, 3, points): the same corners in more steps, each strain off by up to `noise` (white, uniform)."""
    at = np.linspace(0, len(paths) - 1, steps + 1)
    low = np.minimum(at.astype(int), len(paths) - 2)
    share = (at - low)[:, None, None]
    out = (1 - share) * paths[low] + share * paths[low + 1]
    return out + noise * np.random.default_rng(seed).uniform(-1, 1, out.shape)


def drive(material: Any, path: NDArray) -> tuple[NDArray, NDArray]:
    """(steps + 1, 3, points) stresses along a path, and phi (3, points) in the end, in the material's precision."""
    dtype, n = np.dtype(material.dtype), path.shape[2]
    stretch, stress, state = (
        np.zeros((6, n), dtype),
        np.zeros((6, n), dtype),
        np.zeros((material.state_size, n), dtype),
    )
    stretch[:3] = 1
    rest, density, status = np.zeros(n, dtype), np.ones(n, dtype), np.zeros(n, np.int32)
    found = []
    for strain in path:
        stretch_new, stress_new, state_new = stretch.copy(), np.zeros_like(stress), np.zeros_like(state)
        stretch_new[[0, 1]] = 1 + strain[:2]
        stretch_new[3] = 0.5 * strain[2]
        material.update(
            time_old=0.0, dt=1.0, strain_inc=stretch_new - stretch, stretch_old=stretch, stretch_new=stretch_new,
            temperature=rest, density=density, stress_old=stress, state_old=state, stress_new=stress_new,
            state_new=state_new, dissipation_inc=rest.copy(), status=status,
        )  # fmt: skip
        stretch, stress, state = stretch_new, stress_new, state_new
        found.append(stress[[0, 1, 3]].astype(float))
    return np.array(found), state[:3].astype(float)


def along_paths(report: Report, name: str, material: Any, paths: NDArray) -> None:
    """Stress against the smooth path in 100 steps, over all its corners: relative L2, and phi's growth."""
    base, phi = drive(material, cut(paths, CUTS[0], 0.0))
    for noise in (0.0, *NOISES):
        for steps in (*CUTS, LONG) if noise == 0 else CUTS:
            found, grown = drive(material, cut(paths, steps, noise))
            apart = found[:: steps // CUTS[0]] - base
            what = f"{name}, {steps} steps" + (f", strain shaken by {noise:g}" if noise else "")
            report.add(f"{what}: stress", float(np.linalg.norm(apart) / np.linalg.norm(base)), "1")
            if noise:
                report.add(f"{what}: phi over the smooth one", float(grown.sum() / phi.sum()), "1")


def force_curves(report: Report, name: str, material: Any, test: Any) -> None:
    """The biaxial test with the step halved, and with the lateral pressure shaken."""
    from abaqus_jobs.soil_runs import run_material
    from abaqus_jobs.verify.soil import SIZES

    steps = SIZES.steps
    base = run_material(material, test, steps, 1, name)
    peak = base.pressure.max()

    def apart(other: Any) -> float:
        loads = np.arange(steps + 1) / steps
        a, b = (np.interp(loads, r.load, r.pressure) for r in (base, other))
        return float(np.abs(a - b).mean() / peak)

    half = run_material(material, test, 2 * steps, 1, f"{name}, half steps")
    report.add(
        f"{name}, test with the step halved: pressure under the top, mean difference", apart(half), "1"
    )
    moved = [
        apart(run_material(material, test, steps, 1, f"{name}, shaken", shaken(test.pressure, steps, seed)))
        for seed in range(SEEDS)
    ]
    report.add(f"{name}, test with the pressure shaken by {SHAKE:.0%}: mean difference", max(moved), "1")


def shaken(pressure: float, steps: int, seed: int) -> Callable[[float], float]:
    """A lateral pressure (Pa) over the load that is off by up to SHAKE of itself at every step but the first."""
    noise = np.random.default_rng([seed, 3]).uniform(-SHAKE, SHAKE, steps + 1)
    noise[0] = 0
    return lambda load: pressure * (1 + float(np.interp(load * steps, np.arange(steps + 1), noise)))


def explicit_curves(report: Report, name: str, model: Path, out: Path) -> None:
    """[WANG26] 4.1, explicit, with fewer triangles: the step halved, the loading uneven, no damping; against a run as it
    should be, the mean difference of the force on the top over its peak, after each force is averaged over 1 % of the
    time. `growth`: phi at the end over the smooth run's."""
    base = _explicit(model, out)
    steps = base["steps"]
    report.add(f"{name}, explicit: steps", steps, "1")
    step = base["end"] / steps
    changes: dict[str, dict[str, Any]] = {
        "the step halved": {"increment": step / 2},
        "the step a quarter": {"increment": step / 4},
        f"velocity of the top uneven by {UNEVEN:.0%}": {"uneven": UNEVEN},
        "no damping": {"alpha": 0.0},
    }
    for what, change in changes.items():
        other = _explicit(model, out, **change)
        grid = np.linspace(0.05, 1, 20)
        a, b = (np.interp(grid, r["load"], r["force"]) for r in (base, other))
        report.add(
            f"{name}, explicit, {what}: force on the top, mean difference",
            float(np.abs(a - b).mean() / a.max()),
            "1",
        )
        report.add(
            f"{name}, explicit, {what}: phi over the first run's", float(other["phi"] / base["phi"]), "1"
        )


def _explicit(
    model: Path, out: Path, increment: float | None = None, uneven: float = 0.0, alpha: float = 200.0
) -> dict[str, Any]:
    """steps, end (s), load (0 to 1) and force (N/m) of a run, mean accumulated strain in the end."""
    from dataclasses import replace

    import pybridge._core as _core
    from abaqus_jobs import soils
    from pybridge.deck.model import Amplitude
    from pybridge.deck.user_material import user_material
    from pybridge.model_file import read_model
    from pybridge.solver import run as run_deck

    density = read_model(model).card["density"]
    schema = _core.load_model(str(model), "native", "float64").state_schema
    how = soils.Procedure(time=1.0, alpha=alpha, mass_scale=400.0, increment=increment)
    deck = soils.biaxial_explicit(
        user_material("SOIL", density, (), schema), triangles=TRIANGLES, strain=EXPLICIT_STRAIN, procedure=how
    )
    if uneven:
        at = np.linspace(0.1, 1, 400)
        off = 1 + uneven * np.random.default_rng(5).uniform(-1, 1, len(at))
        ramp = Amplitude("RAMP", (0.0, *map(float, at)), (0.0, *map(float, off)))
        deck = replace(deck, amplitudes={**deck.amplitudes, "RAMP": ramp})
    file = out / "explicit.h5"
    result = run_deck(deck, models={"SOIL": model}, out=file, overwrite=True, all_state=True)
    time = np.array(result.history["time"])
    force = np.array(result.history["force_top_y"])
    width = max(1, len(time) // 100)
    smooth = np.convolve(force, np.ones(width) / width, mode="same")
    return {
        "steps": result.steps, "end": float(time[-1]), "load": time / time[-1], "force": np.abs(smooth),
        "phi": accumulated(file),
    }  # fmt: skip


def accumulated(file: Path) -> float:
    """Mean over the elements of phi of 11, 22 and 12 in the last frame of a result file."""
    import h5py

    with h5py.File(file, "r") as found:
        values = np.asarray(found["frames/element/accumulated_strain"])
    return float(values[-1].mean())
