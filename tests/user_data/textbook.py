"""Viscoplasticity with one Armstrong-Frederick backstress (Lemaitre & Chaboche, Mechanics of Solid Materials, ch. 5, 6).

With the deviators e of the logarithmic strain and s of the stress, J(a) = sqrt(3/2 a:a), overstress f = J(s - X) - k:

    s' = 2 G (e' - p' n),  n = 3/2 (s - X) / J(s - X),  p' = RATE <f / D>^N,  X' = 2/3 C p' n - g X p',  tr sigma = 3 K tr eps
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BULK, SHEAR, DENSITY = 170e9, 80e9, 7800.0
YIELD, HARDENING, RECALL = 400e6, 30e9, 60.0
DRAG, EXPONENT, RATE = 150e6, 5.0, 1e3
DURATION, STEPS, SUBSTEPS = 20e-6, 60, 5
WEIGHT = np.array([1, 1, 1, 2, 2, 2.0])
IDENTITY = np.array([1, 1, 1, 0, 0, 0.0])


def chaboche(strain: NDArray, dt: float) -> NDArray:
    """Stress [n, n_time, 6] along logarithmic strains [n, n_time, 6], tensor components, at steps of dt.

    Each step in SUBSTEPS backward Euler steps with n held, p by bisection."""
    s, back, stress = np.zeros((len(strain), 6)), np.zeros((len(strain), 6)), np.zeros_like(strain)
    h = dt / SUBSTEPS
    for t in range(1, strain.shape[1]):
        change = strain[:, t] - strain[:, t - 1]
        change = (change - change[:, :3].mean(1, keepdims=True) * IDENTITY) / SUBSTEPS
        for _ in range(SUBSTEPS):
            s = s + 2 * SHEAR * change
            size = np.sqrt(1.5 * ((s - back) ** 2 * WEIGHT).sum(1))
            over = np.maximum(size - YIELD, 0)
            low, high = np.zeros(len(s)), over / (3 * SHEAR)
            for _ in range(40):
                p = 0.5 * (low + high)
                short = over - (3 * SHEAR + HARDENING) * p > DRAG * (p / (h * RATE)) ** (1 / EXPONENT)
                low, high = np.where(short, p, low), np.where(short, high, p)
            n = 1.5 * (s - back) / np.maximum(size, 1.0)[:, None]
            s = s - 2 * SHEAR * low[:, None] * n
            back = (back + 2 / 3 * HARDENING * low[:, None] * n) / (1 + RECALL * low)[:, None]
        stress[:, t] = s + BULK * strain[:, t, :3].sum(1)[:, None] * IDENTITY
    return stress
