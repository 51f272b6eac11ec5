// Packings of grains: the engine with its state as NumPy arrays, stress control, and the packing as a
// material.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cmath>

#include "core/material.h"
#include "packing/engine.h"
#include "packing/packing_material.h"
#include "packing/servo.h"
#include "registrar.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

template <class T>
py::array_t<T> array_of(const std::vector<T>& values) {
  py::array_t<T> out(static_cast<py::ssize_t>(values.size()));
  std::copy(values.begin(), values.end(), out.mutable_data());
  return out;
}

Doubles matrix(const double* values, int rows) {
  Doubles out({rows, rows});
  std::copy(values, values + rows * rows, out.mutable_data());
  return out;
}

void read_matrix(const Doubles& array, const char* name, double* out) {
  if (array.ndim() != 2 || array.shape(0) != 3 || array.shape(1) != 3)
    throw Error(std::string(name) + ": expected an array of shape (3, 3)");
  for (int k = 0; k < 9; ++k)
    if (!std::isfinite(array.data()[k])) throw Error(std::string(name) + ": expected finite numbers");
  std::copy(array.data(), array.data() + 9, out);
}

template <class T>
std::vector<T> vector_of(const py::dict& state, const char* name) {
  if (!state.contains(name)) throw Error(std::string("state of a packing: ") + name + " is missing");
  const auto array = py::array_t<T, py::array::c_style | py::array::forcecast>(state[name]);
  return {array.data(), array.data() + array.size()};
}

PackingState state_from(const py::dict& state) {
  PackingState s;
  read_matrix(state["cell"].cast<Doubles>(), "cell", s.cell);
  s.position = vector_of<double>(state, "position");
  if (!state.contains("cell_list")) return s;  // fresh: at rest, neighbour list to be built
  read_matrix(state["cell_list"].cast<Doubles>(), "cell_list", s.cell_list);
  s.velocity = vector_of<double>(state, "velocity");
  s.spin = vector_of<double>(state, "spin");
  s.moved = vector_of<double>(state, "moved");
  s.first = vector_of<int>(state, "first");
  s.second = vector_of<int>(state, "second");
  s.image = vector_of<unsigned char>(state, "image");
  s.shear = vector_of<double>(state, "shear");
  s.rolling = vector_of<double>(state, "rolling");
  return s;
}

py::dict state_to(const PackingState& s) {
  py::dict out;
  out["cell"] = matrix(s.cell, 3);
  out["cell_list"] = matrix(s.cell_list, 3);
  out["position"] = array_of(s.position);
  out["velocity"] = array_of(s.velocity);
  out["spin"] = array_of(s.spin);
  out["moved"] = array_of(s.moved);
  out["first"] = array_of(s.first);
  out["second"] = array_of(s.second);
  out["image"] = array_of(s.image);
  out["shear"] = array_of(s.shear);
  out["rolling"] = array_of(s.rolling);
  return out;
}

void check_run(double dt, int steps) {
  if (!(dt > 0) || !std::isfinite(dt))
    throw Error("packing: dt is " + std::to_string(dt) + " s, expected > 0");
  if (steps < 0) throw Error("packing: steps is " + std::to_string(steps) + ", expected >= 0");
}

void check_fault(PackingFault fault) {
  if (fault == PackingFault::exploded)
    throw Error(
        "packing: exploded (a grain moved further than its own size between two neighbour lists): lower the "
        "loading rate or step_factor, or start with smaller overlaps");
  if (fault == PackingFault::cell_too_small)
    throw Error(
        "packing: the deformed cell is too narrow for its grains (two grains would touch through two "
        "images): "
        "take more grains or less strain");
}

// A run on a copy of the state, so that a fault leaves the packing as it was.
template <class Run>
auto guarded(PackingEngine& engine, Run run) {
  const PackingState before = engine.state();
  const auto fault = [&] {
    py::gil_scoped_release unlocked;
    return run();
  }();
  if (fault != PackingFault::none) {
    engine = PackingEngine(engine.shared_grains(), engine.parameters(), before);
    check_fault(fault);
  }
}

template <class T>
void field(py::class_<PackingParameters>& c, const char* name, T PackingParameters::* member) {
  c.def_readwrite(name, member);
}

Registrar packing(20, [](py::module_& m) {
  py::enum_<ContactLaw>(m, "ContactLaw", "Law of the contacts (cpp/packing/grains.h).")
      .value("linear", ContactLaw::linear)
      .value("hertz", ContactLaw::hertz);
  py::class_<PackingParameters> parameters(
      m, "PackingParameters", "Parameters of a packing, SI; made with the values of [GUAN22] Table 2.");
  parameters.def(py::init<>());
  field(parameters, "law", &PackingParameters::law);
  field(parameters, "young", &PackingParameters::young);
  field(parameters, "ratio", &PackingParameters::ratio);
  field(parameters, "poisson", &PackingParameters::poisson);
  field(parameters, "friction", &PackingParameters::friction);
  field(parameters, "rolling_stiffness", &PackingParameters::rolling_stiffness);
  field(parameters, "rolling_friction", &PackingParameters::rolling_friction);
  field(parameters, "density", &PackingParameters::density);
  field(parameters, "damping", &PackingParameters::damping);
  field(parameters, "thickness", &PackingParameters::thickness);
  field(parameters, "step_factor", &PackingParameters::step_factor);
  field(parameters, "skin", &PackingParameters::skin);

  py::class_<PackingMeasures>(m, "PackingMeasures", "What a packing shows (cpp/packing/measures.h), SI.")
      .def_property_readonly("stress", [](const PackingMeasures& s) { return matrix(s.stress, 3); })
      .def_property_readonly("fabric", [](const PackingMeasures& s) { return matrix(s.fabric, 3); })
      .def_readonly("volume", &PackingMeasures::volume)
      .def_readonly("void_ratio", &PackingMeasures::void_ratio)
      .def_readonly("coordination", &PackingMeasures::coordination)
      .def_readonly("kinetic", &PackingMeasures::kinetic)
      .def_readonly("elastic", &PackingMeasures::elastic)
      .def_readonly("overlap", &PackingMeasures::overlap)
      .def_readonly("sliding", &PackingMeasures::sliding)
      .def_readonly("contacts", &PackingMeasures::contacts);

  py::class_<ServoControl>(m, "ServoControl", "What each axis does (cpp/packing/servo.h).")
      .def(py::init<>())
      .def_property(
          "stress_controlled",
          [](const ServoControl& c) {
            return std::vector<bool>(c.stress_controlled, c.stress_controlled + 3);
          },
          [](ServoControl& c, const std::vector<bool>& v) {
            if (v.size() != 3) throw Error("stress_controlled: expected 3 values");
            std::copy(v.begin(), v.end(), c.stress_controlled);
          })
      .def_property(
          "offset", [](const ServoControl& c) { return std::vector<double>(c.offset, c.offset + 3); },
          [](ServoControl& c, const std::array<double, 3>& v) { std::copy(v.begin(), v.end(), c.offset); })
      .def_property(
          "slope", [](const ServoControl& c) { return std::vector<double>(c.slope, c.slope + 3); },
          [](ServoControl& c, const std::array<double, 3>& v) { std::copy(v.begin(), v.end(), c.slope); })
      .def_property(
          "rate", [](const ServoControl& c) { return std::vector<double>(c.rate, c.rate + 3); },
          [](ServoControl& c, const std::array<double, 3>& v) { std::copy(v.begin(), v.end(), c.rate); })
      .def_readwrite("axis", &ServoControl::axis)
      .def_readwrite("shear_free", &ServoControl::shear_free)
      .def_readwrite("rate_max", &ServoControl::rate_max)
      .def_readwrite("interval", &ServoControl::interval);
  py::class_<ServoState>(m, "ServoState", "Integrals of the stress control, carried between runs.")
      .def(py::init<>())
      .def_property_readonly(
          "integral", [](const ServoState& s) { return std::vector<double>(s.integral, s.integral + 6); });

  py::class_<PackingEngine>(m, "PackingEngine", "A packing in motion (cpp/packing/engine.h).")
      .def(py::init([](int dim, const Doubles& radius, const PackingParameters& p, const py::dict& state) {
             std::vector<double> radii(radius.data(), radius.data() + radius.size());
             if (!state.contains("cell") || !state.contains("position"))
               throw Error("state of a packing: expected at least cell (3, 3) and position (dim * count)");
             return PackingEngine(std::make_shared<const Grains>(dim, std::move(radii), p), p,
                                  state_from(state));
           }),
           py::arg("dim"), py::arg("radius"), py::arg("parameters"), py::arg("state"))
      .def(
          "clone", [](const PackingEngine& e) { return PackingEngine(e); },
          "A copy that shares the grains' sizes.")
      .def_property_readonly("dim", [](const PackingEngine& e) { return e.grains().dim; })
      .def_property_readonly("count", [](const PackingEngine& e) { return e.grains().count; })
      .def_property_readonly("radius", [](const PackingEngine& e) { return array_of(e.grains().radius); })
      .def_property_readonly("mass", [](const PackingEngine& e) { return array_of(e.grains().mass); })
      .def_property_readonly("inertia", [](const PackingEngine& e) { return array_of(e.grains().inertia); })
      .def_property(
          "parameters", [](const PackingEngine& e) { return e.parameters(); }, &PackingEngine::set_parameters)
      .def_property_readonly("state", [](const PackingEngine& e) { return state_to(e.state()); })
      .def_property_readonly("cell", [](const PackingEngine& e) { return matrix(e.state().cell, 3); })
      .def_property_readonly("time_step", &PackingEngine::time_step)
      .def_property_readonly("lists_built", &PackingEngine::lists_built)
      .def("measure", [](const PackingEngine& e) { return measure(e.grains(), e.parameters(), e.state()); })
      .def("stiffness",
           [](const PackingEngine& e) {
             double d[36];
             contact_stiffness(e.grains(), e.parameters(), e.state(), d);
             return matrix(d, 6);
           })
      .def("stop", &PackingEngine::stop)
      .def(
          "drive",
          [](PackingEngine& e, const Doubles& gradient, double dt, int steps) {
            double l[9], work = 0;
            read_matrix(gradient, "velocity gradient", l);
            check_run(dt, steps);
            guarded(e, [&] { return e.drive(l, dt, steps, &work); });
            return work;
          },
          py::arg("gradient"), py::arg("dt"), py::arg("steps"))
      .def(
          "deform",
          [](PackingEngine& e, const Doubles& cell, double dt, int steps) {
            double target[9], work = 0;
            read_matrix(cell, "cell", target);
            check_run(dt, steps);
            guarded(e, [&] { return e.deform(target, dt, steps, &work); });
            return work;
          },
          py::arg("cell"), py::arg("dt"), py::arg("steps"))
      .def(
          "servo",
          [](PackingEngine& e, const ServoControl& control, double dt, int steps, ServoState& state) {
            check_run(dt, steps);
            if (!(control.rate_max > 0) || control.interval < 1 || control.axis < 0 || control.axis > 2)
              throw Error("servo: expected rate_max > 0, interval >= 1, axis 0, 1 or 2");
            ServoResult result;
            guarded(e, [&] {
              result = servo(e, control, dt, steps, state);
              return result.fault;
            });
            return result.error;
          },
          py::arg("control"), py::arg("dt"), py::arg("steps"), py::arg("state"));

  py::class_<PackingMaterialOptions>(m, "PackingMaterialOptions",
                                     "Sub-steps and guards of a packing as a material.")
      .def(py::init<>())
      .def_readwrite("inertial_number", &PackingMaterialOptions::inertial_number)
      .def_readwrite("steps_min", &PackingMaterialOptions::steps_min)
      .def_readwrite("steps_max", &PackingMaterialOptions::steps_max)
      .def_readwrite("asymmetry_max", &PackingMaterialOptions::asymmetry_max)
      .def_readwrite("inertial_max", &PackingMaterialOptions::inertial_max)
      .def_readwrite("overlap_max", &PackingMaterialOptions::overlap_max);
  py::class_<PackingMaterial, Material<double>>(m, "PackingMaterial",
                                                "A packing at every point (cpp/packing/packing_material.h).")
      .def(py::init([](const PackingEngine& e, const PackingMaterialOptions& options) {
             return std::make_unique<PackingMaterial>(e.shared_grains(), e.parameters(), e.state(), options);
           }),
           py::arg("packing"), py::arg("options"))
      .def(
          "packing_of",
          [](const PackingMaterial& self, const Doubles& state) {
            if (state.ndim() != 1 || state.size() != state_size(self.state_schema()))
              throw Error("packing_of: expected the state of one point, shape (state_size,)");
            return PackingEngine(self.shared_grains(), self.parameters(), self.unpack(state.data(), 1));
          },
          py::arg("state"), "The packing of a point, from its state (state_size,).");
});

}  // namespace
