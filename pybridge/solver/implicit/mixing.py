"""Anderson mixing of the corrections of an iteration.

Source: D. G. Anderson, J. ACM 12 (1965) 547.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Mixing:
    """x_new = the point, of those spanned by the last `depth` + 1, whose combined correction is least, plus that
    correction. depth = 0: x + correction."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.points: list[NDArray] = []
        self.corrections: list[NDArray] = []

    def next(self, x: NDArray, correction: NDArray) -> NDArray:
        if self.depth == 0:
            return x + correction
        self.points.append(x.copy())
        self.corrections.append(correction.copy())
        if len(self.points) > self.depth + 1:
            self.points.pop(0)
            self.corrections.pop(0)
        if len(self.points) < 2:
            return x + correction
        df = np.array([correction - c for c in self.corrections[:-1]]).T
        dx = np.array([x - p for p in self.points[:-1]]).T
        share, *_ = np.linalg.lstsq(df, correction, rcond=1e-8)
        return x + correction - (dx + df) @ share
