// Flow of the learned yield surface over one step with the network's answer held; one lane, one point. Shared
// by the evaluation and the training kernel. Units: strains in strain_scale, time in time_scale.
//
//   x' = v / h - g (m + q),  g = k <|x| - R>^2,  m = x / |x| + d,  R' = H g
//
// in `substeps` steps of the L-stable two-stage method of Alexander (1977); docs/theory/yield_surface.md.
#pragma once

#include "crystal/simd.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

constexpr double alexander = 0.29289321881345247560;  // 1 - 1 / sqrt 2
constexpr double least_hardening = 0.1;               // of 1 + n.q + H, so that a stage has one root

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> root(Vec<Real> x) {
  Vec<Real> y;
  for (int i = 0; i < Simd<Real>::lanes; ++i)
    y[i] = sizeof(Real) == 8 ? __builtin_sqrt(x[i]) : __builtin_sqrtf(x[i]);
  return y;
}

template <class V>
PYBRIDGE_FORCE_INLINE V dot5(const V a[5], const V b[5]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] + a[4] * b[4];
}

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> norm5(const Vec<Real> x[5]) {
  return root<Real>(dot5(x, x) + static_cast<Real>(1e-24));
}

// What the network and the hidden states say of the surface.
template <class V>
struct Surface {
  V k_h;          // k times the length of a sub-step
  V radius;       // R at the beginning
  V hardening;    // H
  V coefficient;  // 1 + n.q + H, bounded below
  V d[5], q[5];
};

// One stage: backward Euler from the trial x, gamma = k_h o^2 with o + coefficient k_h o^2 = <|x| - R>.
template <class V>
struct Stage {
  V x[5], n[5], m[5], r, over, o, s, k_h, gamma;
};

template <class Real>
PYBRIDGE_FORCE_INLINE void solve_stage(const Surface<Vec<Real>>& surface, Vec<Real> radius,
                                       Stage<Vec<Real>>& stage) {
  using V = Vec<Real>;
  stage.r = norm5<Real>(stage.x);
  const V inverse = Real(1) / stage.r;
  stage.k_h = surface.k_h * static_cast<Real>(alexander);
  stage.over = most<V>(stage.r - radius, V{});
  stage.s = root<Real>(Real(1) + Real(4) * surface.coefficient * stage.k_h * stage.over);
  stage.o = Real(2) * stage.over / (Real(1) + stage.s);
  stage.gamma = stage.k_h * stage.o * stage.o;
  for (int i = 0; i < 5; ++i) {
    stage.n[i] = stage.x[i] * inverse;
    stage.m[i] = stage.n[i] + surface.d[i];
  }
}

// Both stages of a sub-step, x from its beginning to its end; gamma of the first is scaled to its part of the
// whole. Adds to flow and gamma.
template <class Real>
PYBRIDGE_FORCE_INLINE void substep(const Surface<Vec<Real>>& surface, const Vec<Real> v[5], Vec<Real> x[5],
                                   Vec<Real>& radius, Vec<Real> flow[5], Vec<Real>& gamma,
                                   Stage<Vec<Real>>& one, Stage<Vec<Real>>& two) {
  using V = Vec<Real>;
  const Real c = static_cast<Real>(alexander), ratio = (Real(1) - c) / c;
  for (int i = 0; i < 5; ++i) one.x[i] = x[i] + c * v[i];
  solve_stage<Real>(surface, radius, one);
  const V g1 = ratio * one.gamma;
  for (int i = 0; i < 5; ++i) two.x[i] = x[i] + v[i] - g1 * (one.m[i] + surface.q[i]);
  solve_stage<Real>(surface, radius + surface.hardening * g1, two);
  const V g2 = two.gamma;
  for (int i = 0; i < 5; ++i) {
    x[i] = two.x[i] - g2 * (two.m[i] + surface.q[i]);
    flow[i] += g1 * one.m[i] + g2 * two.m[i];
  }
  gamma += g1 + g2;
  radius += surface.hardening * (g1 + g2);
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
