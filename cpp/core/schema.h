// What a material says about itself: its state variables, elastic moduli, and the domain it may be trusted
// in.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace pybridge {

// One named entry of the state; `count` consecutive components. A state of zeros is the virgin material:
// hosts such as Abaqus start with zeros, so whatever is not zero in the virgin material is stored as its
// difference.
struct StateVariable {
  std::string name;         // snake_case, the same in C++, Python, decks and results
  int count;                // components
  std::string unit;         // SI, "1" where dimensionless
  std::string description;  // one line, for people
};

using StateSchema = std::vector<StateVariable>;

inline int state_size(const StateSchema& schema) {
  int size = 0;
  for (const StateVariable& variable : schema) size += variable.count;
  return size;
}

// Isotropic moduli of the virgin material, Pa: for the wave speed and for Abaqus's data-check call.
struct ElasticModuli {
  double bulk;   // K = lambda + 2 G / 3
  double shear;  // G
};

// Range a material was trained or calibrated on; infinite where it is not limited.
struct Domain {
  double strain_max = std::numeric_limits<double>::infinity();  // |U - I|, Frobenius norm
  double rate_max = std::numeric_limits<double>::infinity();    // |dU/dt|, Frobenius norm, 1/s
  double time_max = std::numeric_limits<double>::infinity();    // s since the virgin state; fatal beyond
};

}  // namespace pybridge
