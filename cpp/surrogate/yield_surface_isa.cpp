#include "surrogate/yield_surface_update.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

template <class Real>
void update_all(const YieldTable<Real>& table, const YieldBlock<Real>& block) {
  constexpr int lanes = Simd<Real>::lanes, wide = 3;
  int first = 0;
  for (; block.n - first >= wide * lanes; first += wide * lanes)
    update_chunk<Real, wide>(table, block, first, wide * lanes);
  for (; first < block.n; first += lanes)
    update_chunk<Real, 1>(table, block, first, block.n - first < lanes ? block.n - first : lanes);
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
