"""Orders and packings of tensor components: the Python twin of cpp/core/conventions.h.

inside      Mandel:       11, 22, 33, sqrt2 12, sqrt2 23, sqrt2 13
block       tensor:       11, 22, 33, 12, 23, 13 (VUMAT's 31 is the same number); torch layouts too
VUMAT, 2D   tensor:       11, 22, 33, 12
UMAT        engineering:  11, 22, 33, 12, 13, 23 (strains doubled, stresses not); 2D 11, 22, 33, 12
VUMAT F     11, 22, 33, 12, 23, 31, 21, 32, 13; 2D 11, 22, 33, 12, 21
UMAT F      3 x 3, column-major

Components stand on the first axis of every array, points on the others: (6, n), (9, n), (3, 3, n). Functions
return new arrays of the same dtype. They raise ValueError where the number of components does not fit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYMMETRIC_ROW = (0, 1, 2, 0, 1, 0)
SYMMETRIC_COLUMN = (0, 1, 2, 1, 2, 2)
DEFGRAD_ROW = (0, 1, 2, 0, 1, 2, 1, 2, 0)
DEFGRAD_COLUMN = (0, 1, 2, 1, 2, 0, 0, 1, 2)
DEFGRAD_2D_ROW = (0, 1, 2, 0, 1)
DEFGRAD_2D_COLUMN = (0, 1, 2, 1, 0)
UMAT_TO_VUMAT = (0, 1, 2, 3, 5, 4)

SYMMETRIC_NAMES = ("11", "22", "33", "12", "23", "13")


def block_to_mandel(block: NDArray) -> NDArray:
    """Mandel components (6, ...) of tensor components (6, ...)."""
    return _scaled_shear(_components(block, "block", 6), np.sqrt(2.0))


def mandel_to_block(mandel: NDArray) -> NDArray:
    """Tensor components (6, ...) of Mandel components (6, ...)."""
    return _scaled_shear(_components(mandel, "mandel", 6), np.sqrt(0.5))


def block_to_matrix(block: NDArray) -> NDArray:
    """Symmetric matrices (3, 3, ...) of tensor components (6, ...)."""
    block = _components(block, "block", 6)
    matrix = np.empty((3, 3, *block.shape[1:]), block.dtype)
    matrix[SYMMETRIC_ROW, SYMMETRIC_COLUMN] = block
    matrix[SYMMETRIC_COLUMN, SYMMETRIC_ROW] = block
    return matrix


def matrix_to_block(matrix: NDArray) -> NDArray:
    """Tensor components (6, ...) of symmetric matrices (3, 3, ...); their upper triangle is read."""
    return _matrix(matrix)[SYMMETRIC_ROW, SYMMETRIC_COLUMN]


def defgrad_to_matrix(defgrad: NDArray) -> NDArray:
    """Matrices F (3, 3, ...) of VUMAT's deformation gradient, 9 components (3D) or 5 (2D)."""
    defgrad = _components(defgrad, "defgrad", 9, 5)
    matrix = np.zeros((3, 3, *defgrad.shape[1:]), defgrad.dtype)
    if len(defgrad) == 9:
        matrix[DEFGRAD_ROW, DEFGRAD_COLUMN] = defgrad
    else:
        matrix[DEFGRAD_2D_ROW, DEFGRAD_2D_COLUMN] = defgrad
    return matrix


def matrix_to_defgrad(matrix: NDArray, components: int = 9) -> NDArray:
    """VUMAT's deformation gradient, 9 components (3D) or 5 (2D), of matrices F (3, 3, ...)."""
    if components == 9:
        return _matrix(matrix)[DEFGRAD_ROW, DEFGRAD_COLUMN]
    if components == 5:
        return _matrix(matrix)[DEFGRAD_2D_ROW, DEFGRAD_2D_COLUMN]
    raise ValueError(f"components: expected 9 (3D) or 5 (2D), got {components}")


def vumat_to_block(vumat: NDArray) -> NDArray:
    """Tensor components (6, ...) of VUMAT's symmetric tensors, 6 components (3D) or 4 (2D)."""
    vumat = _components(vumat, "vumat", 6, 4)
    block = np.zeros((6, *vumat.shape[1:]), vumat.dtype)
    block[: len(vumat)] = vumat
    return block


def block_to_vumat(block: NDArray, components: int = 6) -> NDArray:
    """VUMAT's symmetric tensors, 6 components (3D) or 4 (2D), of tensor components (6, ...)."""
    return _components(block, "block", 6)[: _plane_or_solid(components)].copy()


def umat_stress_to_block(umat: NDArray) -> NDArray:
    """Tensor components (6, ...) of UMAT's stress, 6 components (3D) or 4 (2D)."""
    umat = _components(umat, "umat", 6, 4)
    block = np.zeros((6, *umat.shape[1:]), umat.dtype)
    block[list(UMAT_TO_VUMAT[: len(umat)])] = umat
    return block


def block_to_umat_stress(block: NDArray, components: int = 6) -> NDArray:
    """UMAT's stress, 6 components (3D) or 4 (2D), of tensor components (6, ...)."""
    return _components(block, "block", 6)[list(UMAT_TO_VUMAT[: _plane_or_solid(components)])]


def umat_strain_to_block(umat: NDArray) -> NDArray:
    """Tensor components (6, ...) of UMAT's strain with engineering shear, 6 components (3D) or 4 (2D)."""
    return _scaled_shear(umat_stress_to_block(umat), 0.5)


def block_to_umat_strain(block: NDArray, components: int = 6) -> NDArray:
    """UMAT's strain with engineering shear, 6 components (3D) or 4 (2D), of tensor components (6, ...)."""
    return _scaled_shear(block_to_umat_stress(block, components), 2.0)


def umat_defgrad_to_matrix(dfgrd: NDArray) -> NDArray:
    """Matrices F (3, 3, ...) of UMAT's column-major deformation gradient (9, ...)."""
    dfgrd = _components(dfgrd, "dfgrd", 9)
    return dfgrd.reshape(3, 3, *dfgrd.shape[1:]).swapaxes(0, 1).copy()


def mandel_to_umat_tangent(mandel: NDArray, components: int = 6) -> NDArray:
    """DDSDDE (components, components, ...), d(stress) / d(engineering strain), of a Mandel tangent (6, 6, ...).

    With stress = Mandel stress / sqrt2 and Mandel strain = engineering strain / sqrt2 in shear, each shear index
    divides by sqrt2.
    """
    order = list(UMAT_TO_VUMAT[: _plane_or_solid(components)])
    tangent = np.asarray(mandel)[np.ix_(order, order)]
    return np.swapaxes(
        _scaled_shear(np.swapaxes(_scaled_shear(tangent, np.sqrt(0.5)), 0, 1), np.sqrt(0.5)), 0, 1
    )


def _scaled_shear(array: NDArray, factor: float) -> NDArray:
    scaled = np.array(array)
    scaled[3:] *= scaled.dtype.type(factor)
    return scaled


def _components(array: NDArray, name: str, *expected: int) -> NDArray:
    array = np.asarray(array)
    if array.ndim == 0 or len(array) not in expected:
        wanted = " or ".join(map(str, expected))
        raise ValueError(f"{name}: expected {wanted} components on the first axis, got shape {array.shape}")
    return array


def _matrix(matrix: NDArray) -> NDArray:
    matrix = np.asarray(matrix)
    if matrix.shape[:2] != (3, 3):
        raise ValueError(f"matrix: expected shape (3, 3, ...), got {matrix.shape}")
    return matrix


def _plane_or_solid(components: int) -> int:
    if components not in (4, 6):
        raise ValueError(f"components: expected 6 (3D) or 4 (2D), got {components}")
    return components
