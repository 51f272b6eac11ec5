#include "crystal/orientations.h"

#include <cmath>

namespace pybridge {

namespace {

class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  double uniform() {  // in [0, 1), 53 bits
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return static_cast<double>(z >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

void append_rotation(std::vector<double>& out, double x, double y, double z, double w) {
  const double q[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - z * w),     2 * (x * z + y * w),
                       2 * (x * y + z * w),     1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
                       2 * (x * z - y * w),     2 * (y * z + x * w),     1 - 2 * (x * x + y * y)};
  out.insert(out.end(), q, q + 9);
}

}  // namespace

std::vector<double> uniform_orientations(int n, std::uint64_t seed) {
  constexpr double two_pi = 6.28318530717958647692;
  SplitMix64 random(seed);
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(n) * 9);
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    const double a = two_pi * random.uniform();
    const double b = two_pi * random.uniform();
    const double r = std::sqrt(1 - u), s = std::sqrt(u);
    append_rotation(out, r * std::sin(a), r * std::cos(a), s * std::sin(b), s * std::cos(b));
  }
  return out;
}

}  // namespace pybridge
