"""Drive a material of the contract along prescribed histories U(t) and record its stress."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

import pybridge._core as _core
from pybridge.errors import ConfigError
from pybridge.material import Material
from training.paths import PathSpec, sample
from training.tensors import determinant, strain_increment

FAILED = 2  # statuses from here on mean that the point has no answer


@dataclass(frozen=True)
class Law:
    """A built-in law by name, its constants (SI), reference density kg/m3 and precision of the run."""

    name: str
    constants: tuple[float, ...] = ()
    density: float = 1.0e4
    precision: str = "float64"

    def material(self) -> Material:
        """The compiled material; raises MaterialError for bad constants, ConfigError for an unknown name."""
        return _material(self)


@lru_cache(maxsize=8)
def _material(law: Law) -> Material:
    if not _core.is_built_in_law(law.name):
        names = ", ".join(entry.name for entry in _core.built_in_laws())
        raise ConfigError(f"law {law.name!r}: no such built-in law; expected one of {names}")
    return _core.make_law(law.name, list(law.constants), law.precision)


@dataclass(frozen=True)
class Drive:
    """Answer along histories: stress [n, kept, 6] Pa, dissipation [n, kept] J/m3 (sum of the material's
    increments per current volume), status [n] (largest met)."""

    stress: NDArray
    dissipation: NDArray
    status: NDArray


def drive(law: Law, time: NDArray, stretch: NDArray, kept: NDArray | None = None) -> Drive:
    """Stress of `law` along stretch [n, steps + 1, 6] at times [steps + 1], at the step indices `kept` (all)."""
    return drive_material(law.material(), law.density, time, stretch, kept)


def drive_material(
    material: Material, density: float, time: NDArray, stretch: NDArray, kept: NDArray | None = None
) -> Drive:
    """As drive(), for any material of the contract with a reference density in kg/m3.

    All paths go through one block, step by step. A failed path is not-a-number from the step it failed at.
    """
    n, steps = stretch.shape[0], stretch.shape[1] - 1
    kept = np.arange(steps + 1) if kept is None else kept
    place = {int(step): k for k, step in enumerate(kept)}
    dtype = material.dtype
    block = {name: np.zeros((6, n), dtype) for name in ("stress_old", "stress_new")}
    block |= {name: np.zeros((material.state_size, n), dtype) for name in ("state_old", "state_new")}
    scalars = {"temperature": np.zeros(n, dtype), "dissipation_inc": np.zeros(n, dtype)}
    status, worst = np.zeros(n, np.int32), np.zeros(n, np.int32)
    stress, dissipation = np.zeros((n, len(kept), 6)), np.zeros((n, len(kept)))
    total = np.zeros(n)
    densities = density / determinant(stretch)
    for step in range(1, steps + 1):
        old, new = stretch[:, step - 1], stretch[:, step]
        material.update(
            time_old=float(time[step - 1]),
            dt=float(time[step] - time[step - 1]),
            strain_inc=np.ascontiguousarray(strain_increment(old, new).T, dtype),
            stretch_old=np.ascontiguousarray(old.T, dtype),
            stretch_new=np.ascontiguousarray(new.T, dtype),
            density=np.ascontiguousarray(densities[:, step], dtype),
            status=status,
            **block,
            **scalars,
        )
        np.maximum(worst, status, out=worst)
        total += scalars["dissipation_inc"]
        if step in place:
            stress[:, place[step]] = np.where(worst[:, None] >= FAILED, np.nan, block["stress_new"].T)
            dissipation[:, place[step]] = total
        for quantity in ("stress", "state"):
            new_name, old_name = f"{quantity}_new", f"{quantity}_old"
            block[old_name], block[new_name] = block[new_name], block[old_name]
    return Drive(stress, dissipation, worst)


@dataclass(frozen=True)
class Task:
    """One batch of work for the executor: paths `indices` of `spec` through `law`, `stored` steps kept."""

    law: Law
    spec: PathSpec
    indices: tuple[int, ...]
    stored: int


@dataclass(frozen=True)
class Batch:
    """What a Task gives: stretch and stress [n, stored + 1, 6], dissipation [n, stored + 1], status and
    redraws [n]."""

    indices: tuple[int, ...]
    stretch: NDArray
    stress: NDArray
    dissipation: NDArray
    status: NDArray
    redraws: NDArray


def kept_steps(steps: int, stored: int) -> NDArray:
    """Indices of the stored steps, the start included; raises ConfigError where they do not divide evenly."""
    if not 1 <= stored <= steps or steps % stored:
        raise ConfigError(f"stored = {stored}: expected a divisor of steps = {steps}")
    return np.arange(0, steps + 1, steps // stored)


def run_task(task: Task) -> Batch:
    """Draw the paths of a task and drive its law along them."""
    paths = [sample(task.spec, index) for index in task.indices]
    stretch = np.stack([path.stretch for path in paths])
    kept = kept_steps(task.spec.steps, task.stored)
    answer = drive(task.law, task.spec.time(), stretch, kept)
    return Batch(
        task.indices,
        stretch[:, kept],
        answer.stress,
        answer.dissipation,
        answer.status,
        np.array([path.redraws for path in paths], np.int32),
    )
