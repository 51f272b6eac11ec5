#include "tangent/frame_kernel.h"

namespace pybridge {

namespace {

FrameKernels choose() {
  switch (active_isa()) {
    case Isa::avx512:
      return isa_avx512::frame_kernels();
    case Isa::avx2:
      return isa_avx2::frame_kernels();
    default:
      return isa_baseline::frame_kernels();
  }
}

}  // namespace

const FrameKernels& frame_kernels() {
  static const FrameKernels kernels = choose();
  return kernels;
}

}  // namespace pybridge
