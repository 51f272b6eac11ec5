// Constants of the crystal as the kernel wants them: plain arrays, stresses divided by the shear modulus.
//
// Deviatoric symmetric tensors have 5 components in an orthonormal basis:
//   (2 t33 - t11 - t22) / sqrt6, (t11 - t22) / sqrt2, sqrt2 t12, sqrt2 t23, sqrt2 t13
// skew ones 3: w12, w23, w13.
#pragma once

#include "crystal/parameters.h"

namespace pybridge {

template <class Real>
struct CrystalTable {
  int grains;
  const Real* rotation;  // [9 * grains], row-major, crystal to sample

  Real schmid[slip_count][8];                 // s x m: 5 symmetric components, 3 skew ones
  Real reflected[twin_count][slip_count][8];  // the same of the reflected system, minus the parent's
  Real twin_schmid[twin_count][8];            // gamma_t s x m

  Real stress[slip_count];      // tau_0 / G
  Real rate[slip_count];        // 1/s
  Real power[slip_count];       // 1 / m
  Real saturation[slip_count];  // sigma_inf / G
  Real decay[slip_count];       // h / sigma_inf
  Real latent[family_count];    // h_ij / G
  bool quadratic;               // all powers are 2

  Real twin_stress, twin_rate, twin_power, twin_hardening, twin_coupling;  // twin_coupling = 2 k_ij / G
  Real twin_reaction;  // gamma_t^2 / 2: |symmetric part of a twin's tensor|^2
  Real shear, bulk;    // Pa; bulk = 2 lambda_e

  Real strain_step, implicitness, tolerance;  // tolerance of the stress / G
  int iterations_max;
};

// Fills everything but grains and rotation.
template <class Real>
void fill(CrystalTable<Real>& table, const CrystalParameters& parameters);

}  // namespace pybridge
