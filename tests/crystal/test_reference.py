"""The reference itself: stresses and forces are derivatives of the energies of [LIU22] A.3 to A.5."""

from __future__ import annotations

import numpy as np

from pybridge._core import slip_systems, twin_systems
from pybridge.reference import crystal as reference

P = reference.Parameters()
F = np.eye(3) + np.array([[0.01, 0.02, -0.03], [0.005, -0.02, 0.015], [0.01, -0.004, 0.03]])
F_IN = np.eye(3) + np.array([[0.02, 0.01, 0.03], [-0.01, -0.03, 0.02], [0.015, 0.004, 0.01]])


def central(function, x: np.ndarray, h: float) -> np.ndarray:
    out = np.empty_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        out[index] = (function(up) - function(down)) / (2 * h)
    return out


def test_stresses_are_derivatives_of_the_elastic_energy() -> None:
    a = F @ np.linalg.inv(F_IN)
    expected = central(lambda x: reference.elastic_energy(x, P), a, 1e-6)
    np.testing.assert_allclose(reference.elastic_stress(a, P), expected, atol=1e-8 * P.shear)
    piola = central(lambda f: reference.elastic_energy(f @ np.linalg.inv(F_IN), P), F, 1e-6)
    cauchy = piola @ F.T / np.linalg.det(F)
    np.testing.assert_allclose(reference.cauchy_stress(F, F_IN, P), cauchy, atol=1e-8 * P.shear)


def test_forces_are_minus_the_derivative_along_the_flow() -> None:
    # -dW/dgamma_a with F_in moving by A.9 and A.10, W_p apart: the driving force of A.12. And A.13 for the twins.
    grain = reference.Grain(slip_systems(P.c_over_a), twin_systems(P.c_over_a))
    e = np.linspace(0.001, 0.012, 12)
    lam = np.array([0.1, 0.02, 0.0, 0.05, 0.3, 0.01])
    tau, resistance, drive = grain.forces(F, F_IN, e, lam)

    def energy(f_in: np.ndarray) -> float:
        return reference.elastic_energy(F @ np.linalg.inv(f_in), P)

    h = 1e-6
    for alpha, flow in enumerate(grain.schmid(lam)):
        step = h * flow @ F_IN
        slope = (energy(F_IN + step) - energy(F_IN - step)) / (2 * h)
        assert abs(-slope - tau[alpha]) < 1e-7 * P.shear
    slopes = central(lambda x: reference.slip_energy(x, P), e, 1e-7)
    np.testing.assert_allclose(resistance, slopes, atol=1e-3 * P.stress.min())
    twin_slopes = central(lambda x: reference.twin_energy(x, P), lam, 1e-4)
    for beta, (s, m) in enumerate(grain.twins):
        step = h * P.twin_shear * np.outer(s, m) @ F_IN
        slope = (energy(F_IN + step) - energy(F_IN - step)) / (2 * h)
        assert abs(-slope - twin_slopes[beta] - drive[beta]) < 1e-6 * P.twin_coupling
