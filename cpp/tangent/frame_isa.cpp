#include "core/kinematics.h"
#include "core/spatial_tangent.h"
#include "tangent/frame_kernel.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

typedef double Pair __attribute__((vector_size(16)));  // of the old and the new deformation gradient

Pair both(double value) { return Pair{value, value}; }

template <class Value>
Value squared_size(const Mat3<Value>& a) {
  Value sum = a.m[0][0] * a.m[0][0];
  for (int k = 1; k < 9; ++k) sum += a.m[k / 3][k % 3] * a.m[k / 3][k % 3];
  return sum;
}

Mat3<double> matrix(const double* values) {
  Mat3<double> result;
  for (int k = 0; k < 9; ++k) result.m[k / 3][k % 3] = values[k];
  return result;
}

void store(const Mat3<double>& a, double* values) {
  for (int k = 0; k < 9; ++k) values[k] = a.m[k / 3][k % 3];
}

Mat3<double> one_of(const Mat3<Pair>& a, int which) {
  Mat3<double> result;
  for (int k = 0; k < 9; ++k) result.m[k / 3][k % 3] = a.m[k / 3][k % 3][which];
  return result;
}

// polar_decomposition of core/tensor.h for both gradients at once: its steps are a chain of dependent
// operations, and two chains take the time of one. A gradient that has converged takes further steps, which
// move its rotation by rounding only.
bool rotations(const Mat3<Pair>& f, Mat3<Pair>& x) {
  x = f;
  for (int iteration = 0; iteration < 24; ++iteration) {
    const Mat3<Pair> c = cofactors(x);
    const Pair det = x.m[0][0] * c.m[0][0] + x.m[0][1] * c.m[0][1] + x.m[0][2] * c.m[0][2];
    if (!(det[0] > 0 && det[1] > 0)) return false;
    const Pair size = squared_size(x) * det * det, size_inverse = squared_size(c);
    Pair half_g = both(0.5), per_g = both(0.5);
    for (int w = 0; w < 2; ++w) {
      if (size_inverse[w] > 0.8 * size[w] && size_inverse[w] < 1.25 * size[w]) continue;
      const double g = root(root(size_inverse[w] / size[w]));
      half_g[w] = 0.5 * g;
      per_g[w] = 0.5 / g;
    }
    const Pair half_inverse = per_g / det;
    Pair change = both(0);
    for (int k = 0; k < 9; ++k) {
      Pair& value = x.m[k / 3][k % 3];
      const Pair next = half_g * value + half_inverse * c.m[k / 3][k % 3];
      change += (next - value) * (next - value);
      value = next;
    }
    if (change[0] < epsilon<double>() && change[1] < epsilon<double>()) return true;
  }
  return false;
}

Mat3<double> stretch_of(const Mat3<double>& rotation, const Mat3<double>& f) {
  const Mat3<double> p = transpose_times(rotation, f);
  return 0.5 * (p + transpose(p));
}

MotionFault motion_of(const double* f_old, const double* f_new, PointMotion& motion) {
  const Mat3<double> old = matrix(f_old), now = matrix(f_new);
  motion.volume_old = determinant(old);
  motion.volume_new = determinant(now);
  Mat3<Pair> f, x;
  for (int k = 0; k < 9; ++k) f.m[k / 3][k % 3] = Pair{f_old[k], f_new[k]};
  if (!rotations(f, x)) {
    Mat3<double> r, u;
    return polar_decomposition(old, r, u) ? MotionFault::new_gradient : MotionFault::old_gradient;
  }
  const Mat3<double> r_old = one_of(x, 0), r_new = one_of(x, 1);
  const Mat3<double> u_old = stretch_of(r_old, old), u_new = stretch_of(r_new, now);
  store(r_old, motion.r_old);
  store(r_new, motion.r_new);
  store(u_old, motion.u_old);
  store(u_new, motion.u_new);
  store(corotational_strain_increment(u_old, u_new), motion.strain_inc);
  return MotionFault::none;
}

void jaumann_tangent(const PointMotion& motion, const double* stress, const double* by_stretch,
                     double* tangent) {
  spatial_tangent(matrix(motion.u_new), matrix(stress), by_stretch, StressRate::jaumann, tangent);
  rotate_tangent(matrix(motion.r_new), tangent);
}

void lie_tangent(const PointMotion& motion, const double* stress, const double* by_stretch, double* tangent) {
  spatial_tangent(matrix(motion.u_new), matrix(stress), by_stretch, StressRate::lie, tangent);
}

}  // namespace

FrameKernels frame_kernels() { return {&motion_of, &jaumann_tangent, &lie_tangent}; }

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
