"""The mini-solver: explicit finite elements in NumPy with any material of the contract (docs/solver.md)."""

from pybridge.solver.from_deck import controls_from_deck, model_from_deck
from pybridge.solver.model import (
    Controls,
    CylinderContact,
    ElementGroup,
    Hourglass,
    Model,
    PlaneContact,
    Prescribed,
    SolverMaterial,
)
from pybridge.solver.runner import RunResult, run, run_model

__all__ = [
    "Controls", "CylinderContact", "ElementGroup", "Hourglass", "Model", "PlaneContact", "Prescribed", "RunResult",
    "SolverMaterial", "controls_from_deck", "model_from_deck", "run", "run_model",
]  # fmt: skip
