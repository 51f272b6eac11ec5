"""Loading programs of the laboratory on one packing: strain paths, triaxial and biaxial tests, isotropic loading.

Strains are logarithmic, positive in tension: a test to 10 % compression goes to -0.1. Stress control holds every
controlled face within `tolerance` times the reference pressure at each record: where it is not, the driven axis waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge._core import PackingEngine, ServoControl, ServoState
from pybridge.errors import PackingError
from pybridge.packing.prepare import inertial_time

WAIT_ROUNDS = 200  # of 100 steps


@dataclass(frozen=True)
class History:
    """Records of a program: strain (n, 3) logarithmic of the axes, stress (n, 3, 3) Pa, void ratio, contacts a grain,
    largest error of the controlled stresses (Pa), time of the packing (s)."""

    strain: NDArray
    stress: NDArray
    void_ratio: NDArray
    coordination: NDArray
    error: NDArray
    time: NDArray


@dataclass
class _Recorder:
    packing: PackingEngine
    rows: list[tuple] | None = None
    time: float = 0.0

    def __post_init__(self) -> None:
        self.rows = []
        self.start = np.diag(self.packing.cell).copy()
        self.add(0.0)

    def add(self, error: float) -> None:
        m = self.packing.measure()
        strain = np.log(np.diag(self.packing.cell) / self.start)
        assert self.rows is not None
        self.rows.append((strain, m.stress, m.void_ratio, m.coordination, error, self.time))

    def history(self) -> History:
        assert self.rows is not None
        return History(*(np.array(column) for column in zip(*self.rows, strict=True)))


def _check_pressure(name: str, pressure: float) -> None:
    if not (math.isfinite(pressure) and pressure > 0):
        raise PackingError(
            f"{name}: expected a pressure > 0 Pa (compression), got {pressure:g}; grains carry no tension"
        )


def _settle(
    packing: PackingEngine, control: ServoControl, state: ServoState, allowed: float, record: _Recorder
) -> float:
    """Let the servo work with the driven axis at rest until the error is allowed; its error."""
    driven = control.rate
    control.rate = [0.0, 0.0, 0.0]
    try:
        for _ in range(WAIT_ROUNDS):
            dt = packing.time_step
            error = packing.servo(control, dt, 100, state)
            record.time += 100 * dt
            if error <= allowed:
                return error
    finally:
        control.rate = driven
    raise PackingError(
        f"the stress path cannot be followed: the faces are {error:.3g} Pa off after {WAIT_ROUNDS * 100} steps at "
        f"rest, allowed {allowed:.3g}; the packing may have failed: less strain, a slower test, or another path"
    )


def _mixed(
    packing: PackingEngine,
    axis: int,
    strains: Sequence[float],
    control: ServoControl,
    pressure: float,
    inertial_number: float,
    records: int,
    tolerance: float,
) -> History:
    """Drive `axis` through `strains` (turning points of its log strain), the other faces as `control` says."""
    if not strains or not all(math.isfinite(s) for s in strains) or records < 1:
        raise PackingError(
            f"a loading program: expected finite turning points and records >= 1, got {list(strains)}"
        )
    if not 0 < inertial_number < 0.1:
        raise PackingError(f"a loading program: inertial_number is {inertial_number:g}, expected 0 to 0.1")
    state, record = ServoState(), _Recorder(packing)
    speed = inertial_number / inertial_time(packing, pressure)
    control.axis, control.rate_max = axis, 20 * speed
    total = sum(abs(b - a) for a, b in zip([0.0, *strains[:-1]], strains, strict=True))
    start = packing.cell[axis, axis]
    for target in strains:
        begin = math.log(packing.cell[axis, axis] / start)
        parts = max(1, round(records * abs(target - begin) / total)) if total > 0 else 1
        for k in range(1, parts + 1):
            goal = begin + (target - begin) * k / parts
            left = goal - math.log(packing.cell[axis, axis] / start)
            dt = packing.time_step
            steps = max(1, math.ceil(abs(left) / (speed * dt)))
            rate = [0.0, 0.0, 0.0]
            rate[axis] = math.expm1(left / steps) / dt
            control.rate = rate
            error = packing.servo(control, dt, steps, state)
            record.time += steps * dt
            if error > tolerance * pressure:
                error = _settle(packing, control, state, tolerance * pressure, record)
            record.add(error)
    return record.history()


def _control(
    dim: int, axis: int, offset: float | Sequence[float], slope: float | Sequence[float]
) -> ServoControl:
    control = ServoControl()
    control.stress_controlled = [k != axis and k < dim for k in range(3)]
    control.offset = [float(v) for v in np.broadcast_to(offset, 3)]
    control.slope = [float(v) for v in np.broadcast_to(slope, 3)]
    return control


def _expect(packing: PackingEngine, dim: int, name: str) -> None:
    if packing.dim != dim:
        kind = "disks" if dim == 2 else "spheres"
        raise PackingError(f"{name}: expected a packing of {kind} (dim {dim}), got dim {packing.dim}")


def biaxial(
    packing: PackingEngine, lateral_pressure: float, strains: Sequence[float], *, axis: int = 1,
    inertial_number: float = 1e-3, records: int = 100, tolerance: float = 0.01,
) -> History:  # fmt: skip
    """Disks: axis 2 (index 1) through the turning points `strains`, the other face at a constant pressure (Pa)."""
    _expect(packing, 2, "biaxial")
    _check_pressure("biaxial", lateral_pressure)
    control = _control(2, axis, -lateral_pressure, 0.0)
    return _mixed(packing, axis, strains, control, lateral_pressure, inertial_number, records, tolerance)


def triaxial(
    packing: PackingEngine, lateral_pressure: float, strains: Sequence[float], *, axis: int = 2,
    inertial_number: float = 1e-3, records: int = 100, tolerance: float = 0.01,
) -> History:  # fmt: skip
    """Spheres, conventional triaxial: `axis` driven, both lateral faces at a constant pressure sigma_3 (Pa)."""
    _expect(packing, 3, "triaxial")
    _check_pressure("triaxial", lateral_pressure)
    control = _control(3, axis, -lateral_pressure, 0.0)
    return _mixed(packing, axis, strains, control, lateral_pressure, inertial_number, records, tolerance)


def constant_p(
    packing: PackingEngine, pressure: float, strains: Sequence[float], *, axis: int | None = None,
    inertial_number: float = 1e-3, records: int = 100, tolerance: float = 0.01,
) -> History:  # fmt: skip
    """Constant mean pressure p: the lateral faces carry (dim sigma_m - sigma_a) / (dim - 1), sigma_m = -p."""
    _check_pressure("constant_p", pressure)
    dim = packing.dim
    axis = dim - 1 if axis is None else axis
    control = _control(dim, axis, -dim * pressure / (dim - 1), -1.0 / (dim - 1))
    return _mixed(packing, axis, strains, control, pressure, inertial_number, records, tolerance)


def constant_b(
    packing: PackingEngine, pressure: float, b: float, strains: Sequence[float], *,
    inertial_number: float = 1e-3, records: int = 100, tolerance: float = 0.01,
) -> History:  # fmt: skip
    """Spheres, true triaxial at constant p and b = (sigma_2 - sigma_3) / (sigma_1 - sigma_3), axis 3 (index 2) driven.

    With sigma_1 on the driven axis (compression): sigma_3 = (3 p - (1 + b) sigma_1) / (2 - b),
    sigma_2 = sigma_3 + b (sigma_1 - sigma_3). Index 1 carries sigma_2, index 0 sigma_3. b from 0 to 1.
    """
    _expect(packing, 3, "constant_b")
    _check_pressure("constant_b", pressure)
    if not 0 <= b <= 1:
        raise PackingError(f"constant_b: b is {b:g}, expected 0 to 1")
    offset3, slope3 = -3 * pressure / (2 - b), -(1 + b) / (2 - b)
    control = _control(3, 2, [offset3, (1 - b) * offset3, 0.0], [slope3, b + (1 - b) * slope3, 0.0])
    return _mixed(packing, 2, strains, control, pressure, inertial_number, records, tolerance)


def isotropic(
    packing: PackingEngine, pressures: Sequence[float], *, inertial_number: float = 1e-3, records: int = 20,
    tolerance: float = 0.01,
) -> History:  # fmt: skip
    """Even pressure on all faces through the turning points `pressures` (Pa), `records` on the way to each."""
    for pressure in pressures:
        _check_pressure("isotropic", pressure)
    state, record, control = ServoState(), _Recorder(packing), ServoControl()
    now = -float(np.trace(packing.measure().stress[: packing.dim, : packing.dim])) / packing.dim
    _check_pressure("isotropic: the packing", now)
    for target in pressures:
        for goal in np.geomspace(now, target, records + 1)[1:]:
            control.offset = [-float(goal)] * 3
            control.rate_max = 10 * inertial_number / inertial_time(packing, float(goal))
            record.add(_settle(packing, control, state, tolerance * float(goal), record))
        now = target
    return record.history()


def strain_path(
    packing: PackingEngine, stretches: NDArray, *, pressure: float, inertial_number: float = 1e-3,
    wait: Callable[[int], None] | None = None,
) -> History:  # fmt: skip
    """Stretch the cell through `stretches` (n, 3, 3), each relative to the cell at the start, base vectors evenly.

    `pressure` (Pa) is the one the inertial number is counted with. `wait(k)` is called after each record.
    """
    _check_pressure("strain_path", pressure)
    targets = np.asarray(stretches, float)
    if targets.ndim != 3 or targets.shape[1:] != (3, 3) or not np.all(np.linalg.det(targets) > 0):
        raise PackingError("strain_path: expected stretches of shape (n, 3, 3) with positive determinant")
    start, record = packing.cell.copy(), _Recorder(packing)
    speed = inertial_number / inertial_time(packing, pressure)
    for k, target in enumerate(targets):
        goal, dt = target @ start, packing.time_step
        size = float(np.linalg.norm(goal @ np.linalg.inv(packing.cell) - np.eye(3)))
        steps = max(1, math.ceil(size / (speed * dt)))
        packing.deform(goal, dt, steps)
        record.time += steps * dt
        record.add(0.0)
        if wait is not None:
            wait(k)
    return record.history()
