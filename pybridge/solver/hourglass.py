"""Hourglass control of one-point elements [Flanagan and Belytschko 1981], total Lagrangian and objective.

q_ia = sum_nodes gamma_a u_i = w_ia - (F - 1)_ij X_ja: the part of an hourglass mode that no linear field explains, so
rigid motion and homogeneous strain give none. It is resisted in the frame of R by Q:

STIFFNESS        Q = k q
VISCOUS          Q = c dq/dt
COMBINED         weight of the first, 1 - weight of the second
RELAX STIFFNESS  dQ/dt + Q / tau = k dq/dt: stiff against what is sudden, yielding to what lasts
ENHANCED         Q = k_e q, with the bending stiffness of the exactly integrated elastic element

k = kappa omega^2 m / N^2 and c = 2 zeta omega m / N^2, with N corners, mass m and the frequency omega = 2 c / h of
the element, c that of the smaller of lambda + 2 mu and 4 mu; kappa is the squared ratio of an hourglass mode's frequency to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.solver.model import Hourglass

Array = NDArray[np.float64]

KAPPA_STIFFNESS = 0.05
KAPPA_RELAX = 0.1
ZETA_VISCOUS = 0.2
RELAXATION = 4.0  # tau omega: for lasting motion as VISCOUS does


class HourglassControl:
    """Coefficients of n elements. mass (n,), omega (n,): see above; bending: E / (3 modulus)."""

    def __init__(self, settings: Hourglass, corners: int, mass: Array, omega: Array, bending: float) -> None:
        stiff = settings.scale * omega**2 * mass / corners**2
        damping = settings.scale * 2.0 * omega * mass / corners**2 * ZETA_VISCOUS
        kind = settings.kind
        self.stiffness = np.zeros_like(mass)
        self.damping = np.zeros_like(mass)
        self.relax = np.zeros_like(mass)
        self.rate = omega / RELAXATION
        if kind == "STIFFNESS":
            self.stiffness = KAPPA_STIFFNESS * stiff
        elif kind == "VISCOUS":
            self.damping = damping
        elif kind == "COMBINED":
            self.stiffness = settings.weight * KAPPA_STIFFNESS * stiff
            self.damping = (1.0 - settings.weight) * damping
        elif kind == "ENHANCED":
            self.stiffness = bending * stiff
        else:
            self.relax = KAPPA_RELAX * stiff
        self.kind = kind

    def force(self, q_new: Array, q_inc: Array, force_old: Array, dt: float, out: Array, tmp: Array) -> None:
        """Q at the end of a step, from q and its increment in the frame of R (all (d h, n))."""
        if self.kind == "RELAX STIFFNESS":
            np.multiply(q_inc, self.relax, out=out)
            out += force_old
            out *= 1.0 / (1.0 + dt * self.rate)
            return
        np.multiply(q_new, self.stiffness, out=out)
        if self.kind in ("VISCOUS", "COMBINED"):
            np.multiply(q_inc, self.damping / dt, out=tmp)
            out += tmp
