"""What a yield surface is worth: errors by protocol, splitting of steps, small cycles, single precision.

Everything is measured on the native engine, the one that runs inside a solver.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge import _core
from pybridge.errors import MaterialError
from pybridge.material import Material
from pybridge.model_file import read_model
from training.datasets import DataSet
from training.fine_scale import drive_material
from training.measures import errors, l2
from training.tensors import IDENTITY, deviator, norm
from training.yield_surface_export import KIND, Surrogate, holds, load, model_card, write
from training.yield_surface_train import refined


@dataclass(frozen=True)
class Learned:
    """A yield surface as a solver meets it, in both precisions, and its card."""

    double: Material
    single: Material
    card: dict[str, Any]

    @property
    def density(self) -> float:
        """Reference density of the card, kg/m3; 1 where it is silent (the stress does not depend on it)."""
        return float(self.card.get("density") or 1.0)


def is_yield_surface(path: Path) -> bool:
    """Whether a training folder, a surrogate.npz or a model file holds a surrogate of this kind."""
    path = Path(path)
    if path.suffix == ".pt":
        card = read_model(path).card if path.is_file() else {}
        return KIND in (card.get("kind"), card.get("member_kind"))
    return holds(path)


def learned(path: Path) -> Learned:
    """Load a training folder, a surrogate.npz or a model file; raises ModelFileError."""
    path = Path(path)
    if path.suffix == ".pt":
        return _from_file(path, read_model(path).card)
    surrogate = load(path / "surrogate.npz" if path.is_dir() else path)
    return from_surrogate(surrogate)


def from_surrogate(surrogate: Surrogate) -> Learned:
    """The numbers of a training, through a model file of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.pt"
        write(surrogate, path)
        return _from_file(path, model_card(surrogate, "trial"))


def _from_file(path: Path, card: dict[str, Any]) -> Learned:
    found = [_core.load_model(str(path), "native", precision) for precision in ("float64", "float32")]
    return Learned(found[0], found[1], card)


def protocol_errors(model: Learned, data: DataSet) -> dict[str, Any]:
    """Mean relative L2 errors over the paths of a data set, and the share of paths that were flagged."""
    found = drive_material(model.double, model.density, data.common_time(), data.stretch)
    return {
        "paths": len(data),
        **errors(found.stress, data.stress).to_dict(),
        "flagged": float((found.status > 0).mean()),
    }


def error_along(model: Learned, data: DataSet, parts: int = 5) -> NDArray:
    """Relative L2 error of the deviator in each of `parts` equal pieces of the time, over all paths together."""
    found = drive_material(model.double, model.density, data.common_time(), data.stretch).stress
    pieces = [np.array_split(deviator(x)[:, 1:], parts, axis=1) for x in (found - data.stress, data.stress)]
    norms = [np.sqrt([(l2(piece) ** 2).sum() for piece in side]) for side in pieces]
    return norms[0] / norms[1]


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    """protocol_errors of several protocols as a Markdown table, in per cent."""
    lines = [
        "| protocol | paths | total | deviatoric | volumetric | paths flagged |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in rows.items():
        values = (row["total"], row["deviatoric"], row["volumetric"], row["flagged"])
        words = " | ".join("–" if value is None else f"{100 * value:.2f}" for value in values)
        lines.append(f"| {name} | {row['paths']} | {words} |")
    return lines


@dataclass(frozen=True)
class Change:
    """Mean and largest over paths of |difference| / |answer| (L2 in time): whole stress and deviator."""

    total: float
    deviatoric: float
    largest_deviatoric: float


def change_by_splitting(model: Learned, time: NDArray, stretch: NDArray, parts: int) -> Change:
    """How far the answer at the given steps moves where each is cut into `parts` (U linear within a step)."""
    coarse = drive_material(model.double, model.density, time, stretch).stress
    inner = np.arange(parts)[None, :] / parts * np.diff(time)[:, None] + time[:-1, None]
    fine_time = np.append(inner.ravel(), time[-1])
    kept = np.arange(0, len(fine_time), parts)
    fine = drive_material(model.double, model.density, fine_time, refined(stretch, parts), kept).stress
    whole = l2(fine - coarse) / l2(coarse)
    part = l2(deviator(fine - coarse)) / l2(deviator(coarse))
    return Change(float(whole.mean()), float(part.mean()), float(part.max()))


class Point:
    """One point of a material, step by step."""

    def __init__(self, material: Material, density: float) -> None:
        self.material, self.density = material, density
        dtype = material.dtype
        self.stretch = IDENTITY[:, None].astype(dtype)
        self.stress, self.state = np.zeros((6, 1), dtype), np.zeros((material.state_size, 1), dtype)
        self.scalars = [np.zeros(1, dtype), np.full(1, density, dtype), np.zeros(1, dtype)]
        self.status, self.time = np.zeros(1, np.int32), 0.0

    def step(self, stretch: NDArray, dt: float) -> NDArray:
        """Move to `stretch` [6]; the stress [6]. Raises MaterialError where the material fails."""
        new = np.ascontiguousarray(stretch.reshape(6, 1), self.material.dtype)
        stress, state = np.empty_like(self.stress), np.empty_like(self.state)
        self.material.update(
            time_old=self.time, dt=dt, strain_inc=new - self.stretch, stretch_old=self.stretch, stretch_new=new,
            temperature=self.scalars[0], density=self.scalars[1], stress_old=self.stress, state_old=self.state,
            stress_new=stress, state_new=state, dissipation_inc=self.scalars[2], status=self.status,
        )  # fmt: skip
        if self.status[0] > 1:
            raise MaterialError(f"a step to the stretch {stretch} failed with status {self.status[0]}")
        self.stretch, self.stress, self.state, self.time = new, stress, state, self.time + dt
        return stress[:, 0].astype(np.float64)


@dataclass(frozen=True)
class Cycles:
    """What small cycles do to the stress, as shares of the strength: the deviator's move over the first ten cycles,
    and over the `rest` that follow."""

    first: float
    rest: float
    strength: float


SHEAR_DIRECTION = np.array([0.4, -0.1, -0.3, 0.5, -0.2, 0.3])


def small_cycles(
    material: Material, density: float, dt: float, strain: float, unload: float | None, rest: int
) -> Cycles:
    """Cycle by +-1e-5 about the virgin state (`unload` None), or about one that flowed to `strain` in 100 steps of `dt`
    and went back by the share `unload` of its elastic strain. The strength is the norm of the deviator at the end of
    the flow."""
    direction = SHEAR_DIRECTION / norm(SHEAR_DIRECTION)
    probe = Point(material, density)
    for k in range(1, 101):
        probe.step(IDENTITY + strain * k / 100 * direction, dt)
    strength = float(norm(deviator(probe.stress[:, 0].astype(np.float64))))
    point = probe if unload is not None else Point(material, density)
    centre = IDENTITY.copy()
    if unload is not None:
        centre = IDENTITY + (strain - unload * strength / (2 * material.elastic_moduli.shear)) * direction
    point.step(centre, dt)
    amplitude = 1e-5 * direction
    start = deviator(point.stress[:, 0].astype(np.float64))
    moves = []
    for count in (10, rest):
        for _ in range(count):
            point.step(centre + amplitude, dt)
            point.step(centre - amplitude, dt)
        now = deviator(point.step(centre, dt))
        moves.append(float(norm(now - start)) / strength)
        start = now
    return Cycles(moves[0], moves[1], strength)


def single_against_double(model: Learned, time: NDArray, stretch: NDArray) -> float:
    """Relative L2 difference of the deviator in single precision, mean over paths."""
    kept = np.unique(np.linspace(0, len(time) - 1, 201).astype(int))
    found = [
        deviator(drive_material(m, model.density, time, stretch, kept).stress)
        for m in (model.double, model.single)
    ]
    return float((l2(found[1] - found[0]) / l2(found[0])).mean())
