#include "tangent/tangent.h"

#include <algorithm>
#include <vector>

#include "laws/tangent.h"

namespace pybridge {

namespace {

template <class Real>
Mat3<Real> matrix_of(const Real* block) {
  Mat3<Real> matrix;
  block_to_matrix(block, 1, matrix.m);
  return matrix;
}

// Size of a difference in U: the truncation, step / (strain over which a tangent changes, 1e-3), and the
// rounding, eps stress / (stiffness step), are then both below 1e-4 in double precision.
template <class Real>
constexpr Real difference = sizeof(Real) == 8 ? Real(3e-8) : Real(1e-3);

constexpr int points = 7;  // the point itself, and one for each component of U

// Memory of a thread for the seven points.
template <class Real>
struct Bundle {
  std::vector<Real> values;
  int status[points];

  Block<Real> block(const Block<Real>& point, int states) {
    const std::size_t per_point = static_cast<std::size_t>(6 * 5 + 3 + 2 * states);
    values.resize(per_point * points);
    Real* next = values.data();
    const auto take = [&next](int components) {
      Real* taken = next;
      next += components * points;
      return taken;
    };
    const auto repeat = [&take](const Real* from, int components) {
      Real* to = take(components);
      for (int c = 0; c < components; ++c) std::fill_n(to + c * points, points, from[c]);
      return to;
    };
    Block<Real> all = point;
    all.n = all.stride = points;
    all.strain_inc = repeat(point.strain_inc, 6);
    all.stretch_old = repeat(point.stretch_old, 6);
    all.stretch_new = repeat(point.stretch_new, 6);
    all.stress_old = repeat(point.stress_old, 6);
    all.temperature = repeat(point.temperature, 1);
    all.density = repeat(point.density, 1);
    all.state_old = repeat(point.state_old, states);
    all.stress_new = take(6);
    all.dissipation_inc = take(1);
    all.state_new = take(states);
    all.status = status;
    return all;
  }
};

// Point 1 + c of the bundle is stretched by `difference` along Mandel component c.
template <class Real>
void perturb(const Block<Real>& all, const Mat3<Real>& u_old, const Mat3<Real>& u_new, StrainIncrement from) {
  Real* stretch = const_cast<Real*>(all.stretch_new);
  Real* strain = const_cast<Real*>(all.strain_inc);
  for (int c = 0; c < 6; ++c) {
    Sym<Real> change{};
    change[c] = difference<Real>;
    const Mat3<Real> u = u_new + to_matrix(change);
    matrix_to_block(u.m, stretch + 1 + c, points);
    const Mat3<Real> increment =
        from == StrainIncrement::corotational ? corotational_strain_increment(u_old, u) : u - u_old;
    matrix_to_block(increment.m, strain + 1 + c, points);
  }
}

template <class Real>
Bundle<Real>& bundle() {
  thread_local Bundle<Real> memory;
  return memory;
}

}  // namespace

template <class Real>
void update_with_numerical_tangent(const Material<Real>& material, const Block<Real>& point,
                                   StrainIncrement from, Real* tangent) {
  const int states = state_size(material.state_schema());
  isotropic_tangent(material.elastic_moduli(), tangent, 1);
  const Block<Real> all = bundle<Real>().block(point, states);
  perturb(all, matrix_of(point.stretch_old), matrix_of(point.stretch_new), from);
  material.update(all);
  for (int c = 0; c < 6; ++c) point.stress_new[c] = all.stress_new[c * points];
  for (int c = 0; c < states; ++c) point.state_new[c] = all.state_new[c * points];
  point.dissipation_inc[0] = all.dissipation_inc[0];
  point.status[0] = all.status[0];
  constexpr int answered = static_cast<int>(Status::unreliable);
  if (all.status[0] > answered) return;
  Real base[6];
  block_to_mandel(all.stress_new, points, base);
  for (int column = 0; column < 6; ++column) {
    if (all.status[1 + column] > answered) continue;  // the virgin stiffness stays
    Real changed[6];
    block_to_mandel(all.stress_new + 1 + column, points, changed);
    for (int row = 0; row < 6; ++row)
      tangent[row * 6 + column] = (changed[row] - base[row]) / difference<Real>;
  }
}

template <class Real>
void update_with_stretch_tangent(const Material<Real>& material, const Block<Real>& point,
                                 StrainIncrement from, Real* tangent) {
  if (const auto* joint = dynamic_cast<const HasStretchTangent<Real>*>(&material)) {
    joint->update_with_tangent(point, tangent);
  } else if (const auto* law = dynamic_cast<const HasTangent<Real>*>(&material)) {
    material.update(point);
    if (from == StrainIncrement::difference) return law->tangent(point, tangent);
    Real by_strain[36], by_stretch[36];
    law->tangent(point, by_strain);
    strain_increment_by_stretch(matrix_of(point.stretch_old), matrix_of(point.stretch_new), by_stretch);
    multiply6(by_strain, by_stretch, tangent);
  } else {
    update_with_numerical_tangent(material, point, from, tangent);
  }
}

template void update_with_numerical_tangent<double>(const Material<double>&, const Block<double>&,
                                                    StrainIncrement, double*);
template void update_with_numerical_tangent<float>(const Material<float>&, const Block<float>&,
                                                   StrainIncrement, float*);
template void update_with_stretch_tangent<double>(const Material<double>&, const Block<double>&,
                                                  StrainIncrement, double*);
template void update_with_stretch_tangent<float>(const Material<float>&, const Block<float>&, StrainIncrement,
                                                 float*);

}  // namespace pybridge
