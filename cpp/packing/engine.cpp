#include "packing/engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "core/isa.h"
#include "core/status.h"
#include "packing/cell.h"
#include "packing/neighbours.h"

namespace pybridge {

namespace {

using Size = std::size_t;

struct Kernels {
  double (*forces)(const PackingStep&);
  double (*motion)(const PackingStep&);
};

Kernels kernels() {
  static const Isa isa = active_isa();
  switch (isa) {
    case Isa::avx512:
      return {&isa_avx512::packing_forces, &isa_avx512::packing_motion};
    case Isa::avx2:
      return {&isa_avx2::packing_forces, &isa_avx2::packing_motion};
    default:
      return {&isa_baseline::packing_forces, &isa_baseline::packing_motion};
  }
}

void check_size(const char* name, Size got, Size expected) {
  if (got != expected)
    throw Error(std::string("packing: ") + name + " has " + std::to_string(got) + " numbers, expected " +
                std::to_string(expected));
}

void check_finite(const char* name, const std::vector<double>& values) {
  for (double v : values)
    if (!std::isfinite(v))
      throw Error(std::string("packing: ") + name + " holds a number that is not finite");
}

void check_pairs(const PackingState& s, int grains) {
  for (Size p = 0; p < s.first.size(); ++p) {
    const bool ordered = p == 0 || s.first[p - 1] < s.first[p] ||
                         (s.first[p - 1] == s.first[p] && s.second[p - 1] < s.second[p]);
    if (s.first[p] < 0 || s.second[p] <= s.first[p] || s.second[p] >= grains || s.image[p] > 26 || !ordered)
      throw Error("packing: pair " + std::to_string(p) +
                  " of the neighbour list is out of range or out of order; the file is damaged");
  }
}

void check_state(const Grains& grains, const PackingParameters& parameters, const PackingState& s) {
  const Size n = static_cast<Size>(grains.count), dim = static_cast<Size>(grains.dim),
             turns = dim == 2 ? 1 : 3;
  check_size("position", s.position.size(), n * dim);
  check_size("velocity", s.velocity.size(), n * dim);
  check_size("spin", s.spin.size(), n * turns);
  check_size("moved", s.moved.size(), n * dim);
  const Size pairs = s.first.size();
  check_size("second", s.second.size(), pairs);
  check_size("image", s.image.size(), pairs);
  check_size("shear", s.shear.size(), pairs * turns);
  check_size("rolling", s.rolling.size(), parameters.rolling_friction > 0 ? pairs * turns : 0);
  check_pairs(s, grains.count);
  check_finite("position", s.position);
  check_finite("velocity", s.velocity);
  check_finite("spin", s.spin);
  check_finite("shear", s.shear);
  check_finite("rolling", s.rolling);
  for (int k = 0; k < 9; ++k)
    if (!std::isfinite(s.cell[k])) throw Error("packing: cell holds a number that is not finite");
  if (dim == 2 && (s.cell[2] != 0 || s.cell[5] != 0 || s.cell[6] != 0 || s.cell[7] != 0))
    throw Error("packing: a cell of disks must have its third base vector, and no other, along axis 3");
  if (!cell_wide_enough(grains, parameters, s.cell))
    throw Error(
        "packing: the cell must be wider across each pair of faces than 4 r_max and twice the skin, " +
        std::to_string(2 * list_reach(grains, parameters)) +
        " m, so that two grains touch once at most; take more grains");
}

}  // namespace

PackingEngine::PackingEngine(std::shared_ptr<const Grains> grains, const PackingParameters& parameters,
                             PackingState state)
    : grains_(std::move(grains)), parameters_(parameters), state_(std::move(state)) {
  check(parameters_);
  const bool fresh = state_.cell_list[8] == 0;
  const Size n = static_cast<Size>(grains_->count), dim = static_cast<Size>(grains_->dim);
  if (fresh) {
    if (state_.velocity.empty()) state_.velocity.assign(n * dim, 0.0);
    if (state_.spin.empty()) state_.spin.assign(n * (dim == 2 ? 1 : 3), 0.0);
    state_.moved.assign(n * dim, 0.0);
  }
  check_state(*grains_, parameters_, state_);
  if (fresh) build_list(*grains_, parameters_, state_);
  active_isa();  // a wrong PYBRIDGE_ISA is an Error here, not inside a run
}

PackingEngine::PackingEngine(const PackingEngine& other)
    : grains_(other.grains_),
      parameters_(other.parameters_),
      state_(other.state_),
      lists_built_(other.lists_built_) {}

PackingEngine& PackingEngine::operator=(const PackingEngine& other) {
  if (this != &other) {
    grains_ = other.grains_;
    parameters_ = other.parameters_;
    state_ = other.state_;
    lists_built_ = other.lists_built_;
    ready_ = false;
  }
  return *this;
}

void PackingEngine::set_parameters(const PackingParameters& p) {
  check(p);
  if (p.density != parameters_.density || p.thickness != parameters_.thickness ||
      (p.rolling_friction > 0) != (parameters_.rolling_friction > 0))
    throw Error("packing: density, thickness, and whether grains resist rolling cannot change in a packing");
  const bool other_skin = p.skin != parameters_.skin;
  parameters_ = p;
  if (other_skin) build_list(*grains_, parameters_, state_);
  ready_ = false;
}

void PackingEngine::pair_constants() {
  const Size pairs = state_.first.size();
  for (auto* values : {&reach_, &first_radius_, &least_radius_, &normal_, &tangential_, &product_})
    values->assign(pairs + 8, 0.0);
  for (Size p = 0; p < pairs; ++p) {
    const double r1 = grains_->radius[static_cast<Size>(state_.first[p])];
    const double r2 = grains_->radius[static_cast<Size>(state_.second[p])];
    const PairLaw law = pair_law(parameters_, r1, r2);
    reach_[p] = r1 + r2;
    first_radius_[p] = r1;
    least_radius_[p] = std::min(r1, r2);
    product_[p] = r1 * r2;
    normal_[p] = law.normal;
    tangential_[p] = law.tangential;
  }
  invert(state_.cell_list, list_inverse_);
  PackingStep& s = step_;
  s.pairs = static_cast<int>(pairs);
  s.first = state_.first.data();
  s.second = state_.second.data();
  s.image = state_.image.data();
  s.shear = state_.shear.data();
  s.rolling = state_.rolling.data();
  s.reach = reach_.data();
  s.first_radius = first_radius_.data();
  s.least_radius = least_radius_.data();
  s.normal = normal_.data();
  s.tangential = tangential_.data();
  s.product = product_.data();
  load_grains();
}

// Records of the grains from the state, as PackingStep lays them out.
void PackingEngine::load_grains() {
  const Size n = static_cast<Size>(grains_->count), dim = static_cast<Size>(grains_->dim),
             size = dim == 2 ? 8 : 16;
  grain_.assign(n * size, 0.0);
  moved_.assign(n * 4, 0.0);
  load_.assign(n * size / 2, 0.0);
  inverse_.assign(n * size / 2, 0.0);
  for (Size i = 0; i < n; ++i) {
    double* g = grain_.data() + size * i;
    double* inverse = inverse_.data() + size / 2 * i;
    const double r = grains_->radius[i];
    for (Size c = 0; c < dim; ++c) {
      g[c] = state_.position[i + n * c];
      g[(dim == 2 ? 2 : 4) + c] = state_.velocity[i + n * c];
      moved_[4 * i + c] = state_.moved[i + n * c];
      inverse[c] = grains_->inverse_mass[i];
      if (dim == 3) {
        g[8 + c] = state_.spin[i + n * c];
        g[12 + c] = r * g[8 + c];
        inverse[4 + c] = grains_->inverse_inertia[i];
      }
    }
    if (dim == 2) {
      g[4] = state_.spin[i];
      g[5] = r * g[4];
      g[6] = r;
      inverse[2] = grains_->inverse_inertia[i];
    } else {
      g[3] = r;
    }
  }
  step_.grain = grain_.data();
  step_.moved = moved_.data();
  step_.load = load_.data();
  step_.inverse = inverse_.data();
}

// The reverse, for whoever looks at the state.
void PackingEngine::store_grains() {
  const Size n = static_cast<Size>(grains_->count), dim = static_cast<Size>(grains_->dim),
             size = dim == 2 ? 8 : 16;
  for (Size i = 0; i < n; ++i) {
    const double* g = grain_.data() + size * i;
    for (Size c = 0; c < dim; ++c) {
      state_.position[i + n * c] = g[c];
      state_.velocity[i + n * c] = g[(dim == 2 ? 2 : 4) + c];
      state_.moved[i + n * c] = moved_[4 * i + c];
      if (dim == 3) state_.spin[i + n * c] = g[8 + c];
    }
    if (dim == 2) state_.spin[i] = g[4];
  }
}

void PackingEngine::evaluate(double dt) {
  for (int code = 0; code < 27; ++code) {
    const double image[3] = {double(code / 9 - 1), double(code / 3 % 3 - 1), double(code % 3 - 1)};
    step_.shift[4 * code + 3] = 0;
    for (int c = 0; c < 3; ++c) {
      double sum = 0;
      for (int k = 0; k < grains_->dim; ++k) sum += state_.cell[3 * c + k] * image[k];
      step_.shift[4 * code + c] = sum;
    }
  }
  step_.dt = dt;
  power_ = -kernels().forces(step_);
}

// Everything that holds for a run, and the forces at its start; with `power`, theirs too.
void PackingEngine::begin(double dt, const double* gradient, bool power) {
  PackingStep& s = step_;
  std::copy(gradient, gradient + 9, s.l);
  if (ready_) {
    if (power) evaluate(0);  // which changes nothing in the packing
    s.dt = dt;
    return;
  }
  s.dim = grains_->dim;
  s.grains = grains_->count;
  s.hertz = parameters_.law == ContactLaw::hertz;
  s.rolling_on = parameters_.rolling_friction > 0;
  s.friction = parameters_.friction;
  s.rolling_friction = parameters_.rolling_friction;
  s.rolling_stiffness = parameters_.rolling_stiffness;
  s.damping = parameters_.damping;
  pair_constants();
  evaluate(0);
  s.dt = dt;
  ready_ = true;
}

// One step under the map x += map_less_1 x of the cell.
PackingFault PackingEngine::advance(const double* map_less_1) {
  const double dt = step_.dt;
  for (int k = 0; k < 9; ++k) {
    step_.move[k] = map_less_1[k];
    step_.l[k] = map_less_1[k] / dt;
  }
  const double far = std::sqrt(kernels().motion(step_));
  double moved[9];
  multiply(map_less_1, state_.cell, moved);
  for (int k = 0; k < 9; ++k) state_.cell[k] += moved[k];
  // A pair not listed is still apart while its distance, deformed by e, exceeds what both grains moved.
  const double e = deformation(state_.cell, list_inverse_), skin = parameters_.skin * grains_->radius_mean;
  if (!(2 * far * (1 + 2 * e) + e * list_reach(*grains_, parameters_) <= skin)) {
    // No grain crosses half its own radius within a list unless the packing has exploded.
    if (!(far < 10 * skin) || !(e < 0.5)) return PackingFault::exploded;
    if (!cell_wide_enough(*grains_, parameters_, state_.cell)) return PackingFault::cell_too_small;
    store_grains();
    build_list(*grains_, parameters_, state_);
    ++lists_built_;
    pair_constants();
  }
  evaluate(dt);
  return PackingFault::none;
}

PackingFault PackingEngine::drive(const double* gradient, double dt, int steps, double* work) {
  begin(dt, gradient, work != nullptr);
  double map[9];
  for (int k = 0; k < 9; ++k) map[k] = gradient[k] * dt;
  for (int k = 0; k < steps; ++k) {
    const double before = power_;
    if (PackingFault fault = advance(map); fault != PackingFault::none) return fault;
    if (work != nullptr) *work += 0.5 * (before + power_) * dt;
  }
  store_grains();
  return PackingFault::none;
}

PackingFault PackingEngine::deform(const double* target, double dt, int steps, double* work) {
  if (steps < 1) return PackingFault::none;
  double from[9];
  std::copy(state_.cell, state_.cell + 9, from);
  for (int k = 0; k < steps; ++k) {
    // The cell lies on the line from `from` to `target`; the last step ends on `target` to its rounding.
    const double share = static_cast<double>(k + 1) / steps;
    double inverse[9], map[9], change[9];
    invert(state_.cell, inverse);
    for (int c = 0; c < 9; ++c) change[c] = from[c] + share * (target[c] - from[c]) - state_.cell[c];
    multiply(change, inverse, map);
    if (k == 0) {
      double gradient[9];
      for (int c = 0; c < 9; ++c) gradient[c] = map[c] / dt;
      begin(dt, gradient, work != nullptr);
    }
    const double before = power_;
    if (PackingFault fault = advance(map); fault != PackingFault::none) return fault;
    if (work != nullptr) *work += 0.5 * (before + power_) * dt;
  }
  store_grains();
  return PackingFault::none;
}

void PackingEngine::stop() {
  ready_ = false;
  std::fill(state_.velocity.begin(), state_.velocity.end(), 0.0);
  std::fill(state_.spin.begin(), state_.spin.end(), 0.0);
}

}  // namespace pybridge
