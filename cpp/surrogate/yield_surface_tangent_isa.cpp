// The learned yield surface and its exact derivative at one point: its own kernel, instantiated with dual
// numbers.
#include "surrogate/dual_simd.h"
#include "surrogate/yield_surface_flow.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

template <>
inline Dual root<Scalar>(Dual a) {
  const double value = __builtin_sqrt(a.v[0]);
  return chain(a, value, 0.5 / value);
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge

#include "surrogate/yield_surface_update.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

const Scalar* constants(const double* values) { return reinterpret_cast<const Scalar*>(values); }

YieldTable<Scalar> constant_table(const YieldTable<double>& t) {
  YieldTable<Scalar> table{};
  table.shape = t.shape;
  for (int layer = 0; layer < 3; ++layer) {
    table.weight[layer] = constants(t.weight[layer]);
    table.bias[layer] = constants(t.bias[layer]);
  }
  table.skip = constants(t.skip);
  table.speed = constants(t.speed);
  table.hidden_bound = constants(t.hidden_bound);
  table.elasticity = constants(t.elasticity);
  table.pressure = constants(t.pressure);
  table.pressure_count = t.pressure_count;
  table.strain_scale = t.strain_scale;
  table.radius_floor = t.radius_floor;
  table.radius_most = t.radius_most;
  table.rest_rate = t.rest_rate;
  table.rate_floor = t.rate_floor;
  table.ahead = t.ahead;
  table.inverse_piece = t.inverse_piece;
  table.shear = t.shear;
  table.least_work = t.least_work;
  table.strain_max = t.strain_max;
  table.rate_max = t.rate_max;
  table.time_scale = t.time_scale;
  return table;
}

}  // namespace

void yield_surface_tangent(const YieldTable<double>& table, const YieldBlock<double>& point,
                           double* by_component) {
  constexpr int lanes = Dual::lanes, states_most = yield_states_max + 9;
  alignas(64) Scalar memory[(6 + 6 + 6 + 1 + 2 * states_most) * lanes] = {};
  const int states = table.shape.states() + 9;
  Scalar* next = memory;
  const auto take = [&next](const double* values, int count) {
    Scalar* taken = next;
    next += count * lanes;
    for (int i = 0; values != nullptr && i < count; ++i) taken[i * lanes] = values[i];
    return taken;
  };
  YieldBlock<Scalar> block;
  block.n = 1;
  block.stride = lanes;
  block.dt = point.dt;
  block.stretch_old = take(point.stretch_old, 6);
  Scalar* stretch_new = take(point.stretch_new, 6);
  for (int c = 0; c < 6; ++c) stretch_new[c * lanes + 1 + c] = 1.0;
  block.stretch_new = stretch_new;
  block.state_old = take(point.state_old, states);
  block.stress_new = take(nullptr, 6);
  block.state_new = take(nullptr, states);
  block.dissipation_inc = take(nullptr, 1);
  block.status = point.status;
  const YieldTable<Scalar> constant = constant_table(table);
  update_chunk<Scalar, 1>(constant, block, nullptr, 0, 1);
  for (int c = 0; c < states; ++c) point.state_new[c] = block.state_new[c * lanes];
  point.dissipation_inc[0] = block.dissipation_inc[0];
  for (int row = 0; row < 6; ++row) {
    point.stress_new[row] = block.stress_new[row * lanes];
    for (int column = 0; column < 6; ++column)
      by_component[row * 6 + column] = block.stress_new[row * lanes + 1 + column];
  }
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
