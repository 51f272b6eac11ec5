// Von Mises plasticity with isotropic hardening from a table, in rate form in the frame of R.
//
//   yield condition  q <= y(p),  flow  dep = 3/2 dp s / q,  y piecewise linear (laws/hardening_table.h)
//
// Radial return, exact for the piecewise-linear curve. State: equivalent plastic strain p. Dissipation: the
// integral of y over the increment of p.
#pragma once

#include "laws/hardening_table.h"
#include "laws/radial_return.h"
#include "laws/tangent.h"

namespace pybridge {

template <class Real>
class J2 final : public Material<Real>, public HasTangent<Real> {
 public:
  J2(ElasticModuli moduli, HardeningTable<Real> table)
      : moduli_(moduli), constants_(moduli), table_(std::move(table)) {}
  const StateSchema& state_schema() const override { return schema_; }
  ElasticModuli elastic_moduli() const override { return moduli_; }
  void update(const Block<Real>& block) const noexcept override;
  void tangent(const Block<Real>& block, Real* tangent) const noexcept override;

 private:
  ElasticModuli moduli_;
  IsotropicModuli<Real> constants_;
  HardeningTable<Real> table_;
  StateSchema schema_{{"equivalent_plastic_strain", 1, "1",
                       "accumulated equivalent plastic strain, integral of sqrt(2/3)|dep|"}};
};

}  // namespace pybridge
