#include "increment.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "checks.h"
#include "core/conventions.h"
#include "core/point_loops.h"
#include "core/status.h"
#include "failure.h"

namespace pybridge::abaqus {

namespace {

// Memory of a thread for what the host has no arrays for; grows to the largest block and stays.
struct Scratch {
  std::vector<Real> dissipation;
  std::vector<int> status;
  std::vector<Real> padded[5];  // strain_inc, stretch_old, stretch_new, stress_old, stress_new

  Real* six(int which, int n) {
    padded[which].resize(static_cast<std::size_t>(6 * n));
    return padded[which].data();
  }
};

Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}

std::size_t bytes(int values) { return static_cast<std::size_t>(values) * sizeof(Real); }

void copy(Real* to, const Real* from, int values) {
  if (values > 0) std::memcpy(to, from, bytes(values));
}

// A symmetric tensor times a factor, with all six components: in plane strain and axisymmetry the host has
// four.
const Real* pad(const Real* given, int which, const Arguments& call, Real factor) {
  Real* six = scratch().six(which, call.n);
  for (int i = 0; i < call.n; ++i) vumat_to_block(given + i, call.n, call.components(), six + i, call.n);
  for (int k = 0; k < 6 * call.n; ++k) six[k] *= factor;
  return six;
}

// Also the last look at the answer: a stress or dissipation that is no number makes an energy none.
void set_energies(const Arguments& call, Real to_deck_stress) {
  const int n = call.n;
  if (add_energies<Real>({n, call.components(), to_deck_stress, call.density, call.strain_inc,
                          call.stress_old, call.stress_new, scratch().dissipation.data(), call.internal_old,
                          call.inelastic_old, call.internal_new, call.inelastic_new}))
    return;
  check_inputs(call);
  for (int i = 0; i < n; ++i)
    if (!std::isfinite(call.internal_new[i]) || !std::isfinite(call.inelastic_new[i]))
      throw Error("the material answered not-a-number at point " + std::to_string(i + 1) + " of " +
                  std::to_string(n) + element_of(call, i) + " and called it good; please report this");
}

// Bulk and shear modulus that Abaqus takes the wave speed from: the secant of the increment, never less than
// the virgin moduli, so that plastic flow does not lengthen the time increment.
void set_effective_moduli(const Arguments& call, ElasticModuli virgin) {
  const int n = call.n;
  for (int i = 0; i < n; ++i) {
    const auto change = [&](int c) {
      return static_cast<double>(call.stress_new[i + c * n]) -
             static_cast<double>(call.stress_old[i + c * n]);
    };
    const auto strain = [&](int c) { return static_cast<double>(call.strain_inc[i + c * n]); };
    const double mean_change = (change(0) + change(1) + change(2)) / 3;
    const double volume = strain(0) + strain(1) + strain(2);
    double stress_norm = 0, strain_norm = 0;
    for (int c = 0; c < call.components(); ++c) {
      const double weight = c < 3 ? 1 : 2;
      const double s = change(c) - (c < 3 ? mean_change : 0);
      const double e = strain(c) - (c < 3 ? volume / 3 : 0);
      stress_norm += weight * s * s;
      strain_norm += weight * e * e;
    }
    // Below this an increment is rounding noise.
    constexpr double least = 1e-9;
    const double bulk = std::fabs(volume) > least ? mean_change / volume : 0;
    const double shear = strain_norm > least * least ? std::sqrt(stress_norm / strain_norm) / 2 : 0;
    call.dt[1 + i] = static_cast<Real>(std::max(virgin.bulk, bulk));
    call.dt[1 + n + i] = static_cast<Real>(std::max(virgin.shear, shear));
  }
}

bool wants_effective_moduli(const Arguments& call) { return array_arguments() && call.info[4] == 1; }

// The host's total time is that at the end of the increment, s. One that is beyond the horizon by the
// rounding of the host's own sum is the horizon.
double end_of_increment(const Arguments& call, const DeckMaterial& material) {
  const double end = static_cast<double>(*call.total_time) * material.time_unit;
  const double horizon = material.material->domain().time_max;
  const double rounding = 8 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  return end > horizon && end <= horizon * (1 + rounding) ? horizon : end;
}

Block<Real> make_block(const Arguments& call, const DeckMaterial& material) {
  const int n = call.n;
  const bool flat = call.components() != 6;
  const bool scaled = material.stress_unit != 1;
  Scratch& memory = scratch();
  memory.dissipation.resize(static_cast<std::size_t>(n));
  memory.status.resize(static_cast<std::size_t>(n));
  Block<Real> block;
  block.n = n;
  block.stride = n;
  const double dt = static_cast<double>(call.dt[0]);
  block.dt = dt * material.time_unit;
  block.time_old = std::max(0.0, end_of_increment(call, material) - block.dt);
  block.strain_inc = flat ? pad(call.strain_inc, 0, call, 1) : call.strain_inc;
  block.stretch_old = flat ? pad(call.stretch_old, 1, call, 1) : call.stretch_old;
  block.stretch_new = flat ? pad(call.stretch_new, 2, call, 1) : call.stretch_new;
  block.temperature = call.temp_old;
  block.density = call.density;
  const auto unit = static_cast<Real>(material.stress_unit);
  block.stress_old = flat || scaled ? pad(call.stress_old, 3, call, unit) : call.stress_old;
  block.state_old = call.state_old;
  block.stress_new = flat || scaled ? memory.six(4, n) : call.stress_new;
  block.state_new = call.state_new;
  block.dissipation_inc = memory.dissipation.data();
  block.status = memory.status.data();
  return block;
}

std::string plural(int count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void throw_where_failed(const Arguments& call, const Block<Real>& block, const DeckMaterial& material) {
  const Status tolerated = material.stop_when_unreliable ? Status::ok : Status::unreliable;
  // Of 0 (ok), 1 (unreliable), 2 and 3 (failed) the bits together exceed a tolerated 0 or 1 where one value
  // does.
  unsigned bits = 0;
  for (int i = 0; i < call.n; ++i) bits |= static_cast<unsigned>(block.status[i]);
  if (bits <= static_cast<unsigned>(tolerated)) return;
  check_inputs(call);  // what the host passed may be the reason
  int first = -1, count = 0;
  for (int i = 0; i < call.n; ++i) {
    if (block.status[i] <= static_cast<int>(tolerated)) continue;
    ++count;
    if (first < 0 || block.status[i] > block.status[first]) first = i;
  }
  throw Error("material \"" + material.name + "\" stopped at " + plural(count, "point") + " of " +
              std::to_string(call.n) + ", first at point " + std::to_string(first + 1) +
              element_of(call, first) + ": " +
              reason(block.time_old, block.dt, material, static_cast<Status>(block.status[first])));
}

}  // namespace

void answer_data_check(const Arguments& call, const DeckMaterial& material) {
  const ElasticModuli moduli = material.moduli();
  const Real two_g = static_cast<Real>(2 * moduli.shear);
  const Real lambda = static_cast<Real>(moduli.bulk - 2 * moduli.shear / 3);
  const int n = call.n;
  for (int i = 0; i < n; ++i) {
    const Real* de = call.strain_inc + i;
    const Real volumetric = lambda * (de[0] + de[n] + de[2 * n]);
    for (int c = 0; c < call.components(); ++c)
      call.stress_new[i + c * n] =
          call.stress_old[i + c * n] + two_g * de[c * n] + (c < 3 ? volumetric : Real(0));
  }
  copy(call.state_new, call.state_old, n * call.states);
  copy(call.internal_new, call.internal_old, n);
  copy(call.inelastic_new, call.inelastic_old, n);
  if (wants_effective_moduli(call)) set_effective_moduli(call, moduli);
}

void answer_increment(const Arguments& call, const DeckMaterial& material) {
  const Block<Real> block = make_block(call, material);
  material.material->update(block);
  throw_where_failed(call, block, material);
  const Real to_deck_stress = static_cast<Real>(1 / material.stress_unit);
  if (block.stress_new != call.stress_new)
    for (int k = 0; k < call.components() * call.n; ++k)
      call.stress_new[k] = to_deck_stress * block.stress_new[k];
  if (material.states == 0) copy(call.state_new, call.state_old, call.n * call.states);
  set_energies(call, to_deck_stress);
  if (wants_effective_moduli(call)) set_effective_moduli(call, material.moduli());
}

void repeat_update(const Arguments& call, const DeckMaterial& material, int repeats) {
  const Block<Real> block = make_block(call, material);
  for (int k = 0; k < repeats; ++k) material.material->update(block);
}

void leave_without_answer(const Arguments& call) noexcept {
  std::fill(call.stress_new, call.stress_new + call.n * call.components(),
            std::numeric_limits<Real>::quiet_NaN());
  copy(call.state_new, call.state_old, call.n * call.states);
  copy(call.internal_new, call.internal_old, call.n);
  copy(call.inelastic_new, call.inelastic_old, call.n);
}

}  // namespace pybridge::abaqus
