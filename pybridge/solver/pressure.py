"""Pressures that follow the surface: nodal forces of the deformed faces.

    f_a = -p integral of N_a n dA

with the outward normal n of the current face: straight edges in plane strain (per length) and axisymmetric meshes (the
full turn, exact for a linear radius), bilinear faces in 3D (2 x 2 points, exact).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.solver.assembly import Assembler
from pybridge.solver.model import Curve, Model

Array = NDArray[np.float64]
_GAUSS = 1.0 / np.sqrt(3.0)
_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)


class PressureLoads:
    """All pressures of a model."""

    def __init__(self, model: Model) -> None:
        self.axisymmetric = model.axisymmetric
        self.loads: list[tuple[NDArray[np.int64], Assembler, float, Curve]] = []
        for load in model.pressures:
            nodes = np.ascontiguousarray(np.asarray(load.faces, np.int64).T)
            self.loads.append((nodes, Assembler(nodes, len(model.coordinates)), load.value, load.curve))

    def force(self, x: Array, time: float) -> Array:
        """(3, N) nodal forces, N, of places x (3, N) at a time."""
        out = np.zeros_like(x)
        for nodes, assembler, value, curve in self.loads:
            pressure = value * curve(time)
            if pressure == 0.0:
                continue
            corners = x[:, nodes]
            forces = faces(corners) if len(nodes) == 4 else edges(corners, self.axisymmetric)
            for i in range(len(forces)):
                out[i] -= pressure * assembler.add(forces[i])
        return out


def edges(x: Array, axisymmetric: bool) -> Array:
    """(2, 2, m): integral of N_a n over edges with ends x (3, 2, m), body to the left of their direction."""
    dx, dy = x[0, 1] - x[0, 0], x[1, 1] - x[1, 0]
    if axisymmetric:
        r = x[0]
        weight = np.pi / 3.0 * np.stack([2.0 * r[0] + r[1], r[0] + 2.0 * r[1]])
    else:
        weight = np.full((2, x.shape[2]), 0.5)
    return np.stack([dy * weight, -dx * weight])


def faces(x: Array) -> Array:
    """(3, 4, m): integral of N_a n over faces with corners x (3, 4, m)."""
    out = np.zeros_like(x)
    for xi, eta in _CORNERS * _GAUSS:
        shape = 0.25 * (1 + _CORNERS[:, 0] * xi) * (1 + _CORNERS[:, 1] * eta)
        along = np.stack(
            [_CORNERS[:, 0] * (1 + _CORNERS[:, 1] * eta), _CORNERS[:, 1] * (1 + _CORNERS[:, 0] * xi)]
        )
        tangents = np.einsum("ka,iam->kim", 0.25 * along, x)
        normal = np.cross(tangents[0], tangents[1], axis=0)
        out += shape[None, :, None] * normal[:, None]
    return out
