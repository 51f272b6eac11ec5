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
#include <cstdint>
#include <cstring>

#include "core/tensor.h"

namespace pybridge {

template <class Real>
struct JohnsonCookConstants {
  Real three_g;
  Real a, b, n, m;
  Real t_melt, t_transition;
  Real per_range;  // 1 / (t_melt - t_transition)
  Real c, rate_0;
  Real heat_per_volume;  // inelastic heat fraction / specific heat; 0 is isothermal
};

// A step's constants.
template <class Real>
struct JohnsonCookStep {
  Real q_trial, q_start;
  Real p_old;
  Real t_old;
  Real heat;             // K per Pa of inelastic work; 0 is isothermal
  Real per_rate_strain;  // 1 / (rate_0 dt); 0 where the step is rate-independent: C = 0, or no duration
};

template <class Real>
inline Real thermal_factor(const JohnsonCookConstants<Real>& k, Real t) {
  if (!(t > k.t_transition)) return 1;
  if (!(t < k.t_melt)) return 0;
  return 1 - std::pow((t - k.t_transition) * k.per_range, k.m);
}

// y at rates up to rate_0.
template <class Real>
inline Real static_flow(const JohnsonCookConstants<Real>& k, Real p, Real t) {
  const Real hardening = p > 0 && k.b > 0 ? k.a + k.b * std::pow(p, k.n) : k.a;
  return hardening * thermal_factor(k, t);
}

template <class Real>
struct FlowValue {
  Real y;          // flow stress
  Real dy_dx;      // its total derivative along the step
  Real d2y_dx2;    // and the second
  Real dy_dt;      // its derivative with respect to the temperature
  Real magnitude;  // sum of the sizes of the terms of dy_dx: a measure of the higher derivatives
};

// Below this, the series here are exact to rounding, and cost a tenth of a power or a logarithm.
template <class Real>
inline bool near_zero(Real u) {
  return std::fabs(u) < Real(1e-3);
}

// (1 + u)^n, u near zero
template <class Real>
inline Real power_near_one(Real u, Real n) {
  const Real tail = 1 + u * (n - 3) * Real(0.25) * (1 + u * (n - 4) * Real(0.2));
  return 1 + u * n * (1 + u * (n - 1) * Real(0.5) * (1 + u * (n - 2) * (Real(1) / 3) * tail));
}

// ln(1 + u), u near zero
template <class Real>
inline Real log_near_one(Real u) {
  return u * (1 - u * (Real(0.5) - u * (Real(1) / 3 - u * (Real(0.25) - u * Real(0.2)))));
}

// The flow stress along one step. Powers and logarithm are computed once, at the first x; others follow from
// their ratios to it, which are close to one.
template <class Real>
class FlowAlongStep {
 public:
  FlowAlongStep(const JohnsonCookConstants<Real>& constants, const JohnsonCookStep<Real>& step, Real x)
      : k_(constants), step_(step), x_0_(x), p_0_(step.p_old + x), above_0_(above(x)) {
    if (k_.b > 0) hardening_0_ = hardening_of(p_0_);
    if (rated()) log_0_ = log_rate_of(x);
    if (above_0_ > 0) heat_0_ = heat_of(above_0_);
    per_x_0_ = 1 / x_0_;
    per_p_0_ = 1 / p_0_;
    per_above_0_ = above_0_ > 0 ? 1 / above_0_ : Real(0);
  }

  FlowValue<Real> at_first() const {
    return combine({x_0_, per_x_0_, per_p_0_, hardening_0_, log_0_, above_0_, per_above_0_, heat_0_});
  }

  // x > 0
  FlowValue<Real> at(Real x) const {
    const Real p = step_.p_old + x, t = above(x);
    const Real p_change = (p - p_0_) * per_p_0_, x_change = (x - x_0_) * per_x_0_;
    const Real t_change = (t - above_0_) * per_above_0_;
    Real hardening = 0, log_rate = 0, heat = 0;
    if (k_.b > 0)
      hardening = near_zero(p_change) ? hardening_0_ * power_near_one(p_change, k_.n) : hardening_of(p);
    if (rated()) log_rate = near_zero(x_change) ? log_0_ + log_near_one(x_change) : log_rate_of(x);
    if (t > 0)
      heat = above_0_ > 0 && near_zero(t_change) ? heat_0_ * power_near_one(t_change, k_.m) : heat_of(t);
    return combine({x, 1 / x, 1 / p, hardening, log_rate, t, t > 0 ? 1 / t : Real(0), heat});
  }

  // Which smooth branch of y an x lies on: the kinks are the transition, melting, and rate_0.
  int branch_of(Real x) const {
    const Real t = above(x);
    const int warm = t > 0, molten = !(t < k_.t_melt - k_.t_transition), fast = x * step_.per_rate_strain > 1;
    return warm | molten << 1 | fast << 2;
  }

 private:
  struct Terms {
    Real x, per_x, per_p;
    Real hardening;         // B p^n
    Real log_rate;          // ln(rate / rate_0)
    Real above, per_above;  // temperature above the transition, and its reciprocal where it is positive
    Real heat;              // T*^m
  };

  bool rated() const { return step_.per_rate_strain > 0; }
  Real mean_flow(Real x) const { return Real(0.5) * (step_.q_start + step_.q_trial - k_.three_g * x); }
  Real above(Real x) const { return step_.t_old - k_.t_transition + step_.heat * x * mean_flow(x); }
  Real hardening_of(Real p) const { return k_.b * std::pow(p, k_.n); }
  Real log_rate_of(Real x) const { return std::log(x * step_.per_rate_strain); }
  Real heat_of(Real above) const { return std::pow(above * k_.per_range, k_.m); }

  FlowValue<Real> combine(const Terms& v) const {
    const Real h = k_.a + v.hardening, h_1 = k_.n * v.hardening * v.per_p, h_2 = (k_.n - 1) * h_1 * v.per_p;
    const bool fast = v.log_rate > 0;
    const Real r = fast ? 1 + k_.c * v.log_rate : Real(1), r_1 = fast ? k_.c * v.per_x : Real(0);
    const Real r_2 = -r_1 * v.per_x;
    // molten: v.heat is no longer used
    const bool solid = v.above < k_.t_melt - k_.t_transition;
    const Real thermal = solid ? 1 - v.heat : Real(0);
    const Real thermal_t = solid ? -k_.m * v.heat * v.per_above : Real(0);
    const Real t_1 = step_.heat * (mean_flow(v.x) - Real(0.5) * k_.three_g * v.x),
               t_2 = -step_.heat * k_.three_g;
    const Real e_1 = thermal_t * t_1;
    const Real e_2 = (k_.m - 1) * v.per_above * e_1 * t_1 + thermal_t * t_2;
    const Real mechanical = h_1 * r + h * r_1, hr = h * r;
    return {hr * thermal, mechanical * thermal + hr * e_1,
            (h_2 * r + h * r_2 + 2 * h_1 * r_1) * thermal + 2 * mechanical * e_1 + hr * e_2, hr * thermal_t,
            mechanical * thermal + std::fabs(hr * e_1)};
  }

  const JohnsonCookConstants<Real>& k_;
  const JohnsonCookStep<Real>& step_;
  Real x_0_, p_0_, above_0_;
  Real per_x_0_, per_p_0_, per_above_0_;
  Real hardening_0_ = 0, log_0_ = 0, heat_0_ = 0;
};

// The binary exponent of x > 0: what std::ilogb answers, without a call.
inline int binary_exponent(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<int>(bits >> 52) - 1023;
}

// A first guess for a point that went on flowing: Newton's step from the increment `last` that its old rate
// gives, with the flow stress at the start and slopes estimated from it without a power or a logarithm. Not
// positive where the point seems to unload.
template <class Real>
inline Real continued_flow(const JohnsonCookConstants<Real>& k, const JohnsonCookStep<Real>& step,
                           Real last) {
  const Real y = step.q_start, fast = last * step.per_rate_strain;
  // ln 2 times the binary exponent, half a bit added, stands for the logarithm; 1 - T* for 1 - T*^m
  const Real rate = fast > 1 ? 1 + k.c * Real(0.6931) * (Real(binary_exponent(fast)) + Real(0.5)) : Real(1);
  const bool softens = step.t_old > k.t_transition && step.t_old < k.t_melt;
  const Real thermal = softens ? (k.t_melt - step.t_old) * k.per_range : Real(1);
  const Real hardened = y - k.a * rate * thermal;
  Real slope = k.three_g;
  if (step.p_old > 0 && hardened > 0) slope += k.n * hardened / step.p_old;
  if (softens) slope -= step.heat * y * y / (k.t_melt - step.t_old);
  const Real rate_slope = fast > 1 ? k.c * y / rate : Real(0);
  const Real guess = last + (step.q_trial - y - slope * last) * last / (slope * last + rate_slope);
  return guess < 16 * last ? guess : 16 * last;
}

// The root of r(x), starting from `guess` > 0; 0 where the step is elastic. `yield` is the static flow stress
// at the start where the caller knows it, negative otherwise (then it is computed only if Newton's step
// asks).
template <class Real>
inline Real plastic_increment(const JohnsonCookConstants<Real>& k, const JohnsonCookStep<Real>& step,
                              Real guess, Real yield, int& evaluations) {
  const Real tolerance = 4 * epsilon<Real>() * step.q_trial;
  // Relative error that is accepted, in dp and in the flow stress.
  const Real close = sizeof(Real) == 8 ? Real(1e-11) : Real(5e-7);
  Real low = 0, high = step.q_trial / k.three_g;
  Real x = guess < high ? guess : high;
  const FlowAlongStep<Real> flow(k, step, x);
  FlowValue<Real> value = flow.at_first();
  for (int iteration = 0; iteration < 200; ++iteration) {
    evaluations = iteration + 1;
    const Real residual = step.q_trial - k.three_g * x - value.y;
    if (std::fabs(residual) <= tolerance) return x;
    if (residual > 0)
      low = x;
    else
      high = x;
    if (high * k.three_g <= tolerance) return high;  // a root so small leaves the stress as it is
    const Real slope = k.three_g + value.dy_dx, per_slope = 1 / slope;
    Real d = residual * per_slope;
    // Chebyshev's correction makes the step third order, where it is small.
    const Real bend = Real(0.5) * value.d2y_dx2 * d * per_slope;
    if (std::fabs(bend) < Real(0.1)) d *= 1 - bend;
    Real next = x + d;
    if (slope > 0 && next > low && next <= high && iteration < 40) {
      const Real strain_slack = slope * next;
      const Real slack = strain_slack < value.y ? strain_slack : value.y;
      const bool small = 3 * std::fabs(d) * d * d * value.magnitude <= close * x * x * slack;
      if (small && flow.branch_of(x) == flow.branch_of(next)) return next;
    } else {
      if (yield < 0 && !(low > 0)) {
        yield = static_flow(k, step.p_old, step.t_old);
        if (!(step.q_trial > yield)) return 0;
      }
      if (!(high - low > 2 * epsilon<Real>() * high)) return high;
      next = iteration >= 40 ? Real(0.5) * (low + high) : low > 0 ? std::sqrt(low * high) : high / 64;
    }
    x = next;
    value = flow.at(x);
  }
  return high;
}

}  // namespace pybridge
