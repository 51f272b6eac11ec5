"""Johnson-Cook: closed forms of rate and heating, and a return map that always converges."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import flow_evaluations, make_law
from pybridge.reference import make_law as make_reference

YOUNG, POISSON = 124e9, 0.34
SHEAR = YOUNG / (2 * (1 + POISSON))
BASE = {
    "A": 90e6, "B": 292e6, "n": 0.31, "m": 1.09, "T_melt": 1356.0, "T_transition": 294.0, "C": 0.025,
    "rate_0": 1.0, "specific_heat": 383.0, "fraction": 0.9,
}  # fmt: skip


def constants(**changes: float) -> list[float]:
    return [YOUNG, POISSON, *({**BASE, **changes}).values()]


def law_of(precision="float64", **changes):
    return make_law("PYBRIDGE_JOHNSON_COOK", constants(**changes), precision)


def flow_stress(p, rate, temperature, **changes):
    k = {**BASE, **changes}
    hot = np.clip((temperature - k["T_transition"]) / (k["T_melt"] - k["T_transition"]), 0, 1)
    rated = 1 + k["C"] * np.log(np.maximum(1, rate / k["rate_0"])) if k["C"] > 0 else 1.0
    return (k["A"] + k["B"] * p ** k["n"]) * rated * (1 - hot ** k["m"])


def shear_steps(law, advance, increment, steps, dt, temperature=0.0, density=8960.0):
    """Shear strain increments e12 = `increment`; the state and stress after each step."""
    stress, state = np.zeros((6, 1)), np.zeros((3, 1))
    strain = np.zeros((6, 1))
    strain[3] = increment
    for _ in range(steps):
        new = advance(law, strain, stress, state, dt=dt, temperature=temperature, density=density)
        stress, state = new.stress, new.state
        yield new


@pytest.mark.parametrize("rate", [1e-3, 1.0, 1e3, 1e6, 1e8])
def test_flow_stress_follows_the_formula(rate, advance) -> None:
    """Isothermal shear at a given rate: sqrt(3) s12 = y(p, rate of p, T), for T below, in and above the range."""
    for temperature in (200.0, 294.0, 500.0, 1200.0):
        law = law_of(specific_heat=0.0)
        increment = 2e-4
        dt = increment * 2 / np.sqrt(3) / rate
        for new in shear_steps(law, advance, increment, 60, dt, temperature):
            p, rate_found, rise = new.state[:, 0]
            if p > 0:
                y = flow_stress(p, rate_found, temperature)
                np.testing.assert_allclose(np.sqrt(3) * new.stress[3, 0], y, rtol=1e-12)
            assert rise == 0
        np.testing.assert_allclose(rate_found, rate, rtol=0.02)  # hardening still takes an elastic share


def test_below_the_reference_rate_there_is_no_rate_effect(advance) -> None:
    slow = [new.stress[3, 0] for new in shear_steps(law_of(rate_0=1e4), advance, 1e-3, 10, 1e-3 / 5e2)]
    static = [new.stress[3, 0] for new in shear_steps(law_of(C=0.0), advance, 1e-3, 10, 1e-3 / 5e2)]
    np.testing.assert_allclose(slow, static, rtol=1e-13)
    fast = [new.stress[3, 0] for new in shear_steps(law_of(rate_0=1e2), advance, 1e-3, 10, 1e-3 / 5e2)]
    assert (np.array(fast)[1:] > 1.02 * np.array(static)[1:]).all()


def heated(advance, steps, total=0.4, density=8960.0):
    """Temperature rise and plastic strain in shear where y = A (1 - T*), adiabatic."""
    law = law_of(B=0.0, C=0.0, m=1.0)
    *_, last = shear_steps(law, advance, total / steps, steps, 1e-6, density=density)
    return last.state[2, 0], last.state[0, 0]


def test_adiabatic_heating_in_closed_form(advance) -> None:
    """dT = chi A (1 - T*) / (rho c) dp gives T* = 1 - exp(-chi A p / (rho c (T_melt - T_transition)))."""
    span = BASE["T_melt"] - BASE["T_transition"]
    errors = []
    for density in (8960.0, 2000.0):
        for steps in (50, 100):
            rise, p = heated(advance, steps, density=density)
            exact = span * -np.expm1(
                -BASE["fraction"] * BASE["A"] * p / (density * BASE["specific_heat"] * span)
            )
            errors.append(abs(rise - exact) / exact)
    assert max(errors) < 1e-6
    for coarse, fine in (errors[:2], errors[2:]):
        assert 3.5 < coarse / fine < 4.5  # second order


def test_heat_is_the_dissipated_work(rng, advance) -> None:
    law = law_of()
    stress, state = np.zeros((6, 20)), np.zeros((3, 20))
    for _ in range(10):
        new = advance(law, rng.normal(size=(6, 20)) * 3e-3, stress, state, dt=1e-7, density=7777.0)
        heat = BASE["fraction"] * new.dissipation / (7777.0 * BASE["specific_heat"])
        np.testing.assert_allclose(new.state[2] - state[2], heat, rtol=1e-9, atol=1e-12)
        stress, state = new.stress, new.state
    assert state[2].min() > 0.1


def test_work_is_the_integral_of_the_flow_stress(advance) -> None:
    """Rate-independent, isothermal and n = 1: A p + B p^2 / 2, for which the trapezoid is exact."""
    *_, last = answers = list(shear_steps(law_of(C=0.0, specific_heat=0.0, n=1.0), advance, 1e-3, 200, 1e-6))
    work, p = sum(new.dissipation[0] for new in answers), last.state[0, 0]
    np.testing.assert_allclose(work, BASE["A"] * p + BASE["B"] * p**2 / 2, rtol=1e-12)


def test_molten_material_has_no_strength(rng, advance, von_mises) -> None:
    law = law_of()
    stress, strain = rng.normal(size=(6, 30)) * 1e8, rng.normal(size=(6, 30)) * 1e-3
    new = advance(law, strain, stress, temperature=1400.0)
    assert (von_mises(new.stress) <= 1e-15 * 1e9).all()
    bulk = law.elastic_moduli.bulk
    np.testing.assert_allclose(
        new.stress[:3].sum(0), stress[:3].sum(0) + 3 * bulk * strain[:3].sum(0), rtol=1e-9
    )
    assert (new.state[2] >= 0).all()
    assert (new.status == 0).all()


def test_heating_ends_at_the_melting_point(advance) -> None:
    law = law_of(A=2e9)
    for new in shear_steps(law, advance, 0.02, 400, 1e-7):
        assert new.state[2, 0] <= (BASE["T_melt"] - BASE["T_transition"]) * (1 + 1e-12)
    assert new.state[2, 0] > 0.99 * (BASE["T_melt"] - BASE["T_transition"])
    assert np.sqrt(3) * new.stress[3, 0] < 0.02 * 2e9


def test_temperature_zero_means_the_transition_temperature(advance) -> None:
    law = law_of()
    strain = np.array([[2e-3], [0], [0], [1e-3], [0], [0]])
    at_zero, at_transition = (advance(law, strain, temperature=t).stress for t in (0.0, 294.0))
    assert np.array_equal(at_zero, at_transition)
    assert not np.array_equal(at_zero, advance(law, strain, temperature=400.0).stress)


def test_a_step_without_duration_is_rate_independent(rng, advance) -> None:
    strain = rng.normal(size=(6, 30)) * 3e-3
    state = np.array([[0.1], [1e5], [20.0]]) * np.ones(30)
    stress = rng.normal(size=(6, 30)) * 3e7
    found = advance(law_of(), strain, stress, state, dt=0.0)
    expected = advance(law_of(C=0.0), strain, stress, state, dt=0.0)
    np.testing.assert_allclose(found.stress, expected.stress, rtol=1e-14)
    assert (found.state[1] == 0).all()
    assert (found.status == 0).all()
    assert (advance(law_of(), strain, stress, state, dt=-1e-9).status == 3).all()


def test_unloading_stops_the_rate(advance) -> None:
    law = law_of()
    *_, last = shear_steps(law, advance, 1e-3, 10, 1e-7)
    assert last.state[1, 0] > 1e3
    strain = np.zeros((6, 1))
    strain[3] = -6e-4
    new = advance(law, strain, last.stress, last.state, dt=1e-7)
    assert new.state[1, 0] == 0
    assert np.array_equal(new.state[::2], last.state[::2])
    np.testing.assert_allclose(new.stress, last.stress + 2 * SHEAR * strain, rtol=1e-13)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_converges_for_any_input(precision, rng, advance, von_mises) -> None:
    """Sizes, rates, temperatures, exponents and old rates over many decades, in one step each."""
    n = 300
    tolerance = 1e-9 if precision == "float64" else 1e-4
    for _ in range(40):
        # exponents m and n below 1 have infinite slopes at zero
        changes = {
            "n": 10 ** rng.uniform(-1, 0.2), "m": 10 ** rng.uniform(-0.5, 0.5), "C": 10 ** rng.uniform(-3, -0.5),
            "rate_0": 10 ** rng.uniform(-4, 3), "A": 10 ** rng.uniform(5, 9), "B": 10 ** rng.uniform(5, 9),
        }  # fmt: skip
        law = law_of(precision, **changes)
        dt = 10 ** rng.uniform(-12, 0)
        strain = rng.normal(size=(6, n)) * 10 ** rng.uniform(-9, -0.5, size=n)
        stress = rng.normal(size=(6, n)) * 10 ** rng.uniform(2, 9, size=n)
        state = np.array(
            [10 ** rng.uniform(-12, 0.5, n), 10 ** rng.uniform(-3, 8, n), 10 ** rng.uniform(-3, 3, n)]
        )
        state[:, rng.random(n) < 0.3] = 0
        temperature = rng.uniform(200, 1500, n)
        new = advance(law, strain, stress, state, dt=dt, temperature=temperature)
        assert (new.status == 0).all()
        increment = new.state[1].astype(float) * dt
        q, plastic = von_mises(new.stress.astype(float)), new.state[1] > 0
        hot = temperature + new.state[2]
        y = flow_stress(state[0] + increment, new.state[1].astype(float), hot, **changes)
        # rounding of the trial stress, whose pressure part may be the largest
        slack = tolerance * (y + np.abs(stress).max(0) + 2 * SHEAR * np.abs(strain).max(0))
        assert (q <= y + slack).all()
        sharp = plastic & (increment * 3 * SHEAR > 1e-6 * y)
        assert (q[sharp] >= (y - slack)[sharp]).all()
        assert (new.dissipation >= 0).all()
        assert np.isfinite(new.stress).all()
        assert np.isfinite(new.state).all()


def test_first_yield_agrees_with_brent_from_the_infinite_slope(rng, advance) -> None:
    """Virgin points just beyond first yield, where p^n rises with an infinite slope."""
    for exponent in (0.1, 0.31, 0.8):
        changes = constants(n=exponent, C=0.025)
        law, reference = (make("PYBRIDGE_JOHNSON_COOK", changes, *p) for make, p in (
            (make_law, ("float64",)), (make_reference, ())))  # fmt: skip
        strain = np.zeros((6, 40))
        strain[4] = BASE["A"] / np.sqrt(3) / (2 * SHEAR) * (1 + np.logspace(-7, 2, 40))
        for dt in (1e-9, 1e-3, 1e3):
            found, expected = (advance(each, strain, dt=dt) for each in (law, reference))
            np.testing.assert_allclose(found.stress, expected.stress, rtol=1e-12, atol=1e-6)
            np.testing.assert_allclose(found.state[0], expected.state[0], rtol=1e-8, atol=1e-18)


def test_sudden_changes_of_rate_agree_with_brent(rng, advance) -> None:
    """The old rate is only a first guess: any old rate gives the same root."""
    law, reference = law_of(), make_reference("PYBRIDGE_JOHNSON_COOK", constants())
    n = 60
    stress, strain = np.zeros((6, n)), np.zeros((6, n))
    state = np.zeros((3, n))
    state[0], state[1] = 0.05, 10 ** rng.uniform(-2, 9, n)
    stress[5] = flow_stress(0.05, np.minimum(state[1], 1e7), 294.0) / np.sqrt(3)
    strain[5] = 10 ** rng.uniform(-7, -2, n) * rng.choice([-1, 1, 1], n)
    found, expected = (advance(each, strain, stress, state, dt=1e-8) for each in (law, reference))
    np.testing.assert_allclose(found.stress, expected.stress, rtol=1e-11, atol=1e-3)
    np.testing.assert_allclose(found.state, expected.state, rtol=1e-8, atol=1e-16)


HEATED = {"m": 2.0, "specific_heat": 3.0, "T_melt": 2000.0}


@pytest.mark.parametrize("changes", [{}, {"n": 1.6, "C": 0.1}, HEATED], ids=["copper", "convex", "much heat"])
def test_increment_meets_its_declared_accuracy(changes, rng, advance) -> None:
    """1e-11 of dp, for first guesses from good to bad: old rates 1e-5 to 1e-1 off."""
    law, reference = law_of(**changes), make_reference("PYBRIDGE_JOHNSON_COOK", constants(**changes))
    n, dt = 400, 1e-8
    state = np.array([10 ** rng.uniform(-4, 0, n), 10 ** rng.uniform(3, 5, n), np.full(n, 3.0)])
    stress, strain = np.zeros((6, n)), np.zeros((6, n))
    stress[4] = flow_stress(state[0], state[1], 297.0, **changes) / np.sqrt(3)
    strain[4] = np.sqrt(3) / 2 * state[1] * dt * (1 + 10 ** rng.uniform(-5, -1, n))
    found, expected = (advance(each, strain, stress, state, dt=dt) for each in (law, reference))
    # the increment is the rate; the rounding of q over 3 G dp comes on top
    rounding = 1e-15 * np.abs(stress[4]) / (SHEAR * dt)
    assert (np.abs(found.state[1] - expected.state[1]) <= 1e-11 * expected.state[1] + rounding).all()


@pytest.mark.parametrize(
    "hot", [{}, {"m": 1.0, "specific_heat": 20.0, "T_melt": 2000.0}], ids=["copper", "much heat"]
)
@pytest.mark.parametrize("rate_0", [1.0, 1e7])
def test_flow_that_goes_on_needs_one_evaluation(hot, rate_0, rng, advance) -> None:
    """The cost of the law: a smooth path with the rate changing by a few per cent a step."""
    law = law_of(rate_0=rate_0, **hot)
    n, dt = 100, 1e-8
    direction = rng.normal(size=(6, n)) * 2e-4
    stress, state = np.zeros((6, n)), np.zeros((3, n))
    inputs = {"temperature": np.full(n, 400.0), "density": np.full(n, 8960.0)}
    counts = []
    for _ in range(150):
        strain = direction * (1 + 0.03 * rng.random(n))
        counts.append(
            flow_evaluations(law, dt=dt, strain_inc=strain, stress_old=stress, state_old=state, **inputs)
        )
        new = advance(law, strain, stress, state, dt=dt, **inputs)
        stress, state = new.stress, new.state
    flowing = np.array(counts)[-100:]
    assert flowing.min() == 1
    assert flowing.mean() < 1.1
    assert counts[0].min() == 0  # still elastic
