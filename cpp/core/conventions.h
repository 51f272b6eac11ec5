// The one place for orders and packings of tensor components (Python twin: pybridge/conventions.py).
//
//   inside        Mandel:        11, 22, 33, sqrt2 12, sqrt2 23, sqrt2 13
//   block         tensor:        11, 22, 33, 12, 23, 13 (VUMAT's 31 is the same number); torch layouts too
//   VUMAT, 2D     tensor:        11, 22, 33, 12
//   UMAT          engineering:   11, 22, 33, 12, 13, 23 (strains doubled, stresses not); 2D 11, 22, 33, 12
//   VUMAT F       11, 22, 33, 12, 23, 31, 21, 32, 13; 2D 11, 22, 33, 12, 21
//   UMAT F        3 x 3, column-major
//
// Component c of a point stands at [c * stride]: a block's stride, or 1 for one point's own array.
#pragma once

#include "core/isa_namespace.h"

namespace pybridge {

constexpr double sqrt2 = 1.41421356237309504880;

// Row and column of each component of a symmetric tensor, here and in VUMAT.
constexpr int symmetric_row[6] = {0, 1, 2, 0, 1, 0};
constexpr int symmetric_column[6] = {0, 1, 2, 1, 2, 2};

// Position in VUMAT's order of each of UMAT's components (and the other way round: it is its own inverse).
constexpr int umat_to_vumat[6] = {0, 1, 2, 3, 5, 4};

// Row and column of each component of VUMAT's deformation gradient, 3D and 2D.
constexpr int defgrad_row[9] = {0, 1, 2, 0, 1, 2, 1, 2, 0};
constexpr int defgrad_column[9] = {0, 1, 2, 1, 2, 0, 0, 1, 2};
constexpr int defgrad_2d_row[5] = {0, 1, 2, 0, 1};
constexpr int defgrad_2d_column[5] = {0, 1, 2, 1, 0};

// Reciprocal: shear components leave Mandel form by a product, which is what kernels can afford.
constexpr double inverse_sqrt2 = 0.70710678118654752440;

inline namespace PYBRIDGE_ISA_NAMESPACE {

// --- symmetric tensors: block <-> Mandel, matrix
// ---------------------------------------------------------------

template <class Real>
inline void block_to_mandel(const Real* block, int stride, Real* mandel) {
  for (int c = 0; c < 3; ++c) mandel[c] = block[c * stride];
  for (int c = 3; c < 6; ++c) mandel[c] = static_cast<Real>(sqrt2) * block[c * stride];
}

template <class Real>
inline void mandel_to_block(const Real* mandel, Real* block, int stride) {
  for (int c = 0; c < 3; ++c) block[c * stride] = mandel[c];
  for (int c = 3; c < 6; ++c) block[c * stride] = static_cast<Real>(inverse_sqrt2) * mandel[c];
}

// d(stress) / d(stretch) by tensor components, [row * 6 + column] -> by Mandel components, apart by `stride`;
// they are sqrt2 times the tensor's in shear.
template <class Real>
inline void component_tangent_to_mandel(const Real* by_component, Real* mandel, int stride) {
  for (int row = 0; row < 6; ++row)
    for (int column = 0; column < 6; ++column) {
      const double factor = (row < 3 ? 1.0 : sqrt2) * (column < 3 ? 1.0 : inverse_sqrt2);
      mandel[(row * 6 + column) * stride] = static_cast<Real>(factor) * by_component[row * 6 + column];
    }
}

template <class Real>
inline void block_to_matrix(const Real* block, int stride, Real (*matrix)[3]) {
  for (int c = 0; c < 6; ++c) {
    matrix[symmetric_row[c]][symmetric_column[c]] = block[c * stride];
    matrix[symmetric_column[c]][symmetric_row[c]] = block[c * stride];
  }
}

// The matrix is symmetric; its upper triangle is read.
template <class Real>
inline void matrix_to_block(const Real (*matrix)[3], Real* block, int stride) {
  for (int c = 0; c < 6; ++c) block[c * stride] = matrix[symmetric_row[c]][symmetric_column[c]];
}

// --- deformation gradients of VUMAT: 9 components in 3D, 5 in 2D
// --------------------------------------------------

template <class Real>
inline void defgrad_to_matrix(const Real* defgrad, int stride, int components, Real (*matrix)[3]) {
  if (components == 9) {
    for (int c = 0; c < 9; ++c) matrix[defgrad_row[c]][defgrad_column[c]] = defgrad[c * stride];
    return;
  }
  matrix[0][2] = matrix[2][0] = matrix[1][2] = matrix[2][1] = 0;
  for (int c = 0; c < 5; ++c) matrix[defgrad_2d_row[c]][defgrad_2d_column[c]] = defgrad[c * stride];
}

template <class Real>
inline void matrix_to_defgrad(const Real (*matrix)[3], int components, Real* defgrad, int stride) {
  const int* row = components == 9 ? defgrad_row : defgrad_2d_row;
  const int* column = components == 9 ? defgrad_column : defgrad_2d_column;
  for (int c = 0; c < components; ++c) defgrad[c * stride] = matrix[row[c]][column[c]];
}

// --- symmetric tensors of VUMAT: 6 components in 3D, 4 in 2D
// ------------------------------------------------------

template <class Real>
inline void vumat_to_block(const Real* vumat, int stride, int components, Real* block, int block_stride) {
  for (int c = 0; c < 6; ++c) block[c * block_stride] = c < components ? vumat[c * stride] : Real(0);
}

template <class Real>
inline void block_to_vumat(const Real* block, int block_stride, int components, Real* vumat, int stride) {
  for (int c = 0; c < components; ++c) vumat[c * stride] = block[c * block_stride];
}

// --- symmetric tensors of UMAT, one point: 6 components in 3D, 4 in 2D
// --------------------------------------------

// `shear` is what UMAT's shear components are multiplied by: 1 for stresses, 1/2 for strains (engineering).
template <class Real>
inline void umat_to_block(const Real* umat, int components, Real shear, Real* block, int stride) {
  for (int c = 0; c < 6; ++c) block[c * stride] = 0;
  for (int c = 0; c < components; ++c) block[umat_to_vumat[c] * stride] = c < 3 ? umat[c] : shear * umat[c];
}

template <class Real>
inline void block_to_umat(const Real* block, int stride, int components, Real shear, Real* umat) {
  for (int c = 0; c < components; ++c) {
    const Real value = block[umat_to_vumat[c] * stride];
    umat[c] = c < 3 ? value : shear * value;
  }
}

template <class Real>
inline void umat_stress_to_block(const Real* umat, int components, Real* block, int stride) {
  umat_to_block(umat, components, Real(1), block, stride);
}

template <class Real>
inline void block_to_umat_stress(const Real* block, int stride, int components, Real* umat) {
  block_to_umat(block, stride, components, Real(1), umat);
}

template <class Real>
inline void umat_strain_to_block(const Real* umat, int components, Real* block, int stride) {
  umat_to_block(umat, components, Real(0.5), block, stride);
}

template <class Real>
inline void block_to_umat_strain(const Real* block, int stride, int components, Real* umat) {
  block_to_umat(block, stride, components, Real(2), umat);
}

// DFGRD0 and DFGRD1 are column-major.
template <class Real>
inline void umat_defgrad_to_matrix(const Real* dfgrd, Real (*matrix)[3]) {
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) matrix[i][j] = dfgrd[i + 3 * j];
}

template <int Components, class Real>
inline void mandel_to_umat_tangent(const Real* mandel, Real* ddsdde) {
  for (int j = 0; j < Components; ++j)
    for (int i = 0; i < Components; ++i) {
      const Real factor = i < 3 && j < 3     ? Real(1)
                          : i >= 3 && j >= 3 ? Real(0.5)
                                             : static_cast<Real>(inverse_sqrt2);
      ddsdde[i + Components * j] = factor * mandel[umat_to_vumat[i] * 6 + umat_to_vumat[j]];
    }
}

// DDSDDE, column-major, d(stress) / d(engineering strain), from a Mandel tangent [row * 6 + column];
// components 6 or 4.
template <class Real>
inline void mandel_to_umat_tangent(const Real* mandel, int components, Real* ddsdde) {
  if (components == 6) return mandel_to_umat_tangent<6>(mandel, ddsdde);
  mandel_to_umat_tangent<4>(mandel, ddsdde);
}

}  // namespace PYBRIDGE_ISA_NAMESPACE
}  // namespace pybridge
