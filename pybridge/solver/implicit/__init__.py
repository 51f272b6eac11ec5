"""Implicit plane-strain finite elements for any material of the contract ([GUAN22] Algorithms 1 and 2).

Small strains: a point is given U = 1 + eps. Assembled with scikit-fem; docs/theory/packings.md says how it iterates.
"""

from pybridge.solver.implicit.biaxial import BiaxialTest, biaxial_problem
from pybridge.solver.implicit.newton import Controls, History, Problem, solve
from pybridge.solver.implicit.plane import ELEMENTS, PlaneMesh, rectangle
from pybridge.solver.implicit.points import MaterialPoints

__all__ = [
    "ELEMENTS", "BiaxialTest", "Controls", "History", "MaterialPoints", "PlaneMesh", "Problem", "biaxial_problem",
    "rectangle", "solve",
]  # fmt: skip
