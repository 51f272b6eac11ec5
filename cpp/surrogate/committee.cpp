#include "surrogate/committee.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "surrogate/kinds.h"
#include "surrogate/points.h"

namespace pybridge {

namespace {

constexpr int part_points = 64, members_max = 16;

std::string prefix_of(int member) { return "member" + std::to_string(member) + "."; }

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// The model file that a member would be by itself.
ModelFile member_file(const ModelFile& file, int member) {
  const std::string prefix = prefix_of(member);
  ModelFile found;
  found.path = file.path + ", member " + std::to_string(member);
  found.kind = file.card["member_kind"].text();
  found.name = file.name;
  found.elastic_moduli = file.elastic_moduli;
  found.domain = file.domain;
  found.card = file.card;
  for (const StateVariable& entry : file.state_schema)
    if (starts_with(entry.name, prefix)) {
      found.state_schema.push_back(entry);
      found.state_schema.back().name.erase(0, prefix.size());
    }
  for (const Tensor& tensor : file.tensors)
    if (starts_with(tensor.name, prefix)) {
      found.tensors.push_back(tensor);
      found.tensors.back().name.erase(0, prefix.size());
    }
  return found;
}

}  // namespace

template <class Real>
Committee<Real>::Committee(const ModelFile& file) : FileMaterial<Real>(file) {
  const int count = file.whole_number(file.card["members"], "members", 2, members_max);
  if (!file.card["member_kind"].is(Json::Type::text) || file.card["member_kind"].text() == "committee")
    file.refuse("card.json: \"member_kind\" must be the kind of the members");
  stress_scale_ = static_cast<Real>(file.tensor("stress_scale", {1}).values[0]);
  spread_max_ = static_cast<Real>(file.tensor("spread_max", {1}).values[0]);
  if (!(stress_scale_ > 0) || !(spread_max_ > 0))
    file.refuse("tensors stress_scale, spread_max: expected positive numbers");
  StateSchema expected;
  for (int m = 0; m < count; ++m) {
    const ModelFile member = member_file(file, m);
    members_.push_back(make_native<Real>(member));
    tangents_.push_back(dynamic_cast<const HasStretchTangent<Real>*>(members_.back().get()));
    if (tangents_.back() == nullptr) file.refuse("members of kind " + member.kind + " give no tangent");
    member_states_ = state_size(members_.back()->state_schema());
    for (StateVariable entry : members_.back()->state_schema()) {
      entry.name.insert(0, prefix_of(m));
      expected.push_back(entry);
    }
  }
  expected.push_back({"spread", 1, "", ""});
  expected.push_back({"unreliable", 1, "", ""});
  file.expect_state_schema(expected);
}

// Running means and sum of squared distances, member by member (Welford), so that single precision keeps the
// digits of a small spread.
template <class Real>
struct Committee<Real>::Sums {
  Real stress[6][part_points] = {}, square[part_points] = {}, dissipation[part_points] = {};
  Real tangent[36][part_points];
  int status[part_points] = {};
};

template <class Real>
void Committee<Real>::add(const Block<Real>& block, int member, Real* tangent, Sums& sums) const noexcept {
  const std::ptrdiff_t s = block.stride, state = static_cast<std::ptrdiff_t>(member) * member_states_ * s;
  Block<Real> part = block;
  part.state_old += state;
  part.state_new += state;
  const std::size_t m = static_cast<std::size_t>(member);
  if (tangent == nullptr)
    members_[m]->update(part);
  else
    tangents_[m]->update_with_tangent(part, tangent);
  const Real share = Real(1) / static_cast<Real>(member + 1);
  for (int i = 0; i < block.n; ++i) {
    Real delta[6], rest[6];
    for (int c = 0; c < 6; ++c) {
      const Real value = block.stress_new[i + c * s];
      delta[c] = value - sums.stress[c][i];
      sums.stress[c][i] += delta[c] * share;
      rest[c] = value - sums.stress[c][i];
    }
    const Real pressure = (delta[0] + delta[1] + delta[2]) / 3;
    for (int c = 0; c < 6; ++c)
      sums.square[i] += (c < 3 ? Real(1) : Real(2)) * (delta[c] - (c < 3 ? pressure : Real(0))) * rest[c];
    sums.dissipation[i] += (block.dissipation_inc[i] - sums.dissipation[i]) * share;
    sums.status[i] = std::max(sums.status[i], block.status[i]);
  }
  for (int k = 0; tangent != nullptr && k < 36; ++k)
    for (int i = 0; i < block.n; ++i) {
      Real& mean = sums.tangent[k][i];
      mean += (tangent[i + k * s] - mean) * share;
    }
}

// The answer at point i: the old values where a member failed.
template <class Real>
void Committee<Real>::finish(const Block<Real>& block, const Sums& sums, int i) const noexcept {
  const std::ptrdiff_t s = block.stride, states = state_size(schema_);
  if (sums.status[i] > static_cast<int>(Status::unreliable)) {
    keep_old(block, static_cast<int>(states), i, static_cast<Status>(sums.status[i]));
    return;
  }
  for (int c = 0; c < 6; ++c) block.stress_new[i + c * s] = sums.stress[c][i];
  block.dissipation_inc[i] = sums.dissipation[i];
  const Real spread =
      std::sqrt(std::max(sums.square[i], Real(0)) / static_cast<Real>(members_.size() - 1)) / stress_scale_;
  const bool doubtful = spread > spread_max_ || sums.status[i] == static_cast<int>(Status::unreliable) ||
                        block.state_old[i + (states - 1) * s] > 0;
  block.state_new[i + (states - 2) * s] = spread;
  block.state_new[i + (states - 1) * s] = doubtful ? Real(1) : Real(0);
  block.status[i] = static_cast<int>(doubtful ? Status::unreliable : Status::ok);
}

template <class Real>
void Committee<Real>::update_part(const Block<Real>& block, int first, int count,
                                  Real* tangent) const noexcept {
  Block<Real> part = block;
  part.n = count;
  for (const Real** in : {&part.strain_inc, &part.stretch_old, &part.stretch_new, &part.temperature,
                          &part.density, &part.stress_old, &part.state_old})
    if (*in != nullptr) *in += first;
  part.stress_new += first;
  part.state_new += first;
  part.dissipation_inc += first;
  part.status += first;
  if (tangent != nullptr) tangent += first;
  Sums sums;
  if (tangent != nullptr) std::fill(&sums.tangent[0][0], &sums.tangent[0][0] + 36 * part_points, Real(0));
  for (int m = 0; m < static_cast<int>(members_.size()); ++m) add(part, m, tangent, sums);
  for (int i = 0; i < count; ++i) finish(part, sums, i);
  for (int k = 0; tangent != nullptr && k < 36; ++k)
    for (int i = 0; i < count; ++i)
      tangent[i + static_cast<std::ptrdiff_t>(k) * block.stride] = sums.tangent[k][i];
}

template <class Real>
void Committee<Real>::update(const Block<Real>& block) const noexcept {
  for (int first = 0; first < block.n; first += part_points)
    update_part(block, first, std::min(part_points, block.n - first), nullptr);
}

template <class Real>
void Committee<Real>::update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept {
  for (int first = 0; first < block.n; first += part_points)
    update_part(block, first, std::min(part_points, block.n - first), tangent);
}

template class Committee<double>;
template class Committee<float>;

}  // namespace pybridge
