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
  double shift[27 * 4];  // m, of each image code; the fourth is 0

  // Grains, records of four numbers each, one behind the other:
  //   2D  grain: x y w_x w_y | spin, radius x spin, radius, 0;   load: f_x f_y torque -;   inverse: 1/m 1/m
  //   1/I 0 3D  grain: x y z radius | w 0 | spin 0 | radius x spin 0;  load: f - | torque -;     inverse: 1/m
  //   x 3, 0 | 1/I x 3, 0
  // moved: dim numbers, the rest 0. What stands at "-" has no meaning.
  const double* inverse;
  double *grain, *moved, *load;

  // pairs; arrays are readable up to 8 numbers beyond the last
  const int *first, *second;
  const unsigned char* image;
  const double *reach, *first_radius, *least_radius, *normal, *tangential,
      *product;  // r1 + r2, r1, min, law, r1 r2
  double *shear, *rolling;
};

#define PYBRIDGE_DECLARE_PACKING(isa)                                              \
  namespace isa {                                                                  \
  /* Returns sum f.(l d), f the force on the second of a pair, d the branch: W. */ \
  double packing_forces(const PackingStep& step);                                  \
  /* Returns the largest square of `moved`, infinity where one is not finite. */   \
  double packing_motion(const PackingStep& step);                                  \
  }
PYBRIDGE_DECLARE_PACKING(isa_baseline)
PYBRIDGE_DECLARE_PACKING(isa_avx2)
PYBRIDGE_DECLARE_PACKING(isa_avx512)
#undef PYBRIDGE_DECLARE_PACKING

}  // namespace pybridge
