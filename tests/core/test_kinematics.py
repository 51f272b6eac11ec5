"""Strain increments in the frame of R: exact where a closed form is known, second order, blind to rotation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import polar
from scipy.spatial.transform import Rotation

from pybridge._core import MaterialError, kinematics, strain_increment, stretch_and_rotation
from pybridge.conventions import block_to_matrix, defgrad_to_matrix, matrix_to_block, matrix_to_defgrad


def defgrad(matrices) -> np.ndarray:
    """(n, 3, 3) -> (9, n) in VUMAT's order."""
    return matrix_to_defgrad(np.moveaxis(np.asarray(matrices, dtype=float), 0, -1))


def random_defgrads(rng, n=30, size=0.2) -> np.ndarray:
    return Rotation.random(n, random_state=rng).as_matrix() @ (
        np.eye(3) + size * rng.normal(size=(n, 3, 3)) / 3
    )


def test_stretch_and_rotation_of_non_symmetric_gradients(rng) -> None:
    f = random_defgrads(rng)
    _, stretch_new, _, rotation = kinematics(defgrad(np.broadcast_to(np.eye(3), f.shape)), defgrad(f))
    only_stretch, only_rotation = stretch_and_rotation(defgrad(f))
    assert np.array_equal(stretch_new, only_stretch)
    assert np.array_equal(rotation, only_rotation)
    for i, matrix in enumerate(f):
        r, u = polar(matrix)
        np.testing.assert_allclose(block_to_matrix(stretch_new)[:, :, i], u, atol=1e-14)
        np.testing.assert_allclose(defgrad_to_matrix(rotation)[:, :, i], r, atol=1e-14)


def test_old_and_new_are_told_apart(rng) -> None:
    f_old, f_new = random_defgrads(rng), random_defgrads(rng)
    stretch_old, stretch_new, strain, _ = kinematics(defgrad(f_old), defgrad(f_new))
    np.testing.assert_allclose(stretch_old, stretch_and_rotation(defgrad(f_old))[0], rtol=0, atol=0)
    np.testing.assert_allclose(stretch_new, stretch_and_rotation(defgrad(f_new))[0], rtol=0, atol=0)
    assert np.array_equal(strain, strain_increment(stretch_old, stretch_new))
    for i in range(len(f_old)):
        old, new = (block_to_matrix(u)[:, :, i] for u in (stretch_old, stretch_new))
        rate = (new - old) @ np.linalg.inv((old + new) / 2)
        np.testing.assert_allclose(block_to_matrix(strain)[:, :, i], (rate + rate.T) / 2, atol=1e-14)


def test_a_rotation_strains_nothing(rng) -> None:
    f = random_defgrads(rng)
    turned = Rotation.random(30, random_state=rng).as_matrix() @ f
    stretch_old, stretch_new, strain, _ = kinematics(defgrad(f), defgrad(turned))
    assert np.abs(strain).max() < 1e-14
    np.testing.assert_allclose(stretch_new, stretch_old, atol=1e-14)


def test_superposed_rotations_leave_stretch_and_strain(rng) -> None:
    f_old, f_new = random_defgrads(rng), random_defgrads(rng)
    q_old, q_new = (Rotation.random(30, random_state=rng).as_matrix() for _ in range(2))
    plain = kinematics(defgrad(f_old), defgrad(f_new))
    turned = kinematics(defgrad(q_old @ f_old), defgrad(q_new @ f_new))
    for a, b in zip(plain[:3], turned[:3], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)
    rotation = np.moveaxis(defgrad_to_matrix(plain[3]), -1, 0)
    np.testing.assert_allclose(turned[3], defgrad(q_new @ rotation), atol=1e-14)


def shear_strains(steps: int) -> np.ndarray:
    """Sum of the strain increments in the frame of R, simple shear from 0 to 1."""
    gradients = [np.array([[1, g, 0], [0, 1, 0], [0, 0, 1]]) for g in np.linspace(0, 1, steps + 1)]
    return sum(kinematics(defgrad([a]), defgrad([b]))[2][:, 0] for a, b in pairwise(gradients))


def shear_rate(gamma: float) -> np.ndarray:
    """R^T D R of simple shear at unit rate: D has the one component 12 = 1/2, and R turns by -atan(gamma / 2)."""
    angle = -np.arctan(gamma / 2)
    r = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return matrix_to_block(r.T @ np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]) @ r)


def test_simple_shear_is_second_order() -> None:
    points, weights = np.polynomial.legendre.leggauss(30)
    exact = sum(w / 2 * shear_rate((x + 1) / 2) for x, w in zip(points, weights, strict=True))
    errors = [np.abs(shear_strains(steps) - exact).max() for steps in (10, 20, 40)]
    assert errors[0] < 1e-3
    for coarse, fine in pairwise(errors):
        assert 3.8 < coarse / fine < 4.2


def test_fixed_axes_give_the_logarithm_to_third_order(rng) -> None:
    old = np.diag([1.2, 0.9, 1.0])
    for size in (1e-2, 1e-3):
        new = old @ np.diag([1 + size, 1 - size, 1 + size / 2])
        strain = kinematics(defgrad([old]), defgrad([new]))[2][:, 0]
        logarithm = np.log(np.diag(new) / np.diag(old))
        np.testing.assert_allclose(strain[:3], logarithm, rtol=0, atol=1.05 * size**3 / 12 + 1e-15)
        assert np.abs(strain[3:]).max() == 0


@pytest.mark.parametrize(
    ("bad", "message"),
    [(np.diag([1.0, 1, -1]), r"determinant -1\.0"), (np.diag([1.0, np.nan, 1]), "determinant nan"), (np.zeros((3, 3)), "determinant 0")],
)  # fmt: skip
def test_inverted_or_bad_gradients_name_the_point(bad, message, rng) -> None:
    good = random_defgrads(rng, 5)
    hurt = good.copy()
    hurt[3] = bad
    for name, old, new in (("F_old", hurt, good), ("F_new", good, hurt)):
        with pytest.raises(
            MaterialError, match=f"{name}: .* of point 3 is inverted or not finite .*{message}.*expected > 0"
        ):
            kinematics(defgrad(old), defgrad(new))
    with pytest.raises(MaterialError, match=r"^F: .* of point 3"):
        stretch_and_rotation(defgrad(hurt))


def test_shapes_are_checked() -> None:
    with pytest.raises(MaterialError, match=r"F_old: expected shape \(9, n\)"):
        kinematics(np.zeros((6, 3)), np.zeros((9, 3)))
    with pytest.raises(MaterialError, match=r"F_new: expected shape \(9, 3\)"):
        kinematics(np.zeros((9, 3)), np.zeros((9, 4)))
    with pytest.raises(MaterialError, match=r"stretch_new: expected shape \(6, 3\)"):
        strain_increment(np.zeros((6, 3)), np.zeros((6, 4)))
