"""Shared by the tests of laws: one call of a law with freshly allocated outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray


@dataclass(frozen=True)
class Answer:
    """Outputs of one update."""

    stress: NDArray
    state: NDArray
    dissipation: NDArray
    status: NDArray


def _advance(
    law, strain_inc, stress_old=None, state_old=None, *, dt=1e-6, temperature=0.0, density=8000.0
) -> Answer:
    real = law.dtype
    strain_inc = np.ascontiguousarray(strain_inc, dtype=real)
    n = strain_inc.shape[1]
    stress_old = (
        np.zeros((6, n), real) if stress_old is None else np.ascontiguousarray(stress_old, dtype=real)
    )
    state_old = (
        np.zeros((law.state_size, n), real)
        if state_old is None
        else np.ascontiguousarray(state_old, dtype=real)
    )
    answer = Answer(
        np.full((6, n), np.nan, real), np.full((law.state_size, n), np.nan, real), np.full(n, np.nan, real),
        np.full(n, -1, np.int32),
    )  # fmt: skip
    unused = np.zeros((6, n), real)
    law.update(
        time_old=0.0, dt=dt, strain_inc=strain_inc, stretch_old=unused, stretch_new=unused,
        temperature=np.full(n, temperature, real) if np.isscalar(temperature) else temperature.astype(real),
        density=np.full(n, density, real) if np.isscalar(density) else density.astype(real),
        stress_old=stress_old, state_old=state_old, stress_new=answer.stress, state_new=answer.state,
        dissipation_inc=answer.dissipation, status=answer.status,
    )  # fmt: skip
    return answer


@pytest.fixture
def advance() -> Callable[..., Answer]:
    """advance(law, strain_inc, stress_old, state_old, dt=, temperature=, density=) -> Answer."""
    return _advance


def _von_mises(stress: NDArray) -> NDArray:
    deviator = stress.copy()
    deviator[:3] -= stress[:3].mean(0)
    return np.sqrt(1.5 * (deviator[:3] ** 2).sum(0) + 3 * (deviator[3:] ** 2).sum(0))


@pytest.fixture
def von_mises() -> Callable[[NDArray], NDArray]:
    """Von Mises stress (n,) of tensor components (6, n)."""
    return _von_mises


def _hooke_inverse(law, stress: NDArray) -> NDArray:
    mean = stress[:3].mean(0)
    strain = stress / (2 * law.elastic_moduli.shear)
    strain[:3] += mean / (3 * law.elastic_moduli.bulk) - mean / (2 * law.elastic_moduli.shear)
    return strain


@pytest.fixture
def hooke_inverse() -> Callable[..., NDArray]:
    """Elastic strain (6, n) of a stress (6, n) by a law's moduli."""
    return _hooke_inverse
