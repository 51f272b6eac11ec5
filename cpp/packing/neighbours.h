// The neighbour list: pairs nearer than the sum of their radii and the skin, by a grid of bins.
#pragma once

#include "packing/grains.h"
#include "packing/state.h"

namespace pybridge {

// Largest distance of a listed pair, m. The cell must be twice as wide across each pair of its faces, so that
// two grains are neighbours through one image only.
double list_reach(const Grains& grains, const PackingParameters& parameters);

// Whether the cell is wide enough (and no base vector vanished).
bool cell_wide_enough(const Grains& grains, const PackingParameters& parameters, const double* cell);

// Wraps the grains into the cell and lists the pairs anew; forces of pairs that stay listed are kept. The
// cell must be wide enough.
void build_list(const Grains& grains, const PackingParameters& parameters, PackingState& state);

}  // namespace pybridge
