// The native network for tests and benchmarks.
#include "network/network.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <ctime>

#include "core/status.h"
#include "registrar.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

Isa isa_from_name(const std::string& name) {
  if (name == "active") return active_isa();
  for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512})
    if (name == isa_name(isa)) return isa;
  throw Error("isa: expected active, baseline, avx2 or avx512, got " + name);
}

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

DenseLayer layer_from(const Doubles& weight, const Doubles& bias, const std::string& activation) {
  if (weight.ndim() != 2 || bias.ndim() != 1 || bias.shape(0) != weight.shape(0))
    throw Error("layer: expected weight (outputs, inputs) and bias (outputs,)");
  DenseLayer layer;
  layer.outputs = static_cast<int>(weight.shape(0));
  layer.inputs = static_cast<int>(weight.shape(1));
  layer.activation = activation_from_name(activation);
  layer.weight.assign(weight.data(), weight.data() + weight.size());
  layer.bias.assign(bias.data(), bias.data() + bias.size());
  return layer;
}

template <class Real>
using Block2 = py::array_t<Real>;

template <class Real>
using Contiguous = py::array_t<Real, py::array::c_style>;

// Distance between components of x (inputs, points), whose points must run fastest.
template <class Real>
std::ptrdiff_t checked_stride(const Network<Real>& network, const Block2<Real>& x) {
  const py::ssize_t item = static_cast<py::ssize_t>(sizeof(Real));
  if (x.ndim() != 2 || x.shape(0) != network.inputs() || (x.shape(1) > 1 && x.strides(1) != item))
    throw Error("x: expected shape (" + std::to_string(network.inputs()) + ", points), points fastest");
  return x.strides(0) / item;
}

template <class Real>
Block2<Real> forward(const Network<Real>& network, const Block2<Real>& x) {
  const std::ptrdiff_t stride = checked_stride(network, x);
  Block2<Real> y({static_cast<py::ssize_t>(network.outputs()), x.shape(1)});
  const Real* from = x.data();
  Real* to = y.mutable_data();
  const py::ssize_t n = x.shape(1);
  py::gil_scoped_release unlocked;
  network.forward(static_cast<int>(n), from, stride, to, n);
  return y;
}

// dx: (inputs, 6), or (inputs,) where input r depends on direction r // (inputs // 6) alone. readout:
// (outputs,) for the derivative of its six sums, or empty for that of each output.
template <class Real>
py::tuple forward_tangent(const Network<Real>& network, const Contiguous<Real>& x, const Contiguous<Real>& dx,
                          const Contiguous<Real>& readout) {
  constexpr py::ssize_t directions = network_directions;
  const py::ssize_t in = network.inputs(), out = network.outputs();
  const bool runs = dx.ndim() == 1 && dx.shape(0) == in && in % directions == 0;
  const bool sums = readout.size() > 0;
  if (x.ndim() != 1 || x.shape(0) != in || !(runs || (dx.ndim() == 2 && dx.size() == in * directions)))
    throw Error(
        "forward_tangent: expected x (inputs,) and dx (inputs, 6) or (inputs,), inputs a multiple of 6");
  if (sums && (readout.size() != out || out % directions != 0))
    throw Error("forward_tangent: expected readout (outputs,), outputs a multiple of 6");
  Contiguous<Real> y(out), dy({sums ? directions : out, directions});
  TangentOf<Real> of;
  of.x = x.data();
  of.dx = dx.data();
  of.run = runs ? static_cast<int>(in / directions) : 0;
  of.readout = sums ? readout.data() : nullptr;
  of.readout_run = static_cast<int>(out / directions);
  of.y = y.mutable_data();
  of.dy = dy.mutable_data();
  network.forward_tangent(of);
  return py::make_tuple(y, dy);
}

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Smallest CPU time of one call over `windows` windows of `calls` calls, s.
template <class Call>
double shortest(int windows, int calls, Call call) {
  double best = 1e300;
  for (int w = 0; w < windows; ++w) {
    const double start = cpu_seconds();
    for (int c = 0; c < calls; ++c) call();
    best = std::min(best, (cpu_seconds() - start) / calls);
  }
  return best;
}

template <class Real>
double time_forward(const Network<Real>& network, const Block2<Real>& x, int windows, int calls) {
  const std::ptrdiff_t stride = checked_stride(network, x);
  const py::ssize_t n = x.shape(1);
  std::vector<Real> y(static_cast<std::size_t>(network.outputs() * n));
  const Real* from = x.data();
  py::gil_scoped_release unlocked;
  return shortest(windows, calls, [&] { network.forward(static_cast<int>(n), from, stride, y.data(), n); });
}

template <class Real>
double peak_flops(const std::string& isa, int windows) {
  const NetworkKernels<Real> kernels = network_kernels<Real>(isa_from_name(isa));
  Real sink[2] = {Real(0.999), Real(0.001)};
  double flop = 0;
  const double seconds = shortest(windows, 1, [&] {
    sink[0] = Real(0.999);
    flop = kernels.peak(500000, sink);
  });
  return flop / seconds;
}

template <class Real>
void bind_network(py::module_& m, const char* name) {
  py::class_<Network<Real>>(m, name, "A feed-forward network on the native kernels.")
      .def(py::init([](const std::vector<std::tuple<Doubles, Doubles, std::string>>& layers,
                       const std::string& isa) {
             std::vector<DenseLayer> plain;
             for (const auto& [weight, bias, activation] : layers)
               plain.push_back(layer_from(weight, bias, activation));
             return std::make_unique<Network<Real>>(plain, isa_from_name(isa));
           }),
           py::arg("layers"), py::arg("isa"), "Layers as (weight (out, in), bias (out,), activation).")
      .def_property_readonly("inputs", &Network<Real>::inputs)
      .def_property_readonly("outputs", &Network<Real>::outputs)
      .def("forward", &forward<Real>, py::arg("x").noconvert(), "(inputs, n) -> (outputs, n).")
      .def("forward_tangent", &forward_tangent<Real>, py::arg("x").noconvert(), py::arg("dx").noconvert(),
           py::arg("readout").noconvert(),
           "One point: y (outputs,) and its derivative in six directions (outputs, 6), or (6, 6) of the sums "
           "of "
           "readout x y over sixths of the outputs where readout is not empty.")
      .def("time_forward", &time_forward<Real>, py::arg("x").noconvert(), py::arg("windows"),
           py::arg("calls"), "Smallest CPU time of one call over windows of calls, s.");
}

Registrar network_bindings(20, [](py::module_& m) {
  bind_network<double>(m, "Network");
  bind_network<float>(m, "NetworkSingle");
  m.def(
      "peak_flops",
      [](const std::string& precision, const std::string& isa, int windows) {
        if (precision == "float64") return peak_flops<double>(isa, windows);
        if (precision == "float32") return peak_flops<float>(isa, windows);
        throw Error("precision: expected float64 or float32, got " + precision);
      },
      py::arg("precision"), py::arg("isa"), py::arg("windows"),
      "Multiply-adds on registers alone, FLOP a second of CPU time on one core.");
  m.def(
      "supported_isas",
      [] {
        std::vector<std::string> names;
        for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512})
          if (isa_supported(isa)) names.push_back(isa_name(isa));
        return names;
      },
      "Instruction sets of this processor that the kernels are compiled for.");
});

}  // namespace
