"""The retaining wall of [GUAN22] 4.2, Fig. 14: soil pushed from the right by a smooth wall, for the implicit solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.implicit import History, Problem, rectangle


@dataclass(frozen=True)
class WallTest:
    """Sizes in m, surcharge in Pa (compression positive), displacement of the wall over the width. The paper prints no
    lengths: here twice as wide as high."""

    columns: int = 8
    rows: int = 4
    width: float = 2.0
    height: float = 1.0
    pressure: float = 1e5
    strain: float = 0.1
    element: str = "Q8"

    def __post_init__(self) -> None:
        if not (self.pressure > 0 and 0 < self.strain < 0.5):
            raise SolverError(
                f"retaining wall: pressure {self.pressure:g} Pa and displacement {self.strain:g} of the width, expected > 0 "
                "and 0 to 0.5"
            )


def wall_problem(test: WallTest) -> Problem:
    """Left side on rollers, bottom fixed, the pressure on top, the right side pushed in; its lowest node stays."""
    mesh = rectangle(test.element, test.columns, test.rows, test.width, test.height)
    bottom = np.concatenate([mesh.dofs("bottom", c) for c in (0, 1)])
    wall = np.setdiff1d(mesh.dofs("right", 0), bottom)
    fixed = np.unique(np.concatenate([bottom, mesh.dofs("left", 0), wall]))
    moved = np.isin(fixed, wall)
    top = mesh.pressure_load("top")

    def values(load: float) -> NDArray:
        return np.where(moved, -test.strain * test.width * load, 0.0)

    return Problem(mesh, fixed, values, lambda load: test.pressure * top)


def wall_pressure(test: WallTest, problem: Problem, history: History) -> NDArray:
    """(steps,) mean pressure of the wall, Pa, compression positive, without its lowest node, which stays."""
    bottom = problem.mesh.dofs("bottom", 0)
    wall = np.setdiff1d(problem.mesh.dofs("right", 0), bottom)
    moved = np.isin(problem.fixed, wall)
    return np.array([-r[moved].sum() for r in history.reactions]) / test.height
