// The one material contract: a solver cannot tell a classical law, a network and a polycrystal apart.
//
// A block holds n material points. Component c of point i of an array stands at [i + stride * c], the layout
// of VUMAT's (nblock, component) arrays, so that hosts pass their own memory and nothing is copied. Symmetric
// tensors in a block: tensor components in the order 11, 22, 33, 12, 23, 13 (VUMAT's own), in the frame of R
// with F = R U. Kernels convert to Mandel components inside (core/conventions.h).
#pragma once

#include <memory>

#include "core/schema.h"
#include "core/status.h"

namespace pybridge {

template <class Real>
struct Block {
  int n = 0;            // points
  int stride = 0;       // distance between components, >= n
  double time_old = 0;  // s since the start of the analysis, at the beginning of the increment
  double dt = 0;        // s, >= 0

  // in
  const Real* strain_inc =
      nullptr;  // [6] corotational increment of the rate of deformation, integral of D dt
  const Real* stretch_old = nullptr;  // [6] U at time_old
  const Real* stretch_new = nullptr;  // [6] U at time_old + dt
  const Real* temperature = nullptr;  // [1] K, at time_old; 0 where the host has no temperature
  const Real* density = nullptr;      // [1] kg/m3, current
  const Real* stress_old = nullptr;   // [6] Cauchy stress in the frame of R, Pa
  const Real* state_old = nullptr;    // [state_size]

  // out, each written once
  Real* stress_new = nullptr;       // [6] Cauchy stress in the frame of R, Pa
  Real* state_new = nullptr;        // [state_size]
  Real* dissipation_inc = nullptr;  // [1] inelastic work of the increment per current volume, J/m3
  int* status = nullptr;            // [1] Status of the point
};

// A material is immutable after construction: update() may be called by many threads at once, allocates
// nothing that outlives the call, starts no thread, and gives the same bits however points are split into
// blocks.
template <class Real>
class Material {
 public:
  virtual ~Material() = default;

  virtual const StateSchema& state_schema() const = 0;
  virtual ElasticModuli elastic_moduli() const = 0;
  virtual Domain domain() const { return {}; }

  // Reports failures through block.status only. Where a point fails, stress_new and state_new repeat the old.
  virtual void update(const Block<Real>& block) const noexcept = 0;
};

}  // namespace pybridge
