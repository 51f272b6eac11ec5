// Surrogates from model files, as materials.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "core/registry.h"
#include "registrar.h"
#include "surrogate/torch_library.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

Engine engine_from_name(const std::string& name) {
  if (name == "native") return Engine::native;
  if (name == "torchscript") return Engine::torchscript;
  throw Error("engine: expected native or torchscript, got " + name);
}

template <class Real>
py::object load(const std::string& path, Engine engine) {
  std::unique_ptr<const Material<Real>> material;
  {
    py::gil_scoped_release unlocked;
    material = load_model<Real>(path, engine);
  }
  return py::cast(material.release(), py::return_value_policy::take_ownership);
}

double time_torch_network(const std::string& path, const py::array& x, py::array& y, int windows, int calls) {
  const bool both_2d = x.ndim() == 2 && y.ndim() == 2 && x.shape(0) == y.shape(0);
  if (!both_2d || !(x.flags() & py::array::c_style) || !(y.flags() & py::array::c_style) ||
      x.itemsize() != y.itemsize())
    throw Error("x, y: expected C-ordered arrays (points, inputs) and (points, outputs) of one dtype");
  char error[2048] = "";
  const double seconds =
      torch_library().time_network(path.c_str(), static_cast<int>(x.itemsize()), static_cast<int>(x.shape(0)),
                                   static_cast<int>(x.shape(1)), static_cast<int>(y.shape(1)), x.data(),
                                   y.mutable_data(), windows, calls, error, sizeof error);
  if (seconds < 0) throw Error(path + ": " + error);
  return seconds;
}

Registrar model_file_bindings(20, [](py::module_& m) {
  m.def(
      "load_model",
      [](const std::string& path, const std::string& engine, const std::string& precision) {
        if (precision == "float64") return load<double>(path, engine_from_name(engine));
        if (precision == "float32") return load<float>(path, engine_from_name(engine));
        throw Error("precision: expected float64 or float32, got " + precision);
      },
      py::arg("path"), py::arg("engine"), py::arg("precision"),
      "A surrogate from its model file; engine: native or torchscript.");
  m.def("time_torch_network", &time_torch_network, py::arg("path"), py::arg("x"), py::arg("y"),
        py::arg("windows"), py::arg("calls"),
        "Smallest CPU time of one call of a TorchScript network in C++, s; y takes the answer.");
});

}  // namespace
