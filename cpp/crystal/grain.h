// One step of one grain: from the stretch and the state at its beginning to the state and stress at its end.
#pragma once

#include "crystal/slip.h"

namespace pybridge {
namespace PYBRIDGE_ISA {

template <class V>
struct GrainState {
  Matrix<V> inelastic;  // F_in^-1 - 1
  V e[slip_count];
  V lambda[twin_count];
};

// What one step of one grain adds to the sums over the grains.
template <class V>
struct GrainAnswer {
  Symmetric<V> metric;  // A A^T, in the frame of the sample
  V work;               // Mandel stress : dL, divided by G
};

// a (1 + x), a with scalar entries.
template <class Real>
PYBRIDGE_FORCE_INLINE Matrix<Vec<Real>> rotated(const Real* q, const Matrix<Vec<Real>>& x) {
  Matrix<Vec<Real>> out;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      out.c[3 * i + j] =
          q[3 * i] * x.c[j] + q[3 * i + 1] * x.c[3 + j] + q[3 * i + 2] * x.c[6 + j] + q[3 * i + j];
  return out;
}

// Starts the step: resolved stresses, resistances and rates at its beginning.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE void start(const CrystalTable<Real>& table, const Vec<Real> e[slip_count],
                                 const Vec<Real> s[5], Vec<Real> dt, SlipStep<Real>& step) {
  using V = Vec<Real>;
  resistance<Real>(table, e, step.resistance);
  latent_resistance<Real>(table, e, step.resistance);
  V predicted[slip_count];
  for (int k = 0; k < 8; ++k) step.begin_flow[k] = V{};
  for (int a = 0; a < slip_count; ++a) {
    const V tau = resolve<Real>(step.schmid[a], s);
    const V over = magnitude<Real>(tau) - step.resistance.offset[a] + step.resistance.saturating[a];
    const V u = most<V>(over * (Real(1) / table.stress[a]), V{});
    V x, dx;
    step.rate_dt[a] = table.rate[a] * dt;
    slip_of<Real, Quadratic>(step.rate_dt[a], table.power[a], u, x, dx);
    step.tau[a] = tau;
    step.u[a] = u;
    step.slip[a] = x;
    step.begin[a] = x;
    const V slip = with_sign<Real>(x, tau);
    for (int k = 0; k < 8; ++k) step.begin_flow[k] += slip * step.schmid[a][k];
    predicted[a] = e[a] + x;
  }
  latent_resistance<Real>(table, predicted, step.resistance);  // of the end of the step
}

// Grows the twins along the stress from the beginning of the step to `s`, where its slips alone lead it: what
// the growth takes away rises in the same way, so that in steady flow the two cancel at all times. Then the
// twins' strain and the slip systems that they turn enter the step. Returns the mask of failed lanes.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE Mask<Real> twin(const CrystalTable<Real>& table, const Vec<Real> s_old[5],
                                      const Vec<Real> s[5], Vec<Real> dt, SlipStep<Real>& step,
                                      Vec<Real> lambda[twin_count]) {
  using V = Vec<Real>;
  TwinDrive<Real> drive;
  drive.response = step.response;
  drive.stiffness = Real(2) * step.metric;
  V grown[twin_count];
  for (int b = 0; b < twin_count; ++b) {
    drive.shear[b] = resolve_scalar<Real>(table.twin_schmid[b], s_old);
    drive.change[b] = resolve_scalar<Real>(table.twin_schmid[b], s) - drive.shear[b];
    grown[b] = -lambda[b];
  }
  const Mask<Real> failed = grow_twins<Real, Quadratic>(table, drive, dt, lambda);
  for (int k = 0; k < 8; ++k) step.given[k] = V{};
  for (int b = 0; b < twin_count; ++b) {
    grown[b] += lambda[b];
    for (int k = 0; k < 8; ++k) step.given[k] += grown[b] * table.twin_schmid[b][k];
  }
  add_reflected<Real>(table, grown, step.schmid);
  for (int a = 0; a < slip_count; ++a) step.tau[a] = resolve<Real>(step.schmid[a], s);
  return failed;
}

// Newton's method until every lane is `done`; a lane's numbers do not depend on the others.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE void iterate(const CrystalTable<Real>& table, const Symmetric<Vec<Real>>& trial,
                                   SlipStep<Real>& step, Vec<Real> s[5], Mask<Real>& done) {
  for (int iteration = 0; iteration < table.iterations_max && any(~done); ++iteration)
    done |= correct<Real, Quadratic>(table, trial, done, step, s) < table.tolerance;
}

// Slips first, then twins, then both. Returns the mask of the lanes that failed.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE Mask<Real> find_stress(const CrystalTable<Real>& table,
                                             const Symmetric<Vec<Real>>& trial, Vec<Real> dt,
                                             SlipStep<Real>& step, Vec<Real> s[5],
                                             Vec<Real> lambda[twin_count]) {
  step.weight = fitted_weight<Real, Quadratic>(table, step, table.implicitness);
  Vec<Real> s_old[5];
  for (int k = 0; k < 5; ++k) s_old[k] = s[k];
  Mask<Real> done{};
  correct<Real, Quadratic>(table, trial, done, step, s);
  // The first correction shows where the step leads: a stiff end needs the weight too.
  step.weight = most<Vec<Real>>(step.weight, fitted_weight<Real, Quadratic>(table, step, table.implicitness));
  // One correction tells the twins of a short step what they need; in a long one it overshoots by far.
  done = step.weight < static_cast<Real>(0.6);
  iterate<Real, Quadratic>(table, trial, step, s, done);
  const Mask<Real> failed = ~done | twin<Real, Quadratic>(table, s_old, s, dt, step, lambda);
  done = Mask<Real>{};
  iterate<Real, Quadratic>(table, trial, step, s, done);
  return failed | ~done;
}

template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> square(const Vec<Real> s[5]) {
  Vec<Real> sum = s[0] * s[0];
  for (int k = 1; k < 5; ++k) sum += s[k] * s[k];
  return sum;
}

// Bound of s . s at the end of the step: every flow dissipates, so that none can lead beyond both the stress
// of the beginning and that of an elastic step; half as much again leaves room for the rule of second order.
template <class Real>
PYBRIDGE_FORCE_INLINE Vec<Real> largest_stress(const Symmetric<Vec<Real>>& trial, const Vec<Real> s_old[5]) {
  Vec<Real> elastic[5];
  deviator<Real>(trial, elastic);
  return static_cast<Real>(1.5) * most<Vec<Real>>(square<Real>(elastic), square<Real>(s_old)) +
         static_cast<Real>(1e-10);
}

// Advances the grain from u_old to u_new; j23_*: J^(-2/3). Returns the mask of lanes that failed.
template <class Real, bool Quadratic>
PYBRIDGE_FORCE_INLINE Mask<Real> advance(const CrystalTable<Real>& table, const Real* rotation,
                                         const Symmetric<Vec<Real>>& u_old, const Symmetric<Vec<Real>>& u_new,
                                         Vec<Real> j23_old, Vec<Real> j23_new, Vec<Real> dt,
                                         GrainState<Vec<Real>>& state, GrainAnswer<Vec<Real>>& answer) {
  using V = Vec<Real>;
  const Matrix<V> inverse = rotated<Real>(rotation, state.inelastic);
  const Matrix<V> a_old = product(full(u_old), inverse), a_trial = product(full(u_new), inverse);
  Symmetric<V> metric = inner(a_old, a_old), trial = inner(a_trial, a_trial);
  V s[5], s_old[5];
  for (int k = 0; k < 6; ++k) metric.c[k] *= j23_old, trial.c[k] *= j23_new;
  deviator<Real>(metric, s);
  for (int k = 0; k < 5; ++k) s_old[k] = s[k];

  SlipStep<Real> step;
  for (int a = 0; a < slip_count; ++a)
    for (int k = 0; k < 8; ++k) step.schmid[a][k] = fill<Real>(table.schmid[a][k]);
  add_reflected<Real>(table, state.lambda, step.schmid);
  for (int k = 0; k < 8; ++k) step.given[k] = V{};
  step.metric = (trial.c[0] + trial.c[1] + trial.c[2]) * static_cast<Real>(1.0 / 3);
  start<Real, Quadratic>(table, state.e, s, dt, step);
  cap_slips<Real>(table, trial, step);
  const V bound = largest_stress<Real>(trial, s_old);
  Mask<Real> failed = find_stress<Real, Quadratic>(table, trial, dt, step, s, state.lambda);
  failed |= ~(square<Real>(s) < bound);

  V increment[8];
  inelastic_increment(step, increment);
  Matrix<V> e = exponential_of_minus<Real>(from_components<Real>(increment));
  // F_in stays isochoric: e is scaled to unit determinant.
  const V scale = Real(1) - (determinant(e) - Real(1)) * static_cast<Real>(1.0 / 3);
  for (int k = 0; k < 9; ++k) e.c[k] *= scale;
  answer.metric = outer_square(product(a_trial, e));
  const Matrix<V> moved = product(state.inelastic, e);
  for (int k = 0; k < 9; ++k) state.inelastic.c[k] = moved.c[k] + (k % 4 == 0 ? e.c[k] - Real(1) : e.c[k]);
  for (int a = 0; a < slip_count; ++a)
    state.e[a] += (Real(1) - step.weight) * step.begin[a] + step.weight * step.slip[a];
  answer.work = (s_old[0] + s[0]) * increment[0];
  for (int k = 1; k < 5; ++k) answer.work += (s_old[k] + s[k]) * increment[k];
  answer.work *= static_cast<Real>(0.5);
  return failed;
}

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
