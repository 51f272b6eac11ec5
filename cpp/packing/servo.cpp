#include "packing/servo.h"

#include <algorithm>
#include <cmath>

namespace pybridge {

namespace {

// Mean modulus of the axes, Pa: of the contacts, or of a loosely touching packing where there are few.
double modulus_of(const PackingEngine& engine) {
  const Grains& g = engine.grains();
  const PackingParameters& p = engine.parameters();
  double d[36];
  contact_stiffness(g, p, engine.state(), d);
  const double mean = g.dim == 2 ? (d[0] + d[7]) / 2 : (d[0] + d[7] + d[14]) / 3;
  const double least = p.law == ContactLaw::hertz ? 0.01 * p.young
                       : g.dim == 2               ? 0.3 * p.young * g.radius_mean / p.thickness
                                                  : 0.1 * p.young;
  return std::max(mean, least);
}

double crossing_time(const PackingEngine& engine, double modulus) {
  const Grains& g = engine.grains();
  const PackingMeasures m = measure(g, engine.parameters(), engine.state());
  double mass = 0;
  for (double v : g.mass) mass += v;
  const double* cell = engine.state().cell;
  const double size = std::max({cell[0], cell[4], g.dim == 3 ? cell[8] : 0.0});
  return size * std::sqrt(mass / m.volume / modulus);
}

}  // namespace

ServoResult servo(PackingEngine& engine, const ServoControl& control, double dt, int steps,
                  ServoState& state) {
  const int dim = engine.grains().dim;
  const double modulus = modulus_of(engine), tau = 2 * crossing_time(engine, modulus);
  ServoResult result;
  for (int done = 0; done <= steps;) {
    double stress[9], gradient[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    mean_stress(engine.grains(), engine.parameters(), engine.state(), stress);
    const int next = std::min(control.interval, steps - done);
    result.error = 0;
    for (int k = 0; k < dim; ++k) {
      if (!control.stress_controlled[k]) {
        gradient[4 * k] = control.rate[k];
        continue;
      }
      // e > 0: not compressed enough (tension positive), the face moves inwards.
      const double e = stress[4 * k] - control.offset[k] - control.slope[k] * stress[4 * control.axis];
      result.error = std::max(result.error, std::abs(e));
      const double wanted = -(e / (modulus * tau) + state.integral[k]);
      gradient[4 * k] = std::clamp(wanted, -control.rate_max, control.rate_max);
      if (gradient[4 * k] == wanted) state.integral[k] += e / (4 * modulus * tau * tau) * next * dt;
    }
    constexpr int row[3] = {0, 1, 0}, column[3] = {1, 2, 2};
    for (int k = 0; control.shear_free && k < (dim == 2 ? 1 : 3); ++k) {
      const int ij = 3 * row[k] + column[k], ji = 3 * column[k] + row[k];
      const double e = 0.5 * (stress[ij] + stress[ji]);
      result.error = std::max(result.error, std::abs(e));
      const double wanted = -(e / (modulus * tau) + state.integral[3 + k]);
      gradient[ij] = gradient[ji] = std::clamp(wanted, -control.rate_max, control.rate_max);
      if (gradient[ij] == wanted) state.integral[3 + k] += e / (4 * modulus * tau * tau) * next * dt;
    }
    if (next == 0) break;
    result.fault = engine.drive(gradient, dt, next);
    if (result.fault != PackingFault::none) return result;
    done += next;
  }
  return result;
}

}  // namespace pybridge
