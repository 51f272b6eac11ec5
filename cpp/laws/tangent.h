// Consistent tangents of the isotropic laws, for implicit hosts: d(stress_new) / d(strain_inc) in the frame
// of R, Mandel components, 36 numbers a point in row-major order.
//
//   D = K 1 x 1 + 2 G (1 - 3 G dp / q) P - 2 G (3 G dp/dq - 3 G dp / q) n x n
//
// P projects on deviators, n = s_trial / |s_trial|, q = q_trial; dp/dq is the derivative of the plastic
// strain increment with respect to the trial stress, 1 / (3 G + H) for a law that hardens with slope H. Simo
// and Taylor (1985), doi:10.1016/0045-7825(85)90070-2.
#pragma once

#include "core/conventions.h"
#include "laws/radial_return.h"

namespace pybridge {

// A material whose tangent is known in closed form. Component k of point i stands at tangent[i + stride * k]
// with the block's stride; points that fail get the elastic tangent. update()'s outputs are not touched.
template <class Real>
class HasTangent {
 public:
  virtual ~HasTangent() = default;
  virtual void tangent(const Block<Real>& block, Real* tangent) const noexcept = 0;
};

// `increment` and `slope` are dp and dp/dq, both zero for an elastic step.
template <class Real>
inline void store_tangent(const IsotropicModuli<Real>& moduli, const Trial<Real>& trial, Real increment,
                          Real slope, Real* tangent, int stride) {
  const bool plastic = increment > 0;
  const Real returned = plastic ? moduli.three_g * increment / trial.q : Real(0);
  const Real deviatoric = moduli.two_g * (1 - returned);
  const Real along = plastic ? moduli.two_g * (moduli.three_g * slope - returned) : Real(0);
  // n = s / |s|, |s| = sqrt(2/3) q
  Real normal[6] = {};
  if (plastic) {
    Real deviator[6];
    for (int c = 0; c < 6; ++c) deviator[c] = trial.stress[c] - (c < 3 ? trial.mean : Real(0));
    block_to_mandel(deviator, 1, normal);
    const Real size = std::sqrt(Real(2) / 3) * trial.q;
    for (int c = 0; c < 6; ++c) normal[c] /= size;
  }
  for (int row = 0; row < 6; ++row)
    for (int column = 0; column < 6; ++column) {
      Real value = row == column ? deviatoric : Real(0);
      if (row < 3 && column < 3) value += moduli.bulk - deviatoric / 3;
      tangent[(row * 6 + column) * stride] = value - along * normal[row] * normal[column];
    }
}

}  // namespace pybridge
