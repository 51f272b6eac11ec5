#include "packing/grains.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "core/status.h"

namespace pybridge {

namespace {

constexpr double pi = 3.14159265358979323846;

void require(bool holds, const char* name, double value, const char* expected) {
  if (holds && std::isfinite(value)) return;
  std::ostringstream text;
  text << "packing: " << name << " is " << value << ", expected " << expected;
  throw Error(text.str());
}

}  // namespace

void check(const PackingParameters& p) {
  require(p.young > 0, "young (Pa)", p.young, "> 0");
  require(p.ratio >= 0, "ratio (kt / kn)", p.ratio, ">= 0");
  require(p.poisson >= 0 && p.poisson < 0.5, "poisson", p.poisson, "0 <= nu < 0.5");
  require(p.friction >= 0, "friction (coefficient)", p.friction, ">= 0");
  require(p.rolling_stiffness >= 0, "rolling_stiffness", p.rolling_stiffness, ">= 0");
  require(p.rolling_friction >= 0, "rolling_friction", p.rolling_friction, ">= 0");
  require(p.density > 0, "density (kg/m3)", p.density, "> 0");
  require(p.damping >= 0 && p.damping < 1, "damping", p.damping, "0 <= damping < 1");
  require(p.thickness > 0, "thickness (m)", p.thickness, "> 0");
  require(p.step_factor > 0 && p.step_factor <= 1, "step_factor", p.step_factor, "0 < factor <= 1");
  require(p.skin > 0 && p.skin <= 1, "skin", p.skin, "0 < skin <= 1");
}

Grains::Grains(int dimension, std::vector<double> radii, const PackingParameters& parameters)
    : dim(dimension), count(static_cast<int>(radii.size())), radius(std::move(radii)) {
  check(parameters);
  if (dim != 2 && dim != 3)
    throw Error("packing: dimension is " + std::to_string(dim) + ", expected 2 (disks) or 3 (spheres)");
  if (radius.size() < 2 || radius.size() > 1000000)
    throw Error("packing: " + std::to_string(radius.size()) + " grains, expected 2 to 1,000,000");
  radius_min = radius_max = radius[0];
  for (double r : radius) {
    require(r > 0, "a radius (m)", r, "> 0");
    const double area = pi * r * r, volume = 4.0 / 3 * area * r;
    const double m = parameters.density * (dim == 2 ? area * parameters.thickness : volume);
    mass.push_back(m);
    inertia.push_back((dim == 2 ? 0.5 : 0.4) * m * r * r);
    inverse_mass.push_back(1 / m);
    inverse_inertia.push_back(1 / inertia.back());
    solid += dim == 2 ? area : volume;
    radius_mean += r / static_cast<double>(count);
    radius_max = std::max(radius_max, r);
    radius_min = std::min(radius_min, r);
  }
  require(radius_max <= 20 * radius_min, "the ratio of largest to smallest radius", radius_max / radius_min,
          "<= 20");
}

PairLaw pair_law(const PackingParameters& p, double r1, double r2) {
  const double reduced = r1 * r2 / (r1 + r2);
  if (p.law == ContactLaw::linear) {
    const double normal = 2 * p.young * reduced;
    return {normal, p.ratio * normal};
  }
  const double modulus = p.young / (2 * (1 - p.poisson * p.poisson));
  const double shear = p.young / (4 * (1 + p.poisson) * (2 - p.poisson));
  return {4.0 / 3 * modulus * std::sqrt(reduced), 8 * shear * std::sqrt(reduced)};
}

}  // namespace pybridge
