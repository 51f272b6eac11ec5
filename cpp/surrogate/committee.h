// Members of one kind, trained alike from different seeds: their mean answers, their spread says how far to
// trust it (docs/model_file.md).
//
// Every member keeps a state of its own. spread = sqrt(sum |dev sigma_m - dev mean|^2 / (M - 1)) /
// stress_scale; a point whose spread ever exceeds spread_max, or one of whose members is out of its domain,
// is unreliable.
#pragma once

#include <memory>
#include <vector>

#include "core/stretch_tangent.h"
#include "surrogate/file_material.h"

namespace pybridge {

template <class Real>
class Committee final : public FileMaterial<Real>, public HasStretchTangent<Real> {
 public:
  // Throws Error naming the file where numbers are missing or do not fit together.
  explicit Committee(const ModelFile& file);

  void update(const Block<Real>& block) const noexcept override;
  void update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept override;

 private:
  struct Sums;

  void update_part(const Block<Real>& block, int first, int count, Real* tangent) const noexcept;
  void add(const Block<Real>& block, int member, Real* tangent, Sums& sums) const noexcept;
  void finish(const Block<Real>& block, const Sums& sums, int i) const noexcept;

  using FileMaterial<Real>::schema_;
  std::vector<std::unique_ptr<const Material<Real>>> members_;
  std::vector<const HasStretchTangent<Real>*> tangents_;
  int member_states_ = 0;
  Real stress_scale_, spread_max_;
};

}  // namespace pybridge
