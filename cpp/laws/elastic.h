// Linear isotropic elasticity in rate form, in the frame of R (Abaqus's own, Green-Naghdi rate).
//
//   sigma_new = sigma_old + lambda tr(de) 1 + 2 G de
#pragma once

#include "laws/radial_return.h"
#include "laws/tangent.h"

namespace pybridge {

template <class Real>
class Elastic final : public Material<Real>, public HasTangent<Real> {
 public:
  explicit Elastic(ElasticModuli moduli) : moduli_(moduli), constants_(moduli) {}
  const StateSchema& state_schema() const override { return schema_; }
  ElasticModuli elastic_moduli() const override { return moduli_; }
  void update(const Block<Real>& block) const noexcept override;
  void tangent(const Block<Real>& block, Real* tangent) const noexcept override;

 private:
  ElasticModuli moduli_;
  IsotropicModuli<Real> constants_;
  StateSchema schema_;  // no state
};

}  // namespace pybridge
