// What all isotropic von Mises laws share: elastic trial stress, radial return, tangent. Rate form in the
// frame of R (Abaqus's own, Green-Naghdi rate):
//
//   sigma_trial = sigma_old + lambda tr(de) 1 + 2 G de,  s = dev sigma,  q = sqrt(3/2 s : s)
//   sigma_new   = s_trial q_new / q_trial + mean_trial 1,  q_new = q_trial - 3 G dp
//
// Written for tensor components: an isotropic law needs no packing but for the factor 2 of the shears in q,
// and an elastic step then answers to the last bit as Elastic does.
#pragma once

#include <cmath>

#include "core/material.h"

namespace pybridge {

template <class Real>
struct IsotropicModuli {
  explicit IsotropicModuli(const ElasticModuli& moduli)
      : bulk(static_cast<Real>(moduli.bulk)),
        two_g(static_cast<Real>(2 * moduli.shear)),
        three_g(static_cast<Real>(3 * moduli.shear)),
        lambda(static_cast<Real>(moduli.bulk - 2 * moduli.shear / 3)) {}
  Real bulk, two_g, three_g, lambda;
};

template <class Real>
constexpr Real third = Real(1) / 3;  // a product costs a fourth of a quotient

// Von Mises stress of tensor components at distance `stride`.
template <class Real>
inline Real von_mises(const Real* stress, int stride) {
  const Real mean = third<Real> * (stress[0] + stress[stride] + stress[2 * stride]);
  Real normal = 0, shear = 0;
  for (int c = 0; c < 3; ++c) {
    const Real deviator = stress[c * stride] - mean;
    normal += deviator * deviator;
  }
  for (int c = 3; c < 6; ++c) shear += stress[c * stride] * stress[c * stride];
  return std::sqrt(Real(1.5) * normal + Real(3) * shear);
}

template <class Real>
struct Trial {
  Real stress[6];  // whole stress, tensor components
  Real q;          // von Mises stress; not finite where an input is not
  Real mean;
};

template <class Real>
inline Trial<Real> elastic_trial(const IsotropicModuli<Real>& moduli, const Real* stress_old,
                                 const Real* strain_inc, int stride) {
  Trial<Real> trial;
  const Real volumetric = moduli.lambda * (strain_inc[0] + strain_inc[stride] + strain_inc[2 * stride]);
  for (int c = 0; c < 6; ++c)
    trial.stress[c] =
        stress_old[c * stride] + moduli.two_g * strain_inc[c * stride] + (c < 3 ? volumetric : Real(0));
  trial.mean = third<Real> * (trial.stress[0] + trial.stress[1] + trial.stress[2]);
  trial.q = von_mises(trial.stress, 1);
  return trial;
}

template <class Real>
inline bool finite(const Trial<Real>& trial) {
  return std::isfinite(trial.q + trial.mean);
}

// Writes the stress of point i: the trial stress, its deviator times `ratio` (q_new / q_trial).
template <class Real>
inline void store_returned(const Trial<Real>& trial, Real ratio, Real* stress_new, int stride) {
  for (int c = 0; c < 3; ++c) stress_new[c * stride] = trial.mean + ratio * (trial.stress[c] - trial.mean);
  for (int c = 3; c < 6; ++c) stress_new[c * stride] = ratio * trial.stress[c];
}

template <class Real>
inline void store_trial(const Trial<Real>& trial, Real* stress_new, int stride) {
  for (int c = 0; c < 6; ++c) stress_new[c * stride] = trial.stress[c];
}

// A point that fails repeats the old stress and state.
template <class Real>
inline void store_failure(const Block<Real>& block, int point, int states, Status status) {
  for (int c = 0; c < 6; ++c)
    block.stress_new[point + c * block.stride] = block.stress_old[point + c * block.stride];
  for (int c = 0; c < states; ++c)
    block.state_new[point + c * block.stride] = block.state_old[point + c * block.stride];
  block.dissipation_inc[point] = 0;
  block.status[point] = static_cast<int>(status);
}

}  // namespace pybridge
