"""Loading programs of the laboratory on one packing: strain paths, triaxial and biaxial tests, isotropic loading.

Strains are logarithmic, positive in tension: a test to 10 % compression goes to -0.1. Stress control holds every
controlled face within `tolerance` (0.01) times the reference pressure at each record: where it is not, the driven
axis waits. All programs know `inertial_number` (1e-3) of the loading, `guards` (pybridge/packing/guards.py), and
`watch`, which is told after each record how far the program is. What stops a program raises LoadingError with the
records up to there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from pybridge._core import PackingEngine, ServoControl, ServoState
from pybridge.errors import PackingError
from pybridge.packing.guards import Guards, inertial_time, mean_pressure
from pybridge.packing.records import History, Recorder, Watch, recorded

WAIT_ROUNDS = 200  # of 100 steps
# Steps between two looks at which law the faces follow, where that depends on the stress: few beside those of a test.
BRANCH_STEPS = 50


class Loading(TypedDict, total=False):
    """Options that the stress-controlled programs share."""

    inertial_number: float
    records: int
    tolerance: float
    guards: Guards | None
    watch: Watch | None


def _check_pressure(name: str, pressure: float) -> None:
    if not (math.isfinite(pressure) and pressure > 0):
        raise PackingError(
            f"{name}: expected a pressure > 0 Pa (compression), got {pressure:g}; grains carry no tension"
        )


def _check_loading(
    name: str, turning: Sequence[float], inertial_number: float, records: int, tolerance: float
) -> None:
    if not len(turning) or not all(math.isfinite(s) for s in turning) or records < 1:
        raise PackingError(
            f"{name}: expected finite turning points and records >= 1, got {list(turning)} and {records}"
        )
    if not 0 < inertial_number < 0.1:
        raise PackingError(f"{name}: inertial_number is {inertial_number:g}, expected 0 to 0.1")
    if not 0 < tolerance < 1:
        raise PackingError(
            f"{name}: tolerance is {tolerance:g}, expected a share of the pressure between 0 and 1"
        )


class _Faces:
    """Stress control of the faces: one affine law, or two that meet where the driven axis carries `meet` (Pa)."""

    def __init__(
        self, dim: int, axis: int | None, *laws: tuple[Sequence[float], Sequence[float]], meet: float = 0.0
    ) -> None:
        self.axis, self.laws, self.meet, self.law = axis or 0, laws, meet, -1
        self.control = ServoControl()
        self.control.axis = self.axis
        self.control.stress_controlled = [k != axis and k < dim for k in range(3)]

    def follow(self, packing: PackingEngine, error: float = 0.0) -> float:
        """Take the law that goes with the stress of the driven axis; the error (Pa) under it, which is `error` where
        the law stays."""
        stress = np.diag(packing.measure().stress)
        law = int(len(self.laws) > 1 and stress[self.axis] > self.meet)
        if law == self.law:
            return error
        offset, slope = (np.asarray(v, float) for v in self.laws[law])
        self.law, self.control.offset, self.control.slope = law, offset.tolist(), slope.tolist()
        off = np.abs(stress - offset - slope * stress[self.axis])
        return float(off[self.control.stress_controlled].max())

    def pieces(self, steps: int) -> Iterator[int]:
        """The steps in runs between which to look which law to follow."""
        most = steps if len(self.laws) == 1 else BRANCH_STEPS
        while steps > 0:
            yield min(steps, most)
            steps -= most


def _settle(
    packing: PackingEngine, faces: _Faces, state: ServoState, allowed: float, record: Recorder
) -> float:
    """Let the servo work with the driven axis at rest until the error is allowed; its error."""
    faces.control.rate = [0.0, 0.0, 0.0]
    error = math.inf
    for _ in range(WAIT_ROUNDS):
        dt = packing.time_step
        error = faces.follow(packing, packing.servo(faces.control, dt, 100, state))
        record.time += 100 * dt
        if error <= allowed:
            return error
    raise PackingError(
        f"the stress path cannot be followed: the faces are {error:.3g} Pa off after {WAIT_ROUNDS * 100} steps at "
        f"rest, allowed {allowed:.3g}; the packing may have failed: less strain, a slower test, or another path"
    )


def _mixed(
    name: str, packing: PackingEngine, strains: Sequence[float], faces: _Faces, pressure: float, *,
    inertial_number: float = 1e-3, records: int = 100, tolerance: float = 0.01, guards: Guards | None = None,
    watch: Watch | None = None,
) -> History:  # fmt: skip
    """Drive an axis through `strains` (turning points of its log strain), the other faces as `faces` says."""
    _check_loading(name, strains, inertial_number, records, tolerance)
    speed, axis = inertial_number / inertial_time(packing, pressure), faces.axis
    faces.control.rate_max = 20 * speed
    total = sum(abs(b - a) for a, b in zip([0.0, *strains[:-1]], strains, strict=True))
    start, way, state = packing.cell[axis, axis], 0.0, ServoState()
    with recorded(name, packing, guards, watch) as record:
        faces.follow(packing)
        for target in strains:
            begin = math.log(packing.cell[axis, axis] / start)
            record.goal = f"axial strain {target:g}"
            parts = max(1, round(records * abs(target - begin) / total)) if total > 0 else 1
            for k in range(1, parts + 1):
                goal = begin + (target - begin) * k / parts
                left = goal - math.log(packing.cell[axis, axis] / start)
                dt = packing.time_step
                steps = max(1, math.ceil(abs(left) / (speed * dt)))
                rate, error = [0.0, 0.0, 0.0], math.inf
                rate[axis] = math.expm1(left / steps) / dt
                for piece in faces.pieces(steps):
                    faces.control.rate = rate
                    error = faces.follow(packing, packing.servo(faces.control, dt, piece, state))
                    record.time += piece * dt
                if error > tolerance * pressure:
                    error = _settle(packing, faces, state, tolerance * pressure, record)
                way += abs(target - begin) / parts
                record.add(error, way / total if total > 0 else 1.0)
        return record.history()


def _expect(packing: PackingEngine, dim: int, name: str) -> None:
    if packing.dim != dim:
        kind = "disks" if dim == 2 else "spheres"
        raise PackingError(f"{name}: expected a packing of {kind} (dim {dim}), got dim {packing.dim}")


def biaxial(
    packing: PackingEngine, lateral_pressure: float, strains: Sequence[float], *, axis: int = 1,
    **loading: Unpack[Loading],
) -> History:  # fmt: skip
    """Disks: axis 2 (index 1) through the turning points `strains`, the other face at a constant pressure (Pa)."""
    _expect(packing, 2, "biaxial")
    _check_pressure("biaxial", lateral_pressure)
    faces = _Faces(2, axis, ([-lateral_pressure] * 3, [0.0] * 3))
    return _mixed("biaxial", packing, strains, faces, lateral_pressure, **loading)


def triaxial(
    packing: PackingEngine, lateral_pressure: float, strains: Sequence[float], *, axis: int = 2,
    **loading: Unpack[Loading],
) -> History:  # fmt: skip
    """Spheres, conventional triaxial: `axis` driven, both lateral faces at a constant pressure sigma_3 (Pa)."""
    _expect(packing, 3, "triaxial")
    _check_pressure("triaxial", lateral_pressure)
    faces = _Faces(3, axis, ([-lateral_pressure] * 3, [0.0] * 3))
    return _mixed("triaxial", packing, strains, faces, lateral_pressure, **loading)


def constant_p(
    packing: PackingEngine, pressure: float, strains: Sequence[float], *, axis: int | None = None,
    **loading: Unpack[Loading],
) -> History:  # fmt: skip
    """Constant mean pressure p: the lateral faces carry (dim sigma_m - sigma_a) / (dim - 1), sigma_m = -p."""
    _check_pressure("constant_p", pressure)
    dim = packing.dim
    axis = dim - 1 if axis is None else axis
    faces = _Faces(dim, axis, ([-dim * pressure / (dim - 1)] * 3, [-1.0 / (dim - 1)] * 3))
    return _mixed("constant_p", packing, strains, faces, pressure, **loading)


def constant_b(
    packing: PackingEngine, pressure: float, b: float, strains: Sequence[float], **loading: Unpack[Loading]
) -> History:
    """Spheres, true triaxial at constant p and b = (sigma_2 - sigma_3) / (sigma_1 - sigma_3), axis 3 (index 2) driven.

    Index 1 carries sigma_2. In compression the driven axis carries sigma_1 and index 0 sigma_3, in extension the
    other way round:
      compression  sigma_3 = (3 p - (1 + b) sigma_a) / (2 - b),  sigma_2 = b sigma_a + (1 - b) sigma_3
      extension    sigma_1 = (3 p - (2 - b) sigma_a) / (1 + b),  sigma_2 = (1 - b) sigma_a + b sigma_1
    Both meet where sigma_a = p. b from 0 to 1.
    """
    _expect(packing, 3, "constant_b")
    _check_pressure("constant_b", pressure)
    if not 0 <= b <= 1:
        raise PackingError(f"constant_b: b is {b:g}, expected 0 to 1")

    def law(weight: float) -> tuple[list[float], list[float]]:
        """Index 0 by the mean stress, index 1 between it and the driven axis, which counts with `weight`."""
        offset, slope = -3 * pressure / (2 - weight), -(1 + weight) / (2 - weight)
        return [offset, (1 - weight) * offset, 0.0], [slope, weight + (1 - weight) * slope, 0.0]

    # In extension sigma_2 lies 1 - b of the way from index 0 to the driven axis: the same law with 1 - b.
    faces = _Faces(3, 2, law(b), law(1 - b), meet=-pressure)
    return _mixed("constant_b", packing, strains, faces, pressure, **loading)


def isotropic(
    packing: PackingEngine, pressures: Sequence[float], *, inertial_number: float = 1e-3, records: int = 20,
    tolerance: float = 0.01, guards: Guards | None = None, watch: Watch | None = None,
) -> History:  # fmt: skip
    """Even pressure on all faces through the turning points `pressures` (Pa), `records` on the way to each."""
    for pressure in pressures:
        _check_pressure("isotropic", pressure)
    _check_loading("isotropic", pressures, inertial_number, records, tolerance)
    now = mean_pressure(packing.measure(), packing.dim)
    _check_pressure("isotropic: the packing", now)
    state, total = ServoState(), records * len(pressures)
    with recorded("isotropic", packing, guards, watch) as record:
        for turn, target in enumerate(pressures):
            record.goal = f"a pressure of {target:g} Pa"
            for k, goal in enumerate(np.geomspace(now, target, records + 1)[1:], start=1):
                faces = _Faces(packing.dim, None, ([-goal] * 3, [0.0] * 3))
                faces.follow(packing)
                faces.control.rate_max = 10 * inertial_number / inertial_time(packing, float(goal))
                error = _settle(packing, faces, state, tolerance * float(goal), record)
                record.add(error, (turn * records + k) / total)
            now = target
        return record.history()


def strain_path(
    packing: PackingEngine, stretches: NDArray, *, pressure: float, inertial_number: float = 1e-3,
    wait: Callable[[int], None] | None = None, guards: Guards | None = None, watch: Watch | None = None,
) -> History:  # fmt: skip
    """Stretch the cell through `stretches` (n, 3, 3), each relative to the cell at the start, base vectors evenly.

    `pressure` (Pa) is the one the inertial number is counted with. `wait(k)` is called after each record.
    """
    _check_pressure("strain_path", pressure)
    targets = np.asarray(stretches, float)
    if targets.ndim != 3 or targets.shape[1:] != (3, 3) or not np.all(np.linalg.det(targets) > 0):
        raise PackingError("strain_path: expected stretches of shape (n, 3, 3) with positive determinant")
    start, speed = packing.cell.copy(), inertial_number / inertial_time(packing, pressure)
    with recorded("strain_path", packing, guards, watch) as record:
        for k, target in enumerate(targets):
            record.goal = f"stretch {k + 1} of {len(targets)}"
            goal, dt = target @ start, packing.time_step
            size = float(np.linalg.norm(goal @ np.linalg.inv(packing.cell) - np.eye(3)))
            steps = max(1, math.ceil(size / (speed * dt)))
            packing.deform(goal, dt, steps)
            record.time += steps * dt
            record.add(0.0, (k + 1) / len(targets))
            if wait is not None:
                wait(k)
        return record.history()
