// Flow of the learned yield surface over one step with the network's answer held; one lane, one point. Shared
// by the evaluation and the training kernel. Units: strains in strain_scale, time in time_scale.
//
//   x' = v / h - g (m + q),  g = k <|x| - R>^2,  m = x / |x| + d,  R' = H g
//
// Flow slower than `rest rate` counts as none: at the overstress `rest` that would drive it, g is whatever
// from 0 to that rate keeps x there, as in a law that knows no time. So creep ends, and in a finite time.
//
// in `substeps` steps of the L-stable two-stage method of Alexander (1977); docs/theory/yield_surface.md.
#pragma once

#include "crystal/simd.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

constexpr double alexander = 0.29289321881345247560;  // 1 - 1 / sqrt 2
constexpr double least_hardening = 0.3;               // of 1 + n.(d + q) + H, so that a stage has one root

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> root(Vec<Real> x) {
  Vec<Real> y;
  for (int i = 0; i < Simd<Real>::lanes; ++i)
    y[i] = sizeof(Real) == 8 ? __builtin_sqrt(x[i]) : __builtin_sqrtf(x[i]);
  return y;
}

// 1 / sqrt(x) of normal x > 0.
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> inverse_root(Vec<Real> x) {
  return Real(1) / root<Real>(x);
}

#if PYBRIDGE_SIMD_BYTES == 64
// From 14 bits by steps of Newton: an error of two units in the last place, for a part of what root and
// quotient cost.
template <>
inline Vec<float> inverse_root<float>(Vec<float> x) {
  const Vec<float> y = __builtin_ia32_rsqrt14ps512_mask(x, Vec<float>{}, static_cast<unsigned short>(-1));
  return y * (1.5f - (0.5f * x * y) * y);
}
template <>
inline Vec<double> inverse_root<double>(Vec<double> x) {
  const Vec<double> half = 0.5 * x;
  Vec<double> y = __builtin_ia32_rsqrt14pd512_mask(x, Vec<double>{}, static_cast<unsigned char>(-1));
  y = y * (1.5 - (half * y) * y);
  return y * (1.5 - (half * y) * y);
}
#endif

// x (1 + x / sqrt(1 + x^2)) / 2, the activation of the network: as smooth and as near to a ramp as SiLU,
// without its exponential.
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> algebraic_silu(Vec<Real> x) {
  const Vec<Real> half = static_cast<Real>(0.5) * x;
  return half + half * x * inverse_root<Real>(Real(1) + x * x);
}

constexpr double backstress_most = 0.7;  // of |q|: a backstress may run away, but not faster than x follows
constexpr double softening_most = 0.3;   // of -H
constexpr double turn_most = 0.8;        // of |d|
constexpr double hidden_most = 3.0;      // of a hidden state
constexpr double log_rate_most = 8.0;    // of ln k

// Least cosine between n with and without flow in half a piece; one that turned further is not believed.
constexpr double yield_trusted_turn = 0.5;

// Share of its bound beyond which a hidden state counts as outside what training has met.
constexpr double yield_flagged = 0.9;

// Of |x|^2 at the end of a piece, over the largest it may be: rounding alone makes it so much larger.
constexpr double yield_farther = 1.00001;

// What is left of a hidden state's distance from its target after y = beta gamma >= 0: exp(-y) to second
// order, without overshoot, 1 for 0 to the bit.
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> kept(Vec<Real> y) {
  return Real(1) / (Real(1) + y * (Real(1) + static_cast<Real>(0.5) * y));
}

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> bounded(Vec<Real> x, Real most_x) {
  return least<Vec<Real>>(most<Vec<Real>>(x, fill<Real>(-most_x)), fill<Real>(most_x));
}

template <class V>
PYBRIDGE_FORCE_INLINE V dot5(const V a[5], const V b[5]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] + a[4] * b[4];
}

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> norm5(const Vec<Real> x[5]) {
  return root<Real>(dot5(x, x) + static_cast<Real>(1e-24));
}

// n = x / |x| and, given back, |x|; never 0. Rounded as it should be, so that flow that has come to rest
// stays so.
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> normalised(const Vec<Real> x[5], Vec<Real> n[5]) {
  const Vec<Real> length = norm5<Real>(x), inverse = Real(1) / length;
  for (int i = 0; i < 5; ++i) n[i] = x[i] * inverse;
  return length;
}

// What the network and the hidden states say of the surface; p = d + q.
template <class V>
struct Surface {
  V k_h;        // k times the length of a sub-step
  V radius;     // R at the beginning
  V hardening;  // H
  V floor;      // R never falls below
  V rest;       // overstress of the slowest flow
  V d[5], q[5], p[5];
};

// p, after |q| is bounded by backstress_most; gives the factor of q.
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> bound_backstress(Surface<Vec<Real>>& f) {
  const Vec<Real> factor =
      least<Vec<Real>>(static_cast<Real>(backstress_most) / norm5<Real>(f.q), fill<Real>(1));
  for (int i = 0; i < 5; ++i) {
    f.q[i] *= factor;
    f.p[i] = f.d[i] + f.q[i];
  }
  return factor;
}

// gamma = k_h o^2 with o + coefficient k_h o^2 = over, but not beyond what ends at the overstress `rest`.
template <class V>
struct Overstress {
  V x[5], n[5], r, along, slack, coefficient, over, o, s, viscous, gamma;
};

// One stage: backward Euler x + gamma (n + p) = trial, n = x / |x|. Without p the return is radial; `guess`
// takes n at the trial, `last` at trial - gamma p, where it differs from that of x to second order.
template <class V>
struct Stage {
  Overstress<V> guess, last;
  V m[5], k_h, gamma;
  V open;  // 1 where the radius after this stage stands above its floor, else 0
};

// x is known; over = <|x| + before n.p - R>.
template <class Real>
PYBRIDGE_FORCE_INLINE void solve_overstress(const Surface<Vec<Real>>& surface, Vec<Real> radius,
                                            Vec<Real> k_h, Vec<Real> before, Overstress<Vec<Real>>& at) {
  using V = Vec<Real>;
  at.r = normalised<Real>(at.x, at.n);
  at.along = dot5(at.n, surface.p);
  at.slack = Real(1) + at.along + surface.hardening;
  at.coefficient = most<V>(at.slack, fill<Real>(static_cast<Real>(least_hardening)));
  at.over = most<V>(at.r + before * at.along - radius, V{});
  at.s = root<Real>(Real(1) + Real(4) * at.coefficient * k_h * at.over);
  at.o = Real(2) * at.over / (Real(1) + at.s);
  at.viscous = k_h * at.o * at.o;
  at.gamma = least<V>(at.viscous, most<V>(at.over - surface.rest, V{}) / at.coefficient);
}

// stage.guess.x: the trial.
template <class Real>
PYBRIDGE_FORCE_INLINE void solve_stage(const Surface<Vec<Real>>& surface, Vec<Real> radius,
                                       Stage<Vec<Real>>& stage) {
  using V = Vec<Real>;
  stage.k_h = surface.k_h * static_cast<Real>(alexander);
  solve_overstress<Real>(surface, radius, stage.k_h, V{}, stage.guess);
  for (int i = 0; i < 5; ++i) stage.last.x[i] = stage.guess.x[i] - stage.guess.gamma * surface.p[i];
  solve_overstress<Real>(surface, radius, stage.k_h, stage.guess.gamma, stage.last);
  stage.gamma = stage.last.gamma;
  for (int i = 0; i < 5; ++i) stage.m[i] = stage.last.n[i] + surface.d[i];
}

// The return from x to where flow ends at once; what no part of a sub-step may exceed.
template <class V>
struct Whole {
  V x[5], n[5], r, slack, coefficient, over, gamma;
};

template <class Real>
PYBRIDGE_FORCE_INLINE void solve_whole(const Surface<Vec<Real>>& surface, Vec<Real> radius,
                                       Whole<Vec<Real>>& at) {
  using V = Vec<Real>;
  at.r = normalised<Real>(at.x, at.n);
  at.slack = Real(1) + dot5(at.n, surface.p) + surface.hardening;
  at.coefficient = most<V>(at.slack, fill<Real>(static_cast<Real>(least_hardening)));
  at.over = most<V>(at.r - radius - surface.rest, V{});
  at.gamma = at.over / at.coefficient;
}

template <class V>
struct Substep {
  Stage<V> one, two;
  Whole<V> whole;
  V g1;
};

// Both stages of a sub-step, x from its beginning to its end; gamma of the first is scaled to its part of the
// whole, but does not pass the surface: where k is large its part alone would carry x to the other side. Adds
// to flow and gamma.
template <class Real>
PYBRIDGE_FORCE_INLINE void substep(const Surface<Vec<Real>>& surface, const Vec<Real> v[5], Vec<Real> x[5],
                                   Vec<Real>& radius, Vec<Real> flow[5], Vec<Real>& gamma,
                                   Substep<Vec<Real>>& s) {
  using V = Vec<Real>;
  const Real c = static_cast<Real>(alexander), ratio = (Real(1) - c) / c;
  for (int i = 0; i < 5; ++i) {
    s.one.guess.x[i] = x[i] + c * v[i];
    s.whole.x[i] = x[i] + v[i];
  }
  solve_stage<Real>(surface, radius, s.one);
  solve_whole<Real>(surface, radius, s.whole);
  const V g1 = least<V>(ratio * s.one.gamma, s.whole.gamma);
  s.g1 = g1;
  for (int i = 0; i < 5; ++i) s.two.guess.x[i] = s.whole.x[i] - g1 * (s.one.m[i] + surface.q[i]);
  const V between = radius + surface.hardening * g1;
  s.one.open = between > surface.floor ? fill<Real>(1) : V{};
  solve_stage<Real>(surface, most<V>(between, surface.floor), s.two);
  const V g2 = s.two.gamma;
  for (int i = 0; i < 5; ++i) {
    x[i] = s.two.guess.x[i] - g2 * (s.two.m[i] + surface.q[i]);
    flow[i] += g1 * s.one.m[i] + g2 * s.two.m[i];
  }
  gamma += g1 + g2;
  radius += surface.hardening * (g1 + g2);
  s.two.open = radius > surface.floor ? fill<Real>(1) : V{};
  radius = most<V>(radius, surface.floor);
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
