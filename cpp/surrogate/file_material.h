// What every material of a model file says about itself, as the file's card has it.
#pragma once

#include "core/material.h"
#include "model_file/model_file.h"

namespace pybridge {

template <class Real>
class FileMaterial : public Material<Real> {
 public:
  const StateSchema& state_schema() const final { return schema_; }
  ElasticModuli elastic_moduli() const final { return moduli_; }
  Domain domain() const final { return domain_; }

 protected:
  explicit FileMaterial(const ModelFile& file)
      : schema_(file.state_schema), moduli_(file.elastic_moduli), domain_(file.domain) {}

  StateSchema schema_;
  ElasticModuli moduli_;
  Domain domain_;
};

}  // namespace pybridge
