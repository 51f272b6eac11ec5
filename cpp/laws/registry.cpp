#include "core/registry.h"

#include "crystal/taylor_crystal.h"
#include "laws/makers.h"

namespace pybridge {

namespace {

// Index of the law whose name is `name` or a prefix of it followed by '_' or '-'; -1 if none. No law's name
// is such a prefix of another's.
int find_law(const std::string& name) {
  const auto& laws = built_in_laws();
  for (std::size_t k = 0; k < laws.size(); ++k) {
    const std::string& law = laws[k].name;
    if (name.compare(0, law.size(), law) != 0) continue;
    if (name.size() == law.size() || name[law.size()] == '_' || name[law.size()] == '-')
      return static_cast<int>(k);
  }
  return -1;
}

}  // namespace

const std::vector<LawDescription>& built_in_laws() {
  static const std::vector<LawDescription> laws = {
      {"PYBRIDGE_ELASTIC", "linear isotropic elasticity", "Young's modulus (stress), Poisson's ratio (1)"},
      {"PYBRIDGE_J2", "von Mises plasticity, isotropic hardening: perfect, linear or tabulated",
       "Young's modulus (stress), Poisson's ratio (1), then one or more pairs: yield stress (stress), "
       "plastic strain "
       "(1, from 0 upwards)"},
      {"PYBRIDGE_JOHNSON_COOK", "Johnson-Cook plasticity with strain rate and adiabatic heating",
       "Young's modulus (stress), Poisson's ratio (1), A (stress), B (stress), n (1), m (1), T_melt (K), "
       "T_transition "
       "(K), C (1), rate_0 (1/time), specific heat (energy per mass and K, 0: isothermal), inelastic heat "
       "fraction "
       "(0..1); for UMAT, which is not told it, also the density of the virgin material (mass per volume)"},
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
  if (law == "PYBRIDGE_ELASTIC") return make_elastic<Real>(constants);
  if (law == "PYBRIDGE_J2") return make_j2<Real>(constants);
  if (law == "PYBRIDGE_JOHNSON_COOK") return make_johnson_cook<Real>(constants);
  if (law == "PYBRIDGE_TAYLOR_CRYSTAL") return make_taylor_crystal<Real>(constants);
  throw Error("law \"" + law + "\" is listed but has no maker");
}

template std::unique_ptr<const Material<double>> make_law<double>(const std::string&,
                                                                  const std::vector<double>&);
template std::unique_ptr<const Material<float>> make_law<float>(const std::string&,
                                                                const std::vector<double>&);

}  // namespace pybridge
