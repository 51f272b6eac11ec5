"""Polygons to draw: a cut through the mesh along its axis, or its outer surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.results.writer import MeshData

Array = NDArray[np.float64]

_TETRAHEDRA = ((0, 1, 2, 6), (0, 2, 3, 6), (0, 3, 7, 6), (0, 7, 4, 6), (0, 4, 5, 6), (0, 5, 1, 6))
_HEX_FACES = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))


@dataclass(frozen=True, eq=False)
class Polygons:
    """corners (n, 4, d) (triangles repeat a corner), the element of each polygon, and the names of the axes."""

    corners: Array
    element: NDArray[np.int64]
    axes: tuple[str, ...]


def long_axis(mesh: MeshData) -> int:
    """The direction in which impacts run: 1 (z or y) for flat meshes; else the one that stands out in extent.

    A rod is longest, a plate thinnest along it.
    """
    if mesh.flat:
        return 1
    used = np.unique(np.concatenate([c.reshape(-1) for _, c in mesh.blocks]))
    size = np.ptp(mesh.coordinates[used], axis=0)
    order = np.argsort(size)
    return (
        int(order[2]) if size[order[2]] - size[order[1]] >= size[order[1]] - size[order[0]] else int(order[0])
    )


def axial_cut(mesh: MeshData, displacement: Array, *, mirror: bool = True) -> Polygons:
    """Cut along the axis: the mesh itself if it is flat (never mirrored in plane strain); else material of the plane through the origin (or the middle
    of the body, where the origin is outside) normal to the first cross direction. One half is mirrored to the other."""
    if mesh.flat:
        points, connectivity = (mesh.coordinates + displacement)[:, :2], mesh.corners()
        axes = ("r", "z") if mesh.axisymmetric else ("x", "y")
        return _mirrored(
            points[connectivity], np.arange(len(connectivity)), axes, mirror and mesh.axisymmetric
        )
    axis = long_axis(mesh)
    across, normal = [k for k in range(3) if k != axis]
    used = np.unique(np.concatenate([c.reshape(-1) for _, c in mesh.blocks]))
    low, high = mesh.coordinates[used, normal].min(), mesh.coordinates[used, normal].max()
    level = 0.0 if low <= 0.0 <= high else 0.5 * (low + high)
    # A plane of nodes cuts nothing: step into the body by far less than an element.
    level = min(max(level, low), high) + (1e-7 if level < high else -1e-7) * (high - low)
    connectivity = mesh.corners()
    corners, element = _cut(
        mesh.coordinates[:, normal] - level,
        (mesh.coordinates + displacement)[:, [across, axis]],
        connectivity,
    )
    return _mirrored(corners, element, ("xyz"[across], "xyz"[axis]), mirror)


def _mirrored(corners: Array, element: NDArray, axes: tuple[str, str], mirror: bool) -> Polygons:
    width = np.abs(corners[..., 0]).max()
    if mirror and corners[..., 0].min() > -1e-6 * width:
        corners = np.concatenate((corners, corners * np.array([-1.0, 1.0])))
        element = np.concatenate((element, element))
    return Polygons(corners, element, axes)


def _cut(height: Array, points: Array, connectivity: NDArray) -> tuple[Array, NDArray]:
    """Polygons where height = 0 crosses hexahedra, each split in six tetrahedra."""
    h = height[connectivity]
    crossed = np.flatnonzero((h.min(1) < 0.0) & (h.max(1) >= 0.0))
    polygons, owners = [], []
    for tetrahedron in _TETRAHEDRA:
        nodes = connectivity[crossed][:, tetrahedron]
        above = height[nodes] >= 0.0
        count = above.sum(1)
        for k in (1, 2, 3):
            pick = count == k
            if pick.any():
                order = np.argsort(~above[pick] if k < 3 else above[pick], axis=1, kind="stable")
                n = np.take_along_axis(nodes[pick], order, axis=1)
                pairs = ((0, 1), (0, 2), (0, 3), (0, 3)) if k != 2 else ((0, 2), (0, 3), (1, 3), (1, 2))
                polygons.append(
                    np.stack([_cross(height, points, n[:, i], n[:, j]) for i, j in pairs], axis=1)
                )
                owners.append(crossed[pick])
    if not polygons:
        return np.zeros((0, 4, points.shape[1])), np.zeros(0, np.int64)
    return np.concatenate(polygons), np.concatenate(owners)


def _cross(height: Array, points: Array, a: NDArray, b: NDArray) -> Array:
    share = height[a] / (height[a] - height[b])
    return points[a] + share[:, None] * (points[b] - points[a])


def surface(mesh: MeshData, displacement: Array) -> Polygons:
    """Outer faces of a 3D mesh, deformed."""
    connectivity = mesh.corners()
    faces = np.concatenate([connectivity[:, list(f)] for f in _HEX_FACES])
    element = np.tile(np.arange(len(connectivity)), len(_HEX_FACES))
    _, first, counts = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    outer = first[counts == 1]
    return Polygons((mesh.coordinates + displacement)[faces[outer]], element[outer], ("x", "y", "z"))
