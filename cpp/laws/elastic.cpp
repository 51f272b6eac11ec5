#include "laws/elastic.h"

namespace pybridge {

template <class Real>
void Elastic<Real>::update(const Block<Real>& block) const noexcept {
  for (int i = 0; i < block.n; ++i) {
    const Trial<Real> trial =
        elastic_trial(constants_, block.stress_old + i, block.strain_inc + i, block.stride);
    if (!finite(trial)) {
      store_failure(block, i, 0, Status::failed_fatal);
      continue;
    }
    store_trial(trial, block.stress_new + i, block.stride);
    block.dissipation_inc[i] = 0;
    block.status[i] = static_cast<int>(Status::ok);
  }
}

template <class Real>
void Elastic<Real>::tangent(const Block<Real>& block, Real* tangent) const noexcept {
  const Trial<Real> virgin{};
  for (int i = 0; i < block.n; ++i)
    store_tangent(constants_, virgin, Real(0), Real(0), tangent + i, block.stride);
}

template class Elastic<double>;
template class Elastic<float>;

}  // namespace pybridge
