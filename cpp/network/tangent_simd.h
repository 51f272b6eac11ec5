// A network and its derivative in six directions at one point, for *_isa.cpp only: forward mode. Lanes are
// outputs; the value and its derivatives are seven columns of one product, so that a weight is read once for
// all of them, and the value is the same chain of multiply-adds as everywhere. Activations and their slopes
// are taken where the sums stand, in registers. Columns lie apart: [column][row].
#pragma once

#include "network/activation_simd.h"
#include "network/columns_simd.h"
#include "network/kernels.h"
#include "network/readout_simd.h"

namespace pybridge::PYBRIDGE_ISA::network {

// The sums of all columns, or of the first, after the activation; `slope` [outputs] takes its derivative.
template <class Real, int Panels, int Width>
PYBRIDGE_INLINE void activate_first(PanelSums<Real, Panels, Width>& sums, Activation activation,
                                    Real* slope) {
  using Sums = PanelSums<Real, Panels, Width>;
  if (activation == Activation::linear) return;
  with_kind(activation, [&](auto kind) PYBRIDGE_INLINE_BODY {
    unrolled<Sums::count>([&](auto v) PYBRIDGE_INLINE_BODY {
      const auto at = activated<decltype(kind)::value, Real>(sums.of[v][0]);
      sums.of[v][0] = at.value;
      unrolled<Width - 1>([&](auto c) PYBRIDGE_INLINE_BODY { sums.of[v][c + 1] *= at.slope; });
      if constexpr (Width < tangent_columns) store(slope + v * Sums::lanes, at.slope);
    });
  });
}

template <class Real, int Panels, int Width>
PYBRIDGE_INLINE void activate_rest(PanelSums<Real, Panels, Width>& sums, Activation activation,
                                   const Real* slope) {
  if (activation == Activation::linear) return;
  sums.each([&](auto v, auto c) PYBRIDGE_INLINE_BODY { sums.of[v][c] *= load(slope + v * sums.lanes); });
}

// All columns of a few panels where the registers hold them.
template <class Real, int Panels>
inline void multiply_at_once(const PackedLayer<Real>& layer, const Real* weight, const Real* bias,
                             const Real* x, const Columns<Real>& y, Real* slope) {
  PanelSums<Real, Panels, tangent_columns> sums(bias);
  sums.multiply(layer, weight, x, 0, layer.inputs, y.distance, nullptr);
  activate_first(sums, layer.activation, slope);
  sums.write(y);
}

// Otherwise some of the columns after the others, over so many inputs that their weights are still in L1 for
// the second.
template <class Real, int Panels>
inline void multiply_in_two(const PackedLayer<Real>& layer, const Real* weight, const Real* bias,
                            const Real* x, const Columns<Real>& y, Real* slope) {
  constexpr int first = TangentShape<Real>::columns, rest = tangent_columns - first;
  constexpr int depth = Shape<Real>::depth;
  const Columns<Real> other = y.from(first);
  const Real* x_other = x + first * spread<Real> * y.distance;
  for (int start = 0; start < layer.inputs; start += depth) {
    const bool done = layer.inputs - start <= depth;
    const int inputs = done ? layer.inputs - start : depth;
    PanelSums<Real, Panels, first> sums(bias);
    const Real* ahead = done ? sums.behind(layer, weight) : weight + (start + depth) * sums.panel;
    if (start > 0) sums.read(y);
    sums.multiply(layer, weight, x, start, inputs, y.distance, nullptr);
    if (done) activate_first(sums, layer.activation, slope);
    sums.write(y);
    PanelSums<Real, Panels, rest> more(nullptr);
    if (start > 0) more.read(other);
    more.multiply(layer, weight, x_other, start, inputs, y.distance, ahead);
    if (done) activate_rest(more, layer.activation, slope);
    more.write(other);
  }
}

// Inputs that depend on one direction each, `run` after `run`: their slopes are one column, the second.
template <class Real, int Panels>
inline void multiply_runs_at_once(const PackedLayer<Real>& layer, const Real* weight, const Real* bias,
                                  const Real* x, int run, const Columns<Real>& y, Real* slope) {
  using Sums = PanelSums<Real, Panels, tangent_columns>;
  Sums sums(bias);
  const Real* by = x + spread<Real> * y.distance;
  unrolled<network_directions>([&](auto d) PYBRIDGE_INLINE_BODY {
    for (int k = d * run; k < (d + 1) * run; ++k)
      unrolled<Sums::count>([&](auto v) PYBRIDGE_INLINE_BODY {
        const Vector<Real> w = Sums::weight_of(layer, weight, k, v);
        sums.of[v][0] = multiply_add(w, splat(x, k), sums.of[v][0]);
        sums.of[v][d + 1] = multiply_add(w, splat(by, k), sums.of[v][d + 1]);
      });
  });
  activate_first(sums, layer.activation, slope);
  sums.write(y);
}

// The same, one direction after the other.
template <class Real, int Panels>
inline void multiply_runs_in_turn(const PackedLayer<Real>& layer, const Real* weight, const Real* bias,
                                  const Real* x, int run, const Columns<Real>& y, Real* slope) {
  using Sums = PanelSums<Real, Panels, 1>;
  Sums value(bias);
  const Real* by = x + spread<Real> * y.distance;
  for (int d = 1; d < tangent_columns; ++d) {
    Sums sums(nullptr);
    for (int k = (d - 1) * run; k < d * run; ++k)
      unrolled<Sums::count>([&](auto v) PYBRIDGE_INLINE_BODY {
        const Vector<Real> w = Sums::weight_of(layer, weight, k, v);
        value.of[v][0] = multiply_add(w, splat(x, k), value.of[v][0]);
        sums.of[v][0] = multiply_add(w, splat(by, k), sums.of[v][0]);
      });
    sums.write(y.from(d));
  }
  activate_first(value, layer.activation, slope);
  value.write(y);
  for (int d = 1; d < tangent_columns && layer.activation != Activation::linear; ++d) {
    Sums sums(nullptr);
    sums.read(y.from(d));
    activate_rest(sums, layer.activation, slope);
    sums.write(y.from(d));
  }
}

template <class Real, int Panels>
inline void tangent_panels(const PackedLayer<Real>& layer, int panel, const Real* x, int run,
                           const Columns<Real>& y, Real* slope) {
  const int first = panel * Shape<Real>::panel;
  const Real* weight = layer.weight + static_cast<std::ptrdiff_t>(first) * layer.inputs;
  const Real* bias = layer.bias + first;
  const Columns<Real> rows = {y.at + spread<Real> * first, y.distance};
  if constexpr (TangentShape<Real>::columns == tangent_columns) {
    if (run > 0) return multiply_runs_at_once<Real, Panels>(layer, weight, bias, x, run, rows, slope);
    multiply_at_once<Real, Panels>(layer, weight, bias, x, rows, slope);
  } else {
    if (run > 0) return multiply_runs_in_turn<Real, Panels>(layer, weight, bias, x, run, rows, slope);
    multiply_in_two<Real, Panels>(layer, weight, bias, x, rows, slope);
  }
}

template <class Real>
inline void tangent_layer(const PackedLayer<Real>& layer, const Real* x, int run, const Columns<Real>& y,
                          Real* slope) {
  constexpr int group = TangentShape<Real>::group;
  const int panels = panels_of(layer);
  int p = 0;
  // one panel alone has too few sums to hide the latency of a multiply-add: rather two and two than three and
  // one
  for (; panels - p >= group && (group < 3 || panels - p != 4); p += group)
    tangent_panels<Real, group>(layer, p, x, run, y, slope);
  for (; group > 2 && panels - p >= 2; p += 2)
    tangent_panels<Real, (group > 2 ? 2 : 1)>(layer, p, x, run, y, slope);
  for (; p < panels; ++p) tangent_panels<Real, 1>(layer, p, x, run, y, slope);
}

template <class Real>
std::size_t tangent_scratch_size(int width) {
  return static_cast<std::size_t>(2 * tangent_columns * spread<Real> + 1) *
             static_cast<std::size_t>(column_distance<Real>(width)) +
         readout_scratch_size<Real>(width);
}

template <class Real>
inline void put_point(const TangentOf<Real>& of, int inputs, const Columns<Real>& columns) {
  for (int r = 0; r < inputs; ++r) put(columns.at, r, of.x[r]);
  if (of.run > 0) {
    for (int r = 0; r < inputs; ++r) put(columns.from(1).at, r, of.dx[r]);
    return;
  }
  for (int d = 0; d < network_directions; ++d)
    for (int r = 0; r < inputs; ++r) put(columns.from(1 + d).at, r, of.dx[r * network_directions + d]);
}

template <class Real>
void forward_tangent(const PackedNetwork<Real>& network, const TangentOf<Real>& of, Real* scratch) {
  const int distance = column_distance<Real>(network.width);
  Columns<Real> from = {scratch, distance}, to = from.from(tangent_columns);
  Real* slope = to.from(tangent_columns).at;
  const PackedLayer<Real>& last = network.layers[network.layer_count - 1];
  const bool reads_out = reads_out_weights(of, network);
  put_point(of, network.layers[0].inputs, from);
  for (int l = 0; l + (reads_out ? 1 : 0) < network.layer_count; ++l) {
    tangent_layer(network.layers[l], from.at, l == 0 ? of.run : 0, to, slope);
    const Columns<Real> swap = from;
    from = to;
    to = swap;
  }
  if (reads_out) return read_out_weights(last, of, from, slope + distance);
  read_out_columns(last, of, from);
}

}  // namespace pybridge::PYBRIDGE_ISA::network
