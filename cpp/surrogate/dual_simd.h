// Dual numbers for kernels written over Vec<Real>, for *_isa.cpp only: a kernel instantiated with Real =
// Scalar answers its value and the exact derivative in up to seven directions (forward mode), with the
// arithmetic, to the last bit, of the kernel itself.
//
// A Dual holds the value in its first lane and the derivatives in the others; in a block's memory it takes
// Dual::lanes numbers, so that a block of duals has one point and a stride of Dual::lanes.
#pragma once

#include "crystal/simd.h"
#include "network/activation_simd.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

// A constant; it may alias double.
struct __attribute__((may_alias)) Scalar {
  double x;
  Scalar() = default;
  constexpr Scalar(double value) : x(value) {}
  constexpr operator double() const { return x; }
};

struct Dual {
  static constexpr int lanes = 8;
  typedef double V __attribute__((vector_size(8 * lanes)));
  V v;
  double operator[](int) const { return v[0]; }
};

struct DualMask {
  bool x;
  explicit operator bool() const { return x; }
  bool operator[](int) const { return x; }
};
static inline DualMask operator~(DualMask a) { return {!a.x}; }
static inline DualMask operator&(DualMask a, DualMask b) { return {a.x && b.x}; }
static inline DualMask operator|(DualMask a, DualMask b) { return {a.x || b.x}; }
static inline DualMask& operator&=(DualMask& a, DualMask b) { return a = a & b; }
static inline DualMask& operator|=(DualMask& a, DualMask b) { return a = a | b; }
static inline bool any(DualMask a) { return a.x; }

template <>
struct Simd<Scalar> {
  using V = Dual;
  using M = DualMask;
  static constexpr int lanes = 1;
};

// f(a) from its value and slope.
PYBRIDGE_FORCE_INLINE Dual chain(const Dual& a, double value, double slope) {
  Dual result{a.v * slope};
  result.v[0] = value;
  return result;
}

PYBRIDGE_FORCE_INLINE Dual constant(double x) {
  Dual result{};
  result.v[0] = x;
  return result;
}

PYBRIDGE_FORCE_INLINE Dual operator+(const Dual& a, const Dual& b) { return {a.v + b.v}; }
PYBRIDGE_FORCE_INLINE Dual operator-(const Dual& a, const Dual& b) { return {a.v - b.v}; }
PYBRIDGE_FORCE_INLINE Dual operator-(const Dual& a) { return {-a.v}; }
PYBRIDGE_FORCE_INLINE Dual operator*(const Dual& a, const Dual& b) {
  Dual result{a.v * b.v[0] + b.v * a.v[0]};
  result.v[0] = a.v[0] * b.v[0];
  return result;
}
PYBRIDGE_FORCE_INLINE Dual operator/(const Dual& a, const Dual& b) {
  const double quotient = a.v[0] / b.v[0];
  Dual result{(a.v - b.v * quotient) / b.v[0]};
  result.v[0] = quotient;
  return result;
}
PYBRIDGE_FORCE_INLINE Dual operator+(const Dual& a, double b) { return a + constant(b); }
PYBRIDGE_FORCE_INLINE Dual operator+(double a, const Dual& b) { return constant(a) + b; }
PYBRIDGE_FORCE_INLINE Dual operator-(const Dual& a, double b) { return a - constant(b); }
PYBRIDGE_FORCE_INLINE Dual operator-(double a, const Dual& b) { return constant(a) - b; }
PYBRIDGE_FORCE_INLINE Dual operator*(const Dual& a, double b) { return {a.v * b}; }
PYBRIDGE_FORCE_INLINE Dual operator*(double a, const Dual& b) { return {b.v * a}; }
PYBRIDGE_FORCE_INLINE Dual operator/(const Dual& a, double b) { return {a.v / b}; }
PYBRIDGE_FORCE_INLINE Dual operator/(double a, const Dual& b) { return constant(a) / b; }
PYBRIDGE_FORCE_INLINE Dual& operator+=(Dual& a, const Dual& b) { return a = a + b; }
PYBRIDGE_FORCE_INLINE Dual& operator-=(Dual& a, const Dual& b) { return a = a - b; }
PYBRIDGE_FORCE_INLINE Dual& operator*=(Dual& a, const Dual& b) { return a = a * b; }
PYBRIDGE_FORCE_INLINE Dual& operator*=(Dual& a, double b) { return a = a * b; }

PYBRIDGE_FORCE_INLINE DualMask operator<(const Dual& a, const Dual& b) { return {a.v[0] < b.v[0]}; }
PYBRIDGE_FORCE_INLINE DualMask operator>(const Dual& a, const Dual& b) { return {a.v[0] > b.v[0]}; }
PYBRIDGE_FORCE_INLINE DualMask operator<(const Dual& a, double b) { return {a.v[0] < b}; }
PYBRIDGE_FORCE_INLINE DualMask operator>(const Dual& a, double b) { return {a.v[0] > b}; }
PYBRIDGE_FORCE_INLINE DualMask operator==(const Dual& a, double b) { return {a.v[0] == b}; }

template <>
inline Dual exponential<Scalar>(Dual a) {
  const double value = exponential<double>(fill<double>(a.v[0]))[0];
  return chain(a, value, value);
}

template <>
inline Dual logarithm<Scalar>(Dual a) {
  return chain(a, logarithm<double>(fill<double>(a.v[0]))[0], 1 / a.v[0]);
}

template <>
inline Dual magnitude<Scalar>(Dual a) {
  return a.v[0] < 0 ? -a : a;
}

template <>
inline Dual load<Scalar>(const Scalar* row, int) {
  Dual result;
  __builtin_memcpy(&result, row, sizeof result);
  return result;
}

template <>
inline void store<Scalar>(Scalar* row, Dual a, int) {
  __builtin_memcpy(row, &a, sizeof a);
}

namespace network {

template <>
struct Lanes<Scalar> {
  using Vector = Dual;
};

// The weight is constant.
PYBRIDGE_FORCE_INLINE Dual multiply_add(const Dual& weight, const Dual& a, const Dual& b) {
  constexpr int count = Lanes<double>::count;
  const Vector<double> factor = broadcast<double>(weight.v[0]);
  Dual result;
  for (int i = 0; i < Dual::lanes; i += count) {
    Vector<double> x, y;
    __builtin_memcpy(&x, reinterpret_cast<const char*>(&a) + 8 * i, sizeof x);
    __builtin_memcpy(&y, reinterpret_cast<const char*>(&b) + 8 * i, sizeof y);
    const Vector<double> z = multiply_add(factor, x, y);
    __builtin_memcpy(reinterpret_cast<char*>(&result) + 8 * i, &z, sizeof z);
  }
  return result;
}

template <>
inline Dual sigmoid<Scalar>(Dual a) {
  const double value = sigmoid<double>(broadcast<double>(a.v[0]))[0];
  return chain(a, value, value * (1 - value));
}

}  // namespace network

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
