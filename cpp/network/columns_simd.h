// Columns of a dense layer at one point, for *_isa.cpp only: their layout, and their sums in registers.
#pragma once

#include "network/kernels.h"
#include "network/tile_simd.h"

#define PYBRIDGE_INLINE inline __attribute__((always_inline))
#define PYBRIDGE_INLINE_BODY __attribute__((always_inline))

namespace pybridge::PYBRIDGE_ISA::network {

constexpr int tangent_columns = 1 + network_directions;

// How often a number stands in a column, one after the other. SSE2 cannot load one number into all lanes: it
// loads a vector of them.
template <class Real>
constexpr int spread = PYBRIDGE_SIMD_BYTES == 16 ? Lanes<Real>::count : 1;

template <class Real>
struct TangentShape {
  // Panels of outputs at once and columns at once: their sums, and weights, must fit the registers.
  static constexpr int group = PYBRIDGE_SIMD_BYTES == 16 ? 1 : 3;
  static constexpr int columns = PYBRIDGE_SIMD_BYTES == 64 ? tangent_columns : 4;
};

// Distance of columns. The 64 bytes more keep columns of 512 numbers out of each other's way in the cache.
template <class Real>
inline int column_distance(int width) {
  return round_up(width, Shape<Real>::panel) + 64 / static_cast<int>(sizeof(Real));
}

template <class Real>
struct Columns {
  Real* at;
  int distance;  // in numbers, of which each stands `spread` times

  Columns from(int column) const { return {at + column * spread<Real> * distance, distance}; }
};

template <class Real>
inline void put(Real* column, int row, Real value) {
  for (int s = 0; s < spread<Real>; ++s) column[row * spread<Real> + s] = value;
}

template <class Real>
inline Vector<Real> splat(const Real* column, int row) {
  if constexpr (spread<Real> == 1)
    return broadcast<Real>(column[row]);
  else
    return load(column + row * spread<Real>);
}

// As many rows as there are lanes.
template <class Real>
inline void put_rows(Real* column, int row, Vector<Real> values) {
  if constexpr (spread<Real> == 1) {
    store(column + row, values);
  } else {
    for (int l = 0; l < Lanes<Real>::count; ++l)
      store(column + (row + l) * spread<Real>, broadcast<Real>(values[l]));
  }
}

template <class Real>
inline Vector<Real> rows_at(const Real* column, int row) {
  if constexpr (spread<Real> == 1) return load(column + row);
  Vector<Real> values{};
  for (int l = 0; l < Lanes<Real>::count; ++l) values[l] = column[(row + l) * spread<Real>];
  return values;
}

template <class Real>
inline int panels_of(const PackedLayer<Real>& layer) {
  return (layer.outputs + Shape<Real>::panel - 1) / Shape<Real>::panel;
}

// body(Index<0>()), body(Index<1>()), ...: indices known to the compiler from the start, so that arrays of
// vectors become registers whatever stands in the body.
template <int I>
struct Index {
  constexpr operator int() const { return I; }
};

template <int Count, class Body>
PYBRIDGE_INLINE void unrolled(const Body& body) {
  if constexpr (Count > 0) {
    unrolled<Count - 1>(body);
    body(Index<Count - 1>());
  }
}

// The vectors of `Panels` panels of outputs, `Width` columns of each.
template <class Real, int Panels, int Width>
struct PanelSums {
  static constexpr int panel = Shape<Real>::panel, lanes = Lanes<Real>::count, count = Panels * panel / lanes;
  Vector<Real> of[count][Width];

  // `bias`: what the first column starts from; null: zero like the others.
  PYBRIDGE_INLINE explicit PanelSums(const Real* bias) {
    each([&](auto v, auto c) PYBRIDGE_INLINE_BODY {
      of[v][c] = c == 0 && bias != nullptr ? load(bias + v * lanes) : Vector<Real>{};
    });
  }

  // body(vector, column)
  template <class Body>
  static PYBRIDGE_INLINE void each(const Body& body) {
    unrolled<count>([&](auto v) PYBRIDGE_INLINE_BODY {
      unrolled<Width>([&](auto c) PYBRIDGE_INLINE_BODY { body(v, c); });
    });
  }

  // Input k of a layer, `weight` those of its first panel here: their vector v.
  static PYBRIDGE_INLINE Vector<Real> weight_of(const PackedLayer<Real>& layer, const Real* weight, int k,
                                                int v) {
    constexpr int vectors = panel / lanes;
    const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(panel) * layer.inputs;
    return load(weight + v / vectors * next + k * panel + v % vectors * lanes);
  }

  // Asks for those of input k of the panels from `ahead` on, which will be next: they come from far, in runs
  // too short for the processor to see them coming. May point beyond the last.
  static PYBRIDGE_INLINE void fetch(const PackedLayer<Real>& layer, const Real* ahead, int k) {
    constexpr int second_level = 2;
    unrolled<Panels>([&](auto p) PYBRIDGE_INLINE_BODY {
      const std::ptrdiff_t next = static_cast<std::ptrdiff_t>(panel) * layer.inputs;
      __builtin_prefetch(ahead + p * next + k * panel, 0, second_level);
    });
  }

  // Weights of the same number of panels behind these.
  static PYBRIDGE_INLINE const Real* behind(const PackedLayer<Real>& layer, const Real* weight) {
    return weight + static_cast<std::ptrdiff_t>(Panels) * panel * layer.inputs;
  }

  // Inputs [start, start + depth) of the columns x. `ahead`: what fetch() is called with; null: not called.
  PYBRIDGE_INLINE void multiply(const PackedLayer<Real>& layer, const Real* weight, const Real* x, int start,
                                int depth, int distance, const Real* ahead) {
    for (int k = start; k < start + depth; ++k) {
      if (ahead != nullptr) fetch(layer, ahead, k - start);
      Vector<Real> w[count];
      unrolled<count>([&](auto v) PYBRIDGE_INLINE_BODY { w[v] = weight_of(layer, weight, k, v); });
      unrolled<Width>([&](auto c) PYBRIDGE_INLINE_BODY {
        const Vector<Real> factor = splat(x + c * spread<Real> * distance, k);
        unrolled<count>([&](auto v)
                            PYBRIDGE_INLINE_BODY { of[v][c] = multiply_add(w[v], factor, of[v][c]); });
      });
    }
  }

  PYBRIDGE_INLINE void read(const Columns<Real>& y) {
    each([&](auto v, auto c) PYBRIDGE_INLINE_BODY { of[v][c] = rows_at(y.from(c).at, v * lanes); });
  }

  PYBRIDGE_INLINE void write(const Columns<Real>& y) const {
    each([&](auto v, auto c) PYBRIDGE_INLINE_BODY { put_rows(y.from(c).at, v * lanes, of[v][c]); });
  }
};

}  // namespace pybridge::PYBRIDGE_ISA::network
