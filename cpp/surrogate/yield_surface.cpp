#include "surrogate/yield_surface.h"

#include <cmath>

#include "core/isa.h"
#include "surrogate/points.h"

namespace pybridge {

namespace {

int count_from(const ModelFile& file, const std::string& name, int most) {
  return file.whole_number(file.card["yield_surface"][name.c_str()], "yield_surface." + name, 1, most);
}

template <class Real>
std::vector<Real> narrowed(const std::vector<double>& values) {
  return std::vector<Real>(values.begin(), values.end());
}

// [out, in] -> [out / 4][in][4], rows filled up with zeros.
template <class Real>
std::vector<Real> packed(const std::vector<double>& weight, int in, int out) {
  const int panels = (out + yield_rows - 1) / yield_rows;
  std::vector<Real> result(static_cast<std::size_t>(panels) * yield_rows * in);
  for (int o = 0; o < out; ++o)
    for (int i = 0; i < in; ++i)
      result[(static_cast<std::size_t>(o / yield_rows) * in + i) * yield_rows + o % yield_rows] =
          static_cast<Real>(weight[static_cast<std::size_t>(o) * in + i]);
  return result;
}

}  // namespace

template <class Real>
YieldSurface<Real>::YieldSurface(const ModelFile& file) : FileMaterial<Real>(file) {
  active_isa();  // a wrong PYBRIDGE_ISA is an Error here, not inside a call
  read_shape(file);
  const YieldShape& shape = table_.shape;
  file.expect_state_schema({{"inelastic_metric", 6, "", ""},
                            {"hidden", table_.shape.states(), "", ""},
                            {"equivalent_plastic_strain", 1, "", ""},
                            {"plastic_work", 1, "", ""},
                            {"unreliable", 1, "", ""}});
  read_layer(file, 0, shape.inputs(), shape.width);
  read_layer(file, 1, shape.width, shape.width);
  read_layer(file, 2, shape.width, shape.outputs());
  skip_ = narrowed<Real>(file.tensor("skip", {shape.scalars}).values);
  speed_ = narrowed<Real>(file.tensor("speed", {shape.states()}).values);
  for (const Real speed : speed_)
    if (!(speed > 0)) file.refuse("tensor speed: expected positive numbers");
  hidden_bound_ = narrowed<Real>(file.tensor("hidden_bound", {shape.states()}).values);
  for (const Real bound : hidden_bound_)
    if (!(bound > 0)) file.refuse("tensor hidden_bound: expected positive numbers");
  read_elasticity(file);
  pressure_ = narrowed<Real>(file.tensor("pressure_coefficients", {0}).values);
  const std::vector<double>& scales = file.tensor("scales", {8}).values;
  for (const double scale : scales)
    if (!(scale > 0)) file.refuse("tensor scales: expected eight positive numbers");
  table_.skip = skip_.data();
  table_.speed = speed_.data();
  table_.hidden_bound = hidden_bound_.data();
  table_.pressure = pressure_.data();
  table_.pressure_count = static_cast<int>(pressure_.size());
  table_.strain_scale = static_cast<Real>(scales[0]);
  table_.time_scale = scales[1];
  table_.radius_floor = static_cast<Real>(scales[2]);
  table_.inverse_piece = static_cast<Real>(1 / scales[3]);
  table_.ahead = static_cast<Real>(scales[4]);
  table_.rest_rate = static_cast<Real>(scales[5]);
  table_.rate_floor = static_cast<Real>(scales[6]);
  table_.radius_most = static_cast<Real>(scales[7]);
  table_.shear = static_cast<Real>(2 * moduli_.shear * scales[0]);
  table_.least_work = static_cast<Real>(-0.01 * moduli_.shear * scales[0] * scales[0]);
  table_.strain_max = static_cast<Real>(domain_.strain_max);
  table_.rate_max = static_cast<Real>(domain_.rate_max);
}

template <class Real>
void YieldSurface<Real>::read_shape(const ModelFile& file) {
  YieldShape& shape = table_.shape;
  shape.backstresses = count_from(file, "backstresses", yield_states_max / 5);
  shape.scalars = count_from(file, "scalars", yield_states_max);
  shape.substeps = count_from(file, "substeps", yield_substeps_max);
  if (shape.states() > yield_states_max)
    file.refuse("card.json: at most " + std::to_string(yield_states_max) + " hidden states, got " +
                std::to_string(shape.states()));
  shape.width = file.tensor("layer0.weight", {0, shape.inputs()}).shape[0];
  if (shape.width > yield_width_max)
    file.refuse("tensor layer0.weight: at most " + std::to_string(yield_width_max) + " rows, got " +
                std::to_string(shape.width));
}

// A and g (yield_surface_kernel.h); isotropic ones are left out of the arithmetic.
template <class Real>
void YieldSurface<Real>::read_elasticity(const ModelFile& file) {
  const std::vector<double>& values = file.tensor("elasticity", {6, 5}).values;
  bool isotropic = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) file.refuse("tensor elasticity: expected finite numbers");
    isotropic = isotropic && values[i] == (i % 6 == 0 && i < 25 ? 1.0 : 0.0);
  }
  elasticity_ = narrowed<Real>(values);
  table_.elasticity = isotropic ? nullptr : elasticity_.data();
}

template <class Real>
void YieldSurface<Real>::read_layer(const ModelFile& file, int index, int in, int out) {
  const std::string name = "layer" + std::to_string(index);
  const Json& layers = file.card["network"];
  const bool listed = layers.is(Json::Type::list) && layers.list().size() == 3;
  const char* expected = index < 2 ? "algebraic_silu" : "linear";
  if (!listed || layers.list()[static_cast<std::size_t>(index)]["activation"].text() != expected)
    file.refuse(
        "card.json: \"network\" must list three layers: algebraic_silu, algebraic_silu, "
        "linear");
  const std::size_t at = static_cast<std::size_t>(index);
  weights_[at] = packed<Real>(file.tensor(name + ".weight", {out, in}).values, in, out);
  biases_[at] = packed<Real>(file.tensor(name + ".bias", {out}).values, 1, out);
  table_.weight[at] = weights_[at].data();
  table_.bias[at] = biases_[at].data();
}

template <class Real>
void YieldSurface<Real>::update(const Block<Real>& block) const noexcept {
  const YieldBlock<Real> plain{
      block.n,         block.stride,     block.dt,        block.stretch_old,     block.stretch_new,
      block.state_old, block.stress_new, block.state_new, block.dissipation_inc, block.status};
  const bool fine = block.dt >= 0;
  static const Isa isa = active_isa();
  if (fine) switch (isa) {
      case Isa::avx512:
        isa_avx512::update_yield_surface(table_, plain);
        break;
      case Isa::avx2:
        isa_avx2::update_yield_surface(table_, plain);
        break;
      default:
        isa_baseline::update_yield_surface(table_, plain);
    }
  for (int i = 0; i < block.n; ++i)
    if (!fine || block.status[i] > static_cast<int>(Status::unreliable))
      keep_old(block, state_size(schema_), i,
               fine ? static_cast<Status>(block.status[i]) : Status::failed_fatal);
}

namespace {

void point_with_tangent(const YieldTable<double>& table, const YieldBlock<double>& point,
                        double* by_component) {
  switch (active_isa()) {
    case Isa::avx512:
      return isa_avx512::yield_surface_tangent(table, point, by_component);
    case Isa::avx2:
      return isa_avx2::yield_surface_tangent(table, point, by_component);
    default:
      return isa_baseline::yield_surface_tangent(table, point, by_component);
  }
}

}  // namespace

template <>
void YieldSurface<float>::update_with_tangent(const Block<float>& block, float* tangent) const noexcept {
  update(block);
  for (int i = 0; i < block.n; ++i) isotropic_tangent(moduli_, tangent + i, block.stride);
}

template <>
void YieldSurface<double>::update_with_tangent(const Block<double>& block, double* tangent) const noexcept {
  constexpr int states_most = yield_states_max + 9;
  const int s = block.stride, states = state_size(schema_);
  double stretch_old[6], stretch_new[6], stress[6], state_old[states_most], state_new[states_most];
  double by_component[36];
  for (int i = 0; i < block.n; ++i) {
    const auto gather = [s, i](const double* from, int count, double* to) {
      for (int c = 0; c < count; ++c) to[c] = from[i + c * s];
    };
    gather(block.stretch_old, 6, stretch_old);
    gather(block.stretch_new, 6, stretch_new);
    gather(block.state_old, states, state_old);
    const YieldBlock<double> point{1,
                                   1,
                                   block.dt,
                                   stretch_old,
                                   stretch_new,
                                   state_old,
                                   stress,
                                   state_new,
                                   block.dissipation_inc + i,
                                   block.status + i};
    if (block.dt >= 0) point_with_tangent(table_, point, by_component);
    const bool fine = block.dt >= 0;
    if (!fine || block.status[i] > static_cast<int>(Status::unreliable)) {
      keep_old(block, states, i, fine ? static_cast<Status>(block.status[i]) : Status::failed_fatal);
      isotropic_tangent(moduli_, tangent + i, s);
      continue;
    }
    for (int c = 0; c < 6; ++c) block.stress_new[i + c * s] = stress[c];
    for (int c = 0; c < states; ++c) block.state_new[i + c * s] = state_new[c];
    component_tangent_to_mandel(by_component, tangent + i, s);
  }
}

template class YieldSurface<double>;
template class YieldSurface<float>;

}  // namespace pybridge
