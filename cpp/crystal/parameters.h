// Parameters of the magnesium polycrystal, [LIU22] Table A.1, in SI units.
//
// symbol        here               range
// h_a           hardening          >= 0, Pa      self hardening
// sigma_inf     saturation         >= 0, Pa
// h_ij          latent             >= 0, Pa      off-diagonal entries of H inside a family; zero between
// families tau_0         stress             > 0, Pa       scale of the viscous stress m sensitivity        0
// < m <= 1    |rate| = rate_0 (overstress / tau_0)^(1/m) rate_0        rate               > 0, 1/s
#pragma once

namespace pybridge {

constexpr int slip_count = 12;   // 3 basal, 3 prismatic, 6 pyramidal <c+a>
constexpr int twin_count = 6;    // tensile
constexpr int family_count = 3;  // of slip
constexpr int family_begin[family_count + 1] = {0, 3, 6, 12};

struct SlipFamily {
  double hardening;
  double saturation;
  double latent;
  double stress;
  double sensitivity;
  double rate;
};

// The paper prints tau_0 for the pyramidal systems alone. The others are declared choices that keep the known
// order of magnesium, basal < twin < prismatic < pyramidal: 10, 20 and 40 MPa (docs/theory/crystal.md).
struct CrystalParameters {
  SlipFamily basal{7.1e9, 0.7e6, 0, 10e6, 0.5, 1e5};
  SlipFamily prismatic{40e9, 170e6, 20e6, 40e6, 0.5, 1e5};
  SlipFamily pyramidal{30e9, 200e6, 25e6, 50.5e6, 0.5, 1e5};

  double twin_hardening = 7e6;  // h_b, Pa
  double twin_coupling = 40e9;  // k_ij for i != j, Pa
  double twin_stress = 20e6;    // tau_0, Pa
  double twin_sensitivity = 0.5;
  double twin_rate = 1e5;  // 1/s
  double c_over_a = 1.624;
  double twin_shear = 0.129;  // gamma_t; the geometry gives sqrt(3)/(c/a) - (c/a)/sqrt(3) = 0.1289

  double lame = 24e9;   // lambda_e, Pa; the bulk modulus is 2 lambda_e
  double shear = 25e9;  // G, Pa

  // Numerical choices.
  double strain_step = 5e-3;  // largest |Delta U| of one internal step
  double implicitness = 0.5;  // smallest weight of the end of a step: 0.5 second order, 1 backward Euler
  double tolerance =
      0.1;  // of the last Newton correction (sum of |s| and tau_0 u), relative to the smallest tau_0
  int iterations_max = 60;
};

// Throws Error where a parameter is out of range.
void check(const CrystalParameters& parameters);

}  // namespace pybridge
