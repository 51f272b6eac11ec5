"""Structured meshes: discs of quadrilaterals without a singular centre, rods and plates of hexahedra, rectangles.

Coordinates are rounded to 12 digits, so that a deck holds them exactly in Abaqus's 20 characters.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Cells = NDArray[np.int64]


def quarter_disc(radius: float, core: int, rings: int) -> tuple[Points, Cells]:
    """A quarter of a disc, x, y >= 0: a bulged square of core x core cells, and `rings` rings around it.

    Returns points (n, 2) and quadrilaterals (core^2 + 2 core rings, 4), counter-clockwise.
    """
    if core < 1 or rings < 1:
        raise ValueError(f"core = {core}, rings = {rings}: expected 1 or more of each")
    # The square's side leaves cells of one size along the radius; its corner is pulled in so that the cells where
    # three blocks meet stay close to 120 degrees, and the rings keep most of their width along the diagonal.
    side = radius * core / (core + rings)
    corner = min(side * 0.82, (radius - 0.8 * (radius - side)) / math.sqrt(2))
    steps = np.linspace(0.0, 1.0, core + 1)
    s, t = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
    square = np.stack([s * (1 - t) * side + s * t * corner, t * (1 - s) * side + s * t * corner], axis=1)
    blocks = [(square, core, core)]
    r, t = (grid.ravel() for grid in np.meshgrid(np.linspace(0.0, 1.0, rings + 1), steps, indexing="ij"))
    edge = np.stack([side + t * (corner - side), t * corner], axis=1)
    arc = radius * np.stack([np.cos(t * math.pi / 4), np.sin(t * math.pi / 4)], axis=1)
    right = (1 - r)[:, None] * edge + r[:, None] * arc
    blocks.append((right, rings, core))
    merged = [(points, grid_cells(rows, columns)) for points, rows, columns in blocks]
    merged.append((right[:, ::-1], grid_cells(rings, core)[:, ::-1]))
    return merge(merged, radius)


def disc(radius: float, core: int, rings: int) -> tuple[Points, Cells]:
    """A full disc: four quarters, 4 (core^2 + 2 core rings) quadrilaterals."""
    points, cells = quarter_disc(radius, core, rings)
    turned = []
    for _ in range(4):
        turned.append((points, cells))
        points = np.stack([-points[:, 1], points[:, 0]], axis=1)
    return merge(turned, radius)


def grid_cells(rows: int, columns: int) -> Cells:
    """Quadrilaterals of a grid of points numbered row by row, (rows + 1) x (columns + 1)."""
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"))
    first = i * (columns + 1) + j
    return np.stack([first, first + columns + 1, first + columns + 2, first + 1], axis=1).astype(np.int64)


def merge(parts: list[tuple[Points, Cells]], scale: float) -> tuple[Points, Cells]:
    """Join meshes, merging points closer than 1e-9 of `scale`."""
    points = np.concatenate([p for p, _ in parts])
    offsets = np.cumsum([0, *(len(p) for p, _ in parts)])
    cells = np.concatenate([c + o for (_, c), o in zip(parts, offsets[:-1], strict=True)])
    keys = np.round(points / (1e-9 * scale)).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return rounded(points[first], scale), inverse.ravel()[cells]


def rounded(points: Points, scale: float) -> Points:
    """Coordinates at 12 digits, and exactly 0 where they are rounding error."""
    points = np.where(np.abs(points) < 1e-12 * scale, 0.0, points)
    return np.array([[float(f"{x:.12g}") for x in row] for row in points.tolist()])


def graded(start: float, end: float, count: int, ratio: float = 1.0) -> Points:
    """count + 1 positions from start to end; each cell `ratio` times as long as the one before."""
    weights = ratio ** np.arange(count, dtype=float)
    positions = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum()
    return start + (end - start) * positions


def graded_after(even: float, count_even: int, end: float, count: int) -> Points:
    """Positions from 0: `count_even` equal cells up to `even`, then growing cells, `count` in all, up to `end`."""
    cell, rest = even / count_even, count - count_even
    low, high = 1.0, 10.0
    for _ in range(200):
        ratio = 0.5 * (low + high)
        reach = even + cell * sum(ratio**i for i in range(1, rest + 1))
        low, high = (ratio, high) if reach < end else (low, ratio)
    return np.concatenate([np.linspace(0.0, even, count_even + 1), graded(even, end, rest, low)[1:]])


def extrude(points: Points, cells: Cells, levels: Points) -> tuple[Points, Cells]:
    """Hexahedra over quadrilaterals, layer upon layer at the levels z (increasing), Abaqus's order of nodes."""
    n = len(points)
    solid = np.concatenate([np.column_stack([points, np.full(n, z)]) for z in levels])
    layers = [np.hstack([cells + k * n, cells + (k + 1) * n]) for k in range(len(levels) - 1)]
    return rounded(solid, float(np.abs(solid).max())), np.concatenate(layers)


def rectangle(xs: Points, ys: Points) -> tuple[Points, Cells]:
    """Quadrilaterals over the positions xs and ys."""
    x, y = (grid.ravel() for grid in np.meshgrid(xs, ys, indexing="ij"))
    points = np.stack([x, y], axis=1)
    return rounded(points, float(np.abs(points).max())), grid_cells(len(xs) - 1, len(ys) - 1)
