#include "core/registry.h"

#include <cmath>

#include "crystal/taylor_crystal.h"
#include "laws/elastic.h"

namespace pybridge {

namespace {

void expect_constants(const std::string& law, const std::vector<double>& constants, std::size_t expected,
                      const char* names) {
  if (constants.size() != expected)
    throw Error(law + ": expected " + std::to_string(expected) + " constants (" + names + "), got " +
                std::to_string(constants.size()));
  for (std::size_t k = 0; k < constants.size(); ++k)
    if (!std::isfinite(constants[k]))
      throw Error(law + ": constant " + std::to_string(k + 1) + " is not a finite number");
}

ElasticModuli moduli_from(const std::string& law, double young, double poisson) {
  if (!(young > 0)) throw Error(law + ": Young's modulus must be positive, got " + std::to_string(young));
  if (!(poisson > -1 && poisson < 0.5))
    throw Error(law + ": Poisson's ratio must be between -1 and 0.5, got " + std::to_string(poisson));
  return {young / (3 * (1 - 2 * poisson)), young / (2 * (1 + poisson))};
}

template <class Real>
std::unique_ptr<const Material<Real>> make_elastic(const std::string& law,
                                                   const std::vector<double>& constants) {
  expect_constants(law, constants, 2, "Young's modulus, Poisson's ratio");
  return std::make_unique<Elastic<Real>>(moduli_from(law, constants[0], constants[1]));
}

// Index of the law whose name is `name` or a prefix of it followed by '_' or '-'; the longest wins; -1 if
// none.
int find_law(const std::string& name) {
  const auto& laws = built_in_laws();
  int best = -1;
  for (std::size_t k = 0; k < laws.size(); ++k) {
    const std::string& law = laws[k].name;
    const bool fits = name.compare(0, law.size(), law) == 0 &&
                      (name.size() == law.size() || name[law.size()] == '_' || name[law.size()] == '-');
    if (fits && (best < 0 || law.size() > laws[static_cast<std::size_t>(best)].name.size()))
      best = static_cast<int>(k);
  }
  return best;
}

}  // namespace

const std::vector<LawDescription>& built_in_laws() {
  static const std::vector<LawDescription> laws = {
      {"PYBRIDGE_ELASTIC", "linear isotropic elasticity", "Young's modulus (stress), Poisson's ratio (1)"},
      {"PYBRIDGE_TAYLOR_CRYSTAL", "magnesium polycrystal with slip and twinning, Taylor assumption, SI units",
       "all optional: number of grains (128), seed (0), tau_0 of basal, prismatic, pyramidal slip and of "
       "twins (Pa)"},
  };
  return laws;
}

bool is_built_in_law(const std::string& name) { return find_law(name) >= 0; }

template <class Real>
std::unique_ptr<const Material<Real>> make_law(const std::string& name,
                                               const std::vector<double>& constants) {
  const int index = find_law(name);
  if (index < 0) {
    std::string known;
    for (const LawDescription& law : built_in_laws()) known += (known.empty() ? "" : ", ") + law.name;
    throw Error("unknown law \"" + name + "\"; the built-in laws are " + known);
  }
  const std::string& law = built_in_laws()[static_cast<std::size_t>(index)].name;
  if (law == "PYBRIDGE_ELASTIC") return make_elastic<Real>(law, constants);
  if (law == "PYBRIDGE_TAYLOR_CRYSTAL") return make_taylor_crystal<Real>(constants);
  throw Error("law \"" + law + "\" is listed but has no maker");
}

template std::unique_ptr<const Material<double>> make_law<double>(const std::string&,
                                                                  const std::vector<double>&);
template std::unique_ptr<const Material<float>> make_law<float>(const std::string&,
                                                                const std::vector<double>&);

}  // namespace pybridge
