// pybridge._core.law_tangent: consistent tangents of the built-in laws (cpp/laws/tangent.h).
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "laws/johnson_cook.h"
#include "laws/tangent.h"
#include "registrar.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

const double* rows(const Doubles& array, const char* name, int components, py::ssize_t n) {
  const bool fits = components < 0 ? array.ndim() == 1 && array.shape(0) == n
                                   : array.ndim() == 2 && array.shape(0) == components && array.shape(1) == n;
  if (!fits)
    throw Error(std::string(name) + ": expected shape (" +
                (components < 0 ? "" : std::to_string(components) + ", ") + std::to_string(n) + ")");
  return array.data();
}

// What a tangent depends on; outputs stay empty.
Block<double> inputs(const Material<double>& material, double dt, const Doubles& strain_inc,
                     const Doubles& temperature, const Doubles& density, const Doubles& stress_old,
                     const Doubles& state_old) {
  const py::ssize_t n = temperature.size();
  Block<double> block;
  block.n = block.stride = static_cast<int>(n);
  block.dt = dt;
  block.strain_inc = rows(strain_inc, "strain_inc", 6, n);
  block.temperature = rows(temperature, "temperature", -1, n);
  block.density = rows(density, "density", -1, n);
  block.stress_old = rows(stress_old, "stress_old", 6, n);
  block.state_old = rows(state_old, "state_old", state_size(material.state_schema()), n);
  return block;
}

Doubles law_tangent(const Material<double>& material, double dt, const Doubles& strain_inc,
                    const Doubles& temperature, const Doubles& density, const Doubles& stress_old,
                    const Doubles& state_old) {
  const auto* law = dynamic_cast<const HasTangent<double>*>(&material);
  if (law == nullptr) throw Error("this material has no tangent in closed form");
  const Block<double> block = inputs(material, dt, strain_inc, temperature, density, stress_old, state_old);
  Doubles out({py::ssize_t(6), py::ssize_t(6), py::ssize_t(block.n)});
  law->tangent(block, out.mutable_data());
  return out;
}

py::array_t<int> flow_evaluations(const Material<double>& material, double dt, const Doubles& strain_inc,
                                  const Doubles& temperature, const Doubles& density,
                                  const Doubles& stress_old, const Doubles& state_old) {
  const auto* law = dynamic_cast<const JohnsonCook<double>*>(&material);
  if (law == nullptr) throw Error("this material is not PYBRIDGE_JOHNSON_COOK in float64");
  const Block<double> block = inputs(material, dt, strain_inc, temperature, density, stress_old, state_old);
  py::array_t<int> out(block.n);
  law->evaluations(block, out.mutable_data());
  return out;
}

Registrar registrar(20, [](py::module_& m) {
  m.def("law_tangent", &law_tangent, py::arg("material"), py::kw_only(), py::arg("dt"), py::arg("strain_inc"),
        py::arg("temperature"), py::arg("density"), py::arg("stress_old"), py::arg("state_old"),
        "d(stress_new) / d(strain_inc) of a built-in law, (6, 6, n) Mandel components in the frame of R.");
  m.def("flow_evaluations", &flow_evaluations, py::arg("material"), py::kw_only(), py::arg("dt"),
        py::arg("strain_inc"), py::arg("temperature"), py::arg("density"), py::arg("stress_old"),
        py::arg("state_old"),
        "How often Johnson-Cook's update evaluates its flow stress, (n,): what its cost hangs on.");
});

}  // namespace
