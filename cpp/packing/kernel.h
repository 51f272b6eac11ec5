// The loops that cost: forces of all pairs, motion of all grains. Plain data only: these declarations are
// shared with files compiled for other processors.
#pragma once

namespace pybridge {

struct PackingStep {
  int dim, grains, pairs;
  bool hertz, rolling_on;
  double dt;  // s; 0: forces of the state as it stands
  double friction, rolling_friction, rolling_stiffness, damping;
  double l[9];           // velocity gradient, 1/s, row-major 3 x 3
  double move[9];        // the cell's map of this step less 1: x += move x
  double shift[27 * 3];  // m, of each image code

  // grains
  const double *radius, *inverse_mass, *inverse_inertia;
  double *position, *velocity, *spin, *moved, *force, *torque;

  // pairs
  const int *first, *second;
  const unsigned char* image;
  const double *reach, *least_radius, *normal, *tangential, *product;  // r1 + r2, min, law, r1 r2
  double *shear, *rolling;
};

#define PYBRIDGE_DECLARE_PACKING(isa)                                            \
  namespace isa {                                                                \
  void packing_forces(const PackingStep& step);                                  \
  /* Returns the largest square of `moved`, infinity where one is not finite. */ \
  double packing_motion(const PackingStep& step);                                \
  }
PYBRIDGE_DECLARE_PACKING(isa_baseline)
PYBRIDGE_DECLARE_PACKING(isa_avx2)
PYBRIDGE_DECLARE_PACKING(isa_avx512)
#undef PYBRIDGE_DECLARE_PACKING

}  // namespace pybridge
