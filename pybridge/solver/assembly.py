"""Corner forces of elements summed at nodes, always in the same order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]


class Assembler:
    """Sums corner values (2^d, E) of elements at N nodes; nodes (2^d, E). A row of the matrix lists a node's corners
    in ascending order, so that the sum has the same bits every time."""

    def __init__(self, nodes: NDArray[np.int64], count: int) -> None:
        flat = nodes.reshape(-1)
        order = np.argsort(flat, kind="stable").astype(np.int32)
        start = np.zeros(count + 1, np.int32)
        np.cumsum(np.bincount(flat, minlength=count), out=start[1:])
        self.matrix = csr_array((np.ones(flat.size), order, start), shape=(count, flat.size))

    def add(self, corners: Array) -> Array:
        """(N,) sums of one component."""
        return self.matrix @ corners.reshape(-1)
