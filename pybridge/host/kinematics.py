"""Arguments of VUMAT that follow from the stretches: F without rotation, and the increment of the relative spin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import block_to_matrix, matrix_to_defgrad


def defgrad_from_stretch(stretch: NDArray) -> NDArray:
    """F = U, (9, n) in VUMAT's order, from U, (6, n): right where nothing rotates."""
    return matrix_to_defgrad(block_to_matrix(stretch))


def relative_spin(stretch_old: NDArray, stretch_new: NDArray) -> NDArray:
    """relSpinInc, (3, n): spin of the material minus that of R, in the frame of R, over the increment.

    With F = R U the velocity gradient in that frame is R' Rdot + Udot inv(U), so that what is left of the spin is
    skew(dU inv(U_mid)). Components 21, 32, 13 of that matrix: rotations about 3, 1, 2, in the order of the shears.
    """
    old = np.moveaxis(block_to_matrix(stretch_old), -1, 0)
    new = np.moveaxis(block_to_matrix(stretch_new), -1, 0)
    gradient = (new - old) @ np.linalg.inv((new + old) / 2)
    skew = (gradient - gradient.transpose(0, 2, 1)) / 2
    return np.stack([skew[:, 1, 0], skew[:, 2, 1], skew[:, 0, 2]]).astype(stretch_old.dtype)
