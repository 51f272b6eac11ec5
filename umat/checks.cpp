#include "checks.h"

#include <cmath>
#include <string>

#include "core/conventions.h"
#include "core/point_loops.h"
#include "core/status.h"
#include "core/tensor.h"
#include "failure.h"

namespace pybridge::abaqus {

namespace {

// A solid element compressed or drawn to a fiftieth or fifty times its length is not meant; a stretch of 1 in
// the other precision reads as 0.0078 (two floats as a double), or as 0 or noise (half a double as a float).
constexpr Real smallest_stretch = Real(0.02);
constexpr Real largest_stretch = Real(50);

std::string point_text(const Arguments& call, int point) {
  return "point " + std::to_string(point + 1) + " of " + std::to_string(call.n) + element_of(call, point);
}

// How many components of a stretch may be read. A host of floats has 4 bytes for each of its values: as
// doubles, the first half of them. A host of doubles has more than enough.
int readable_components(const Arguments& call) {
  return sizeof(Real) == 8 ? call.components() / 2 : call.components();
}

bool is_plausible(const Real* u, int n, int readable) {
  for (int c = 0; c < readable && c < 3; ++c)
    if (!(u[c * n] >= smallest_stretch && u[c * n] <= largest_stretch)) return false;
  for (int c = 3; c < readable; ++c)  // of a positive definite tensor
    if (!(u[c * n] * u[c * n] < u[symmetric_row[c] * n] * u[symmetric_column[c] * n])) return false;
  return true;
}

// The point to tell the precision from: of doubles, the last, whose components then end in floats of shears,
// which read as tiny numbers; of floats, the first, whose components then begin with lower halves of doubles:
// noise or 0.
int telling_point(const Arguments& call) { return sizeof(Real) == 8 ? call.n - 1 : 0; }

bool is_plausible(const Arguments& call, const Real* stretch) {
  return is_plausible(stretch + telling_point(call), call.n, readable_components(call));
}

bool is_zero(const Arguments& call, const Real* stretch) {
  for (int k = 0; k < readable_components(call) * call.n; ++k)
    if (stretch[k] != Real(0)) return false;
  return true;
}

double determinant_of(const Arguments& call, int point) {
  Mat3<Real> f;
  defgrad_to_matrix(call.defgrad_new + point, call.n, call.direct + 2 * call.shear, f.m);
  return static_cast<double>(determinant(f));
}

}  // namespace

std::string element_of(const Arguments& call, int point) {
  if (!array_arguments()) return "";
  const int first = call.info[5];  // where element numbers start in jInfoArray, counted from 1
  if (first < 7) return "";
  return " (element " + std::to_string(call.info[first - 1 + point]) + ")";
}

void check_element_type(const Arguments& call) {
  if (call.n < 1) throw Error("nblock must be at least 1, got " + std::to_string(call.n));
  if (call.direct == 3 && (call.shear == 3 || call.shear == 1)) return;
  throw Error("elements with ndir = " + std::to_string(call.direct) +
              ", nshr = " + std::to_string(call.shear) +
              " are not supported; use solid elements: three-dimensional (3, 3), plane strain or "
              "axisymmetric (3, 1), not plane stress, shells or beams");
}

void check_precision(const Arguments& call) {
  const bool old_is_plausible = is_plausible(call, call.stretch_old);
  if (old_is_plausible && is_plausible(call, call.stretch_new)) return;
  if (is_zero(call, call.stretch_old) && is_zero(call, call.stretch_new) && *call.total_time == Real(0))
    return;  // a data check without kinematics
  const Real* stretch = old_is_plausible ? call.stretch_new : call.stretch_old;
  const int point = telling_point(call);
  const bool twice = sizeof(Real) == 8;
  std::string stretches;
  for (int c = 0; c < readable_components(call); ++c)
    stretches += (c ? ", " : "") + number(static_cast<double>(stretch[point + c * call.n]));
  throw Error("the stretch of point " + std::to_string(point + 1) + " of " + std::to_string(call.n) +
              " reads " + stretches +
              ", expected direct stretches between 0.02 and 50 and a positive definite tensor: the "
              "host seems to run in " +
              (twice ? "single" : "double") + " precision while this is the " +
              (twice ? "double" : "single") + "-precision library (" +
              (twice ? "libexplicitU-D.so" : "libexplicitU.so") + "); run Abaqus " +
              (twice ? "with double=both" : "without double=both, or let it find libexplicitU-D.so") +
              ". If the precision is right, the element is destroyed");
}

void check_states(const Arguments& call, const DeckMaterial& material) {
  check_state_count(call.states, material);
}

void check_kinematics(const Arguments& call) {
  const bool flat = call.components() != 6;
  if (kinematics_are_sound<Real>({call.n, flat, call.density, call.stretch_new, call.defgrad_new})) return;
  check_inputs(call);
}

void check_inputs(const Arguments& call) {
  for (int i = 0; i < call.n; ++i) {
    double sum = static_cast<double>(call.density[i]);  // finite where every part is
    for (int c = 0; c < call.components(); ++c)
      sum += static_cast<double>(call.strain_inc[i + c * call.n]) +
             static_cast<double>(call.stretch_new[i + c * call.n]) +
             static_cast<double>(call.stress_old[i + c * call.n]);
    const double det = determinant_of(call, i);
    if (det > 0 && std::isfinite(det) && std::isfinite(sum) && call.density[i] > 0) continue;
    const std::string where = point_text(call, i) + ", total time " + number(*call.total_time);
    if (!(call.density[i] > 0))
      throw Error(where + ": density must be positive, got " + number(call.density[i]));
    if (!std::isfinite(det) || !std::isfinite(sum))
      throw Error(
          where + ": not-a-number or infinity in the deformation gradient (det F = " + number(det) +
          "), the strain increment, the stretch or the stress that the host passed; look for an unstable "
          "time increment or a destroyed element there");
    throw Error(where + ": the element is inverted, det F = " + number(det) +
                "; expected a positive determinant: refine the mesh, reduce the time increment, or use "
                "distortion control");
  }
}

}  // namespace pybridge::abaqus
