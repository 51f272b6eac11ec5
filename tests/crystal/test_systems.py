"""Geometry of the hexagonal systems and of the orientations."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import MaterialError, slip_systems, twin_systems, uniform_orientations
from pybridge.reference.crystal import from_miller_bravais

C_OVER_A = 1.624


def dyads(systems: np.ndarray) -> np.ndarray:
    return np.einsum("ai,aj->aij", systems[:, 0], systems[:, 1])


def turned(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


@pytest.mark.parametrize("systems", [slip_systems(C_OVER_A), twin_systems(C_OVER_A)])
def test_directions_are_unit_and_in_their_planes(systems: np.ndarray) -> None:
    np.testing.assert_allclose(np.linalg.norm(systems, axis=2), 1, atol=1e-14)
    np.testing.assert_allclose(np.einsum("ai,ai->a", systems[:, 0], systems[:, 1]), 0, atol=1e-14)


@pytest.mark.parametrize(
    ("plane", "direction", "rows"),
    [((0, 0, 0, 1), (2, -1, -1, 0), range(0, 3)), ((0, 1, -1, 0), (2, -1, -1, 0), range(3, 6)),
     ((1, 1, -2, 2), (1, 1, -2, -3), range(6, 12))],
)  # fmt: skip
def test_slip_systems_have_their_indices(plane, direction, rows: range) -> None:
    s, m = from_miller_bravais(plane, direction, C_OVER_A)
    family = dyads(slip_systems(C_OVER_A))[list(rows)]
    distance = np.minimum(
        np.abs(family - np.outer(s, m)).max(axis=(1, 2)), np.abs(family + np.outer(s, m)).max(axis=(1, 2))
    )
    assert distance.min() < 1e-14


def test_twin_systems_have_their_indices_and_extend_the_c_axis() -> None:
    s, m = from_miller_bravais((1, 0, -1, 2), (-1, 0, 1, 1), C_OVER_A)
    systems = dyads(twin_systems(C_OVER_A))
    assert np.abs(systems - np.outer(s, m)).max(axis=(1, 2)).min() < 1e-14
    assert (systems[:, 2, 2] > 0.4).all()


@pytest.mark.parametrize(("systems", "families"), [(slip_systems, [3, 3, 6]), (twin_systems, [6])])
def test_each_family_has_the_symmetry_of_the_hexagon(systems, families: list[int]) -> None:
    tensors = dyads(systems(C_OVER_A))
    assert len(tensors) == sum(families)
    begin = 0
    for count in families:
        family = tensors[begin : begin + count]
        begin += count
        for p, q in zip(*np.triu_indices(count, 1), strict=True):
            assert np.abs(np.abs(np.sum(family[p] * family[q])) - 1) > 0.1, "two systems are the same"
        q = turned(np.pi / 3)
        for tensor in family:
            image = q @ tensor @ q.T
            nearest = min(np.minimum(np.abs(family - image), np.abs(family + image)).max(axis=(1, 2)))
            assert nearest < 1e-14


def test_twin_shear_follows_from_the_axial_ratio() -> None:
    # The shear sqrt3/(c/a) - (c/a)/sqrt3 turns the conjugate direction <10-11> into its mirror image in the plane.
    formula = np.sqrt(3) / C_OVER_A - C_OVER_A / np.sqrt(3)
    assert formula == pytest.approx(0.129, abs=5e-4)
    s, m = twin_systems(C_OVER_A)[0]
    shear = np.eye(3) + formula * np.outer(s, m)
    mirror = np.eye(3) - 2 * np.outer(m, m)
    row = np.array([np.sqrt(3) * m[0], np.sqrt(3) * m[1], C_OVER_A * np.hypot(m[0], m[1])])
    assert np.linalg.norm(np.cross(shear @ row, mirror @ row)) < 1e-12 * np.linalg.norm(row) ** 2


def splitmix(seed: int):
    mask = (1 << 64) - 1
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield ((z ^ (z >> 31)) >> 11) / 2.0**53


def test_orientations_follow_shoemake_from_the_seed() -> None:
    from scipy.spatial.transform import Rotation

    random = splitmix(7)
    for q in uniform_orientations(4, 7):
        u, a, b = next(random), 2 * np.pi * next(random), 2 * np.pi * next(random)
        quaternion = [
            np.sqrt(1 - u) * np.sin(a), np.sqrt(1 - u) * np.cos(a), np.sqrt(u) * np.sin(b), np.sqrt(u) * np.cos(b)
        ]  # fmt: skip
        np.testing.assert_allclose(q, Rotation.from_quat(quaternion).as_matrix(), atol=1e-14)


def test_orientations_are_uniform_rotations() -> None:
    q = uniform_orientations(20000, 3)
    np.testing.assert_allclose(q @ q.transpose(0, 2, 1), np.broadcast_to(np.eye(3), q.shape), atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(q), 1, atol=1e-13)
    # Haar measure: every entry has mean 0 and variance 1/3, the trace mean 0 and variance 1; 5 standard errors.
    assert np.abs(q.mean(axis=0)).max() < 5 * np.sqrt(1 / 3 / len(q))
    assert np.abs((q**2).mean(axis=0) - 1 / 3).max() < 5 * 0.3 / np.sqrt(len(q))
    trace = np.trace(q, axis1=1, axis2=2)
    assert abs(trace.mean()) < 5 / np.sqrt(len(q))
    assert abs((trace**2).mean() - 1) < 5 * 1.5 / np.sqrt(len(q))
    assert not np.allclose(q[:4], uniform_orientations(4, 4))


def test_no_grain_is_refused() -> None:
    with pytest.raises(MaterialError, match="must be positive, got 0"):
        uniform_orientations(0, 1)
