"""Forces of hourglass control against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge.errors import SolverError
from pybridge.solver import Hourglass
from pybridge.solver.hourglass import KAPPA_RELAX, KAPPA_STIFFNESS, RELAXATION, ZETA_VISCOUS, HourglassControl

MASS, OMEGA, CORNERS, BENDING = 2e-6, 5e6, 8, 0.25
STIFF = OMEGA**2 * MASS / CORNERS**2


def history(settings, rate, hold, steps):
    """Force after q grew to 1e-6 m at a rate and was then held."""
    control = HourglassControl(settings, CORNERS, np.array([MASS]), np.array([OMEGA]), BENDING)
    q, force = np.zeros((12, 1)), np.zeros((12, 1))
    for span, velocity in ((1e-6 / rate, rate), (hold, 0.0)):
        dt = span / steps
        for _ in range(steps):
            increment = np.full((12, 1), velocity * dt)
            q += increment
            new = np.empty_like(force)
            control.force(q, increment, force, dt, new, np.empty_like(force))
            force = new
    return force[0, 0]


def test_relaxing_stiffness_follows_a_maxwell_element() -> None:
    rate, tau = 2.0, RELAXATION / OMEGA
    for hold in (1e-7, 1e-6):
        loaded = KAPPA_RELAX * STIFF * rate * tau * (1 - np.exp(-1e-6 / rate / tau))
        found = history(Hourglass("RELAX STIFFNESS", 2.0), rate, hold, 4000)
        assert found == pytest.approx(2.0 * loaded * np.exp(-hold / tau), rel=5e-3)  # backward Euler


def test_stiffness_viscosity_and_their_mean() -> None:
    rate = 2.0
    damped = 2 * OMEGA * MASS / CORNERS**2 * ZETA_VISCOUS * rate
    assert history(Hourglass("STIFFNESS"), rate, 1e-7, 5) == pytest.approx(KAPPA_STIFFNESS * STIFF * 1e-6)
    assert history(Hourglass("ENHANCED"), rate, 1e-7, 5) == pytest.approx(BENDING * STIFF * 1e-6)
    assert history(Hourglass("VISCOUS"), rate, 1e-7, 5) == 0.0
    control = HourglassControl(
        Hourglass("COMBINED", 3.0, 0.25), CORNERS, np.array([MASS]), np.array([OMEGA]), 0.0
    )
    out = np.empty((1, 1))
    control.force(
        np.full((1, 1), 1e-6), np.full((1, 1), rate * 1e-8), np.zeros((1, 1)), 1e-8, out, np.empty((1, 1))
    )
    assert out[0, 0] == pytest.approx(3.0 * (0.25 * KAPPA_STIFFNESS * STIFF * 1e-6 + 0.75 * damped))


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(SolverError, match="expected one of RELAX STIFFNESS"):
        Hourglass("STIFF")
    with pytest.raises(SolverError, match=r"weight in 0\.\.1"):
        Hourglass("COMBINED", weight=2.0)


@pytest.mark.parametrize("kind", ["C3D8R", "CAX4R"])
@pytest.mark.parametrize("poisson", [0.3, 0.45])
def test_bending_of_an_element_against_beam_theory(lab, kind, poisson) -> None:
    """u = a xi eta e_x bends: energy 2/3 E a^2 times the depth, so that a corner's force is E a h / 6 (cube) or
    E a 2 pi R / 3 (square ring of a large radius). STIFFNESS: kappa times the frequency of the element."""
    young, h, size, radius = 100e9, 1e-3, 1e-8, 1.0
    points, cells = lab.sheet(1, 1, radius, radius + h, h) if kind == "CAX4R" else lab.box(1, 1, 1, h, h, h)
    sign = np.where(points > points.mean(0), 1.0, -1.0)
    u = np.zeros_like(points)
    u[:, 0] = size * sign[:, 0] * sign[:, 1]
    depth = 2 * np.pi * radius if kind == "CAX4R" else 0.5 * h
    shear = young / (2 * (1 + poisson))
    modulus = min(young * (1 - poisson) / ((1 + poisson) * (1 - 2 * poisson)), 4 * shear)
    for control, stiffness in (("ENHANCED", young / 3), ("STIFFNESS", KAPPA_STIFFNESS * modulus)):
        settings = Hourglass(control, 3.0)
        model = lab.model(
            points, cells, lab.elastic(young, poisson), kind, hourglass=settings, viscosity=(0.0, 0.0)
        )
        statics = lab.Statics(model)
        force, _ = statics.move(u)
        stress = statics.stress()
        assert np.abs(stress).max() < 2e-3 * young * size / h  # the hoop's, of a ring
        np.testing.assert_allclose(force[:, 0] * u[:, 0], 3.0 * stiffness * size**2 * depth, rtol=3e-3)
