#include "crystal/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/status.h"
#include "crystal/systems.h"

namespace pybridge {

namespace {

const SlipFamily& family(const CrystalParameters& parameters, int k) {
  return k == 0 ? parameters.basal : k == 1 ? parameters.prismatic : parameters.pyramidal;
}

void expect(bool fine, const std::string& name, double value, const char* expected) {
  if (!fine) throw Error("crystal: " + name + " must be " + expected + ", got " + std::to_string(value));
}

void expect_positive(const std::string& name, double value) {
  expect(value > 0 && std::isfinite(value), name, value, "positive and finite");
}

void expect_not_negative(const std::string& name, double value) {
  expect(value >= 0 && std::isfinite(value), name, value, "zero or positive, and finite");
}

void expect_sensitivity(const std::string& name, double value) {
  expect(value > 0 && value <= 1, name, value, "above 0 and at most 1 (the exponent of the rate is 1/m)");
}

// factor * direction x normal in 5 symmetric and 3 skew components.
template <class Real>
void dyad(const System& system, double factor, Real* out) {
  const Vector3 &s = system.direction, &m = system.normal;
  const double root2 = std::sqrt(2.0), root6 = std::sqrt(6.0);
  const double c[8] = {(2 * s[2] * m[2] - s[0] * m[0] - s[1] * m[1]) / root6,
                       (s[0] * m[0] - s[1] * m[1]) / root2,
                       (s[0] * m[1] + s[1] * m[0]) / root2,
                       (s[1] * m[2] + s[2] * m[1]) / root2,
                       (s[0] * m[2] + s[2] * m[0]) / root2,
                       (s[0] * m[1] - s[1] * m[0]) / 2,
                       (s[1] * m[2] - s[2] * m[1]) / 2,
                       (s[0] * m[2] - s[2] * m[0]) / 2};
  for (int k = 0; k < 8; ++k) out[k] = static_cast<Real>(factor * c[k]);
}

template <class Real>
void fill_geometry(CrystalTable<Real>& table, const CrystalParameters& parameters) {
  const auto slips = slip_systems(parameters.c_over_a);
  const auto twins = twin_systems(parameters.c_over_a);
  for (std::size_t a = 0; a < slip_count; ++a) {
    double parent[8];
    dyad(slips[a], 1, parent);
    std::copy(parent, parent + 8, table.schmid[a]);
    for (std::size_t b = 0; b < twin_count; ++b) {
      double twinned[8];
      dyad(reflected(slips[a], twins[b].normal), 1, twinned);
      for (int k = 0; k < 8; ++k) table.reflected[b][a][k] = static_cast<Real>(twinned[k] - parent[k]);
    }
  }
  for (std::size_t b = 0; b < twin_count; ++b) dyad(twins[b], parameters.twin_shear, table.twin_schmid[b]);
}

}  // namespace

void check(const CrystalParameters& parameters) {
  const char* names[family_count] = {"basal", "prismatic", "pyramidal"};
  for (int k = 0; k < family_count; ++k) {
    const SlipFamily& f = family(parameters, k);
    const std::string name = names[k];
    expect_not_negative(name + " hardening", f.hardening);
    expect_not_negative(name + " saturation", f.saturation);
    expect_not_negative(name + " latent hardening", f.latent);
    expect_positive(name + " tau_0", f.stress);
    expect_sensitivity(name + " m", f.sensitivity);
    expect_positive(name + " reference rate", f.rate);
  }
  expect_not_negative("twin hardening", parameters.twin_hardening);
  expect_not_negative("twin coupling", parameters.twin_coupling);
  expect_positive("twin tau_0", parameters.twin_stress);
  expect_sensitivity("twin m", parameters.twin_sensitivity);
  expect_not_negative("twin reference rate", parameters.twin_rate);
  expect_positive("c/a", parameters.c_over_a);
  expect_not_negative("twin shear", parameters.twin_shear);
  expect_positive("lambda_e", parameters.lame);
  expect_positive("shear modulus", parameters.shear);
  expect_positive("strain_step", parameters.strain_step);
  expect(parameters.implicitness >= 0.5 && parameters.implicitness <= 1, "implicitness",
         parameters.implicitness, "between 0.5 and 1");
  expect_positive("tolerance", parameters.tolerance);
  expect(parameters.iterations_max >= 1, "iterations_max", parameters.iterations_max, "at least 1");
}

template <class Real>
void fill(CrystalTable<Real>& table, const CrystalParameters& parameters) {
  fill_geometry(table, parameters);
  const double g = parameters.shear;
  double stress_min = parameters.twin_stress;
  table.quadratic = parameters.twin_sensitivity == 0.5;
  for (int k = 0; k < family_count; ++k) {
    const SlipFamily& f = family(parameters, k);
    stress_min = std::min(stress_min, f.stress);
    table.quadratic = table.quadratic && f.sensitivity == 0.5;
    table.latent[k] = static_cast<Real>(f.latent / g);
    for (int a = family_begin[k]; a < family_begin[k + 1]; ++a) {
      table.stress[a] = static_cast<Real>(f.stress / g);
      table.rate[a] = static_cast<Real>(f.rate);
      table.power[a] = static_cast<Real>(1 / f.sensitivity);
      table.saturation[a] = static_cast<Real>(f.saturation / g);
      table.decay[a] = static_cast<Real>(f.saturation > 0 ? f.hardening / f.saturation : 0);
    }
  }
  table.twin_stress = static_cast<Real>(parameters.twin_stress / g);
  table.twin_rate = static_cast<Real>(parameters.twin_rate);
  table.twin_power = static_cast<Real>(1 / parameters.twin_sensitivity);
  table.twin_hardening = static_cast<Real>(parameters.twin_hardening / g);
  table.twin_coupling = static_cast<Real>(2 * parameters.twin_coupling / g);
  table.twin_reaction = static_cast<Real>(parameters.twin_shear * parameters.twin_shear / 2);
  table.shear = static_cast<Real>(g);
  table.bulk = static_cast<Real>(2 * parameters.lame);
  table.strain_step = static_cast<Real>(parameters.strain_step);
  table.implicitness = static_cast<Real>(parameters.implicitness);
  // The elastic metric is near one: rounding leaves some eps of it in the stress.
  const double floor = 16 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  table.tolerance = static_cast<Real>(std::max(parameters.tolerance * stress_min / g, floor));
  table.iterations_max = parameters.iterations_max;
}

template void fill<double>(CrystalTable<double>&, const CrystalParameters&);
template void fill<float>(CrystalTable<float>&, const CrystalParameters&);

}  // namespace pybridge
