"""Orders and packings: numbered components, round trips, non-symmetric matrices, C++ against its Python twin."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge import conventions as twin
from pybridge._core import MaterialError
from pybridge._core import conventions as compiled

# Matrix whose entry ij is the number ij: every order can be read off.
NUMBERED = np.array([[11.0, 12, 13], [21, 22, 23], [31, 32, 33]])
SYMMETRIC = np.array([[11.0, 12, 13], [12, 22, 23], [13, 23, 33]])
BLOCK = np.array([11.0, 22, 33, 12, 23, 13])


def column(array) -> np.ndarray:
    """One point."""
    return np.asarray(array, dtype=float)[..., None]


def test_numbered_components() -> None:
    root2 = np.sqrt(2)
    np.testing.assert_allclose(
        twin.block_to_mandel(column(BLOCK))[:, 0],
        [11, 22, 33, 12 * root2, 23 * root2, 13 * root2],
        rtol=1e-15,
    )
    assert np.array_equal(twin.block_to_matrix(BLOCK), SYMMETRIC)
    assert np.array_equal(twin.matrix_to_block(SYMMETRIC), BLOCK)
    vumat = [11, 22, 33, 12, 23, 31, 21, 32, 13]
    assert np.array_equal(twin.matrix_to_defgrad(NUMBERED), vumat)
    assert np.array_equal(twin.defgrad_to_matrix(np.array(vumat)), NUMBERED)
    assert np.array_equal(twin.matrix_to_defgrad(NUMBERED, 5), [11, 22, 33, 12, 21])
    plane = np.array([[11.0, 12, 0], [21, 22, 0], [0, 0, 33]])
    assert np.array_equal(twin.defgrad_to_matrix(np.array([11.0, 22, 33, 12, 21])), plane)
    assert np.array_equal(twin.block_to_vumat(BLOCK, 4), [11, 22, 33, 12])
    assert np.array_equal(twin.block_to_vumat(BLOCK), BLOCK)
    assert np.array_equal(twin.vumat_to_block(np.array([1.0, 2, 3, 4])), [1, 2, 3, 4, 0, 0])
    assert np.array_equal(twin.vumat_to_block(BLOCK), BLOCK)
    assert np.array_equal(twin.block_to_umat_stress(BLOCK), [11, 22, 33, 12, 13, 23])
    assert np.array_equal(twin.block_to_umat_strain(BLOCK), [11, 22, 33, 24, 26, 46])
    assert np.array_equal(twin.block_to_umat_stress(BLOCK, 4), [11, 22, 33, 12])
    assert np.array_equal(twin.block_to_umat_strain(BLOCK, 4), [11, 22, 33, 24])
    assert np.array_equal(twin.umat_stress_to_block(np.array([11.0, 22, 33, 12, 13, 23])), BLOCK)
    assert np.array_equal(twin.umat_strain_to_block(np.array([11.0, 22, 33, 24, 26, 46])), BLOCK)
    assert np.array_equal(twin.umat_strain_to_block(np.array([11.0, 22, 33, 24])), [11, 22, 33, 12, 0, 0])
    assert np.array_equal(twin.umat_defgrad_to_matrix(NUMBERED.ravel(order="F")), NUMBERED)


def test_names_follow_the_order() -> None:
    pairs = zip(twin.SYMMETRIC_NAMES, twin.SYMMETRIC_ROW, twin.SYMMETRIC_COLUMN, strict=True)
    assert all(name == f"{row + 1}{column + 1}" for name, row, column in pairs)


def test_the_mandel_product_is_the_double_contraction(rng) -> None:
    a, b = rng.normal(size=(6, 7)), rng.normal(size=(6, 7))
    product = (twin.block_to_mandel(a) * twin.block_to_mandel(b)).sum(0)
    contraction = np.einsum("ijn,ijn->n", twin.block_to_matrix(a), twin.block_to_matrix(b))
    np.testing.assert_allclose(product, contraction, rtol=1e-14)


@pytest.mark.parametrize("components", [4, 6])
def test_umat_tangent_maps_engineering_strain_to_stress(components, rng) -> None:
    mandel = rng.normal(size=(6, 6, 3))  # not symmetric
    strain = rng.normal(size=(6, 3))
    strain[components:] = 0  # plane: no 23 and 13
    stress = twin.mandel_to_block(np.einsum("ijn,jn->in", mandel, twin.block_to_mandel(strain)))
    ddsdde = twin.mandel_to_umat_tangent(mandel, components)
    found = np.einsum("ijn,jn->in", ddsdde, twin.block_to_umat_strain(strain, components))
    np.testing.assert_allclose(found, twin.block_to_umat_stress(stress, components), rtol=1e-13, atol=1e-13)


def test_round_trips(rng) -> None:
    block, matrix = rng.normal(size=(6, 5)), rng.normal(size=(3, 3, 5))
    np.testing.assert_allclose(twin.mandel_to_block(twin.block_to_mandel(block)), block, rtol=1e-15)
    assert np.array_equal(twin.matrix_to_block(twin.block_to_matrix(block)), block)
    assert np.array_equal(twin.defgrad_to_matrix(twin.matrix_to_defgrad(matrix)), matrix)
    assert np.array_equal(twin.vumat_to_block(twin.block_to_vumat(block)), block)
    assert np.array_equal(twin.umat_stress_to_block(twin.block_to_umat_stress(block)), block)
    assert np.array_equal(twin.umat_strain_to_block(twin.block_to_umat_strain(block)), block)


def test_single_precision_stays_single(rng) -> None:
    block = rng.normal(size=(6, 5)).astype(np.float32)
    for function in (
        twin.block_to_mandel, twin.mandel_to_block, twin.block_to_matrix, twin.vumat_to_block, twin.block_to_vumat,
        twin.umat_stress_to_block, twin.umat_strain_to_block, twin.block_to_umat_strain,
    ):  # fmt: skip
        assert function(block).dtype == np.float32


def test_inputs_are_left_alone_and_not_shared(rng) -> None:
    block = rng.normal(size=(6, 5))
    before = block.copy()
    for function in (
        twin.block_to_mandel,
        twin.block_to_vumat,
        twin.block_to_umat_strain,
        twin.vumat_to_block,
    ):
        function(block)[:] = 0
        assert np.array_equal(block, before)


def test_compiled_conversions_answer_as_their_twin(rng) -> None:
    n = 4
    block, matrix, mandel = rng.normal(size=(6, n)), rng.normal(size=(3, 3, n)), rng.normal(size=(6, 6, n))
    flat = matrix.reshape(9, n)

    def same(found, expected) -> None:
        np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-15)

    same(compiled.block_to_mandel(block), twin.block_to_mandel(block))
    same(compiled.mandel_to_block(block), twin.mandel_to_block(block))
    same(compiled.block_to_matrix(block), twin.block_to_matrix(block))
    same(compiled.matrix_to_block(flat), twin.matrix_to_block(matrix))
    same(compiled.umat_defgrad_to_matrix(flat), twin.umat_defgrad_to_matrix(flat))
    for components in (9, 5):
        defgrad = twin.matrix_to_defgrad(matrix, components)
        same(compiled.matrix_to_defgrad(flat, components), defgrad)
        same(compiled.defgrad_to_matrix(defgrad, components), twin.defgrad_to_matrix(defgrad))
    for components in (6, 4):
        same(compiled.block_to_vumat(block, components), twin.block_to_vumat(block, components))
        same(compiled.block_to_umat_stress(block, components), twin.block_to_umat_stress(block, components))
        same(compiled.block_to_umat_strain(block, components), twin.block_to_umat_strain(block, components))
        part = block[:components]
        same(compiled.vumat_to_block(part, components), twin.vumat_to_block(part))
        same(compiled.umat_stress_to_block(part, components), twin.umat_stress_to_block(part))
        same(compiled.umat_strain_to_block(part, components), twin.umat_strain_to_block(part))
        # DDSDDE is column-major
        tangent = twin.mandel_to_umat_tangent(mandel, components).swapaxes(0, 1)
        same(compiled.mandel_to_umat_tangent(mandel.reshape(36, n), components), tangent)


def test_wrong_numbers_of_components() -> None:
    five, six, nine = np.zeros((5, 2)), np.zeros((6, 2)), np.zeros((9, 2))
    for function, bad, name in (
        (twin.block_to_mandel, five, "block: expected 6 components"),
        (twin.mandel_to_block, nine, "mandel: expected 6"),
        (twin.block_to_matrix, five, "block: expected 6"),
        (twin.defgrad_to_matrix, six, "defgrad: expected 9 or 5"),
        (twin.vumat_to_block, five, "vumat: expected 6 or 4"),
        (twin.umat_stress_to_block, nine, "umat: expected 6 or 4"),
        (twin.umat_strain_to_block, five, "umat: expected 6 or 4"),
        (twin.block_to_umat_stress, five, "block: expected 6"),
        (twin.umat_defgrad_to_matrix, six, "dfgrd: expected 9"),
        (twin.matrix_to_block, np.zeros((3, 2)), "matrix: expected shape"),
        (twin.block_to_mandel, np.float64(1.0), "block: expected 6"),
    ):
        with pytest.raises(ValueError, match=name):
            function(bad)
    for function in (twin.block_to_vumat, twin.block_to_umat_stress, twin.block_to_umat_strain):
        with pytest.raises(ValueError, match=r"components: expected 6 \(3D\) or 4 \(2D\), got 5"):
            function(six, 5)
    with pytest.raises(ValueError, match=r"components: expected 9 \(3D\) or 5 \(2D\), got 6"):
        twin.matrix_to_defgrad(np.zeros((3, 3, 2)), 6)
    with pytest.raises(MaterialError, match="expected an array"):
        compiled.block_to_mandel(five)
