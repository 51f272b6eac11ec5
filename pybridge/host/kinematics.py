"""Arguments of VUMAT that follow from the stretches: F without rotation, and the increment of the relative spin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import DEFGRAD_COLUMN, DEFGRAD_ROW, SYMMETRIC_COLUMN, SYMMETRIC_ROW


def defgrad_from_stretch(stretch: NDArray) -> NDArray:
    """F = U as (9, n) in VUMAT's order, from U as (6, n): right where nothing rotates."""
    return np.concatenate([stretch, stretch[3:6]])


def full_matrices(stretch: NDArray) -> NDArray:
    """(n, 3, 3) from the six components of a symmetric tensor, (6, n)."""
    full = np.empty((stretch.shape[1], 3, 3), stretch.dtype)
    for c, (row, column) in enumerate(zip(SYMMETRIC_ROW, SYMMETRIC_COLUMN, strict=True)):
        full[:, row, column] = full[:, column, row] = stretch[c]
    return full


def defgrad_vector(matrices: NDArray) -> NDArray:
    """(9, n) in VUMAT's order from deformation gradients (n, 3, 3)."""
    return np.ascontiguousarray(matrices[:, DEFGRAD_ROW, DEFGRAD_COLUMN].T)


def relative_spin(stretch_old: NDArray, stretch_new: NDArray) -> NDArray:
    """relSpinInc, (3, n): spin of the material minus that of R, in the frame of R, over the increment.

    With F = R U the velocity gradient in that frame is R' Rdot + Udot inv(U), so that what is left of the spin is
    skew(dU inv(U_mid)). Components 21, 32, 13 of that matrix: rotations about 3, 1, 2, in the order of the shears.
    """
    old, new = full_matrices(stretch_old), full_matrices(stretch_new)
    gradient = (new - old) @ np.linalg.inv((new + old) / 2)
    skew = (gradient - gradient.transpose(0, 2, 1)) / 2
    return np.stack([skew[:, 1, 0], skew[:, 2, 1], skew[:, 0, 2]]).astype(stretch_old.dtype)
