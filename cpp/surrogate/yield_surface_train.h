// Forward and backward sweep over whole paths, for training: what PyTorch's automatic differentiation would
// give, some ten times faster. Plain data only: shared with files compiled for several processors.
#pragma once

#include "surrogate/yield_surface_shape.h"

namespace pybridge {

// Arrays are [step][row][path], paths fastest, unless said; `paths` is a multiple of yield_training_block.
constexpr int yield_training_block = 16;

template <class Real>
struct YieldSweep {
  YieldShape shape;
  int steps, paths;
  Real radius_floor, rest_rate, rate_floor;
  const Real* h;                            // [steps]
  const Real *w0, *b0, *w1, *b1, *w2, *b2;  // row-major [out, in]
  const Real *skip, *speed;                 // [scalars], [states]
  const Real *increment, *moved;            // [steps][5], [steps][25]: e_new = e + moved e + increment
  Real* strain;                             // [steps + 1][5], e
  // of the network, asked at the beginning and in the middle of a step: [inputs][steps][2][paths], …;
  // backward leaves activations in pre1 and pre2
  Real *input, *pre1, *pre2, *out;
  // backward
  const Real* strain_grad;                 // [steps][5], of e at the end of each step
  Real *pre1_grad, *pre2_grad, *out_grad;  // like pre1, pre2, out
};

// One block of paths from `first`; blocks may run at the same time. backward adds its share of d/d skip
// [scalars] and of d/d ln speed [states] to the sums.
#define PYBRIDGE_DECLARE_YIELD_TRAINING(isa)                                                            \
  namespace isa {                                                                                       \
  void yield_forward(const YieldSweep<double>& sweep, int first);                                       \
  void yield_forward(const YieldSweep<float>& sweep, int first);                                        \
  void yield_backward(const YieldSweep<double>& sweep, int first, double* skip_sum, double* speed_sum); \
  void yield_backward(const YieldSweep<float>& sweep, int first, float* skip_sum, float* speed_sum);    \
  }
PYBRIDGE_DECLARE_YIELD_TRAINING(isa_baseline)
PYBRIDGE_DECLARE_YIELD_TRAINING(isa_avx2)
PYBRIDGE_DECLARE_YIELD_TRAINING(isa_avx512)
#undef PYBRIDGE_DECLARE_YIELD_TRAINING

}  // namespace pybridge
