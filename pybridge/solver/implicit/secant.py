"""The slope of every material point, learned from the iterations themselves.

A packing shows its contact stiffness, elastic-like and up to many times the slope of a shearing packing; a material
without tangent has its virgin moduli. An iteration tells more: a point that was strained by d more answered with y more
stress. Broyden's update of each point's own stiffness B,

    B <- B + (y - B d) d^T / (d.d + noise^2 e.e)           e: the strain of the step so far,

is a partitioned quasi-Newton method: a system of thousands of unknowns learns its slope from small matrices
that see every iteration. The second term under the fraction is ours: a change of the strain that is small beside the step
tells more of the chatter of the grains than of a slope, and is believed the less. Points that go on shearing keep what
was learned for the next step; one that turns unlearns it.

Sources: C. G. Broyden, Math. Comput. 19 (1965) 577; A. Griewank, Ph. L. Toint, Numer. Math. 39 (1982) 119.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class PointSecants:
    """Stiffnesses (c, c, points), Pa, of one step that starts at a converged strain and stress (c, points)."""

    def __init__(self, stiffness: NDArray, strain: NDArray, stress: NDArray, noise: float) -> None:
        self.stiffness, self.noise = stiffness, noise
        self._first = self._strain = strain
        self._stress = stress

    def learn(self, strain: NDArray, stress: NDArray) -> None:
        """What an iterate answered."""
        d, y, e = strain - self._strain, stress - self._stress, strain - self._first
        size = (d * d).sum(axis=0) + self.noise**2 * (e * e).sum(axis=0)
        seen = size > 0
        share = np.divide(d, size, out=np.zeros_like(d), where=seen)
        missed = y - np.einsum("abn,bn->an", self.stiffness, d)
        self.stiffness = self.stiffness + missed[:, None] * share[None]  # a new one: earlier ones are kept
        self._strain, self._stress = strain, stress
