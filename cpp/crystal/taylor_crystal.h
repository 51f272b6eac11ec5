// A polycrystal of hexagonal grains with slip and twinning under the Taylor assumption ([LIU22] Appendix):
// every grain has the stretch of the material point, the stress is the mean over the grains.
// docs/theory/crystal.md has the equations.
#pragma once

#include <cstdint>
#include <vector>

#include "core/material.h"
#include "crystal/parameters.h"
#include "crystal/table.h"

namespace pybridge {

template <class Real>
class TaylorCrystal final : public Material<Real> {
 public:
  // rotations: 9 numbers a grain, row-major, crystal to sample. Throws Error: a parameter out of range, not a
  // rotation.
  TaylorCrystal(const std::vector<double>& rotations, const CrystalParameters& parameters);
  const StateSchema& state_schema() const override { return schema_; }
  ElasticModuli elastic_moduli() const override { return moduli_; }
  void update(const Block<Real>& block) const noexcept override;

 private:
  std::vector<Real> rotations_;
  CrystalTable<Real> table_;
  ElasticModuli moduli_;
  StateSchema schema_;
};

// The built-in law PYBRIDGE_TAYLOR_CRYSTAL. Constants, all optional, in this order: number of grains (128),
// seed (0), tau_0 of basal, prismatic, pyramidal slip and of twins (10e6, 40e6, 50.5e6, 20e6 Pa). Throws
// Error.
template <class Real>
std::unique_ptr<const Material<Real>> make_taylor_crystal(const std::vector<double>& constants);

}  // namespace pybridge
