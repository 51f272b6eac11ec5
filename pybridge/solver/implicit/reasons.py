"""Why a step has no balance, in words: which point, at which strain, what its material says of it, and what helps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pybridge._core as _core
from pybridge.conventions import SYMMETRIC_NAMES
from pybridge.errors import MaterialError
from pybridge.packing import split_options
from pybridge.packing.guards import inertial_time, mean_pressure
from pybridge.solver.implicit.points import MaterialPoints

COMPONENTS = {3: ("11", "22", "12"), 6: SYMMETRIC_NAMES}
LEAST_PRESSURE = (
    0.01  # of the virgin packing's, that counts in the steps of an increment, as in packing_material.cpp
)
STATUS = {2: "recoverable: no answer to this increment", 3: "fatal: no answer at all"}
GUARDS = ("inertial_number", "steps_min", "steps_max", "overlap_max")


class Reason(str):
    """Why a step has no balance. advice: with what the same run may go on, "" where nothing is known to help."""

    advice: str = ""

    @classmethod
    def of(cls, text: str, advice: str) -> Reason:
        """The text with its advice."""
        one = cls(text)
        one.advice = advice
        return one


def no_convergence(iterations: int, least: float, tolerance: float) -> Reason:
    """Iterations came to their end, or no nearer."""
    return Reason.of(
        f"no convergence in {iterations} iterations: least residual {least:.2e}, expected {tolerance:.0e}",
        "more steps, more iterations or a looser tolerance (--steps, --iterations, --tolerance, --loose)",
    )


def point_failed(points: MaterialPoints, labels: NDArray | None, elements: int, strain: NDArray) -> Reason:
    """A trial at which material points have a status of 2 or 3; the first of the worst is named. strain: (components, n)
    of the trial, engineering shear; labels: of the elements, where they have any but their numbers from 1."""
    status = points.status
    worst, bad = int(status.max()), np.flatnonzero(status >= 2)
    index = int(np.flatnonzero(status == worst)[0])
    others = f", one of {bad.size} such points" if bad.size > 1 else ""
    text = (
        f"a material point failed: {place(labels, elements, points.n, index)} at a strain of {_strain(strain[:, index])} "
        f"(status {worst}, {STATUS.get(worst, 'unknown')}{others})"
    )
    said, advice = _material(points, index, worst)
    return Reason.of(text + said, advice)


def fails_at_rest(points: MaterialPoints, labels: NDArray | None, elements: int) -> str:
    """A material that has no answer before anything has moved."""
    status = points.status
    worst = int(status.max())
    index = int(np.flatnonzero(status == worst)[0])
    said, advice = "", "constants with which it stands, and a check of the initial stress"
    if isinstance(points.material, _core.PackingMaterial):
        said, advice = packing_failure(points, index)
        said = f": {said}"
    return (
        f"the material fails at rest, before any load: {place(labels, elements, points.n, index)} (status {worst}; "
        f"{int((status >= 2).sum())} of {points.n} points){said}; expected {advice}"
    )


def not_finite(points: MaterialPoints, labels: NDArray | None, elements: int, strain: NDArray) -> Reason:
    """A residual that is no number."""
    bad = np.flatnonzero(~np.isfinite(points.stress).all(axis=0))
    if not bad.size:
        return Reason.of("the residual is not finite", "more steps, or finite loads")
    index = int(bad[0])
    return Reason.of(
        f"the stress of {place(labels, elements, points.n, index)} is not finite at a strain of "
        f"{_strain(strain[:, index])}",
        "more steps, or another material",
    )


def singular(stiffness: NDArray, labels: NDArray | None, elements: int) -> Reason:
    """Equations without a solution. stiffness: (components, components, n), Pa."""
    text = "the stiffness is singular: a body free to move, or a material without any stiffness left"
    soft = np.flatnonzero(~stiffness.any(axis=(0, 1)))
    if soft.size:
        where = place(labels, elements, stiffness.shape[2], int(soft[0]))
        text += f" ({soft.size} points of {stiffness.shape[2]} have none, the first is {where})"
    return Reason.of(text, "the body held by *BOUNDARY, or another --stiffness")


def place(labels: NDArray | None, elements: int, points: int, index: int) -> str:
    """The element and integration point of a point; points are numbered element by element."""
    each = points // elements
    element = index // each
    label = element + 1 if labels is None else int(labels[element])
    return f"element {label}, integration point {index % each + 1} of {each}"


def _strain(strain: NDArray) -> str:
    names = COMPONENTS[len(strain)]
    return ", ".join(f"{name} {value:.3g}" for name, value in zip(names, strain, strict=True))


def _material(points: MaterialPoints, index: int, status: int) -> tuple[str, str]:
    """What the material says more, with ": " before it, and what helps."""
    material = points.material
    if isinstance(material, _core.PackingMaterial):
        said, advice = packing_failure(points, index)
        return f": {said}", advice
    if status < 3:
        return "", "more steps, or a finer mesh there"
    return "", "more steps, a finer mesh there, or a material that is made for such strains and times"


def packing_failure(points: MaterialPoints, index: int) -> tuple[str, str]:
    """Which guard of a packing an increment of a point does not keep, found by going through it once more, and what helps.

    Equations: cpp/packing/packing_material.cpp. Where the guards are not known, what the increment comes to is told.
    """
    material: Any = points.material
    state, stretch = points.one(index)
    name, given = split_options(points.packing or "NAME")
    default = _core.PackingMaterialOptions()
    guards = {k: getattr(default, k) for k in GUARDS} | given
    engine = material.packing_of(state)
    target = stretch @ material.packing_of(np.zeros_like(state)).cell
    strain = float(np.linalg.norm(target @ np.linalg.inv(engine.cell) - np.eye(3)))
    wanted = _substeps(material, engine, strain, guards["inertial_number"]) if strain > 1e-13 else 0.0

    def wider(**changed: float) -> str:
        words = ",".join(
            f"{k}={v:.0f}" if k.startswith("steps") else f"{k}={v:g}" for k, v in (given | changed).items()
        )
        return f"a wider guard (--material packing:{name},{words})"

    if wanted > guards["steps_max"]:
        text = f"its packing takes {wanted:.3g} steps for a change of strain of {strain:.2g}, the guard steps_max"
        advice = f"more steps, or {wider(steps_max=_above(wanted))}"
        return (f"{text} is {guards['steps_max']:g}" if points.packing else f"{text} may be less"), advice
    try:
        engine.deform(target, engine.time_step, int(max(guards["steps_min"], wanted)) if wanted else 0)
    except MaterialError as error:
        return str(error), "more steps, or a packing of more grains"
    pairs, room = len(engine.state["first"]), (4 if engine.dim == 2 else 9) * engine.count
    if pairs > room:
        return f"its {engine.count} grains are crushed to {pairs} pairs, room is for {room}", "more steps"
    overlap = float(engine.measure().overlap)
    when = "" if wanted else " at rest"
    text = f"its grains overlap{when} by {overlap:.3g} of the smaller radius"
    if points.packing and overlap > 2 * guards["overlap_max"]:
        text += f", beyond twice the guard overlap_max={guards['overlap_max']:g}"
        return text, wider(overlap_max=_above(overlap))
    return (
        f"{text} and take {wanted:.3g} steps; one of its guards overlap_max and steps_max is less",
        wider(overlap_max=_above(max(overlap, 2 * default.overlap_max)), steps_max=10 * default.steps_max),
    )


def _substeps(material: Any, engine: Any, strain: float, inertial: float) -> float:
    """strain / (I / (d sqrt(rho / p)) dt), rounded up: the steps of an increment at the inertial number I."""
    dim, virgin = engine.dim, material.packing_of(np.zeros(material.state_size))
    pressure = max(
        mean_pressure(engine.measure(), dim), LEAST_PRESSURE * mean_pressure(virgin.measure(), dim)
    )
    return math.ceil(strain * inertial_time(engine, pressure) / (inertial * engine.time_step))


def _above(value: float) -> float:
    """The next number of one digit."""
    unit = 10.0 ** math.floor(math.log10(value))
    return math.floor(value / unit + 1) * unit
