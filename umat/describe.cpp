// What a material says about itself, for hosts that can ask: the same text that a deck needs to be written
// from.
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

#include "abaqus_names.h"
#include "host_routines.h"
#include "material_cache.h"

namespace pybridge::abaqus {

namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    char escaped[8] = {c, '\0'};
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20)
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
    result += escaped;
  }
  return result + "\"";
}

std::string json_number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return std::isinf(value) ? "Infinity" : text;
}

std::string describe(const DeckMaterial& deck) {
  std::string states;
  for (const StateVariable& variable : deck.material->state_schema())
    states += (states.empty() ? "" : ", ") + std::string("{\"name\": ") + quoted(variable.name) +
              ", \"count\": " + std::to_string(variable.count) + ", \"unit\": " + quoted(variable.unit) +
              ", \"description\": " + quoted(variable.description) + "}";
  const ElasticModuli moduli = deck.moduli();
  const Domain domain = deck.material->domain();
  return "{\"states\": [" + states + "], \"bulk\": " + json_number(moduli.bulk) +
         ", \"shear\": " + json_number(moduli.shear) + ", \"strain_max\": " + json_number(domain.strain_max) +
         ", \"rate_max\": " + json_number(domain.rate_max * deck.time_unit) +
         ", \"time_max\": " + json_number(domain.time_max / deck.time_unit) + "}";
}

}  // namespace

}  // namespace pybridge::abaqus

// One line of JSON: states (name, count, unit, description), bulk, shear, strain_max, rate_max, time_max, in
// the deck's units. `name` as in vumat_, 80 characters. Null with the reason in pybridge_last_error; the text
// is the calling thread's until its next call.
PYBRIDGE_EXPORT const char* pybridge_describe(const char* name, const pybridge::abaqus::Real* props,
                                              int constants) {
  using namespace pybridge::abaqus;
  thread_local std::string text;
  clear_last_error();
  try {
    text = describe(find_material(name, props, constants));
    return text.c_str();
  } catch (const std::exception& error) {
    stop(error.what());
    return nullptr;
  }
}
