#include "laws/makers.h"

#include <cmath>
#include <sstream>
#include <string>

#include "laws/elastic.h"
#include "laws/j2.h"
#include "laws/johnson_cook.h"

namespace pybridge {

namespace {

// A list of constants under its law's name; errors name the constant, its value and what it should be.
class Constants {
 public:
  Constants(std::string law, const std::vector<double>& values) : law_(std::move(law)), values_(values) {}

  [[noreturn]] void fail(const std::string& message) const { throw Error(law_ + ": " + message); }

  std::size_t size() const { return values_.size(); }

  template <class Real>
  void expect_numbers() const {
    for (std::size_t k = 0; k < values_.size(); ++k)
      if (!std::isfinite(static_cast<Real>(values_[k])))
        fail("constant " + std::to_string(k + 1) + " is " + text(values_[k]) +
             ", expected a finite number that the precision can hold");
  }

  // Constant `index`, where `holds` is what is asked of it.
  double at(std::size_t index) const { return values_[index]; }
  void check(std::size_t index, bool holds, const std::string& name, const std::string& expected) const {
    if (!holds)
      fail("constant " + std::to_string(index + 1) + ", " + name + ", is " + text(values_[index]) +
           ", expected " + expected);
  }

  ElasticModuli moduli() const {
    const double young = at(0), poisson = at(1);
    check(0, young > 0, "Young's modulus (stress)", "> 0");
    check(1, poisson > -1 && poisson < 0.5, "Poisson's ratio", "between -1 and 0.5, both excluded");
    return {young / (3 * (1 - 2 * poisson)), young / (2 * (1 + poisson))};
  }

  static std::string text(double value) {
    std::ostringstream stream;
    stream.precision(10);
    stream << value;
    return stream.str();
  }

 private:
  std::string law_;
  const std::vector<double>& values_;
};

void check_table(const Constants& constants, const ElasticModuli& moduli) {
  for (std::size_t k = 2; k < constants.size(); k += 2) {
    constants.check(k, constants.at(k) > 0, "yield stress", "> 0");
    if (k == 2) {
      constants.check(3, constants.at(3) == 0, "plastic strain of the first pair", "0");
      continue;
    }
    const double strain = constants.at(k + 1) - constants.at(k - 1);
    constants.check(k + 1, strain > 0, "plastic strain",
                    "more than the pair before it (" + Constants::text(constants.at(k - 1)) + ")");
    const double slope = (constants.at(k) - constants.at(k - 2)) / strain;
    constants.check(k, 3 * moduli.shear + slope > 0, "yield stress",
                    "a softening slope above -3 G = " + Constants::text(-3 * moduli.shear) + ", got " +
                        Constants::text(slope));
  }
}

JohnsonCookParameters johnson_cook_parameters(const Constants& c) {
  c.check(2, c.at(2) > 0, "A (stress)", "> 0");
  c.check(3, c.at(3) >= 0, "B (stress)", ">= 0");
  c.check(4, c.at(4) > 0 || (c.at(3) == 0 && c.at(4) == 0), "n", "> 0");
  c.check(5, c.at(5) > 0, "m", "> 0");
  c.check(6, c.at(6) > c.at(7), "T_melt (K)", "more than T_transition, " + Constants::text(c.at(7)));
  c.check(8, c.at(8) >= 0, "C", ">= 0");
  c.check(9, c.at(9) > 0 || (c.at(8) == 0 && c.at(9) == 0), "rate_0 (1/time)", "> 0");
  c.check(10, c.at(10) >= 0, "specific heat (energy per mass and K)", ">= 0, 0 for isothermal");
  c.check(11, c.at(11) >= 0 && c.at(11) <= 1, "inelastic heat fraction", "between 0 and 1");
  const double density = c.size() == 13 ? c.at(12) : 0;
  if (c.size() == 13) c.check(12, density > 0, "density of the virgin material (mass per volume)", "> 0");
  return {c.at(2), c.at(3), c.at(4),  c.at(5),  c.at(6), c.at(7),
          c.at(8), c.at(9), c.at(10), c.at(11), density};
}

}  // namespace

template <class Real>
LawPointer<Real> make_elastic(const std::vector<double>& values) {
  const Constants constants("PYBRIDGE_ELASTIC", values);
  if (values.size() != 2)
    constants.fail("expected 2 constants (Young's modulus, Poisson's ratio), got " +
                   std::to_string(values.size()));
  constants.expect_numbers<Real>();
  return std::make_unique<Elastic<Real>>(constants.moduli());
}

template <class Real>
LawPointer<Real> make_j2(const std::vector<double>& values) {
  const Constants constants("PYBRIDGE_J2", values);
  if (values.size() < 4 || values.size() % 2 != 0)
    constants.fail(
        "expected an even number of constants, 4 or more (Young's modulus, Poisson's ratio, then pairs of "
        "yield "
        "stress and plastic strain), got " +
        std::to_string(values.size()));
  constants.expect_numbers<Real>();
  const ElasticModuli moduli = constants.moduli();
  check_table(constants, moduli);
  std::vector<Real> stress, strain;
  for (std::size_t k = 2; k < values.size(); k += 2) {
    stress.push_back(static_cast<Real>(values[k]));
    strain.push_back(static_cast<Real>(values[k + 1]));
    if (k > 2 && !(strain[strain.size() - 1] > strain[strain.size() - 2]))
      constants.fail("the plastic strains " + Constants::text(values[k - 1]) + " and " +
                     Constants::text(values[k + 1]) +
                     " are the same number in this precision: drop one pair");
  }
  return std::make_unique<J2<Real>>(moduli, HardeningTable<Real>(std::move(stress), std::move(strain)));
}

template <class Real>
LawPointer<Real> make_johnson_cook(const std::vector<double>& values) {
  const Constants constants("PYBRIDGE_JOHNSON_COOK", values);
  if (values.size() != 12 && values.size() != 13)
    constants.fail(
        "expected 12 constants (Young's modulus, Poisson's ratio, A, B, n, m, T_melt, T_transition, C, "
        "rate_0, "
        "specific heat, inelastic heat fraction) or 13 (density, for UMAT), got " +
        std::to_string(values.size()));
  constants.expect_numbers<Real>();
  const ElasticModuli moduli = constants.moduli();
  return std::make_unique<JohnsonCook<Real>>(moduli, johnson_cook_parameters(constants));
}

template LawPointer<double> make_elastic<double>(const std::vector<double>&);
template LawPointer<float> make_elastic<float>(const std::vector<double>&);
template LawPointer<double> make_j2<double>(const std::vector<double>&);
template LawPointer<float> make_j2<float>(const std::vector<double>&);
template LawPointer<double> make_johnson_cook<double>(const std::vector<double>&);
template LawPointer<float> make_johnson_cook<float>(const std::vector<double>&);

}  // namespace pybridge
