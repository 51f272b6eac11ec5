"""What an element technology takes from the reference mesh: gradients of modes, volumes, nodal masses.

Everything is in modes (walsh.py): u_i,j(X) = sum_m C_jm w_im. Total Lagrangian: computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.walsh import (
    HEX_HOURGLASS,
    HEX_ORDER,
    QUAD_HOURGLASS,
    QUAD_ORDER,
    TRIANGLE_ORDER,
    mode_gradients,
    mode_values,
    to_modes,
)

Array = NDArray[np.float64]
GAUSS = 1.0 / np.sqrt(3.0)


@dataclass(frozen=True)
class Technology:
    """Which element: dimension of the mesh, corners, integration points, order of corners, hourglass modes."""

    name: str
    dimension: int
    corner_order: tuple[int, ...]
    points: int
    hourglass_modes: tuple[int, ...]
    axisymmetric: bool = False  # direction 1 is the radius; else a flat element is one unit of length thick
    centre: tuple[float, ...] = (0.0, 0.0, 0.0)  # of an element of one point

    @property
    def triangle(self) -> bool:
        """Whether the last two corners are one node."""
        return self.corner_order[-1] == self.corner_order[-2]


TECHNOLOGIES = {
    "C3D8R": Technology("C3D8R", 3, HEX_ORDER, 1, HEX_HOURGLASS),
    "C3D8": Technology("C3D8", 3, HEX_ORDER, 8, ()),
    "CAX4R": Technology("CAX4R", 2, QUAD_ORDER, 1, QUAD_HOURGLASS, axisymmetric=True),
    "CPE4R": Technology("CPE4R", 2, QUAD_ORDER, 1, QUAD_HOURGLASS),
    "CPE3": Technology("CPE3", 2, TRIANGLE_ORDER, 1, (), centre=(0.0, -1.0 / 3.0)),
}


@dataclass(frozen=True)
class Reference:
    """Reference geometry of n elements with P points, d dimensions, M = 2^d modes, h hourglass modes."""

    gradient: Array  # (P, d, M, n): C_jm
    hoop: Array | None  # (M, n): u_r / R = sum_m hoop_m w_rm (axisymmetric)
    volume: Array  # (P, n) of each point; the full turn of 2 pi for axisymmetric elements, per length for plane strain
    skew: Array  # (d, h, n): hourglass modes of the coordinates, which linear fields contribute to
    corner_share: Array  # (M, n): share of the element's mass at each corner
    place: Array  # (d, P, n): where the points are
    length: Array  # (n,): cube root of the volume; of a flat element the root of its area
    gram: Array  # (P, 3, 3, n): sum_a B_a B_a^T V / V_a, of which the largest frequency is bounded
    point_modes: Array  # (P, M): phi_m / 2^d at the points; a field's value there is sum_m point_modes_m w_m


def reference(technology: Technology, corners: Array, labels: NDArray) -> Reference:
    """Reference geometry of elements with corner coordinates (d, 2^d, n) in bit order.

    One-point elements take the mean of the gradient over the volume [Flanagan and Belytschko 1981], for CAX4R weighted
    with the radius. Raises SolverError where an element is inside out or flat.
    """
    d, count, n = corners.shape
    modes = to_modes(corners.copy(), np.empty_like(corners)) / count
    points = list(product((-GAUSS, GAUSS), repeat=d))
    gradients, weights, values = [], [], []
    size = np.zeros(n)  # volume, or area
    for point in points:
        phi_k = mode_gradients(point)
        jacobian = np.einsum("imn,km->nik", modes, phi_k)  # dX_i / dxi_k
        det = np.linalg.det(jacobian)
        _check_shape(det, labels, technology)
        gradients.append(np.einsum("km,nkj->jmn", phi_k, np.linalg.inv(jacobian)) / count)
        weight = det
        size += det
        if technology.axisymmetric:
            radius = np.einsum("mn,m->n", modes[0], mode_values(point))
            weight = 2.0 * np.pi * radius * det
        weights.append(weight)
        values.append(mode_values(point))
    weight = np.array(weights)
    volume = weight.sum(0)
    hoop = None
    share = np.full((count, n), 1.0 / count)
    if technology.axisymmetric:
        phi = np.array(values)  # (Q, M)
        flat = np.array(weights) / np.einsum("mn,qm->qn", modes[0], phi)  # 2 pi det J
        hoop = np.einsum("qn,qm->mn", flat, phi) / volume / count
        mass_modes = np.einsum("qn,qm->mn", weight, phi) / count / volume
        share = _corner_values(mass_modes)
    if technology.triangle:
        share[:] = np.array([1.0, 1.0, 0.5, 0.5])[:, None] / 3.0
    if technology.points == 1:
        gradient = np.einsum("qjmn,qn->jmn", np.array(gradients), weight / volume)[None]
        point_volume = volume[None]
    else:
        gradient, point_volume = np.array(gradients), weight
    at = [technology.centre[:d]] if technology.points == 1 else points
    point_modes = np.array([mode_values(point) for point in at]) / count
    place = np.einsum("pm,dmn->dpn", point_modes * count, modes)
    skew = np.ascontiguousarray(modes[:, list(technology.hourglass_modes)] * count)
    gram = _gram(gradient, hoop, share, technology.triangle)
    return Reference(
        np.ascontiguousarray(gradient), hoop, point_volume, skew, share, place, size ** (1.0 / d), gram, point_modes
    )  # fmt: skip


def _corner_values(modes: Array) -> Array:
    """sum_m S_ma g_m of (M, n)."""
    from pybridge.solver.walsh import to_corners

    return to_corners(modes[None].copy(), np.empty_like(modes)[None])[0]


def _gram(gradient: Array, hoop: Array | None, share: Array, triangle: bool) -> Array:
    points, d, _, n = gradient.shape
    gram = np.zeros((points, 3, 3, n))
    for p in range(points):
        nodal, part = np.array([_corner_values(gradient[p, j]) for j in range(d)]), share
        if triangle:  # two corners, one node
            nodal = np.concatenate([nodal[:, :2], nodal[:, 2:].sum(1, keepdims=True)], axis=1)
            part = np.full((3, n), 1.0 / 3.0)
        gram[p, :d, :d] = np.einsum("ian,jan,an->ijn", nodal, nodal, 1.0 / part)
    if hoop is not None:
        gram[0, 2, 2] = (_corner_values(hoop) ** 2 / share).sum(0)
    return gram


def _check_shape(det: Array, labels: NDArray, technology: Technology) -> None:
    bad = np.flatnonzero(~(det > 0.0))
    if bad.size:
        raise SolverError(
            f"{technology.name} element {labels[bad[0]]}: its volume is not positive at an integration point "
            f"({bad.size} such elements); check the order of its nodes (Abaqus's: counter-clockwise, base first) and its shape"
        )
