// A packing of grains as a material of the contract: every material point carries its own copy of one
// packing.
//
// The cell follows U: its base vectors are U cell_0 at every time, all moving evenly in an increment. The
// frame of R is that of the packing, so a rotation of the point costs nothing and changes nothing. Physical
// time plays no part: an increment is cut into steps of the packing's own time step so that its inertial
// number
//   I = |dU U^-1| / t  d sqrt(rho / p)        d mean diameter, p pressure (2D: force / (length x thickness))
// is the one asked for. A state of zeros is the packing as it was given, which may carry a stress. Disks
// answer in the plane 1, 2; their sigma_33 is the mean of sigma_11 and sigma_22.
#pragma once

#include "core/material.h"
#include "packing/engine.h"

namespace pybridge {

struct PackingMaterialOptions {
  double inertial_number = 1e-3;  // of the increments
  int steps_min = 10;             // steps of an increment that is not zero
  int steps_max = 20000;          // more: failed_recoverable
  double asymmetry_max = 0.05;    // |sigma_12 - sigma_21| over the pressure; more: unreliable
  double inertial_max = 1e-2;     // measured, with the pressure at the end; more: unreliable
  double overlap_max = 0.1;       // over the smaller radius; more: unreliable, twice as much: recoverable
};

class PackingMaterial final : public Material<double> {
 public:
  // Throws Error: an option out of range, a packing that cannot be run.
  PackingMaterial(std::shared_ptr<const Grains> grains, const PackingParameters& parameters,
                  const PackingState& virgin, const PackingMaterialOptions& options);

  const StateSchema& state_schema() const override { return schema_; }
  ElasticModuli elastic_moduli() const override { return moduli_; }
  void update(const Block<double>& block) const noexcept override;

  // The packing of a point whose state stands at state[stride * component]. Throws Error where it is damaged.
  PackingState unpack(const double* state, int stride) const;

  const Grains& grains() const { return *grains_; }
  const PackingParameters& parameters() const { return parameters_; }
  std::shared_ptr<const Grains> shared_grains() const { return grains_; }

 private:
  Status update_point(const Block<double>& block, int i) const;
  void pack(const PackingState& packing, double* state, int stride) const;

  std::shared_ptr<const Grains> grains_;
  PackingParameters parameters_;
  PackingState virgin_;
  PackingMaterialOptions options_;
  double virgin_pressure_ = 0;
  int pair_capacity_ = 0, measures_ = 0;  // first component of what a point shows
  ElasticModuli moduli_{};
  StateSchema schema_;
};

}  // namespace pybridge
