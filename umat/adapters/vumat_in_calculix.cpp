// A VUMAT as CalculiX's UMAT: the compiled vumat_ of the library in PYBRIDGE_VUMAT (double precision) is
// called for each point. CalculiX's @ABAQUSNL stress, R^T sigma R, is VUMAT's own; stretches and the strain
// increment come from the deformation gradients as the mini-solver's do. DDSDDE is the elastic stiffness,
// from VUMAT's data check: enough for explicit steps, a modified Newton iteration for the others.
//
// The material's name is that behind the second "@", as for umat_ (umat/umat_host.h).
#include <cstring>
#include <mutex>
#include <vector>

#include "../umat_host.h"
#include "core/kinematics.h"
#include "core/spatial_tangent.h"
#include "core/status.h"
#include "forward.h"

namespace {

using namespace pybridge;
using abaqus::HostMaterial;

using Vumat = void (*)(const int*, const int*, const int*, const int*, const int*, const int*, const int*,
                       const double*, const double*, double*, const char*, const double*, const double*,
                       const double*, const double*, const double*, const double*, const double*,
                       const double*, const double*, const double*, const double*, const double*,
                       const double*, const double*, const double*, const double*, const double*,
                       const double*, double*, double*, double*, double*, std::size_t);

struct Point {
  double strain_inc[6], stretch_old[6], stretch_new[6], defgrad_old[9], defgrad_new[9];
  double stress_old[6], stress_new[6];
  double time, dt, density;
  const double* state_old;
  double* state_new;
};

struct Counts {
  int direct, shear, states, constants;
};

void call(Vumat vumat, Point& p, const Counts& n, const HostMaterial& material, const double* props,
          const double* temperature, const double* coordinates) {
  // The arrays of newer hosts, of which the first entry is the scalar of older ones.
  const int block[8] = {1, 1, 1, 1, 1, 0, 0, 0}, info[8] = {0, 1, 1, 1, 0, 7, 1, 0}, fields = 0;
  double dt[4] = {p.dt, 0, 0, 0};
  const double length = 1, zero[9] = {};
  double internal = 0, inelastic = 0;
  vumat(block, &n.direct, &n.shear, &n.states, &fields, &n.constants, info, &p.time, &p.time, dt,
        material.name, coordinates, &length, props, &p.density, p.strain_inc, zero, temperature,
        p.stretch_old, p.defgrad_old, zero, p.stress_old, p.state_old, zero, zero, temperature, p.stretch_new,
        p.defgrad_new, zero, p.stress_new, p.state_new, &internal, &inelastic, abaqus::name_length);
}

// The data check's answer to one strain component at a time.
void elastic_tangent(Vumat vumat, const Counts& n, const HostMaterial& material, const double* props,
                     const double* temperature, const double* coordinates, double density, double* ddsdde) {
  const int components = n.direct + n.shear;
  std::vector<double> state(static_cast<std::size_t>(n.states) + 1), state_new(state.size());
  for (int column = 0; column < components; ++column) {
    constexpr double size = 1e-6;
    Point p{};
    for (int c = 0; c < 3; ++c) p.stretch_old[c] = p.stretch_new[c] = p.defgrad_old[c] = p.defgrad_new[c] = 1;
    double strain[6] = {};
    strain[column] = size;
    umat_strain_to_block(strain, components, p.strain_inc, 1);
    p.density = density;
    p.state_old = state.data();
    p.state_new = state_new.data();
    call(vumat, p, n, material, props, temperature, coordinates);
    double stress[6];
    block_to_umat_stress(p.stress_new, 1, components, stress);
    for (int row = 0; row < components; ++row) ddsdde[row + components * column] = stress[row] / size;
  }
}

double number_in(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atof(text);
}

}  // namespace

PYBRIDGE_EXPORT void umat_(PYBRIDGE_UMAT_PARAMETERS) {
  using namespace pybridge::adapters;
  static const auto vumat = reinterpret_cast<Vumat>(forwarded("PYBRIDGE_VUMAT", "vumat_"));
  static const double density = number_in("PYBRIDGE_DENSITY", 1);  // of the virgin material
  (void)SSE, (void)SPD, (void)SCD, (void)RPL, (void)DDSDDT, (void)DRPLDE, (void)DRPLDT, (void)STRAN;
  (void)DSTRAN, (void)DTEMP, (void)PREDEF, (void)DPRED, (void)DROT, (void)CELENT, (void)NOEL, (void)NPT;
  (void)LAYER, (void)KSPT, (void)JSTEP, (void)KINC, (void)name_length;
  HostMaterial material;
  try {
    abaqus::read_host_material(CMNAME, material);
  } catch (const Error& error) {
    give_up("material", error.what());
  }
  Mat3<double> f_old, f_new, r_old, r_new, u_old, u_new;
  umat_defgrad_to_matrix(DFGRD0, f_old.m);
  umat_defgrad_to_matrix(DFGRD1, f_new.m);
  const Counts n = {*NDI, *NSHR, *NSTATV, *NPROPS};
  elastic_tangent(vumat, n, material, PROPS, TEMP, COORDS, density, DDSDDE);
  if (!polar_decomposition(f_old, r_old, u_old) || !polar_decomposition(f_new, r_new, u_new)) {
    *PNEWDT = 0.25;
    return;
  }
  Point p{};
  matrix_to_block(u_old.m, p.stretch_old, 1);
  matrix_to_block(u_new.m, p.stretch_new, 1);
  matrix_to_block(corotational_strain_increment(u_old, u_new).m, p.strain_inc, 1);
  matrix_to_defgrad(f_old.m, n.shear == 1 ? 5 : 9, p.defgrad_old, 1);
  matrix_to_defgrad(f_new.m, n.shear == 1 ? 5 : 9, p.defgrad_new, 1);
  umat_stress_to_block(STRESS, *NTENS, p.stress_old, 1);
  p.time = TIME[1] + *DTIME;
  p.dt = *DTIME;
  p.density = density / determinant(f_new);
  const std::vector<double> state_old(STATEV, STATEV + n.states);
  p.state_old = state_old.data();
  p.state_new = STATEV;
  call(vumat, p, n, material, PROPS, TEMP, COORDS);
  block_to_umat_stress(p.stress_new, 1, *NTENS, STRESS);
}
