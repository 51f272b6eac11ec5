// pybridge._core.kinematics: stretches, strain increments and rotations of many points from their deformation
// gradients (cpp/core/kinematics.h).
#include "core/kinematics.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "core/status.h"
#include "registrar.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

py::ssize_t points_of(const Doubles& array, const char* name, int components, py::ssize_t expected = -1) {
  if (array.ndim() != 2 || array.shape(0) != components || (expected >= 0 && array.shape(1) != expected))
    throw Error(std::string(name) + ": expected shape (" + std::to_string(components) + ", " +
                (expected < 0 ? "n" : std::to_string(expected)) + ")");
  return array.shape(1);
}

[[noreturn]] void bad_point(const char* name, py::ssize_t point, const Mat3<double>& f) {
  throw Error(
      std::string(name) + ": the deformation gradient of point " + std::to_string(point) +
      " is inverted or not finite (determinant " + std::to_string(determinant(f)) +
      ", expected > 0); the element has collapsed: reduce the time step or the load, or refine the mesh");
}

Mat3<double> load_defgrad(const double* f, py::ssize_t n, py::ssize_t i) {
  Mat3<double> matrix;
  defgrad_to_matrix(f + i, static_cast<int>(n), 9, matrix.m);
  return matrix;
}

Doubles make(int components, py::ssize_t n) { return Doubles({static_cast<py::ssize_t>(components), n}); }

// F (9, n) -> U (6, n), R (9, n)
py::tuple stretch_and_rotation(const Doubles& f) {
  const py::ssize_t n = points_of(f, "F", 9);
  Doubles stretch = make(6, n), rotation = make(9, n);
  const double* in = f.data();
  double *u_out = stretch.mutable_data(), *r_out = rotation.mutable_data();
  py::ssize_t bad = -1;
  {
    py::gil_scoped_release unlocked;
    for (py::ssize_t i = 0; i < n && bad < 0; ++i) {
      Mat3<double> r, u;
      if (!polar_decomposition(load_defgrad(in, n, i), r, u)) {
        bad = i;
        break;
      }
      matrix_to_block(u.m, u_out + i, static_cast<int>(n));
      matrix_to_defgrad(r.m, 9, r_out + i, static_cast<int>(n));
    }
  }
  if (bad >= 0) bad_point("F", bad, load_defgrad(in, n, bad));
  return py::make_tuple(stretch, rotation);
}

// U_old, U_new (6, n) -> strain increment (6, n)
Doubles strain_increment(const Doubles& stretch_old, const Doubles& stretch_new) {
  const py::ssize_t n = points_of(stretch_old, "stretch_old", 6);
  points_of(stretch_new, "stretch_new", 6, n);
  Doubles out = make(6, n);
  const double *old_in = stretch_old.data(), *new_in = stretch_new.data();
  double* strain = out.mutable_data();
  const int stride = static_cast<int>(n);
  py::gil_scoped_release unlocked;
  for (int i = 0; i < stride; ++i) {
    Mat3<double> u_old, u_new;
    block_to_matrix(old_in + i, stride, u_old.m);
    block_to_matrix(new_in + i, stride, u_new.m);
    matrix_to_block(corotational_strain_increment(u_old, u_new).m, strain + i, stride);
  }
  return out;
}

// F_old, F_new (9, n) -> U_old, U_new, strain increment (6, n), R_new (9, n)
py::tuple kinematics_of(const Doubles& f_old, const Doubles& f_new) {
  const py::ssize_t n = points_of(f_old, "F_old", 9);
  points_of(f_new, "F_new", 9, n);
  const int stride = static_cast<int>(n);
  Doubles stretch_old = make(6, n), stretch_new = make(6, n), strain = make(6, n), rotation = make(9, n);
  const double *in_old = f_old.data(), *in_new = f_new.data();
  double *u_old_out = stretch_old.mutable_data(), *u_new_out = stretch_new.mutable_data();
  double *strain_out = strain.mutable_data(), *r_out = rotation.mutable_data();
  int bad = -1;
  {
    py::gil_scoped_release unlocked;
    for (int i = 0; i < stride && bad < 0; ++i) {
      Mat3<double> u_old, u_new, de, r;
      if (!kinematics(load_defgrad(in_old, n, i), load_defgrad(in_new, n, i), u_old, u_new, de, r)) {
        bad = i;
        break;
      }
      matrix_to_block(u_old.m, u_old_out + i, stride);
      matrix_to_block(u_new.m, u_new_out + i, stride);
      matrix_to_block(de.m, strain_out + i, stride);
      matrix_to_defgrad(r.m, 9, r_out + i, stride);
    }
  }
  if (bad >= 0) {
    const Mat3<double> old_matrix = load_defgrad(in_old, n, bad);
    Mat3<double> r, u;
    if (!polar_decomposition(old_matrix, r, u)) bad_point("F_old", bad, old_matrix);
    bad_point("F_new", bad, load_defgrad(in_new, n, bad));
  }
  return py::make_tuple(stretch_old, stretch_new, strain, rotation);
}

Registrar registrar(20, [](py::module_& m) {
  m.def("kinematics", &kinematics_of, py::arg("F_old"), py::arg("F_new"),
        "(stretch_old, stretch_new, strain_inc, rotation_new) of deformation gradients (9, n) in VUMAT's "
        "order: "
        "stretches and strain increment (6, n) in the frame of R, rotation (9, n) in VUMAT's order of F.");
  m.def("stretch_and_rotation", &stretch_and_rotation, py::arg("F"),
        "(U (6, n), R (9, n)) with F = R U, of deformation gradients (9, n) in VUMAT's order.");
  m.def("strain_increment", &strain_increment, py::arg("stretch_old"), py::arg("stretch_new"),
        "sym((U_new - U_old) U_mid^-1), (6, n), of stretches (6, n): half the work of kinematics() for a "
        "caller "
        "that keeps the old stretch.");
});

}  // namespace
