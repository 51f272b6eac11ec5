// Model files by path (core/registry.h).
#include "core/registry.h"
#include "model_file/model_file.h"
#include "surrogate/kinds.h"
#include "surrogate/torch_material.h"

namespace pybridge {

template <class Real>
std::unique_ptr<const Material<Real>> load_model(const std::string& path, Engine engine) {
  const ModelFile file = read_model_file(path);
  try {
    if (engine == Engine::torchscript) return std::make_unique<TorchMaterial<Real>>(file);
    return make_native<Real>(file);
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.find(path) != std::string::npos) throw;
    throw Error(path + ": " + text);
  }
}

template std::unique_ptr<const Material<double>> load_model<double>(const std::string&, Engine);
template std::unique_ptr<const Material<float>> load_model<float>(const std::string&, Engine);

}  // namespace pybridge
