// What a packing is made of: sizes, contact law, friction. SI; compression is negative, as everywhere.
//
// Linear contact:  kn = 2 E r1 r2 / (r1 + r2),  kt = ratio kn                          N/m
// Hertz-Mindlin:   fn = 4/3 E* sqrt(R) u^(3/2),  kt = 8 G* sqrt(R u)                   [GUAN22] Eq. 8-9
//                  R = r1 r2 / (r1 + r2), E* = E / (2 (1 - nu^2)), G* = E / (4 (1 + nu) (2 - nu))
// [GUAN22]'s kn is the slope dfn/du of that force: with its r* = 2 R and G = E / (2 (1 + nu)),
// dfn/du = 2 E* sqrt(R u) = G sqrt(2 r* u) / (1 - nu). The force is the integral of the slope, 2/3 kn u.
#pragma once

#include <vector>

namespace pybridge {

enum class ContactLaw : int { linear = 0, hertz = 1 };

struct PackingParameters {
  ContactLaw law = ContactLaw::linear;
  double young = 6e8;              // E of the grains, Pa
  double ratio = 0.8;              // kt / kn of the linear law
  double poisson = 0.2;            // nu of the Hertz-Mindlin law
  double friction = 0.5463024898;  // coefficient mu = tan(0.5 rad), [GUAN22] Table 2
  double rolling_stiffness = 0;    // alpha: rolling stiffness alpha r1 r2 kt, N m
  double rolling_friction = 0;     // mu_r: moment at most mu_r min(r1, r2) fn; 0 switches rolling off
  double density = 2650;           // kg/m3
  double damping = 0.1;            // Cundall's, share of the unbalanced force, 0..1
  double thickness = 0.1;          // of disks, m; spheres do not use it
  double step_factor = 0.25;       // time step over sqrt(m / k), least over the grains
  double skin = 0.1;               // of the neighbour list over the mean radius
};

struct Grains {
  int dim = 2;    // 2 disks, 3 spheres
  int count = 0;  // number of grains
  std::vector<double> radius, mass, inertia, inverse_mass, inverse_inertia;
  double radius_mean = 0, radius_max = 0, radius_min = 0, solid = 0;  // solid: area (2D) or volume (3D)

  // Disks have mass rho pi r^2 t and inertia m r^2 / 2, spheres rho 4/3 pi r^3 and 2/5 m r^2. Throws Error.
  Grains(int dim, std::vector<double> radii, const PackingParameters& parameters);
};

// Throws Error naming the parameter, its value, and what was expected.
void check(const PackingParameters& parameters);

// Coefficients of a pair: linear fn = normal u, kt = tangential; Hertz-Mindlin fn = normal u^(3/2),
// kt = tangential sqrt(u).
struct PairLaw {
  double normal, tangential;
};
PairLaw pair_law(const PackingParameters& parameters, double r1, double r2);

}  // namespace pybridge
