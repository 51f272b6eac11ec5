// A committee of networks from strain and accumulated strain to stress and stiffness ([GUAN22] Eq. 12 and
// 15).
//
//   phi += |p - p_old|,  E = U - I   componentwise, the components that `component` lists
//   p = p_old moved by the least that brings it within `deadband` of E; without a deadband p = E and phi is
//   [GUAN22] Eq. 12
//   x = (E, phi) / input_scale,  y = net(x) * output_scale + output_mean = (stress, stiffness)
//   answer = mean of the members;  spread = largest over the stresses of their standard deviation /
//   stress_scale
//
// The stiffness is the upper triangle of D by rows over the same components (engineering shear), kept in the
// state for implicit solvers. Unreliable where the spread exceeds spread_max, or E, phi leave the box they
// were trained in by more than a tenth of its size. See docs/model_file.md for the tensors.
#pragma once

#include "core/stretch_tangent.h"
#include "network/network.h"
#include "surrogate/file_material.h"

namespace pybridge {

template <class Real>
class MlpHistory final : public FileMaterial<Real>, public HasStretchTangent<Real> {
 public:
  // Throws Error naming the file where tensors are missing or do not fit together.
  explicit MlpHistory(const ModelFile& file);

  void update(const Block<Real>& block) const noexcept override;
  // The mean of the members' own derivatives, with d(phi) = sign(dE) dE (0 where nothing moved); not the
  // stiffness that they answer beside the stress.
  void update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept override;

 private:
  void update_chunk(const Block<Real>& block, int start, int n) const;
  void finish(const Block<Real>& block, int i, const Real* y, int at) const;
  void update_point(const Block<Real>& block, int i, Real* tangent) const;
  void store_tangent(const Real* slope, Real* tangent, int stride) const;
  // Strain and phi of component k at point i: writes phi (and p) to the new state; the change of phi with E.
  Real accumulate(const Block<Real>& block, int i, int k, Real& strain, Real& history) const;
  bool inside(const Real* strain, const Real* history) const;

  using FileMaterial<Real>::schema_;
  using FileMaterial<Real>::moduli_;
  std::vector<int> component_;  // of the six, 0 to 5
  int plane_ = 0;               // 1: sigma_33 is the mean of sigma_11 and sigma_22
  std::vector<Real> inverse_scale_, output_scale_, output_mean_, lowest_, highest_;
  Real stress_scale_ = 1, spread_max_ = 0, deadband_ = 0;
  std::vector<Network<Real>> members_;
};

}  // namespace pybridge
