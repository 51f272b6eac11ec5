// Activations on vectors, for *_isa.cpp only. Each lane depends on its own value alone.
//
// exp(x) = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2, e^r by its Taylor polynomial (degree 7 in float, 13
// in double: the remainder is below a tenth of an ulp).
#pragma once

#include "network/layer.h"
#include "network/simd.h"

namespace pybridge::PYBRIDGE_ISA::network {

template <class Real>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float lowest = -87.0f;     // exp below the smallest normal number is not needed
  static constexpr float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to a whole number
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // n * ln2_high is exact
  static constexpr int degree = 7, mantissa_bits = 23, exponent_bias = 127;
};

template <>
struct ExpConstants<double> {
  static constexpr double lowest = -708.0;
  static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr int degree = 13, mantissa_bits = 52, exponent_bias = 1023;
};

// exp(x) - 1 = power * small + (power - 1) and exp(x) = power * small + power, with small = e^r - 1, power =
// 2^n.
template <class Real>
struct SplitExp {
  Vector<Real> power;
  Vector<Real> small;
};

// For x <= 0. Not-a-number passes through.
template <class Real>
inline SplitExp<Real> split_exp(Vector<Real> x) {
  using C = ExpConstants<Real>;
  using Integers = typename Lanes<Real>::Integers;
  constexpr Real inverse_factorial[] = {1.0,
                                        1.0,
                                        1.0 / 2,
                                        1.0 / 6,
                                        1.0 / 24,
                                        1.0 / 120,
                                        1.0 / 720,
                                        1.0 / 5040,
                                        1.0 / 40320,
                                        1.0 / 362880,
                                        1.0 / 3628800,
                                        1.0 / 39916800,
                                        1.0 / 479001600,
                                        1.0 / 6227020800.0};
  const Vector<Real> lowest = broadcast<Real>(C::lowest), magic = broadcast<Real>(C::magic);
  x = x < lowest ? lowest : x;
  const Vector<Real> shifted = multiply_add(x, broadcast<Real>(Real(1.44269504088896340736)), magic);
  const Vector<Real> n = shifted - magic;
  Vector<Real> r = multiply_add(n, broadcast<Real>(-C::ln2_high), x);
  r = multiply_add(n, broadcast<Real>(-C::ln2_low), r);
  // Even and odd powers apart: two chains half as long, which is what one point alone waits for.
  const Vector<Real> square = r * r;
  Vector<Real> odd = broadcast<Real>(inverse_factorial[C::degree]);
  Vector<Real> even = broadcast<Real>(inverse_factorial[C::degree - 1]);
  for (int k = C::degree - 2; k >= 1; k -= 2)
    odd = multiply_add(odd, square, broadcast<Real>(inverse_factorial[k]));
  for (int k = C::degree - 3; k >= 1; k -= 2)
    even = multiply_add(even, square, broadcast<Real>(inverse_factorial[k]));
  const Vector<Real> p = multiply_add(even, r, odd);
  const Integers whole = (Integers)shifted - (Integers)magic + C::exponent_bias;
  return {(Vector<Real>)(whole << C::mantissa_bits), p * r};
}

template <class Real>
inline Vector<Real> exp_negative(Vector<Real> x) {
  const SplitExp<Real> e = split_exp<Real>(x);
  return multiply_add(e.power, e.small, e.power);
}

template <class Real>
inline Vector<Real> expm1_negative(Vector<Real> x) {
  const SplitExp<Real> e = split_exp<Real>(x);
  return multiply_add(e.power, e.small, e.power - broadcast<Real>(1));
}

template <class Real>
inline Vector<Real> minus_absolute(Vector<Real> x) {
  return x > Vector<Real>{} ? -x : x;
}

template <class Real>
inline Vector<Real> sigmoid(Vector<Real> x) {
  const Vector<Real> one = broadcast<Real>(1);
  const Vector<Real> e = exp_negative<Real>(minus_absolute<Real>(x));
  return (x > Vector<Real>{} ? one : e) / (one + e);
}

template <class Real>
inline Vector<Real> tanh(Vector<Real> x) {
  // With m = expm1(-2 |x|): tanh |x| = -m / (m + 2), accurate for small x too.
  const Vector<Real> two = broadcast<Real>(2);
  const Vector<Real> m = expm1_negative<Real>(two * minus_absolute<Real>(x));
  const Vector<Real> t = m / (m + two);
  return x > Vector<Real>{} ? -t : t;
}

// Value and derivative of an activation. Where only one is used, the compiler drops the other.
template <class Real>
struct ValueAndSlope {
  Vector<Real> value;
  Vector<Real> slope;
};

template <Activation Kind, class Real>
inline ValueAndSlope<Real> activated(Vector<Real> x) {
  const Vector<Real> zero{}, one = broadcast<Real>(1);
  if constexpr (Kind == Activation::relu) {
    return {x < zero ? zero : x, x > zero ? one : zero};
  } else if constexpr (Kind == Activation::tanh) {
    const Vector<Real> y = tanh<Real>(x);
    return {y, one - y * y};
  } else if constexpr (Kind == Activation::sigmoid) {
    const Vector<Real> y = sigmoid<Real>(x);
    return {y, y * (one - y)};
  } else if constexpr (Kind == Activation::selu) {
    const Vector<Real> scale = broadcast<Real>(Real(1.0507009873554804934193349852946));
    const Vector<Real> scaled_alpha =
        broadcast<Real>(Real(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717));
    const Vector<Real> below = scaled_alpha * expm1_negative<Real>(x > zero ? zero : x);
    return {x > zero ? scale * x : below, x > zero ? scale : below + scaled_alpha};
  } else if constexpr (Kind == Activation::silu) {
    const Vector<Real> s = sigmoid<Real>(x), y = x * s;
    return {y, s + y * (one - s)};
  } else {
    return {x, one};
  }
}

template <Activation Kind>
struct ActivationKind {
  static constexpr Activation value = Kind;
};

// Calls body(ActivationKind<activation>()), so that the choice is made once for many vectors.
template <class Body>
inline __attribute__((always_inline)) void with_kind(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::linear:
      return body(ActivationKind<Activation::linear>());
    case Activation::relu:
      return body(ActivationKind<Activation::relu>());
    case Activation::tanh:
      return body(ActivationKind<Activation::tanh>());
    case Activation::sigmoid:
      return body(ActivationKind<Activation::sigmoid>());
    case Activation::selu:
      return body(ActivationKind<Activation::selu>());
    case Activation::silu:
      return body(ActivationKind<Activation::silu>());
  }
}

// In place on `count` values, a multiple of the lanes.
template <class Real>
inline void activate(Real* y, int count, Activation activation) {
  if (activation == Activation::linear) return;
  with_kind(activation, [&](auto kind) {
    for (int i = 0; i < count; i += Lanes<Real>::count)
      store(y + i, activated<decltype(kind)::value, Real>(load(y + i)).value);
  });
}

}  // namespace pybridge::PYBRIDGE_ISA::network
