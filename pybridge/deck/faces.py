"""Faces of elements as Abaqus numbers them, and what lies on the outside of a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Positions of a face's nodes in the element's connectivity, outward by the right hand (hexahedra).
HEXAHEDRON_FACES = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
QUADRILATERAL_FACES = ((0, 1), (1, 2), (2, 3), (3, 0))


def faces_of(element_nodes: int) -> tuple[tuple[int, ...], ...]:
    """The faces of an element of so many nodes."""
    return HEXAHEDRON_FACES if element_nodes == 8 else QUADRILATERAL_FACES


def exterior(connectivity: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(element, face number from 1) of every face that no second element of the block shares."""
    faces = faces_of(connectivity.shape[1])
    stacked = np.sort(np.concatenate([connectivity[:, face] for face in faces]), axis=1)
    _, inverse, counts = np.unique(stacked, axis=0, return_inverse=True, return_counts=True)
    single = np.flatnonzero(counts[inverse.ravel()] == 1)
    m = len(connectivity)
    return sorted((int(i % m), int(i // m) + 1) for i in single)
