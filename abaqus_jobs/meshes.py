"""Meshes: discs of quadrilaterals without a singular centre, rods and plates of hexahedra, rectangles, triangles.

Coordinates are rounded to 12 digits, so that a deck holds them exactly in Abaqus's 20 characters.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Cells = NDArray[np.int64]
HEXAHEDRON_EDGES = (
    (0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7),
)  # fmt: skip


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


def triangles(
    width: float, height: float, count: int, breaks: Mapping[str, Sequence[float]] | None = None,
    size: Callable[[Points], Points] | None = None, seed: int = 0,
) -> tuple[Points, Cells]:  # fmt: skip
    """An unstructured mesh of a rectangle with exactly `count` triangles, counter-clockwise.

    breaks: positions along "bottom", "right", "top", "left" (from the left or from below) where a node must stand.
    size: wanted edge of the triangles at points (n, 2), up to a factor; even by default.
    A Delaunay triangulation of b points around and n inside has 2 n + b - 2 triangles: b follows from the edge, n from
    the count. Inner points are spread at random and moved to the middle of their neighbourhoods.
    """
    wanted = size or (lambda points: np.ones(len(points)))
    breaks = breaks or {}
    if count < 8 or not (height > 0 and 1e-3 * height <= width <= 1e3 * height):
        raise ValueError(
            f"{count} triangles on {width:g} x {height:g}: expected 8 or more, and sides up to 1000 times each other"
        )
    fine = np.stack(
        np.meshgrid((np.arange(200) + 0.5) / 200 * width, (np.arange(200) + 0.5) / 200 * height), -1
    )
    area = width * height / 40000 / (np.sqrt(3) / 4 * wanted(fine.reshape(-1, 2)) ** 2)
    scale = math.sqrt(area.sum() / count)
    outside = _outline(width, height, breaks, lambda p: scale * wanted(p), count % 2)
    inner = (count + 2 - len(outside)) // 2
    if inner < 1:
        raise ValueError(
            f"{count} triangles: too few for {len(outside)} nodes around; take more, or fewer breaks"
        )
    rng = np.random.default_rng(seed)
    for _ in range(20):
        points = _relaxed(outside, _spread(width, height, inner, wanted, scale, rng), wanted)
        cells = _delaunay(points)
        if len(cells) == count and _smallest_angle(points, cells) > 15.0:
            return rounded(points, max(width, height)), cells
    raise ValueError(f"{count} triangles on {width:g} x {height:g}: no mesh found; take another number")


def _outline(
    width: float,
    height: float,
    breaks: Mapping[str, Sequence[float]],
    edge: Callable[[Points], Points],
    parity: int,
) -> Points:
    """Points around the rectangle, as many as odd or even as the number of triangles."""
    sides = {
        "bottom": (np.array([0.0, 0.0]), np.array([1.0, 0.0]), width), "right": (np.array([width, 0.0]), np.array([0.0, 1.0]), height),
        "top": (np.array([0.0, height]), np.array([1.0, 0.0]), width), "left": (np.array([0.0, 0.0]), np.array([0.0, 1.0]), height),
    }  # fmt: skip
    pieces = []
    for name, (start, along, length) in sides.items():
        marks = [0.0, *sorted(breaks.get(name, ())), length]
        for a, b in itertools.pairwise(marks):
            s = np.linspace(a, b, 401)
            density = 1.0 / edge(start + s[:, None] * along)
            total = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(s))])
            pieces.append((start, along, s, total, max(1, round(total[-1]))))
    if sum(piece[4] for piece in pieces) % 2 != parity:
        # one more where that changes the edges least
        k = max(range(len(pieces)), key=lambda i: pieces[i][4])
        pieces[k] = (*pieces[k][:4], pieces[k][4] + 1)
    found = []
    for start, along, s, total, number in pieces:
        at = np.interp(np.linspace(0, total[-1], number + 1), total, s)
        found.append(start + at[:, None] * along)
    points = np.concatenate(found)
    _, first = np.unique(
        np.round(points / (1e-9 * max(width, height))).astype(np.int64), axis=0, return_index=True
    )
    return points[np.sort(first)]


def _spread(
    width: float, height: float, number: int, size: Callable[[Points], Points], scale: float, rng
) -> Points:
    """Random inner points, as many as asked for, denser where the edge is small, none near the outside."""
    chosen = np.zeros((0, 2))
    least = float(
        size(
            np.stack(np.meshgrid(np.linspace(0, width, 50), np.linspace(0, height, 50)), -1).reshape(-1, 2)
        ).min()
    )
    while len(chosen) < number:
        trial = rng.uniform(0, 1, (4 * number, 2)) * [width, height]
        edge = size(trial)
        inside = (
            np.minimum(np.minimum(trial, [width, height] - trial).min(axis=1), 0.4 * scale * edge)
            >= 0.4 * scale * edge
        )
        chosen = np.concatenate(
            [chosen, trial[inside & (rng.uniform(0, 1, len(trial)) < (least / edge) ** 2)]]
        )
    return chosen[:number]


def _delaunay(points: Points) -> Cells:
    """Triangles of some area, counter-clockwise."""
    from scipy.spatial import Delaunay

    cells = np.asarray(Delaunay(points).simplices, np.int64)
    a, b, c = (points[cells[:, k]] for k in range(3))
    twice = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    cells[twice < 0] = cells[twice < 0][:, ::-1]
    cells = cells[np.abs(twice) > 1e-9 * np.ptp(points, axis=0).prod()]
    return cells[np.lexsort(cells.T[::-1])]


def _relaxed(outside: Points, inner: Points, size: Callable[[Points], Points]) -> Points:
    """Inner points moved to the centre of the triangles around them, each weighted by area over its wanted edge."""
    points, first = np.concatenate([outside, inner]), len(outside)
    for _ in range(80):
        cells = _delaunay(points)
        corners = points[cells]
        centre = corners.mean(axis=1)
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        area = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
        weight = area / size(centre) ** 2
        total = np.bincount(cells.ravel(), np.repeat(weight, 3), len(points))
        moved = np.stack(
            [np.bincount(cells.ravel(), np.repeat(weight * centre[:, k], 3), len(points)) for k in (0, 1)], 1
        )
        points[first:] = moved[first:] / total[first:, None]
    return points


def _smallest_angle(points: Points, cells: Cells) -> float:
    """Degrees."""
    x = points[cells]
    edges = np.roll(x, -1, axis=1) - x
    other = -np.roll(edges, 1, axis=1)
    cosine = (edges * other).sum(axis=2) / np.linalg.norm(edges, axis=2) / np.linalg.norm(other, axis=2)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).min())


def with_middles(points: Points, cells: Cells) -> tuple[Points, Cells]:
    """Nodes in the middle of the edges of triangles, quadrilaterals or hexahedra, behind the corners as Abaqus orders them."""
    corners = cells.shape[1]
    around = [(k, (k + 1) % corners) for k in range(corners)]
    edges = np.array(HEXAHEDRON_EDGES if corners == 8 else around)
    ends = cells[:, edges]
    pairs = np.sort(ends.reshape(-1, 2), axis=1)
    unique, place = np.unique(pairs, axis=0, return_inverse=True)
    middles = points[unique].mean(axis=1)
    joined = np.concatenate([points, middles])
    return rounded(joined, float(np.abs(joined).max())), np.hstack(
        [cells, len(points) + place.reshape(-1, len(edges))]
    )
