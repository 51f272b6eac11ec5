// 3 x 3 matrices of the periodic cell, row-major; a cell of disks has its third base vector along 3.
#pragma once

#include <cmath>

namespace pybridge {

inline double determinant(const double* a) {
  return a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
         a[2] * (a[3] * a[7] - a[4] * a[6]);
}

// out = a^-1; `a` must not be singular.
inline void invert(const double* a, double* out) {
  const double d = 1 / determinant(a);
  out[0] = d * (a[4] * a[8] - a[5] * a[7]);
  out[1] = d * (a[2] * a[7] - a[1] * a[8]);
  out[2] = d * (a[1] * a[5] - a[2] * a[4]);
  out[3] = d * (a[5] * a[6] - a[3] * a[8]);
  out[4] = d * (a[0] * a[8] - a[2] * a[6]);
  out[5] = d * (a[2] * a[3] - a[0] * a[5]);
  out[6] = d * (a[3] * a[7] - a[4] * a[6]);
  out[7] = d * (a[1] * a[6] - a[0] * a[7]);
  out[8] = d * (a[0] * a[4] - a[1] * a[3]);
}

// out = a b
inline void multiply(const double* a, const double* b, double* out) {
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
}

// |a b^-1 - 1|, Frobenius: how far cell `a` is deformed from the cell whose inverse is given.
inline double deformation(const double* a, const double* b_inverse) {
  double m[9], sum = 0;
  multiply(a, b_inverse, m);
  for (int k = 0; k < 9; ++k) {
    const double e = m[k] - (k % 4 == 0 ? 1 : 0);
    sum += e * e;
  }
  return std::sqrt(sum);
}

}  // namespace pybridge
