// From a material's name to the file of its surrogate.
#pragma once

#include <string>
#include <vector>

#include "core/registry.h"

namespace pybridge::abaqus {

struct ModelFile {
  std::string path;
  Engine engine;
};

// The file that pybridge_use_model named, or NAME.pt, upper or lower case, in the first of these folders that
// has it: the job's, the current one, those of PYBRIDGE_MODEL_PATH (separated by colons), the library's. The
// engine is that
// of PYBRIDGE_ENGINE (native, torchscript), native by default. Throws Error.
ModelFile find_model_file(const std::string& name);

// The same, with an empty path where there is no file.
ModelFile find_model_file_if_any(const std::string& name);

std::string upper(const std::string& text);

}  // namespace pybridge::abaqus
