// 3 x 3 matrices (row-major) and symmetric ones (11, 22, 33, 12, 23, 13) of vectors of points.
#pragma once

#include "crystal/simd.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

template <class V>
struct Matrix {
  V c[9];
};
template <class V>
struct Symmetric {
  V c[6];
};

template <class V>
PYBRIDGE_FORCE_INLINE Matrix<V> product(const Matrix<V>& a, const Matrix<V>& b) {
  Matrix<V> out;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      out.c[3 * i + j] = a.c[3 * i] * b.c[j] + a.c[3 * i + 1] * b.c[3 + j] + a.c[3 * i + 2] * b.c[6 + j];
  return out;
}

template <class V>
PYBRIDGE_FORCE_INLINE Matrix<V> full(const Symmetric<V>& s) {
  return {{s.c[0], s.c[3], s.c[5], s.c[3], s.c[1], s.c[4], s.c[5], s.c[4], s.c[2]}};
}

// Six independent components of a^T b, which the caller knows to be symmetric.
template <class V>
PYBRIDGE_FORCE_INLINE Symmetric<V> inner(const Matrix<V>& a, const Matrix<V>& b) {
  auto dot = [&](int i, int j) {
    return a.c[i] * b.c[j] + a.c[3 + i] * b.c[3 + j] + a.c[6 + i] * b.c[6 + j];
  };
  return {{dot(0, 0), dot(1, 1), dot(2, 2), dot(0, 1), dot(1, 2), dot(0, 2)}};
}

// a a^T.
template <class V>
PYBRIDGE_FORCE_INLINE Symmetric<V> outer_square(const Matrix<V>& a) {
  auto dot = [&](int i, int j) {
    return a.c[3 * i] * a.c[3 * j] + a.c[3 * i + 1] * a.c[3 * j + 1] + a.c[3 * i + 2] * a.c[3 * j + 2];
  };
  return {{dot(0, 0), dot(1, 1), dot(2, 2), dot(0, 1), dot(1, 2), dot(0, 2)}};
}

template <class V>
PYBRIDGE_FORCE_INLINE V determinant(const Matrix<V>& a) {
  return a.c[0] * (a.c[4] * a.c[8] - a.c[5] * a.c[7]) - a.c[1] * (a.c[3] * a.c[8] - a.c[5] * a.c[6]) +
         a.c[2] * (a.c[3] * a.c[7] - a.c[4] * a.c[6]);
}

template <class V>
PYBRIDGE_FORCE_INLINE V determinant(const Symmetric<V>& s) {
  return s.c[0] * (s.c[1] * s.c[2] - s.c[4] * s.c[4]) - s.c[3] * (s.c[3] * s.c[2] - s.c[4] * s.c[5]) +
         s.c[5] * (s.c[3] * s.c[4] - s.c[1] * s.c[5]);
}

// The five components of the deviator, in the basis of crystal/table.h.
template <class Real>
PYBRIDGE_FORCE_INLINE void deviator(const Symmetric<Vec<Real>>& t, Vec<Real> out[5]) {
  const Real root2 = static_cast<Real>(1.41421356237309504880), inverse_root2 = 1 / root2;
  const Real inverse_root6 = static_cast<Real>(0.40824829046386301637);
  out[0] = (t.c[2] + t.c[2] - t.c[0] - t.c[1]) * inverse_root6;
  out[1] = (t.c[0] - t.c[1]) * inverse_root2;
  for (int k = 2; k < 5; ++k) out[k] = t.c[k + 1] * root2;
}

// The matrix of five deviatoric and three skew components.
template <class Real>
PYBRIDGE_FORCE_INLINE Matrix<Vec<Real>> from_components(const Vec<Real> d[8]) {
  const Real inverse_root2 = static_cast<Real>(0.70710678118654752440);
  const Real inverse_root6 = static_cast<Real>(0.40824829046386301637);
  const Vec<Real> a = d[0] * inverse_root6, b = d[1] * inverse_root2;
  const Vec<Real> s12 = d[2] * inverse_root2, s23 = d[3] * inverse_root2, s13 = d[4] * inverse_root2;
  return {{b - a, s12 + d[5], s13 + d[7], s12 - d[5], -a - b, s23 + d[6], s13 - d[7], s23 - d[6], a + a}};
}

// exp(-l) to second order.
template <class Real>
PYBRIDGE_FORCE_INLINE Matrix<Vec<Real>> exponential_of_minus(const Matrix<Vec<Real>>& l) {
  const Matrix<Vec<Real>> square = product(l, l);
  Matrix<Vec<Real>> out;
  for (int k = 0; k < 9; ++k) {
    out.c[k] = static_cast<Real>(0.5) * square.c[k] - l.c[k];
    if (k % 4 == 0) out.c[k] += Real(1);
  }
  return out;
}

// L D L^T of a symmetric positive definite matrix of order 5: L below the diagonal, 1 / D.
template <class V>
struct Factor {
  V l[5][5], inverse[5];
};

// `a` holds the lower triangle, a[i][j], j <= i, and is overwritten.
template <class Real>
PYBRIDGE_FORCE_INLINE void factorise(Vec<Real> a[5][5], Factor<Vec<Real>>& out) {
  for (int j = 0; j < 5; ++j) {
    Vec<Real> column[5];
    for (int i = j; i < 5; ++i) {
      Vec<Real> sum = a[i][j];
      for (int k = 0; k < j; ++k) sum -= out.l[i][k] * out.l[j][k] * a[k][k];
      column[i] = sum;
    }
    a[j][j] = column[j];
    out.inverse[j] = Real(1) / column[j];
    for (int i = j + 1; i < 5; ++i) out.l[i][j] = column[i] * out.inverse[j];
  }
}

// x of a x = b replaces b.
template <class V>
PYBRIDGE_FORCE_INLINE void substitute(const Factor<V>& a, V b[5]) {
  for (int i = 1; i < 5; ++i)
    for (int k = 0; k < i; ++k) b[i] -= a.l[i][k] * b[k];
  for (int i = 0; i < 5; ++i) b[i] *= a.inverse[i];
  for (int i = 3; i >= 0; --i)
    for (int k = i + 1; k < 5; ++k) b[i] -= a.l[k][i] * b[k];
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
