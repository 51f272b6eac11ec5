// The learned dynamic yield surface: elastic by construction, flow of the deviator by a small network,
// pressure a polynomial in J - 1. Equations: training/yield_surface_script.py and
// docs/theory/yield_surface.md; tensors of the file: docs/theory/yield_surface.md.
#pragma once

#include <vector>

#include "core/stretch_tangent.h"
#include "surrogate/file_material.h"
#include "surrogate/yield_surface_kernel.h"

namespace pybridge {

template <class Real>
class YieldSurface final : public FileMaterial<Real>, public HasStretchTangent<Real> {
 public:
  // Throws Error naming the file where numbers are missing or do not fit together.
  explicit YieldSurface(const ModelFile& file);
  YieldSurface(const YieldSurface&) = delete;
  YieldSurface& operator=(const YieldSurface&) = delete;

  void update(const Block<Real>& block) const noexcept override;
  // Exact in double precision, by dual numbers; in single precision that of the virgin moduli: no host of
  // tangents is single.
  void update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept override;

 private:
  void read_shape(const ModelFile& file);
  void read_layer(const ModelFile& file, int index, int in, int out);
  void read_elasticity(const ModelFile& file);

  using FileMaterial<Real>::schema_;
  using FileMaterial<Real>::moduli_;
  using FileMaterial<Real>::domain_;
  std::vector<Real> weights_[3], biases_[3], skip_, speed_, hidden_bound_, elasticity_, pressure_;
  YieldTable<Real> table_{};
};

}  // namespace pybridge
