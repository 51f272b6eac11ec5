// The kernel of the learned yield surface, once for each instruction set. Plain data only: shared with files
// compiled for several processors.
#pragma once

#include "surrogate/yield_surface_shape.h"

namespace pybridge {

// Rows of a dense layer that the kernel takes at a time; weights are stored [rows / 4][in][4], rows filled up
// with 0.
constexpr int yield_rows = 4;

template <class Real>
struct YieldTable {
  YieldShape shape;
  const Real *weight[3], *bias[3];
  const Real *skip, *speed;  // [scalars], [states]
  const Real* hidden_bound;  // [states], of their targets; a tenth below it the flag is raised
  Real radius_most;          // largest R
  const Real* elasticity;    // [6][5] A, g of J dev(sigma) = 2 G (A e + g (J - 1)); null where isotropic
  const Real* pressure;      // [pressure_count]
  int pressure_count;
  Real strain_scale, radius_floor;
  Real rest_rate;      // slowest flow, in strain_scale / time_scale
  Real rate_floor;     // the network is shown sqrt(rate^2 + rate_floor^2), in the same
  Real ahead;          // the network looks at the middle of pieces of steps longer than this
  Real inverse_piece;  // 1 / the longest elastic increment, in strain_scale, that is taken at once
  Real shear;          // 2 G strain_scale, Pa
  Real least_work;     // J/m3; plastic work below it raises the flag
  Real strain_max, rate_max;
  double time_scale;
};

// A block as in core/material.h, without what the surrogate does not use. Status: 0, 1, or 2 or 3 where the
// old values are to be kept.
template <class Real>
struct YieldBlock {
  int n, stride;
  double dt;
  const Real *stretch_old, *stretch_new, *state_old;
  Real *stress_new, *state_new, *dissipation_inc;
  int* status;
};

// yield_surface_tangent: one point (n = stride = 1), all outputs as after update_yield_surface, to the last
// bit, and d(stress) / d(stretch_new), tensor components [row * 6 + column].
#define PYBRIDGE_DECLARE_YIELD(isa)                                                            \
  namespace isa {                                                                              \
  void update_yield_surface(const YieldTable<double>& table, const YieldBlock<double>& block); \
  void update_yield_surface(const YieldTable<float>& table, const YieldBlock<float>& block);   \
  void yield_surface_tangent(const YieldTable<double>& table, const YieldBlock<double>& point, \
                             double* by_component);                                            \
  }
PYBRIDGE_DECLARE_YIELD(isa_baseline)
PYBRIDGE_DECLARE_YIELD(isa_avx2)
PYBRIDGE_DECLARE_YIELD(isa_avx512)
#undef PYBRIDGE_DECLARE_YIELD

}  // namespace pybridge
