#include "laws/johnson_cook.h"

namespace pybridge {

template <class Real>
JohnsonCook<Real>::JohnsonCook(ElasticModuli moduli, const JohnsonCookParameters& p)
    : moduli_(moduli), density_(p.density), constants_(moduli) {
  flow_.three_g = constants_.three_g;
  flow_.a = static_cast<Real>(p.a);
  flow_.b = static_cast<Real>(p.b);
  flow_.n = static_cast<Real>(p.n);
  flow_.m = static_cast<Real>(p.m);
  flow_.t_melt = static_cast<Real>(p.t_melt);
  flow_.t_transition = static_cast<Real>(p.t_transition);
  flow_.per_range = static_cast<Real>(1 / (p.t_melt - p.t_transition));
  flow_.c = static_cast<Real>(p.c);
  flow_.rate_0 = static_cast<Real>(p.rate_0);
  flow_.heat_per_volume = static_cast<Real>(p.specific_heat > 0 ? p.heat_fraction / p.specific_heat : 0.0);
}

template <class Real>
Real JohnsonCook<Real>::reciprocal_rate_strain(double dt) const {
  const double strain = dt * static_cast<double>(flow_.rate_0);
  return flow_.c > 0 && strain > 0 ? static_cast<Real>(1 / strain) : Real(0);
}

// Reads a point; false where an input is not finite.
template <class Real>
bool JohnsonCook<Real>::begin(const Block<Real>& block, int i, Trial<Real>& trial,
                              JohnsonCookStep<Real>& step) const {
  const int s = block.stride;
  trial = elastic_trial(constants_, block.stress_old + i, block.strain_inc + i, s);
  const Real host = block.temperature[i];
  step.q_trial = trial.q;
  step.q_start = 0;
  step.p_old = block.state_old[i];
  step.t_old = (host == 0 ? flow_.t_transition : host) + block.state_old[i + 2 * s];
  step.heat = flow_.heat_per_volume > 0 ? flow_.heat_per_volume / block.density[i] : Real(0);
  const Real rate_old = block.state_old[i + s];
  return finite(trial) && std::isfinite(step.p_old + rate_old + step.t_old + step.heat) && step.heat >= 0 &&
         block.dt >= 0;
}

// The plastic strain increment. A point that flowed in the last step starts from its rate, and from its
// stress as the flow stress at the start: no static flow stress is needed then.
template <class Real>
Real JohnsonCook<Real>::solve(const Block<Real>& block, int i, JohnsonCookStep<Real>& step,
                              int& evaluations) const {
  if (!(step.q_trial > 0)) return 0;
  const Real last = block.state_old[i + block.stride] * static_cast<Real>(block.dt);
  if (last > 0) {
    step.q_start = von_mises(block.stress_old + i, block.stride);
    const Real guess = continued_flow(flow_, step, last);
    if (guess > 0) return plastic_increment(flow_, step, guess, evaluations);
  }
  const Real yield = static_flow(flow_, step.p_old, step.t_old);
  if (!(step.q_trial > yield)) return 0;
  if (!(last > 0)) step.q_start = yield;
  return plastic_increment(flow_, step, (step.q_trial - yield) / flow_.three_g, evaluations);
}

template <class Real>
void JohnsonCook<Real>::update(const Block<Real>& block) const noexcept {
  const int s = block.stride;
  const Real per_dt = block.dt > 0 ? static_cast<Real>(1 / block.dt) : Real(0);
  JohnsonCookStep<Real> step;
  step.per_rate_strain = reciprocal_rate_strain(block.dt);
  int unused = 0;
  for (int i = 0; i < block.n; ++i) {
    Trial<Real> trial;
    if (!begin(block, i, trial, step)) {
      store_failure(block, i, 3, Status::failed_fatal);
      continue;
    }
    const Real increment = solve(block, i, step, unused);
    Real work = 0, rate = 0;
    if (increment > 0) {
      const Real rest = trial.q - flow_.three_g * increment;
      const Real q_new = rest > 0 ? rest : Real(0);  // molten: the difference is rounding
      store_returned(trial, q_new / trial.q, block.stress_new + i, s);
      work = increment * Real(0.5) * (step.q_start + q_new);
      rate = increment * per_dt;
    } else {
      store_trial(trial, block.stress_new + i, s);
    }
    block.state_new[i] = step.p_old + increment;
    block.state_new[i + s] = rate;
    block.state_new[i + 2 * s] = block.state_old[i + 2 * s] + step.heat * work;
    block.dissipation_inc[i] = work;
    block.status[i] = static_cast<int>(Status::ok);
  }
}

template <class Real>
void JohnsonCook<Real>::tangent(const Block<Real>& block, Real* tangent) const noexcept {
  JohnsonCookStep<Real> step;
  step.per_rate_strain = reciprocal_rate_strain(block.dt);
  int unused = 0;
  for (int i = 0; i < block.n; ++i) {
    Trial<Real> trial;
    Real increment = 0, slope = 0;
    if (begin(block, i, trial, step)) increment = solve(block, i, step, unused);
    if (increment > 0) {
      // r(x, q) = q - 3 G x - y(x, T(x, q)) = 0, dT/dq = heat x / 2
      const FlowValue<Real> value = FlowAlongStep<Real>(flow_, step).at(increment);
      slope = (1 - value.dy_dt * step.heat * increment * Real(0.5)) / (flow_.three_g + value.dy_dx);
    }
    store_tangent(constants_, trial, increment, slope, tangent + i, block.stride);
  }
}

template <class Real>
void JohnsonCook<Real>::evaluations(const Block<Real>& block, int* count) const noexcept {
  JohnsonCookStep<Real> step;
  step.per_rate_strain = reciprocal_rate_strain(block.dt);
  for (int i = 0; i < block.n; ++i) {
    Trial<Real> trial;
    count[i] = 0;
    if (begin(block, i, trial, step)) solve(block, i, step, count[i]);
  }
}

template class JohnsonCook<double>;
template class JohnsonCook<float>;

}  // namespace pybridge
