#include "surrogate/pca_dnn.h"

#include <algorithm>
#include <cmath>

#include "network/scratch.h"
#include "surrogate/accumulate.h"
#include "surrogate/points.h"

namespace pybridge {

namespace {

constexpr double horizon_slack = 1e-9;  // of the horizon: hosts add up time steps

void check_time(const ModelFile& file, const std::vector<double>& time) {
  bool rising = time.size() >= 2 && time[0] == 0;
  for (std::size_t i = 1; i < time.size(); ++i) rising = rising && time[i] > time[i - 1];
  if (!rising) file.refuse("tensor time: expected at least two values rising from 0");
}

int modes_of(const ModelFile& file, const char* name, const Tensor& tensor) {
  if (tensor.shape[0] % 6 != 0)
    file.refuse(std::string("tensor ") + name + ": expected 6 x modes rows, got " +
                std::to_string(tensor.shape[0]));
  return tensor.shape[0] / 6;
}

// Rows of a row-major matrix, each times its factor.
std::vector<double> scaled(std::vector<double> values, const std::vector<double>& factors) {
  const std::size_t columns = values.size() / factors.size();
  for (std::size_t k = 0; k < values.size(); ++k) values[k] *= factors[k / columns];
  return values;
}

}  // namespace

std::vector<DenseLayer> layers_from(const ModelFile& file) {
  const Json& entries = file.card["network"];
  if (!entries.is(Json::Type::list) || entries.list().empty())
    file.refuse("card.json: \"network\" must list at least one layer");
  std::vector<DenseLayer> layers;
  for (const Json& entry : entries.list()) {
    const std::string prefix = "layer" + std::to_string(layers.size());
    const Tensor& weight = file.tensor(prefix + ".weight", {0, 0});
    const Tensor& bias = file.tensor(prefix + ".bias", {weight.shape[0]});
    if (!entry["activation"].is(Json::Type::text) || entry["in"].number() != weight.shape[1] ||
        entry["out"].number() != weight.shape[0])
      file.refuse("card.json: \"network\" does not fit the tensors of " + prefix);
    layers.push_back({weight.shape[1], weight.shape[0], activation_from_name(entry["activation"].text()),
                      weight.values, bias.values});
  }
  return layers;
}

template <class Real>
struct PcaDnn<Real>::Step {
  const double* weight;  // [6 modes_in] mean of Phi / T over the increment
  const double* basis;   // [6 modes_out] psi * output_scale at the end of the increment
};

template <class Real>
PcaDnn<Real>::PcaDnn(const ModelFile& file) : FileMaterial<Real>(file), network_(layers_from(file)) {
  const std::vector<double>& time = file.tensor("time", {0}).values;
  check_time(file, time);
  horizon_ = time.back();
  domain_.time_max = std::min(domain_.time_max, horizon_);
  const int nodes = static_cast<int>(time.size());
  const Tensor& primitive = file.tensor("input_primitive", {0, nodes});
  const Tensor& basis = file.tensor("output_basis", {0, nodes});
  modes_in_ = modes_of(file, "input_primitive", primitive);
  modes_out_ = modes_of(file, "output_basis", basis);
  const int in = 6 * modes_in_, out = 6 * modes_out_;
  if (network_.inputs() != in || network_.outputs() != out)
    file.refuse("the network maps " + std::to_string(network_.inputs()) + " to " +
                std::to_string(network_.outputs()) + " numbers, the bases need " + std::to_string(in) +
                " to " + std::to_string(out));
  file.expect_state_schema({{"pca_coefficient", in, "", ""}, {"unreliable", 1, "", ""}});
  const std::vector<double>& output_scale = file.tensor("output_scale", {out}).values;
  input_ =
      TimeTable(time, scaled(primitive.values, std::vector<double>(primitive.shape[0], 1 / horizon_)), in);
  output_ = TimeTable(time, scaled(basis.values, output_scale), out);
  if (file.find("pressure_coefficients") != nullptr)
    pressure_ = file.tensor("pressure_coefficients", {0}).values;
  const std::vector<double>& mean = file.tensor("input_mean", {in}).values;
  const std::vector<double>& scale = file.tensor("input_scale", {in}).values;
  std::vector<Real> x_zero(static_cast<std::size_t>(in));
  for (std::size_t r = 0; r < x_zero.size(); ++r) {
    if (!(scale[r] > 0)) file.refuse("tensor input_scale: expected positive numbers");
    mean_.push_back(static_cast<Real>(mean[r]));
    inverse_scale_.push_back(static_cast<Real>(1 / scale[r]));
    x_zero[r] = (Real(0) - mean_[r]) * inverse_scale_[r];
  }
  net_zero_.resize(static_cast<std::size_t>(out));
  network_.forward(1, x_zero.data(), 1, net_zero_.data(), 1);
}

template <class Real>
bool PcaDnn<Real>::inside_horizon(const Block<Real>& block) const {
  return block.time_old >= 0 && block.dt >= 0 && block.time_old + block.dt <= horizon_ * (1 + horizon_slack);
}

template <class Real>
typename PcaDnn<Real>::Step PcaDnn<Real>::prepare(const Block<Real>& block) const {
  const std::size_t in = static_cast<std::size_t>(6 * modes_in_),
                    out = static_cast<std::size_t>(6 * modes_out_);
  double* table = thread_scratch<double>(ScratchSlot::table, in + out);
  const double end = std::min(block.time_old + block.dt, horizon_);
  input_.mean(std::min(block.time_old, horizon_), end, table);
  output_.at(end, table + in);
  return {table, table + in};
}

template <class Real>
void PcaDnn<Real>::update(const Block<Real>& block) const noexcept {
  const int states = 6 * modes_in_ + 1;
  try {
    if (inside_horizon(block)) {
      const Step step = prepare(block);
      for (int start = 0; start < block.n; start += network_chunk)
        update_chunk(block, step, start, std::min(network_chunk, block.n - start));
      return;
    }
  } catch (...) {  // out of memory
  }
  for (int i = 0; i < block.n; ++i) keep_old(block, states, i, Status::failed_fatal);
}

template <class Real>
void PcaDnn<Real>::update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept {
  const int states = 6 * modes_in_ + 1;
  try {
    if (inside_horizon(block)) {
      const Step step = prepare(block);
      for (int i = 0; i < block.n; ++i) update_point(block, step, i, tangent + i);
      return;
    }
  } catch (...) {  // out of memory
  }
  for (int i = 0; i < block.n; ++i) {
    keep_old(block, states, i, Status::failed_fatal);
    isotropic_tangent(moduli_, tangent + i, block.stride);
  }
}

template <class Real>
void PcaDnn<Real>::update_chunk(const Block<Real>& block, const Step& step, int start, int n) const {
  const std::size_t in = static_cast<std::size_t>(6 * modes_in_),
                    out = static_cast<std::size_t>(6 * modes_out_);
  Real* x = thread_scratch<Real>(ScratchSlot::material, (in + out) * network_chunk);
  Real* a = x + in * network_chunk;
  advance(block, step, start, n, x);
  network_.forward(n, x, network_chunk, a, network_chunk);
  decode(block, step, start, n, a);
  for (int i = start; i < start + n; ++i) finish(block, i);
}

// New coefficients, and from them the network's inputs x [6 modes_in][network_chunk].
template <class Real>
void PcaDnn<Real>::advance(const Block<Real>& block, const Step& step, int start, int n, Real* x) const {
  Real strain_inc[network_chunk];
  for (int k = 0; k < 6; ++k) {
    const std::ptrdiff_t component = static_cast<std::ptrdiff_t>(block.stride) * k + start;
    for (int i = 0; i < n; ++i)
      strain_inc[i] = block.stretch_new[component + i] - block.stretch_old[component + i];
    for (int r = k * modes_in_; r < (k + 1) * modes_in_; ++r, x += network_chunk) {
      const std::size_t row = static_cast<std::size_t>(r);
      const Real mean = mean_[row], inverse = inverse_scale_[row];
      const double weight = step.weight[r];
      const std::uint64_t dither_bits = dither(block.time_old, r);
      const Real* old = block.state_old + static_cast<std::ptrdiff_t>(block.stride) * r + start;
      Real* c = block.state_new + static_cast<std::ptrdiff_t>(block.stride) * r + start;
      for (int i = 0; i < n; ++i) {
        c[i] = accumulated(old[i], weight, strain_inc[i], dither_bits);
        x[i] = (c[i] - mean) * inverse;
      }
    }
  }
}

// Stress at the end of the increment from the network's outputs a [6 modes_out][network_chunk].
template <class Real>
void PcaDnn<Real>::decode(const Block<Real>& block, const Step& step, int start, int n, const Real* a) const {
  for (int k = 0; k < 6; ++k) {
    Real* stress = block.stress_new + static_cast<std::ptrdiff_t>(block.stride) * k + start;
    for (int i = 0; i < n; ++i) stress[i] = 0;
    for (int r = k * modes_out_; r < (k + 1) * modes_out_; ++r, a += network_chunk) {
      const Real basis = static_cast<Real>(step.basis[r]), zero = net_zero_[static_cast<std::size_t>(r)];
      for (int i = 0; i < n; ++i) stress[i] += (a[i] - zero) * basis;
    }
  }
}

// Pressure polynomial, domain, energy and status of one point.
template <class Real>
void PcaDnn<Real>::finish(const Block<Real>& block, int i) const {
  const int s = block.stride, states = 6 * modes_in_ + 1;
  Real old[6], strain[6], inc[6];
  strain_at(block.stretch_old, s, i, old);
  strain_at(block.stretch_new, s, i, strain);
  if (!admissible(strain) || !admissible(old)) return keep_old(block, states, i, Status::failed_fatal);
  const Real volume = dilation(strain);
  Real pressure = 0;
  for (std::size_t p = pressure_.size(); p-- > 0;)
    pressure = (pressure + static_cast<Real>(pressure_[p])) * volume;
  for (int c = 0; c < 6; ++c) {
    if (c < 3) block.stress_new[i + c * s] += pressure;
    inc[c] = strain[c] - old[c];
  }
  if (!all_finite(block.stress_new + i, s)) return keep_old(block, states, i, Status::failed_fatal);
  const auto beyond = [](const Real e[6], double most) {
    return static_cast<double>(squared_norm(e)) > most * most;
  };
  const bool outside = beyond(strain, domain_.strain_max) || beyond(inc, domain_.rate_max * block.dt);
  const std::ptrdiff_t flag = i + static_cast<std::ptrdiff_t>(s) * (states - 1);
  block.state_new[flag] = outside ? std::max(block.state_old[flag], Real(1)) : block.state_old[flag];
  block.status[i] = static_cast<int>(block.state_new[flag] > 0 ? Status::unreliable : Status::ok);
  block.dissipation_inc[i] = dissipation_at(block, i, moduli_);
}

// One point with its tangent: the arithmetic of advance() and decode(), to the last bit.
template <class Real>
void PcaDnn<Real>::update_point(const Block<Real>& block, const Step& step, int i, Real* tangent) const {
  const int s = block.stride;
  const std::size_t in = static_cast<std::size_t>(6 * modes_in_),
                    out = static_cast<std::size_t>(6 * modes_out_);
  Real* x = thread_scratch<Real>(ScratchSlot::material, 2 * (in + out));
  Real* dx = x + in;
  Real* y = dx + in;
  Real* basis = y + out;
  Real by_component[6 * network_directions];
  std::size_t r = 0;
  for (std::size_t k = 0; k < 6; ++k) {
    const std::ptrdiff_t component = i + static_cast<std::ptrdiff_t>(s) * static_cast<std::ptrdiff_t>(k);
    const Real strain_inc = block.stretch_new[component] - block.stretch_old[component];
    for (int mode = 0; mode < modes_in_; ++mode, ++r) {
      const std::ptrdiff_t at = i + static_cast<std::ptrdiff_t>(s) * static_cast<std::ptrdiff_t>(r);
      const Real c = accumulated(block.state_old[at], step.weight[r], strain_inc,
                                 dither(block.time_old, static_cast<int>(r)));
      block.state_new[at] = c;
      x[r] = (c - mean_[r]) * inverse_scale_[r];
      dx[r] = static_cast<Real>(step.weight[r]) * inverse_scale_[r];
    }
  }
  for (r = 0; r < out; ++r) basis[r] = static_cast<Real>(step.basis[r]);
  network_.forward_tangent({x, dx, modes_in_, basis, modes_out_, y, by_component});
  r = 0;
  for (int k = 0; k < 6; ++k) {
    Real stress = 0;
    for (int mode = 0; mode < modes_out_; ++mode, ++r) stress += (y[r] - net_zero_[r]) * basis[r];
    block.stress_new[i + k * s] = stress;
  }
  finish(block, i);
  if (block.status[i] <= static_cast<int>(Status::unreliable))
    store_tangent(block, i, by_component, tangent);
  else
    isotropic_tangent(moduli_, tangent, s);
}

// From the derivatives of the stress without its pressure polynomial by the components of E, [6][6].
template <class Real>
void PcaDnn<Real>::store_tangent(const Block<Real>& block, int i, const Real* by_component,
                                 Real* tangent) const {
  Real mandel[36];
  component_tangent_to_mandel(by_component, mandel, 1);
  if (!pressure_.empty()) add_pressure_tangent(block, i, mandel);
  for (int c = 0; c < 36; ++c) tangent[c * block.stride] = mandel[c];
}

// d(pressure) / dU = p'(J - 1) cof U
template <class Real>
void PcaDnn<Real>::add_pressure_tangent(const Block<Real>& block, int i, Real* mandel) const {
  Real strain[6];
  strain_at(block.stretch_new, block.stride, i, strain);
  const Real volume = dilation(strain);
  Real slope = 0;
  for (std::size_t p = pressure_.size(); p-- > 0;)
    slope = slope * volume + static_cast<Real>(p + 1) * static_cast<Real>(pressure_[p]);
  Mat3<Real> u;
  block_to_matrix(block.stretch_new + i, block.stride, u.m);
  const Sym<Real> by_volume = symmetric_part(cofactors(u));
  for (int k = 0; k < 3; ++k)
    for (int l = 0; l < 6; ++l) mandel[k * 6 + l] += slope * by_volume[l];
}

template class PcaDnn<double>;
template class PcaDnn<float>;

}  // namespace pybridge
