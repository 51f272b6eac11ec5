#include "packing/measures.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "packing/cell.h"

namespace pybridge {

namespace {

using Size = std::size_t;

struct Contact {
  Size pair;
  double d[3], n[3], force[3];  // branch, normal, force on the second grain
  double distance, overlap, least_radius;
  double normal_force, normal_stiffness, tangential_stiffness;
};

double volume_of(const Grains& grains, const PackingParameters& parameters, const PackingState& state) {
  return determinant(state.cell) * (grains.dim == 2 ? parameters.thickness / state.cell[8] : 1);
}

// Calls visit(contact) for every pair that touches, in the order of the list.
template <class Visit>
void each_contact(const Grains& grains, const PackingParameters& parameters, const PackingState& state,
                  Visit visit) {
  const Size n = static_cast<Size>(grains.count), dim = static_cast<Size>(grains.dim),
             pairs = state.first.size();
  for (Size p = 0; p < pairs; ++p) {
    const Size i = static_cast<Size>(state.first[p]), j = static_cast<Size>(state.second[p]);
    const int code = state.image[p];
    const double image[3] = {double(code / 9 - 1), double(code / 3 % 3 - 1), double(code % 3 - 1)};
    Contact c{};
    c.pair = p;
    for (Size k = 0; k < dim; ++k) {
      c.d[k] = state.position[j + n * k] - state.position[i + n * k];
      for (Size m = 0; m < dim; ++m) c.d[k] += state.cell[3 * k + m] * image[m];
    }
    c.distance = std::sqrt(c.d[0] * c.d[0] + c.d[1] * c.d[1] + c.d[2] * c.d[2]);
    c.overlap = grains.radius[i] + grains.radius[j] - c.distance;
    if (!(c.overlap > 0)) continue;
    c.least_radius = std::min(grains.radius[i], grains.radius[j]);
    const PairLaw law = pair_law(parameters, grains.radius[i], grains.radius[j]);
    if (parameters.law == ContactLaw::hertz) {
      const double root = std::sqrt(c.overlap);
      c.normal_force = law.normal * c.overlap * root;
      c.normal_stiffness = 1.5 * law.normal * root;
      c.tangential_stiffness = law.tangential * root;
    } else {
      c.normal_force = law.normal * c.overlap;
      c.normal_stiffness = law.normal;
      c.tangential_stiffness = law.tangential;
    }
    for (Size k = 0; k < dim; ++k) {
      c.n[k] = c.d[k] / c.distance;
      c.force[k] = c.normal_force * c.n[k];
    }
    if (dim == 2) {
      c.force[0] -= state.shear[p] * c.n[1];
      c.force[1] += state.shear[p] * c.n[0];
    } else {
      for (Size k = 0; k < 3; ++k) c.force[k] += state.shear[p + pairs * k];
    }
    visit(c);
  }
}

constexpr int pair_row[6] = {0, 1, 2, 0, 1, 0}, pair_column[6] = {0, 1, 2, 1, 2, 2};

// Symmetric part of a (x) b, six tensor components.
void symmetric_product(const double* a, const double* b, double out[6]) {
  for (int k = 0; k < 6; ++k)
    out[k] = 0.5 * (a[pair_row[k]] * b[pair_column[k]] + a[pair_column[k]] * b[pair_row[k]]);
}

double squared(const std::vector<double>& values, Size begin, Size pairs, Size components) {
  double sum = 0;
  for (Size k = 0; k < components; ++k) sum += values[begin + pairs * k] * values[begin + pairs * k];
  return sum;
}

}  // namespace

double PackingMeasures::pressure(int dim) const {
  return -(stress[0] + stress[4] + (dim == 3 ? stress[8] : 0)) / dim;
}

double PackingMeasures::asymmetry(int dim, double least_pressure) const {
  const double most = std::max(
      {std::abs(stress[1] - stress[3]), std::abs(stress[2] - stress[6]), std::abs(stress[5] - stress[7])});
  return most / std::max(pressure(dim), least_pressure);
}

PackingMeasures measure(const Grains& grains, const PackingParameters& parameters,
                        const PackingState& state) {
  PackingMeasures m{};
  const Size pairs = state.first.size(), turns = grains.dim == 2 ? 1 : 3;
  m.volume = volume_of(grains, parameters, state);
  int sliding = 0;
  each_contact(grains, parameters, state, [&](const Contact& c) {
    ++m.contacts;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        m.stress[3 * i + j] -= c.force[i] * c.d[j] / m.volume;
        m.fabric[3 * i + j] += c.n[i] * c.n[j];
      }
    m.overlap = std::max(m.overlap, c.overlap / c.least_radius);
    const double shear = squared(state.shear, c.pair, pairs, turns);
    const double share = parameters.law == ContactLaw::hertz ? 0.4 : 0.5;  // of force x overlap
    m.elastic += share * c.normal_force * c.overlap;
    if (shear > 0) m.elastic += 0.5 * shear / c.tangential_stiffness;
    if (std::sqrt(shear) >= (1 - 1e-9) * parameters.friction * c.normal_force && shear > 0) ++sliding;
  });
  for (double& f : m.fabric) f /= std::max(1, m.contacts);
  m.sliding = static_cast<double>(sliding) / std::max(1, m.contacts);
  m.coordination = 2.0 * m.contacts / grains.count;
  const double solid = grains.solid * (grains.dim == 2 ? parameters.thickness : 1);
  m.void_ratio = (m.volume - solid) / solid;
  const Size n = static_cast<Size>(grains.count), dim = static_cast<Size>(grains.dim);
  for (Size i = 0; i < n; ++i)
    m.kinetic += 0.5 * grains.mass[i] * squared(state.velocity, i, n, dim) +
                 0.5 * grains.inertia[i] * squared(state.spin, i, n, turns);
  return m;
}

void mean_stress(const Grains& grains, const PackingParameters& parameters, const PackingState& state,
                 double out[9]) {
  double sum[9] = {};
  each_contact(grains, parameters, state, [&](const Contact& c) {
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) sum[3 * i + j] -= c.force[i] * c.d[j];
  });
  for (int k = 0; k < 9; ++k) out[k] = sum[k] / volume_of(grains, parameters, state);
}

void contact_stiffness(const Grains& grains, const PackingParameters& parameters, const PackingState& state,
                       double out[36]) {
  std::fill(out, out + 36, 0.0);
  const double volume = volume_of(grains, parameters, state);
  each_contact(grains, parameters, state, [&](const Contact& c) {
    const double nd[3] = {c.n[0], c.n[1], c.n[2]};
    double product[3][6];
    double stiffness[3] = {c.normal_stiffness, c.tangential_stiffness, c.tangential_stiffness};
    symmetric_product(nd, c.d, product[0]);
    double t[3] = {-nd[1], nd[0], 0}, s[3] = {0, 0, 0};
    if (grains.dim == 3) {
      // Any tangent will do: the sum over both does not depend on it.
      const int least = std::abs(nd[0]) < std::abs(nd[1]) ? (std::abs(nd[0]) < std::abs(nd[2]) ? 0 : 2)
                                                          : (std::abs(nd[1]) < std::abs(nd[2]) ? 1 : 2);
      double e[3] = {0, 0, 0};
      e[least] = 1;
      t[0] = nd[1] * e[2] - nd[2] * e[1];
      t[1] = nd[2] * e[0] - nd[0] * e[2];
      t[2] = nd[0] * e[1] - nd[1] * e[0];
      const double size = std::sqrt(t[0] * t[0] + t[1] * t[1] + t[2] * t[2]);
      for (double& v : t) v /= size;
      s[0] = nd[1] * t[2] - nd[2] * t[1];
      s[1] = nd[2] * t[0] - nd[0] * t[2];
      s[2] = nd[0] * t[1] - nd[1] * t[0];
    }
    symmetric_product(t, c.d, product[1]);
    symmetric_product(s, c.d, product[2]);
    for (int a = 0; a < grains.dim; ++a)
      for (int i = 0; i < 6; ++i)
        for (int j = 0; j < 6; ++j) out[6 * i + j] += stiffness[a] * product[a][i] * product[a][j] / volume;
  });
}

double time_step(const Grains& grains, const PackingParameters& parameters, const PackingState& state) {
  double overlap = 0;
  if (parameters.law == ContactLaw::hertz)
    each_contact(grains, parameters, state,
                 [&](const Contact& c) { overlap = std::max(overlap, c.overlap); });
  double least = INFINITY;
  for (Size i = 0; i < grains.radius.size(); ++i) {
    const double r = grains.radius[i];
    const PairLaw law = pair_law(parameters, r, r);
    const double k = parameters.law == ContactLaw::linear
                         ? law.normal
                         : 1.5 * law.normal * std::sqrt(std::max(2 * overlap, 1e-4 * r));
    least = std::min(least, grains.mass[i] / k);
  }
  return parameters.step_factor * std::sqrt(least);
}

}  // namespace pybridge
