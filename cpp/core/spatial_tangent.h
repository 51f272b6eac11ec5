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

template <class Real>
inline Mat3<Real> skew_of(const Real* w) {
  return {{{0, -w[2], w[1]}, {w[2], 0, -w[0]}, {-w[1], w[0], 0}}};
}

// The tangent [36], Mandel components, in the frame of R, from the stretch tangent [36].
template <class Real>
inline void spatial_tangent(const Mat3<Real>& u, const Mat3<Real>& stress, const Real* by_stretch,
                            StressRate rate, Real* tangent) {
  const Real trace = u.m[0][0] + u.m[1][1] + u.m[2][2];
  const Mat3<Real> to_axial = inverse(trace * identity3<Real>() - u);
  const Real volume = rate == StressRate::lie ? determinant(u) : Real(1);
  for (int column = 0; column < 6; ++column) {
    Sym<Real> basis{};
    basis[column] = 1;
    const Mat3<Real> d = to_matrix(basis);
    const Mat3<Real> du = d * u;
    // axial vector of d U - U d = d U - (d U)^T
    const Real x[3] = {du.m[2][1] - du.m[1][2], du.m[0][2] - du.m[2][0], du.m[1][0] - du.m[0][1]};
    Real w[3];
    for (int i = 0; i < 3; ++i)
      w[i] = to_axial.m[i][0] * x[0] + to_axial.m[i][1] * x[1] + to_axial.m[i][2] * x[2];
    const Mat3<Real> spin = skew_of(w);
    const Sym<Real> stretch = symmetric_part(du - spin * u);
    // W S - S W = W S + (W S)^T, and likewise - d S - S d
    Mat3<Real> moved = spin * stress;
    if (rate == StressRate::lie) moved = moved - d * stress;
    const Sym<Real> turned = symmetric_part(Real(2) * moved + (column < 3 ? Real(1) : Real(0)) * stress);
    for (int row = 0; row < 6; ++row) {
      Real sum = turned[row];
      for (int k = 0; k < 6; ++k) sum += by_stretch[row * 6 + k] * stretch[k];
      tangent[row * 6 + column] = volume * sum;
    }
  }
}

// A tangent [36] seen after the rotation q, in place: Q C Q^T with Q the rotation of Mandel vectors.
template <class Real>
inline void rotate_tangent(const Mat3<Real>& q, Real* tangent) {
  Real turn[6][6];
  for (int column = 0; column < 6; ++column) {
    Sym<Real> basis{};
    basis[column] = 1;
    const Sym<Real> turned = rotate(q, basis);
    for (int row = 0; row < 6; ++row) turn[row][column] = turned[row];
  }
  Real half[6][6] = {};
  for (int i = 0; i < 6; ++i)
    for (int k = 0; k < 6; ++k)
      for (int j = 0; j < 6; ++j) half[i][j] += turn[i][k] * tangent[k * 6 + j];
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) {
      Real sum = 0;
      for (int k = 0; k < 6; ++k) sum += half[i][k] * turn[j][k];
      tangent[i * 6 + j] = sum;
    }
}

}  // namespace PYBRIDGE_ISA_NAMESPACE
}  // namespace pybridge
