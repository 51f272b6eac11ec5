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

// One point and the derivative in network_directions directions that is asked for.
template <class Real>
struct TangentOf {
  const Real* x = nullptr;  // [inputs]

  // run = 0: dx[input][direction]. run > 0: dx[input], where input r depends on direction r / run alone and
  // inputs = run * network_directions, which saves most of the first layer's derivative.
  const Real* dx = nullptr;
  int run = 0;

  // Without: the derivative of each output. With: of network_directions sums over readout_run outputs each,
  // sum k over readout[r] y[r], r / readout_run = k, which saves most of the last layer's derivative.
  const Real* readout = nullptr;
  int readout_run = 0;

  Real* y = nullptr;   // [outputs], the bits of forward()
  Real* dy = nullptr;  // [output or sum][direction]
};

template <class Real>
struct NetworkKernels {
  int panel = 0;  // outputs in a panel of packed weights

  // Values of scratch that the others need, aligned to 64 bytes.
  std::size_t (*scratch_size)(int width) = nullptr;

  // All layers for n <= network_chunk points; component c of point i at [i + stride * c].
  void (*forward)(const PackedNetwork<Real>& network, int n, const Real* x, std::ptrdiff_t x_stride, Real* y,
                  std::ptrdiff_t y_stride, Real* scratch) = nullptr;

  // All layers for one point and their derivative.
  void (*forward_tangent)(const PackedNetwork<Real>& network, const TangentOf<Real>& of,
                          Real* scratch) = nullptr;

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
