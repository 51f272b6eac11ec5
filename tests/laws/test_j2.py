"""J2: what a return map must satisfy, closed forms, tables crossed within a step."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import make_law

YOUNG, POISSON = 117e9, 0.35
SHEAR = YOUNG / (2 * (1 + POISSON))
TABLES = {
    "perfect": [(400e6, 0.0)],
    "linear": [(400e6, 0.0), (500e6, 1.0)],
    "tabulated": [(300e6, 0.0), (380e6, 0.002), (400e6, 0.005), (395e6, 0.01), (450e6, 0.03)],
}


def law_of(table, precision="float64"):
    return make_law("PYBRIDGE_J2", [YOUNG, POISSON, *np.ravel(table)], precision)


def yield_stress(table, p):
    return np.interp(p, [strain for _, strain in table], [stress for stress, _ in table])


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_return_map(table, rng, advance, von_mises, hooke_inverse) -> None:
    law = law_of(table)
    n = 200
    stress, state = np.zeros((6, n)), np.zeros((1, n))
    flowed = 0
    for _ in range(12):
        strain_inc = rng.normal(size=(6, n)) * 2e-3
        new = advance(law, strain_inc, stress, state)
        q, y = von_mises(new.stress), yield_stress(table, new.state[0])
        plastic = new.state[0] > state[0]
        flowed += plastic.sum()
        np.testing.assert_array_less(q, y * (1 + 1e-12))  # rounding of q
        np.testing.assert_allclose(q[plastic], y[plastic], rtol=1e-12)
        # what is not elastic is plastic strain: isochoric, along the stress deviator, of length dp
        strain_p = strain_inc - hooke_inverse(law, new.stress - stress)
        scale = 1e-14 * np.abs(strain_inc).max() + 4e-16 * np.abs(new.stress).max() / SHEAR
        assert np.abs(strain_p[:3].sum(0)).max() < 10 * scale
        deviator = new.stress.copy()
        deviator[:3] -= new.stress[:3].mean(0)
        expected = 1.5 * (new.state[0] - state[0]) * deviator / q
        np.testing.assert_allclose(strain_p, expected, rtol=0, atol=20 * scale)
        assert (new.dissipation >= 0).all()
        assert (new.dissipation[plastic] > 0).all()
        assert (new.status == 0).all()
        stress, state = new.stress, new.state
    assert 100 < flowed < 12 * n


def test_first_yield_in_shear_at_the_closed_form_load(advance) -> None:
    law = law_of(TABLES["linear"])
    strain = np.zeros((6, 3))
    strain[4] = 400e6 / np.sqrt(3) / (2 * SHEAR) * np.array([0.999999, 1.000001, -1.000001])
    new = advance(law, strain)
    assert new.state[0, 0] == 0
    assert (new.state[0, 1:] > 0).all()
    np.testing.assert_allclose(new.stress[4], 2 * SHEAR * strain[4], rtol=2e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_uniaxial_stress_curve(axis, advance) -> None:
    table = TABLES["tabulated"]
    law = law_of(table)
    p_path = np.array([0.0, 0.001, 0.0031, 0.008, 0.02, 0.029, 0.05, 0.3])
    stress, state, strain_old = np.zeros((6, 1)), np.zeros((1, 1)), np.zeros((6, 1))
    for p in p_path:
        y = yield_stress(table, p)
        strain = np.zeros((6, 1))
        strain[:3] = -POISSON * y / YOUNG - p / 2
        strain[axis] = y / YOUNG + p
        new = advance(law, strain - strain_old, stress, state)
        expected = np.zeros((6, 1))
        expected[axis] = y
        np.testing.assert_allclose(new.stress, expected, rtol=0, atol=1e-11 * y)
        np.testing.assert_allclose(new.state, p, rtol=1e-12, atol=1e-15)
        stress, state, strain_old = new.stress, new.state, strain


@pytest.mark.parametrize("component", [3, 4, 5])
def test_one_step_crosses_the_table(component, advance) -> None:
    """Shear from p = 0.001 to p = 0.05 in one step: stress and work in closed form."""
    table = TABLES["tabulated"]
    law = law_of(table)
    p_old, p_new = 0.001, 0.05
    y_old, y_new = yield_stress(table, p_old), yield_stress(table, p_new)
    stress, strain = np.zeros((6, 1)), np.zeros((6, 1))
    stress[component] = y_old / np.sqrt(3)
    strain[component] = (y_new - y_old) / np.sqrt(3) / (2 * SHEAR) + np.sqrt(3) / 2 * (p_new - p_old)
    new = advance(law, strain, stress, np.array([[p_old]]))
    np.testing.assert_allclose(new.state, p_new, rtol=1e-13)
    np.testing.assert_allclose(new.stress[component], y_new / np.sqrt(3), rtol=1e-13)
    nodes = np.array([p_old, 0.002, 0.005, 0.01, 0.03, p_new])
    np.testing.assert_allclose(new.dissipation, np.trapezoid(yield_stress(table, nodes), nodes), rtol=1e-13)


def test_ends_exactly_on_a_table_point(advance) -> None:
    table = TABLES["tabulated"]
    law = law_of(table)
    strain = np.zeros((6, 1))
    strain[3] = 400e6 / np.sqrt(3) / (2 * SHEAR) + np.sqrt(3) / 2 * 0.005
    new = advance(law, strain)
    np.testing.assert_allclose(new.state, 0.005, rtol=1e-13)
    again = advance(law, np.zeros((6, 1)), new.stress, new.state)
    np.testing.assert_allclose(again.stress, new.stress, rtol=1e-15)


def test_an_elastic_step_answers_as_elasticity_does(rng, advance) -> None:
    strain, stress = rng.normal(size=(6, 50)) * 1e-4, rng.normal(size=(6, 50)) * 1e6
    elastic = advance(make_law("PYBRIDGE_ELASTIC", [YOUNG, POISSON], "float64"), strain, stress)
    assert np.array_equal(advance(law_of(TABLES["perfect"]), strain, stress).stress, elastic.stress)


def test_a_stress_at_rest_stays_to_the_bit(rng, advance) -> None:
    stress = rng.normal(size=(6, 50)) * 1e7
    for precision in ("float64", "float32"):
        law = law_of(TABLES["linear"], precision)
        old = stress.astype(law.dtype)
        assert np.array_equal(advance(law, np.zeros((6, 50)), old).stress, old)


def test_a_softening_table_flows_to_its_lower_yield(advance, von_mises) -> None:
    table = [(400e6, 0.0), (100e6, 0.01)]
    strain = np.zeros((6, 1))
    strain[5] = 0.02
    new = advance(law_of(table), strain)
    np.testing.assert_allclose(von_mises(new.stress), 100e6, rtol=1e-13)
    np.testing.assert_allclose(
        new.state[0], (2 * np.sqrt(3) * SHEAR * 0.02 - 100e6) / (3 * SHEAR), rtol=1e-12
    )
