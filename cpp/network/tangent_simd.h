// A network and its derivative in six directions at one point, for *_isa.cpp only: forward mode, in the
// register tile of blocks. A row of a tile holds the value in its first lane and the derivatives in the next
// six, so that a weight is read once for all of them, and the value is the same chain of multiply-adds as
// everywhere.
#pragma once

#include "network/activation_simd.h"
#include "network/kernels.h"
#include "network/tile_simd.h"

namespace pybridge::PYBRIDGE_ISA::network {

template <class Real>
struct TangentShape {
  static constexpr int vectors = network_directions / Lanes<Real>::count + 1;
  static constexpr int width = vectors * Lanes<Real>::count;
};

// `first` in the first lane, `rest` in the others: as one register, since a vector that is stored in two
// parts cannot be loaded again before both have left the store buffer.
template <class Real>
inline Vector<Real> with_first(Real first, Vector<Real> rest) {
  typename Lanes<Real>::Integers lane{};
  lane[0] = -1;
  return lane ? broadcast<Real>(first) : rest;
}

// Derivative of the activation at `count` points, a multiple of the lanes, in place of z: from z and the
// value y.
template <class Real>
inline void activation_slope(Real* z, const Real* y, int count, Activation activation) {
  constexpr int lanes = Lanes<Real>::count;
  const Vector<Real> zero{}, one = broadcast<Real>(1);
  const Vector<Real> scale = broadcast<Real>(Real(1.0507009873554804934193349852946));
  const Vector<Real> scaled_alpha =
      broadcast<Real>(Real(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717));
  for (int i = 0; i < count; i += lanes) {
    const Vector<Real> at = load(z + i), value = load(y + i);
    Vector<Real> slope = one;
    switch (activation) {
      case Activation::linear:
        break;
      case Activation::relu:
        slope = at > zero ? one : zero;
        break;
      case Activation::tanh:
        slope = one - value * value;
        break;
      case Activation::sigmoid:
        slope = value * (one - value);
        break;
      case Activation::selu:
        slope = at > zero ? scale : value + scaled_alpha;
        break;
      case Activation::silu: {
        const Vector<Real> s = sigmoid<Real>(at);
        slope = s + value * (one - s);
        break;
      }
    }
    store(z + i, slope);
  }
}

// Activation of `count` rows of a tile, a multiple of the lanes; `memory` holds 2 count values.
template <class Real>
inline void activate_rows(Real* rows, int count, Activation activation, Real* memory) {
  constexpr int lanes = Lanes<Real>::count, width = TangentShape<Real>::width;
  if (activation == Activation::linear) return;
  Real* value = memory;
  Real* slope = memory + count;
  for (int r = 0; r < count; ++r) value[r] = slope[r] = rows[r * width];
  activate(value, count, activation);
  activation_slope(slope, value, count, activation);
  for (int r = 0; r < count; ++r) {
    const Vector<Real> factor = broadcast<Real>(slope[r]);
    Real* row = rows + r * width;
    store(row, with_first<Real>(value[r], load(row) * factor));
    for (int c = lanes; c < width; c += lanes) store(row + c, load(row + c) * factor);
  }
}

template <class Real>
inline void tangent_layer(const PackedLayer<Real>& layer, const Real* x, Real* y, Real* memory) {
  constexpr int rows = Shape<Real>::rows, panel = Shape<Real>::panel, width = TangentShape<Real>::width;
  const int outputs = (layer.outputs + panel - 1) / panel * panel;
  for (int r = 0; r < outputs; ++r) {
    store(y + r * width, with_first<Real>(layer.bias[r], Vector<Real>{}));
    for (int c = Lanes<Real>::count; c < width; c += Lanes<Real>::count)
      store(y + r * width + c, Vector<Real>{});
  }
  for (int r = 0; r < outputs; r += rows) {
    const Real* weight =
        layer.weight + static_cast<std::ptrdiff_t>(r / panel) * panel * layer.inputs + r % panel;
    multiply_tile<Real, TangentShape<Real>::vectors>(
        weight, layer.bias + r, false, x, layer.inputs, y + r * width,
        weight + static_cast<std::ptrdiff_t>(panel) * layer.inputs);
  }
  activate_rows(y, outputs, layer.activation, memory);
}

template <class Real>
void forward_tangent(const PackedNetwork<Real>& network, const Real* x, const Real* dx, Real* y, Real* dy,
                     Real* scratch) {
  constexpr int width = TangentShape<Real>::width, panel = Shape<Real>::panel;
  const int inputs = network.layers[0].inputs, outputs = network.layers[network.layer_count - 1].outputs;
  const std::ptrdiff_t rows = static_cast<std::ptrdiff_t>((network.width + panel - 1) / panel) * panel;
  Real* from = scratch;
  Real* to = scratch + rows * width;
  Real* memory = scratch + 2 * rows * width;
  for (int r = 0; r < inputs; ++r) {
    Real* row = from + r * width;
    row[0] = x[r];
    for (int d = 0; d < network_directions; ++d) row[1 + d] = dx[r * network_directions + d];
    for (int d = 1 + network_directions; d < width; ++d) row[d] = 0;
  }
  for (int l = 0; l < network.layer_count; ++l) {
    tangent_layer(network.layers[l], from, to, memory);
    Real* swap = from;
    from = to;
    to = swap;
  }
  for (int r = 0; r < outputs; ++r) {
    y[r] = from[r * width];
    for (int d = 0; d < network_directions; ++d) dy[r * network_directions + d] = from[r * width + 1 + d];
  }
}

}  // namespace pybridge::PYBRIDGE_ISA::network
