// From the last layer of a network to its answer and the answer's derivative, for *_isa.cpp only.
//
// Where six sums of runs of outputs are asked for, s_k = sum_r f_r y_r, and the last layer is linear, its
// weights are summed up instead of its derivatives: ds_k = (sum_r f_r W_r) dx, one more multiply-add for each
// weight that the value reads anyway, in place of six.
#pragma once

#include "network/columns_simd.h"
#include "network/kernels.h"

namespace pybridge::PYBRIDGE_ISA::network {

template <class Real>
struct ReadoutShape {
  static constexpr int group = PYBRIDGE_SIMD_BYTES == 64 ? 6 : PYBRIDGE_SIMD_BYTES == 32 ? 4 : 2;
};

template <class Real>
std::size_t readout_scratch_size(int width) {
  constexpr int lanes = Lanes<Real>::count, panel = Shape<Real>::panel;
  return static_cast<std::size_t>(round_up(width, panel) * (lanes + 2) + 2 * panel);
}

// Short runs are cheaper by columns.
template <class Real>
inline bool reads_out_weights(const TangentOf<Real>& of, const PackedNetwork<Real>& network) {
  return of.readout != nullptr && of.readout_run >= 8 && network.layer_count > 1 &&
         network.layers[network.layer_count - 1].activation == Activation::linear;
}

// Some panels of a run: their values, and for each input the sums over outputs of readout x weight, lane by
// lane: part [input][lane], added to what stands there unless `Fresh`.
template <class Real, int Panels, bool Fresh>
inline void sum_weights(const PackedLayer<Real>& layer, int panel, const Real* factor, const Real* x, Real* y,
                        Real* part) {
  using Sums = PanelSums<Real, Panels, 1>;
  const Real* weight = layer.weight + static_cast<std::ptrdiff_t>(panel) * Sums::panel * layer.inputs;
  Sums value(layer.bias + panel * Sums::panel);
  for (int k = 0; k < layer.inputs; ++k) {
    const Vector<Real> at = splat(x, k);
    Vector<Real> sum = Fresh ? Vector<Real>{} : load(part + k * Sums::lanes);
    unrolled<Sums::count>([&](auto v) PYBRIDGE_INLINE_BODY {
      const Vector<Real> w = Sums::weight_of(layer, weight, k, v);
      value.of[v][0] = multiply_add(w, at, value.of[v][0]);
      sum = multiply_add(w, load(factor + v * Sums::lanes), sum);
    });
    store(part + k * Sums::lanes, sum);
  }
  unrolled<Sums::count>([&](auto v) PYBRIDGE_INLINE_BODY { store(y + v * Sums::lanes, value.of[v][0]); });
}

// dy[direction] = sum over inputs of part . dx, two inputs at a time: twelve chains.
template <class Real>
inline void contract(const Real* part, int inputs, const Columns<Real>& dx, Real* dy) {
  constexpr int lanes = Lanes<Real>::count;
  Vector<Real> sum[2][network_directions];
  unrolled<network_directions>([&](auto d) PYBRIDGE_INLINE_BODY { sum[0][d] = sum[1][d] = Vector<Real>{}; });
  const auto add = [&](int k, auto chain) PYBRIDGE_INLINE_BODY {
    const Vector<Real> weight = load(part + k * lanes);
    unrolled<network_directions>([&](auto d) PYBRIDGE_INLINE_BODY {
      sum[chain][d] = multiply_add(weight, splat(dx.from(d).at, k), sum[chain][d]);
    });
  };
  int k = 0;
  for (; k + 2 <= inputs; k += 2) {
    add(k, Index<0>());
    add(k + 1, Index<1>());
  }
  if (k < inputs) add(k, Index<0>());
  for (int d = 0; d < network_directions; ++d) {
    const Vector<Real> both = sum[0][d] + sum[1][d];
    dy[d] = 0;
    for (int l = 0; l < lanes; ++l) dy[d] += both[l];
  }
}

// One run: outputs [first, first + run). A panel that two runs share is evaluated for both, to the same bits.
template <class Real>
inline void read_out_run(const PackedLayer<Real>& layer, int first, int run, const Real* readout,
                         const Columns<Real>& x, Real* y, Real* dy, Real* part, Real* factor) {
  constexpr int panel = Shape<Real>::panel, group = ReadoutShape<Real>::group;
  const int begin = first / panel, end = (first + run + panel - 1) / panel;
  for (int r = begin * panel; r < end * panel; ++r)
    factor[r - begin * panel] = r >= first && r < first + run ? readout[r] : Real(0);
  int p = begin;
  const auto from = [&](int at) { return factor + (at - begin) * panel; };
  if (p + group <= end) {
    sum_weights<Real, group, true>(layer, p, from(p), x.at, y + p * panel, part);
    p += group;
  } else {
    sum_weights<Real, 1, true>(layer, p, from(p), x.at, y + p * panel, part);
    ++p;
  }
  for (; p + group <= end; p += group)
    sum_weights<Real, group, false>(layer, p, from(p), x.at, y + p * panel, part);
  for (; p < end; ++p) sum_weights<Real, 1, false>(layer, p, from(p), x.at, y + p * panel, part);
  contract(part, layer.inputs, x.from(1), dy);
}

template <class Real>
inline void read_out_weights(const PackedLayer<Real>& layer, const TangentOf<Real>& of,
                             const Columns<Real>& x, Real* scratch) {
  const int padded = round_up(layer.outputs, Shape<Real>::panel);
  Real *y = scratch, *part = y + padded;
  Real* factor = part + round_up(layer.inputs, Shape<Real>::panel) * Lanes<Real>::count;
  for (int k = 0; k < network_directions; ++k)
    read_out_run(layer, k * of.readout_run, of.readout_run, of.readout, x, y, of.dy + k * network_directions,
                 part, factor);
  for (int r = 0; r < layer.outputs; ++r) of.y[r] = y[r];
}

// From the columns of all outputs.
template <class Real>
inline void read_out_columns(const PackedLayer<Real>& layer, const TangentOf<Real>& of,
                             const Columns<Real>& y) {
  const auto value = [&](int row, int column) { return y.from(column).at[row * spread<Real>]; };
  for (int r = 0; r < layer.outputs; ++r) of.y[r] = value(r, 0);
  if (of.readout == nullptr) {
    for (int r = 0; r < layer.outputs; ++r)
      for (int d = 0; d < network_directions; ++d) of.dy[r * network_directions + d] = value(r, 1 + d);
    return;
  }
  for (int k = 0; k < network_directions; ++k) {
    Real sum[network_directions] = {};
    for (int r = k * of.readout_run; r < (k + 1) * of.readout_run; ++r)
      for (int d = 0; d < network_directions; ++d) sum[d] += of.readout[r] * value(r, 1 + d);
    for (int d = 0; d < network_directions; ++d) of.dy[k * network_directions + d] = sum[d];
  }
}

}  // namespace pybridge::PYBRIDGE_ISA::network
