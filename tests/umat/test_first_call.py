"""What Abaqus/Standard asks before anything moves, and increments in which nothing does."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge.host import UmatPoint


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_nothing_moves(umat, case, seconds) -> None:
    """F = 1, with and without a duration: no stress but for rounding, nothing stored, a stable stiffness."""
    point = UmatPoint(umat, case.name, case.constants, guarded=True)
    answer = point.trial(np.eye(3), seconds * case.dt)
    assert answer.answered
    assert np.abs(answer.stress).max() < 1e-6 * np.abs(answer.tangent).max() * 1e-3
    assert np.abs(answer.state).max(initial=0) < 1e-9
    np.testing.assert_allclose(answer.energies, 0, atol=1e-3)
    stiffness = (answer.tangent + answer.tangent.T) / 2
    if case.name != "NETWORK":  # of random weights
        assert np.linalg.eigvalsh(stiffness).min() > 1e9


@pytest.mark.parametrize("host", ["abaqus", "calculix"])
def test_a_body_that_only_turns(umat, case, host, history) -> None:
    """After a history, a rotation of 1 rad in one increment: the stress turns with it, and no law flows.

    Johnson-Cook's flow stress falls where nothing strains any more: there before it has flowed.
    """
    point = UmatPoint(umat, case.name, case.constants, host=host, guarded=True)
    path = history(20) if "JOHNSON" not in case.name else [np.eye(3) + 0.01 * (history(20)[0] - np.eye(3))]
    for f in path:
        point.step(f, case.dt)
    before = point.corotational.copy()
    c, s = np.cos(1.0), np.sin(1.0)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    answer = point.trial(turn @ path[-1], 0.0)
    scale = np.abs(before).max()
    # no time passes: what relaxes in time does not; the network answers its history, at another time none
    np.testing.assert_allclose(answer.corotational, before, rtol=0, atol=1e-9 * scale)
    kept = (
        slice(-1) if case.name == "NETWORK" else slice(None)
    )  # rounding of U in no time is an infinite rate
    np.testing.assert_allclose(answer.state[kept], point.state[kept], rtol=0, atol=1e-9)
    assert scale > 1e6
