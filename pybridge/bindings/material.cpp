// Materials of the contract as Python objects: update() reads and writes the caller's NumPy arrays, no
// copies.
#include "core/material.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "core/conventions.h"
#include "core/registry.h"
#include "core/stretch_tangent.h"
#include "laws/tangent.h"
#include "registrar.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

std::string shape_text(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t i = 0; i < array.ndim(); ++i) text += (i ? ", " : "") + std::to_string(array.shape(i));
  return text + ")";
}

// Checks dtype, shape (components, n) or (n,), and that points run fastest; the stride of components is
// shared.
template <class Real>
const Real* view(const py::array& array, const char* name, int components, py::ssize_t n, py::ssize_t& stride,
                 bool writeable = false) {
  const bool flat = components == 0;  // one value a point, shape (n,)
  if (!py::isinstance<py::array_t<Real>>(array))
    throw Error(std::string(name) + ": expected dtype " + (sizeof(Real) == 8 ? "float64" : "float32") +
                ", got " + py::str(array.dtype()).cast<std::string>());
  const bool shape_fits = flat ? array.ndim() == 1 && array.shape(0) == n
                               : array.ndim() == 2 && array.shape(0) == components && array.shape(1) == n;
  if (!shape_fits)
    throw Error(std::string(name) + ": expected shape (" + (flat ? "" : std::to_string(components) + ", ") +
                std::to_string(n) + "), got " + shape_text(array));
  const py::ssize_t item = static_cast<py::ssize_t>(sizeof(Real));
  if (n > 1 && array.strides(array.ndim() - 1) != item)
    throw Error(std::string(name) + ": points must run fastest (C order, shape (components, points))");
  if (!flat && components > 1) {
    const py::ssize_t found = array.strides(0) / item;
    if (stride == 0) stride = found;
    if (found != stride || found < n)
      throw Error(std::string(name) +
                  ": all arrays of a call must have the same distance between components (" +
                  std::to_string(stride) + "), got " + std::to_string(found));
  }
  if (writeable && !array.writeable()) throw Error(std::string(name) + ": the array is read-only");
  return static_cast<const Real*>(array.data());
}

// The arrays of a call as a block; points run fastest in all of them.
template <class Real>
Block<Real> block_of(const Material<Real>& material, double time_old, double dt, const py::array& strain_inc,
                     const py::array& stretch_old, const py::array& stretch_new, const py::array& temperature,
                     const py::array& density, const py::array& stress_old, const py::array& state_old,
                     const py::array& stress_new, const py::array& state_new,
                     const py::array& dissipation_inc, py::array_t<int, py::array::c_style>& status) {
  const py::ssize_t n = temperature.size();
  const int states = state_size(material.state_schema());
  py::ssize_t stride = 0;
  Block<Real> block;
  block.n = static_cast<int>(n);
  block.time_old = time_old;
  block.dt = dt;
  block.strain_inc = view<Real>(strain_inc, "strain_inc", 6, n, stride);
  block.stretch_old = view<Real>(stretch_old, "stretch_old", 6, n, stride);
  block.stretch_new = view<Real>(stretch_new, "stretch_new", 6, n, stride);
  block.temperature = view<Real>(temperature, "temperature", 0, n, stride);
  block.density = view<Real>(density, "density", 0, n, stride);
  block.stress_old = view<Real>(stress_old, "stress_old", 6, n, stride);
  block.stress_new = const_cast<Real*>(view<Real>(stress_new, "stress_new", 6, n, stride, true));
  if (states > 0) {
    block.state_old = view<Real>(state_old, "state_old", states, n, stride);
    block.state_new = const_cast<Real*>(view<Real>(state_new, "state_new", states, n, stride, true));
  }
  block.dissipation_inc =
      const_cast<Real*>(view<Real>(dissipation_inc, "dissipation_inc", 0, n, stride, true));
  if (status.ndim() != 1 || status.shape(0) != n)
    throw Error("status: expected int32 of shape (" + std::to_string(n) + ",), got " + shape_text(status));
  block.status = status.mutable_data();
  block.stride = static_cast<int>(stride == 0 ? n : stride);
  return block;
}

template <class Real>
void update(const Material<Real>& material, double time_old, double dt, const py::array& strain_inc,
            const py::array& stretch_old, const py::array& stretch_new, const py::array& temperature,
            const py::array& density, const py::array& stress_old, const py::array& state_old,
            const py::array& stress_new, const py::array& state_new, const py::array& dissipation_inc,
            py::array_t<int, py::array::c_style> status, int repeats) {
  const Block<Real> block =
      block_of(material, time_old, dt, strain_inc, stretch_old, stretch_new, temperature, density, stress_old,
               state_old, stress_new, state_new, dissipation_inc, status);
  py::gil_scoped_release unlocked;  // blocks may be updated from several Python threads
  for (int k = 0; k < repeats; ++k) material.update(block);  // more than once: for timing
}

// Mandel components to those of engineering shear, 36 x n.
template <class Real>
void to_engineering(Real* tangent, py::ssize_t n) {
  for (int row = 0; row < 6; ++row)
    for (int column = 0; column < 6; ++column) {
      const Real factor = row < 3 && column < 3     ? Real(1)
                          : row >= 3 && column >= 3 ? Real(0.5)
                                                    : static_cast<Real>(inverse_sqrt2);
      for (py::ssize_t i = 0; i < n; ++i) tangent[(row * 6 + column) * n + i] *= factor;
    }
}

template <class Real>
bool update_with_tangent(const Material<Real>& material, py::array_t<Real, py::array::c_style> tangent,
                         double time_old, double dt, const py::array& strain_inc,
                         const py::array& stretch_old, const py::array& stretch_new,
                         const py::array& temperature, const py::array& density, const py::array& stress_old,
                         const py::array& state_old, const py::array& stress_new, const py::array& state_new,
                         const py::array& dissipation_inc, py::array_t<int, py::array::c_style> status) {
  const Block<Real> block =
      block_of(material, time_old, dt, strain_inc, stretch_old, stretch_new, temperature, density, stress_old,
               state_old, stress_new, state_new, dissipation_inc, status);
  if (tangent.ndim() != 3 || tangent.shape(0) != 6 || tangent.shape(1) != 6 || tangent.shape(2) != block.n ||
      block.stride != block.n)
    throw Error("tangent: expected shape (6, 6, " + std::to_string(block.n) +
                ") and arrays without gaps between components, got " + shape_text(tangent));
  Real* out = tangent.mutable_data();
  const auto* joint = dynamic_cast<const HasStretchTangent<Real>*>(&material);
  const auto* law = dynamic_cast<const HasTangent<Real>*>(&material);
  py::gil_scoped_release unlocked;
  if (joint != nullptr) {
    joint->update_with_tangent(block, out);
  } else {
    material.update(block);
    if (law == nullptr) return false;
    law->tangent(block, out);
  }
  to_engineering(out, block.n);
  return true;
}

template <class Real>
void bind_material(py::module_& m, const char* name) {
  py::class_<Material<Real>>(m, name, "A material of the contract (cpp/core/material.h).")
      .def_property_readonly("state_schema", [](const Material<Real>& self) { return self.state_schema(); })
      .def_property_readonly("state_size",
                             [](const Material<Real>& self) { return state_size(self.state_schema()); })
      .def_property_readonly("elastic_moduli", &Material<Real>::elastic_moduli)
      .def_property_readonly("domain", &Material<Real>::domain)
      .def_property_readonly("dtype", [](const Material<Real>&) { return py::dtype::of<Real>(); })
      .def("update", &update<Real>, py::kw_only(), py::arg("time_old"), py::arg("dt"),
           py::arg("strain_inc").noconvert(), py::arg("stretch_old").noconvert(),
           py::arg("stretch_new").noconvert(), py::arg("temperature").noconvert(),
           py::arg("density").noconvert(), py::arg("stress_old").noconvert(),
           py::arg("state_old").noconvert(), py::arg("stress_new").noconvert(),
           py::arg("state_new").noconvert(), py::arg("dissipation_inc").noconvert(),
           py::arg("status").noconvert(), py::arg("repeats") = 1)
      .def("update_with_tangent", &update_with_tangent<Real>, py::kw_only(), py::arg("tangent").noconvert(),
           py::arg("time_old"), py::arg("dt"), py::arg("strain_inc").noconvert(),
           py::arg("stretch_old").noconvert(), py::arg("stretch_new").noconvert(),
           py::arg("temperature").noconvert(), py::arg("density").noconvert(),
           py::arg("stress_old").noconvert(), py::arg("state_old").noconvert(),
           py::arg("stress_new").noconvert(), py::arg("state_new").noconvert(),
           py::arg("dissipation_inc").noconvert(), py::arg("status").noconvert(),
           "update() where strain_inc is the difference of the stretches, and d(stress) / d(strain), (6, 6, "
           "n), engineering shear. False: this material has no derivative, and tangent is left as it was.");
}

Registrar base(0, [](py::module_& m) {
  py::class_<StateVariable>(m, "StateVariable", "One named entry of a material's state.")
      .def_readonly("name", &StateVariable::name)
      .def_readonly("count", &StateVariable::count)
      .def_readonly("unit", &StateVariable::unit)
      .def_readonly("description", &StateVariable::description)
      .def("__repr__", [](const StateVariable& v) {
        return "StateVariable(" + v.name + "[" + std::to_string(v.count) + "], unit " + v.unit + ")";
      });
  py::class_<ElasticModuli>(m, "ElasticModuli", "Bulk and shear modulus of the virgin material, Pa.")
      .def_readonly("bulk", &ElasticModuli::bulk)
      .def_readonly("shear", &ElasticModuli::shear);
  py::class_<Domain>(m, "Domain",
                     "Largest strain |U - I|, rate |dU/dt| (1/s) and time (s); infinite if unlimited.")
      .def_readonly("strain_max", &Domain::strain_max)
      .def_readonly("rate_max", &Domain::rate_max)
      .def_readonly("time_max", &Domain::time_max);
  bind_material<double>(m, "Material");
  bind_material<float>(m, "MaterialSingle");
  py::class_<LawDescription>(m, "LawDescription", "A built-in law, in words.")
      .def_readonly("name", &LawDescription::name)
      .def_readonly("description", &LawDescription::description)
      .def_readonly("constants", &LawDescription::constants);
  m.def("built_in_laws", &built_in_laws, "All built-in laws.");
  m.def("is_built_in_law", &is_built_in_law, py::arg("name"));
  m.def(
      "make_law",
      [](const std::string& name, const std::vector<double>& constants,
         const std::string& precision) -> py::object {
        if (precision == "float64")
          return py::cast(make_law<double>(name, constants).release(),
                          py::return_value_policy::take_ownership);
        if (precision == "float32")
          return py::cast(make_law<float>(name, constants).release(),
                          py::return_value_policy::take_ownership);
        throw Error("precision: expected float64 or float32, got " + precision);
      },
      py::arg("name"), py::arg("constants"), py::arg("precision"),
      "A built-in law from its name and constants.");
});

}  // namespace
