// Kinematics and tangent of one point, once for each instruction set: the part of an implicit host's call
// that does not depend on the material. Plain data only: shared with files compiled for several processors.
// Matrices [row * 3 + column].
#pragma once

#include "core/isa.h"

namespace pybridge {

// How a point deforms, F = R U at both ends of an increment, and the strain increment of core/kinematics.h.
struct PointMotion {
  double r_old[9], u_old[9], r_new[9], u_new[9], strain_inc[9];
  double volume_old, volume_new;  // det F
};

enum class MotionFault { none, old_gradient, new_gradient };  // det F <= 0, or not finite

struct FrameKernels {
  MotionFault (*motion)(const double* f_old, const double* f_new, PointMotion& motion) = nullptr;

  // core/spatial_tangent.h: from the stretch tangent [36] and the stress, both in the frame of R, to the
  // tangent [36] of Jaumann's rate in the global basis, or of Lie's in the frame of R. Mandel components.
  void (*jaumann_tangent)(const PointMotion& motion, const double* stress, const double* by_stretch,
                          double* tangent) = nullptr;
  void (*lie_tangent)(const PointMotion& motion, const double* stress, const double* by_stretch,
                      double* tangent) = nullptr;
};

// Those of the active instruction set.
const FrameKernels& frame_kernels();

namespace isa_baseline {
FrameKernels frame_kernels();
}
namespace isa_avx2 {
FrameKernels frame_kernels();
}
namespace isa_avx512 {
FrameKernels frame_kernels();
}

}  // namespace pybridge
