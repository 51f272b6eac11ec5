"""A path of one point through umat_, and its tangent beside central differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.host import UmatPoint

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
GRADIENT = np.array([[0.031, 0.052, -0.017], [-0.024, -0.037, 0.028], [0.011, -0.041, 0.009]])


def path(steps: int) -> list[NDArray]:
    """Shear, rotation and reversal; F12 != F21."""
    found = []
    for t in np.linspace(0, 1, steps + 1)[1:]:
        a, angle = np.interp(t, [0, 0.6, 1], [0, 1, 0.3]), 0.7 * t
        c, s = np.cos(angle), np.sin(angle)
        found.append(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ (np.eye(3) + a * GRADIENT))
    return found


def tangent_errors(point: UmatPoint, dt: float) -> tuple[list[float], int]:
    """Largest error of d(J sigma) / J against central differences of 1e-8 in strain, relative, for each increment of
    path(30); and in how many of them plastic strain grew."""
    step, errors, flowed = 1e-8, [], 0
    for f in path(30):
        before = point.state.copy()
        answer = point.trial(f, dt)
        columns = []
        for m, n in PAIRS:
            d = np.zeros((3, 3))
            d[m, n] += 0.5
            d[n, m] += 0.5
            up, down = (
                np.linalg.det(g) * point.trial(g, dt).stress
                for g in ((np.eye(3) + s * step * d) @ f for s in (1, -1))
            )
            change = (up - down) / (2 * step) / np.linalg.det(f)
            columns.append([change[i, j] for i, j in PAIRS])
        expected = np.array(columns).T
        errors.append(float(np.abs(answer.tangent - expected).max() / np.abs(expected).max()))
        point.step(f, dt)
        flowed += bool(np.abs(point.state[:6] - before[:6]).max() > 1e-6)
    return errors, flowed
