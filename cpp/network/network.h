// A feed-forward network over a block of points, on the package's own kernels.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "network/kernels.h"

namespace pybridge {

// Immutable after construction; forward() may be called by many threads at once. A point's answer has the
// same bits whatever block it stands in.
template <class Real>
class Network {
 public:
  // Throws Error where layers do not fit together or hold a number that is not finite.
  explicit Network(const std::vector<DenseLayer>& layers, Isa isa = active_isa());

  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }

  // y = net(x) for n points; x [inputs], y [outputs], component c of point i at [i + stride * c]. y may not
  // overlap x. Throws std::bad_alloc where the thread's scratch cannot grow.
  void forward(int n, const Real* x, std::ptrdiff_t x_stride, Real* y, std::ptrdiff_t y_stride) const;

  // One point and its derivative, that of the activations in closed form (where relu or selu has a kink: that
  // of its left side). Throws std::bad_alloc.
  void forward_tangent(const TangentOf<Real>& of) const;

 private:
  void pack(const DenseLayer& layer);

  struct Free {
    void operator()(Real* p) const;
  };
  using Aligned = std::unique_ptr<Real[], Free>;
  static Aligned allocate(std::size_t count);

  NetworkKernels<Real> kernels_;
  std::vector<Aligned> storage_;
  std::vector<PackedLayer<Real>> layers_;
  int inputs_ = 0, outputs_ = 0, width_ = 0;
};

}  // namespace pybridge
