"""Polar decomposition F = R U of many points, started from the rotation of the step before.

A = R_old^T F is nearly symmetric, because one step turns a point by little. A rotation with Gibbs vector
g = tan(angle / 2) axis makes it symmetric; to first order (tr(S) 1 - S) g = axial(A), S = sym(A), and repeating this
converges faster than quadratically: two rounds reach rounding for turns of 1e-3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.solver.algebra import product, product_tn

Array = NDArray[np.float64]

TOLERANCE = 4e-14  # skew part left in U, relative to its trace
MAX_ROUNDS = 30


class PolarWorkspace:
    """Temporaries of `polar` for n points, so that a step allocates little."""

    def __init__(self, n: int) -> None:
        self.a0, self.a, self.r, self.tmp = (np.empty((3, 3, n)) for _ in range(4))
        self.g, self.dg, self.axial = (np.empty((3, n)) for _ in range(3))


def polar(f: Array, r_old: Array, r_new: Array, stretch: Array, work: PolarWorkspace) -> bool:
    """Write R (3, 3, n) into r_new and U (6, n; 11, 22, 33, 12, 23, 13) into stretch; False if it did not converge.

    f: deformation gradient (3, 3, n), det f > 0. r_old: a rotation near R; any rotation less than a right angle away
    will do, the nearer the fewer rounds.
    """
    a0, a, g = work.a0, work.a, work.g
    product_tn(r_old, f, a0, work.tmp)
    g[:] = 0.0
    a[:] = a0
    _axial(a, work.axial)
    converged = False
    for _ in range(MAX_ROUNDS):
        _gibbs_step(a, work.axial, work.dg)
        _compose(g, work.dg)
        _rotation(g, work.r)
        product_tn(work.r, a0, a, work.tmp)
        _axial(a, work.axial)
        if np.abs(work.axial).max() <= TOLERANCE * np.abs(a[0, 0] + a[1, 1] + a[2, 2]).min():
            converged = True
            break
    product(r_old, work.r, r_new, work.tmp)
    for c, (i, j) in enumerate(((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))):
        if i == j:
            stretch[c] = a[i, i]
        else:
            np.add(a[i, j], a[j, i], out=stretch[c])
            stretch[c] *= 0.5
    return converged


def _axial(a: Array, out: Array) -> None:
    """Axial vector of the skew part: (a32 - a23, a13 - a31, a21 - a12) / 2."""
    for c, (i, j) in enumerate(((2, 1), (0, 2), (1, 0))):
        np.subtract(a[i, j], a[j, i], out=out[c])
    out *= 0.5


def _gibbs_step(a: Array, v: Array, out: Array) -> None:
    """Solve (tr(S) 1 - S) out = v by cofactors, S = sym(a)."""
    m11, m22, m33 = a[1, 1] + a[2, 2], a[0, 0] + a[2, 2], a[0, 0] + a[1, 1]
    m12, m23, m13 = -0.5 * (a[0, 1] + a[1, 0]), -0.5 * (a[1, 2] + a[2, 1]), -0.5 * (a[0, 2] + a[2, 0])
    c11, c12, c13 = m22 * m33 - m23 * m23, m13 * m23 - m12 * m33, m12 * m23 - m13 * m22
    c22, c23, c33 = m11 * m33 - m13 * m13, m12 * m13 - m11 * m23, m11 * m22 - m12 * m12
    scale = 1.0 / (m11 * c11 + m12 * c12 + m13 * c13)
    out[0] = (c11 * v[0] + c12 * v[1] + c13 * v[2]) * scale
    out[1] = (c12 * v[0] + c22 * v[1] + c23 * v[2]) * scale
    out[2] = (c13 * v[0] + c23 * v[1] + c33 * v[2]) * scale


def _compose(g: Array, h: Array) -> None:
    """Gibbs vector of the product of rotations g and h (h applied first), into g."""
    scale = 1.0 / (1.0 - (g[0] * h[0] + g[1] * h[1] + g[2] * h[2]))
    x = g[0] + h[0] + (g[1] * h[2] - g[2] * h[1])
    y = g[1] + h[1] + (g[2] * h[0] - g[0] * h[2])
    z = g[2] + h[2] + (g[0] * h[1] - g[1] * h[0])
    np.multiply(x, scale, out=g[0])
    np.multiply(y, scale, out=g[1])
    np.multiply(z, scale, out=g[2])


def _rotation(g: Array, out: Array) -> None:
    """Rotation matrix of a Gibbs vector: 1 + 2 (G + G G) / (1 + g.g), G the skew matrix of g."""
    x, y, z = g
    xx, yy, zz = x * x, y * y, z * z
    s = 2.0 / (1.0 + xx + yy + zz)
    sx, sy = s * x, s * y
    np.subtract(1.0, s * (yy + zz), out=out[0, 0])
    np.subtract(1.0, s * (xx + zz), out=out[1, 1])
    np.subtract(1.0, s * (xx + yy), out=out[2, 2])
    for (i, j), even, odd in (((0, 1), sx * y, -(s * z)), ((0, 2), sx * z, sy), ((1, 2), sy * z, -sx)):
        np.add(even, odd, out=out[i, j])
        np.subtract(even, odd, out=out[j, i])
