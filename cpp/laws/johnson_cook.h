// Johnson and Cook's plasticity with strain rate and adiabatic heating, in rate form in the frame of R.
//
// Flow stress and its solution: laws/johnson_cook_flow.h. State: equivalent plastic strain p, its rate in the
// step, and the temperature rise by plastic work. Temperature: the host's, or T_transition where the host
// passes exactly 0, plus the rise. Dissipation: dp (q_start + q_new) / 2, of which the inelastic heat
// fraction heats. A step without duration (dt = 0) is answered rate-independently.
#pragma once

#include "laws/johnson_cook_flow.h"
#include "laws/radial_return.h"
#include "laws/tangent.h"

namespace pybridge {

struct JohnsonCookParameters {
  double a, b, n, m;            // Pa, Pa, 1, 1
  double t_melt, t_transition;  // K
  double c, rate_0;             // 1, 1/s
  double specific_heat;         // J/(kg K); 0: isothermal
  double heat_fraction;         // share of the plastic work that heats, 0..1
  double density = 0;           // kg/m3 of the virgin material, for hosts that pass none (UMAT); 0: not given
};

template <class Real>
class JohnsonCook final : public Material<Real>, public HasTangent<Real> {
 public:
  JohnsonCook(ElasticModuli moduli, const JohnsonCookParameters& parameters);
  const StateSchema& state_schema() const override { return schema_; }
  ElasticModuli elastic_moduli() const override { return moduli_; }
  void update(const Block<Real>& block) const noexcept override;
  void tangent(const Block<Real>& block, Real* tangent) const noexcept override;
  bool is_adiabatic() const { return flow_.heat_per_volume > 0; }
  double virgin_density() const { return density_; }
  // How often update() evaluates the flow stress at each point, what its cost hangs on; 0 where it is
  // elastic.
  void evaluations(const Block<Real>& block, int* count) const noexcept;

 private:
  Real reciprocal_rate_strain(double dt) const;
  bool begin(const Block<Real>& block, int point, Trial<Real>& trial, JohnsonCookStep<Real>& step) const;
  Real solve(const Block<Real>& block, int point, JohnsonCookStep<Real>& step, int& evaluations) const;

  ElasticModuli moduli_;
  double density_;
  IsotropicModuli<Real> constants_;
  JohnsonCookConstants<Real> flow_;
  StateSchema schema_{
      {"equivalent_plastic_strain", 1, "1",
       "accumulated equivalent plastic strain, integral of sqrt(2/3)|dep|"},
      {"equivalent_plastic_strain_rate", 1, "1/s", "its rate in the last increment"},
      {"temperature_rise", 1, "K", "temperature rise by plastic work since the virgin state"}};
};

}  // namespace pybridge
