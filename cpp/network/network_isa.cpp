// Dense layers over a chunk of points: points are the lanes, a register tile holds `rows` outputs x up to
// three vectors of points. Every output is the same chain of multiply-adds, bias first and then inputs in
// order, whatever the tile, so that a point's answer has the same bits in any block; the path for one point
// (lanes are outputs) too.
//
// Activations between layers are stored in tiles of points: [tile][row][point in tile].
#include "network/activation_simd.h"
#include "network/kernels.h"
#include "network/tangent_simd.h"
#include "network/tile_simd.h"

namespace pybridge::PYBRIDGE_ISA {
namespace network {

// Outputs [first, last) of one tile over inputs [start, start + depth).
template <class Real, int Vectors>
inline void layer_tile(const PackedLayer<Real>& layer, const Real* x, Real* y, int first, int last, int start,
                       int depth) {
  constexpr int rows = Shape<Real>::rows, panel = Shape<Real>::panel;
  constexpr int width = Vectors * Shape<Real>::lanes;
  const bool fresh = start == 0, done = start + depth == layer.inputs;
  for (int r = first; r < last; r += rows) {
    const Real* weight = layer.weight + static_cast<std::ptrdiff_t>(r / panel) * panel * layer.inputs +
                         start * panel + r % panel;
    multiply_tile<Real, Vectors>(weight, layer.bias + r, fresh, x + start * width, depth, y + r * width,
                                 weight + static_cast<std::ptrdiff_t>(panel) * layer.inputs);
    if (done) activate(y + r * width, rows * width, layer.activation);
  }
}

template <class Real>
inline int tile_vectors(int n, int tile) {
  const int left = n - tile * Shape<Real>::tile;
  return left >= Shape<Real>::tile ? Shape<Real>::vectors
                                   : (left + Shape<Real>::lanes - 1) / Shape<Real>::lanes;
}

// One layer over all tiles; `rows_in` and `rows_out` are the rows that x and y hold for each tile.
template <class Real>
void layer_block(const PackedLayer<Real>& layer, int n, const Real* x, int rows_in, Real* y, int rows_out) {
  constexpr int tile = Shape<Real>::tile;
  const int tiles = (n + tile - 1) / tile, outputs = round_up(layer.outputs, Shape<Real>::rows);
  for (int start = 0; start < layer.inputs; start += Shape<Real>::depth) {
    const int left = layer.inputs - start, depth = left < Shape<Real>::depth ? left : Shape<Real>::depth;
    for (int first = 0; first < outputs; first += Shape<Real>::span) {
      const int end = first + Shape<Real>::span, last = end < outputs ? end : outputs;
      for (int t = 0; t < tiles; ++t) {
        const Real* xt = x + static_cast<std::ptrdiff_t>(t) * tile * rows_in;
        Real* yt = y + static_cast<std::ptrdiff_t>(t) * tile * rows_out;
        switch (tile_vectors<Real>(n, t)) {
          case 1:
            layer_tile<Real, 1>(layer, xt, yt, first, last, start, depth);
            break;
          case 2:
            layer_tile<Real, 2>(layer, xt, yt, first, last, start, depth);
            break;
          default:
            layer_tile<Real, 3>(layer, xt, yt, first, last, start, depth);
        }
      }
    }
  }
}

// One layer for one point: `Panels` panels of outputs at a time, lanes are outputs.
template <class Real, int Panels>
inline void multiply_panels(const Real* weight, const Real* bias, const Real* x, int inputs, Real* y) {
  constexpr int lanes = Shape<Real>::lanes, panel = Shape<Real>::panel, vectors = panel / lanes;
  const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(panel) * inputs;
  Vector<Real> sum[Panels][vectors];
  for (int p = 0; p < Panels; ++p)
    for (int v = 0; v < vectors; ++v) sum[p][v] = load(bias + p * panel + v * lanes);
  for (int k = 0; k < inputs; ++k) {
    const Vector<Real> value = broadcast<Real>(x[k]);
    for (int p = 0; p < Panels; ++p)
      for (int v = 0; v < vectors; ++v)
        sum[p][v] = multiply_add(load(weight + p * next + k * panel + v * lanes), value, sum[p][v]);
  }
  for (int p = 0; p < Panels; ++p)
    for (int v = 0; v < vectors; ++v) store(y + p * panel + v * lanes, sum[p][v]);
}

template <class Real>
void layer_one(const PackedLayer<Real>& layer, const Real* x, Real* y) {
  constexpr int panel = Shape<Real>::panel, group = 5;
  const int panels = (layer.outputs + panel - 1) / panel;
  const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(panel) * layer.inputs;
  int p = 0;
  for (; p + group <= panels; p += group)
    multiply_panels<Real, group>(layer.weight + p * next, layer.bias + p * panel, x, layer.inputs,
                                 y + p * panel);
  for (; p < panels; ++p)
    multiply_panels<Real, 1>(layer.weight + p * next, layer.bias + p * panel, x, layer.inputs, y + p * panel);
  activate(y, panels * panel, layer.activation);
}

template <class Real>
inline int buffer_rows(int width) {
  return round_up(width, Shape<Real>::panel);
}

template <class Real>
std::size_t block_scratch_size(int width) {
  return 2 * static_cast<std::size_t>(buffer_rows<Real>(width)) * round_up(network_chunk, Shape<Real>::tile);
}

template <class Real>
std::size_t scratch_size(int width) {
  const std::size_t block = block_scratch_size<Real>(width), tangent = tangent_scratch_size<Real>(width);
  return block > tangent ? block : tangent;
}

// Copies component rows of the block into tiles, zeros in the lanes beyond n, and back.
template <class Real>
void to_tiles(int n, const Real* x, std::ptrdiff_t stride, int rows, Real* tiles, int buffer) {
  constexpr int tile = Shape<Real>::tile, lanes = Shape<Real>::lanes;
  for (int t = 0; t * tile < n; ++t) {
    const int width = tile_vectors<Real>(n, t) * lanes, left = n - t * tile,
              points = left < width ? left : width;
    Real* to = tiles + static_cast<std::ptrdiff_t>(t) * tile * buffer;
    for (int r = 0; r < rows; ++r, to += width) {
      const Real* from = x + t * tile + r * stride;
      for (int i = 0; i < points; ++i) to[i] = from[i];
      for (int i = points; i < width; ++i) to[i] = 0;
    }
  }
}

template <class Real>
void from_tiles(int n, const Real* tiles, int buffer, int rows, Real* y, std::ptrdiff_t stride) {
  constexpr int tile = Shape<Real>::tile, lanes = Shape<Real>::lanes;
  for (int t = 0; t * tile < n; ++t) {
    const int width = tile_vectors<Real>(n, t) * lanes, left = n - t * tile,
              points = left < width ? left : width;
    const Real* from = tiles + static_cast<std::ptrdiff_t>(t) * tile * buffer;
    for (int r = 0; r < rows; ++r, from += width)
      for (int i = 0; i < points; ++i) y[t * tile + i + r * stride] = from[i];
  }
}

template <class Real>
void forward(const PackedNetwork<Real>& network, int n, const Real* x, std::ptrdiff_t x_stride, Real* y,
             std::ptrdiff_t y_stride, Real* scratch) {
  const int buffer = buffer_rows<Real>(network.width);
  const int inputs = network.layers[0].inputs, outputs = network.layers[network.layer_count - 1].outputs;
  Real* from = scratch;
  Real* to = scratch + block_scratch_size<Real>(network.width) / 2;
  if (n == 1) {
    for (int r = 0; r < inputs; ++r) from[r] = x[r * x_stride];
  } else {
    to_tiles(n, x, x_stride, inputs, from, buffer);
  }
  for (int l = 0; l < network.layer_count; ++l) {
    if (n == 1)
      layer_one(network.layers[l], from, to);
    else
      layer_block(network.layers[l], n, from, buffer, to, buffer);
    Real* swap = from;
    from = to;
    to = swap;
  }
  if (n == 1) {
    for (int r = 0; r < outputs; ++r) y[r * y_stride] = from[r];
  } else {
    from_tiles(n, from, buffer, outputs, y, y_stride);
  }
}

// Twelve independent chains: enough to hide the latency of two multiply-add units.
template <class Real>
double peak(long repeats, Real* sink) {
  constexpr int chains = 12;
  Vector<Real> sum[chains];
  for (int c = 0; c < chains; ++c) sum[c] = broadcast<Real>(static_cast<Real>(c));
  const Vector<Real> factor = broadcast<Real>(sink[0]), addend = broadcast<Real>(sink[1]);
  for (long i = 0; i < repeats; ++i)
    for (int c = 0; c < chains; ++c) sum[c] = multiply_add(sum[c], factor, addend);
  Vector<Real> total{};
  for (int c = 0; c < chains; ++c) total += sum[c];
  sink[0] = total[0];
  return 2.0 * chains * Lanes<Real>::count * static_cast<double>(repeats);
}

template <class Real>
void fill(NetworkKernels<Real>& kernels) {
  kernels.panel = Shape<Real>::panel;
  kernels.scratch_size = &scratch_size<Real>;
  kernels.forward = &forward<Real>;
  kernels.forward_tangent = &forward_tangent<Real>;
  kernels.peak = &peak<Real>;
}

}  // namespace network

void network_kernels(NetworkKernels<float>& kernels) { network::fill(kernels); }
void network_kernels(NetworkKernels<double>& kernels) { network::fill(kernels); }

}  // namespace pybridge::PYBRIDGE_ISA
