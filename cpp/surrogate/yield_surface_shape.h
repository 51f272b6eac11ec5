// Numbers of the learned yield surface.
#pragma once

namespace pybridge {

struct YieldShape {
  int backstresses, scalars, width, substeps;

  constexpr int back() const { return 5 * backstresses; }
  constexpr int states() const { return back() + scalars; }
  constexpr int inputs() const { return 6 + states() + backstresses; }
  constexpr int outputs() const { return 7 + states(); }
};

constexpr int yield_states_max = 50, yield_width_max = 128, yield_substeps_max = 8, yield_pieces_max = 32;
constexpr int yield_inputs_max = 6 + yield_states_max + yield_states_max / 5;

}  // namespace pybridge
