#include "crystal/systems.h"

#include <cmath>

namespace pybridge {

namespace {

constexpr double pi = 3.14159265358979323846;

Vector3 unit(double x, double y, double z) {
  const double length = std::sqrt(x * x + y * y + z * z);
  return {x / length, y / length, z / length};
}

}  // namespace

std::array<System, slip_count> slip_systems(double c_over_a) {
  std::array<System, slip_count> systems;
  for (int k = 0; k < 3; ++k) {
    const double x = std::cos(2 * pi * k / 3), y = std::sin(2 * pi * k / 3);
    systems[static_cast<std::size_t>(k)] = {{x, y, 0}, {0, 0, 1}};
    systems[static_cast<std::size_t>(k + 3)] = {{x, y, 0}, {-y, x, 0}};
  }
  for (int k = 0; k < 6; ++k) {
    const double x = std::cos(pi * k / 3), y = std::sin(pi * k / 3);
    systems[static_cast<std::size_t>(k + 6)] = {unit(x, y, -c_over_a), unit(c_over_a * x, c_over_a * y, 1)};
  }
  return systems;
}

std::array<System, twin_count> twin_systems(double c_over_a) {
  std::array<System, twin_count> systems;
  const double root = std::sqrt(3.0);
  for (int k = 0; k < twin_count; ++k) {
    const double x = std::cos(pi * (2 * k + 1) / 6), y = std::sin(pi * (2 * k + 1) / 6);
    systems[static_cast<std::size_t>(k)] = {unit(-root * x, -root * y, c_over_a),
                                            unit(c_over_a * x, c_over_a * y, root)};
  }
  return systems;
}

System reflected(const System& system, const Vector3& plane) {
  auto mirror = [&plane](const Vector3& v) {
    const double along = v[0] * plane[0] + v[1] * plane[1] + v[2] * plane[2];
    return Vector3{v[0] - 2 * along * plane[0], v[1] - 2 * along * plane[1], v[2] - 2 * along * plane[2]};
  };
  return {mirror(system.direction), mirror(system.normal)};
}

}  // namespace pybridge
