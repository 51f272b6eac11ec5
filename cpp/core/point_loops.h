// What a host adds to a material's update at every point: a look at the kinematics, and energies. For each
// instruction set, since their cost is the cost of the bridge. Arrays as in core/material.h, stride n.
#pragma once

#include "core/isa.h"

namespace pybridge {

template <class Real>
struct PointKinematics {
  int n;
  bool flat;  // four components of symmetric tensors and five of F (VUMAT's order), else six and nine
  const Real *density, *stretch, *defgrad;
};

template <class Real>
struct PointEnergies {
  int n;
  int components;       // 4 or 6
  Real to_deck_stress;  // factor of the dissipation
  const Real *density, *strain_inc, *stress_old, *stress_new, *dissipation, *internal_old, *inelastic_old;
  Real *internal_new, *inelastic_new;
};

// Whether density and det F are positive and finite, and the stretch is finite, at every point.
template <class Real>
bool kinematics_are_sound(const PointKinematics<Real>& points);

// internal += (stress_old + stress_new)/2 : strain_inc / density, inelastic += dissipation / density. Whether
// all of them are finite.
template <class Real>
bool add_energies(const PointEnergies<Real>& points);

#define PYBRIDGE_DECLARE_POINT_LOOPS(isa)             \
  namespace isa {                                     \
  bool sound(const PointKinematics<double>& points);  \
  bool sound(const PointKinematics<float>& points);   \
  bool energies(const PointEnergies<double>& points); \
  bool energies(const PointEnergies<float>& points);  \
  }
PYBRIDGE_DECLARE_POINT_LOOPS(isa_baseline)
PYBRIDGE_DECLARE_POINT_LOOPS(isa_avx2)
PYBRIDGE_DECLARE_POINT_LOOPS(isa_avx512)
#undef PYBRIDGE_DECLARE_POINT_LOOPS

}  // namespace pybridge
