#include "laws/elastic.h"

namespace pybridge {

template <class Real>
void Elastic<Real>::update(const Block<Real>& block) const noexcept {
  const Real two_g = static_cast<Real>(2 * moduli_.shear);
  const Real lambda = static_cast<Real>(moduli_.bulk - 2 * moduli_.shear / 3);
  const int s = block.stride;
  for (int i = 0; i < block.n; ++i) {
    const Real* de = block.strain_inc + i;
    const Real volumetric = lambda * (de[0] + de[s] + de[2 * s]);
    for (int c = 0; c < 6; ++c) {
      block.stress_new[i + c * s] =
          block.stress_old[i + c * s] + two_g * de[c * s] + (c < 3 ? volumetric : Real(0));
    }
    block.dissipation_inc[i] = 0;
    block.status[i] = static_cast<int>(Status::ok);
  }
}

template class Elastic<double>;
template class Elastic<float>;

}  // namespace pybridge
