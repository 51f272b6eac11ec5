#include "surrogate/yield_surface_order.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

// Three vectors of points at a time keep the multipliers busy; fewer only where fewer are left.
template <class Real>
constexpr int together = 3 * Simd<Real>::lanes;

template <class Real>
void update_points(const YieldTable<Real>& table, const YieldBlock<Real>& block, const int* order, int first,
                   int points) {
  constexpr int lanes = Simd<Real>::lanes;
  if (points > 2 * lanes)
    update_chunk<Real, 3>(table, block, order, first, points);
  else if (points > lanes)
    update_chunk<Real, 2>(table, block, order, first, points);
  else
    update_chunk<Real, 1>(table, block, order, first, points);
}

template <class Real>
void update_all(const YieldTable<Real>& table, const YieldBlock<Real>& block) {
  constexpr int chunk = together<Real>;
  for (int first = 0; first < block.n; first += ordered_most) {
    const int points = block.n - first < ordered_most ? block.n - first : ordered_most;
    unsigned char asks[ordered_most];
    int order[ordered_most], moved = 0;
    if (points > chunk) {
      count_asks<Real>(table, block, first, points, asks);
      moved = put_in_order(asks, first, points, chunk, order);
    }
    for (int at = 0; at < points; at += chunk) {
      const int size = points - at < chunk ? points - at : chunk;
      if (moved == 0 || most_asks(asks + at, size) == 0)
        update_points(table, block, nullptr, first + at, size);
    }
    for (int at = 0; at < moved; at += chunk)
      update_points(table, block, order, at, moved - at < chunk ? moved - at : chunk);
  }
}

}  // namespace

void update_yield_surface(const YieldTable<double>& table, const YieldBlock<double>& block) {
  update_all(table, block);
}
void update_yield_surface(const YieldTable<float>& table, const YieldBlock<float>& block) {
  update_all(table, block);
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
