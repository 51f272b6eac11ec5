// A network and its derivative in six directions at one point, for *_isa.cpp only: forward mode. Lanes are
// outputs; the value and its derivatives are seven columns of one product, so that a weight is read once for
// all of them, and the value is the same chain of multiply-adds as everywhere. Columns lie apart:
// [column][row].
#pragma once

#include "network/activation_simd.h"
#include "network/kernels.h"
#include "network/tile_simd.h"

namespace pybridge::PYBRIDGE_ISA::network {

constexpr int tangent_columns = 1 + network_directions;

template <class Real>
struct TangentShape {
  // Panels of outputs at once and columns at once: their sums, and weights, must fit the registers.
  static constexpr int group = PYBRIDGE_SIMD_BYTES == 64 ? 3 : PYBRIDGE_SIMD_BYTES == 32 ? 3 : 1;
  static constexpr int columns = PYBRIDGE_SIMD_BYTES == 64 ? tangent_columns : 4;
  // Distance of columns. The 64 bytes more keep columns of 512 numbers out of each other's way in the cache.
  static int distance(int width) {
    return round_up(width, Shape<Real>::panel) + 64 / static_cast<int>(sizeof(Real));
  }
};

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

// Slopes of the activation, from and into columns of `count` rows, a multiple of the lanes.
template <class Real>
inline void activate_columns(Real* y, int distance, int count, Activation activation, Real* slope) {
  constexpr int lanes = Lanes<Real>::count;
  if (activation == Activation::linear) return;
  for (int i = 0; i < count; i += lanes) store(slope + i, load(y + i));
  activate(y, count, activation);
  activation_slope(slope, y, count, activation);
  for (int i = 0; i < count; i += lanes) {
    const Vector<Real> factor = load(slope + i);
    for (int c = 1; c < tangent_columns; ++c)
      store(y + c * distance + i, load(y + c * distance + i) * factor);
  }
}

// The vectors of `Panels` panels of outputs, `Columns` columns of each.
template <class Real, int Panels, int Columns>
struct PanelSums {
  static constexpr int vectors = Shape<Real>::panel / Lanes<Real>::count;
  Vector<Real> of[Panels][vectors][Columns];

  // `bias`: what the first column starts from; null: zero like the others.
  explicit PanelSums(const Real* bias) {
    for (int p = 0; p < Panels; ++p)
      for (int v = 0; v < vectors; ++v)
        for (int c = 0; c < Columns; ++c)
          of[p][v][c] = c == 0 && bias != nullptr
                            ? load(bias + p * Shape<Real>::panel + v * Lanes<Real>::count)
                            : Vector<Real>{};
  }
  void add(int p, int v, int c, const Real* weight, Vector<Real> factor) {
    of[p][v][c] = multiply_add(load(weight + v * Lanes<Real>::count), factor, of[p][v][c]);
  }
  void read(const Real* y, int distance) {
    for (int p = 0; p < Panels; ++p)
      for (int v = 0; v < vectors; ++v)
        for (int c = 0; c < Columns; ++c)
          of[p][v][c] = load(y + c * distance + p * Shape<Real>::panel + v * Lanes<Real>::count);
  }
  void write(Real* y, int distance) const {
    for (int p = 0; p < Panels; ++p)
      for (int v = 0; v < vectors; ++v)
        for (int c = 0; c < Columns; ++c)
          store(y + c * distance + p * Shape<Real>::panel + v * Lanes<Real>::count, of[p][v][c]);
  }
};

// Some columns of the product over inputs [start, start + depth).
template <class Real, int Panels, int Columns>
inline void multiply_columns(const PackedLayer<Real>& layer, const Real* weight, const Real* bias,
                             const Real* x, int start, int depth, Real* y, int distance) {
  constexpr int panel = Shape<Real>::panel, vectors = PanelSums<Real, Panels, Columns>::vectors;
  const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(panel) * layer.inputs;
  PanelSums<Real, Panels, Columns> sums(bias);
  if (start > 0) sums.read(y, distance);
  const Real* at = weight + start * panel;
  for (int k = start; k < start + depth; ++k, at += panel)
    for (int c = 0; c < Columns; ++c) {
      const Vector<Real> factor = broadcast<Real>(x[c * distance + k]);
      for (int p = 0; p < Panels; ++p)
        for (int v = 0; v < vectors; ++v) sums.add(p, v, c, at + p * next, factor);
    }
  sums.write(y, distance);
}

// Inputs that depend on one direction each, `run` after `run`: their slopes are one column, x[distance + k].
template <class Real, int Panels>
inline void multiply_runs(const PackedLayer<Real>& layer, const Real* weight, const Real* bias, const Real* x,
                          int run, Real* y, int distance) {
  constexpr int panel = Shape<Real>::panel, vectors = PanelSums<Real, Panels, 1>::vectors;
  const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(panel) * layer.inputs;
  PanelSums<Real, Panels, 1> value(bias);
  int k = 0;
  for (int d = 1; d < tangent_columns; ++d) {
    PanelSums<Real, Panels, 1> slope(nullptr);
    for (int end = k + run; k < end; ++k, weight += panel) {
      const Vector<Real> at = broadcast<Real>(x[k]), by = broadcast<Real>(x[distance + k]);
      for (int p = 0; p < Panels; ++p)
        for (int v = 0; v < vectors; ++v) {
          value.add(p, v, 0, weight + p * next, at);
          slope.add(p, v, 0, weight + p * next, by);
        }
    }
    slope.write(y + d * distance, distance);
  }
  value.write(y, distance);
}

// All columns: at once where the registers hold them; otherwise in two parts, over so many inputs that their
// weights are still in L1 for the second.
template <class Real, int Panels>
inline void multiply_all(const PackedLayer<Real>& layer, const Real* weight, const Real* bias, const Real* x,
                         Real* y, int distance) {
  constexpr int columns = TangentShape<Real>::columns, rest = tangent_columns - columns;
  if constexpr (rest == 0) {
    multiply_columns<Real, Panels, columns>(layer, weight, bias, x, 0, layer.inputs, y, distance);
  } else {
    for (int start = 0; start < layer.inputs; start += Shape<Real>::depth) {
      const int left = layer.inputs - start, depth = left < Shape<Real>::depth ? left : Shape<Real>::depth;
      multiply_columns<Real, Panels, columns>(layer, weight, bias, x, start, depth, y, distance);
      multiply_columns<Real, Panels, rest>(layer, weight, nullptr, x + columns * distance, start, depth,
                                           y + columns * distance, distance);
    }
  }
}

template <class Real, int Panels>
inline void tangent_panels(const PackedLayer<Real>& layer, int first, const Real* x, int run, Real* y,
                           int distance) {
  constexpr int panel = Shape<Real>::panel;
  const Real* weight = layer.weight + static_cast<std::ptrdiff_t>(first) * panel * layer.inputs;
  const Real* bias = layer.bias + first * panel;
  if (run > 0)
    multiply_runs<Real, Panels>(layer, weight, bias, x, run, y + first * panel, distance);
  else
    multiply_all<Real, Panels>(layer, weight, bias, x, y + first * panel, distance);
}

template <class Real>
inline void tangent_layer(const PackedLayer<Real>& layer, const Real* x, int run, Real* y, int distance,
                          Real* slope) {
  constexpr int panel = Shape<Real>::panel, group = TangentShape<Real>::group;
  const int panels = (layer.outputs + panel - 1) / panel;
  int p = 0;
  for (; p + group <= panels; p += group) tangent_panels<Real, group>(layer, p, x, run, y, distance);
  if (group > 2 && p + 2 == panels) {
    tangent_panels < Real, group<2 ? 1 : 2>(layer, p, x, run, y, distance);
    p += 2;
  }
  for (; p < panels; ++p) tangent_panels<Real, 1>(layer, p, x, run, y, distance);
  activate_columns(y, distance, panels * panel, layer.activation, slope);
}

template <class Real>
void forward_tangent(const PackedNetwork<Real>& network, const Real* x, const Real* dx, int run, Real* y,
                     Real* dy, Real* scratch) {
  const int distance = TangentShape<Real>::distance(network.width);
  const int inputs = network.layers[0].inputs, outputs = network.layers[network.layer_count - 1].outputs;
  Real* from = scratch;
  Real* to = from + tangent_columns * distance;
  Real* slope = to + tangent_columns * distance;
  for (int r = 0; r < inputs; ++r) from[r] = x[r];
  for (int d = 0; d < network_directions && run == 0; ++d)
    for (int r = 0; r < inputs; ++r) from[(1 + d) * distance + r] = dx[r * network_directions + d];
  for (int r = 0; r < inputs && run > 0; ++r) from[distance + r] = dx[r];
  for (int l = 0; l < network.layer_count; ++l) {
    tangent_layer(network.layers[l], from, l == 0 ? run : 0, to, distance, slope);
    Real* swap = from;
    from = to;
    to = swap;
  }
  for (int r = 0; r < outputs; ++r) {
    y[r] = from[r];
    for (int d = 0; d < network_directions; ++d)
      dy[r * network_directions + d] = from[(1 + d) * distance + r];
  }
}

}  // namespace pybridge::PYBRIDGE_ISA::network
