// Lets each file of bindings register itself: static Registrar registrar(10, [](py::module_& m) { ... });
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <utility>
#include <vector>

struct Registrar {
  struct Entry {
    int order;  // smaller first: base classes (0) before materials (10) before the rest (20)
    std::function<void(pybind11::module_&)> bind;
  };
  Registrar(int order, std::function<void(pybind11::module_&)> bind) {
    entries().push_back({order, std::move(bind)});
  }
  static std::vector<Entry>& entries();
};
