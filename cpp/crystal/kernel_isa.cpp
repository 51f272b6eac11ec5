// The crystal over a block of points: one lane a point, one grain after the other. Missing lanes of the last
// vector repeat its last point, so that every point meets the same instructions whatever the block.
#include "crystal/grain.h"
#include "crystal/kernel.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

constexpr int steps_max = 128;  // internal steps of one increment

constexpr int ok = 0, recoverable = 2, fatal = 3;  // core/status.h

// What all grains of a point share: the path of the stretch, cut into internal steps.
template <class Real>
struct Path {
  Symmetric<Vec<Real>> start, change;
  Vec<Real> steps, inverse_steps;  // number of internal steps, as a real
  Vec<Real> j23[steps_max + 1];    // J^(-2/3) at their ends
  Vec<Real> j_new;
  int most_steps;
  Mask<Real> bad, too_long;
};

template <class Real>
PYBRIDGE_INLINE Mask<Real> positive_definite(const Symmetric<Vec<Real>>& u) {
  const Vec<Real> huge = fill<Real>(static_cast<Real>(1e6));
  Mask<Real> fine = (u.c[0] > Real(0)) & (u.c[0] * u.c[1] - u.c[3] * u.c[3] > Real(0)) &
                    (determinant(u) > static_cast<Real>(1e-9));
  for (int k = 0; k < 6; ++k) fine &= magnitude<Real>(u.c[k]) < huge;  // false for NaN
  return fine;
}

template <class Real>
PYBRIDGE_INLINE Symmetric<Vec<Real>> stretch_at(const Path<Real>& path, int k) {
  const Vec<Real> part = least<Vec<Real>>(static_cast<Real>(k) * path.inverse_steps, fill<Real>(1));
  Symmetric<Vec<Real>> u;
  for (int c = 0; c < 6; ++c) u.c[c] = path.start.c[c] + part * path.change.c[c];
  return u;
}

template <class Real>
PYBRIDGE_INLINE void prepare(const CrystalTable<Real>& table, const CrystalBlock<Real>& block, int first,
                             int valid, Path<Real>& path) {
  using V = Vec<Real>;
  Symmetric<V> end;
  for (int c = 0; c < 6; ++c) {
    path.start.c[c] = load(block.stretch_old + first + static_cast<long>(c) * block.stride, valid);
    end.c[c] = load(block.stretch_new + first + static_cast<long>(c) * block.stride, valid);
  }
  path.bad = ~(positive_definite<Real>(path.start) & positive_definite<Real>(end));
  V square{};
  for (int c = 0; c < 6; ++c) {
    const V unit = fill<Real>(c < 3 ? 1 : 0);
    path.start.c[c] = path.bad ? unit : path.start.c[c];
    path.change.c[c] = (path.bad ? unit : end.c[c]) - path.start.c[c];
    square += Real(c < 3 ? 1 : 2) * path.change.c[c] * path.change.c[c];
  }
  path.steps = fill<Real>(1);
  path.most_steps = 1;
  const Real longest = table.strain_step;
  for (; path.most_steps < steps_max; ++path.most_steps) {
    const V reach = path.steps * longest;
    const Mask<Real> more = square > reach * reach;
    if (!any(more)) break;
    path.steps += more ? fill<Real>(1) : V{};
  }
  const V reach = path.steps * longest;
  path.too_long = square > reach * reach;
  path.inverse_steps = Real(1) / path.steps;
  for (int k = 0; k <= path.most_steps; ++k) {
    path.j_new = determinant(stretch_at<Real>(path, k));
    path.j23[k] = exponential<Real>(logarithm<Real>(path.j_new) * static_cast<Real>(-2.0 / 3));
  }
}

template <class Real>
PYBRIDGE_INLINE void load_state(const Real* state, int grains, long stride, int g, int valid,
                                GrainState<Vec<Real>>& out) {
  auto row = [&](int k) { return load(state + (static_cast<long>(k) * grains + g) * stride, valid); };
  for (int k = 0; k < 9; ++k) out.inelastic.c[k] = row(row_inelastic + k);
  for (int a = 0; a < slip_count; ++a) out.e[a] = row(row_slip + a);
  for (int b = 0; b < twin_count; ++b) out.lambda[b] = row(row_twin + b);
}

template <class Real>
PYBRIDGE_INLINE void store_state(const GrainState<Vec<Real>>& in, int grains, long stride, int g, int valid,
                                 Real* state) {
  auto put = [&](int k, Vec<Real> v) {
    store(state + (static_cast<long>(k) * grains + g) * stride, v, valid);
  };
  for (int k = 0; k < 9; ++k) put(row_inelastic + k, in.inelastic.c[k]);
  for (int a = 0; a < slip_count; ++a) put(row_slip + a, in.e[a]);
  for (int b = 0; b < twin_count; ++b) put(row_twin + b, in.lambda[b]);
}

template <class Real>
PYBRIDGE_INLINE void keep(Mask<Real> where, Vec<Real> kept, Vec<Real>& value) {
  value = where ? kept : value;
}

// All internal steps of one grain. Lanes that need fewer steps than others keep what they have.
template <class Real, bool Quadratic>
PYBRIDGE_INLINE Mask<Real> integrate(const CrystalTable<Real>& table, const Path<Real>& path, int g,
                                     Vec<Real> dt, GrainState<Vec<Real>>& state,
                                     GrainAnswer<Vec<Real>>& answer) {
  using V = Vec<Real>;
  const Real* rotation = table.rotation + 9 * g;
  Mask<Real> failed{};
  answer = GrainAnswer<V>{};
  for (int k = 0; k < path.most_steps; ++k) {
    const Mask<Real> over = path.steps <= static_cast<Real>(k);
    GrainState<V> next = state;
    GrainAnswer<V> next_answer;
    const Mask<Real> wrong =
        advance<Real, Quadratic>(table, rotation, stretch_at<Real>(path, k), stretch_at<Real>(path, k + 1),
                                 path.j23[k], path.j23[k + 1], dt, next, next_answer);
    failed |= wrong & ~over;
    next_answer.work += answer.work;
    for (int c = 0; c < 9; ++c) keep<Real>(~over, next.inelastic.c[c], state.inelastic.c[c]);
    for (int a = 0; a < slip_count; ++a) keep<Real>(~over, next.e[a], state.e[a]);
    for (int b = 0; b < twin_count; ++b) keep<Real>(~over, next.lambda[b], state.lambda[b]);
    for (int c = 0; c < 6; ++c) keep<Real>(~over, next_answer.metric.c[c], answer.metric.c[c]);
    keep<Real>(~over, next_answer.work, answer.work);
  }
  return failed;
}

// Points that failed repeat what they had.
template <class Real>
void revert(const CrystalTable<Real>& table, const CrystalBlock<Real>& block, int i) {
  const long stride = block.stride;
  const long rows = static_cast<long>(row_end) * table.grains + 2;
  for (int c = 0; c < 6; ++c) block.stress_new[i + c * stride] = block.stress_old[i + c * stride];
  for (long k = 0; k < rows; ++k) block.state_new[i + k * stride] = block.state_old[i + k * stride];
  block.dissipation_inc[i] = 0;
}

template <class Real, bool Quadratic>
void update_vector(const CrystalTable<Real>& table, const CrystalBlock<Real>& block, int first, int valid) {
  using V = Vec<Real>;
  const long stride = block.stride;
  Path<Real> path;
  prepare(table, block, first, valid, path);
  const V dt = static_cast<Real>(block.dt) * path.inverse_steps;
  Mask<Real> failed{};
  Symmetric<V> metric{};
  V work{}, slip{}, twinned{};
  for (int g = 0; g < table.grains; ++g) {
    GrainState<V> state;
    GrainAnswer<V> answer;
    load_state(block.state_old + first, table.grains, stride, g, valid, state);
    failed |= integrate<Real, Quadratic>(table, path, g, dt, state, answer);
    store_state(state, table.grains, stride, g, valid, block.state_new + first);
    for (int c = 0; c < 6; ++c) metric.c[c] += answer.metric.c[c];
    work += answer.work;
    for (int a = 0; a < slip_count; ++a) slip += state.e[a];
    for (int b = 0; b < twin_count; ++b) twinned += state.lambda[b];
  }
  const Real share = Real(1) / static_cast<Real>(table.grains);
  const V j = path.j_new;
  // Cauchy stress: G J^(-5/3) dev(A A^T) + 2 lambda_e (J - 1) 1.
  const V factor = table.shear * share * path.j23[path.most_steps] / j;
  const V mean = (metric.c[0] + metric.c[1] + metric.c[2]) * static_cast<Real>(1.0 / 3);
  const V pressure = table.bulk * (j - Real(1));
  for (int c = 0; c < 6; ++c) {
    const V stress = c < 3 ? factor * (metric.c[c] - mean) + pressure : factor * metric.c[c];
    failed |= ~(magnitude<Real>(stress) < static_cast<Real>(1e30));
    store(block.stress_new + first + c * stride, stress, valid);
  }
  Real* last = block.state_new + first + static_cast<long>(row_end) * table.grains * stride;
  store(last, slip * share, valid);
  store(last + stride, twinned * share, valid);
  store(block.dissipation_inc + first, table.shear * share * work / j, valid);
  failed |= path.too_long;
  for (int i = 0; i < valid; ++i) {
    block.status[first + i] = path.bad[i] ? fatal : failed[i] ? recoverable : ok;
    if (block.status[first + i] != ok) revert(table, block, first + i);
  }
}

template <class Real, bool Quadratic>
void update_block(const CrystalTable<Real>& table, const CrystalBlock<Real>& block) {
  constexpr int lanes = Simd<Real>::lanes;
  for (int first = 0; first < block.n; first += lanes)
    update_vector<Real, Quadratic>(table, block, first, block.n - first < lanes ? block.n - first : lanes);
}

template <class Real>
void choose(const CrystalTable<Real>& table, const CrystalBlock<Real>& block) {
  if (table.quadratic)
    update_block<Real, true>(table, block);
  else
    update_block<Real, false>(table, block);
}

}  // namespace

void update_crystal(const CrystalTable<double>& table, const CrystalBlock<double>& block) {
  choose(table, block);
}
void update_crystal(const CrystalTable<float>& table, const CrystalBlock<float>& block) {
  choose(table, block);
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
