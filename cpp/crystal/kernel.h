// The kernel of the crystal, once for each instruction set. Plain data only: these declarations are shared
// with files compiled for other processors.
#pragma once

#include "crystal/table.h"

namespace pybridge {

// A block as in core/material.h, without what the crystal does not use.
template <class Real>
struct CrystalBlock {
  int n, stride;
  double dt;
  const Real *stretch_old, *stretch_new, *stress_old, *state_old;
  Real *stress_new, *state_new, *dissipation_inc;
  int* status;
};

// Rows of the state, in units of `grains`: 9 of F_in^-1 - 1 (row-major), 12 of e, 6 of lambda; then single
// rows.
constexpr int row_inelastic = 0, row_slip = 9, row_twin = 21, row_end = 27;

#define PYBRIDGE_DECLARE_CRYSTAL(isa)                                                        \
  namespace isa {                                                                            \
  void update_crystal(const CrystalTable<double>& table, const CrystalBlock<double>& block); \
  void update_crystal(const CrystalTable<float>& table, const CrystalBlock<float>& block);   \
  }
PYBRIDGE_DECLARE_CRYSTAL(isa_baseline)
PYBRIDGE_DECLARE_CRYSTAL(isa_avx2)
PYBRIDGE_DECLARE_CRYSTAL(isa_avx512)
#undef PYBRIDGE_DECLARE_CRYSTAL

}  // namespace pybridge
