// Vectors of reals for the files compiled once for each instruction set: one lane, one material point.
//
// Only GCC's vector extensions and functions of our own: inline code of the standard library must not be
// instantiated here (CMakeLists.txt says why).
#pragma once

namespace pybridge {
namespace PYBRIDGE_ISA {

#define PYBRIDGE_INLINE static inline __attribute__((always_inline))
// Large functions called from several places: one copy each keeps code and compile time small.
#define PYBRIDGE_NOINLINE static __attribute__((noinline))

template <class Real>
struct Simd;

template <>
struct Simd<double> {
  using Int = long long;
  typedef double V __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  typedef long long M __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));  // masks: 0 or -1; bits of V
  static constexpr int lanes = PYBRIDGE_SIMD_BYTES / 8;
  static constexpr int mantissa_bits = 52, exponent_bias = 1023;
  static constexpr double exp_least = -700;
  static constexpr Int mantissa_mask = 0xFFFFFFFFFFFFF, half_bits = 0x3FE0000000000000, sign_bit = 1LL << 63;
};

template <>
struct Simd<float> {
  using Int = int;
  typedef float V __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  typedef int M __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  static constexpr int lanes = PYBRIDGE_SIMD_BYTES / 4;
  static constexpr int mantissa_bits = 23, exponent_bias = 127;
  static constexpr double exp_least = -85;
  static constexpr Int mantissa_mask = 0x7FFFFF, half_bits = 0x3F000000,
                       sign_bit = static_cast<Int>(1u << 31);
};

template <class Real>
using Vec = typename Simd<Real>::V;
template <class Real>
using Mask = typename Simd<Real>::M;

template <class Real>
PYBRIDGE_INLINE Vec<Real> fill(Real x) {
  return x - Vec<Real>{};
}

template <class M>
PYBRIDGE_INLINE bool any(M mask) {
  typedef long long Q __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  const Q q = reinterpret_cast<Q>(mask);
#if PYBRIDGE_SIMD_BYTES == 32 && defined(__AVX__)
  return !__builtin_ia32_ptestz256(q, q);
#else
  long long all = 0;
  for (int i = 0; i < PYBRIDGE_SIMD_BYTES / 8; ++i) all |= q[i];
  return all != 0;
#endif
}

template <class V>
PYBRIDGE_INLINE V least(V a, V b) {
  return a < b ? a : b;
}
template <class V>
PYBRIDGE_INLINE V most(V a, V b) {
  return a > b ? a : b;
}

template <class Real>
PYBRIDGE_INLINE Vec<Real> magnitude(Vec<Real> x) {
  return reinterpret_cast<Vec<Real>>(reinterpret_cast<Mask<Real>>(x) & ~Simd<Real>::sign_bit);
}

// x >= 0 with the sign of y.
template <class Real>
PYBRIDGE_INLINE Vec<Real> with_sign(Vec<Real> x, Vec<Real> y) {
  return reinterpret_cast<Vec<Real>>(reinterpret_cast<Mask<Real>>(x) |
                                     (reinterpret_cast<Mask<Real>>(y) & Simd<Real>::sign_bit));
}

// exp(x), x clipped to +-exp_least; relative error below 1e-15 (double), 1e-7 (float).
template <class Real>
PYBRIDGE_INLINE Vec<Real> exponential(Vec<Real> x) {
  using S = Simd<Real>;
  const Real least_x = static_cast<Real>(S::exp_least);
  x = most<Vec<Real>>(x, fill<Real>(least_x));
  x = least<Vec<Real>>(x, fill<Real>(-least_x));
  // The magic number rounds to the nearest integer and leaves it in the low bits.
  const Real magic = static_cast<Real>(1.5 * static_cast<double>(1LL << S::mantissa_bits));
  const Vec<Real> shifted = x * static_cast<Real>(1.44269504088896340736) + magic;
  const Vec<Real> k = shifted - magic;
  const Real ln2_high = static_cast<Real>(sizeof(Real) == 8 ? 6.93147180369123816490e-01 : 0.693359375);
  const Real ln2_low = static_cast<Real>(sizeof(Real) == 8 ? 1.90821492927058770002e-10 : -2.12194440e-4);
  const Vec<Real> r = (x - k * ln2_high) - k * ln2_low;
  constexpr int degree = sizeof(Real) == 8 ? 12 : 6;
  constexpr double inverse_factorial[13] = {
      1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,      1.0 / 720,
      1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600};
  Vec<Real> sum = fill<Real>(static_cast<Real>(inverse_factorial[degree]));
  for (int i = degree - 1; i >= 0; --i) sum = sum * r + static_cast<Real>(inverse_factorial[i]);
  const Mask<Real> power = (reinterpret_cast<Mask<Real>>(shifted) + S::exponent_bias) << S::mantissa_bits;
  return sum * reinterpret_cast<Vec<Real>>(power);
}

// log(x) for x > 0 and normal, from the series of artanh((f - 1) / (f + 1)), f in [sqrt(1/2), sqrt(2)).
template <class Real>
PYBRIDGE_INLINE Vec<Real> logarithm(Vec<Real> x) {
  using S = Simd<Real>;
  const Mask<Real> bits = reinterpret_cast<Mask<Real>>(x);
  Mask<Real> e = (bits >> S::mantissa_bits) - (S::exponent_bias - 1);
  Vec<Real> f = reinterpret_cast<Vec<Real>>((bits & S::mantissa_mask) | S::half_bits);  // in [1/2, 1)
  const Mask<Real> low = f < static_cast<Real>(0.70710678118654752440);
  f = low ? f + f : f;
  e += low;  // true is -1
  const Vec<Real> t = (f - Real(1)) / (f + Real(1)), t2 = t * t;
  constexpr int terms = sizeof(Real) == 8 ? 11 : 5;
  Vec<Real> sum = fill<Real>(static_cast<Real>(1.0 / (2 * terms + 1)));
  for (int i = terms - 1; i >= 0; --i) sum = sum * t2 + static_cast<Real>(1.0 / (2 * i + 1));
  const Vec<Real> k = __builtin_convertvector(e, Vec<Real>);
  return Real(2) * t * sum + k * static_cast<Real>(0.69314718055994530942);
}

// x^p for x >= 0; 0 for x = 0.
template <class Real>
PYBRIDGE_INLINE Vec<Real> power(Vec<Real> x, Real p) {
  const Real tiny = static_cast<Real>(1e-30);
  return x > tiny ? exponential<Real>(p * logarithm<Real>(most<Vec<Real>>(x, fill<Real>(tiny))))
                  : Vec<Real>{};
}

// Component c of points [i, i + valid) of rows `stride` apart; missing lanes repeat the last point.
template <class Real>
PYBRIDGE_INLINE Vec<Real> load(const Real* row, int valid) {
  Vec<Real> v;
  if (valid == Simd<Real>::lanes) {
    __builtin_memcpy(&v, row, sizeof v);
  } else {
    for (int i = 0; i < Simd<Real>::lanes; ++i) v[i] = row[i < valid ? i : valid - 1];
  }
  return v;
}

template <class Real>
PYBRIDGE_INLINE void store(Real* row, Vec<Real> v, int valid) {
  if (valid == Simd<Real>::lanes) {
    __builtin_memcpy(row, &v, sizeof v);
  } else {
    for (int i = 0; i < valid; ++i) row[i] = v[i];
  }
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
