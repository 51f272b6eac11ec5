// Growth of the twins over a step.
//
//   rate_b = rate_0 sign(f_b) (|f_b| / tau_0)^(1/m),
//   f_b = a_b - h lambda_b - 2 k sum_{j != b} lambda_j - p_b . R q,   q = sum_j (lambda_j - lambda_j,old) p_j
//
// with lambda >= 0 and their sum <= 1. a_b is the driving force that the step would bring without the growth;
// R q is the stress that the growth takes away while the slips answer (slip.h, `response`), without which a
// long step would grow twins at a stress that is long gone. The coupling 2 k = 80 GPa makes two growing
// systems compete within a nanosecond, an unstable growth that no implicit rule may skip: the step is divided
// so that neither coupling nor reaction changes f by more than a fraction of its largest value. Short steps
// with one system have nothing to divide for, and this is nearly always so.
#pragma once

#include "crystal/matrix.h"
#include "crystal/table.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> resolve_scalar(const Real schmid[5], const Vec<Real> s[5]) {
  Vec<Real> sum = schmid[0] * s[0];
  for (int k = 1; k < 5; ++k) sum += schmid[k] * s[k];
  return sum;
}

template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE Vec<Real> law_power(Vec<Real> x, Real p) {
  if constexpr (Quadratic) return x * x;
  return power<Real>(x, p);
}

template <class Real>
struct TwinDrive {
  Vec<Real> shear[twin_count];   // a_b at the beginning of the step
  Vec<Real> change[twin_count];  // and what the step adds
  Factor<Vec<Real>> response;    // of the stress to a strain of the twins
  Vec<Real> stiffness;           // 2 tr C / 3
};

template <class Real>
struct TwinRates {
  Vec<Real> force[twin_count];
  Vec<Real> rate[twin_count];
  Vec<Real> largest, sum;  // of |f| and of |rate| over the active systems
  Mask<Real> competing;    // two systems or more are active
};

// A system is active where it may grow, or had volume at the `start` of the division to shrink from; `old` is
// the volume at the beginning of the step, `past` the share of the step that is over.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE void twin_rates(const CrystalTable<Real>& table, const TwinDrive<Real>& drive,
                                      const Vec<Real> old[twin_count], const Vec<Real> start[twin_count],
                                      const Vec<Real> lambda[twin_count], Vec<Real> past,
                                      TwinRates<Real>& out) {
  using V = Vec<Real>;
  const V zero{};
  const Real inverse_stress = Real(1) / table.twin_stress;
  V total = lambda[0];
  for (int b = 1; b < twin_count; ++b) total += lambda[b];
  V reaction[5] = {};
  Mask<Real> moved{};
  for (int b = 0; b < twin_count; ++b) {
    const V grown = lambda[b] - old[b];
    moved |= grown != zero;
    for (int k = 0; k < 5; ++k) reaction[k] += grown * table.twin_schmid[b][k];
  }
  if (any(moved)) {
    substitute(drive.response, reaction);
    for (int k = 0; k < 5; ++k) reaction[k] *= drive.stiffness;
  }
  Mask<Real> count{};
  out.largest = out.sum = zero;
  for (int b = 0; b < twin_count; ++b) {
    const V f = drive.shear[b] + past * drive.change[b] - table.twin_hardening * lambda[b] -
                table.twin_coupling * (total - lambda[b]) -
                resolve_scalar<Real>(table.twin_schmid[b], reaction);
    const Mask<Real> active = (f > zero) | (start[b] > zero);
    const V size = active ? magnitude<Real>(f) : zero;
    const V speed = table.twin_rate * law_power<Real, Quadratic>(size * inverse_stress, table.twin_power);
    out.force[b] = f;
    out.rate[b] = with_sign<Real>(speed, f);
    out.largest = most<V>(out.largest, size);
    out.sum += speed;
    count += active;  // true is -1
  }
  out.competing = count < -1;
}

// lambda = start + step * rate, kept inside its bounds.
template <class Real>
PYBRIDGE_FORCE_INLINE void move_twins(const Vec<Real> start[twin_count], const Vec<Real> rate[twin_count],
                                      Vec<Real> step, Vec<Real> lambda[twin_count]) {
  using V = Vec<Real>;
  V grown{};
  for (int b = 0; b < twin_count; ++b) {
    lambda[b] = most<V>(start[b] + step * rate[b], V{});
    grown += lambda[b];
  }
  const V scale = grown > Real(1) ? Real(1) / grown : fill<Real>(1);
  for (int b = 0; b < twin_count; ++b) lambda[b] *= scale;
}

// Advances lambda by dt with the midpoint rule in every division. Returns the mask of the lanes whose
// divisions did not suffice.
template <class Real, bool Quadratic>
PYBRIDGE_NOINLINE Mask<Real> grow_twins(const CrystalTable<Real>& table, const TwinDrive<Real>& drive,
                                        Vec<Real> dt, Vec<Real> lambda[twin_count]) {
  using V = Vec<Real>;
  constexpr int divisions_max = 200;
  const Real share = static_cast<Real>(0.25), half = static_cast<Real>(0.5);
  const V zero{}, inverse_dt = dt > zero ? Real(1) / dt : zero;
  V old[twin_count];
  for (int b = 0; b < twin_count; ++b) old[b] = lambda[b];
  V remaining = dt;
  for (int division = 0; division < divisions_max && any(remaining > zero); ++division) {
    V middle[twin_count];
    TwinRates<Real> rates;
    const V past = (dt - remaining) * inverse_dt, rest = remaining * inverse_dt;
    twin_rates<Real, Quadratic>(table, drive, old, lambda, lambda, past, rates);
    // A system at rest now may be driven hard by what the step still adds.
    V ahead = rates.largest;
    for (int b = 0; b < twin_count; ++b) ahead = most<V>(ahead, rates.force[b] + rest * drive.change[b]);
    const V speed =
        table.twin_rate * law_power<Real, Quadratic>(ahead * (Real(1) / table.twin_stress), table.twin_power);
    const V stiffness = (rates.competing ? fill<Real>(table.twin_coupling) : zero) + table.twin_hardening +
                        drive.stiffness * table.twin_reaction;
    const V limit = share * ahead, pace = stiffness * most<V>(rates.sum, speed);
    const V step = pace * remaining > limit ? limit / pace : remaining;
    const V to_middle = half * step * inverse_dt;
    move_twins<Real>(lambda, rates.rate, half * step, middle);
    twin_rates<Real, Quadratic>(table, drive, old, lambda, middle, past + to_middle, rates);
    move_twins<Real>(lambda, rates.rate, step, lambda);
    remaining -= step;
  }
  return remaining > static_cast<Real>(1e-6) * dt;
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
