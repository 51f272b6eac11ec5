// The register tile of dense layers, for *_isa.cpp only: `rows` outputs x up to three vectors of points.
#pragma once

#include "network/simd.h"

namespace pybridge::PYBRIDGE_ISA::network {

template <class Real>
struct Shape {
  static constexpr int lanes = Lanes<Real>::count;
  static constexpr int rows = PYBRIDGE_SIMD_BYTES == 64 ? 8 : 4;  // outputs in a register tile
  static constexpr int vectors = 3;                               // vectors of points in a register tile
  static constexpr int tile = vectors * lanes;                    // points in a tile
  static constexpr int panel = lanes > rows ? lanes : rows;
  static constexpr int depth =
      PYBRIDGE_SIMD_BYTES == 64 ? 96 : 192;  // inputs at once: their tile stays in L1
  static constexpr int span = 64;            // outputs at once: their weights stay in L2 while the tiles pass
};

constexpr int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// Rows x Vectors outputs over inputs [0, depth). `fresh`: start from the bias, otherwise from y.
// `ahead`: weights of the next panel. They come from far, in runs too short for the processor to see them
// coming; fetched early they cost nothing (measured: 0.66 of peak without, 0.82 with). May point beyond the
// last.
template <class Real, int Vectors>
inline void multiply_tile(const Real* weight, const Real* bias, bool fresh, const Real* x, int depth, Real* y,
                          const Real* ahead) {
  constexpr int rows = Shape<Real>::rows, lanes = Shape<Real>::lanes, panel = Shape<Real>::panel;
  constexpr int width = Vectors * lanes;
  Vector<Real> sum[rows][Vectors];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < Vectors; ++v)
      sum[r][v] = fresh ? broadcast<Real>(bias[r]) : load(y + r * width + v * lanes);
  for (int k = 0; k < depth; ++k) {
    __builtin_prefetch(ahead + k * panel);
    Vector<Real> point[Vectors];
    for (int v = 0; v < Vectors; ++v) point[v] = load(x + k * width + v * lanes);
    for (int r = 0; r < rows; ++r) {
      const Vector<Real> w = broadcast<Real>(weight[k * panel + r]);
      for (int v = 0; v < Vectors; ++v) sum[r][v] = multiply_add(w, point[v], sum[r][v]);
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < Vectors; ++v) store(y + r * width + v * lanes, sum[r][v]);
}

}  // namespace pybridge::PYBRIDGE_ISA::network
