// A packing in motion: grains, contacts, cell. The state it works on belongs to the engine; take it, keep it,
// and give it back later (or to another engine of the same grains) to go on with the same bits.
//
// One step, x the centres, w their fluctuation, A the map of the cell in this step, L = (A - 1) / dt:
//   w += dt (damped(f / m) + W w),   x = A x + dt w,   cell = A cell,   forces at the new places
// Contacts slide by the relative velocity of the surfaces, with L and W = skew L in it: a rotation of the
// whole packing leaves every force as it was, turned. Forces of pairs are added to the grains in the order of
// the list, so that results depend on nothing but the state.
#pragma once

#include <memory>

#include "packing/grains.h"
#include "packing/kernel.h"
#include "packing/measures.h"
#include "packing/state.h"

namespace pybridge {

enum class PackingFault : int { none = 0, exploded = 1, cell_too_small = 2 };

class PackingEngine {
 public:
  // Checks parameters, sizes and indices of the state, and the cell; builds the neighbour list where the
  // state has none. Throws Error.
  PackingEngine(std::shared_ptr<const Grains> grains, const PackingParameters& parameters,
                PackingState state);

  const Grains& grains() const { return *grains_; }
  std::shared_ptr<const Grains> shared_grains() const { return grains_; }
  // A copy has the same state and settles its own workspace when it first moves.
  PackingEngine(const PackingEngine& other);
  PackingEngine& operator=(const PackingEngine& other);

  const PackingParameters& parameters() const { return parameters_; }
  const PackingState& state() const { return state_; }
  PackingState take_state() { return std::move(state_); }  // the engine is of no use afterwards

  // Another friction, damping, or step factor; radii, thickness, density and rolling must stay. Throws Error.
  void set_parameters(const PackingParameters& parameters);

  double time_step() const { return pybridge::time_step(*grains_, parameters_, state_); }

  // `steps` steps of `dt` s under a constant velocity gradient (row-major 3 x 3, 1/s). Where a fault comes
  // the state is not to be used. Adds the work done on the packing, J, to *work unless null.
  PackingFault drive(const double* gradient, double dt, int steps, double* work = nullptr);

  // `steps` steps of `dt` s, at the end of which the cell is `target`, all base vectors moving evenly.
  PackingFault deform(const double* target, double dt, int steps, double* work = nullptr);

  // No fluctuation, no spin.
  void stop();

  int lists_built() const { return lists_built_; }

 private:
  void begin(double dt, const double* gradient, bool power);
  PackingFault advance(const double* map_less_1);
  void pair_constants();
  void load_grains();
  void store_grains();
  void evaluate(double dt);

  std::shared_ptr<const Grains> grains_;
  PackingParameters parameters_;
  PackingState state_;
  PackingStep step_{};
  std::vector<double> grain_, moved_, load_, inverse_;  // as PackingStep says
  std::vector<double> reach_, first_radius_, least_radius_, normal_, tangential_, product_;
  double list_inverse_[9] = {};
  double power_ = 0;  // V sigma : L with the forces as they stand, W
  int lists_built_ = 0;
  bool ready_ = false;  // forces are those of the state
};

}  // namespace pybridge
