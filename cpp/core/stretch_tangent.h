// Derivatives of the stress that implicit hosts ask for (docs/umat.md).
//
//   stretch tangent   d(stress_new) / d(stretch_new), Mandel components, [row * 6 + column], in the frame of
//   R
//
// What the stress is a function of differs between materials: the strain increment (laws in rate form, which
// have HasTangent of laws/tangent.h) or the stretch itself (surrogates: HasStretchTangent). tangent/tangent.h
// gives the one form that a host needs, for any material of the contract.
#pragma once

#include "core/kinematics.h"
#include "core/material.h"

namespace pybridge {

// A material that answers stress and stretch tangent together, for less than apart.
template <class Real>
class HasStretchTangent {
 public:
  virtual ~HasStretchTangent() = default;

  // update(), to the last bit, and the stretch tangent of its points: component k of point i at
  // tangent[i + stride * k] with the block's stride. Where a point fails, its tangent is that of the virgin
  // moduli.
  virtual void update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept = 0;
};

// Stiffness of an isotropic solid, 2 G 1 + (K - 2 G / 3) 1 x 1, at tangent[stride * k].
template <class Real>
inline void isotropic_tangent(const ElasticModuli& moduli, Real* tangent, int stride) {
  for (int row = 0; row < 6; ++row)
    for (int column = 0; column < 6; ++column) {
      double value = row == column ? 2 * moduli.shear : 0;
      if (row < 3 && column < 3) value += moduli.bulk - 2 * moduli.shear / 3;
      tangent[(row * 6 + column) * stride] = static_cast<Real>(value);
    }
}

// d(strain_inc) / d(U_new) of core/kinematics.h, Mandel components [36]:
//   strain_inc = sym(dU Q), Q = U_mid^-1, dU = U_new - U_old   ->   d(strain_inc) = sym((1 - dU Q / 2)
//   d(U_new) Q)
template <class Real>
inline void strain_increment_by_stretch(const Mat3<Real>& u_old, const Mat3<Real>& u_new, Real* derivative) {
  const Mat3<Real> q = inverse(Real(0.5) * (u_old + u_new));
  const Mat3<Real> p = identity3<Real>() - Real(0.5) * ((u_new - u_old) * q);
  for (int column = 0; column < 6; ++column) {
    Sym<Real> direction{};
    direction[column] = 1;
    const Sym<Real> change = symmetric_part(p * to_matrix(direction) * q);
    for (int row = 0; row < 6; ++row) derivative[row * 6 + column] = change[row];
  }
}

// Mandel 6 x 6: c = a b.
template <class Real>
inline void multiply6(const Real* a, const Real* b, Real* c) {
  for (int row = 0; row < 6; ++row) {
    Real sum[6] = {};
    for (int k = 0; k < 6; ++k)
      for (int column = 0; column < 6; ++column) sum[column] += a[row * 6 + k] * b[k * 6 + column];
    for (int column = 0; column < 6; ++column) c[row * 6 + column] = sum[column];
  }
}

}  // namespace pybridge
