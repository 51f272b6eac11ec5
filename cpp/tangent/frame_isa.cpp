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

// The factors g / 2 and 1 / 2g of a step far from a rotation, for whichever gradient is.
void scale_apart(Pair size, Pair size_inverse, Pair& half_g, Pair& per_g) {
  for (int w = 0; w < 2; ++w) {
    if (size_inverse[w] > 0.8 * size[w] && size_inverse[w] < 1.25 * size[w]) continue;
    const double g = root(root(size_inverse[w] / size[w]));
    half_g[w] = 0.5 * g;
    per_g[w] = 0.5 / g;
  }
}

// polar_decomposition of core/tensor.h for both gradients at once: its steps are a chain of dependent
// operations, and two chains take the time of one. A gradient that has converged takes further steps, which
// move its rotation by rounding only. `volume`: det f.
bool rotations(const Mat3<Pair>& f, Mat3<Pair>& x, Pair& volume) {
  constexpr double near = 1e-2;  // after a step of 0.1 the next needs no scaling
  bool far = true;
  x = f;
  for (int iteration = 0; iteration < 24; ++iteration) {
    const Mat3<Pair> c = cofactors(x);
    const Pair det = x.m[0][0] * c.m[0][0] + x.m[0][1] * c.m[0][1] + x.m[0][2] * c.m[0][2];
    if (iteration == 0) volume = det;
    if (!(det[0] > 0 && det[1] > 0)) return false;
    Pair half_g = both(0.5), per_g = both(0.5);
    if (far) scale_apart(squared_size(x) * det * det, squared_size(c), half_g, per_g);
    const Pair half_inverse = per_g / det;
    Pair change = both(0);
    for (int k = 0; k < 9; ++k) {
      Pair& value = x.m[k / 3][k % 3];
      const Pair next = half_g * value + half_inverse * c.m[k / 3][k % 3];
      change += (next - value) * (next - value);
      value = next;
    }
    if (change[0] < epsilon<double>() && change[1] < epsilon<double>()) return true;
    far = !(change[0] < near && change[1] < near);
  }
  return false;
}

Mat3<Pair> stretches_of(const Mat3<Pair>& rotation, const Mat3<Pair>& f) {
  const Mat3<Pair> p = transpose_times(rotation, f);
  Mat3<Pair> u;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) u.m[i][j] = both(0.5) * (p.m[i][j] + p.m[j][i]);
  return u;
}

MotionFault motion_of(const double* f_old, const double* f_new, PointMotion& motion) {
  Mat3<Pair> f, x;
  Pair volume;
  for (int k = 0; k < 9; ++k) f.m[k / 3][k % 3] = Pair{f_old[k], f_new[k]};
  const bool found = rotations(f, x, volume);
  motion.volume_old = volume[0];
  motion.volume_new = volume[1];
  if (!found) {
    Mat3<double> r, u;
    return polar_decomposition(matrix(f_old), r, u) ? MotionFault::new_gradient : MotionFault::old_gradient;
  }
  const Mat3<Pair> stretches = stretches_of(x, f);
  const Mat3<double> u_old = one_of(stretches, 0), u_new = one_of(stretches, 1);
  store(one_of(x, 0), motion.r_old);
  store(one_of(x, 1), motion.r_new);
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
