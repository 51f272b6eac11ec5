// The training sweeps of the learned yield surface, for training/yield_surface_sweep.py.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "core/isa.h"
#include "core/status.h"
#include "registrar.h"
#include "surrogate/yield_surface_train.h"

namespace py = pybind11;
using namespace pybridge;

namespace {

// Named arrays of one precision; each is looked up with the number of values it must have.
template <class Real>
class Arrays {
 public:
  explicit Arrays(const py::dict& arrays) : arrays_(arrays) {}

  const Real* in(const char* name, py::ssize_t size) const { return find(name, size).data(); }
  Real* out(const char* name, py::ssize_t size) const { return find(name, size).mutable_data(); }

 private:
  using Array = py::array_t<Real, py::array::c_style>;

  Array find(const char* name, py::ssize_t size) const {
    if (!arrays_.contains(name)) throw Error(std::string("yield surface: array ") + name + " is missing");
    const py::object value = arrays_[name];
    if (!py::isinstance<Array>(value))
      throw Error(std::string("yield surface: array ") + name +
                  ": expected C order and one precision for all");
    const Array array = py::reinterpret_borrow<Array>(value);
    if (array.size() != size)
      throw Error(std::string("yield surface: array ") + name + ": expected " + std::to_string(size) +
                  " values, got " + std::to_string(array.size()));
    return array;
  }

  const py::dict& arrays_;
};

template <class Real>
YieldSweep<Real> sweep_from(const YieldShape& shape, int steps, int paths, double floor, double rest_rate,
                            double rate_floor, const py::dict& dict) {
  const Arrays<Real> a(dict);
  const py::ssize_t w = shape.width, points = static_cast<py::ssize_t>(steps) * paths;
  YieldSweep<Real> s{};
  s.shape = shape;
  s.steps = steps;
  s.paths = paths;
  s.radius_floor = static_cast<Real>(floor);
  s.rest_rate = static_cast<Real>(rest_rate);
  s.rate_floor = static_cast<Real>(rate_floor);
  s.w0 = a.in("w0", w * shape.inputs());
  s.b0 = a.in("b0", w);
  s.w1 = a.in("w1", w * w);
  s.b1 = a.in("b1", w);
  s.w2 = a.in("w2", w * shape.outputs());
  s.b2 = a.in("b2", shape.outputs());
  s.skip = a.in("skip", shape.scalars);
  s.speed = a.in("speed", shape.states());
  s.h = a.in("h", points);
  s.increment = a.in("increment", points * 5);
  s.moved = a.in("moved", points * 25);
  s.strain = a.out("strain", (points + paths) * 5);
  s.input = a.out("input", 2 * points * shape.inputs());
  s.pre1 = a.out("pre1", 2 * points * w);
  s.pre2 = a.out("pre2", 2 * points * w);
  s.out = a.out("out", 2 * points * shape.outputs());
  return s;
}

template <class Real>
void add_gradients(YieldSweep<Real>& s, const py::dict& dict) {
  const Arrays<Real> a(dict);
  const py::ssize_t w = s.shape.width, points = static_cast<py::ssize_t>(s.steps) * s.paths;
  s.strain_grad = a.in("strain_grad", points * 5);
  s.pre1_grad = a.out("pre1_grad", 2 * points * w);
  s.pre2_grad = a.out("pre2_grad", 2 * points * w);
  s.out_grad = a.out("out_grad", 2 * points * s.shape.outputs());
}

template <class Real>
void sweep_block(const YieldSweep<Real>& s, Isa isa, int first, bool backward, Real* skip, Real* speed) {
  switch (isa) {
    case Isa::avx512:
      return backward ? isa_avx512::yield_backward(s, first, skip, speed)
                      : isa_avx512::yield_forward(s, first);
    case Isa::avx2:
      return backward ? isa_avx2::yield_backward(s, first, skip, speed) : isa_avx2::yield_forward(s, first);
    default:
      return backward ? isa_baseline::yield_backward(s, first, skip, speed)
                      : isa_baseline::yield_forward(s, first);
  }
}

template <class Real>
void sweep(const YieldShape& shape, int steps, int paths, double floor, double rest_rate, double rate_floor,
           const py::dict& arrays, bool backward, int threads) {
  YieldSweep<Real> s = sweep_from<Real>(shape, steps, paths, floor, rest_rate, rate_floor, arrays);
  if (backward) add_gradients(s, arrays);
  const int blocks = paths / yield_training_block, scalars = shape.scalars, states = shape.states();
  const Arrays<Real> a(arrays);
  Real* skip = backward ? a.out("skip_grad", scalars) : nullptr;
  Real* speed = backward ? a.out("log_speed_grad", states) : nullptr;
  const Isa isa = active_isa();
  py::gil_scoped_release unlocked;
  // Each block has sums of its own, added in order: the same bits for any number of threads.
  std::vector<Real> sums(static_cast<std::size_t>(blocks) * static_cast<std::size_t>(scalars + states));
  const auto work = [&](int thread) {
    for (int block = thread; block < blocks; block += threads) {
      Real* own = sums.data() + static_cast<std::ptrdiff_t>(block) * (scalars + states);
      sweep_block<Real>(s, isa, block * yield_training_block, backward, own, own + scalars);
    }
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < std::min(threads, blocks); ++thread) others.emplace_back(work, thread);
  work(0);
  for (std::thread& other : others) other.join();
  for (int block = 0; backward && block < blocks; ++block) {
    const Real* own = sums.data() + static_cast<std::ptrdiff_t>(block) * (scalars + states);
    for (int i = 0; i < scalars; ++i) skip[i] += own[i];
    for (int i = 0; i < states; ++i) speed[i] += own[scalars + i];
  }
}

void check(const YieldShape& shape, int steps, int paths, int threads) {
  const bool fits = shape.backstresses >= 1 && shape.scalars >= 1 && shape.states() <= yield_states_max &&
                    shape.width >= 1 && shape.width <= yield_width_max && shape.substeps >= 1 &&
                    shape.substeps <= yield_substeps_max;
  if (!fits)
    throw Error("yield surface: expected at most " + std::to_string(yield_states_max) +
                " hidden states, width " + std::to_string(yield_width_max) + ", " +
                std::to_string(yield_substeps_max) + " sub-steps, and at least 1 each");
  if (threads < 1) throw Error("yield surface: expected at least 1 thread, got " + std::to_string(threads));
  if (steps < 1 || paths < 1 || paths % yield_training_block != 0)
    throw Error("yield surface: the number of paths must be a multiple of " +
                std::to_string(yield_training_block) + ", got " + std::to_string(paths));
}

Registrar yield_surface(30, [](py::module_& m) {
  m.attr("YIELD_TRAINING_BLOCK") = yield_training_block;
  m.def(
      "yield_surface_sweep",
      [](int backstresses, int scalars, int width, int substeps, int steps, int paths, double floor,
         double rest_rate, double rate_floor, const py::dict& arrays, bool backward, int threads) {
        const YieldShape shape{backstresses, scalars, width, substeps};
        check(shape, steps, paths, threads);
        if (!arrays.contains("increment")) throw Error("yield surface: array increment is missing");
        if (py::isinstance<py::array_t<float>>(arrays["increment"]))
          sweep<float>(shape, steps, paths, floor, rest_rate, rate_floor, arrays, backward, threads);
        else
          sweep<double>(shape, steps, paths, floor, rest_rate, rate_floor, arrays, backward, threads);
      },
      py::arg("backstresses"), py::arg("scalars"), py::arg("width"), py::arg("substeps"), py::arg("steps"),
      py::arg("paths"), py::arg("radius_floor"), py::arg("rest_rate"), py::arg("rate_floor"),
      py::arg("arrays"), py::arg("backward"), py::arg("threads") = 1,
      "One sweep over whole paths, forward or backward (cpp/surrogate/yield_surface_train.h).");
});

}  // namespace
