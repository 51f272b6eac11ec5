"""Small operations on histories of symmetric tensors, component order 11, 22, 33, 12, 23, 13 on the last axis."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import SYMMETRIC_COLUMN, SYMMETRIC_ROW

IDENTITY = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
# Tensor components appear once above and once below the diagonal: |A|^2 = sum of FROBENIUS * A_k^2.
FROBENIUS = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])


def to_matrix(components: NDArray) -> NDArray:
    """[..., 6] tensor components -> [..., 3, 3] symmetric matrices."""
    matrix = np.empty((*components.shape[:-1], 3, 3), dtype=components.dtype)
    for k, (row, column) in enumerate(zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True)):
        matrix[..., row, column] = components[..., k]
        matrix[..., column, row] = components[..., k]
    return matrix


def to_components(matrix: NDArray) -> NDArray:
    """[..., 3, 3] symmetric matrices -> [..., 6] tensor components; the upper triangle is read."""
    return np.stack(
        [matrix[..., r, c] for r, c in zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True)], axis=-1
    )


def determinant(a: NDArray) -> NDArray:
    """det A of [..., 6] tensor components."""
    return (
        a[..., 0] * (a[..., 1] * a[..., 2] - a[..., 4] ** 2)
        - a[..., 3] * (a[..., 3] * a[..., 2] - a[..., 4] * a[..., 5])
        + a[..., 5] * (a[..., 3] * a[..., 4] - a[..., 1] * a[..., 5])
    )


def positive_definite(a: NDArray, smallest: float = 0.0) -> NDArray:
    """Whether every eigenvalue of [..., 6] exceeds `smallest` (Sylvester's criterion for A - smallest I)."""
    b = a - smallest * IDENTITY
    minor = b[..., 0] * b[..., 1] - b[..., 3] ** 2
    return (b[..., 0] > 0) & (minor > 0) & (determinant(b) > 0)


def mean_part(a: NDArray) -> NDArray:
    """tr A / 3 of [..., 6], shape [...]."""
    return a[..., :3].mean(axis=-1)


def deviator(a: NDArray) -> NDArray:
    """A - tr A / 3 I, [..., 6]."""
    return a - mean_part(a)[..., None] * IDENTITY


def norm(a: NDArray) -> NDArray:
    """Frobenius norm |A| of [..., 6], shape [...]."""
    return np.sqrt((a * a * FROBENIUS).sum(axis=-1))


def strain_increment(stretch_old: NDArray, stretch_new: NDArray) -> NDArray:
    """Integral of D over a step in the frame of R: sym(dU Umid^-1), second order in the step; [..., 6]."""
    middle = to_matrix(0.5 * (stretch_old + stretch_new))
    product = np.linalg.solve(middle, to_matrix(stretch_new - stretch_old))  # Umid^-1 dU = (dU Umid^-1)^T
    return to_components(0.5 * (product + np.swapaxes(product, -1, -2)))


def cube_rotations() -> tuple[NDArray, NDArray]:
    """The 24 rotations of the cube acting on components: source index [24, 6] and sign [24, 6], identity first.

    A'_k = sign_k A_source_k is Q A Q^T for the signed permutation Q.
    """
    place = {(r, c): k for k, (r, c) in enumerate(zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True))}
    place |= {(c, r): k for (r, c), k in place.items()}
    source, sign = [], []
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((1, -1), repeat=3):
            q = np.zeros((3, 3))
            q[range(3), axes] = flips
            if np.linalg.det(q) > 0:
                source.append(
                    [place[axes[r], axes[c]] for r, c in zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True)]
                )
                sign.append(
                    [flips[r] * flips[c] for r, c in zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True)]
                )
    return np.array(source), np.array(sign, float)
