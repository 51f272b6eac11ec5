// The Python module pybridge._core. Each subject registers its own bindings (registrar.h) in a file beside
// this one.
#include <pybind11/pybind11.h>

#include <algorithm>

#include "core/isa.h"
#include "core/status.h"
#include "registrar.h"

namespace py = pybind11;

std::vector<Registrar::Entry>& Registrar::entries() {
  static std::vector<Entry> list;
  return list;
}

PYBIND11_MODULE(_core, m) {
  m.doc() = "Compiled kernels of pybridge.";
  py::register_exception<pybridge::Error>(m, "MaterialError", PyExc_ValueError);
  m.def(
      "active_isa", [] { return pybridge::isa_name(pybridge::active_isa()); },
      "Instruction set in use: baseline, avx2 or avx512.");
  auto& entries = Registrar::entries();
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
  for (const auto& entry : entries) entry.bind(m);
}
