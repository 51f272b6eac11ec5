// Forward and backward sweep over whole paths (yield_surface_train.h). One lane, one path; a block of paths
// goes through all its steps.
#include "network/activation_simd.h"
#include "surrogate/yield_surface_flow.h"
#include "surrogate/yield_surface_train.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

template <class Real>
constexpr int vectors = yield_training_block / Simd<Real>::lanes;  // of a block

// Rows of a block: [row][vectors].
template <class Real>
struct Rows {
  Vec<Real>* at;
  Vec<Real>* operator[](int row) const { return at + row * vectors<Real>; }
};

template <class Real>
void load_rows(const Real* from, int rows, int paths, int first, Rows<Real> to) {
  for (int r = 0; r < rows; ++r)
    __builtin_memcpy(to[r], from + static_cast<long>(r) * paths + first, yield_training_block * sizeof(Real));
}

template <class Real>
void store_rows(Rows<Real> from, int rows, int paths, int first, Real* to) {
  for (int r = 0; r < rows; ++r)
    __builtin_memcpy(to + static_cast<long>(r) * paths + first, from[r], yield_training_block * sizeof(Real));
}

constexpr int rows_at_once = 4;  // of a product, so that sums do not wait for each other

// y[first .. first + count) = W x + b.
template <class Real, int count>
PYBRIDGE_FORCE_INLINE void dense_rows(const Real* w, const Real* b, int first, int in, Rows<Real> x,
                                      Rows<Real> y) {
  Vec<Real> sum[count][vectors<Real>];
  for (int r = 0; r < count; ++r)
    for (int k = 0; k < vectors<Real>; ++k) sum[r][k] = fill<Real>(b[first + r]);
  const Real* row = w + static_cast<long>(first) * in;
  for (int i = 0; i < in; ++i)
    for (int r = 0; r < count; ++r)
      for (int k = 0; k < vectors<Real>; ++k)
        sum[r][k] = network::multiply_add(fill<Real>(row[r * in + i]), x[i][k], sum[r][k]);
  for (int r = 0; r < count; ++r)
    for (int k = 0; k < vectors<Real>; ++k) y[first + r][k] = sum[r][k];
}

// y = W x + b.
template <class Real>
void dense(const Real* w, const Real* b, int out, int in, Rows<Real> x, Rows<Real> y) {
  int o = 0;
  for (; o + rows_at_once <= out; o += rows_at_once) dense_rows<Real, rows_at_once>(w, b, o, in, x, y);
  for (; o < out; ++o) dense_rows<Real, 1>(w, b, o, in, x, y);
}

// x[first .. first + count) = W^T y, W [out, in].
template <class Real, int count>
PYBRIDGE_FORCE_INLINE void transposed_rows(const Real* w, int out, int in, int first, Rows<Real> y,
                                           Rows<Real> x) {
  Vec<Real> sum[count][vectors<Real>] = {};
  for (int o = 0; o < out; ++o)
    for (int r = 0; r < count; ++r)
      for (int k = 0; k < vectors<Real>; ++k)
        sum[r][k] =
            network::multiply_add(fill<Real>(w[static_cast<long>(o) * in + first + r]), y[o][k], sum[r][k]);
  for (int r = 0; r < count; ++r)
    for (int k = 0; k < vectors<Real>; ++k) x[first + r][k] = sum[r][k];
}

template <class Real>
void dense_transposed(const Real* w, int out, int in, Rows<Real> y, Rows<Real> x) {
  int i = 0;
  for (; i + rows_at_once <= in; i += rows_at_once) transposed_rows<Real, rows_at_once>(w, out, in, i, y, x);
  for (; i < in; ++i) transposed_rows<Real, 1>(w, out, in, i, y, x);
}

template <class Real>
void activate(int rows, Rows<Real> x, Rows<Real> y) {
  for (int r = 0; r < rows * vectors<Real>; ++r) y.at[r] = algebraic_silu<Real>(x.at[r]);
}

// Adjoint of activate; x becomes its activation, which the gradient of the next layer's weights needs.
template <class Real>
void activate_back(int rows, Rows<Real> x, Rows<Real> grad) {
  for (int r = 0; r < rows * vectors<Real>; ++r) {
    const Vec<Real> half = Real(0.5) * x.at[r], inverse = inverse_root<Real>(Real(1) + x.at[r] * x.at[r]);
    grad.at[r] *= Real(0.5) + half * inverse * (Real(1) + inverse * inverse);
    x.at[r] = half + half * x.at[r] * inverse;
  }
}

// Quantities of one step, or of half a step, of one vector of paths that both sweeps need.
template <class Real>
struct StepValues {
  using V = Vec<Real>;
  int substeps;
  V h, e[5], inc[5], x[5], n[5], expected;
  V raw, gate, raw_d[5], d_n, d_size, q_factor;
  V half[yield_states_max], target[yield_states_max];
  V slope[yield_states_max], decay[yield_states_max];
  Surface<V> surface;
  Substep<V> part[yield_substeps_max];
  V flow[5], gamma;
};

// What comes before the network is asked: x and n at the middle without flow, and the rate.
template <class Real>
struct Look {
  Vec<Real> inc[5], x[5], norm, n[5], u;
};

template <class Real>
PYBRIDGE_FORCE_INLINE void look(const YieldSweep<Real>& sweep, const Vec<Real> e[5], const Vec<Real> z[],
                                Vec<Real> h, Look<Real>& at) {
  using V = Vec<Real>;
  V middle[5];
  for (int i = 0; i < 5; ++i) {
    V alpha{};
    for (int b = 0; b < sweep.shape.backstresses; ++b) alpha += z[5 * b + i];
    at.x[i] = e[i] - alpha;
    middle[i] = at.x[i] + Real(0.5) * at.inc[i];
  }
  at.norm = normalised<Real>(middle, at.n);
  at.u = dot5(at.inc, at.inc) / (h * h) + sweep.rate_floor * sweep.rate_floor;
}

// A step, or half of it in one sub-step, as finish() needs it.
template <class Real>
PYBRIDGE_FORCE_INLINE void part_of(const Look<Real>& at, Vec<Real> h, Real part, int substeps,
                                   const Vec<Real> e[5], const Vec<Real> n[5], StepValues<Real>& s) {
  s.substeps = substeps;
  s.h = part * h;
  for (int i = 0; i < 5; ++i) s.e[i] = e[i], s.x[i] = at.x[i], s.inc[i] = part * at.inc[i], s.n[i] = n[i];
  s.expected = most<Vec<Real>>(dot5(s.n, s.inc), Vec<Real>{});
}

// The surface from the network's answer, then the flow.
template <class Real>
PYBRIDGE_FORCE_INLINE void finish(const YieldSweep<Real>& sweep, const Vec<Real> z[], const Vec<Real> out[],
                                  StepValues<Real>& s) {
  using V = Vec<Real>;
  const YieldShape& shape = sweep.shape;
  const int back = shape.back(), states = shape.states();
  Surface<V>& f = s.surface;
  s.raw = out[0];
  for (int i = 0; i < shape.scalars; ++i) s.raw += sweep.skip[i] * z[back + i];
  f.k_h = exponential<Real>(bounded<Real>(out[1], static_cast<Real>(log_rate_most))) *
          (s.h / static_cast<Real>(s.substeps));
  for (int i = 0; i < 5; ++i) s.raw_d[i] = out[2 + i];
  s.d_n = dot5(s.raw_d, s.n);
  for (int i = 0; i < 5; ++i) f.d[i] = s.raw_d[i] - s.n[i] * s.d_n, f.q[i] = V{};
  s.d_size = inverse_root<Real>(Real(1) + static_cast<Real>(1 / (turn_most * turn_most)) * dot5(f.d, f.d));
  for (int i = 0; i < 5; ++i) f.d[i] *= s.d_size;
  V drive{};
  for (int i = 0; i < states; ++i) {
    s.half[i] = kept<Real>(Real(0.5) * sweep.speed[i] * s.expected);
    s.target[i] = bounded<Real>(out[7 + i], static_cast<Real>(hidden_most));
    s.slope[i] = sweep.speed[i] * (s.target[i] - z[i]) * s.half[i];
    if (i < back)
      f.q[i % 5] += s.slope[i];
    else
      drive += sweep.skip[i - back] * s.slope[i];
  }
  const V small = exponential<Real>(-magnitude<Real>(s.raw));
  s.gate = (s.raw > Real(0) ? fill<Real>(1) : small) / (Real(1) + small);
  f.radius = sweep.radius_floor + most<V>(s.raw, V{}) + logarithm<Real>(Real(1) + small);
  f.hardening = most<V>(s.gate * drive, fill<Real>(static_cast<Real>(-softening_most)));
  f.floor = fill<Real>(sweep.radius_floor);
  f.rest = root<Real>(sweep.rest_rate * s.h / static_cast<Real>(s.substeps) / f.k_h);
  s.q_factor = bound_backstress<Real>(f);
  V v[5], x[5], radius = f.radius;
  s.gamma = V{};
  for (int i = 0; i < 5; ++i)
    v[i] = s.inc[i] * (Real(1) / static_cast<Real>(s.substeps)), x[i] = s.x[i], s.flow[i] = V{};
  for (int k = 0; k < s.substeps; ++k) substep<Real>(f, v, x, radius, s.flow, s.gamma, s.part[k]);
  for (int i = 0; i < states; ++i) s.decay[i] = kept<Real>(sweep.speed[i] * s.gamma);
}

// Adjoint of solve_overstress: from those of gamma and n to x (added), before (given back), radius and
// surface (added).
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> overstress_back(const Surface<Vec<Real>>& f, const Overstress<Vec<Real>>& at,
                                                Vec<Real> k_h, Vec<Real> before, Vec<Real> gamma,
                                                const Vec<Real> n_grad[5], Vec<Real> x[5], Vec<Real>& radius,
                                                Surface<Vec<Real>>& grad) {
  using V = Vec<Real>;
  const V o2 = at.o * at.o;
  const Mask<Real> resting = at.gamma < at.viscous;  // ends at the overstress `rest`
  const V rest = resting & (at.gamma > Real(0)) ? gamma / at.coefficient : V{};
  gamma = resting ? V{} : gamma;
  const V slope = Real(2) * k_h * at.o * gamma / at.s;
  grad.k_h += static_cast<Real>(alexander) * (gamma * o2 - slope * o2 * at.coefficient);
  const V slack = at.slack > static_cast<Real>(least_hardening) ? -slope * o2 * k_h - rest * at.gamma : V{};
  const V over = at.over > Real(0) ? slope + rest : V{};
  grad.rest -= rest;
  grad.hardening += slack;
  radius -= over;
  const V along = slack + over * before;
  V n[5];
  for (int i = 0; i < 5; ++i) {
    n[i] = n_grad[i] + along * f.p[i];
    grad.p[i] += along * at.n[i];
  }
  const V radial = dot5(n, at.n);
  for (int i = 0; i < 5; ++i) x[i] += over * at.n[i] + (n[i] - at.n[i] * radial) / at.r;
  return over * at.along;
}

// Adjoint of solve_stage: from those of gamma and m to the trial x, radius and surface (all added).
template <class Real>
PYBRIDGE_FORCE_INLINE void stage_back(const Surface<Vec<Real>>& f, const Stage<Vec<Real>>& stage,
                                      Vec<Real> gamma, const Vec<Real> m[5], Vec<Real> x[5],
                                      Vec<Real>& radius, Surface<Vec<Real>>& grad) {
  using V = Vec<Real>;
  V y[5] = {}, none[5] = {};
  for (int i = 0; i < 5; ++i) grad.d[i] += m[i];
  V guess = overstress_back<Real>(f, stage.last, stage.k_h, stage.guess.gamma, gamma, m, y, radius, grad);
  for (int i = 0; i < 5; ++i) {
    x[i] += y[i];
    guess -= y[i] * f.p[i];
    grad.p[i] -= stage.guess.gamma * y[i];
  }
  overstress_back<Real>(f, stage.guess, stage.k_h, V{}, guess, none, x, radius, grad);
}

// Adjoint of substep: x from the one of its end to the one of its beginning; v, radius and surface are added
// to.
template <class Real>
PYBRIDGE_FORCE_INLINE void substep_back(const Surface<Vec<Real>>& f, const Substep<Vec<Real>>& s,
                                        const Vec<Real> flow[5], Vec<Real> gamma, Vec<Real> x[5],
                                        Vec<Real> v[5], Vec<Real>& radius, Surface<Vec<Real>>& grad) {
  using V = Vec<Real>;
  const Real c = static_cast<Real>(alexander), ratio = (Real(1) - c) / c;
  const Stage<V>&one = s.one, &two = s.two;
  const Whole<V>& whole = s.whole;
  const V g1 = s.g1, g2 = two.gamma;
  radius *= two.open;
  V g1_grad = gamma + f.hardening * radius, g2_grad = g1_grad, start[5], m1[5], m2[5];
  grad.hardening += radius * (g1 + g2);
  for (int i = 0; i < 5; ++i) {
    g1_grad += flow[i] * one.m[i];
    g2_grad += flow[i] * two.m[i] - x[i] * (two.m[i] + f.q[i]);
    m1[i] = g1 * flow[i];
    m2[i] = g2 * (flow[i] - x[i]);
    grad.q[i] -= g2 * x[i];
    start[i] = x[i];
  }
  V second{};
  stage_back<Real>(f, two, g2_grad, m2, start, second, grad);
  second *= one.open;
  radius += second;
  grad.hardening += second * g1;
  g1_grad += f.hardening * second;
  V first[5];
  for (int i = 0; i < 5; ++i) {
    g1_grad -= start[i] * (one.m[i] + f.q[i]);
    m1[i] -= g1 * start[i];
    grad.q[i] -= g1 * start[i];
    first[i] = V{};
  }
  const auto capped = ratio * one.gamma > whole.gamma;
  stage_back<Real>(f, one, capped ? V{} : ratio * g1_grad, m1, first, radius, grad);
  const V part = (capped ? g1_grad : V{}) / whole.coefficient;
  const V over = whole.over > Real(0) ? part : V{};
  const V slack = whole.slack > static_cast<Real>(least_hardening) ? -part * whole.gamma : V{};
  radius -= over;
  grad.rest -= over;
  grad.hardening += slack;
  const V radial = slack * dot5(f.p, whole.n);
  for (int i = 0; i < 5; ++i) {
    grad.p[i] += slack * whole.n[i];
    start[i] += over * whole.n[i] + (slack * f.p[i] - whole.n[i] * radial) / whole.r;
  }
  for (int i = 0; i < 5; ++i) {
    x[i] = start[i] + first[i];
    v[i] += start[i] + c * first[i];
  }
}

// Adjoint of finish. e and z: those of the end of the step in, z of its beginning out (without the network's
// part); out, n, inc, x: written or added to.
template <class Real>
PYBRIDGE_FORCE_INLINE void finish_back(const YieldSweep<Real>& sweep, const StepValues<Real>& s,
                                       const Vec<Real> z[], const Vec<Real> raw_out[], const Vec<Real> e[5],
                                       Vec<Real> z_grad[], Vec<Real> out[], Vec<Real> n[5], Vec<Real> inc[5],
                                       Vec<Real> x[5], Vec<Real> skip[], Vec<Real> speed[]) {
  using V = Vec<Real>;
  const YieldShape& shape = sweep.shape;
  const int back = shape.back(), states = shape.states();
  const Surface<V>& f = s.surface;
  V gamma{}, flow[5], v[5], radius{};
  Surface<V> grad{};
  for (int i = 0; i < states; ++i) {
    const V y = sweep.speed[i] * s.gamma;
    const V along = z_grad[i] * (z[i] - s.target[i]) * (Real(1) + y) * s.decay[i] * s.decay[i];
    out[7 + i] = z_grad[i] * (Real(1) - s.decay[i]);
    gamma -= sweep.speed[i] * along;
    speed[i] -= s.gamma * along;
    z_grad[i] *= s.decay[i];
  }
  for (int i = 0; i < 5; ++i) flow[i] = -e[i], v[i] = V{}, x[i] = V{}, n[i] = V{};
  for (int k = s.substeps - 1; k >= 0; --k) substep_back<Real>(f, s.part[k], flow, gamma, x, v, radius, grad);
  for (int i = 0; i < 5; ++i) inc[i] += v[i] * (Real(1) / static_cast<Real>(s.substeps));
  for (int i = 0; i < 5; ++i) grad.d[i] += grad.p[i], grad.q[i] += grad.p[i];
  const Real q2 = static_cast<Real>(backstress_most * backstress_most);
  const V q_along = s.q_factor < Real(1) ? dot5(f.q, grad.q) / q2 : V{};
  for (int i = 0; i < 5; ++i) grad.q[i] = s.q_factor * (grad.q[i] - q_along * f.q[i]);
  V drive{};
  for (int i = 0; i < shape.scalars; ++i) drive += sweep.skip[i] * s.slope[back + i];
  grad.hardening = f.hardening > static_cast<Real>(-softening_most) ? grad.hardening : V{};
  const V drive_grad = grad.hardening * s.gate;
  const V raw = radius * s.gate + grad.hardening * drive * s.gate * (Real(1) - s.gate);
  V expected{};
  const Real most_hidden = static_cast<Real>(hidden_most), most_rate = static_cast<Real>(log_rate_most);
  for (int i = 0; i < states; ++i) {
    const V slope = i < back ? grad.q[i % 5] : drive_grad * sweep.skip[i - back];
    if (i >= back) skip[i - back] += drive_grad * s.slope[i] + raw * z[i];
    const V factor = s.half[i] * slope;  // of beta (t - z)
    out[7 + i] += sweep.speed[i] * factor;
    z_grad[i] -= sweep.speed[i] * factor;
    speed[i] += (s.target[i] - z[i]) * factor;
    const V y = Real(0.5) * sweep.speed[i] * s.expected;
    const V y_grad =
        Real(-0.5) * sweep.speed[i] * (s.target[i] - z[i]) * slope * (Real(1) + y) * s.half[i] * s.half[i];
    speed[i] += y_grad * s.expected;
    expected += y_grad * sweep.speed[i];
    if (i >= back) z_grad[i] += raw * sweep.skip[i - back];
    out[7 + i] = magnitude<Real>(raw_out[7 + i]) < most_hidden ? out[7 + i] : V{};
  }
  expected = s.expected > Real(0) ? expected : V{};
  out[0] = raw;
  out[1] = magnitude<Real>(raw_out[1]) < most_rate ? grad.k_h * f.k_h - Real(0.5) * grad.rest * f.rest : V{};
  const V d_along = dot5(grad.d, f.d) * static_cast<Real>(1 / (turn_most * turn_most));
  for (int i = 0; i < 5; ++i) grad.d[i] = s.d_size * (grad.d[i] - f.d[i] * d_along);
  const V d_n = dot5(grad.d, s.n);
  for (int i = 0; i < 5; ++i) {
    out[2 + i] = grad.d[i] - s.n[i] * d_n;
    n[i] += expected * s.inc[i] - grad.d[i] * s.d_n - s.raw_d[i] * d_n;
    inc[i] += expected * s.n[i];
  }
}

// Adjoint of look: e and z of the beginning of the step are added to.
template <class Real>
PYBRIDGE_FORCE_INLINE void look_back(const YieldSweep<Real>& sweep, const Look<Real>& at, Vec<Real> h,
                                     const Vec<Real> n[5], Vec<Real> rate, const Vec<Real> x_grad[5],
                                     Vec<Real> inc[5], Vec<Real> e[5], Vec<Real> z[]) {
  using V = Vec<Real>;
  const V along = dot5(n, at.n);
  const V by_rate = rate * static_cast<Real>(0.43429448190325182765) / (at.u * (h * h));
  for (int i = 0; i < 5; ++i) {
    const V middle = (n[i] - at.n[i] * along) / at.norm;
    const V x = x_grad[i] + middle;
    inc[i] += by_rate * at.inc[i] + Real(0.5) * middle;
    e[i] += x;
    for (int b = 0; b < sweep.shape.backstresses; ++b) z[5 * b + i] -= x;
  }
}

// The end of a part: e, z, and the direction of x there.
template <class Real>
struct End {
  Vec<Real> e[5], z[yield_states_max], norm, n[5];
};

template <class Real>
PYBRIDGE_FORCE_INLINE void end_of(const YieldSweep<Real>& sweep, const Vec<Real> z[],
                                  const StepValues<Real>& s, End<Real>& at) {
  using V = Vec<Real>;
  for (int i = 0; i < sweep.shape.states(); ++i) at.z[i] = s.target[i] + (z[i] - s.target[i]) * s.decay[i];
  V x[5];
  for (int i = 0; i < 5; ++i) {
    at.e[i] = x[i] = s.e[i] + s.inc[i] - s.flow[i];
    for (int b = 0; b < sweep.shape.backstresses; ++b) x[i] -= at.z[5 * b + i];
  }
  at.norm = normalised<Real>(x, at.n);
}

template <class Real>
PYBRIDGE_FORCE_INLINE void elastic(const Vec<Real>* moved, const Vec<Real>* increment, int k,
                                   const Vec<Real> e[5], Look<Real>& at) {
  for (int i = 0; i < 5; ++i) {
    at.inc[i] = increment[i * vectors<Real> + k];
    for (int j = 0; j < 5; ++j) at.inc[i] += moved[(5 * i + j) * vectors<Real> + k] * e[j];
  }
}

constexpr int row_max = yield_width_max > yield_states_max + 7 ? yield_width_max : yield_states_max + 7;

template <class Real>
struct Buffers {
  static constexpr int n = vectors<Real>;
  Vec<Real> h[n], increment[5 * n], moved[25 * n], e[5 * n], input[yield_inputs_max * n];
  Vec<Real> pre1[yield_width_max * n], act1[yield_width_max * n], pre2[yield_width_max * n],
      act2[yield_width_max * n];
  Vec<Real> out[row_max * n], z[yield_states_max * n];
};

// Where a block's values of one call of the network stand in an array [rows][2 steps][paths], and how far its
// rows are apart: products over all calls are then one product of matrices.
template <class Real>
struct Calls {
  long at, apart;

  Calls(const YieldSweep<Real>& sweep, long call, int first)
      : at(call * sweep.paths + first), apart(2L * sweep.steps * sweep.paths) {}

  void load(const Real* from, int rows, Vec<Real>* to) const {
    for (int r = 0; r < rows; ++r)
      __builtin_memcpy(to + r * vectors<Real>, from + r * apart + at, yield_training_block * sizeof(Real));
  }
  void store(const Vec<Real>* from, int rows, Real* to) const {
    for (int r = 0; r < rows; ++r)
      __builtin_memcpy(to + r * apart + at, from + r * vectors<Real>, yield_training_block * sizeof(Real));
  }
};

// The network on b.input, all its layers stored.
template <class Real>
void ask(const YieldSweep<Real>& sweep, const Calls<Real>& call, Buffers<Real>& b) {
  const YieldShape& shape = sweep.shape;
  dense<Real>(sweep.w0, sweep.b0, shape.width, shape.inputs(), {b.input}, {b.pre1});
  activate<Real>(shape.width, {b.pre1}, {b.act1});
  dense<Real>(sweep.w1, sweep.b1, shape.width, shape.width, {b.act1}, {b.pre2});
  activate<Real>(shape.width, {b.pre2}, {b.act2});
  dense<Real>(sweep.w2, sweep.b2, shape.outputs(), shape.width, {b.act2}, {b.out});
  call.store(b.input, shape.inputs(), sweep.input);
  call.store(b.pre1, shape.width, sweep.pre1);
  call.store(b.pre2, shape.width, sweep.pre2);
  call.store(b.out, shape.outputs(), sweep.out);
}

// Adjoint of ask: from that of the answer in b.out to that of the input in b.input; those of the layers are
// stored.
template <class Real>
void ask_back(const YieldSweep<Real>& sweep, const Calls<Real>& call, Buffers<Real>& b) {
  const YieldShape& shape = sweep.shape;
  call.store(b.out, shape.outputs(), sweep.out_grad);
  dense_transposed<Real>(sweep.w2, shape.outputs(), shape.width, {b.out}, {b.act2});
  call.load(sweep.pre2, shape.width, b.pre2);
  activate_back<Real>(shape.width, {b.pre2}, {b.act2});
  call.store(b.pre2, shape.width, sweep.pre2);
  call.store(b.act2, shape.width, sweep.pre2_grad);
  dense_transposed<Real>(sweep.w1, shape.width, shape.width, {b.act2}, {b.act1});
  call.load(sweep.pre1, shape.width, b.pre1);
  activate_back<Real>(shape.width, {b.pre1}, {b.act1});
  call.store(b.pre1, shape.width, sweep.pre1);
  call.store(b.act1, shape.width, sweep.pre1_grad);
  dense_transposed<Real>(sweep.w0, shape.width, shape.inputs(), {b.act1}, {b.input});
}

// Direction, hidden states and their products n.alpha into b.input; the rate stays.
template <class Real>
PYBRIDGE_FORCE_INLINE void show(const YieldShape& shape, const Vec<Real> n[5], const Vec<Real> z[], int k,
                                Buffers<Real>& b) {
  constexpr int nv = vectors<Real>;
  const int states = shape.states();
  for (int i = 0; i < 5; ++i) b.input[i * nv + k] = n[i];
  for (int i = 0; i < states; ++i) b.input[(5 + i) * nv + k] = z[i];
  for (int back = 0; back < shape.backstresses; ++back)
    b.input[(6 + states + back) * nv + k] = dot5(n, z + 5 * back);
}

// Adjoint of show: n and z are added to, from those of the input in b.input.
template <class Real>
PYBRIDGE_FORCE_INLINE void show_back(const YieldShape& shape, const Vec<Real> n[5], const Vec<Real> z[],
                                     int k, const Buffers<Real>& b, Vec<Real> n_grad[5], Vec<Real> z_grad[]) {
  constexpr int nv = vectors<Real>;
  const int states = shape.states();
  for (int i = 0; i < 5; ++i) n_grad[i] += b.input[i * nv + k];
  for (int i = 0; i < states; ++i) z_grad[i] += b.input[(5 + i) * nv + k];
  for (int back = 0; back < shape.backstresses; ++back) {
    const Vec<Real> grad = b.input[(6 + states + back) * nv + k];
    for (int i = 0; i < 5; ++i) {
      n_grad[i] += grad * z[5 * back + i];
      z_grad[5 * back + i] += grad * n[i];
    }
  }
}

template <class Real>
PYBRIDGE_FORCE_INLINE void heard(const Vec<Real>* answer, int outputs, int k, Vec<Real> out[]) {
  for (int i = 0; i < outputs; ++i) out[i] = answer[i * vectors<Real> + k];
}

// A step asks the network twice: at its beginning, to find its middle, and there.
template <class Real>
void forward_block(const YieldSweep<Real>& sweep, int first) {
  using V = Vec<Real>;
  constexpr int nv = vectors<Real>;
  const YieldShape& shape = sweep.shape;
  const int states = shape.states(), outputs = shape.outputs(), paths = sweep.paths;
  static thread_local Buffers<Real> b;
  for (int i = 0; i < 5 * nv; ++i) b.e[i] = V{};
  for (int i = 0; i < states * nv; ++i) b.z[i] = V{};
  store_rows<Real>({b.e}, 5, paths, first, sweep.strain);
  for (int t = 0; t < sweep.steps; ++t) {
    const long step = static_cast<long>(t) * paths;
    const Calls<Real> begun(sweep, 2L * t, first), middle(sweep, 2L * t + 1, first);
    load_rows<Real>(sweep.h + step, 1, paths, first, {b.h});
    load_rows<Real>(sweep.increment + step * 5, 5, paths, first, {b.increment});
    load_rows<Real>(sweep.moved + step * 25, 25, paths, first, {b.moved});
    Look<Real> at[nv];
    V e[nv][5], z[nv][yield_states_max], out[yield_states_max + 7];
    StepValues<Real> s;
    End<Real> end;
    for (int k = 0; k < nv; ++k) {
      for (int i = 0; i < 5; ++i) e[k][i] = b.e[i * nv + k];
      for (int i = 0; i < states; ++i) z[k][i] = b.z[i * nv + k];
      elastic<Real>(b.moved, b.increment, k, e[k], at[k]);
      look<Real>(sweep, e[k], z[k], b.h[k], at[k]);
      show<Real>(shape, at[k].n, z[k], k, b);
      b.input[(5 + states) * nv + k] =
          logarithm<Real>(at[k].u) * static_cast<Real>(0.5 * 0.43429448190325182765);
    }
    ask<Real>(sweep, begun, b);
    for (int k = 0; k < nv; ++k) {
      heard<Real>(b.out, outputs, k, out);
      part_of<Real>(at[k], b.h[k], static_cast<Real>(0.5), 1, e[k], at[k].n, s);
      finish<Real>(sweep, z[k], out, s);
      end_of<Real>(sweep, z[k], s, end);
      const Mask<Real> believed = dot5(end.n, at[k].n) > static_cast<Real>(yield_trusted_turn);
      for (int i = 0; i < 5; ++i) end.n[i] = believed ? end.n[i] : at[k].n[i];
      for (int i = 0; i < states; ++i) end.z[i] = believed ? end.z[i] : z[k][i];
      show<Real>(shape, end.n, end.z, k, b);
    }
    ask<Real>(sweep, middle, b);
    for (int k = 0; k < nv; ++k) {
      V n[5];
      for (int i = 0; i < 5; ++i) n[i] = b.input[i * nv + k];
      heard<Real>(b.out, outputs, k, out);
      part_of<Real>(at[k], b.h[k], Real(1), shape.substeps, e[k], n, s);
      finish<Real>(sweep, z[k], out, s);
      end_of<Real>(sweep, z[k], s, end);
      for (int i = 0; i < states; ++i) b.z[i * nv + k] = end.z[i];
      for (int i = 0; i < 5; ++i) b.e[i * nv + k] = end.e[i];
    }
    store_rows<Real>({b.e}, 5, paths, first, sweep.strain + (step + paths) * 5);
  }
}

template <class Real>
void backward_block(const YieldSweep<Real>& sweep, int first, Real* skip_sum, Real* speed_sum) {
  using V = Vec<Real>;
  constexpr int nv = vectors<Real>;
  const YieldShape& shape = sweep.shape;
  const int states = shape.states(), outputs = shape.outputs(), inputs = shape.inputs(), paths = sweep.paths;
  static thread_local Buffers<Real> b;
  V e_grad[nv][5] = {}, z_grad[nv][yield_states_max] = {}, skip[yield_states_max] = {},
    speed[yield_states_max] = {};
  for (int t = sweep.steps - 1; t >= 0; --t) {
    const long step = static_cast<long>(t) * paths;
    const Calls<Real> begun(sweep, 2L * t, first), middle(sweep, 2L * t + 1, first);
    load_rows<Real>(sweep.h + step, 1, paths, first, {b.h});
    load_rows<Real>(sweep.increment + step * 5, 5, paths, first, {b.increment});
    load_rows<Real>(sweep.moved + step * 25, 25, paths, first, {b.moved});
    load_rows<Real>(sweep.strain + step * 5, 5, paths, first, {b.e});
    load_rows<Real>(sweep.strain_grad + step * 5, 5, paths, first, {b.act1});
    Look<Real> at[nv];
    StepValues<Real> s;
    V e[nv][5], z[nv][yield_states_max], out[yield_states_max + 7], out_grad[yield_states_max + 7];
    V n_grad[nv][5], inc_grad[nv][5], x_grad[nv][5], rate_grad[nv];
    V middle_n[nv][5], middle_z[nv][yield_states_max];
    for (int k = 0; k < nv; ++k)
      for (int i = 0; i < 5; ++i) {
        e_grad[k][i] += b.act1[i * nv + k];
        inc_grad[k][i] = e_grad[k][i];
        e[k][i] = b.e[i * nv + k];
      }
    begun.load(sweep.input, inputs, b.input);
    for (int k = 0; k < nv; ++k) {
      for (int i = 0; i < states; ++i) z[k][i] = b.input[(5 + i) * nv + k];
      elastic<Real>(b.moved, b.increment, k, e[k], at[k]);
      look<Real>(sweep, e[k], z[k], b.h[k], at[k]);
    }
    middle.load(sweep.input, inputs, b.input);
    middle.load(sweep.out, outputs, b.out);
    for (int k = 0; k < nv; ++k) {
      for (int i = 0; i < 5; ++i) middle_n[k][i] = b.input[i * nv + k];
      for (int i = 0; i < shape.back(); ++i) middle_z[k][i] = b.input[(5 + i) * nv + k];
      heard<Real>(b.out, outputs, k, out);
      part_of<Real>(at[k], b.h[k], Real(1), shape.substeps, e[k], middle_n[k], s);
      finish<Real>(sweep, z[k], out, s);
      finish_back<Real>(sweep, s, z[k], out, e_grad[k], z_grad[k], out_grad, n_grad[k], inc_grad[k],
                        x_grad[k], skip, speed);
      for (int i = 0; i < outputs; ++i) b.out[i * nv + k] = out_grad[i];
    }
    ask_back<Real>(sweep, middle, b);
    // the middle: n and z there were found with the answer of the beginning
    V half_z[nv][yield_states_max] = {}, half_n[nv][5];
    for (int k = 0; k < nv; ++k) {
      for (int i = 0; i < 5; ++i) half_n[k][i] = n_grad[k][i];
      show_back<Real>(shape, middle_n[k], middle_z[k], k, b, half_n[k], half_z[k]);
      rate_grad[k] = b.input[(5 + states) * nv + k];
    }
    begun.load(sweep.out, outputs, b.out);
    for (int k = 0; k < nv; ++k) {
      End<Real> end;
      V half_e[5], half_inc[5], half_x[5];
      heard<Real>(b.out, outputs, k, out);
      part_of<Real>(at[k], b.h[k], static_cast<Real>(0.5), 1, e[k], at[k].n, s);
      finish<Real>(sweep, z[k], out, s);
      end_of<Real>(sweep, z[k], s, end);
      const Mask<Real> believed = dot5(end.n, at[k].n) > static_cast<Real>(yield_trusted_turn);
      V direct_n[5];
      for (int i = 0; i < 5; ++i) {
        direct_n[i] = believed ? V{} : half_n[k][i];
        half_n[k][i] = believed ? half_n[k][i] : V{};
      }
      for (int i = 0; i < states; ++i) {
        z_grad[k][i] += believed ? V{} : half_z[k][i];
        half_z[k][i] = believed ? half_z[k][i] : V{};
      }
      const V along = dot5(half_n[k], end.n);
      for (int i = 0; i < 5; ++i) {
        half_e[i] = half_inc[i] = (half_n[k][i] - end.n[i] * along) / end.norm;
        for (int back = 0; back < shape.backstresses; ++back) half_z[k][5 * back + i] -= half_e[i];
        e_grad[k][i] += half_e[i];
      }
      finish_back<Real>(sweep, s, z[k], out, half_e, half_z[k], out_grad, n_grad[k], half_inc, half_x, skip,
                        speed);
      for (int i = 0; i < 5; ++i) {
        inc_grad[k][i] += static_cast<Real>(0.5) * half_inc[i];
        x_grad[k][i] += half_x[i];
        n_grad[k][i] += direct_n[i];
      }
      for (int i = 0; i < states; ++i) z_grad[k][i] += half_z[k][i];
      for (int i = 0; i < outputs; ++i) b.out[i * nv + k] = out_grad[i];
    }
    ask_back<Real>(sweep, begun, b);
    for (int k = 0; k < nv; ++k) {
      show_back<Real>(shape, at[k].n, z[k], k, b, n_grad[k], z_grad[k]);
      look_back<Real>(sweep, at[k], b.h[k], n_grad[k], rate_grad[k] + b.input[(5 + states) * nv + k],
                      x_grad[k], inc_grad[k], e_grad[k], z_grad[k]);
      for (int i = 0; i < 5; ++i)
        for (int j = 0; j < 5; ++j) e_grad[k][j] += b.moved[(5 * i + j) * nv + k] * inc_grad[k][i];
    }
  }
  for (int i = 0; i < shape.scalars; ++i)
    for (int l = 0; l < Simd<Real>::lanes; ++l) skip_sum[i] += skip[i][l];
  for (int i = 0; i < states; ++i)
    for (int l = 0; l < Simd<Real>::lanes; ++l) speed_sum[i] += speed[i][l] * sweep.speed[i];
}

}  // namespace

#define PYBRIDGE_DEFINE_YIELD_TRAINING(Real)                                                          \
  void yield_forward(const YieldSweep<Real>& sweep, int first) { forward_block<Real>(sweep, first); } \
  void yield_backward(const YieldSweep<Real>& sweep, int first, Real* skip_sum, Real* speed_sum) {    \
    backward_block<Real>(sweep, first, skip_sum, speed_sum);                                          \
  }
PYBRIDGE_DEFINE_YIELD_TRAINING(double)
PYBRIDGE_DEFINE_YIELD_TRAINING(float)
#undef PYBRIDGE_DEFINE_YIELD_TRAINING

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
