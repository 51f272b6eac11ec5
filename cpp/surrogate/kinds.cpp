#include "surrogate/kinds.h"

#include "surrogate/committee.h"
#include "surrogate/mlp_history.h"
#include "surrogate/pca_dnn.h"
#include "surrogate/yield_surface.h"

namespace pybridge {

namespace {

template <class Real>
struct Kind {
  const char* name;
  std::unique_ptr<const Material<Real>> (*make)(const ModelFile& file);
};

template <class Real, template <class> class Surrogate>
std::unique_ptr<const Material<Real>> make(const ModelFile& file) {
  return std::make_unique<Surrogate<Real>>(file);
}

template <class Real>
constexpr Kind<Real> kinds[] = {{"pca_dnn", &make<Real, PcaDnn>},
                                {"mlp_history", &make<Real, MlpHistory>},
                                {"yield_surface", &make<Real, YieldSurface>},
                                {"committee", &make<Real, Committee>}};

}  // namespace

template <class Real>
std::unique_ptr<const Material<Real>> make_native(const ModelFile& file) {
  std::string known;
  for (const Kind<Real>& kind : kinds<Real>) {
    if (file.kind == kind.name) return kind.make(file);
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  throw Error(file.path + ": a model of kind \"" + file.kind + "\"; the native engine knows " + known +
              ": update pybridge, or use the torchscript engine");
}

template std::unique_ptr<const Material<double>> make_native<double>(const ModelFile&);
template std::unique_ptr<const Material<float>> make_native<float>(const ModelFile&);

}  // namespace pybridge
