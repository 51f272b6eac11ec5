"""Small tensor algebra over many points: arrays (3, 3, n) with the point index last, results written in place.

NumPy runs each component through one vectorised loop; with n of about a thousand all operands stay in the cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def product(a: Array, b: Array, out: Array, tmp: Array) -> Array:
    """out_ij = a_ik b_kj; a (r, 3, n), b (3, c, n), out and tmp (r, c, n), neither of them a or b."""
    np.multiply(a[:, 0, None], b[None, 0], out=out)
    for k in range(1, a.shape[1]):
        np.multiply(a[:, k, None], b[None, k], out=tmp)
        np.add(out, tmp, out=out)
    return out


def product_tn(a: Array, b: Array, out: Array, tmp: Array) -> Array:
    """out_ij = a_ki b_kj."""
    np.multiply(a[0, :, None], b[0, None], out=out)
    for k in range(1, a.shape[0]):
        np.multiply(a[k, :, None], b[k, None], out=tmp)
        np.add(out, tmp, out=out)
    return out


def product_nt(a: Array, b: Array, out: Array, tmp: Array) -> Array:
    """out_ij = a_ik b_jk."""
    np.multiply(a[:, 0, None], b[None, :, 0], out=out)
    for k in range(1, a.shape[1]):
        np.multiply(a[:, k, None], b[None, :, k], out=tmp)
        np.add(out, tmp, out=out)
    return out


def expand(s: Array, out: Array) -> Array:
    """Full matrix (3, 3, n) of a symmetric tensor (6, n) in the order 11, 22, 33, 12, 23, 13."""
    out[0, 0], out[1, 1], out[2, 2] = s[0], s[1], s[2]
    out[0, 1] = out[1, 0] = s[3]
    out[1, 2] = out[2, 1] = s[4]
    out[0, 2] = out[2, 0] = s[5]
    return out


def determinant(a: Array) -> Array:
    """det a of (3, 3, n)."""
    return (
        a[0, 0] * (a[1, 1] * a[2, 2] - a[1, 2] * a[2, 1])
        + a[0, 1] * (a[1, 2] * a[2, 0] - a[1, 0] * a[2, 2])
        + a[0, 2] * (a[1, 0] * a[2, 1] - a[1, 1] * a[2, 0])
    )


def adjugate_symmetric(s: Array, out: Array, tmp: Array) -> Array:
    """adj(s) = det(s) s^-1 of a symmetric tensor, both as (6, n); tmp (n,). Returns det(s)."""
    for c, (p, q, r, t) in enumerate(
        ((1, 2, 4, 4), (0, 2, 5, 5), (0, 1, 3, 3), (5, 4, 3, 2), (3, 5, 0, 4), (3, 4, 5, 1))
    ):
        np.multiply(s[p], s[q], out=out[c])
        np.multiply(s[r], s[t], out=tmp)
        np.subtract(out[c], tmp, out=out[c])
    det = s[0] * out[0]
    np.multiply(s[3], out[3], out=tmp)
    np.add(det, tmp, out=det)
    np.multiply(s[5], out[5], out=tmp)
    np.add(det, tmp, out=det)
    return det
