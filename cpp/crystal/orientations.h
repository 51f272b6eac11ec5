// Seeded orientations, uniform on the rotation group; the same numbers on every machine and compiler.
#pragma once

#include <cstdint>
#include <vector>

namespace pybridge {

// n rotation matrices, row-major, crystal to sample: v_sample = Q v_crystal. Splitmix64 and Shoemake's
// quaternions (Graphics Gems III, 1992).
std::vector<double> uniform_orientations(int n, std::uint64_t seed);

}  // namespace pybridge
