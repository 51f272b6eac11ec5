"""Stress of a given state: no time passes, so nothing flows, and the answer is that of the elastic law."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import CrystalParameters, make_law, make_taylor_crystal, uniform_orientations
from pybridge.reference import crystal as reference

P = reference.Parameters()
U = np.array([1.02, 0.97, 1.015, 0.012, -0.02, 0.03])  # numbered: every component its own


def isochoric_inverse(rng: np.random.Generator, grains: int) -> np.ndarray:
    inverse = np.eye(3) + 0.1 * rng.normal(size=(grains, 3, 3))
    return inverse / np.cbrt(np.linalg.det(inverse))[:, None, None]


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
def test_stress_is_the_mean_of_the_grains(tools, rng, precision: str, tolerance: float) -> None:
    grains = 5
    q = uniform_orientations(grains, 11)
    crystal = make_taylor_crystal(q, CrystalParameters(), precision)
    inverse = isochoric_inverse(rng, grains)
    state = tools.join_state(inverse - np.eye(3), np.full((grains, 12), 0.01), np.full((grains, 6), 0.1))
    history = tools.drive(crystal, np.array([U, U]), 0.0, state)
    stretch = tools.to_matrix(U)
    expected = np.zeros((3, 3))
    for rotation, b in zip(q, inverse, strict=True):
        sigma = reference.cauchy_stress(rotation.T @ stretch @ rotation, np.linalg.inv(b), P)
        expected += rotation @ sigma @ rotation.T / grains
    assert history.status.max() == 0
    np.testing.assert_allclose(
        history.stress[1, :, 0], tools.to_components(expected), atol=tolerance * P.shear, rtol=tolerance
    )
    np.testing.assert_allclose(
        history.state[: 27 * grains], state[: 27 * grains].astype(crystal.dtype), atol=tolerance
    )
    assert history.state[-2, 0] == pytest.approx(0.12, rel=1e-5)  # mean slip: 12 systems at 0.01
    assert history.state[-1, 0] == pytest.approx(0.6, rel=1e-5)
    assert history.work[0, 0] == 0


def test_virgin_moduli_are_those_of_the_card(tools) -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [4], "float64")
    strain = 1e-6 * np.array([1.0, -2, 4, 3, -5, 6])
    path = np.array([1.0, 1, 1, 0, 0, 0]) + np.array([[0.0], [1.0]]) * strain
    stress = tools.drive(crystal, path, 1e-15).stress[1, :, 0]
    bulk, shear = crystal.elastic_moduli.bulk, crystal.elastic_moduli.shear
    assert (bulk, shear) == (48e9, 25e9)
    expected = 2 * shear * strain
    expected[:3] += (bulk - 2 * shear / 3) * strain[:3].sum()
    np.testing.assert_allclose(stress, expected, atol=1e-4 * 3e5)  # second order in the strain


def test_volume_change_alone_gives_pressure_alone(tools) -> None:
    crystal = make_taylor_crystal(uniform_orientations(3, 1), CrystalParameters(), "float64")
    for stretch in (0.7, 0.9, 1.2, 1.5):
        path = np.array([[1.0, 1, 1, 0, 0, 0], [stretch] * 3 + [0.0] * 3])
        stress = tools.drive(crystal, path, 1e-9).stress[1, :, 0] if abs(stretch - 1) < 0.15 else None
        if stress is None:  # more than one increment may change: go there in pieces
            pieces = np.linspace(1, stretch, 11)
            path = np.array([[s] * 3 + [0.0] * 3 for s in pieces])
            stress = tools.drive(crystal, path, 1e-9).stress[-1, :, 0]
        pressure = 2 * P.lame * (stretch**3 - 1)
        np.testing.assert_allclose(stress, [pressure] * 3 + [0.0] * 3, rtol=1e-12, atol=1e-3)


def test_zero_increments_leave_the_virgin_state(tools) -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [8, 5], "float64")
    still = np.array([[1.0, 1, 1, 0, 0, 0]] * 3)
    history = tools.drive(crystal, still, 1e-9)
    # Orientations are rotations to rounding: 1e-5 Pa of stress, and slip at (stress / tau_0)^2.
    assert np.abs(history.state).max() < 1e-20
    assert np.abs(history.stress).max() < 1e-4
    assert history.status.max() == 0
