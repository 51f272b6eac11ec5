"""Reference volumes of the elements of a result file."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from pybridge.results.writer import MeshData

_GAUSS = 1.0 / np.sqrt(3.0)
_SIGNS = {
    8: ((-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)),
    4: ((-1, -1), (1, -1), (1, 1), (-1, 1)),
}


def element_volumes(mesh: MeshData) -> NDArray[np.float64]:
    """Volume of each element (E,), m3; the full turn for axisymmetric ones, m2 in plane strain. Exact for straight edges."""
    return _block(mesh.coordinates[mesh.corners()], mesh.axisymmetric)


def _block(x: NDArray, axisymmetric: bool) -> NDArray:
    signs = np.array(_SIGNS[x.shape[1]], float)
    d = signs.shape[1]
    total = np.zeros(len(x))
    for point in product((-_GAUSS, _GAUSS), repeat=d):
        factors = 0.5 * (1.0 + signs * np.array(point))
        slopes = np.stack([0.5 * signs[:, k] * np.delete(factors, k, axis=1).prod(1) for k in range(d)])
        weight = np.linalg.det(np.einsum("eai,ka->eik", x[:, :, :d], slopes))
        if axisymmetric:
            weight = weight * 2.0 * np.pi * (x[:, :, 0] @ factors.prod(1))
        total += weight
    return total
