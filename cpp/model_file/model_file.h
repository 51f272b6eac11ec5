// A model file's card and tensors (docs/model_file.md). No code in the file is run.
#pragma once

#include <string>
#include <vector>

#include "core/schema.h"
#include "model_file/json.h"

namespace pybridge {

constexpr int model_format_version = 1;

struct Tensor {
  std::string name;
  std::vector<int> shape;
  std::vector<double> values;  // row-major
};

struct ModelFile {
  std::string path;
  std::string kind;
  std::string name;
  StateSchema state_schema;
  ElasticModuli elastic_moduli{};
  Domain domain;
  Json card;
  std::vector<Tensor> tensors;

  // The tensor of that name; null where there is none.
  const Tensor* find(const std::string& name) const;

  // The tensor of that name and shape; an extent of 0 fits any. Throws Error naming the file.
  const Tensor& tensor(const std::string& name, const std::vector<int>& shape) const;

  // `value`, which stands in the card under `name`, as a whole number. Throws Error naming the file.
  int whole_number(const Json& value, const std::string& name, int least, int most) const;

  // Throws Error naming the file where names and counts of the state variables are others than these.
  void expect_state_schema(const StateSchema& expected) const;

  // An Error that names the file, what is wrong, and what to do.
  [[noreturn]] void refuse(const std::string& what) const;
};

// Throws Error that names the file: missing, truncated, altered, of a newer format, or malformed.
ModelFile read_model_file(const std::string& path);

}  // namespace pybridge
