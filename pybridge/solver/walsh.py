"""Corner values of a line, quadrilateral or hexahedron <-> its modes (Walsh transform).

Corners are ordered by bits: corner b stands at coordinate +1 in direction k where bit k of b is set, at -1 elsewhere.
Mode m is the product of the coordinates whose bits are set in m: in 3D 0 constant, 1 xi, 2 eta, 4 zeta (linear),
3 xi eta, 5 xi zeta, 6 eta zeta, 7 xi eta zeta (hourglass). A field with corner values u_a is
u(xi) = 2^-d sum_m phi_m(xi) w_m with w_m = sum_a S_ma u_a, S_ma = phi_m(corner a). Forces go back by S^T.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HEX_ORDER = (0, 1, 3, 2, 4, 5, 7, 6)
"""Abaqus's corner of each bit-ordered corner of C3D8 and C3D8R."""
QUAD_ORDER = (0, 1, 3, 2)
"""The same for CAX4R and CPE4R."""
TRIANGLE_ORDER = (0, 1, 2, 2)
"""CPE3 is a quadrilateral whose last two corners are one: its mean gradient is the triangle's own."""
HEX_HOURGLASS = (3, 5, 6, 7)
QUAD_HOURGLASS = (3,)


def to_modes(corner: Array, other: Array) -> Array:
    """w_m = sum_a S_ma u_a; corner and other (k, 2^d, n) are both overwritten, one of them is returned."""
    k, corners, n = corner.shape
    width = 1
    while width < corners:
        source = corner.reshape(k, corners // (2 * width), 2, width, n)
        target = other.reshape(source.shape)
        np.add(source[:, :, 0], source[:, :, 1], out=target[:, :, 0])
        np.subtract(source[:, :, 1], source[:, :, 0], out=target[:, :, 1])
        corner, other = other, corner
        width *= 2
    return corner


def to_corners(mode: Array, other: Array) -> Array:
    """f_a = sum_m S_ma g_m; mode and other (k, 2^d, n) are both overwritten, one of them is returned."""
    k, corners, n = mode.shape
    width = 1
    while width < corners:
        source = mode.reshape(k, corners // (2 * width), 2, width, n)
        target = other.reshape(source.shape)
        np.subtract(source[:, :, 0], source[:, :, 1], out=target[:, :, 0])
        np.add(source[:, :, 0], source[:, :, 1], out=target[:, :, 1])
        mode, other = other, mode
        width *= 2
    return mode


def mode_values(point: tuple[float, ...]) -> Array:
    """phi_m at a point of the reference cube or square, (2^d,)."""
    values = np.ones(1)
    for x in point:
        values = np.concatenate((values, values * x))
    return values


def mode_gradients(point: tuple[float, ...]) -> Array:
    """d phi_m / d xi_k, (d, 2^d)."""
    rows = []
    for k in range(len(point)):
        values = np.ones(1)
        for i, x in enumerate(point):
            values = (
                np.concatenate((0.0 * values, values)) if i == k else np.concatenate((values, values * x))
            )
        rows.append(values)
    return np.array(rows)
