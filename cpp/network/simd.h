// Vectors of the instruction set being compiled, for *_isa.cpp only. Lanes are independent points or outputs.
#pragma once

#include <immintrin.h>

namespace pybridge::PYBRIDGE_ISA::network {

template <class Real>
struct Lanes;

template <>
struct Lanes<float> {
  typedef float Vector __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  typedef int Integers __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  static constexpr int count = PYBRIDGE_SIMD_BYTES / 4;
};

template <>
struct Lanes<double> {
  typedef double Vector __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  typedef long long Integers __attribute__((vector_size(PYBRIDGE_SIMD_BYTES)));
  static constexpr int count = PYBRIDGE_SIMD_BYTES / 8;
};

template <class Real>
using Vector = typename Lanes<Real>::Vector;

// a * b + c: fused where the instruction set has it; two roundings in the baseline, everywhere alike.
#if defined(__AVX512F__) && PYBRIDGE_SIMD_BYTES == 64
inline Vector<float> multiply_add(Vector<float> a, Vector<float> b, Vector<float> c) {
  return (Vector<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
inline Vector<double> multiply_add(Vector<double> a, Vector<double> b, Vector<double> c) {
  return (Vector<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#elif defined(__FMA__) && PYBRIDGE_SIMD_BYTES == 32
inline Vector<float> multiply_add(Vector<float> a, Vector<float> b, Vector<float> c) {
  return (Vector<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
inline Vector<double> multiply_add(Vector<double> a, Vector<double> b, Vector<double> c) {
  return (Vector<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#else
inline Vector<float> multiply_add(Vector<float> a, Vector<float> b, Vector<float> c) { return a * b + c; }
inline Vector<double> multiply_add(Vector<double> a, Vector<double> b, Vector<double> c) { return a * b + c; }
#endif

template <class Real>
inline Vector<Real> broadcast(Real value) {
  return value - Vector<Real>{};
}

template <class Real>
inline Vector<Real> load(const Real* p) {
  return *reinterpret_cast<const Vector<Real>*>(p);
}

template <class Real>
inline void store(Real* p, Vector<Real> v) {
  *reinterpret_cast<Vector<Real>*>(p) = v;
}

}  // namespace pybridge::PYBRIDGE_ISA::network
