// Small fixed-size tensor algebra for one material point: 3x3 matrices and symmetric tensors in Mandel form.
//
//   Mat3   a(i, j), row i, column j
//   Sym    v[6] = 11, 22, 33, sqrt2 12, sqrt2 23, sqrt2 13 (Mandel): the dot product is the double
//   contraction
//
// No std:: functions: *_isa.cpp files include this too (core/isa_namespace.h).
#pragma once

#include "core/conventions.h"
#include "core/isa_namespace.h"

namespace pybridge {
inline namespace PYBRIDGE_ISA_NAMESPACE {

inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }
inline float magnitude(float x) { return __builtin_fabsf(x); }
inline double magnitude(double x) { return __builtin_fabs(x); }

// Distance from 1 to the next number.
template <class Real>
constexpr Real epsilon() {
  return sizeof(Real) == 8 ? static_cast<Real>(__DBL_EPSILON__) : static_cast<Real>(__FLT_EPSILON__);
}

template <class Real>
struct Mat3 {
  Real m[3][3];
  Real& operator()(int i, int j) { return m[i][j]; }
  const Real& operator()(int i, int j) const { return m[i][j]; }
};

template <class Real>
struct Sym {
  Real v[6];
  Real& operator[](int c) { return v[c]; }
  const Real& operator[](int c) const { return v[c]; }
};

// --- 3x3 matrices
// --------------------------------------------------------------------------------------------

template <class Real>
inline Mat3<Real> identity3() {
  return {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
}

template <class Real>
inline Mat3<Real> operator+(const Mat3<Real>& a, const Mat3<Real>& b) {
  Mat3<Real> c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) c.m[i][j] = a.m[i][j] + b.m[i][j];
  return c;
}

template <class Real>
inline Mat3<Real> operator-(const Mat3<Real>& a, const Mat3<Real>& b) {
  Mat3<Real> c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) c.m[i][j] = a.m[i][j] - b.m[i][j];
  return c;
}

template <class Real>
inline Mat3<Real> operator*(Real factor, const Mat3<Real>& a) {
  Mat3<Real> c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) c.m[i][j] = factor * a.m[i][j];
  return c;
}

template <class Real>
inline Mat3<Real> operator*(const Mat3<Real>& a, const Mat3<Real>& b) {
  Mat3<Real> c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      c.m[i][j] = a.m[i][0] * b.m[0][j] + a.m[i][1] * b.m[1][j] + a.m[i][2] * b.m[2][j];
  return c;
}

template <class Real>
inline Mat3<Real> transpose(const Mat3<Real>& a) {
  Mat3<Real> c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) c.m[i][j] = a.m[j][i];
  return c;
}

// a^T b
template <class Real>
inline Mat3<Real> transpose_times(const Mat3<Real>& a, const Mat3<Real>& b) {
  Mat3<Real> c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      c.m[i][j] = a.m[0][i] * b.m[0][j] + a.m[1][i] * b.m[1][j] + a.m[2][i] * b.m[2][j];
  return c;
}

// a : b, the sum of the products of all components
template <class Real>
inline Real contract(const Mat3<Real>& a, const Mat3<Real>& b) {
  Real sum = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) sum += a.m[i][j] * b.m[i][j];
  return sum;
}

// Matrix of cofactors: det(a) a^-T.
template <class Real>
inline Mat3<Real> cofactors(const Mat3<Real>& a) {
  Mat3<Real> c;
  c.m[0][0] = a.m[1][1] * a.m[2][2] - a.m[1][2] * a.m[2][1];
  c.m[0][1] = a.m[1][2] * a.m[2][0] - a.m[1][0] * a.m[2][2];
  c.m[0][2] = a.m[1][0] * a.m[2][1] - a.m[1][1] * a.m[2][0];
  c.m[1][0] = a.m[2][1] * a.m[0][2] - a.m[2][2] * a.m[0][1];
  c.m[1][1] = a.m[2][2] * a.m[0][0] - a.m[2][0] * a.m[0][2];
  c.m[1][2] = a.m[2][0] * a.m[0][1] - a.m[2][1] * a.m[0][0];
  c.m[2][0] = a.m[0][1] * a.m[1][2] - a.m[0][2] * a.m[1][1];
  c.m[2][1] = a.m[0][2] * a.m[1][0] - a.m[0][0] * a.m[1][2];
  c.m[2][2] = a.m[0][0] * a.m[1][1] - a.m[0][1] * a.m[1][0];
  return c;
}

template <class Real>
inline Real determinant(const Mat3<Real>& a) {
  return a.m[0][0] * (a.m[1][1] * a.m[2][2] - a.m[1][2] * a.m[2][1]) +
         a.m[0][1] * (a.m[1][2] * a.m[2][0] - a.m[1][0] * a.m[2][2]) +
         a.m[0][2] * (a.m[1][0] * a.m[2][1] - a.m[1][1] * a.m[2][0]);
}

// The caller knows that det(a) is not zero.
template <class Real>
inline Mat3<Real> inverse(const Mat3<Real>& a) {
  const Mat3<Real> c = cofactors(a);
  const Real det = a.m[0][0] * c.m[0][0] + a.m[0][1] * c.m[0][1] + a.m[0][2] * c.m[0][2];
  return (Real(1) / det) * transpose(c);
}

// --- symmetric tensors
// -----------------------------------------------------------------------------------------

template <class Real>
inline Mat3<Real> to_matrix(const Sym<Real>& s) {
  const Real h = static_cast<Real>(1 / sqrt2);
  const Real s12 = h * s.v[3], s23 = h * s.v[4], s13 = h * s.v[5];
  return {{{s.v[0], s12, s13}, {s12, s.v[1], s23}, {s13, s23, s.v[2]}}};
}

// Mandel components of the symmetric part of a.
template <class Real>
inline Sym<Real> symmetric_part(const Mat3<Real>& a) {
  const Real h = static_cast<Real>(1 / sqrt2);
  return {{a.m[0][0], a.m[1][1], a.m[2][2], h * (a.m[0][1] + a.m[1][0]), h * (a.m[1][2] + a.m[2][1]),
           h * (a.m[0][2] + a.m[2][0])}};
}

// q s q^T: the tensor s seen after the rotation q.
template <class Real>
inline Sym<Real> rotate(const Mat3<Real>& q, const Sym<Real>& s) {
  return symmetric_part(q * to_matrix(s) * transpose(q));
}

// q^T s q: the inverse of rotate.
template <class Real>
inline Sym<Real> rotate_back(const Mat3<Real>& q, const Sym<Real>& s) {
  return symmetric_part(transpose_times(q, to_matrix(s) * q));
}

// --- polar decomposition
// ---------------------------------------------------------------------------------------

// F = R U with R a rotation and U symmetric positive definite. Newton's iteration for the orthogonal factor,
// X <- (g X + X^-T / g) / 2, with the scaling g of Higham (1986, doi:10.1137/0907079) while X is far from a
// rotation: it squares the error in each step, knows no special case (repeated stretches, near-identity,
// large rotation), and needs no eigenvectors. Returns false, and leaves r and u alone, where det F <= 0 or a
// component is not finite.
template <class Real>
inline bool polar_decomposition(const Mat3<Real>& f, Mat3<Real>& r, Mat3<Real>& u) {
  Mat3<Real> x = f;
  for (int iteration = 0; iteration < 24; ++iteration) {
    const Mat3<Real> c = cofactors(x);
    const Real det = x.m[0][0] * c.m[0][0] + x.m[0][1] * c.m[0][1] + x.m[0][2] * c.m[0][2];
    if (!(det > 0)) return false;
    // |x| = |x^-T| for a rotation; scaling is dropped close to one, where the plain iteration is quadratic.
    const Real size = contract(x, x) * det * det, size_inverse = contract(c, c);
    Real g = 1;
    if (!(size_inverse > Real(0.8) * size && size_inverse < Real(1.25) * size))
      g = root(root(size_inverse / size));
    const Real half_g = Real(0.5) * g, half_inverse = Real(0.5) / (g * det);
    Real change = 0;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        const Real next = half_g * x.m[i][j] + half_inverse * c.m[i][j];
        change += (next - x.m[i][j]) * (next - x.m[i][j]);
        x.m[i][j] = next;
      }
    // A step of length d leaves an error of d^2 / 2.
    if (change < epsilon<Real>()) {
      r = x;
      const Mat3<Real> p = transpose_times(x, f);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) u.m[i][j] = Real(0.5) * (p.m[i][j] + p.m[j][i]);
      return true;
    }
  }
  return false;
}

// --- functions of matrices
// ---------------------------------------------------------------------------------------

// Three eigenvalues (not sorted) and eigenvectors (columns of q) of a symmetric matrix, a = q diag(value)
// q^T, by Jacobi rotations: accurate for every spectrum.
template <class Real>
inline void symmetric_eigen(Mat3<Real> a, Real* value, Mat3<Real>& q) {
  q = identity3<Real>();
  for (int sweep = 0; sweep < 12; ++sweep) {
    for (int pair = 0; pair < 3; ++pair) {
      const int i = pair == 2 ? 1 : 0, j = pair == 0 ? 1 : 2;
      if (a.m[i][j] == 0) continue;  // after a few sweeps always
      const Real theta = (a.m[j][j] - a.m[i][i]) / (2 * a.m[i][j]);
      const Real t = (theta < 0 ? Real(-1) : Real(1)) / (magnitude(theta) + root(theta * theta + 1));
      const Real c = 1 / root(t * t + 1), s = t * c;
      for (int k = 0; k < 3; ++k) {
        const Real aki = a.m[k][i], akj = a.m[k][j];
        a.m[k][i] = c * aki - s * akj;
        a.m[k][j] = s * aki + c * akj;
      }
      for (int k = 0; k < 3; ++k) {
        const Real aik = a.m[i][k], ajk = a.m[j][k];
        a.m[i][k] = c * aik - s * ajk;
        a.m[j][k] = s * aik + c * ajk;
        const Real qki = q.m[k][i], qkj = q.m[k][j];
        q.m[k][i] = c * qki - s * qkj;
        q.m[k][j] = s * qki + c * qkj;
      }
      a.m[i][j] = a.m[j][i] = 0;
    }
  }
  for (int k = 0; k < 3; ++k) value[k] = a.m[k][k];
}

// exp(a) of any matrix: Taylor series of a / 2^k, squared k times, |a / 2^k| <= 1/2.
template <class Real>
inline Mat3<Real> exponential(const Mat3<Real>& a) {
  Real size = root(contract(a, a));
  int halvings = 0;
  while (size > Real(0.5) && halvings < 64) {
    size *= Real(0.5);
    ++halvings;
  }
  Real scale = 1;
  for (int k = 0; k < halvings; ++k) scale *= Real(0.5);
  const Mat3<Real> x = scale * a;
  const int terms = sizeof(Real) == 8 ? 14 : 8;  // 0.5^15 / 15! and 0.5^9 / 9! are below rounding
  Mat3<Real> e = identity3<Real>();
  for (int k = terms; k > 0; --k) e = identity3<Real>() + (Real(1) / static_cast<Real>(k)) * (x * e);
  for (int k = 0; k < halvings; ++k) e = e * e;
  return e;
}

}  // namespace PYBRIDGE_ISA_NAMESPACE
}  // namespace pybridge
