"""Shared by the tests of the crystal: a driver through the bindings, numbered paths, conversions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pybridge.conventions import SYMMETRIC_COLUMN, SYMMETRIC_ROW

Array = NDArray[np.float64]


def to_matrix(components: Array) -> Array:
    """(6, ...) tensor components to (..., 3, 3)."""
    out = np.empty((*components.shape[1:], 3, 3), components.dtype)
    for k, (i, j) in enumerate(zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True)):
        out[..., i, j] = out[..., j, i] = components[k]
    return out


def to_components(matrix: Array) -> Array:
    """(..., 3, 3) to (6, ...) tensor components."""
    return np.array([matrix[..., i, j] for i, j in zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True)])


@dataclass
class History:
    stress: Array  # (steps + 1, 6, n)
    state: Array  # (state_size, n), at the end
    work: Array  # (steps, n), dissipation_inc
    status: NDArray[np.int32]  # (n,), worst


def drive(material, stretch: Array, dt: float, state: Array | None = None) -> History:
    """Update along stretch (steps + 1, 6) or (steps + 1, 6, n) in steps of dt."""
    dtype = material.dtype
    stretch = np.ascontiguousarray((stretch if stretch.ndim == 3 else stretch[:, :, None]).astype(dtype))
    n = stretch.shape[2]
    old = np.zeros((material.state_size, n), dtype) if state is None else state.astype(dtype)
    new = np.full_like(old, np.nan)
    stress = np.zeros((len(stretch), 6, n), dtype)
    work = np.full((len(stretch) - 1, n), np.nan, dtype)
    worst = np.zeros(n, np.int32)
    for k in range(len(stretch) - 1):
        status = np.full(n, -1, np.int32)
        material.update(
            time_old=k * dt, dt=dt, strain_inc=np.zeros((6, n), dtype), stretch_old=stretch[k],
            stretch_new=stretch[k + 1], temperature=np.zeros(n, dtype), density=np.ones(n, dtype),
            stress_old=stress[k], state_old=old, stress_new=stress[k + 1], state_new=new, dissipation_inc=work[k],
            status=status,
        )  # fmt: skip
        worst = np.maximum(worst, status)
        old, new = new, old
    return History(stress, old, work, worst)


def split_state(state: Array, grains: int) -> tuple[Array, Array, Array]:
    """F_in^-1 - 1 (grains, 3, 3), e (grains, 12), lambda (grains, 6) of one point's state."""
    inverse = state[: 9 * grains].reshape(9, grains).T.reshape(grains, 3, 3)
    return (
        inverse,
        state[9 * grains : 21 * grains].reshape(12, grains).T,
        state[21 * grains : 27 * grains].reshape(6, grains).T,
    )


def join_state(inverse: Array, e: Array, lam: Array) -> Array:
    """The state (size, 1) of a point from its grains' arrays, as in `split_state`; plotted means are left zero."""
    grains = len(e)
    return np.concatenate([inverse.reshape(grains, 9).T.ravel(), e.T.ravel(), lam.T.ravel(), np.zeros(2)])[
        :, None
    ]


def smooth_path(steps: int, seed: int, amplitude: float, knots: int = 6) -> Array:
    """A smooth random stretch history (steps + 1, 6) from the identity: monotone cubics through random knots."""
    from scipy.interpolate import PchipInterpolator

    rng = np.random.default_rng(seed)
    values = np.zeros((knots, 6))
    values[1:] = np.cumsum(rng.normal(size=(knots - 1, 6)) * amplitude / np.sqrt(knots), axis=0)
    path = PchipInterpolator(np.linspace(0, 1, knots), values)(np.linspace(0, 1, steps + 1))
    return path + np.array([1.0, 1, 1, 0, 0, 0])


def deviator(stress: Array) -> Array:
    """Deviatoric part of (steps, 6, ...) tensor components."""
    out = stress.copy()
    out[:, :3] -= stress[:, :3].mean(axis=1, keepdims=True)
    return out


@pytest.fixture
def tools() -> Callable[..., object]:
    """The functions of this file, as attributes."""

    class Tools:
        to_matrix = staticmethod(to_matrix)
        to_components = staticmethod(to_components)
        drive = staticmethod(drive)
        split_state = staticmethod(split_state)
        join_state = staticmethod(join_state)
        smooth_path = staticmethod(smooth_path)
        deviator = staticmethod(deviator)

    return Tools  # type: ignore[return-value]
