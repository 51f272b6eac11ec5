#include "laws/j2.h"

namespace pybridge {

template <class Real>
void J2<Real>::update(const Block<Real>& block) const noexcept {
  const int s = block.stride;
  for (int i = 0; i < block.n; ++i) {
    const Trial<Real> trial = elastic_trial(constants_, block.stress_old + i, block.strain_inc + i, s);
    const Real p_old = block.state_old[i];
    if (!finite(trial) || !std::isfinite(p_old)) {
      store_failure(block, i, 1, Status::failed_fatal);
      continue;
    }
    const PlasticStep<Real> step = table_.step(trial.q, constants_.three_g, p_old);
    if (step.increment > 0)
      store_returned(trial, step.flow / trial.q, block.stress_new + i, s);
    else
      store_trial(trial, block.stress_new + i, s);
    block.state_new[i] = p_old + step.increment;
    block.dissipation_inc[i] = step.work;
    block.status[i] = static_cast<int>(Status::ok);
  }
}

template <class Real>
void J2<Real>::tangent(const Block<Real>& block, Real* tangent) const noexcept {
  const int s = block.stride;
  for (int i = 0; i < block.n; ++i) {
    const Trial<Real> trial = elastic_trial(constants_, block.stress_old + i, block.strain_inc + i, s);
    PlasticStep<Real> step{0, 0, 0, 0};
    if (finite(trial)) step = table_.step(trial.q, constants_.three_g, block.state_old[i]);
    store_tangent(constants_, trial, step.increment, step.slope, tangent + i, s);
  }
}

template class J2<double>;
template class J2<float>;

}  // namespace pybridge
