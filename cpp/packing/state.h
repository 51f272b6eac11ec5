// All that changes in a packing: what a restart file holds, and what a clone copies.
//
// Arrays of structure: component c of grain g at [g + count * c], of pair p at [p + pairs * c]. Grains move
// with the mean field and a fluctuation, v = L x + w; their spin is counted relative to that of L.
#pragma once

#include <vector>

namespace pybridge {

struct PackingState {
  double cell[9] = {};       // base vectors of the periodic cell in columns, row-major [3*row + column], m
  double cell_list[9] = {};  // the cell when the neighbour list was built
  std::vector<double> position;  // [dim] m, not wrapped between two lists
  std::vector<double> velocity;  // [dim] w, m/s
  std::vector<double> spin;      // [1 or 3] rad/s
  std::vector<double> moved;     // [dim] fluctuation since the list was built, m
  // Pairs nearer than the sum of their radii and the skin, ascending in (first, second); first < second.
  std::vector<int> first, second;
  std::vector<unsigned char> image;  // 9 (1 + a) + 3 (1 + b) + 1 + c: second stands a, b, c cells further
  std::vector<double> shear;         // [1 or 3] tangential force on the second grain, N; 2D along (-n_y, n_x)
  std::vector<double> rolling;       // [1 or 3] rolling moment on the first grain, N m; empty without rolling
};

}  // namespace pybridge
