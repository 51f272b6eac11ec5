"""Radii of grains: between bounds, or from a gradation curve."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import PackingError


def uniform_radii(count: int, least: float, largest: float, seed: int = 0) -> NDArray[np.float64]:
    """(count,) radii in m, uniform between bounds by number: one in each of `count` equal strata, in random order.

    Strata keep the distribution of a small packing close to the one asked for. Raises PackingError.
    """
    if count < 2 or not 0 < least <= largest:
        raise PackingError(
            f"radii: got {count} grains from {least:g} to {largest:g} m; expected 2 or more, 0 < least <= largest"
        )
    rng = np.random.default_rng([seed, 1])
    share = (np.arange(count) + rng.random(count)) / count
    return rng.permutation(least + (largest - least) * share)


def graded_radii(
    count: int, diameters: Sequence[float], passing: Sequence[float], dim: int = 3, seed: int = 0
) -> NDArray[np.float64]:
    """(count,) radii in m from a gradation curve: `passing` (0 to 1) is the share by mass finer than `diameters` (m).

    Between two points of the curve mass is spread evenly over the diameter, so that the number of grains per
    diameter goes with (d passing / d diameter) / diameter^dim (dim 2: disks, 3: spheres). Raises PackingError.
    """
    d, share = np.asarray(diameters, float), np.asarray(passing, float)
    rising = (
        d.ndim == 1 and d.shape == share.shape and len(d) >= 2 and bool(np.all(np.diff(d) > 0)) and d[0] > 0
    )
    if not rising or share[0] != 0 or share[-1] != 1 or np.any(np.diff(share) < 0) or count < 2:
        raise PackingError(
            "gradation: expected rising diameters (m, > 0) and as many shares finer by mass, from 0 rising to 1, "
            f"for 2 grains or more; got {list(diameters)}, {list(passing)}, {count} grains"
        )
    if dim not in (2, 3):
        raise PackingError(f"gradation: dimension is {dim}, expected 2 or 3")
    grid = np.unique(np.concatenate([np.linspace(a, b, 200) for a, b in itertools.pairwise(d)]))
    middle = 0.5 * (grid[1:] + grid[:-1])
    number = np.diff(np.interp(grid, d, share)) / middle**dim
    cumulative = np.concatenate([[0], np.cumsum(number)]) / number.sum()
    rng = np.random.default_rng([seed, 1])
    wanted = (np.arange(count) + rng.random(count)) / count
    return rng.permutation(0.5 * np.interp(wanted, cumulative, grid))
