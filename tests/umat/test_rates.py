"""How far Green and Naghdi's rate, which both UMAT and VUMAT answer in, is from Jaumann's: the table of docs/umat.md."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from umat_cases import rotation

from pybridge.host import UmatPoint

YOUNG, POISSON, YIELD = 117e9, 0.35, 400e6
SHEARS = (0.1, 0.3, 1.0, 2.0)
# Largest component of the difference over the largest of the stress, converged (8000 steps).
TABLE = {"elastic": (6.2e-5, 1.7e-3, 5.2e-2, 0.34), "J2": (1.2e-5, 1.2e-4, 1.1e-3, 2.7e-3)}
LAWS = {
    "elastic": ("PYBRIDGE_ELASTIC", (YOUNG, POISSON), np.inf),
    "J2": ("PYBRIDGE_J2", (YOUNG, POISSON, YIELD, 0.0), YIELD),
}


def jaumann(shears: NDArray, flow: float) -> list[NDArray]:
    """Simple shear F12 by midpoint turns of the spin -1/2 in each unit of shear, and radial return at a flow stress."""
    g = YOUNG / (2 * (1 + POISSON))
    stress, answers, step = np.zeros((3, 3)), [], shears[0]
    whole, half = (rotation((0, 0, 1), -a * step) for a in (0.5, 0.25))
    strain = np.zeros((3, 3))
    strain[0, 1] = strain[1, 0] = step / 2
    strain = half @ strain @ half.T
    for _ in shears:
        stress = whole @ stress @ whole.T + 2 * g * strain
        mean = np.trace(stress) / 3 * np.eye(3)
        mises = np.sqrt(1.5 * ((stress - mean) ** 2).sum())
        stress = mean + (stress - mean) * min(1.0, flow / mises)
        answers.append(stress)
    return answers


@pytest.mark.parametrize("law", LAWS)
def test_distance_of_the_two_rates(umat, law) -> None:
    """1000 steps answer to a fifth of the difference (J2; elastic to 1 %)."""
    name, constants, flow = LAWS[law]
    shears = np.linspace(0, SHEARS[-1], 1001)[1:]
    point = UmatPoint(umat, name, constants)
    f = np.eye(3)
    for shear, other in zip(shears, jaumann(shears, flow), strict=True):
        f[0, 1] = shear
        stress = point.step(f, 1e-3).stress
        for at, expected in zip(SHEARS, TABLE[law], strict=True):
            if abs(shear - at) < 1e-9:
                found = np.abs(stress - other).max() / np.abs(other).max()
                assert found == pytest.approx(expected, rel=0.25), at
