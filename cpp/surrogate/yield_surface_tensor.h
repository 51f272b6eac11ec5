// Symmetric tensors of the learned yield surface: 6 tensor components 11, 22, 33, 12, 23, 13 or 5 deviatoric
// ones
//   (2 t33 - t11 - t22) / sqrt6, (t11 - t22) / sqrt2, sqrt2 t12, sqrt2 t23, sqrt2 t13
// one lane a point.
#pragma once

#include "crystal/simd.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

constexpr double inverse_sqrt6 = 0.40824829046386301637, inverse_sqrt2 = 0.70710678118654752440;

// det(1 + a) - 1, with the digits of small a.
template <class V>
PYBRIDGE_FORCE_INLINE V dilation_of(const V a[6]) {
  const V first = a[0] + a[1] + a[2];
  const V second = a[0] * a[1] + a[1] * a[2] + a[0] * a[2] - (a[3] * a[3] + a[4] * a[4] + a[5] * a[5]);
  const V third = a[0] * (a[1] * a[2] - a[4] * a[4]) - a[3] * (a[3] * a[2] - a[4] * a[5]) +
                  a[5] * (a[3] * a[4] - a[1] * a[5]);
  return first + second + third;
}

template <class V>
PYBRIDGE_FORCE_INLINE void square(const V a[6], V out[6]) {
  out[0] = a[0] * a[0] + a[3] * a[3] + a[5] * a[5];
  out[1] = a[3] * a[3] + a[1] * a[1] + a[4] * a[4];
  out[2] = a[5] * a[5] + a[4] * a[4] + a[2] * a[2];
  out[3] = a[0] * a[3] + a[3] * a[1] + a[5] * a[4];
  out[4] = a[3] * a[5] + a[1] * a[4] + a[4] * a[2];
  out[5] = a[0] * a[5] + a[3] * a[4] + a[5] * a[2];
}

// a c a
template <class V>
PYBRIDGE_FORCE_INLINE void congruence(const V a[6], const V c[6], V out[6]) {
  const V r00 = a[0] * c[0] + a[3] * c[3] + a[5] * c[5], r01 = a[0] * c[3] + a[3] * c[1] + a[5] * c[4],
          r02 = a[0] * c[5] + a[3] * c[4] + a[5] * c[2];
  const V r10 = a[3] * c[0] + a[1] * c[3] + a[4] * c[5], r11 = a[3] * c[3] + a[1] * c[1] + a[4] * c[4],
          r12 = a[3] * c[5] + a[1] * c[4] + a[4] * c[2];
  const V r20 = a[5] * c[0] + a[4] * c[3] + a[2] * c[5], r21 = a[5] * c[3] + a[4] * c[1] + a[2] * c[4],
          r22 = a[5] * c[5] + a[4] * c[4] + a[2] * c[2];
  out[0] = r00 * a[0] + r01 * a[3] + r02 * a[5];
  out[1] = r10 * a[3] + r11 * a[1] + r12 * a[4];
  out[2] = r20 * a[5] + r21 * a[4] + r22 * a[2];
  out[3] = r00 * a[3] + r01 * a[1] + r02 * a[4];
  out[4] = r10 * a[5] + r11 * a[4] + r12 * a[2];
  out[5] = r00 * a[5] + r01 * a[4] + r02 * a[2];
}

template <class V>
PYBRIDGE_FORCE_INLINE void inverse_of(const V u[6], V inverse_volume, V out[6]) {
  out[0] = (u[1] * u[2] - u[4] * u[4]) * inverse_volume;
  out[1] = (u[0] * u[2] - u[5] * u[5]) * inverse_volume;
  out[2] = (u[0] * u[1] - u[3] * u[3]) * inverse_volume;
  out[3] = (u[4] * u[5] - u[3] * u[2]) * inverse_volume;
  out[4] = (u[3] * u[5] - u[0] * u[4]) * inverse_volume;
  out[5] = (u[3] * u[4] - u[1] * u[5]) * inverse_volume;
}

template <class Real>
PYBRIDGE_FORCE_INLINE void deviatoric(const Vec<Real> b[6], Vec<Real> factor, Vec<Real> e[5]) {
  const Real sqrt2 = static_cast<Real>(2 * inverse_sqrt2);
  e[0] = (b[2] + b[2] - b[0] - b[1]) * static_cast<Real>(inverse_sqrt6) * factor;
  e[1] = (b[0] - b[1]) * static_cast<Real>(inverse_sqrt2) * factor;
  for (int i = 2; i < 5; ++i) e[i] = b[i + 1] * sqrt2 * factor;
}

template <class Real>
PYBRIDGE_FORCE_INLINE void expand(const Vec<Real> e[5], Vec<Real> out[6]) {
  const Vec<Real> first = e[0] * static_cast<Real>(inverse_sqrt6),
                  second = e[1] * static_cast<Real>(inverse_sqrt2);
  out[0] = second - first;
  out[1] = -second - first;
  out[2] = first + first;
  for (int i = 2; i < 5; ++i) out[i + 1] = e[i] * static_cast<Real>(inverse_sqrt2);
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
