#include "crystal/taylor_crystal.h"

#include <cmath>

#include "core/isa.h"
#include "crystal/kernel.h"
#include "crystal/orientations.h"

namespace pybridge {

namespace {

constexpr double grains_max = 100000;

void check_rotation(const double* q, std::size_t grain) {
  double error = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      double dot = i == j ? -1 : 0;
      for (int k = 0; k < 3; ++k) dot += q[3 * i + k] * q[3 * j + k];
      error = std::isfinite(dot) ? std::max(error, std::abs(dot)) : INFINITY;
    }
  const double det = q[0] * (q[4] * q[8] - q[5] * q[7]) - q[1] * (q[3] * q[8] - q[5] * q[6]) +
                     q[2] * (q[3] * q[7] - q[4] * q[6]);
  if (error > 1e-6 || det < 0)
    throw Error("crystal: orientation " + std::to_string(grain) +
                " is not a rotation matrix (Q Q^T = 1, det Q = +1; crystal to sample)");
}

StateSchema schema_of(int grains) {
  return {
      {"inelastic_inverse", 9 * grains, "1",
       "F_in^-1 - 1 of each grain, in its crystal's frame: [3*row+column][grain]"},
      {"slip", slip_count * grains, "1", "accumulated slip e of each system and grain: [system][grain]"},
      {"twin", twin_count * grains, "1",
       "volume fraction lambda of each twin system and grain: [system][grain]"},
      {"mean_slip", 1, "1", "accumulated slip, summed over the systems, mean of the grains"},
      {"twin_fraction", 1, "1", "twinned volume fraction"},
  };
}

long long whole(const char* name, double value, double least, double largest) {
  if (!(value >= least && value <= largest) || value != std::floor(value))
    throw Error(std::string("PYBRIDGE_TAYLOR_CRYSTAL: ") + name + " must be a whole number from " +
                std::to_string(static_cast<long long>(least)) + " to " +
                std::to_string(static_cast<long long>(largest)) + ", got " + std::to_string(value));
  return static_cast<long long>(value);
}

}  // namespace

template <class Real>
TaylorCrystal<Real>::TaylorCrystal(const std::vector<double>& rotations, const CrystalParameters& parameters)
    : rotations_(rotations.begin(), rotations.end()), moduli_{2 * parameters.lame, parameters.shear} {
  const std::size_t grains = rotations.size() / 9;
  if (grains < 1 || rotations.size() != 9 * grains || static_cast<double>(grains) > grains_max)
    throw Error("crystal: expected orientations of shape (N, 3, 3) with N from 1 to 100000, got " +
                std::to_string(rotations.size()) + " numbers");
  for (std::size_t g = 0; g < grains; ++g) check_rotation(rotations.data() + 9 * g, g);
  check(parameters);
  fill(table_, parameters);
  table_.grains = static_cast<int>(grains);
  table_.rotation = rotations_.data();
  schema_ = schema_of(table_.grains);
}

template <class Real>
void TaylorCrystal<Real>::update(const Block<Real>& block) const noexcept {
  const CrystalBlock<Real> plain{block.n,           block.stride,          block.dt,        block.stretch_old,
                                 block.stretch_new, block.stress_old,      block.state_old, block.stress_new,
                                 block.state_new,   block.dissipation_inc, block.status};
  static const Isa isa = active_isa();
  switch (isa) {
    case Isa::avx512:
      return isa_avx512::update_crystal(table_, plain);
    case Isa::avx2:
      return isa_avx2::update_crystal(table_, plain);
    default:
      return isa_baseline::update_crystal(table_, plain);
  }
}

template <class Real>
std::unique_ptr<const Material<Real>> make_taylor_crystal(const std::vector<double>& constants) {
  const char* names = "number of grains, seed, tau_0 of basal, prismatic, pyramidal slip and of twins";
  if (constants.size() > 6)
    throw Error("PYBRIDGE_TAYLOR_CRYSTAL: expected at most 6 constants (" + std::string(names) + "), got " +
                std::to_string(constants.size()));
  CrystalParameters parameters;
  double grains = 128, seed = 0;
  double* targets[6] = {&grains,
                        &seed,
                        &parameters.basal.stress,
                        &parameters.prismatic.stress,
                        &parameters.pyramidal.stress,
                        &parameters.twin_stress};
  for (std::size_t k = 0; k < constants.size(); ++k) *targets[k] = constants[k];
  active_isa();  // a wrong PYBRIDGE_ISA is an Error here, not inside a call
  const int n = static_cast<int>(whole("number of grains", grains, 1, grains_max));
  const auto s = static_cast<std::uint64_t>(whole("seed", seed, 0, 9e15));
  return std::make_unique<TaylorCrystal<Real>>(uniform_orientations(n, s), parameters);
}

template class TaylorCrystal<double>;
template class TaylorCrystal<float>;
template std::unique_ptr<const Material<double>> make_taylor_crystal<double>(const std::vector<double>&);
template std::unique_ptr<const Material<float>> make_taylor_crystal<float>(const std::vector<double>&);

}  // namespace pybridge
