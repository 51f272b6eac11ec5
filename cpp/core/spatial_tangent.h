// From the stretch tangent to the tangents of implicit hosts, exact for any rotation and stretch.
//
// A material point is deformed further by a symmetric gradient d in the frame of R, F -> R (1 + d) U. With
// R^T dR = W (skew):
//
//   d U = W U + dU      W U + U W = d U - U d      dU = d U - W U
//   dS  = (stretch tangent) dU                     change of the stress in the frame of R
//   dS + W S - S W                                 change of the Cauchy stress, seen in that frame
//
// A skew a with axial vector w: a U + U a is skew with axial vector (tr(U) 1 - U) w.
#pragma once

#include "core/tensor.h"

namespace pybridge {
inline namespace PYBRIDGE_ISA_NAMESPACE {

enum class StressRate {
  // (1/J) d(J sigma), Jaumann's rate of the Kirchhoff stress: DDSDDE of Abaqus/Standard
  jaumann,
  // L_v(J sigma), Lie's: what pulled back by U^-1 is d(second Piola-Kirchhoff) / d(Green-Lagrange)
  lie,
};

// A row of six components in one register of eight, so that products of 6 x 6 matrices are rows times
// numbers.
template <class Real>
struct EightOf {
  typedef Real Type __attribute__((vector_size(8 * sizeof(Real))));
};
template <class Real>
using Row = typename EightOf<Real>::Type;

// Linear maps of d by a symmetric a, Mandel components [6][6] and [3][6]:
//   product   sym(d a)
//   spin      axial vector of d a - a d; its transpose maps an axial vector w to sym(w x a), and twice that
//   is
//             W a - a W
template <class Real>
inline void symmetric_product(const Mat3<Real>& a, Row<Real> map[6]) {
  const Real h = static_cast<Real>(inverse_sqrt2), half = Real(0.5);
  const Real n11 = a.m[0][0], n22 = a.m[1][1], n33 = a.m[2][2];
  const Real s12 = a.m[0][1], s23 = a.m[1][2], s13 = a.m[0][2];
  map[0] = Row<Real>{n11, 0, 0, h * s12, 0, h * s13};
  map[1] = Row<Real>{0, n22, 0, h * s12, h * s23, 0};
  map[2] = Row<Real>{0, 0, n33, 0, h * s23, h * s13};
  map[3] = Row<Real>{h * s12, h * s12, 0, half * (n11 + n22), half * s13, half * s23};
  map[4] = Row<Real>{0, h * s23, h * s23, half * s13, half * (n22 + n33), half * s12};
  map[5] = Row<Real>{h * s13, 0, h * s13, half * s23, half * s12, half * (n11 + n33)};
}

template <class Real>
inline void commutator_axis(const Mat3<Real>& a, Row<Real> map[3]) {
  const Real h = static_cast<Real>(inverse_sqrt2);
  const Real n11 = a.m[0][0], n22 = a.m[1][1], n33 = a.m[2][2];
  const Real s12 = a.m[0][1], s23 = a.m[1][2], s13 = a.m[0][2];
  map[0] = Row<Real>{0, -s23, s23, -h * s13, h * (n22 - n33), h * s12};
  map[1] = Row<Real>{s13, 0, -s13, h * s23, -h * s12, h * (n33 - n11)};
  map[2] = Row<Real>{-s12, s12, 0, h * (n11 - n22), h * s13, -h * s23};
}

// The tangent [36], Mandel components, in the frame of R, from the stretch tangent [36]:
//   w = M^-1 spin(U) d, M = tr(U) 1 - U     dU = (product(U) - spin(U)^T M^-1 spin(U)) d
template <class Real>
inline void spatial_tangent(const Mat3<Real>& u, const Mat3<Real>& stress, const Real* by_stretch,
                            StressRate rate, Real* tangent) {
  Row<Real> stretch[6], spin[3], spin_stress[3], axis[3], result[6];
  symmetric_product(u, stretch);
  commutator_axis(u, spin);
  commutator_axis(stress, spin_stress);
  const Mat3<Real> to_axis = inverse((u.m[0][0] + u.m[1][1] + u.m[2][2]) * identity3<Real>() - u);
  for (int i = 0; i < 3; ++i)
    axis[i] = to_axis.m[i][0] * spin[0] + to_axis.m[i][1] * spin[1] + to_axis.m[i][2] * spin[2];
  for (int i = 0; i < 6; ++i)
    for (int k = 0; k < 3; ++k) stretch[i] -= spin[k][i] * axis[k];
  const Sym<Real> s = symmetric_part(stress);
  for (int i = 0; i < 6; ++i) {
    result[i] = Row<Real>{s[i], s[i], s[i]};
    for (int k = 0; k < 3; ++k) result[i] += 2 * spin_stress[k][i] * axis[k];
    for (int k = 0; k < 6; ++k) result[i] += by_stretch[i * 6 + k] * stretch[k];
  }
  if (rate == StressRate::lie) {
    Row<Real> product[6];
    symmetric_product(stress, product);
    const Real volume = determinant(u);
    for (int i = 0; i < 6; ++i) result[i] = volume * (result[i] - 2 * product[i]);
  }
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) tangent[i * 6 + j] = result[i][j];
}

// A tangent [36] seen after the rotation q, in place: Q C Q^T with Q the rotation of Mandel vectors.
template <class Real>
inline void rotate_tangent(const Mat3<Real>& q, Real* tangent) {
  const Real root2 = static_cast<Real>(sqrt2);
  Real turn[6][6];
  for (int i = 0; i < 6; ++i) {
    const Real* a = q.m[symmetric_row[i]];
    const Real* b = q.m[symmetric_column[i]];
    const Real normal = i < 3 ? Real(1) : root2;
    for (int j = 0; j < 3; ++j) turn[i][j] = normal * a[j] * b[j];
    for (int j = 3; j < 6; ++j) {
      const int k = symmetric_row[j], l = symmetric_column[j];
      // in the first three rows both products are one
      turn[i][j] = i < 3 ? root2 * a[k] * b[l] : a[k] * b[l] + a[l] * b[k];
    }
  }
  Row<Real> transposed[6], half[6];
  for (int k = 0; k < 6; ++k)
    transposed[k] = Row<Real>{turn[0][k], turn[1][k], turn[2][k], turn[3][k], turn[4][k], turn[5][k]};
  for (int i = 0; i < 6; ++i) {
    half[i] = Row<Real>{};
    for (int k = 0; k < 6; ++k) half[i] += tangent[i * 6 + k] * transposed[k];
  }
  for (int i = 0; i < 6; ++i) {
    Row<Real> row{};
    for (int k = 0; k < 6; ++k) row += turn[i][k] * half[k];
    for (int j = 0; j < 6; ++j) tangent[i * 6 + j] = row[j];
  }
}

}  // namespace PYBRIDGE_ISA_NAMESPACE
}  // namespace pybridge
