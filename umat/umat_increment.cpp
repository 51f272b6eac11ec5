#include "umat_increment.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/conventions.h"
#include "core/tensor.h"
#include "failure.h"
#include "material_cache.h"
#include "tangent/frame_kernel.h"
#include "tangent/tangent.h"

namespace pybridge::abaqus {

namespace {

using Matrix = Mat3<double>;

struct Motion : PointMotion {
  StrainIncrement from;
};

std::string where(const UmatArguments& call) {
  return "element " + std::to_string(call.element) + ", point " + std::to_string(call.point);
}

bool is_identity(const double* f) {
  for (int k = 0; k < 9; ++k)
    if (f[k] != (k % 4 == 0 ? 1.0 : 0.0)) return false;
  return true;
}

bool all_finite(const double* values, int count) {
  for (int k = 0; k < count; ++k)
    if (!std::isfinite(values[k])) return false;
  return true;
}

// A geometrically linear analysis moves nothing: F = 1 with strains. They are then the stretches.
bool is_linear(const UmatArguments& call) {
  if (!is_identity(call.defgrad_old) || !is_identity(call.defgrad_new)) return false;
  for (int c = 0; c < call.components; ++c)
    if (call.strain_inc[c] != 0 || call.strain[c] != 0) return true;
  return false;
}

Matrix strain_matrix(const double* strain, int components) {
  double block[6];
  umat_strain_to_block(strain, components, block, 1);
  Matrix matrix;
  block_to_matrix(block, 1, matrix.m);
  return matrix;
}

void store_matrix(const Matrix& matrix, double* values) { std::memcpy(values, matrix.m, sizeof matrix.m); }

Matrix load_matrix(const double* values) {
  Matrix matrix;
  std::memcpy(matrix.m, values, sizeof matrix.m);
  return matrix;
}

void linear_motion(const UmatArguments& call, Motion& motion) {
  const Matrix one = identity3<double>(), strain_inc = strain_matrix(call.strain_inc, call.components);
  const Matrix u_old = one + strain_matrix(call.strain, call.components);
  store_matrix(one, motion.r_old);
  store_matrix(one, motion.r_new);
  store_matrix(strain_inc, motion.strain_inc);
  store_matrix(u_old, motion.u_old);
  store_matrix(u_old + strain_inc, motion.u_new);
  motion.volume_old = motion.volume_new = 1;
  motion.from = StrainIncrement::difference;
}

// False where the new deformation has no stretch: a smaller increment may have one.
bool read_motion(const UmatArguments& call, Motion& motion) {
  if (is_linear(call)) {
    linear_motion(call, motion);
    return all_finite(call.strain_inc, call.components);
  }
  Matrix f_old, f_new;
  umat_defgrad_to_matrix(call.defgrad_old, f_old.m);
  umat_defgrad_to_matrix(call.defgrad_new, f_new.m);
  motion.from = StrainIncrement::corotational;
  const MotionFault fault = frame_kernels().motion(f_old.m[0], f_new.m[0], motion);
  if (fault == MotionFault::old_gradient)
    throw Error(where(call) +
                ": the deformation gradient at the start of the increment, DFGRD0, is inverted or not finite "
                "(determinant " +
                number(motion.volume_old) + ", expected > 0): the element is destroyed; refine the mesh");
  return fault == MotionFault::none;
}

// The stress at the start in the frame of R. Abaqus has turned it by DROT, which is taken back: what the
// material does with the rotation does not depend on how the host approximates it.
void stress_in_frame(const UmatArguments& call, ImplicitHost host, const Motion& motion, double* block) {
  umat_stress_to_block(call.stress, call.components, block, 1);
  if (host == ImplicitHost::calculix) return;
  Matrix stress, turned;
  block_to_matrix(block, 1, stress.m);
  umat_defgrad_to_matrix(call.rotation_inc, turned.m);
  const Matrix q = turned * load_matrix(motion.r_old);
  matrix_to_block(transpose_times(q, stress * q).m, block, 1);
}

void store_stress(const UmatArguments& call, ImplicitHost host, const Motion& motion, const double* block) {
  if (host == ImplicitHost::calculix) return block_to_umat_stress(block, 1, call.components, call.stress);
  Matrix stress;
  block_to_matrix(block, 1, stress.m);
  const Matrix r = load_matrix(motion.r_new), global = r * stress * transpose(r);
  double turned[6];
  matrix_to_block(global.m, turned, 1);
  block_to_umat_stress(turned, 1, call.components, call.stress);
}

// DDSDDE from the stretch tangent and the stress, both in SI.
void store_tangent(const UmatArguments& call, ImplicitHost host, const Motion& motion,
                   const double* stress_block, const double* by_stretch, double to_deck_stress) {
  if (call.tangent == nullptr) return;
  double tangent[36], stress[9];
  Matrix matrix;
  block_to_matrix(stress_block, 1, matrix.m);
  store_matrix(matrix, stress);
  if (motion.from == StrainIncrement::difference)
    std::memcpy(tangent, by_stretch, sizeof tangent);
  else if (host == ImplicitHost::calculix)
    frame_kernels().lie_tangent(motion, stress, by_stretch, tangent);
  else
    frame_kernels().jaumann_tangent(motion, stress, by_stretch, tangent);
  for (double& value : tangent) value *= to_deck_stress;
  mandel_to_umat_tangent(tangent, call.components, call.tangent);
}

void store_elastic_tangent(const UmatArguments& call, const DeckMaterial& material) {
  if (call.tangent == nullptr) return;
  double tangent[36];
  isotropic_tangent(material.moduli(), tangent, 1);
  mandel_to_umat_tangent(tangent, call.components, call.tangent);
}

// SSE and SPD per current volume, as Abaqus sums them up; their sum is what VUMAT calls the internal energy
// times the density. No material here creeps beside its flow.
void add_energies(const UmatArguments& call, const Motion& motion, const Block<double>& point,
                  double to_deck_stress) {
  double work = 0;
  for (int c = 0; c < 6; ++c)
    work += (c < 3 ? 0.5 : 1.0) * (point.stress_old[c] + point.stress_new[c]) * point.strain_inc[c];
  const double shrink = motion.volume_old / motion.volume_new;
  const double dissipated = point.dissipation_inc[0];
  *call.elastic_energy = *call.elastic_energy * shrink + (work - dissipated) * to_deck_stress;
  *call.plastic_energy = *call.plastic_energy * shrink + dissipated * to_deck_stress;
  *call.creep_energy = 0;
}

std::vector<double>& new_state() {
  thread_local std::vector<double> memory;
  return memory;
}

double density_of(const DeckMaterial& material, const Motion& motion) {
  if (material.needs_density && !(material.density > 0))
    throw Error("material \"" + material.name +
                "\" heats by plastic work and needs its density, which this host does not pass: give it as "
                "constant 13, or set constant 11 (specific heat) to 0 for an isothermal material");
  return material.density > 0 ? material.density / motion.volume_new : 1;
}

[[noreturn]] void fail(const UmatArguments& call, const DeckMaterial& material, const Block<double>& point,
                       Status status) {
  throw Error("material \"" + material.name + "\" stopped at " + where(call) + ": " +
              reason(point.time_old, point.dt, material, status));
}

}  // namespace

void check_element_type(const UmatArguments& call) {
  const bool solid = call.direct == 3 && (call.shear == 3 || call.shear == 1);
  if (solid && call.components == call.direct + call.shear) return;
  throw Error(
      "elements with NDI = " + std::to_string(call.direct) + ", NSHR = " + std::to_string(call.shear) +
      ", NTENS = " + std::to_string(call.components) +
      " are not supported; use solid elements: three-dimensional (3, 3), plane strain or axisymmetric "
      "(3, 1), not plane stress, shells or beams");
}

bool answer_increment(const UmatArguments& call, const HostMaterial& asked) {
  const DeckMaterial& material = find_material(asked.name, call.props, call.constants);
  check_state_count(call.states, material);
  Motion motion;
  if (!all_finite(call.stress, call.components) || !all_finite(call.state, call.states))
    throw Error(where(call) + ": not-a-number or infinity in the stress or the state that the host passed");
  if (!read_motion(call, motion)) {
    store_elastic_tangent(call, material);
    return false;
  }
  double strain_inc[6], stretch_old[6], stretch_new[6], stress_old[6], stress_new[6], by_stretch[36];
  matrix_to_block(load_matrix(motion.strain_inc).m, strain_inc, 1);
  matrix_to_block(load_matrix(motion.u_old).m, stretch_old, 1);
  matrix_to_block(load_matrix(motion.u_new).m, stretch_new, 1);
  stress_in_frame(call, asked.host, motion, stress_old);
  for (double& value : stress_old) value *= material.stress_unit;
  const double density = density_of(material, motion);
  double dissipation;
  int status;
  std::vector<double>& state_new = new_state();
  state_new.resize(static_cast<std::size_t>(material.states) + 1);
  Block<double> point;
  point.n = point.stride = 1;
  point.time_old = call.time[1] * material.time_unit;
  point.dt = *call.dt * material.time_unit;
  point.strain_inc = strain_inc;
  point.stretch_old = stretch_old;
  point.stretch_new = stretch_new;
  point.temperature = call.temperature;
  point.density = &density;
  point.stress_old = stress_old;
  point.state_old = call.state;
  point.stress_new = stress_new;
  point.state_new = state_new.data();
  point.dissipation_inc = &dissipation;
  point.status = &status;
  if (call.tangent != nullptr && material.joint != nullptr)
    material.joint->update_with_tangent(point, by_stretch);
  else if (call.tangent != nullptr)
    update_with_stretch_tangent(*material.material, point, motion.from, by_stretch);
  else
    material.material->update(point);
  const auto outcome = static_cast<Status>(status);
  if (outcome == Status::failed_recoverable) {
    store_elastic_tangent(call, material);
    return false;
  }
  if (outcome == Status::failed_fatal || (outcome == Status::unreliable && material.stop_when_unreliable))
    fail(call, material, point, outcome);
  const double to_deck_stress = 1 / material.stress_unit;
  store_tangent(call, asked.host, motion, stress_new, by_stretch, to_deck_stress);
  if (asked.host == ImplicitHost::abaqus) add_energies(call, motion, point, to_deck_stress);
  for (double& value : stress_new) value *= to_deck_stress;
  store_stress(call, asked.host, motion, stress_new);
  if (material.states > 0)
    std::memcpy(call.state, state_new.data(), static_cast<std::size_t>(material.states) * sizeof(double));
  return true;
}

}  // namespace pybridge::abaqus
