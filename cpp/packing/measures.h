// What a packing shows: stress, stiffness, fabric, energies.
#pragma once

#include "packing/grains.h"
#include "packing/state.h"

namespace pybridge {

struct PackingMeasures {
  double stress[9];     // sigma = -1/V sum f (x) d, [GUAN22] Eq. 10 unsymmetrised, tension positive, Pa
  double fabric[9];     // 1/N_c sum n (x) n
  double volume;        // of the cell, m3 (disks: area x thickness)
  double void_ratio;    // (volume - solid) / solid
  double coordination;  // 2 N_c / N
  double kinetic;       // of fluctuations and spins, J
  double elastic;       // of the contacts, J (tangential of Hertz-Mindlin: at today's stiffness)
  double overlap;       // largest u / min(r1, r2)
  double sliding;       // share of contacts at the friction limit
  int contacts;

  double pressure(int dim) const;  // -tr sigma / dim, Pa
  // Largest |sigma_ij - sigma_ji| over the pressure, or over the least one that counts.
  double asymmetry(int dim, double least_pressure) const;
};

PackingMeasures measure(const Grains& grains, const PackingParameters& parameters, const PackingState& state);

// The stress alone, row-major, Pa.
void mean_stress(const Grains& grains, const PackingParameters& parameters, const PackingState& state,
                 double out[9]);

// Contact stiffness [QU23A] Eq. 6, minor-symmetric, D[6 * I + J] = D_ijkl in the order 11, 22, 33, 12, 23,
// 13:
//   D_ijkl = 1/V sum kn n_i d_j n_k d_l + kt (t_i d_j t_k d_l + s_i d_j s_k d_l),  t, s the tangents (2D: t)
// with the slopes kn = dfn/du and kt of the law; sliding contacts count as sticking. Pa.
void contact_stiffness(const Grains& grains, const PackingParameters& parameters, const PackingState& state,
                       double out[36]);

// Largest stable-looking step: factor x least over the grains of sqrt(m / k), s. k = E r of the linear law;
// of Hertz-Mindlin the slope at twice the largest overlap, at least at 1e-4 of the radius.
double time_step(const Grains& grains, const PackingParameters& parameters, const PackingState& state);

}  // namespace pybridge
