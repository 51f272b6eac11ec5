// Outcome of a material update at one point. Kernels report it and never throw, print or stop.
#pragma once

#include <stdexcept>
#include <string>

namespace pybridge {

enum class Status : int {
  ok = 0,
  unreliable = 1,  // an answer was given, outside the domain the material was trained or calibrated on
  failed_recoverable = 2,  // no answer; a smaller step may give one
  failed_fatal = 3,  // no answer, whatever the step: bad input (NaN, inverted element) or end of horizon
};

// The worse of two outcomes.
inline Status worse(Status a, Status b) { return static_cast<int>(a) > static_cast<int>(b) ? a : b; }

// Thrown above the kernels (construction, reading a file); it says what was given, what was expected, what to
// do.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace pybridge
