"""What a loading program writes down: its records, the guards at each of them, and where it stood when it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pybridge._core import PackingEngine
from pybridge.errors import LoadingError, MaterialError, PackingError
from pybridge.packing.guards import (
    LEAST_FOR_INERTIA,
    OVERLAP_STOP,
    Guards,
    asymmetry,
    inertial_time,
    mean_pressure,
)

Watch = Callable[[float, str], None]  # share of the way that is done, 0 to 1, and what happens now


@dataclass(frozen=True)
class History:
    """Records of a program: strain (n, 3) logarithmic of the axes, stress (n, 3, 3) Pa, void ratio, contacts a
    grain, largest error of the controlled stresses (Pa), time of the packing (s), largest overlap over a radius,
    asymmetry of the stress over the pressure, inertial number since the record before, deformation (n, 3, 3) of the
    cell since the start."""

    strain: NDArray
    stress: NDArray
    void_ratio: NDArray
    coordination: NDArray
    error: NDArray
    time: NDArray
    overlap: NDArray
    asymmetry: NDArray
    inertial_number: NDArray
    deformation: NDArray


class LoadingInterrupt(KeyboardInterrupt):
    """Ctrl-C in a loading program; `history` holds the records up to there."""

    def __init__(self, history: History) -> None:
        super().__init__(f"{len(history.time)} records were taken")
        self.history = history


class Recorder:
    """Takes the records of a program on a packing and checks its guards at each."""

    def __init__(self, packing: PackingEngine, guards: Guards | None, watch: Watch | None) -> None:
        self.packing, self.guards, self.watch = packing, guards or Guards(), watch
        self.time, self.goal = 0.0, "the start"
        self._cell, self._time = packing.cell.copy(), 0.0
        self._start = self._cell.copy()
        self._pressure = max(mean_pressure(packing.measure(), packing.dim), 0.0)
        self._rows: list[tuple] = []
        self.add(0.0, 0.0)

    def add(self, error: float, share: float) -> None:
        """Record the packing as it stands, `share` (0 to 1) of the way done. Raises PackingError, without a record,
        where a guard does not hold."""
        packing, m, dim = self.packing, self.packing.measure(), self.packing.dim
        skewed = asymmetry(m, dim, self._pressure) if self._pressure > 0 else 0.0
        number = self._inertial_number(mean_pressure(m, dim))
        self.guards.check(m.overlap, skewed, number, OVERLAP_STOP)
        self._cell, self._time = packing.cell.copy(), self.time
        strain = np.log(np.diag(self._cell) / np.diag(self._start))
        deformation = self._cell @ np.linalg.inv(self._start)
        self._rows.append(
            (strain, m.stress, m.void_ratio, m.coordination, error, self.time, m.overlap, skewed, number,
             deformation)
        )  # fmt: skip
        if self.watch is not None:
            self.watch(round(share, 9), self.goal)  # sums of shares end at 1 but for rounding

    def _inertial_number(self, pressure: float) -> float:
        if self.time == self._time or not self._pressure > 0:
            return 0.0
        strain = np.linalg.norm(self.packing.cell @ np.linalg.inv(self._cell) - np.eye(3))
        counted = max(pressure, LEAST_FOR_INERTIA * self._pressure)
        return float(strain) / (self.time - self._time) * inertial_time(self.packing, counted)

    def history(self) -> History:
        """The records so far."""
        return History(**{
            f.name: np.array(column)
            for f, column in zip(fields(History), zip(*self._rows, strict=True), strict=True)
        })  # fmt: skip

    def where(self) -> str:
        """Where the packing stands, in words."""
        dim = self.packing.dim
        strain = np.log(np.diag(self.packing.cell) / np.diag(self._start))[:dim]
        pressure = mean_pressure(self.packing.measure(), dim)
        strains = ", ".join(f"{e:.4g}" for e in strain)
        return f"strains {strains}, mean pressure {pressure:.4g} Pa, after {len(self._rows)} records"


@contextmanager
def recorded(
    name: str, packing: PackingEngine, guards: Guards | None, watch: Watch | None
) -> Iterator[Recorder]:
    """A recorder for the program `name`. What stops the program carries the records up to there: LoadingError,
    LoadingInterrupt. Raises PackingError where the packing breaks a guard before it is loaded."""
    try:
        record = Recorder(packing, guards, watch)
    except PackingError as fault:
        raise PackingError(f"{name}: the packing before the test: {fault}") from fault
    try:
        yield record
    except (PackingError, MaterialError) as fault:
        text = f"{name}, on the way to {record.goal}, stopped at {record.where()}: {fault}"
        raise LoadingError(text, record.history()) from fault
    except KeyboardInterrupt:
        raise LoadingInterrupt(record.history()) from None
