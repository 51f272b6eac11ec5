// Members of one kind, trained alike from different seeds: their mean answers, their spread says how far to
// trust it (docs/model_file.md).
//
// Every member keeps a state of its own. spread = sqrt(sum |dev sigma_m - dev mean|^2 / (M - 1)) /
// stress_scale; a point whose spread ever exceeds spread_max, or one of whose members is out of its domain,
// is unreliable.
#pragma once

#include <memory>
#include <vector>

#include "core/material.h"
#include "core/stretch_tangent.h"
#include "model_file/model_file.h"

namespace pybridge {

template <class Real>
class Committee final : public Material<Real>, public HasStretchTangent<Real> {
 public:
  // Throws Error naming the file where numbers are missing or do not fit together.
  explicit Committee(const ModelFile& file);

  const StateSchema& state_schema() const override { return schema_; }
  ElasticModuli elastic_moduli() const override { return moduli_; }
  Domain domain() const override { return domain_; }
  void update(const Block<Real>& block) const noexcept override;
  void update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept override;

 private:
  struct Sums;

  void update_part(const Block<Real>& block, int first, int count, Real* tangent) const noexcept;
  void add(const Block<Real>& block, int member, Real* tangent, Sums& sums) const noexcept;
  void finish(const Block<Real>& block, const Sums& sums, int i) const noexcept;

  StateSchema schema_;
  ElasticModuli moduli_;
  Domain domain_;
  std::vector<std::unique_ptr<const Material<Real>>> members_;
  std::vector<const HasStretchTangent<Real>*> tangents_;
  int member_states_ = 0;
  Real stress_scale_, spread_max_;
};

}  // namespace pybridge
