// A model file evaluated by its TorchScript graph, through the engine's own shared library.
#pragma once

#include <memory>

#include "core/material.h"
#include "model_file/model_file.h"
#include "surrogate/torch_library.h"

namespace pybridge {

template <class Real>
class TorchMaterial final : public Material<Real> {
 public:
  // Throws Error: engine or graph cannot be loaded, or its answer has wrong shapes.
  explicit TorchMaterial(const ModelFile& file);

  const StateSchema& state_schema() const override { return schema_; }
  ElasticModuli elastic_moduli() const override { return moduli_; }
  Domain domain() const override { return domain_; }
  void update(const Block<Real>& block) const noexcept override;

 private:
  void finish(const Block<Real>& block, int i) const;

  struct Close {
    void operator()(pybridge_torch_model* model) const { torch_library().close(model); }
  };

  StateSchema schema_;
  ElasticModuli moduli_;
  Domain domain_;
  std::unique_ptr<pybridge_torch_model, Close> model_;
};

}  // namespace pybridge
