// Slip and twin systems of a hexagonal crystal, in the crystal's frame: a1 along x, c along z.
#pragma once

#include <array>

#include "crystal/parameters.h"

namespace pybridge {

using Vector3 = std::array<double, 3>;

struct System {
  Vector3 direction;  // s, unit
  Vector3 normal;     // m, unit
};

// 3 basal {0001}<11-20>, 3 prismatic {10-10}<11-20>, 6 pyramidal {11-22}<11-23>.
std::array<System, slip_count> slip_systems(double c_over_a);

// 6 tensile twins {10-12}<-1011>; positive shear extends the c axis.
std::array<System, twin_count> twin_systems(double c_over_a);

// The same system in volume twinned across the plane of normal `plane`: both vectors reflected.
System reflected(const System& system, const Vector3& plane);

}  // namespace pybridge
