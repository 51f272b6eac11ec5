"""Small tensor algebra against NumPy and SciPy, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pybridge._core import tensor

PRECISIONS = pytest.mark.parametrize("real", [np.float64, np.float32])


def pack(matrices, real) -> np.ndarray:
    """(n, 3, 3) -> (9, n), row-major."""
    return np.ascontiguousarray(np.asarray(matrices).reshape(-1, 9).T, dtype=real)


def unpack(rows) -> np.ndarray:
    """(9, n) -> (n, 3, 3)."""
    return rows.T.astype(float).reshape(-1, 3, 3)


def stretches(rng) -> list[tuple[float, ...]]:
    """Near-identity, repeated, well apart, extreme."""
    return [
        (1, 1, 1), (1 + 1e-8, 1, 1), (1.5, 1.5, 1.5), (2, 2, 0.5), (0.5, 0.5, 3), (1.1, 1.1 + 1e-9, 0.9),
        (1e-3, 1, 1e3), (1e4, 1e4, 1e4), (1e-4, 1e-4, 1e-4), (20, 0.1, 0.7), *(tuple(rng.uniform(0.3, 3, 3)) for _ in range(20)),
    ]  # fmt: skip


@PRECISIONS
def test_polar_decomposition(real, rng) -> None:
    eps = np.finfo(real).eps
    for principal in stretches(rng):
        condition = max(principal) / min(principal)
        if condition > 1e3 and real is np.float32:
            continue  # the sign of det F itself is lost in rounding
        axes = Rotation.random(40, random_state=rng).as_matrix()
        turns = Rotation.random(40, random_state=rng).as_matrix()
        turns[0] = np.eye(3)
        turns[1] = np.diag([-1, -1, 1])  # half a turn
        turns[2] = Rotation.from_rotvec([0, 0, 1e-7]).as_matrix()
        u = axes @ np.diag(principal) @ axes.transpose(0, 2, 1)
        f = pack(turns @ u, real)
        answer = tensor.polar_decomposition(f)
        assert answer.dtype == real
        assert (answer[18] == 1).all()
        r_found, u_found = unpack(answer[:9]), unpack(answer[9:18])
        f_rounded = unpack(f)
        # cofactors of a matrix of condition 1e6 lose digits that the later iterations cannot know
        size = max(principal) * (1 if condition < 1e3 else 20)
        assert np.array_equal(u_found, u_found.transpose(0, 2, 1))
        np.testing.assert_allclose(
            r_found @ r_found.transpose(0, 2, 1), np.eye(3)[None] + 0 * u, rtol=0, atol=8 * eps
        )
        np.testing.assert_allclose(r_found @ u_found, f_rounded, rtol=0, atol=10 * eps * size)
        np.testing.assert_allclose(u_found, u, rtol=0, atol=20 * eps * size)
        # R is as sensitive as F is far from a multiple of a rotation
        np.testing.assert_allclose(r_found, turns, rtol=0, atol=10 * eps * condition)
        assert (np.linalg.det(r_found) > 0).all()


@PRECISIONS
def test_polar_decomposition_refuses(real) -> None:
    bad = np.array([np.diag([1, 1, -1]), np.zeros((3, 3)), np.diag([1, np.nan, 1]), np.diag([np.inf, 1, 1]),
                    [[1, 0, 0], [0, 1, 1], [0, 1, 1]]])  # fmt: skip
    answer = tensor.polar_decomposition(pack(bad, real))
    assert (answer[18] == 0).all()
    assert np.array_equal(unpack(answer[:9]), np.broadcast_to(np.eye(3), (5, 3, 3)))


@PRECISIONS
def test_symmetric_eigen(real, rng) -> None:
    eps = np.finfo(real).eps
    spectra = [(1, 2, 3), (1, 1, 1), (-2, 5, 5), (0, 0, 0), (1e-8, 1, 1e8), (-1, 0, 1), (3, 3 + 1e-7, -4)]
    for spectrum in spectra:
        axes = Rotation.random(30, random_state=rng).as_matrix()
        axes[0] = np.eye(3)
        a = axes @ np.diag(spectrum) @ axes.transpose(0, 2, 1)
        a = (a + a.transpose(0, 2, 1)) / 2
        answer = tensor.symmetric_eigen(pack(a, real))
        values, vectors = answer[:3].T.astype(float), unpack(answer[3:])
        scale = max(np.abs(spectrum).max(), 1e-30)
        np.testing.assert_allclose(
            np.sort(values), np.sort(np.broadcast_to(spectrum, (30, 3))), rtol=0, atol=10 * eps * scale
        )
        np.testing.assert_allclose(
            vectors @ vectors.transpose(0, 2, 1), np.eye(3)[None] + 0 * a, rtol=0, atol=10 * eps
        )
        np.testing.assert_allclose(
            vectors * values[:, None, :] @ vectors.transpose(0, 2, 1), a, rtol=0, atol=15 * eps * scale
        )


def exponential_extended(a) -> np.ndarray:
    """exp of (n, 3, 3) in extended precision: scipy.linalg.expm errs by 1e3 eps at norm 10."""
    x = a.astype(np.longdouble) / 2**12
    e = np.eye(3) + 0 * x
    for k in range(12, 0, -1):
        e = np.eye(3) + x @ e / k
    for _ in range(12):
        e = e @ e
    return e


@PRECISIONS
def test_exponential(real, rng) -> None:
    eps = np.finfo(real).eps
    for size in (0.0, 1e-6, 0.1, 1.0, 4.0):
        a = rng.normal(size=(30, 3, 3)) * size
        rounded = unpack(pack(a, real))
        expected = exponential_extended(rounded)
        # each squaring doubles the relative error
        scale = np.abs(expected).max(axis=(1, 2), keepdims=True) * (4 + 8 * size)
        assert (np.abs(unpack(tensor.exponential(pack(a, real))) - expected) <= eps * scale).all()


@PRECISIONS
def test_inverse_and_determinant(real, rng) -> None:
    eps = np.finfo(real).eps
    a = rng.normal(size=(50, 3, 3)) + 3 * np.eye(3)
    rounded = unpack(pack(a, real))
    inverse, condition = unpack(tensor.inverse(pack(a, real))), np.linalg.cond(rounded)[:, None, None]
    assert (np.abs(inverse @ rounded - np.eye(3)) <= 10 * eps * condition**2).all()
    found = tensor.determinant(pack(a, real))[0]
    np.testing.assert_allclose(found, np.linalg.det(rounded), rtol=0, atol=100 * eps)


@PRECISIONS
def test_rotate_turns_the_right_way(real, rng) -> None:
    q = Rotation.random(20, random_state=rng).as_matrix()
    a = rng.normal(size=(20, 3, 3))
    a = a + a.transpose(0, 2, 1)

    def mandel(matrices) -> np.ndarray:
        rows = [matrices[:, 0, 0], matrices[:, 1, 1], matrices[:, 2, 2]]
        return np.array([*rows, *(np.sqrt(2) * matrices[:, i, j] for i, j in ((0, 1), (1, 2), (0, 2)))])

    tolerance = 20 * np.finfo(real).eps
    s = mandel(a).astype(real)
    forth, back = (tensor.rotate(pack(q, real), s, back) for back in (False, True))
    np.testing.assert_allclose(forth, mandel(q @ a @ q.transpose(0, 2, 1)), rtol=0, atol=tolerance * 4)
    np.testing.assert_allclose(back, mandel(q.transpose(0, 2, 1) @ a @ q), rtol=0, atol=tolerance * 4)
