// The polycrystal with every parameter, its orientations and its systems.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "core/isa.h"
#include "crystal/orientations.h"
#include "crystal/systems.h"
#include "crystal/taylor_crystal.h"
#include "registrar.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::vector<double> rotations_from(const Array& orientations) {
  if (orientations.ndim() != 3 || orientations.shape(1) != 3 || orientations.shape(2) != 3)
    throw Error("orientations: expected an array of shape (N, 3, 3)");
  return {orientations.data(), orientations.data() + orientations.size()};
}

py::object make(const Array& orientations, const CrystalParameters& parameters,
                const std::string& precision) {
  const std::vector<double> rotations = rotations_from(orientations);
  active_isa();
  auto hand_over = [](auto* material) { return py::cast(material, py::return_value_policy::take_ownership); };
  if (precision == "float64")
    return hand_over(static_cast<const Material<double>*>(new TaylorCrystal<double>(rotations, parameters)));
  if (precision == "float32")
    return hand_over(static_cast<const Material<float>*>(new TaylorCrystal<float>(rotations, parameters)));
  throw Error("precision: expected float64 or float32, got " + precision);
}

Array orientations_array(int n, std::uint64_t seed) {
  if (n < 1)
    throw Error("uniform_orientations: the number of grains must be positive, got " + std::to_string(n));
  const std::vector<double> values = uniform_orientations(n, seed);
  Array out({n, 3, 3});
  std::copy(values.begin(), values.end(), out.mutable_data());
  return out;
}

template <class Systems>
Array systems_array(const Systems& systems) {
  Array out({static_cast<int>(systems.size()), 2, 3});
  double* at = out.mutable_data();
  for (const System& system : systems) {
    at = std::copy(system.direction.begin(), system.direction.end(), at);
    at = std::copy(system.normal.begin(), system.normal.end(), at);
  }
  return out;
}

Registrar crystal(20, [](py::module_& m) {
  py::class_<SlipFamily>(m, "SlipFamily", "Parameters of one family of slip systems, SI ([LIU22] Table A.1).")
      .def(py::init<>())
      .def_readwrite("hardening", &SlipFamily::hardening)
      .def_readwrite("saturation", &SlipFamily::saturation)
      .def_readwrite("latent", &SlipFamily::latent)
      .def_readwrite("stress", &SlipFamily::stress)
      .def_readwrite("sensitivity", &SlipFamily::sensitivity)
      .def_readwrite("rate", &SlipFamily::rate);
  py::class_<CrystalParameters>(
      m, "CrystalParameters", "Parameters of the polycrystal, SI; made with the values of [LIU22] Table A.1.")
      .def(py::init<>())
      .def_readwrite("basal", &CrystalParameters::basal)
      .def_readwrite("prismatic", &CrystalParameters::prismatic)
      .def_readwrite("pyramidal", &CrystalParameters::pyramidal)
      .def_readwrite("twin_hardening", &CrystalParameters::twin_hardening)
      .def_readwrite("twin_coupling", &CrystalParameters::twin_coupling)
      .def_readwrite("twin_stress", &CrystalParameters::twin_stress)
      .def_readwrite("twin_sensitivity", &CrystalParameters::twin_sensitivity)
      .def_readwrite("twin_rate", &CrystalParameters::twin_rate)
      .def_readwrite("c_over_a", &CrystalParameters::c_over_a)
      .def_readwrite("twin_shear", &CrystalParameters::twin_shear)
      .def_readwrite("lame", &CrystalParameters::lame)
      .def_readwrite("shear", &CrystalParameters::shear)
      .def_readwrite("strain_step", &CrystalParameters::strain_step)
      .def_readwrite("implicitness", &CrystalParameters::implicitness)
      .def_readwrite("tolerance", &CrystalParameters::tolerance)
      .def_readwrite("iterations_max", &CrystalParameters::iterations_max);
  m.def(
      "make_taylor_crystal", &make, py::arg("orientations"), py::arg("parameters"), py::arg("precision"),
      "Polycrystal of grains with orientations (N, 3, 3), crystal to sample (cpp/crystal/taylor_crystal.h).");
  m.def(
      "uniform_orientations", &orientations_array, py::arg("n"), py::arg("seed"),
      "n rotation matrices (n, 3, 3), uniform on the rotation group, the same for the same seed everywhere.");
  m.def(
      "slip_systems", [](double c_over_a) { return systems_array(slip_systems(c_over_a)); },
      py::arg("c_over_a"),
      "(12, 2, 3): unit direction and unit normal of 3 basal, 3 prismatic, 6 pyramidal <c+a> systems.");
  m.def(
      "twin_systems", [](double c_over_a) { return systems_array(twin_systems(c_over_a)); },
      py::arg("c_over_a"),
      "(6, 2, 3): unit direction and unit normal of the tensile twins; positive shear extends the c axis.");
});

}  // namespace
