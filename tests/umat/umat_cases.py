"""Materials of the UMAT's tests, and the gradients they are driven by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HORIZON = 1e-6
STEEL = (200e9, 0.3)
JOHNSON_COOK = (200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9)


@dataclass(frozen=True)
class Case:
    """A material: name, constants, seconds of a step."""

    name: str
    constants: tuple[float, ...]
    dt: float


CASES = {
    "elastic": Case("PYBRIDGE_ELASTIC", STEEL, 1e-6),
    "j2": Case("PYBRIDGE_J2", (*STEEL, 4e8, 0.0, 5e8, 0.1, 5.5e8, 0.4), 1e-6),
    "jc isothermal": Case("PYBRIDGE_JOHNSON_COOK", (*JOHNSON_COOK[:10], 0.0, 0.9), 1e-5),
    "jc adiabatic": Case("PYBRIDGE_JOHNSON_COOK", (*JOHNSON_COOK, 7800.0), 1e-5),
    "crystal": Case("PYBRIDGE_TAYLOR_CRYSTAL", (6.0, 3.0), 1e-8),
    "network": Case("NETWORK", (), 2e-8),
}


def rotation(axis: tuple[float, float, float], angle: float) -> NDArray:
    """Rodrigues' formula, (3, 3)."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


GRADIENT = np.array([[0.031, 0.052, -0.017], [-0.024, -0.037, 0.028], [0.011, -0.041, 0.009]])
