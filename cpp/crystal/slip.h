// One step of one grain, in the frame of the crystal and divided by G: slips and stress are found together.
//
// Unknown: s, the five deviatoric components of C = J^(-2/3) A^T A, so that the Mandel stress is G s; and for
// every system u = (|rate| / rate_0)^m >= 0. Equations, with weight w of the end of the step (crystal.md):
//   |tau_a| = g_a(e_a) + tau_0 u_a or u_a = 0,      tau_a = p_a . s,
//   s = dev(E^T C_trial E),   E = exp(-dL),   dL = sum_a (x_a,begin + w dt rate_0 u_a^(1/m) sign tau_a) P_a +
//   dL_twin
// Newton's method in s with u condensed; the derivative of the exponential is replaced by -2 P, exact to the
// elastic strain.
#pragma once

#include "crystal/twin.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

// Shear resistance of each system at the beginning of a step: g = offset - saturating / w(decay de), where
// w(y) = 1 + y + y^2/2 stands for exp(y): second order, and never beyond saturation however long the step.
template <class Real>
struct Resistance {
  Vec<Real> offset[slip_count];
  Vec<Real> saturating[slip_count];
};

template <class Real>
PYBRIDGE_FORCE_INLINE void resistance(const CrystalTable<Real>& table, const Vec<Real> e[slip_count],
                                      Resistance<Real>& out) {
  for (int a = 0; a < slip_count; ++a)
    out.saturating[a] = table.saturation[a] * exponential<Real>(-table.decay[a] * e[a]);
}

// Latent hardening, explicit: h_ij times the activity of the other systems of the family.
template <class Real>
PYBRIDGE_FORCE_INLINE void latent_resistance(const CrystalTable<Real>& table, const Vec<Real> e[slip_count],
                                             Resistance<Real>& out) {
  for (int k = 0; k < family_count; ++k) {
    Vec<Real> sum{};
    for (int a = family_begin[k]; a < family_begin[k + 1]; ++a) sum += e[a];
    for (int a = family_begin[k]; a < family_begin[k + 1]; ++a)
      out.offset[a] = table.saturation[a] + table.latent[k] * (sum - e[a]);
  }
}

// Adds amount_b times (reflected minus parent) to s x m of every slip system: with the twinned volume as
// amount, and the parents' tensors before, the bracket of [LIU22] Eq. A.10.
template <class Real>
PYBRIDGE_FORCE_INLINE void add_reflected(const CrystalTable<Real>& table, const Vec<Real> amount[twin_count],
                                         Vec<Real> schmid[slip_count][8]) {
  int active[twin_count], count = 0;
  for (int b = 0; b < twin_count; ++b)
    if (any(amount[b] != Vec<Real>{})) active[count++] = b;
  if (count == 0) return;
  for (int a = 0; a < slip_count; ++a) {
    Vec<Real> sum[8];
    for (int k = 0; k < 8; ++k) sum[k] = schmid[a][k];
    for (int i = 0; i < count; ++i) {
      const Real* reflected = table.reflected[active[i]][a];
      for (int k = 0; k < 8; ++k) sum[k] += amount[active[i]] * reflected[k];
    }
    for (int k = 0; k < 8; ++k) schmid[a][k] = sum[k];
  }
}

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> resolve(const Vec<Real> schmid[5], const Vec<Real> s[5]) {
  return schmid[0] * s[0] + schmid[1] * s[1] + schmid[2] * s[2] + schmid[3] * s[3] + schmid[4] * s[4];
}

template <class Real>
struct SlipStep {
  Vec<Real> schmid[slip_count][8];  // s x m, with the twinned volume's share
  Resistance<Real> resistance;
  Vec<Real> rate_dt[slip_count];  // rate_0 dt
  Vec<Real> begin[slip_count];    // |slip| at the rates of the beginning of the step, before its weight
  Vec<Real> begin_flow[8];        // and its dL
  Vec<Real> tau[slip_count], u[slip_count];
  Vec<Real> slip[slip_count];     // rate_0 dt u^(1/m), at the end of the step, before its weight
  Vec<Real> given[8];             // twins' part of dL
  Vec<Real> weight;               // w
  Vec<Real> metric;               // tr C / 3
  Factor<Vec<Real>> response;     // of the last correction: ds = response^-1 (change of the residual)
  Vec<Real> u_cap[family_count];  // no system of the family can slip more than the whole step asks for
};

// Bounds of u from the elastic trial: plastic work is positive in every system, so none slips more than the
// deviatoric strain that the trial would have to shed. The first correction of a long step overshoots by
// orders of magnitude, where the exponential is not convex; from the bound Newton's method comes back.
template <class Real>
PYBRIDGE_FORCE_INLINE void cap_slips(const CrystalTable<Real>& table, const Symmetric<Vec<Real>>& trial,
                                     SlipStep<Real>& step) {
  Vec<Real> dev[5], reach = fill<Real>(static_cast<Real>(1e-12));
  deviator<Real>(trial, dev);
  for (int k = 0; k < 5; ++k) reach += Real(2) * magnitude<Real>(dev[k]);
  for (int f = 0; f < family_count; ++f) {
    const int a = family_begin[f];
    const Vec<Real> rate_dt =
        most<Vec<Real>>(step.rate_dt[a], fill<Real>(static_cast<Real>(1e-30)));  // dt = 0
    step.u_cap[f] = power<Real>(reach / rate_dt, Real(1) / table.power[a]);
  }
}

// Slip of the end of the step and its derivative: x = rate_0 dt u^(1/m), dx/du.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE void slip_of(Vec<Real> rate_dt, Real p, Vec<Real> u, Vec<Real>& x, Vec<Real>& dx) {
  if constexpr (Quadratic) {
    dx = Real(2) * rate_dt * u;
    x = rate_dt * u * u;
  } else {
    const Vec<Real> below = power<Real>(u, p - Real(1));  // p >= 1
    dx = p * rate_dt * (p == Real(1) ? fill<Real>(1) : below);
    x = rate_dt * below * u;
  }
}

// dL in eight components.
template <class Real>
PYBRIDGE_FORCE_INLINE void inelastic_increment(const SlipStep<Real>& step, Vec<Real> increment[8]) {
  const Vec<Real> rest = Real(1) - step.weight;
  for (int k = 0; k < 8; ++k) increment[k] = step.given[k] + rest * step.begin_flow[k];
  for (int a = 0; a < slip_count; ++a) {
    const Vec<Real> slip = with_sign<Real>(step.weight * step.slip[a], step.tau[a]);
    for (int k = 0; k < 8; ++k) increment[k] += slip * step.schmid[a][k];
  }
}

// Weight of the end of the step from z, the decay rate of the stress times the step at the current iterate:
// 1/2 (second order) for short steps, 1 (no overshoot) for long ones. Exponential fitting, w = 1/(1 -
// exp(-z)) - 1/z, as a rational function.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE Vec<Real> fitted_weight(const CrystalTable<Real>& table, const SlipStep<Real>& step,
                                              Real least_weight) {
  Vec<Real> z{};
  for (int a = 0; a < slip_count; ++a) {
    Vec<Real> x, dx;
    slip_of<Real, Quadratic>(step.rate_dt[a], table.power[a], step.u[a], x, dx);
    z += dx * (Real(1) / table.stress[a]);
  }
  z *= step.metric;
  const Vec<Real> fitted = Real(1) - (Real(6) + z) / (Real(12) + z * (Real(4) + z));
  return most<Vec<Real>>(fitted, fill<Real>(least_weight));
}

// One Newton correction. `done` lanes are left as they are. Returns the largest change of s in each lane.
template <class Real, bool Quadratic>
PYBRIDGE_NOINLINE Vec<Real> correct(const CrystalTable<Real>& table, const Symmetric<Vec<Real>>& trial,
                                    Mask<Real> done, SlipStep<Real>& step, Vec<Real> s[5]) {
  using V = Vec<Real>;
  const V zero{};
  V increment[8], residual[5], matrix[5][5], gain[slip_count], change_u[slip_count];
  inelastic_increment(step, increment);
  const Matrix<V> e = exponential_of_minus<Real>(from_components<Real>(increment));
  deviator<Real>(inner(e, product(full(trial), e)), residual);
  for (int i = 0; i < 5; ++i) {
    residual[i] -= s[i];
    for (int j = 0; j <= i; ++j) matrix[i][j] = fill<Real>(i == j ? 1 : 0);
  }
  const V factor = Real(2) * step.metric * step.weight;
  for (int a = 0; a < slip_count; ++a) {
    V x, dx;
    slip_of<Real, Quadratic>(step.rate_dt[a], table.power[a], step.u[a], x, dx);
    const V hardening_slip = (Real(1) - step.weight) * step.begin[a] + step.weight * x;
    const V y = table.decay[a] * hardening_slip;
    const V w = Real(1) + y + static_cast<Real>(0.5) * y * y;
    const V w2 = w * w, saturating = step.resistance.saturating[a];
    const V slope = saturating * table.decay[a] * (Real(1) + y) * step.weight * dx;
    const V over = magnitude<Real>(step.tau[a]) - step.resistance.offset[a] - table.stress[a] * step.u[a];
    const V inverse = Real(1) / (table.stress[a] * w2 + slope);
    gain[a] = w2 * inverse;
    change_u[a] = (over * w2 + saturating * w) * inverse;
    const V stiff = factor * dx * gain[a];
    const V shift = with_sign<Real>(fill<Real>(1), step.tau[a]) * factor * dx * change_u[a];
    for (int i = 0; i < 5; ++i) {
      const V row = stiff * step.schmid[a][i];
      residual[i] -= shift * step.schmid[a][i];
      for (int j = 0; j <= i; ++j) matrix[i][j] += row * step.schmid[a][j];
    }
  }
  Factor<V> response;
  factorise<Real>(matrix, response);
  substitute(response, residual);
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < i; ++j) step.response.l[i][j] = done ? step.response.l[i][j] : response.l[i][j];
    step.response.inverse[i] = done ? step.response.inverse[i] : response.inverse[i];
  }
  V largest = zero;
  Mask<Real> lost{};  // not a number: comparisons alone would take it for converged
  for (int i = 0; i < 5; ++i) {
    residual[i] = done ? zero : residual[i];
    lost |= residual[i] != residual[i];
    largest = most<V>(largest, magnitude<Real>(residual[i]));
    s[i] += residual[i];
  }
  for (int a = 0; a < slip_count; ++a) {
    const V tau = step.tau[a] + resolve<Real>(step.schmid[a], residual);
    const V moved = magnitude<Real>(tau) - magnitude<Real>(step.tau[a]);
    const V wanted = most<V>(step.u[a] + change_u[a] + gain[a] * moved, zero);
    const V cap = step.u_cap[family_of[a]];
    const V u = wanted < cap ? wanted : cap;
    V x, dx;
    slip_of<Real, Quadratic>(step.rate_dt[a], table.power[a], u, x, dx);
    const V du = done ? zero : wanted - step.u[a];  // a system held at its cap has not converged
    largest = most<V>(largest, table.stress[a] * magnitude<Real>(du));
    step.tau[a] = tau;
    step.u[a] = done ? step.u[a] : u;
    step.slip[a] = done ? step.slip[a] : x;
  }
  return lost ? fill<Real>(1) : largest;
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
