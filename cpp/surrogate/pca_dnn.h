// PCA + DNN surrogate of the history functional ([LIU22] section 3), evaluated incrementally.
//
//   E = U - I,   c_kj += dE_k / T * mean of Phi_kj over the increment       k component, j mode, Phi from t
//   to T x = (c - mean) / scale,   a = (net(x) - net(x_0)) * output_scale,   x_0 = -mean / scale sigma_k =
//   sum_j a_kj psi_kj(t)  +  [k normal] sum_i p_i (J - 1)^i
//
// The path beyond t is continued as held; the state is the coefficients c, exact for any sequence of time
// steps. See docs/model_file.md for the tensors.
#pragma once

#include "core/stretch_tangent.h"
#include "network/network.h"
#include "surrogate/file_material.h"
#include "surrogate/time_table.h"

namespace pybridge {

template <class Real>
class PcaDnn final : public FileMaterial<Real>, public HasStretchTangent<Real> {
 public:
  // Throws Error naming the file where tensors are missing or do not fit together.
  explicit PcaDnn(const ModelFile& file);

  void update(const Block<Real>& block) const noexcept override;
  // The network's own derivative: d(sigma_k) / dE_l = sum_j psi_kj (dnet_kj / dx) (Phi_l / T / scale_l)
  void update_with_tangent(const Block<Real>& block, Real* tangent) const noexcept override;

 private:
  struct Step;  // what all points of a call share

  bool inside_horizon(const Block<Real>& block) const;
  Step prepare(const Block<Real>& block) const;
  void update_chunk(const Block<Real>& block, const Step& step, int start, int n) const;
  void advance(const Block<Real>& block, const Step& step, int start, int n, Real* x) const;
  void decode(const Block<Real>& block, const Step& step, int start, int n, const Real* a) const;
  void finish(const Block<Real>& block, int i) const;
  void update_point(const Block<Real>& block, const Step& step, int i, Real* tangent) const;
  void store_tangent(const Block<Real>& block, int i, const Real* by_component, Real* tangent) const;
  void add_pressure_tangent(const Block<Real>& block, int i, Real* mandel) const;

  using FileMaterial<Real>::moduli_;
  using FileMaterial<Real>::domain_;
  int modes_in_ = 0, modes_out_ = 0;  // for each of the six components
  double horizon_ = 0;
  TimeTable input_, output_;
  std::vector<Real> mean_, inverse_scale_;  // [6 modes_in]
  std::vector<Real> net_zero_;              // [6 modes_out], net(x_0)
  std::vector<double> pressure_;
  Network<Real> network_;
};

// The dense layers layer0, layer1, ... that "network" in the card lists.
std::vector<DenseLayer> layers_from(const ModelFile& file);

}  // namespace pybridge
