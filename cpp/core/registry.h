// Built-in laws by name, and model files by path: the one place where a host gets a material from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/material.h"

namespace pybridge {

struct LawDescription {
  std::string name;         // as in *MATERIAL, NAME=..., upper case: "PYBRIDGE_J2"
  std::string description;  // one line, for people
  std::string constants;    // names and units of the constants, in order
};

// All built-in laws.
const std::vector<LawDescription>& built_in_laws();

// A built-in law from its name and constants (SI or any consistent system: the law's answer is in the units
// of its constants). `name` may carry a suffix after the law's name, "PYBRIDGE_J2_COPPER", to tell materials
// apart. Throws Error: unknown name, wrong number of constants, a constant out of range.
template <class Real>
std::unique_ptr<const Material<Real>> make_law(const std::string& name, const std::vector<double>& constants);

// True where `name` is a built-in law's name, with or without a suffix.
bool is_built_in_law(const std::string& name);

enum class Engine { native, torchscript };

// A surrogate from its model file. Throws Error: missing, truncated, altered or too new file, unknown kind.
template <class Real>
std::unique_ptr<const Material<Real>> load_model(const std::string& path, Engine engine);

}  // namespace pybridge
