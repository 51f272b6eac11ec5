// Isotropic hardening as a table: yield stress over equivalent plastic strain, linear between the points and
// constant beyond the last. One point is perfect plasticity, two are linear hardening up to the second.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace pybridge {

template <class Real>
struct PlasticStep {
  Real increment;  // dp, >= 0
  Real flow;       // yield stress at the end of the step
  Real work;       // integral of the yield stress over dp
  Real slope;      // d(dp) / d(q_trial)
};

template <class Real>
class HardeningTable {
 public:
  // Plastic strains start at 0 and increase; 3 G + slope > 0 everywhere: the maker has checked both.
  HardeningTable(std::vector<Real> stress, std::vector<Real> strain)
      : stress_(std::move(stress)), strain_(std::move(strain)), slope_(stress_.size(), Real(0)) {
    for (std::size_t k = 0; k + 1 < stress_.size(); ++k)
      slope_[k] = (stress_[k + 1] - stress_[k]) / (strain_[k + 1] - strain_[k]);
  }

  // Solves q_trial - 3 G dp = yield(p_old + dp) exactly: a walk over the segments that the step crosses.
  PlasticStep<Real> step(Real q_trial, Real three_g, Real p_old) const {
    std::size_t k = segment(p_old);
    Real yield = stress_[k] + slope_[k] * (p_old - strain_[k]);
    PlasticStep<Real> result{0, yield, 0, 0};
    if (!(q_trial > yield)) return result;
    for (;;) {
      const Real part = (q_trial - three_g * result.increment - yield) / (three_g + slope_[k]);
      const bool last = k + 1 == stress_.size();
      if (last || !(p_old + (result.increment + part) > strain_[k + 1])) {
        result.flow = yield + slope_[k] * part;
        result.work += part * Real(0.5) * (yield + result.flow);
        result.increment += part;
        result.slope = 1 / (three_g + slope_[k]);
        return result;
      }
      const Real crossed = strain_[k + 1] - p_old;
      result.work += (crossed - result.increment) * Real(0.5) * (yield + stress_[k + 1]);
      result.increment = crossed;
      yield = stress_[++k];
    }
  }

 private:
  // The last k with strain[k] <= p, 0 where there is none.
  std::size_t segment(Real p) const {
    std::size_t low = 0, high = strain_.size();
    while (high - low > 1) {
      const std::size_t middle = (low + high) / 2;
      if (strain_[middle] <= p)
        low = middle;
      else
        high = middle;
    }
    return low;
  }

  std::vector<Real> stress_, strain_, slope_;
};

}  // namespace pybridge
