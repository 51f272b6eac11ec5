"""Reduced bases of histories: one uncentred SVD for each tensor component, [LIU22] 3.2.

Input. The strain history E_k(t), linear between the times it is known at, has the coefficients

    c_kj = (1/T) int_0^T phi_kj E_k dt = int_0^T Phi_kj (dE_k/dt) dt,   Phi_kj(t) = (1/T) int_t^T phi_kj,

the second form by parts with E(0) = 0. Only values of Phi at the N + 1 grid times are kept ("primitive"), linear in
between, so that any sequence of time steps gives the same coefficients, and a history that is held after t needs no
stored path: what has not changed adds nothing.

Output. The stress of component k is sum_j a_kj psi_kj(t), psi linear between grid times, orthonormal on the grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def component_modes(histories: NDArray, modes: int) -> NDArray:
    """Leading right singular vectors of [n_path, n_time, 6] for each component: [6, modes, n_time], orthonormal.

    Modes beyond the rank of the data are still orthonormal; their singular values are zero.
    """
    return np.stack([np.linalg.svd(histories[:, :, k], full_matrices=True)[2][:modes] for k in range(6)])


def primitive_of(modes: NDArray) -> NDArray:
    """Phi at the grid times, [6, modes, n_time]: sum of the later trapezia of phi, with the grid step 1/N of T.

    phi is scaled by sqrt(N), so that its root mean square over (0, T) is 1 and c has the size of the strain.
    """
    n = modes.shape[-1] - 1
    pieces = 0.5 * (modes[..., :-1] + modes[..., 1:]) * np.sqrt(n) / n
    later = np.cumsum(pieces[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([later, np.zeros_like(later[..., :1])], axis=-1)


def modes_of(primitive: NDArray) -> NDArray:
    """The orthonormal modes [6, modes, n_time] that primitive_of() was given; they vanish at t = 0, as E does."""
    n = primitive.shape[-1] - 1
    pieces = (primitive[..., :-1] - primitive[..., 1:]) * np.sqrt(n)  # (phi_m + phi_m+1) / 2
    signs = (-1.0) ** np.arange(n)
    alternating = np.cumsum(2 * pieces * signs, axis=-1) * signs  # phi_m+1 = 2 piece_m - phi_m
    return np.concatenate([np.zeros_like(pieces[..., :1]), alternating], axis=-1)


def projector(primitive: NDArray) -> NDArray:
    """Weights w [6, modes, n_time] with c_kj = sum_m w_kjm E_k(t_m), exact for E and Phi linear between grid times."""
    mean = 0.5 * (primitive[..., :-1] + primitive[..., 1:])
    weights = np.zeros_like(primitive)
    weights[..., 1:] += mean
    weights[..., :-1] -= mean
    return weights


def analyse(tables: NDArray, histories: NDArray) -> NDArray:
    """sum_m table_kjm history_pmk: [6, modes, n_time] and [n_path, n_time, 6] -> [n_path, 6, modes]."""
    return (histories.transpose(2, 0, 1) @ tables.transpose(0, 2, 1)).transpose(1, 0, 2)


def synthesise(tables: NDArray, a: NDArray) -> NDArray:
    """sum_j a_pkj table_kjm: [6, modes, n_time] and [n_path, 6, modes] -> histories [n_path, n_time, 6]."""
    return (a.transpose(1, 0, 2) @ tables).transpose(1, 2, 0)


def project(primitive: NDArray, strain: NDArray) -> NDArray:
    """Coefficients [n_path, 6 modes] of strain histories [n_path, n_time, 6] on the grid, component slowest."""
    return analyse(projector(primitive), strain).reshape(len(strain), -1)


def antiderivative(primitive: NDArray, grid: NDArray, time: NDArray) -> NDArray:
    """int_0^t Phi dt for Phi linear between grid times: exact, [6, modes, len(time)], in units of time."""
    step = np.diff(grid)
    whole = np.concatenate(
        [
            np.zeros_like(primitive[..., :1]),
            np.cumsum(0.5 * (primitive[..., 1:] + primitive[..., :-1]) * step, -1),
        ],
        -1,
    )
    place = np.clip(np.searchsorted(grid, time, side="right") - 1, 0, len(step) - 1)
    rest = time - grid[place]
    slope = (primitive[..., place + 1] - primitive[..., place]) / step[place]
    return whole[..., place] + primitive[..., place] * rest + 0.5 * slope * rest**2


def running(primitive: NDArray, grid: NDArray, time: NDArray, strain: NDArray) -> NDArray:
    """Coefficients [n_path, n_time, 6, modes] as a solver has them at each time: the history held afterwards.

    `time` [n_time] starts at 0 and may be any sequence; strain [n_path, n_time, 6], E(0) = 0.
    """
    weight = np.diff(antiderivative(primitive, grid, time), axis=-1) / np.diff(time)
    steps = np.einsum("pmk,kjm->pmkj", np.diff(strain, axis=1), weight)
    zero = np.zeros_like(steps[:, :1])
    return np.concatenate([zero, np.cumsum(steps, axis=1)], axis=1)


def reconstruction_error(modes: NDArray, histories: NDArray, weight: NDArray) -> NDArray:
    """Relative L2 error [n_path] of histories [n_path, n_time, 6] projected on orthonormal modes, weighted by
    component (`weight` [6])."""
    rest = histories - synthesise(modes, analyse(modes, histories))
    size = (histories**2 * weight).sum(axis=(1, 2))
    return np.sqrt((rest**2 * weight).sum(axis=(1, 2)) / np.where(size > 0, size, 1.0))
