#include "packing/packing_material.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include "packing/cell.h"

namespace pybridge {

namespace {

using Size = std::size_t;
using Index = std::ptrdiff_t;

constexpr int row[6] = {0, 1, 2, 0, 1, 0}, column[6] = {0, 1, 2, 1, 2, 2};
constexpr double plane_slack = 1e-12;  // U_33 - 1, U_13, U_23 of disks: rounding of a polar decomposition

constexpr double strain_least = 1e-13;  // less is rounding of U: the packing stands

// What a point shows beside its packing, in this order.
enum Shown { void_ratio, coordination, inertial, asymmetry, overlap, kinetic, guard, stiffness };
constexpr int shown_count = stiffness + 21;

void require(bool holds, const char* name, double value, const char* expected) {
  if (!holds)
    throw Error(std::string("packing material: ") + name + " is " + std::to_string(value) + ", expected " +
                expected);
}

void full(const double* components, int stride, int i, double out[9]) {
  for (int c = 0; c < 6; ++c) {
    const double v = components[i + Index(c) * stride];
    out[3 * row[c] + column[c]] = v;
    out[3 * column[c] + row[c]] = v;
  }
}

}  // namespace

PackingMaterial::PackingMaterial(std::shared_ptr<const Grains> grains, const PackingParameters& parameters,
                                 const PackingState& virgin, const PackingMaterialOptions& options)
    : grains_(std::move(grains)), parameters_(parameters), options_(options) {
  const PackingMaterialOptions& o = options_;
  require(o.inertial_number > 0 && o.inertial_number < 1, "inertial_number", o.inertial_number,
          "between 0 and 1");
  require(o.steps_min >= 1, "steps_min", o.steps_min, ">= 1");
  require(o.steps_max >= o.steps_min, "steps_max", o.steps_max, ">= steps_min");
  require(o.asymmetry_max > 0, "asymmetry_max", o.asymmetry_max, "> 0");
  require(o.inertial_max > 0, "inertial_max", o.inertial_max, "> 0");
  require(o.overlap_max > 0, "overlap_max", o.overlap_max, "> 0");
  PackingEngine engine(grains_, parameters_, virgin);
  const PackingMeasures m = measure(*grains_, parameters_, engine.state());
  virgin_pressure_ = m.pressure(grains_->dim);
  require(virgin_pressure_ > 0, "the pressure of the packing (Pa)", virgin_pressure_,
          "> 0: consolidate it first");
  double d[36];
  contact_stiffness(*grains_, parameters_, engine.state(), d);
  const bool flat = grains_->dim == 2;
  const double shear = flat ? d[21] : (d[21] + d[28] + d[35]) / 3;
  const double axial = flat ? (d[0] + d[7]) / 2 : (d[0] + d[7] + d[14]) / 3;
  moduli_ = {axial - 4 * shear / 3, shear};
  virgin_ = engine.take_state();
  const int turns = flat ? 1 : 3, rolling = parameters_.rolling_friction > 0 ? turns : 0;
  pair_capacity_ = (flat ? 4 : 9) * grains_->count;
  const int size = 20 + grains_->count * (3 * grains_->dim + turns) + pair_capacity_ * (1 + turns + rolling);
  measures_ = size;
  schema_ = {
      {"packing", size, "1",
       "the packing itself in SI: a flag, number of pairs, cell, grains, neighbour list with contact forces"},
      {"void_ratio", 1, "1", "volume of the voids over that of the grains"},
      {"coordination", 1, "1", "2 contacts / grains"},
      {"inertial_number", 1, "1", "of the last increment, with its final pressure"},
      {"stress_asymmetry", 1, "1", "largest |sigma_ij - sigma_ji| over the pressure"},
      {"overlap", 1, "1", "largest overlap over the smaller radius"},
      {"kinetic_energy", 1, "J", "of the grains, fluctuations and spins"},
      {"unreliable", 1, "1", "sum of 1 unsymmetric stress, 2 inertial number, 4 overlap; since the start"},
      {"contact_stiffness", 21, "Pa", "upper triangle by rows of D_ijkl, order 11 22 33 12 23 13"},
  };
}

void PackingMaterial::pack(const PackingState& p, double* state, int stride) const {
  Index at = 0;
  const auto put = [&](double value) {
    state[at] = value;
    at += stride;
  };
  put(1);
  put(static_cast<double>(p.first.size()));
  for (double v : p.cell) put(v);
  for (double v : p.cell_list) put(v);
  for (const auto* values : {&p.position, &p.velocity, &p.spin, &p.moved})
    for (double v : *values) put(v);
  for (Size k = 0; k < p.first.size(); ++k)
    put((static_cast<double>(p.first[k]) * 1048576.0 + p.second[k]) * 32.0 + p.image[k]);
  for (double v : p.shear) put(v);
  for (double v : p.rolling) put(v);
  for (const Index end = Index(measures_) * stride; at < end;) put(0);
}

PackingState PackingMaterial::unpack(const double* state, int stride) const {
  if (state[0] == 0) return virgin_;
  Index at = 0;
  const auto get = [&] {
    const double value = state[at];
    at += stride;
    return value;
  };
  const double flag = get(), pairs = get();
  if (flag != 1 || !(pairs >= 0 && pairs <= pair_capacity_) || pairs != std::floor(pairs))
    throw Error("packing material: the state of a point is damaged");
  PackingState p;
  for (double& v : p.cell) v = get();
  for (double& v : p.cell_list) v = get();
  const Size n = static_cast<Size>(grains_->count), dim = static_cast<Size>(grains_->dim),
             turns = dim == 2 ? 1 : 3;
  const Size count = static_cast<Size>(pairs);
  const auto fill = [&](std::vector<double>& values, Size size) {
    values.resize(size);
    for (double& v : values) v = get();
  };
  fill(p.position, n * dim);
  fill(p.velocity, n * dim);
  fill(p.spin, n * turns);
  fill(p.moved, n * dim);
  for (Size k = 0; k < count; ++k) {
    const double code = get();
    if (!(code >= 0 && code < 9007199254740992.0))
      throw Error("packing material: the state of a point is damaged");
    const auto whole = static_cast<unsigned long long>(code);
    p.image.push_back(static_cast<unsigned char>(whole % 32));
    p.second.push_back(static_cast<int>(whole / 32 % 1048576));
    p.first.push_back(static_cast<int>(whole / 32 / 1048576));
  }
  fill(p.shear, count * turns);
  if (parameters_.rolling_friction > 0) fill(p.rolling, count * turns);
  return p;
}

Status PackingMaterial::update_point(const Block<double>& b, int i) const {
  const int s = b.stride, dim = grains_->dim;
  double u_old[9], u_new[9], inverse[9], target[9];
  full(b.stretch_old, s, i, u_old);
  full(b.stretch_new, s, i, u_new);
  for (int c = 0; c < 9; ++c)
    if (!std::isfinite(u_old[c]) || !std::isfinite(u_new[c])) return Status::failed_fatal;
  if (!(determinant(u_old) > 0) || !(determinant(u_new) > 0)) return Status::failed_fatal;
  if (dim == 2) {
    if (std::max({std::abs(u_new[8] - 1), std::abs(u_new[2]), std::abs(u_new[5])}) > plane_slack)
      return Status::failed_fatal;
    u_new[8] = 1;
    u_new[2] = u_new[5] = u_new[6] = u_new[7] = 0;
  }
  multiply(u_new, virgin_.cell, target);
  PackingEngine engine(grains_, parameters_, unpack(b.state_old + i, s));
  invert(engine.state().cell, inverse);
  const double strain = deformation(target, inverse), dt = engine.time_step();
  const PackingMeasures before = measure(*grains_, parameters_, engine.state());
  const double diameter = 2 * grains_->radius_mean, density = parameters_.density;
  int steps = 0;
  double work = 0;
  if (strain > strain_least) {
    const double p = std::max(before.pressure(dim), 0.01 * virgin_pressure_);
    const double rate = options_.inertial_number / (diameter * std::sqrt(density / p));
    const double wanted = std::ceil(strain / (rate * dt));
    if (!(wanted <= options_.steps_max)) return Status::failed_recoverable;
    steps = std::max(options_.steps_min, static_cast<int>(wanted));
    if (engine.deform(target, dt, steps, &work) != PackingFault::none) return Status::failed_recoverable;
  }
  const PackingMeasures m = measure(*grains_, parameters_, engine.state());
  if (!(m.overlap <= 2 * options_.overlap_max) || !std::isfinite(m.stress[0] + m.stress[4] + m.kinetic))
    return Status::failed_recoverable;
  if (static_cast<int>(engine.state().first.size()) > pair_capacity_) return Status::failed_recoverable;

  const double floor_pressure = std::max(m.pressure(dim), 1e-6 * virgin_pressure_);
  double* shown = b.state_new + i + Index(measures_) * s;
  const auto show = [&](int which, double value) { shown[Index(which) * s] = value; };
  const double number =
      steps > 0 ? strain / (steps * dt) * diameter * std::sqrt(density / floor_pressure) : 0.0;
  const double skewed = m.asymmetry(dim, 0.01 * virgin_pressure_);
  int guards = static_cast<int>(b.state_old[i + Index(measures_ + guard) * s]);
  if (!(skewed <= options_.asymmetry_max)) guards |= 1;
  if (!(number <= options_.inertial_max)) guards |= 2;
  if (!(m.overlap <= options_.overlap_max)) guards |= 4;
  double d[36];
  contact_stiffness(*grains_, parameters_, engine.state(), d);
  pack(engine.state(), b.state_new + i, s);
  show(void_ratio, m.void_ratio);
  show(coordination, m.coordination);
  show(inertial, number);
  show(asymmetry, skewed);
  show(overlap, m.overlap);
  show(kinetic, m.kinetic);
  show(guard, guards);
  for (int a = 0, k = stiffness; a < 6; ++a)
    for (int c = a; c < 6; ++c) show(k++, d[6 * a + c]);
  for (int c = 0; c < 6; ++c)
    b.stress_new[i + Index(c) * s] =
        0.5 * (m.stress[3 * row[c] + column[c]] + m.stress[3 * column[c] + row[c]]);
  if (dim == 2) b.stress_new[i + 2 * Index(s)] = 0.5 * (m.stress[0] + m.stress[4]);
  b.dissipation_inc[i] = (work - (m.elastic + m.kinetic - before.elastic - before.kinetic)) / m.volume;
  return guards != 0 ? Status::unreliable : Status::ok;
}

void PackingMaterial::update(const Block<double>& b) const noexcept {
  for (int i = 0; i < b.n; ++i) {
    Status status = Status::failed_fatal;
    try {
      status = update_point(b, i);
    } catch (...) {  // a damaged state, or out of memory
      status = Status::failed_fatal;
    }
    b.status[i] = static_cast<int>(status);
    if (status == Status::ok || status == Status::unreliable) continue;
    for (int c = 0; c < 6; ++c) b.stress_new[i + Index(c) * b.stride] = b.stress_old[i + Index(c) * b.stride];
    for (int c = 0; c < measures_ + shown_count; ++c)
      b.state_new[i + Index(c) * b.stride] = b.state_old[i + Index(c) * b.stride];
    b.dissipation_inc[i] = 0;
  }
}

}  // namespace pybridge
