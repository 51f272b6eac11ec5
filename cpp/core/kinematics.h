// From deformation gradients to what a law needs, for hosts that do not provide it.
//
//   F = R U                                             polar decomposition
//   strain_inc = sym((U_new - U_old) U_mid^-1)          U_mid = (U_old + U_new) / 2
//
// With F = R U the rate of deformation seen in the frame of R is R^T D R = sym(U' U^-1): no spin enters, so a
// rotation of any size within the increment leaves the strain increment untouched, to the last bit of U. The
// midpoint rule makes it second order: its error is (strain increment)^3 / 12 where the stretch axes stand
// still.
#pragma once

#include "core/tensor.h"

namespace pybridge {
inline namespace PYBRIDGE_ISA_NAMESPACE {

// Both stretches are positive definite, so U_mid has an inverse.
template <class Real>
inline Mat3<Real> corotational_strain_increment(const Mat3<Real>& u_old, const Mat3<Real>& u_new) {
  const Mat3<Real> a = (u_new - u_old) * inverse(Real(0.5) * (u_old + u_new));
  return Real(0.5) * (a + transpose(a));
}

// Stretches, strain increment (all in the frame of R) and the new rotation. False, and outputs undefined,
// where a deformation gradient is inverted or not finite.
template <class Real>
inline bool kinematics(const Mat3<Real>& f_old, const Mat3<Real>& f_new, Mat3<Real>& u_old, Mat3<Real>& u_new,
                       Mat3<Real>& strain_inc, Mat3<Real>& r_new) {
  Mat3<Real> r_old;
  if (!polar_decomposition(f_old, r_old, u_old) || !polar_decomposition(f_new, r_new, u_new)) return false;
  strain_inc = corotational_strain_increment(u_old, u_new);
  return true;
}

}  // namespace PYBRIDGE_ISA_NAMESPACE
}  // namespace pybridge
