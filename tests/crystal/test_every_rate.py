"""The step finds its slips for every strain rate and step length, and never calls a lost iteration good."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import make_law

POINTS, STEPS = 16, 4


class Paths:
    """Random deviatoric paths of 16 points through a crystal of six grains."""

    def __init__(self, precision: str, seed: int) -> None:
        self.dtype = np.dtype(precision)
        self.law = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [6.0, 3.0], precision)
        self.direction = np.random.default_rng(seed).normal(size=(6, POINTS))
        self.direction[:3] -= self.direction[:3].mean(0)
        self.direction /= np.sqrt((self.direction**2).sum(0))
        self.stretch = np.zeros((6, POINTS))
        self.stretch[:3] = 1.0
        self.stress = np.zeros((6, POINTS), self.dtype)
        self.state = np.zeros((self.law.state_size, POINTS), self.dtype)
        self.finite = True

    def step(self, increment: float, rate: float) -> np.ndarray:
        """Move all points by `increment` of strain (backwards where negative) at `rate`; their status."""
        after = self.stretch + self.direction * increment
        new, moved = np.full_like(self.stress, np.nan), np.full_like(self.state, np.nan)
        work, status = np.full(POINTS, np.nan, self.dtype), np.full(POINTS, -1, np.int32)
        self.law.update(
            time_old=0.0, dt=abs(increment) / rate, strain_inc=np.zeros_like(new),
            stretch_old=self.stretch.astype(self.dtype), stretch_new=after.astype(self.dtype),
            temperature=np.zeros(POINTS, self.dtype), density=np.ones(POINTS, self.dtype), stress_old=self.stress,
            state_old=self.state, stress_new=new, state_new=moved, dissipation_inc=work, status=status,
        )  # fmt: skip
        self.finite &= all(np.isfinite(a).all() for a in (new, moved, work))
        self.stress, self.state, self.stretch = new, moved, after
        return status

    def largest_deviator(self) -> float:
        """Norm, Pa, of the point that has most."""
        d = self.stress.astype(float)
        d[:3] -= d[:3].mean(0)
        return float(np.sqrt((d[:3] ** 2).sum(0) + 2 * (d[3:] ** 2).sum(0)).max())


def largest_deviator(increment: float, rate: float, strain: float, precision: str) -> float:
    """Pa; out to `strain`, back to half of it, in steps of `increment`."""
    paths, largest, turn = Paths(precision, 11), 0.0, round(strain / increment)
    for k in range(turn + turn // 2):
        assert (paths.step(increment if k < turn else -increment, rate) == 0).all()
        largest = max(largest, paths.largest_deviator())
    return largest


def answers(increment: float, rate: float, precision: str) -> tuple[np.ndarray, bool]:
    """Status of all points and steps of increments, reversed in the last; whether all is finite."""
    paths = Paths(precision, 5)
    found = [paths.step(increment if k < STEPS - 1 else -increment, rate) for k in range(STEPS)]
    return np.array(found), paths.finite


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("rate", [1e3, 1e4, 1e5, 1e6, 1e7])
@pytest.mark.parametrize("increment", [1e-5, 1e-3, 1e-2])
def test_every_rate_and_step_finds_its_slips(increment: float, rate: float, precision: str) -> None:
    status, finite = answers(increment, rate, precision)
    assert finite
    assert (status == 0).all()


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("rate", [1e3, 1e4, 1e5, 1e6, 1e7])
def test_long_steps_bring_no_stress_that_short_ones_do_not(rate: float, precision: str) -> None:
    # A step that leaps over a relaxation may end anywhere, and converge there. One grain of six may take the other
    # branch of a fork between its twins, which moves the largest of 16 points by some per cent.
    exact = largest_deviator(2e-4, rate, 0.06, "float64")
    assert 2e8 < exact < 1.2e9
    for increment in (2.5e-3, 1e-2):
        assert abs(largest_deviator(increment, rate, 0.06, precision) - exact) < 0.1 * exact


@pytest.mark.parametrize("rate", [1.0, 1e2])
def test_what_is_not_found_is_said(rate: float) -> None:
    # Far below the rates it is made for, a step of 3 % may find no slips: recoverable, and what was stays.
    status, finite = answers(3e-2, rate, "float64")
    assert finite
    assert np.isin(status, (0, 2)).all()
    assert (status == 2).any()
