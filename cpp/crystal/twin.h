// Growth of the twins over a step at given resolved shear stresses.
//
//   rate_b = rate_0 sign(f_b) (|f_b| / tau_0)^(1/m),   f_b = a_b - h lambda_b - 2 k sum_{j != b} lambda_j
//
// with lambda >= 0 and their sum <= 1. The coupling 2 k = 80 GPa makes two growing systems compete within a
// nanosecond, an unstable growth that no implicit rule may skip: the step is divided so that the coupling
// changes f by a fraction of its largest value. A system alone has nothing to divide for, and this is nearly
// always so.
#pragma once

#include "crystal/matrix.h"
#include "crystal/table.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

template <class Real, bool Quadratic>
PYBRIDGE_INLINE Vec<Real> law_power(Vec<Real> x, Real p) {
  if constexpr (Quadratic) return x * x;
  return power<Real>(x, p);
}

template <class Real>
struct TwinRates {
  Vec<Real> rate[twin_count];
  Vec<Real> largest, sum;  // of |f| and of |rate| over the active systems
  Mask<Real> competing;    // two systems or more are active
};

// A system is active where it may grow, or had volume at the `start` of the division to shrink from.
template <class Real, bool Quadratic>
PYBRIDGE_INLINE void twin_rates(const CrystalTable<Real>& table, const Vec<Real> shear[twin_count],
                                const Vec<Real> start[twin_count], const Vec<Real> lambda[twin_count],
                                TwinRates<Real>& out) {
  using V = Vec<Real>;
  const V zero{};
  const Real inverse_stress = Real(1) / table.twin_stress;
  V total = lambda[0];
  for (int b = 1; b < twin_count; ++b) total += lambda[b];
  Mask<Real> count{};
  out.largest = out.sum = zero;
  for (int b = 0; b < twin_count; ++b) {
    const V f = shear[b] - table.twin_hardening * lambda[b] - table.twin_coupling * (total - lambda[b]);
    const Mask<Real> active = (f > zero) | (start[b] > zero);
    const V size = active ? magnitude<Real>(f) : zero;
    const V speed = table.twin_rate * law_power<Real, Quadratic>(size * inverse_stress, table.twin_power);
    out.rate[b] = with_sign<Real>(speed, f);
    out.largest = most<V>(out.largest, size);
    out.sum += speed;
    count += active;  // true is -1
  }
  out.competing = count < -1;
}

// lambda = start + step * rate, kept inside its bounds.
template <class Real>
PYBRIDGE_INLINE void move_twins(const Vec<Real> start[twin_count], const Vec<Real> rate[twin_count],
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

// Advances lambda by dt with the midpoint rule in every division; shear = gamma_t * resolved shear stress / G
// at the beginning, and its change over dt.
template <class Real, bool Quadratic>
PYBRIDGE_NOINLINE void grow_twins(const CrystalTable<Real>& table, const Vec<Real> shear[twin_count],
                                  const Vec<Real> change[twin_count], Vec<Real> dt,
                                  Vec<Real> lambda[twin_count]) {
  using V = Vec<Real>;
  constexpr int divisions_max = 200;
  const Real share = static_cast<Real>(0.25), half = static_cast<Real>(0.5);
  const V zero{}, inverse_dt = dt > zero ? Real(1) / dt : zero;
  V remaining = dt;
  for (int division = 0; division < divisions_max && any(remaining > zero); ++division) {
    V now[twin_count], middle[twin_count];
    TwinRates<Real> rates;
    const V past = (dt - remaining) * inverse_dt;
    for (int b = 0; b < twin_count; ++b) now[b] = shear[b] + past * change[b];
    twin_rates<Real, Quadratic>(table, now, lambda, lambda, rates);
    const V stiffness = (rates.competing ? fill<Real>(table.twin_coupling) : zero) + table.twin_hardening;
    const V limit = share * rates.largest, pace = stiffness * rates.sum;
    V step = pace * remaining > limit ? limit / pace : remaining;
    if (division == divisions_max - 1) step = remaining;
    const V to_middle = half * step * inverse_dt;
    move_twins<Real>(lambda, rates.rate, half * step, middle);
    for (int b = 0; b < twin_count; ++b) now[b] += to_middle * change[b];
    twin_rates<Real, Quadratic>(table, now, lambda, middle, rates);
    move_twins<Real>(lambda, rates.rate, step, lambda);
    remaining -= step;
  }
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
