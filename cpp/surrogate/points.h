// What every surrogate does around its own evaluation, point by point.
#pragma once

#include <cmath>

#include "core/material.h"

namespace pybridge {

// U - I, tensor components, of point i.
template <class Real>
inline void strain_at(const Real* stretch, int stride, int i, Real e[6]) {
  for (int c = 0; c < 6; ++c) e[c] = stretch[i + c * stride] - (c < 3 ? Real(1) : Real(0));
}

// Square of the Frobenius norm of a symmetric tensor in tensor components.
template <class Real>
inline Real squared_norm(const Real e[6]) {
  return e[0] * e[0] + e[1] * e[1] + e[2] * e[2] + 2 * (e[3] * e[3] + e[4] * e[4] + e[5] * e[5]);
}

// det U - 1 from E = U - I, so that small strains keep their digits.
template <class Real>
inline Real dilation(const Real e[6]) {
  const Real first = e[0] + e[1] + e[2];
  const Real second = e[0] * e[1] + e[1] * e[2] + e[0] * e[2] - (e[3] * e[3] + e[4] * e[4] + e[5] * e[5]);
  const Real third = e[0] * (e[1] * e[2] - e[4] * e[4]) - e[3] * (e[3] * e[2] - e[4] * e[5]) +
                     e[5] * (e[3] * e[4] - e[1] * e[5]);
  return first + second + third;
}

// Whether six components `stride` apart are all finite.
template <class Real>
inline bool all_finite(const Real* v, int stride) {
  for (int c = 0; c < 6; ++c)
    if (!std::isfinite(v[c * stride])) return false;
  return true;
}

// Whether U is finite and det U > 0.
template <class Real>
inline bool admissible(const Real e[6]) {
  return all_finite(e, 1) && dilation(e) > -1;
}

// Energy of the virgin isotropic solid at this stress, J/m3: p^2 / 2K + s:s / 4G.
template <class Real>
inline Real elastic_energy(const Real* stress, int stride, int i, const ElasticModuli& moduli) {
  const Real* s = stress + i;
  const Real mean = (s[0] + s[stride] + s[2 * stride]) / 3;
  Real deviatoric[6];
  for (int c = 0; c < 6; ++c) deviatoric[c] = s[c * stride] - (c < 3 ? mean : Real(0));
  return mean * mean / static_cast<Real>(2 * moduli.bulk) +
         squared_norm(deviatoric) / static_cast<Real>(4 * moduli.shear);
}

// Stress and state repeat the old ones, no dissipation.
template <class Real>
inline void keep_old(const Block<Real>& block, int state_count, int i, Status status) {
  const int s = block.stride;
  for (int c = 0; c < 6; ++c) block.stress_new[i + c * s] = block.stress_old[i + c * s];
  for (int c = 0; c < state_count; ++c)
    block.state_new[i + static_cast<std::ptrdiff_t>(c) * s] =
        block.state_old[i + static_cast<std::ptrdiff_t>(c) * s];
  block.dissipation_inc[i] = 0;
  block.status[i] = static_cast<int>(status);
}

// Work of the increment, mean stress times strain increment, less the change of elastic energy at the virgin
// moduli.
template <class Real>
inline Real dissipation_at(const Block<Real>& block, int i, const ElasticModuli& moduli) {
  const int s = block.stride;
  Real work = 0;
  for (int c = 0; c < 6; ++c)
    work += (c < 3 ? Real(0.5) : Real(1)) * (block.stress_old[i + c * s] + block.stress_new[i + c * s]) *
            block.strain_inc[i + c * s];
  return work -
         (elastic_energy(block.stress_new, s, i, moduli) - elastic_energy(block.stress_old, s, i, moduli));
}

}  // namespace pybridge
