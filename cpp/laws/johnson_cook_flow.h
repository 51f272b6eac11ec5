// Flow stress of Johnson and Cook (1983) and the scalar equation of its radial return.
//
//   y(p, rate, T) = (A + B p^n) (1 + C ln max(1, rate / rate_0)) (1 - T*^m)
//   T* = (T - T_transition) / (T_melt - T_transition), cut to [0, 1]
//
// Unknown of a step: x = dp, with rate = x / dt and T = T_old + heat x w(x), where heat = inelastic heat
// fraction / (density specific heat) and w = (q_start + q_trial - 3 G x) / 2 is the mean flow stress of the
// step:
//
//   r(x) = q_trial - 3 G x - y(p_old + x, x / dt, T(x)) = 0
//
// r > 0 at x = 0 where the step yields, and r <= 0 at x = q_trial / 3 G since y >= 0: a root is always
// bracketed, whatever the rate, the infinite slope of p^n at p = 0, or melting. Newton's steps are taken
// while they stay inside the bracket, which shrinks in every evaluation.
#pragma once

#include <cmath>

#include "core/tensor.h"

namespace pybridge {

template <class Real>
struct JohnsonCookConstants {
  Real three_g;
  Real a, b, n, m;
  Real t_melt, t_transition;
  Real c, rate_0;
  Real heat_per_volume;  // inelastic heat fraction / specific heat; 0 is isothermal
};

// A step's constants.
template <class Real>
struct JohnsonCookStep {
  Real q_trial, q_start;
  Real p_old;
  Real t_old;
  Real heat;         // K per Pa of inelastic work; 0 is isothermal
  Real rate_strain;  // rate_0 dt; 0 where the step has no duration: rate-independent then
};

template <class Real>
inline Real thermal_factor(const JohnsonCookConstants<Real>& k, Real t) {
  if (!(t > k.t_transition)) return 1;
  if (!(t < k.t_melt)) return 0;
  return 1 - std::pow((t - k.t_transition) / (k.t_melt - k.t_transition), k.m);
}

// y at rates up to rate_0.
template <class Real>
inline Real static_flow(const JohnsonCookConstants<Real>& k, Real p, Real t) {
  const Real hardening = p > 0 && k.b > 0 ? k.a + k.b * std::pow(p, k.n) : k.a;
  return hardening * thermal_factor(k, t);
}

template <class Real>
inline Real temperature_increment(const JohnsonCookConstants<Real>& k, const JohnsonCookStep<Real>& step,
                                  Real x) {
  return step.heat * x * Real(0.5) * (step.q_start + step.q_trial - k.three_g * x);
}

template <class Real>
struct FlowValue {
  Real y;      // flow stress
  Real dy_dx;  // its total derivative along the step
  Real dy_dt;  // its derivative with respect to the temperature
};

// x > 0
template <class Real>
inline FlowValue<Real> flow(const JohnsonCookConstants<Real>& k, const JohnsonCookStep<Real>& step, Real x) {
  const Real p = step.p_old + x;
  Real hardening = k.a, hardening_slope = 0;
  if (k.b > 0) {
    const Real power = k.b * std::pow(p, k.n);
    hardening += power;
    hardening_slope = k.n * power / p;
  }
  Real rate = 1, rate_slope = 0;
  if (k.c > 0 && x > step.rate_strain && step.rate_strain > 0) {
    rate += k.c * std::log(x / step.rate_strain);
    rate_slope = k.c / x;
  }
  const Real mean = Real(0.5) * (step.q_start + step.q_trial - k.three_g * x);
  const Real t = step.t_old + step.heat * x * mean;
  Real thermal = 1, thermal_slope = 0;
  if (t >= k.t_melt) {
    thermal = 0;
  } else if (t > k.t_transition) {
    const Real above = t - k.t_transition;
    const Real power = std::pow(above / (k.t_melt - k.t_transition), k.m);
    thermal = 1 - power;
    thermal_slope = -k.m * power / above;
  }
  const Real dt_dx = step.heat * (mean - Real(0.5) * k.three_g * x);
  const Real dy_dt = hardening * rate * thermal_slope;
  return {hardening * rate * thermal,
          (hardening_slope * rate + hardening * rate_slope) * thermal + dy_dt * dt_dx, dy_dt};
}

// The root of r(x), starting from `guess` > 0; 0 where the step is elastic. `yield` is the static flow stress
// at the start where the caller knows it, negative otherwise (then it is computed only if Newton's step
// asks).
template <class Real>
inline Real plastic_increment(const JohnsonCookConstants<Real>& k, const JohnsonCookStep<Real>& step,
                              Real guess, Real yield) {
  const Real tolerance = 4 * epsilon<Real>() * step.q_trial;
  // An error of relative size d leaves one of about d^2: every term is a power or a logarithm of x or of x +
  // old.
  const Real close = Real(0.5) * root(epsilon<Real>());
  Real low = 0, high = step.q_trial / k.three_g;
  Real x = guess < high ? guess : high;
  for (int iteration = 0; iteration < 200; ++iteration) {
    const FlowValue<Real> value = flow(k, step, x);
    const Real residual = step.q_trial - k.three_g * x - value.y;
    if (std::fabs(residual) <= tolerance) return x;
    if (residual > 0)
      low = x;
    else
      high = x;
    if (high * k.three_g <= tolerance) return high;  // a root so small leaves the stress as it is
    const Real slope = k.three_g + value.dy_dx;
    Real next = x + residual / slope;
    const bool inside = slope > 0 && next > low && next <= high;
    if (inside && iteration < 40) {
      if (std::fabs(next - x) <= close * next) return next;
    } else {
      if (yield < 0 && !(low > 0)) {
        yield = static_flow(k, step.p_old, step.t_old);
        if (!(step.q_trial > yield)) return 0;
      }
      if (!(high - low > 2 * epsilon<Real>() * high)) return high;
      next = iteration >= 40 ? Real(0.5) * (low + high) : low > 0 ? std::sqrt(low * high) : high / 64;
    }
    x = next;
  }
  return high;
}

}  // namespace pybridge
