// What network_isa.cpp offers for each instruction set, and the layout of packed weights.
#pragma once

#include <cstddef>

#include "core/isa.h"
#include "network/layer.h"

namespace pybridge {

// Most points that pass through all layers together: their activations stay in the second-level cache.
constexpr int network_chunk = 144;

// Directions of a derivative that are taken together: the components of a symmetric tensor.
constexpr int network_directions = 6;

// Weights of one layer in panels of `panel` outputs: [panel][input][output in panel], padded with zeros.
template <class Real>
struct PackedLayer {
  int inputs = 0;
  int outputs = 0;
  Activation activation = Activation::linear;
  const Real* weight = nullptr;  // aligned to 64 bytes
  const Real* bias = nullptr;    // padded likewise
};

template <class Real>
struct PackedNetwork {
  const PackedLayer<Real>* layers = nullptr;
  int layer_count = 0;
  int width = 0;  // of the widest layer, inputs included
};

template <class Real>
struct NetworkKernels {
  int panel = 0;  // outputs in a panel of packed weights

  // Values of scratch that forward() needs, aligned to 64 bytes.
  std::size_t (*scratch_size)(int width) = nullptr;

  // All layers for n <= network_chunk points; component c of point i at [i + stride * c].
  void (*forward)(const PackedNetwork<Real>& network, int n, const Real* x, std::ptrdiff_t x_stride, Real* y,
                  std::ptrdiff_t y_stride, Real* scratch) = nullptr;

  // All layers for one point and their derivative in network_directions directions, dy[output][direction].
  // run = 0: dx[input][direction]. run > 0: dx[input], where input r depends on direction r / run alone and
  // inputs = run * network_directions. y has the bits of forward(). scratch as there.
  void (*forward_tangent)(const PackedNetwork<Real>& network, const Real* x, const Real* dx, int run, Real* y,
                          Real* dy, Real* scratch) = nullptr;

  // Independent multiply-adds on registers alone; returns their number times two (FLOP). For benchmarks.
  double (*peak)(long repeats, Real* sink) = nullptr;
};

template <class Real>
NetworkKernels<Real> network_kernels(Isa isa);

namespace isa_baseline {
void network_kernels(NetworkKernels<float>& kernels);
void network_kernels(NetworkKernels<double>& kernels);
}  // namespace isa_baseline
namespace isa_avx2 {
void network_kernels(NetworkKernels<float>& kernels);
void network_kernels(NetworkKernels<double>& kernels);
}  // namespace isa_avx2
namespace isa_avx512 {
void network_kernels(NetworkKernels<float>& kernels);
void network_kernels(NetworkKernels<double>& kernels);
}  // namespace isa_avx512

}  // namespace pybridge
