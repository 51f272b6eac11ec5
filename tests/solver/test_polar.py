"""Polar decomposition and small algebra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import polar as reference_polar
from scipy.spatial.transform import Rotation

from pybridge.solver import polar as polar_module
from pybridge.solver.algebra import adjugate_symmetric, determinant, expand
from pybridge.solver.polar import PolarWorkspace, polar


@pytest.mark.parametrize(("turn", "rounds"), [(1e-8, 1), (1e-2, 2), (0.3, 3)])
def test_polar_agrees_with_a_reference_and_is_accurate(rng, monkeypatch, turn, rounds) -> None:
    """In so many rounds: a wrong step would still converge, more slowly."""
    monkeypatch.setattr(polar_module, "MAX_ROUNDS", rounds)
    n = 40
    start = Rotation.random(n, rng=rng).as_matrix()
    rotation = start @ Rotation.from_rotvec(turn * rng.uniform(-1, 1, (n, 3))).as_matrix()
    basis = Rotation.random(n, rng=rng).as_matrix()
    stretch = basis @ (np.exp(rng.uniform(-1.5, 1.5, (n, 3)))[:, :, None] * basis.transpose(0, 2, 1))
    f = np.ascontiguousarray(np.moveaxis(rotation @ stretch, 0, -1))
    r, u = np.empty((3, 3, n)), np.empty((6, n))
    assert polar(f, np.ascontiguousarray(np.moveaxis(start, 0, -1)), r, u, PolarWorkspace(n))
    full = np.moveaxis(expand(u, np.empty((3, 3, n))), -1, 0)
    found = np.moveaxis(r, -1, 0)
    expected = [reference_polar(np.moveaxis(f, -1, 0)[i]) for i in range(n)]
    # 1e-12: rounding of stretches up to exp(3) apart
    np.testing.assert_allclose(found, [e[0] for e in expected], atol=1e-12)
    np.testing.assert_allclose(full, [e[1] for e in expected], atol=1e-12)
    np.testing.assert_allclose(found @ full, np.moveaxis(f, -1, 0), atol=1e-13 * np.abs(f).max())


def test_polar_reports_what_it_cannot_decompose() -> None:
    f = np.full((3, 3, 2), np.nan)
    with np.errstate(invalid="ignore"):
        assert not polar(
            f, np.eye(3)[:, :, None].repeat(2, 2), np.empty((3, 3, 2)), np.empty((6, 2)), PolarWorkspace(2)
        )


def test_adjugate_is_determinant_times_inverse(rng) -> None:
    s = rng.normal(size=(6, 5))
    full = expand(s, np.empty((3, 3, 5)))
    adjugate = np.empty((6, 5))
    det = adjugate_symmetric(s, adjugate, np.empty(5))
    matrices = np.moveaxis(full, -1, 0)
    np.testing.assert_allclose(det, np.linalg.det(matrices), rtol=1e-12)
    np.testing.assert_allclose(determinant(full), det, rtol=1e-12)
    expected = np.moveaxis(np.linalg.inv(matrices) * det[:, None, None], 0, -1)
    np.testing.assert_allclose(expand(adjugate, np.empty((3, 3, 5))), expected, rtol=1e-10, atol=1e-12)
