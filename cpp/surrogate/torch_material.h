// A model file evaluated by its TorchScript graph, through the engine's own shared library.
#pragma once

#include <memory>

#include "surrogate/file_material.h"
#include "surrogate/torch_library.h"

namespace pybridge {

template <class Real>
class TorchMaterial final : public FileMaterial<Real> {
 public:
  // Throws Error: engine or graph cannot be loaded, or its answer has wrong shapes.
  explicit TorchMaterial(const ModelFile& file);

  void update(const Block<Real>& block) const noexcept override;

 private:
  void finish(const Block<Real>& block, int i) const;

  struct Close {
    void operator()(pybridge_torch_model* model) const { torch_library().close(model); }
  };

  using FileMaterial<Real>::schema_;
  using FileMaterial<Real>::moduli_;
  std::unique_ptr<pybridge_torch_model, Close> model_;
};

}  // namespace pybridge
