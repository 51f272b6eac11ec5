"""Faces of elements as Abaqus numbers them, and what lies on the outside of a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.model import corners_of

# Positions of a face's nodes in the element's connectivity, outward by the right hand (hexahedra), the corners first
# and in the same order the nodes between them.
HEXAHEDRON_FACES = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
QUADRILATERAL_FACES = ((0, 1), (1, 2), (2, 3), (3, 0))
TRIANGLE_FACES = ((0, 1), (1, 2), (2, 0))
_HEXAHEDRON_20 = (
    (0, 3, 2, 1, 11, 10, 9, 8), (4, 5, 6, 7, 12, 13, 14, 15), (0, 1, 5, 4, 8, 17, 12, 16),
    (1, 2, 6, 5, 9, 18, 13, 17), (2, 3, 7, 6, 10, 19, 14, 18), (3, 0, 4, 7, 11, 16, 15, 19),
)  # fmt: skip
_QUADRILATERAL_8 = ((0, 1, 4), (1, 2, 5), (2, 3, 6), (3, 0, 7))
_TRIANGLE_6 = ((0, 1, 3), (1, 2, 4), (2, 0, 5))


def faces_of(kind: str) -> tuple[tuple[int, ...], ...]:
    """The faces of an element type: positions of all their nodes."""
    if kind.startswith("C3D20"):
        return _HEXAHEDRON_20
    if kind in ("CPE8", "CPE8R"):
        return _QUADRILATERAL_8
    if kind == "CPE6":
        return _TRIANGLE_6
    return {8: HEXAHEDRON_FACES, 4: QUADRILATERAL_FACES, 3: TRIANGLE_FACES}[corners_of(kind)]


def exterior(kind: str, connectivity: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(element, face number from 1) of every face that no second element of the block shares."""
    faces = faces_of(kind)
    stacked = np.sort(np.concatenate([connectivity[:, face] for face in faces]), axis=1)
    _, inverse, counts = np.unique(stacked, axis=0, return_inverse=True, return_counts=True)
    single = np.flatnonzero(counts[inverse.ravel()] == 1)
    m = len(connectivity)
    return sorted((int(i % m), int(i // m) + 1) for i in single)
