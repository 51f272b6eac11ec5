"""Implicit finite elements, plane strain and solids, for any material of the contract ([GUAN22] Algorithms 1 and 2).

Small strains: a point is given U = 1 + eps. docs/soil.md says how it iterates; `run_static` runs a deck with *STATIC.
"""

from pybridge.solver.implicit.biaxial import BiaxialTest, biaxial_problem
from pybridge.solver.implicit.controls import PACKING, TANGENT, Controls, suggested_controls
from pybridge.solver.implicit.from_deck import StaticModel, static_model
from pybridge.solver.implicit.mesh import ELEMENTS, ImplicitMesh, mesh_of, rectangle
from pybridge.solver.implicit.newton import Found, History, March, NotConvergedError, Problem, solve
from pybridge.solver.implicit.points import MaterialPoints
from pybridge.solver.implicit.runner import StaticResult, run_static

__all__ = [
    "ELEMENTS", "PACKING", "TANGENT", "BiaxialTest", "Controls", "Found", "History", "ImplicitMesh", "March", "MaterialPoints",
    "NotConvergedError", "Problem", "StaticModel", "StaticResult", "biaxial_problem", "mesh_of", "rectangle", "run_static",
    "solve", "static_model", "suggested_controls",
]  # fmt: skip
