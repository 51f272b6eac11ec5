"""The biaxial test of [GUAN22] Fig. 6: rough ends, lateral pressure, the top pressed down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.implicit.mesh import rectangle
from pybridge.solver.implicit.newton import History, Problem


@dataclass(frozen=True)
class BiaxialTest:
    """Sizes in m, pressure in Pa (compression positive), final axial strain (compression positive)."""

    columns: int = 2
    rows: int = 4
    width: float = 0.05
    height: float = 0.1
    pressure: float = 1e5
    strain: float = 0.1
    element: str = "Q8"

    def __post_init__(self) -> None:
        if not (self.pressure > 0 and 0 < self.strain < 0.5):
            raise SolverError(
                f"biaxial test: pressure {self.pressure:g} Pa and strain {self.strain:g}, expected > 0 and 0 to 0.5"
            )
        if min(self.columns, self.rows) < 1 or not min(self.width, self.height) > 0:
            raise SolverError(
                f"biaxial test: {self.columns} x {self.rows} elements on {self.width:g} x {self.height:g} m, expected 1 or more, "
                "and lengths above 0"
            )


def biaxial_problem(test: BiaxialTest, pressure: Callable[[float], float] | None = None) -> Problem:
    """The test as a problem; `pressure(load)` (Pa) instead of a constant one."""
    mesh = rectangle(test.element, test.columns, test.rows, test.width, test.height)
    bottom = [mesh.dofs("bottom", c) for c in (0, 1)]
    top = [mesh.dofs("top", c) for c in (0, 1)]
    fixed = np.unique(np.concatenate([*bottom, *top]))
    moved = np.isin(fixed, top[1])
    sides = mesh.pressure_load("left") + mesh.pressure_load("right")

    def values(load: float) -> NDArray:
        return np.where(moved, -test.strain * test.height * load, 0.0)

    def forces(load: float) -> NDArray:
        return (test.pressure if pressure is None else pressure(load)) * sides

    return Problem(mesh, fixed, values, forces)


def axial_stress(test: BiaxialTest, problem: Problem, history: History) -> NDArray:
    """(steps,) mean pressure under the top, Pa, compression positive."""
    moved = np.isin(problem.fixed, problem.mesh.dofs("top", 1))
    return np.array([-r[moved].sum() for r in history.reactions]) / test.width
