"""One scenario, every host, both precisions: the same answer."""

from __future__ import annotations

import numpy as np
import pytest
from materials import CASES, HOSTS, PRECISIONS, Case, History, combinations, truth
from scenarios import SCENARIOS, Scenario, increments


def scale_of(array: np.ndarray) -> float:
    return float(np.abs(array).max())


def assert_agrees(found: History, expected: History, tolerance: float, state_names: list[str]) -> None:
    """Stress and dissipation relative to their largest value, each state variable relative to its own."""
    largest = scale_of(expected.stress)
    np.testing.assert_allclose(found.stress, expected.stress, rtol=0, atol=tolerance * largest)
    # Work of an increment is a small strain times the stress: its error is that of the strain, which is about
    # (1 + stress / flow stress) times larger than the stress's.
    spread = 100 * tolerance * scale_of(expected.dissipation)
    np.testing.assert_allclose(found.dissipation, expected.dissipation, rtol=0, atol=spread)
    for index, name in enumerate(state_names):
        limit = 100 * tolerance * max(scale_of(expected.state[:, index]), 1e-12)
        np.testing.assert_allclose(
            found.state[:, index], expected.state[:, index], rtol=0, atol=limit, err_msg=name
        )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("host", "engine", "case"), combinations())
def test_hosts_agree(host: str, engine: str, precision: str, case: Case, scenario: Scenario) -> None:
    """float64: rounding of some 60 steps and of the root finders; float32: 6e-8 a step of the largest stress (the
    pressure), which is several times the flow stress; the crystal's slip rates are powers of the stress; the
    surrogate's stretches, rounded to 6e-8, are divided by input scales of 0.01 to 0.03."""
    expected = truth(case, scenario)
    found = HOSTS[host](case, scenario, precision, engine)
    tolerance = case.tolerance[PRECISIONS.index(precision)]
    states = found.state.shape[1]
    assert_agrees(found, expected, tolerance, [str(k) for k in range(states)])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case_checks_something(case: Case, scenario: Scenario) -> None:
    """Every point is stressed, no two points alike; what should flow flows at most points; the shears are not zero."""
    history = truth(case, scenario)
    final = history.stress[-1]
    assert (np.abs(final).max(axis=0) > 1e6).sum() >= scenario.points - 1  # one weight is near zero
    distinct = {tuple(np.round(column / 1e3)) for column in final.T}
    assert len(distinct) == scenario.points
    if scenario.name not in ("tension", "plane"):
        assert (np.abs(final[3:]).max(axis=1) > 1e6).all()
    if case.flow:
        assert (history.state[-1, 0] > 1e-3).mean() > 0.5
        assert history.dissipation.min() >= 0
    if case.flow is not None:
        assert np.abs(history.dissipation).max() > 1e5


def test_there_are_cases() -> None:
    assert {c.name.split("_")[1] for c in CASES if not c.model} >= {"ELASTIC", "J2", "JOHNSON", "TAYLOR"}
    assert any(c.model for c in CASES)
    assert len(combinations()) == 2 * (len(CASES) + 1)
    assert len(SCENARIOS) >= 5
    assert {"bindings", "vumat"} <= set(HOSTS)


def test_scenarios_rotate_and_reverse() -> None:
    """R differs from 1, F from its transpose, and one strain increment changes sign."""
    by_name = {s.name: s for s in SCENARIOS}
    last = increments(by_name["rotation"], 1.0)[-1]
    assert np.abs(last.defgrad_new[:6] - last.stretch_new).max() > 0.3
    assert np.abs(last.defgrad_new[3] - last.defgrad_new[6]).max() > 0.3
    strains = np.array([inc.strain_inc[0, 0] for inc in increments(by_name["reversal"], 1.0)])
    assert strains.min() < 0 < strains.max()
