"""Order under step halving, measured on the deviatoric stress history of a polycrystal."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import CrystalParameters, make_taylor_crystal, uniform_orientations

DURATION = 2e-7


def errors(tools, parameters: CrystalParameters, counts: list[int], finest: int) -> np.ndarray:
    crystal = make_taylor_crystal(uniform_orientations(4, 2), parameters, "float64")

    def history(steps: int) -> np.ndarray:
        path = tools.smooth_path(finest, 3, 0.03, knots=4)[:: finest // steps]
        # Every run sees the piecewise linear path of its own steps, as in a host.
        stress = tools.deviator(tools.drive(crystal, path, DURATION / steps).stress)
        return stress[:: steps // counts[0]]

    exact = history(finest)
    return np.array([np.linalg.norm(history(n) - exact) / np.linalg.norm(exact) for n in counts])


def slope(found: np.ndarray) -> float:
    return float(np.log2(found[-2] / found[-1]))


@pytest.mark.parametrize(("implicitness", "low", "high"), [(0.5, 1.8, 2.3), (1.0, 0.9, 1.15)])
def test_slip_has_the_order_of_its_rule(tools, implicitness: float, low: float, high: float) -> None:
    parameters = CrystalParameters()
    parameters.twin_rate = 0.0
    parameters.implicitness = implicitness
    parameters.tolerance = 1e-4
    found = errors(tools, parameters, [400, 800, 1600], 12800)
    assert low < slope(found) < high, found
    assert found[-1] < (2e-3 if implicitness == 0.5 else 1e-2)


def test_with_twins_the_order_stays_above_one(tools) -> None:
    # Systems that start and stop at lambda = 0 and compete cost part of an order.
    parameters = CrystalParameters()
    found = errors(tools, parameters, [400, 800, 1600], 12800)
    assert slope(found) > 1.2, found
    parameters.implicitness = 1.0
    assert found[-1] < 0.5 * errors(tools, parameters, [400, 1600], 12800)[-1]
