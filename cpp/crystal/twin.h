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

// Advances lambda by dt; shear = gamma_t * resolved shear stress / G.
template <class Real, bool Quadratic>
PYBRIDGE_INLINE void grow_twins(const CrystalTable<Real>& table, const Vec<Real> shear[twin_count],
                                Vec<Real> dt, Vec<Real> lambda[twin_count]) {
  using V = Vec<Real>;
  using M = Mask<Real>;
  constexpr int divisions_max = 200;
  const Real share = static_cast<Real>(0.25);
  const V zero{};
  const Real inverse_stress = Real(1) / table.twin_stress;
  V remaining = dt;
  for (int division = 0; division < divisions_max && any(remaining > zero); ++division) {
    V total = lambda[0];
    for (int b = 1; b < twin_count; ++b) total += lambda[b];
    V rate[twin_count], largest = zero, sum = zero;
    M active_count{};
    for (int b = 0; b < twin_count; ++b) {
      const V f = shear[b] - table.twin_hardening * lambda[b] - table.twin_coupling * (total - lambda[b]);
      const M active = (f > zero) | (lambda[b] > zero);
      const V size = active ? magnitude<Real>(f) : zero;
      const V speed = table.twin_rate * law_power<Real, Quadratic>(size * inverse_stress, table.twin_power);
      rate[b] = with_sign<Real>(speed, f);
      largest = most<V>(largest, size);
      sum += speed;
      active_count += active;  // true is -1
    }
    const V stiffness = (active_count < -1 ? fill<Real>(table.twin_coupling) : zero) + table.twin_hardening;
    const V limit = share * largest, change = stiffness * sum;
    V step = change * remaining > limit ? limit / change : remaining;
    if (division == divisions_max - 1) step = remaining;
    V grown = zero;
    for (int b = 0; b < twin_count; ++b) {
      lambda[b] = most<V>(lambda[b] + step * rate[b], zero);
      grown += lambda[b];
    }
    const V scale = grown > Real(1) ? Real(1) / grown : fill<Real>(1);
    for (int b = 0; b < twin_count; ++b) lambda[b] *= scale;
    remaining -= step;
  }
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
