// The learned yield surface over a block of points (training/yield_surface_script.py is its twin). One lane,
// one point; missing lanes of the last vector repeat its last point, so that every point meets the same
// arithmetic. Shared by the evaluation and its derivative,
// which instantiates it with dual numbers.
#pragma once

#include "network/activation_simd.h"
#include "surrogate/yield_surface_flow.h"
#include "surrogate/yield_surface_kernel.h"
#include "surrogate/yield_surface_tensor.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

constexpr int ok = 0, unreliable = 1, recoverable = 2, fatal = 3;  // core/status.h
constexpr int rows_max = yield_width_max > yield_states_max + 8 ? yield_width_max : yield_states_max + 8;

// A vector of a block's points: those from `at`, or, where there is an order, those that it names there.
// Lanes beyond the valid ones repeat the last.
struct Place {
  const int* order;
  int at, valid;

  int point(int lane) const {
    const int i = at + (lane < valid ? lane : valid - 1);
    return order == nullptr ? i : order[i];
  }
};

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> load_from(const Real* row, const Place& place) {
  if constexpr (Simd<Real>::lanes > 1)
    if (place.order != nullptr) {
      Vec<Real> v{};
      for (int i = 0; i < Simd<Real>::lanes; ++i) v[i] = row[place.point(i)];
      return v;
    }
  return load(row + place.at, place.valid);
}

template <class Real>
PYBRIDGE_FORCE_INLINE void store_to(Real* row, Vec<Real> v, const Place& place) {
  if constexpr (Simd<Real>::lanes > 1)
    if (place.order != nullptr) {
      for (int i = 0; i < place.valid; ++i) row[place.point(i)] = v[i];
      return;
    }
  store(row + place.at, v, place.valid);
}

// What goes in and out of the network, and stays until the flow: NV vectors of points.
template <class Real, int NV>
struct Chunk {
  using V = Vec<Real>;
  V input[yield_inputs_max * NV], first[rows_max * NV], second[rows_max * NV];
  V z[yield_states_max * NV];
  V u[6][NV], c[6][NV], e[5][NV], v[5][NV], flow[5][NV], volume[NV], dilation[NV], contraction[NV];
  V count[NV], gamma[NV], work[NV];
  Mask<Real> bad[NV], outside[NV], ahead[NV];
};

// y = W x + b, rows four at a time.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void dense(const Real* w, const Real* b, int out, int in, const Vec<Real>* x,
                                 Vec<Real>* y) {
  for (int o = 0; o < out; o += yield_rows) {
    Vec<Real> sum[yield_rows][NV];
    for (int r = 0; r < yield_rows; ++r)
      for (int k = 0; k < NV; ++k) sum[r][k] = fill<Real>(b[o + r]);
    for (int i = 0; i < in; ++i, w += yield_rows)
      for (int r = 0; r < yield_rows; ++r) {
        const Vec<Real> weight = fill<Real>(w[r]);
        for (int k = 0; k < NV; ++k) sum[r][k] = network::multiply_add(weight, x[i * NV + k], sum[r][k]);
      }
    for (int r = 0; r < yield_rows; ++r)
      for (int k = 0; k < NV; ++k) y[(o + r) * NV + k] = sum[r][k];
  }
}

template <class Real>
PYBRIDGE_FORCE_INLINE void activate(int count, Vec<Real>* x) {
  for (int i = 0; i < count; ++i) x[i] = algebraic_silu<Real>(x[i]);
}

// U - 1 = e must be finite, det U > 0.
template <class Real>
PYBRIDGE_FORCE_INLINE Mask<Real> admissible(const Vec<Real> e[6]) {
  Mask<Real> fine = dilation_of(e) > static_cast<Real>(-1 + 1e-6);
  for (int c = 0; c < 6; ++c) fine &= magnitude<Real>(e[c]) < static_cast<Real>(1e6);  // false for NaN
  return fine;
}

// J^(-2/3)
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> contraction_of(Vec<Real> dilation) {
  return exponential<Real>(logarithm<Real>(Real(1) + dilation) * static_cast<Real>(-2.0 / 3));
}

// e at U = 1 + strain, in strain_scale; contraction: J^(-2/3).
template <class Real>
PYBRIDGE_FORCE_INLINE void elastic_strain(const YieldTable<Real>& table, const Vec<Real> strain[6],
                                          Vec<Real> contraction, const Vec<Real> c[6], Vec<Real> e[5]) {
  using V = Vec<Real>;
  V u[6], b[6], bc[6];
  for (int i = 0; i < 6; ++i) u[i] = i < 3 ? strain[i] + Real(1) : strain[i];
  square(strain, b);
  congruence(u, c, bc);
  for (int i = 0; i < 6; ++i) b[i] = (strain[i] + strain[i] + b[i]) + bc[i];
  deviatoric<Real>(b, contraction * (static_cast<Real>(0.5) / table.strain_scale), e);
}

// J dev(sigma) / 2 G in strain_scale: A e + g (J - 1), or e itself.
template <class Real>
PYBRIDGE_FORCE_INLINE void kirchhoff(const YieldTable<Real>& table, const Vec<Real> e[5], Vec<Real> dilation,
                                     Vec<Real> out[5]) {
  const Real* a = table.elasticity;
  if (a == nullptr) {  // isotropic
    for (int i = 0; i < 5; ++i) out[i] = e[i];
    return;
  }
  const Vec<Real> part = dilation * (Real(1) / table.strain_scale);
  for (int i = 0; i < 5; ++i) {
    out[i] = part * a[25 + i];
    for (int j = 0; j < 5; ++j) out[i] += e[j] * a[5 * i + j];
  }
}

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> squared_norm(const Vec<Real> e[6]) {
  return e[0] * e[0] + e[1] * e[1] + e[2] * e[2] + Real(2) * (e[3] * e[3] + e[4] * e[4] + e[5] * e[5]);
}

// Reads a vector of points and prepares what the network sees.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void begin(const YieldTable<Real>& table, const YieldBlock<Real>& block,
                                 const Place& place, int k, Chunk<Real, NV>& chunk) {
  using V = Vec<Real>;
  const int states = table.shape.states();
  const long stride = block.stride;
  V strain_old[6], strain[6], change[6], c[6], e_old[5], e[5];
  for (int i = 0; i < 6; ++i) {
    const V old = load_from(block.stretch_old + i * stride, place),
            now = load_from(block.stretch_new + i * stride, place);
    strain_old[i] = i < 3 ? old - Real(1) : old;
    strain[i] = i < 3 ? now - Real(1) : now;
    change[i] = now - old;
    c[i] = load_from(block.state_old + i * stride, place);
  }
  const Mask<Real> bad = ~(admissible<Real>(strain_old) & admissible<Real>(strain));
  for (int i = 0; i < 6; ++i) {
    strain_old[i] = bad ? V{} : strain_old[i];
    strain[i] = bad ? V{} : strain[i];
    chunk.c[i][k] = c[i];
    chunk.u[i][k] = i < 3 ? strain[i] + Real(1) : strain[i];
  }
  chunk.bad[k] = bad;
  const Real rate_dt = static_cast<Real>(table.rate_max * block.dt);
  chunk.outside[k] = (squared_norm<Real>(strain) > table.strain_max * table.strain_max) |
                     (squared_norm<Real>(change) > rate_dt * rate_dt);
  chunk.dilation[k] = dilation_of(strain);
  chunk.volume[k] = chunk.dilation[k] + Real(1);
  chunk.contraction[k] = contraction_of<Real>(chunk.dilation[k]);
  elastic_strain<Real>(table, strain_old, contraction_of<Real>(dilation_of(strain_old)), c, e_old);
  elastic_strain<Real>(table, strain, chunk.contraction[k], c, e);
  for (int i = 0; i < states; ++i) chunk.z[i * NV + k] = load_from(block.state_old + (6 + i) * stride, place);
  V v[5];
  for (int i = 0; i < 5; ++i) {
    v[i] = e[i] - e_old[i];
    chunk.e[i][k] = e_old[i];
    chunk.flow[i][k] = V{};
  }
  chunk.gamma[k] = chunk.work[k] = V{};
  const V length = norm5<Real>(v);
  const V cuts = least<V>(length * table.inverse_piece, fill<Real>(Real(yield_pieces_max)));
  chunk.ahead[k] = length > table.ahead;
  V count = fill<Real>(1);
  for (int p = 1; p < yield_pieces_max; ++p) count += cuts > Real(p) ? fill<Real>(1) : V{};
  chunk.count[k] = count;
  const Real inverse_h = block.dt > 0 ? static_cast<Real>(table.time_scale / block.dt) : Real(0);
  V per_time[5];
  for (int i = 0; i < 5; ++i) {
    per_time[i] = v[i] * inverse_h;
    chunk.v[i][k] = v[i] / count;
  }
  const V u = least<V>(dot5(per_time, per_time) + table.rate_floor * table.rate_floor,
                       fill<Real>(static_cast<Real>(1e12)));
  chunk.input[(5 + states) * NV + k] = logarithm<Real>(u) * static_cast<Real>(0.5 * 0.43429448190325182765);
}

// x = e - alpha at the beginning of a piece.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void relative(const YieldTable<Real>& table, int k, const Chunk<Real, NV>& chunk,
                                    Vec<Real> x[5]) {
  for (int i = 0; i < 5; ++i) {
    Vec<Real> alpha{};
    for (int b = 0; b < table.shape.backstresses; ++b) alpha += chunk.z[(5 * b + i) * NV + k];
    x[i] = chunk.e[i][k] - alpha;
  }
}

// Whether a point may flow at all: not where both ends of its step lie in the ball that is always elastic.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE bool may_flow(const YieldTable<Real>& table, int k, const Chunk<Real, NV>& chunk) {
  using V = Vec<Real>;
  V x[5], end[5];
  relative<Real, NV>(table, k, chunk, x);
  for (int i = 0; i < 5; ++i) end[i] = x[i] + chunk.count[k] * chunk.v[i][k];
  // A thousandth below, so that rounding cannot make a difference; true for NaN.
  const Real inside = static_cast<Real>(0.999) * table.radius_floor;
  return any(~((norm5<Real>(x) < inside) & (norm5<Real>(end) < inside)));
}

// n at the middle of a piece without flow.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void direction(const YieldTable<Real>& table, int k, const Chunk<Real, NV>& chunk,
                                     Vec<Real> n[5]) {
  using V = Vec<Real>;
  V x[5];
  relative<Real, NV>(table, k, chunk, x);
  for (int i = 0; i < 5; ++i) x[i] += Real(0.5) * chunk.v[i][k];
  normalised<Real>(x, n);
}

// Products n.alpha of each backstress, behind direction, hidden states and rate of the input.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void show_products(const YieldTable<Real>& table, int k, Chunk<Real, NV>& chunk) {
  const int states = table.shape.states();
  for (int b = 0; b < table.shape.backstresses; ++b) {
    Vec<Real> along{};
    for (int i = 0; i < 5; ++i) along += chunk.input[i * NV + k] * chunk.input[(5 + 5 * b + i) * NV + k];
    chunk.input[(6 + states + b) * NV + k] = along;
  }
}

// What the network sees at the beginning of a piece.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void look(const YieldTable<Real>& table, int k, Chunk<Real, NV>& chunk) {
  const int states = table.shape.states();
  Vec<Real> n[5];
  direction<Real, NV>(table, k, chunk, n);
  for (int i = 0; i < 5; ++i) chunk.input[i * NV + k] = n[i];
  for (int i = 0; i < states; ++i) chunk.input[(5 + i) * NV + k] = chunk.z[i * NV + k];
  show_products<Real, NV>(table, k, chunk);
}

// Where `wild`, x returns from the trial to the radius along itself.
template <class Real>
PYBRIDGE_FORCE_INLINE void return_along(Mask<Real> wild, const Vec<Real> trial[5], Vec<Real> radius,
                                        Vec<Real> flow[5], Vec<Real>& gamma) {
  using V = Vec<Real>;
  const V length = norm5<Real>(trial), over = most<V>(length - radius, V{});
  for (int i = 0; i < 5; ++i) flow[i] = wild ? trial[i] * (over / length) : flow[i];
  gamma = wild ? over : gamma;
}

// Plastic strain and gamma along v in the time h, the network's answer held; n: where it was asked for.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void flow_along(const YieldTable<Real>& table, int k, const Chunk<Real, NV>& chunk,
                                      const Vec<Real>* answer, const Vec<Real> n[5], const Vec<Real> along[5],
                                      Vec<Real> h, int substeps, Vec<Real> flow[5], Vec<Real>& gamma) {
  using V = Vec<Real>;
  const YieldShape& shape = table.shape;
  const int back = shape.back(), states = shape.states();
  const Real inverse = Real(1) / static_cast<Real>(substeps);
  h = h * inverse;
  Surface<V> f;
  V v[5], x[5], raw_d[5];
  relative<Real, NV>(table, k, chunk, x);
  for (int i = 0; i < 5; ++i) raw_d[i] = answer[(2 + i) * NV + k];
  V raw = answer[k];
  f.k_h = exponential<Real>(bounded<Real>(answer[NV + k], static_cast<Real>(log_rate_most))) * h;
  f.rest = root<Real>(table.rest_rate * h / f.k_h);
  const V d_n = dot5(raw_d, n);
  const V expected = most<V>(dot5(n, along), V{});
  for (int i = 0; i < 5; ++i)
    f.d[i] = raw_d[i] - n[i] * d_n, f.q[i] = V{}, v[i] = along[i] * inverse, flow[i] = V{};
  const V d_size =
      inverse_root<Real>(Real(1) + static_cast<Real>(1 / (turn_most * turn_most)) * dot5(f.d, f.d));
  for (int i = 0; i < 5; ++i) f.d[i] *= d_size;
  V drive{};
  for (int i = 0; i < states; ++i) {
    const V z = chunk.z[i * NV + k];
    const V target = bounded<Real>(answer[(7 + i) * NV + k], table.hidden_bound[i]);
    const V slope = table.speed[i] * (target - z) * kept<Real>(Real(0.5) * table.speed[i] * expected);
    if (i < back) {
      f.q[i % 5] += slope;
    } else {
      drive += table.skip[i - back] * slope;
      raw += table.skip[i - back] * z;
    }
  }
  const V small = exponential<Real>(-magnitude<Real>(raw));
  const V gate = (raw > Real(0) ? fill<Real>(1) : small) / (Real(1) + small);
  f.radius = least<V>(table.radius_floor + most<V>(raw, V{}) + logarithm<Real>(Real(1) + small),
                      fill<Real>(table.radius_most));
  f.hardening = most<V>(gate * drive, fill<Real>(static_cast<Real>(-softening_most)));
  f.floor = fill<Real>(table.radius_floor);
  bound_backstress<Real>(f);
  V radius = f.radius;
  gamma = V{};
  Substep<V> values;
  V trial[5], start = dot5(x, x);
  for (int i = 0; i < 5; ++i) trial[i] = x[i] + along[i];
  for (int s = 0; s < substeps; ++s) substep<Real>(f, v, x, radius, flow, gamma, values);
  // Flow shortens x. Where the network's directions are so wild that x ends beyond where it began and where
  // it would be without flow, it returns to the surface along itself instead.
  const V far = dot5(trial, trial), most_far = static_cast<Real>(yield_farther) * most<V>(start, far);
  const Mask<Real> wild = ~(dot5(x, x) < most_far + static_cast<Real>(1e-24));
  return_along<Real>(wild, trial, f.radius, flow, gamma);
}

// A hidden state after gamma.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE Vec<Real> moved_state(const YieldTable<Real>& table, int k,
                                            const Chunk<Real, NV>& chunk, const Vec<Real>* answer, int i,
                                            Vec<Real> gamma) {
  using V = Vec<Real>;
  const V target = bounded<Real>(answer[(7 + i) * NV + k], table.hidden_bound[i]);
  const V y = table.speed[i] * gamma, moved = y * (Real(1) + static_cast<Real>(0.5) * y);
  const V z = chunk.z[i * NV + k];
  return z + (target - z) * (moved / (Real(1) + moved));
}

// What the network sees in the middle of a piece, found with an answer from before, for the points that ask
// for it; at its beginning for the others, and where the direction turned too far to be believed.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void look_ahead(const YieldTable<Real>& table, Real h, int k, Chunk<Real, NV>& chunk,
                                      const Vec<Real>* answer) {
  using V = Vec<Real>;
  const int back = table.shape.back(), states = table.shape.states();
  const Real half = static_cast<Real>(0.5);
  V n[5], v[5], x[5], flow[5], gamma;
  direction<Real, NV>(table, k, chunk, n);
  for (int i = 0; i < 5; ++i) v[i] = half * chunk.v[i][k];
  flow_along<Real, NV>(table, k, chunk, answer, n, v, half * h / chunk.count[k], 1, flow, gamma);
  for (int i = 0; i < 5; ++i) x[i] = chunk.e[i][k] + v[i] - flow[i];
  for (int i = 0; i < states; ++i) {
    const V z = moved_state<Real, NV>(table, k, chunk, answer, i, gamma);
    chunk.input[(5 + i) * NV + k] = z;
    if (i < back) x[i % 5] -= z;
  }
  normalised<Real>(x, x);
  const Mask<Real> ahead = chunk.ahead[k] & (dot5(x, n) > static_cast<Real>(yield_trusted_turn));
  for (int i = 0; i < 5; ++i) chunk.input[i * NV + k] = ahead ? x[i] : n[i];
  for (int i = 0; i < states; ++i) {
    V& z = chunk.input[(5 + i) * NV + k];
    z = ahead ? z : chunk.z[i * NV + k];
  }
  show_products<Real, NV>(table, k, chunk);
}

// Far outside the surface the backstresses may not move as the flow along x took for granted: where x ends
// beyond radius_most and farther out than it was, it returns to it along itself. z: hidden states at the end.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void keep_bounded(const YieldTable<Real>& table, int k, const Chunk<Real, NV>& chunk,
                                        const Vec<Real>* answer, Vec<Real> flow[5], Vec<Real>& gamma,
                                        Vec<Real> z[]) {
  using V = Vec<Real>;
  V start[5], trial[5], end[5];
  relative<Real, NV>(table, k, chunk, start);
  for (int i = 0; i < 5; ++i) {
    trial[i] = start[i] + chunk.v[i][k];
    end[i] = chunk.e[i][k] + chunk.v[i][k] - flow[i];
  }
  for (int i = 0; i < table.shape.back(); ++i) end[i % 5] -= z[i];
  const V most_radius = fill<Real>(table.radius_most);
  const V before = most<V>(dot5(start, start), dot5(trial, trial));
  const V most_far = static_cast<Real>(yield_farther) * most<V>(before, most_radius * most_radius);
  const Mask<Real> wild = ~(dot5(end, end) < most_far);
  if (!any(wild)) return;
  return_along<Real>(wild, trial, most_radius, flow, gamma);
  for (int i = 0; i < table.shape.states(); ++i)
    z[i] = moved_state<Real, NV>(table, k, chunk, answer, i, gamma);
}

// The flow of piece number `piece` with the network's answer.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void advance(const YieldTable<Real>& table, Real h, int k, int piece,
                                   Chunk<Real, NV>& chunk, const Vec<Real>* answer) {
  using V = Vec<Real>;
  const int states = table.shape.states();
  const Mask<Real> active = chunk.count[k] > Real(piece);
  V n[5], v[5], flow[5], gamma, moved[5], stress[5];
  for (int i = 0; i < 5; ++i) n[i] = chunk.input[i * NV + k], v[i] = chunk.v[i][k];
  flow_along<Real, NV>(table, k, chunk, answer, n, v, h / chunk.count[k], table.shape.substeps, flow, gamma);
  V z[yield_states_max];
  for (int i = 0; i < states; ++i) z[i] = moved_state<Real, NV>(table, k, chunk, answer, i, gamma);
  keep_bounded<Real, NV>(table, k, chunk, answer, flow, gamma, z);
  for (int i = 0; i < 5; ++i) {
    moved[i] = chunk.e[i][k] + chunk.v[i][k] - flow[i];
    chunk.e[i][k] = active ? moved[i] : chunk.e[i][k];
    chunk.flow[i][k] += active ? flow[i] : V{};
  }
  kirchhoff<Real>(table, moved, chunk.dilation[k], stress);
  const V work = dot5(stress, flow);
  chunk.work[k] += active ? work : V{};
  chunk.gamma[k] += active ? gamma : V{};
  for (int i = 0; i < states; ++i) {
    V& at = chunk.z[i * NV + k];
    at = active ? z[i] : at;
  }
}

// The network's answer in chunk.first.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void ask(const YieldTable<Real>& table, Chunk<Real, NV>& chunk) {
  const YieldShape& shape = table.shape;
  dense<Real, NV>(table.weight[0], table.bias[0], shape.width, shape.inputs(), chunk.input, chunk.first);
  activate<Real>(shape.width * NV, chunk.first);
  dense<Real, NV>(table.weight[1], table.bias[1], shape.width, shape.width, chunk.first, chunk.second);
  activate<Real>(shape.width * NV, chunk.second);
  dense<Real, NV>(table.weight[2], table.bias[2], shape.outputs(), shape.width, chunk.second, chunk.first);
}

// C after the plastic strain `flow`, det(1 + C) back at 1.
template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void move_metric(const YieldTable<Real>& table, int k, const Chunk<Real, NV>& chunk,
                                       const Vec<Real> flow[5], Vec<Real> c[6]) {
  using V = Vec<Real>;
  V u[6], inverse[6], plastic[6], metric[6], squared[6];
  for (int i = 0; i < 6; ++i) u[i] = chunk.u[i][k];
  inverse_of(u, Real(1) / chunk.volume[k], inverse);
  expand<Real>(flow, plastic);
  congruence(inverse, plastic, metric);
  square(inverse, squared);
  const V j23 = Real(1) / chunk.contraction[k];
  const V factor = j23 * (Real(-2) * table.strain_scale);
  for (int i = 0; i < 6; ++i) c[i] += metric[i] * factor;
  // Each step leaves a ten-thousandth of what it finds (the square of e), so that three end in rounding.
  for (int step = 0; step < 3; ++step) {
    const V mu = dilation_of(c) * static_cast<Real>(1.0 / 3) * j23;
    for (int i = 0; i < 6; ++i) c[i] -= squared[i] * mu;
  }
}

template <class Real, int NV>
PYBRIDGE_FORCE_INLINE void finish(const YieldTable<Real>& table, const YieldBlock<Real>& block,
                                  const Place& place, int k, const Chunk<Real, NV>& chunk) {
  using V = Vec<Real>;
  const int states = table.shape.states();
  const long stride = block.stride;
  V flow[5], e[5], c[6], moved[6], stress[6];
  for (int i = 0; i < 5; ++i) flow[i] = chunk.flow[i][k];
  for (int i = 0; i < 6; ++i) c[i] = moved[i] = chunk.c[i][k];
  move_metric<Real, NV>(table, k, chunk, flow, moved);
  const Mask<Real> flows = chunk.gamma[k] > Real(0);
  Mask<Real> fine = ~chunk.bad[k], outside = chunk.outside[k];
  V sum{};
  Real* state = block.state_new;
  for (int i = 0; i < 6; ++i) {
    c[i] = flows ? moved[i] : c[i];
    sum += c[i];
    store_to(state + i * stride, c[i], place);
  }
  for (int i = 0; i < states; ++i) {
    const V z = chunk.z[i * NV + k];
    outside |= magnitude<Real>(z) > static_cast<Real>(yield_flagged) * table.hidden_bound[i];
    sum += z;
    store_to(state + (6 + i) * stride, z, place);
  }
  const V work_inc = table.shear * table.strain_scale * chunk.work[k];
  const V slip =
      static_cast<Real>(0.81649658092772603273) * table.strain_scale * root<Real>(dot5(flow, flow));
  const long last = (6 + states) * stride;
  const V plastic = load_from(block.state_old + last, place) + slip;
  const V work = load_from(block.state_old + last + stride, place) + work_inc;
  V flag = load_from(block.state_old + last + 2 * stride, place);
  outside |= work < table.least_work;
  flag = most<V>(flag, outside ? fill<Real>(1) : V{});
  store_to(state + last, plastic, place);
  store_to(state + last + stride, work, place);
  store_to(state + last + 2 * stride, flag, place);
  V strain[6];
  for (int i = 0; i < 6; ++i) strain[i] = chunk.u[i][k] - (i < 3 ? fill<Real>(1) : V{});
  elastic_strain<Real>(table, strain, chunk.contraction[k], c,
                       e);  // of U and C alone, whether it flowed or not
  // Flow so large that its square counts: C does not say what was integrated, and a smaller step will.
  V apart[5];
  for (int i = 0; i < 5; ++i) apart[i] = e[i] - chunk.e[i][k];
  const Mask<Real> lost = flows & ~(norm5<Real>(apart) < Real(1) + static_cast<Real>(0.5) * norm5<Real>(e));
  V pressure{};
  for (int i = table.pressure_count - 1; i >= 0; --i)
    pressure = (pressure + table.pressure[i]) * chunk.dilation[k];
  if (table.elasticity != nullptr)
    for (int i = 0; i < 5; ++i) pressure += e[i] * (table.shear * table.elasticity[25 + i]);
  kirchhoff<Real>(table, e, chunk.dilation[k], apart);
  expand<Real>(apart, stress);
  const V inverse_volume = Real(1) / chunk.volume[k];
  for (int i = 0; i < 6; ++i) {
    stress[i] = stress[i] * (table.shear * inverse_volume) + (i < 3 ? pressure : V{});
    sum += stress[i];
    store_to(block.stress_new + i * stride, stress[i], place);
  }
  store_to(block.dissipation_inc, work_inc * inverse_volume, place);
  fine &= (sum - sum) == Real(0);  // false for NaN and infinity
  for (int i = 0; i < place.valid; ++i)
    block.status[place.point(i)] =
        !fine[i] ? fatal : (lost[i] ? recoverable : (flag[i] > Real(0) ? unreliable : ok));
}

// Points [first, first + points), at most NV vectors, of the block or of an order of it.
template <class Real, int NV>
void update_chunk(const YieldTable<Real>& table, const YieldBlock<Real>& block, const int* order, int first,
                  int points) {
  constexpr int lanes = Simd<Real>::lanes;
  Chunk<Real, NV> chunk;
  Place place[NV];
  for (int k = 0; k < NV; ++k) {
    place[k] = {order, first + k * lanes, points < (k + 1) * lanes ? points - k * lanes : lanes};
    begin<Real, NV>(table, block, place[k], k, chunk);
  }
  const Real h = static_cast<Real>(block.dt / table.time_scale);
  bool flows = false, ahead = false;
  int pieces = 0;
  for (int k = 0; k < NV; ++k) {
    flows |= may_flow<Real, NV>(table, k, chunk);
    ahead |= any(chunk.ahead[k]);
    for (int i = 0; i < lanes; ++i)
      if (chunk.count[k][i] > Real(pieces)) pieces = static_cast<int>(chunk.count[k][i]);
  }
  for (int piece = 0; flows && piece < pieces; ++piece) {
    if (piece == 0 || !ahead) {
      for (int k = 0; k < NV; ++k) look<Real, NV>(table, k, chunk);
      ask<Real, NV>(table, chunk);
    }
    if (ahead) {
      for (int k = 0; k < NV; ++k) look_ahead<Real, NV>(table, h, k, chunk, chunk.first);
      ask<Real, NV>(table, chunk);
    }
    for (int k = 0; k < NV; ++k) advance<Real, NV>(table, h, k, piece, chunk, chunk.first);
  }
  for (int k = 0; k < NV; ++k) finish<Real, NV>(table, block, place[k], k, chunk);
}

}  // namespace

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
