#include "surrogate/mlp_history.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "network/scratch.h"
#include "surrogate/points.h"

namespace pybridge {

namespace {

using Index = std::ptrdiff_t;
constexpr int full_upper = 21;

// Index of D_ab, a <= b of the six, in the upper triangle by rows.
int upper(int a, int b) {
  if (a > b) std::swap(a, b);
  return 6 * a - a * (a - 1) / 2 + (b - a);
}

std::vector<DenseLayer> member_layers(const ModelFile& file, int member) {
  const Json& entries = file.card["network"];
  if (!entries.is(Json::Type::list) || entries.list().empty())
    file.refuse("card.json: \"network\" must list at least one layer");
  std::vector<DenseLayer> layers;
  for (const Json& entry : entries.list()) {
    const std::string prefix = "member" + std::to_string(member) + ".layer" + std::to_string(layers.size());
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
std::vector<Real> narrowed(const std::vector<double>& values) {
  return std::vector<Real>(values.begin(), values.end());
}

}  // namespace

template <class Real>
MlpHistory<Real>::MlpHistory(const ModelFile& file) : FileMaterial<Real>(file) {
  for (double c : file.tensor("component", {0}).values) {
    const bool rising = component_.empty() || c > component_.back();
    if (!(c >= 0 && c <= 5) || c != std::floor(c) || !rising)
      file.refuse("tensor component: expected whole numbers rising from 0 to 5");
    component_.push_back(static_cast<int>(c));
  }
  const int count = static_cast<int>(component_.size());
  plane_ = count == 3 && component_[0] == 0 && component_[1] == 1 && component_[2] == 3 ? 1 : 0;
  if (count != 6 && plane_ == 0) file.refuse("tensor component: expected 0 1 3 (plane) or 0 1 2 3 4 5");
  const int outputs = count + count * (count + 1) / 2;
  if (file.find("deadband") != nullptr) {
    const double deadband = file.tensor("deadband", {1}).values[0];
    if (!(deadband >= 0 && deadband < 0.1)) file.refuse("tensor deadband: expected a strain from 0 to 0.1");
    deadband_ = static_cast<Real>(deadband);
  }
  StateSchema expected = {{"accumulated_strain", count, "", ""},
                          {"contact_stiffness", full_upper, "", ""},
                          {"spread", 1, "", ""},
                          {"unreliable", 1, "", ""}};
  if (deadband_ > 0) expected.push_back({"lagging_strain", count, "", ""});
  file.expect_state_schema(expected);
  for (double scale : file.tensor("input_scale", {2 * count}).values) {
    if (!(scale > 0)) file.refuse("tensor input_scale: expected positive numbers");
    inverse_scale_.push_back(static_cast<Real>(1 / scale));
  }
  output_scale_ = narrowed<Real>(file.tensor("output_scale", {outputs}).values);
  output_mean_ = narrowed<Real>(file.tensor("output_mean", {outputs}).values);
  lowest_ = narrowed<Real>(file.tensor("input_lowest", {2 * count}).values);
  highest_ = narrowed<Real>(file.tensor("input_highest", {2 * count}).values);
  const double stress_scale = file.tensor("stress_scale", {1}).values[0];
  const double spread_max = file.tensor("spread_max", {1}).values[0];
  if (!(stress_scale > 0) || !(spread_max > 0))
    file.refuse("tensors stress_scale, spread_max: expected positive numbers");
  stress_scale_ = static_cast<Real>(stress_scale);
  spread_max_ = static_cast<Real>(spread_max);
  while (file.find("member" + std::to_string(members_.size()) + ".layer0.weight") != nullptr) {
    members_.emplace_back(member_layers(file, static_cast<int>(members_.size())));
    if (members_.back().inputs() != 2 * count || members_.back().outputs() != outputs)
      file.refuse("a member maps " + std::to_string(members_.back().inputs()) + " to " +
                  std::to_string(members_.back().outputs()) + " numbers, expected " +
                  std::to_string(2 * count) + " to " + std::to_string(outputs));
  }
  if (members_.empty()) file.refuse("tensor member0.layer0.weight: missing");
}

template <class Real>
Real MlpHistory<Real>::accumulate(const Block<Real>& b, int i, int k, Real& strain, Real& history) const {
  const Index s = b.stride, count = static_cast<Index>(component_.size());
  const int c = component_[static_cast<std::size_t>(k)];
  const Real now = b.stretch_new[i + c * s];
  strain = now - (c < 3 ? Real(1) : Real(0));
  Real change = now - b.stretch_old[i + c * s];
  if (deadband_ > 0) {
    const Index lag = i + (count + full_upper + 2 + k) * s;
    const Real p = b.state_old[lag];
    b.state_new[lag] = std::clamp(p, strain - deadband_, strain + deadband_);
    change = b.state_new[lag] - p;
  }
  history = b.state_old[k * s + i] + std::abs(change);
  b.state_new[k * s + i] = history;
  return change == 0 ? Real(0) : std::copysign(Real(1), change);
}

template <class Real>
void MlpHistory<Real>::update(const Block<Real>& block) const noexcept {
  try {
    for (int start = 0; start < block.n; start += network_chunk)
      update_chunk(block, start, std::min(network_chunk, block.n - start));
  } catch (...) {  // out of memory
    for (int i = 0; i < block.n; ++i) keep_old(block, state_size(schema_), i, Status::failed_fatal);
  }
}

template <class Real>
void MlpHistory<Real>::update_chunk(const Block<Real>& b, int start, int n) const {
  const Index chunk = network_chunk;
  const int count = static_cast<int>(component_.size());
  const Index in = 2 * count, out = static_cast<Index>(output_scale_.size());
  const Index all = out * static_cast<Index>(members_.size());
  Real* x = thread_scratch<Real>(ScratchSlot::material, static_cast<std::size_t>((in + all) * chunk));
  Real* y = x + in * chunk;
  for (int k = 0; k < count; ++k)
    for (int i = 0; i < n; ++i) {
      Real strain, history;
      accumulate(b, start + i, k, strain, history);
      x[k * chunk + i] = strain * inverse_scale_[static_cast<std::size_t>(k)];
      x[(count + k) * chunk + i] = history * inverse_scale_[static_cast<std::size_t>(count + k)];
    }
  for (std::size_t m = 0; m < members_.size(); ++m)
    members_[m].forward(n, x, chunk, y + static_cast<Index>(m) * out * chunk, chunk);
  for (int i = 0; i < n; ++i) finish(b, start + i, y, i);
}

// Mean and spread of the members, status and energy of one point; y [member][output][network_chunk].
template <class Real>
void MlpHistory<Real>::finish(const Block<Real>& b, int i, const Real* y, int at) const {
  const int count = static_cast<int>(component_.size()), states = state_size(schema_);
  const Index s = b.stride, out = static_cast<Index>(output_scale_.size());
  Real old[6], strain[6];
  strain_at(b.stretch_old, b.stride, i, old);
  strain_at(b.stretch_new, b.stride, i, strain);
  if (!admissible(strain) || !admissible(old)) return keep_old(b, states, i, Status::failed_fatal);
  Real* stiffness = b.state_new + i + count * s;
  for (int k = 0; k < 6; ++k) b.stress_new[i + k * s] = 0;
  for (int k = 0; k < full_upper; ++k) stiffness[k * s] = 0;
  const Real share = Real(1) / static_cast<Real>(members_.size());
  Real spread = 0;
  for (Index r = 0, a = 0, c = 0; r < out; ++r) {
    Real mean = 0, square = 0;
    for (std::size_t m = 0; m < members_.size(); ++m)
      mean += share * y[(static_cast<Index>(m) * out + r) * network_chunk + at];
    for (std::size_t m = 0; m < members_.size(); ++m) {
      const Real apart = y[(static_cast<Index>(m) * out + r) * network_chunk + at] - mean;
      square += apart * apart;
    }
    const std::size_t row = static_cast<std::size_t>(r);
    const Real value = mean * output_scale_[row] + output_mean_[row];
    if (r < count) {
      if (members_.size() > 1)
        spread = std::max(spread, std::sqrt(square / static_cast<Real>(members_.size() - 1)) *
                                      output_scale_[row] / stress_scale_);
      b.stress_new[i + component_[row] * s] = value;
      continue;
    }
    stiffness[upper(component_[static_cast<std::size_t>(a)], component_[static_cast<std::size_t>(c)]) * s] =
        value;
    if (++c == count) c = ++a;
  }
  if (plane_ != 0) b.stress_new[i + 2 * s] = Real(0.5) * (b.stress_new[i] + b.stress_new[i + s]);
  if (!all_finite(b.stress_new + i, b.stride)) return keep_old(b, states, i, Status::failed_fatal);
  Real own[6], history[6];
  for (int k = 0; k < count; ++k) {
    own[k] = strain[component_[static_cast<std::size_t>(k)]];
    history[k] = b.state_new[i + k * s];
  }
  const bool outside = !inside(own, history) || !(spread <= spread_max_);
  const Index flag = i + (count + full_upper + 1) * s;
  b.state_new[flag - s] = spread;
  b.state_new[flag] = outside ? std::max(b.state_old[flag], Real(1)) : b.state_old[flag];
  b.status[i] = static_cast<int>(b.state_new[flag] > 0 ? Status::unreliable : Status::ok);
  b.dissipation_inc[i] = dissipation_at(b, i, moduli_);
}

template <class Real>
bool MlpHistory<Real>::inside(const Real* strain, const Real* history) const {
  const std::size_t count = component_.size();
  for (std::size_t k = 0; k < 2 * count; ++k) {
    const Real value = k < count ? strain[k] : history[k - count];
    const Real slack = Real(0.1) * (highest_[k] - lowest_[k]);
    if (!(value >= lowest_[k] - slack && value <= highest_[k] + slack)) return false;
  }
  return true;
}

template <class Real>
void MlpHistory<Real>::update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept {
  for (int i = 0; i < block.n; ++i) {
    isotropic_tangent(moduli_, tangent + i, block.stride);
    try {
      update_point(block, i, tangent + i);
    } catch (...) {  // out of memory
      keep_old(block, state_size(schema_), i, Status::failed_fatal);
    }
  }
}

// update_chunk() for one point, to the last bit, with the members' derivatives.
template <class Real>
void MlpHistory<Real>::update_point(const Block<Real>& b, int i, Real* tangent) const {
  constexpr Index directions = network_directions;
  const Index count = static_cast<Index>(component_.size()), in = 2 * count;
  const Index out = static_cast<Index>(output_scale_.size()), members = static_cast<Index>(members_.size());
  Real* x = thread_scratch<Real>(ScratchSlot::material,
                                 static_cast<std::size_t>(in * (1 + directions) + out * (1 + 2 * directions) +
                                                          members * out * network_chunk));
  Real *dx = x + in, *y = dx + in * directions, *dy = y + out, *slope = dy + out * directions;
  Real* all = slope + out * directions;  // as update_chunk() has it, one point
  std::fill_n(dx, in * directions, Real(0));
  std::fill_n(slope, out * directions, Real(0));
  for (Index k = 0; k < count; ++k) {
    const int c = component_[static_cast<std::size_t>(k)];
    const Real scale = inverse_scale_[static_cast<std::size_t>(k)],
               history_scale = inverse_scale_[static_cast<std::size_t>(count + k)];
    Real strain, history;
    const Real direction = accumulate(b, i, static_cast<int>(k), strain, history);
    x[k] = strain * scale;
    x[count + k] = history * history_scale;
    dx[k * directions + c] = scale;
    dx[(count + k) * directions + c] = direction * history_scale;
  }
  for (Index m = 0; m < members; ++m) {
    members_[static_cast<std::size_t>(m)].forward_tangent({x, dx, 0, nullptr, 0, y, dy});
    for (Index r = 0; r < out; ++r) all[(m * out + r) * network_chunk] = y[r];
    for (Index r = 0; r < out * directions; ++r) slope[r] += dy[r] / static_cast<Real>(members);
  }
  finish(b, i, all, 0);
  if (b.status[i] <= static_cast<int>(Status::unreliable)) store_tangent(slope, tangent, b.stride);
}

// From the mean derivatives of the outputs, slope [output][6], by the components of E.
template <class Real>
void MlpHistory<Real>::store_tangent(const Real* slope, Real* tangent, int stride) const {
  Real by_component[6][6] = {};
  for (std::size_t r = 0; r < component_.size(); ++r)
    for (std::size_t l = 0; l < 6; ++l)
      by_component[component_[r]][l] = slope[r * network_directions + l] * output_scale_[r];
  for (int l = 0; l < 6 && plane_ != 0; ++l)
    by_component[2][l] = Real(0.5) * (by_component[0][l] + by_component[1][l]);
  component_tangent_to_mandel(by_component[0], tangent, stride);
}

template class MlpHistory<double>;
template class MlpHistory<float>;

}  // namespace pybridge
