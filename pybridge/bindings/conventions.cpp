// Conversions of cpp/core/conventions.h and small tensor functions, over arrays (components, points) of
// float64: pybridge._core.conventions and pybridge._core.tensor. Python code uses pybridge/conventions.py;
// these are here so that both can be held against each other.
#include "core/conventions.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "core/status.h"
#include "core/tensor.h"
#include "registrar.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

template <class Real>
using Array = py::array_t<Real, py::array::c_style | py::array::forcecast>;
using Doubles = Array<double>;

template <class Real>
void expect_components(const Array<Real>& in, int components) {
  if (in.ndim() != 2 || in.shape(0) != components)
    throw Error("expected an array (" + std::to_string(components) + ", points)");
}

// Applies point(in, out) to every point: one point's components stand together in `in` and `out`.
template <class Real, int max_in, int max_out, class Point>
Array<Real> map_points(const Array<Real>& in, int in_components, int out_components, Point point) {
  expect_components(in, in_components);
  const py::ssize_t n = in.shape(1);
  Array<Real> out({static_cast<py::ssize_t>(out_components), n});
  const Real* source = in.data();
  Real* target = out.mutable_data();
  for (py::ssize_t i = 0; i < n; ++i) {
    Real a[max_in] = {}, b[max_out] = {};
    for (int c = 0; c < in_components; ++c) a[c] = source[c * n + i];
    point(a, b);
    for (int c = 0; c < out_components; ++c) target[c * n + i] = b[c];
  }
  return out;
}

using Matrix = double (*)[3];
using ConstMatrix = const double (*)[3];

Matrix matrix(double* a) { return reinterpret_cast<Matrix>(a); }
ConstMatrix matrix(const double* a) { return reinterpret_cast<ConstMatrix>(a); }

void bind_conversions(py::module_& m) {
  m.def("block_to_mandel", [](const Doubles& in) {
    return map_points<double, 6, 6>(in, 6, 6, [](const double* a, double* b) { block_to_mandel(a, 1, b); });
  });
  m.def("mandel_to_block", [](const Doubles& in) {
    return map_points<double, 6, 6>(in, 6, 6, [](const double* a, double* b) { mandel_to_block(a, b, 1); });
  });
  m.def("block_to_matrix", [](const Doubles& in) {
    return map_points<double, 6, 9>(in, 6, 9,
                                    [](const double* a, double* b) { block_to_matrix(a, 1, matrix(b)); });
  });
  m.def("matrix_to_block", [](const Doubles& in) {
    return map_points<double, 9, 6>(in, 9, 6,
                                    [](const double* a, double* b) { matrix_to_block(matrix(a), b, 1); });
  });
  m.def("defgrad_to_matrix", [](const Doubles& in, int components) {
    return map_points<double, 9, 9>(in, components, 9, [=](const double* a, double* b) {
      defgrad_to_matrix(a, 1, components, matrix(b));
    });
  });
  m.def("matrix_to_defgrad", [](const Doubles& in, int components) {
    return map_points<double, 9, 9>(in, 9, components, [=](const double* a, double* b) {
      matrix_to_defgrad(matrix(a), components, b, 1);
    });
  });
  m.def("vumat_to_block", [](const Doubles& in, int components) {
    return map_points<double, 6, 6>(
        in, components, 6, [=](const double* a, double* b) { vumat_to_block(a, 1, components, b, 1); });
  });
  m.def("block_to_vumat", [](const Doubles& in, int components) {
    return map_points<double, 6, 6>(
        in, 6, components, [=](const double* a, double* b) { block_to_vumat(a, 1, components, b, 1); });
  });
  m.def("umat_defgrad_to_matrix", [](const Doubles& in) {
    return map_points<double, 9, 9>(in, 9, 9,
                                    [](const double* a, double* b) { umat_defgrad_to_matrix(a, matrix(b)); });
  });
  m.def("mandel_to_umat_tangent", [](const Doubles& in, int components) {
    return map_points<double, 36, 36>(in, 36, components * components, [=](const double* a, double* b) {
      mandel_to_umat_tangent(a, components, b);
    });
  });
}

void bind_umat_conversions(py::module_& m) {
  m.def("umat_stress_to_block", [](const Doubles& in, int components) {
    return map_points<double, 6, 6>(
        in, components, 6, [=](const double* a, double* b) { umat_stress_to_block(a, components, b, 1); });
  });
  m.def("block_to_umat_stress", [](const Doubles& in, int components) {
    return map_points<double, 6, 6>(
        in, 6, components, [=](const double* a, double* b) { block_to_umat_stress(a, 1, components, b); });
  });
  m.def("umat_strain_to_block", [](const Doubles& in, int components) {
    return map_points<double, 6, 6>(
        in, components, 6, [=](const double* a, double* b) { umat_strain_to_block(a, components, b, 1); });
  });
  m.def("block_to_umat_strain", [](const Doubles& in, int components) {
    return map_points<double, 6, 6>(
        in, 6, components, [=](const double* a, double* b) { block_to_umat_strain(a, 1, components, b); });
  });
}

// Tensor functions over row-major matrices (9, points), in both precisions (float32 arrays stay float32).
template <class Real>
void bind_tensor(py::module_& m) {
  const auto load = [](const Real* a) {
    Mat3<Real> x;
    for (int c = 0; c < 9; ++c) x.m[c / 3][c % 3] = a[c];
    return x;
  };
  const auto store = [](const Mat3<Real>& x, Real* b) {
    for (int c = 0; c < 9; ++c) b[c] = x.m[c / 3][c % 3];
  };
  using In = py::array_t<Real, py::array::c_style>;
  const auto as_input = [](const In& in) { return Array<Real>(in); };
  m.def(
      "polar_decomposition",
      [=](const In& in) {
        return map_points<Real, 9, 19>(as_input(in), 9, 19, [=](const Real* a, Real* b) {
          Mat3<Real> r = identity3<Real>(), u = r;
          b[18] = polar_decomposition(load(a), r, u) ? Real(1) : Real(0);
          store(r, b);
          store(u, b + 9);
        });
      },
      py::arg("f").noconvert(), "Rows 0-8: R, 9-17: U, 18: 1 where it succeeded.");
  m.def(
      "symmetric_eigen",
      [=](const In& in) {
        return map_points<Real, 9, 12>(as_input(in), 9, 12, [=](const Real* a, Real* b) {
          Mat3<Real> q;
          symmetric_eigen(load(a), b, q);
          store(q, b + 3);
        });
      },
      py::arg("a").noconvert(), "Rows 0-2: eigenvalues, 3-11: eigenvectors as columns of a matrix.");
  m.def(
      "exponential",
      [=](const In& in) {
        return map_points<Real, 9, 9>(as_input(in), 9, 9,
                                      [=](const Real* a, Real* b) { store(exponential(load(a)), b); });
      },
      py::arg("a").noconvert());
  m.def(
      "inverse",
      [=](const In& in) {
        return map_points<Real, 9, 9>(as_input(in), 9, 9,
                                      [=](const Real* a, Real* b) { store(inverse(load(a)), b); });
      },
      py::arg("a").noconvert());
  m.def(
      "determinant",
      [=](const In& in) {
        return map_points<Real, 9, 1>(as_input(in), 9, 1,
                                      [=](const Real* a, Real* b) { b[0] = determinant(load(a)); });
      },
      py::arg("a").noconvert());
  m.def(
      "rotate",
      [=](const In& q, const In& s, bool back) {
        expect_components(as_input(s), 6);
        Array<Real> out({py::ssize_t(6), s.shape(1)});
        for (py::ssize_t i = 0; i < s.shape(1); ++i) {
          Real flat[9];
          Sym<Real> tensor;
          for (int c = 0; c < 9; ++c) flat[c] = q.at(c, i);
          for (int c = 0; c < 6; ++c) tensor.v[c] = s.at(c, i);
          tensor = back ? rotate_back(load(flat), tensor) : rotate(load(flat), tensor);
          for (int c = 0; c < 6; ++c) out.mutable_at(c, i) = tensor.v[c];
        }
        return out;
      },
      py::arg("q").noconvert(), py::arg("s").noconvert(), py::arg("back"),
      "q s q^T (or q^T s q), s in Mandel components.");
}

Registrar conventions_registrar(20, [](py::module_& m) {
  py::module_ conventions = m.def_submodule("conventions", "Conversions of cpp/core/conventions.h.");
  bind_conversions(conventions);
  bind_umat_conversions(conventions);
  py::module_ tensor = m.def_submodule("tensor", "Tensor functions of cpp/core/tensor.h.");
  bind_tensor<double>(tensor);
  bind_tensor<float>(tensor);
});

}  // namespace
