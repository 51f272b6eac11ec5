// Loading where some faces are moved and others carry a stress: proportional-integral control of the cell.
#pragma once

#include "packing/engine.h"

namespace pybridge {

// What each axis k of a rectangular cell does. Stress-controlled: sigma_kk is held at
// offset[k] + slope[k] sigma_aa, a the driven axis (constant sigma: slope 0; constant p or b: affine in
// sigma_aa).
struct ServoControl {
  bool stress_controlled[3] = {true, true, true};
  double offset[3] = {0, 0, 0}, slope[3] = {0, 0, 0};  // Pa, 1
  double rate[3] = {0, 0, 0};                          // 1/s of the axes that are moved
  int axis = 0;                                        // a
  bool shear_free = false;                             // the cell shears until sigma_ij = 0
  double rate_max = 0;                                 // 1/s, of the axes that carry a stress
  int interval = 10;                                   // steps between two corrections
};

struct ServoState {
  double integral[6] = {0, 0, 0, 0, 0, 0};  // 1/s; axes, then 12, 23, 13
};

struct ServoResult {
  PackingFault fault = PackingFault::none;
  double error = 0;  // Pa, largest |sigma_kk - target| at the end, or |sigma_ij| where shear is free
};

// `steps` steps of `dt`. The correction is L_kk = clamp(-(e / (K tau) + I), rate_max), I = integral of
// e / (4 K tau^2), with K the contact stiffness at the start and tau twice the time a wave crosses the cell.
ServoResult servo(PackingEngine& engine, const ServoControl& control, double dt, int steps,
                  ServoState& state);

}  // namespace pybridge
