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

// x^n, x > 0. In double precision the logarithm's rounding times n ln x stays far below what is asked of a
// step, and saves a tenth of the time; single precision cannot spare the digits.
inline double power(double x, double n) { return std::exp(n * std::log(x)); }
inline float power(float x, float n) { return std::pow(x, n); }

template <class Real>
inline Real thermal_factor(const JohnsonCookConstants<Real>& k, Real t) {
  if (!(t > k.t_transition)) return 1;
  if (!(t < k.t_melt)) return 0;
  return 1 - power((t - k.t_transition) * k.per_range, k.m);
}

// y at rates up to rate_0.
template <class Real>
inline Real static_flow(const JohnsonCookConstants<Real>& k, Real p, Real t) {
  const Real hardening = p > 0 && k.b > 0 ? k.a + k.b * power(p, k.n) : k.a;
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

// The flow stress along one step, as a function of x > 0.
template <class Real>
class FlowAlongStep {
 public:
  FlowAlongStep(const JohnsonCookConstants<Real>& constants, const JohnsonCookStep<Real>& step)
      : k_(constants), step_(step) {}

  FlowValue<Real> at(Real x) const {
    const Real per_x = 1 / x, per_p = 1 / (step_.p_old + x);
    // hardening h, rate factor r, thermal factor e, and their derivatives
    const Real hardened = k_.b > 0 ? k_.b * power(step_.p_old + x, k_.n) : Real(0);
    const Real h = k_.a + hardened, h_1 = k_.n * hardened * per_p, h_2 = (k_.n - 1) * h_1 * per_p;
    const bool fast = x * step_.per_rate_strain > 1;
    const Real r = fast ? 1 + k_.c * std::log(x * step_.per_rate_strain) : Real(1);
    const Real r_1 = fast ? k_.c * per_x : Real(0), r_2 = -r_1 * per_x;
    const Thermal thermal = thermal_at(x);
    const Real e = thermal.e, e_1 = thermal.e_t * thermal.t_1;
    const Real e_2 = thermal.e_tt * thermal.t_1 * thermal.t_1 - thermal.e_t * step_.heat * k_.three_g;
    const Real hr = h * r, hr_1 = h_1 * r + h * r_1, hr_2 = h_2 * r + 2 * h_1 * r_1 + h * r_2;
    return {hr * e, hr_1 * e + hr * e_1, hr_2 * e + 2 * hr_1 * e_1 + hr * e_2, hr * thermal.e_t,
            hr_1 * e + std::fabs(hr * e_1)};
  }

  // Which smooth branch of y an x lies on: the kinks are the transition, melting, and rate_0.
  int branch_of(Real x) const {
    const Real t = above(x);
    const int warm = t > 0, molten = !(t < k_.t_melt - k_.t_transition), fast = x * step_.per_rate_strain > 1;
    return warm | molten << 1 | fast << 2;
  }

 private:
  struct Thermal {
    Real e, e_t, e_tt;  // 1 - T*^m and its derivatives with respect to T
    Real t_1;           // dT / dx
  };

  Real mean_flow(Real x) const { return Real(0.5) * (step_.q_start + step_.q_trial - k_.three_g * x); }
  // Temperature above the transition.
  Real above(Real x) const { return step_.t_old - k_.t_transition + step_.heat * x * mean_flow(x); }

  Thermal thermal_at(Real x) const {
    const Real t = above(x), t_1 = step_.heat * (mean_flow(x) - Real(0.5) * k_.three_g * x);
    if (!(t > 0)) return {1, 0, 0, t_1};
    if (!(t < k_.t_melt - k_.t_transition)) return {0, 0, 0, t_1};
    const Real heat = power(t * k_.per_range, k_.m), per_t = 1 / t;
    const Real e_t = -k_.m * heat * per_t;
    return {1 - heat, e_t, (k_.m - 1) * e_t * per_t, t_1};
  }

  const JohnsonCookConstants<Real>& k_;
  const JohnsonCookStep<Real>& step_;
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
  // ln 2 times the binary exponent, half a bit added, stands for the logarithm, 1 - T* for 1 - T*^m
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

// The root of r(x), starting from `guess` > 0; 0 where the step is elastic after all. `evaluations` counts
// the flow stresses that were needed: one where the guess is good.
template <class Real>
inline Real plastic_increment(const JohnsonCookConstants<Real>& k, const JohnsonCookStep<Real>& step,
                              Real guess, int& evaluations) {
  const Real tolerance = 4 * epsilon<Real>() * step.q_trial;
  // Relative error that is accepted, in dp and in the flow stress.
  const Real close = sizeof(Real) == 8 ? Real(1e-11) : Real(5e-7);
  Real low = 0, high = step.q_trial / k.three_g;
  Real x = guess < high ? guess : high;
  const FlowAlongStep<Real> flow(k, step);
  FlowValue<Real> value = flow.at(x);
  for (int iteration = 0; iteration < 100; ++iteration) {
    evaluations = iteration + 1;
    const Real residual = step.q_trial - k.three_g * x - value.y;
    if (std::fabs(residual) <= tolerance) return x;
    if (residual > 0)
      low = x;
    else
      high = x;
    // A root so small leaves the stress as it is: either p^n rises steeply there, or the step is elastic.
    if (high * k.three_g <= tolerance)
      return step.q_trial > static_flow(k, step.p_old, step.t_old) ? high : Real(0);
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
      next = iteration >= 40 ? Real(0.5) * (low + high) : low > 0 ? std::sqrt(low * high) : high / 64;
    }
    x = next;
    value = flow.at(x);
  }
  return high;
}

}  // namespace pybridge
