// Which points of a block go together. A chunk of points asks the network as often as the one of them that
// asks most; where a few points flow fast among many that do not, points that ask equally often are put
// together.
#pragma once

#include "surrogate/yield_surface_update.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

constexpr int ordered_most = 1024;                // points that are put in order at a time
constexpr int asked_most = yield_pieces_max + 1;  // times that a step asks the network
// Times that a point may ask for the cost of reading and writing it out of its place.
constexpr double out_of_place = 0.3;

// How often the points will ask, about: e for small strains. It decides where they go, not what they answer.
template <class Real>
PYBRIDGE_FORCE_INLINE void asks_of(const YieldTable<Real>& table, const YieldBlock<Real>& block,
                                   const Place& place, unsigned char* asks) {
  using V = Vec<Real>;
  const long stride = block.stride;
  V old[6], now[6], x_old[5], x_new[5], v[5];
  for (int i = 0; i < 6; ++i) {
    const V c = static_cast<Real>(0.5) * load_from(block.state_old + i * stride, place);
    old[i] = load_from(block.stretch_old + i * stride, place) + c;
    now[i] = load_from(block.stretch_new + i * stride, place) + c;
  }
  const V factor = fill<Real>(Real(1) / table.strain_scale);
  deviatoric<Real>(old, factor, x_old);
  deviatoric<Real>(now, factor, x_new);
  for (int i = 0; i < 5; ++i) {
    V alpha{};
    for (int b = 0; b < table.shape.backstresses; ++b)
      alpha += load_from(block.state_old + (6 + 5 * b + i) * stride, place);
    v[i] = x_new[i] - x_old[i];
    x_old[i] -= alpha;
    x_new[i] -= alpha;
  }
  const Real floor = table.radius_floor * table.radius_floor;
  const Mask<Real> still = (dot5(x_old, x_old) < floor) & (dot5(x_new, x_new) < floor);
  const V length = root<Real>(dot5(v, v));
  const V pieces = least<V>(length * table.inverse_piece + (length > table.ahead ? fill<Real>(1) : V{}),
                            fill<Real>(Real(asked_most - 1)));
  for (int i = 0; i < place.valid; ++i)
    asks[i] =
        still[i] || !(pieces[i] >= Real(0)) ? 0 : static_cast<unsigned char>(1 + static_cast<int>(pieces[i]));
}

template <class Real>
PYBRIDGE_FORCE_INLINE void count_asks(const YieldTable<Real>& table, const YieldBlock<Real>& block, int first,
                                      int points, unsigned char* asks) {
  constexpr int lanes = Simd<Real>::lanes;
  for (int at = 0; at < points; at += lanes) {
    const int valid = points - at < lanes ? points - at : lanes;
    asks_of<Real>(table, block, Place{nullptr, first + at, valid}, asks + at);
  }
}

// The most that any of some points asks.
PYBRIDGE_FORCE_INLINE int most_asks(const unsigned char* asks, int points) {
  int most_of_them = 0;
  for (int i = 0; i < points; ++i) most_of_them = asks[i] > most_of_them ? asks[i] : most_of_them;
  return most_of_them;
}

// Points of the chunks in which any flows, from those that ask least to those that ask most; gives their
// number, 0 where an order would not pay.
PYBRIDGE_FORCE_INLINE int put_in_order(const unsigned char* asks, int first, int points, int together,
                                       int order[]) {
  int starts[asked_most + 2] = {}, moved = 0;
  long as_they_stand = 0, in_order = 0;
  for (int at = 0; at < points; at += together) {
    const int size = points - at < together ? points - at : together, often = most_asks(asks + at, size);
    if (often == 0) continue;
    as_they_stand += static_cast<long>(often) * size;
    moved += size;
    for (int i = at; i < at + size; ++i) ++starts[asks[i] + 1];
  }
  for (int often = 0; often <= asked_most; ++often) starts[often + 1] += starts[often];
  for (int end = moved, often = asked_most; end > 0; end -= end % together == 0 ? together : end % together) {
    while (starts[often] >= end) --often;  // of the last point of a chunk
    in_order += static_cast<long>(often) * (end % together == 0 ? together : end % together);
  }
  if (static_cast<double>(in_order) + out_of_place * moved >= static_cast<double>(as_they_stand)) return 0;
  for (int at = 0; at < points; at += together) {
    const int size = points - at < together ? points - at : together;
    if (most_asks(asks + at, size) > 0)
      for (int i = at; i < at + size; ++i) order[starts[asks[i]]++] = first + i;
  }
  return moved;
}

}  // namespace

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
