"""Consistent tangents against central differences of the return map."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import MaterialError, law_tangent, make_law
from pybridge.conventions import block_to_mandel, mandel_to_block

LAWS = {
    "elastic": ("PYBRIDGE_ELASTIC", [200e9, 0.3]),
    "j2 perfect": ("PYBRIDGE_J2", [117e9, 0.35, 400e6, 0.0]),
    "j2 table": ("PYBRIDGE_J2", [117e9, 0.35, 300e6, 0.0, 380e6, 0.002, 350e6, 0.004, 950e6, 0.06]),
    "jc": (
        "PYBRIDGE_JOHNSON_COOK",
        [124e9, 0.34, 90e6, 292e6, 0.31, 1.09, 1356.0, 294.0, 0.025, 1.0, 383.0, 0.9],
    ),
    # so little heat capacity that the thermal terms count
    "jc hot": ("PYBRIDGE_JOHNSON_COOK", [124e9, 0.34, 9e8, 2e8, 0.5, 0.8, 1356.0, 294.0, 0.1, 1e4, 4.0, 0.9]),
}


@pytest.mark.parametrize(("name", "constants"), LAWS.values(), ids=LAWS.keys())
def test_tangent_is_the_derivative(name, constants, rng, advance) -> None:
    law = make_law(name, constants, "float64")
    n, dt = 40, 1e-7
    stress, state = np.zeros((6, n)), np.zeros((law.state_size, n))
    common = {"temperature": rng.uniform(250, 500, n), "density": rng.uniform(7000, 9000, n)}
    plastic_points = 0
    for _ in range(6):
        strain = rng.normal(size=(6, n)) * 1.5e-3
        strain[:, 0] = 0
        tangent = law_tangent(law, dt=dt, strain_inc=strain, stress_old=stress, state_old=state, **common)
        new = advance(law, strain, stress, state, dt=dt, **common)
        step = 1e-8
        for column in range(6):
            change = np.zeros((6, n))
            change[column] = step
            up, down = (
                advance(law, strain + sign * mandel_to_block(change), stress, state, dt=dt, **common)
                for sign in (1, -1)
            )
            difference = block_to_mandel(up.stress - down.stress) / (2 * step)
            if law.state_size:  # a difference across a kink (first yield, a table point) is no derivative
                gaps = np.abs(up.state[0] - 2 * new.state[0] + down.state[0]) / step
                smooth = gaps < 1e-3
                assert smooth.mean() > 0.8
            else:
                smooth = np.ones(n, bool)
            # differences of stresses of 1e9 rounded at 1e-16, over 1e-8
            np.testing.assert_allclose(
                tangent[:, column, smooth], difference[:, smooth], rtol=0, atol=2e-5 * law.elastic_moduli.bulk
            )
        if law.state_size:
            plastic_points += (new.state[0] > state[0]).sum()
        stress, state = new.stress, new.state
    assert plastic_points > 60 or not law.state_size


def test_a_failed_point_gets_the_elastic_tangent() -> None:
    elastic = make_law("PYBRIDGE_ELASTIC", [200e9, 0.3], "float64")
    inputs = {"dt": 1e-6, "temperature": np.zeros(2), "density": np.ones(2), "stress_old": np.zeros((6, 2))}
    expected = law_tangent(elastic, strain_inc=np.zeros((6, 2)), state_old=np.zeros((0, 2)), **inputs)
    strain = np.full((6, 2), np.nan)
    for name, constants, states in (
        ("PYBRIDGE_J2", [200e9, 0.3, 1e8, 0.0], 1),
        ("PYBRIDGE_JOHNSON_COOK", [200e9, 0.3, *LAWS["jc"][1][2:]], 3),
    ):
        law = make_law(name, constants, "float64")
        found = law_tangent(law, strain_inc=strain, state_old=np.zeros((states, 2)), **inputs)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_wrong_shape_is_an_error() -> None:
    law = make_law("PYBRIDGE_ELASTIC", [200e9, 0.3], "float64")
    with pytest.raises(MaterialError, match=r"strain_inc: expected shape \(6, 2\)"):
        law_tangent(law, dt=1e-6, strain_inc=np.zeros((5, 2)), temperature=np.zeros(2), density=np.ones(2),
                    stress_old=np.zeros((6, 2)), state_old=np.zeros((0, 2)))  # fmt: skip
