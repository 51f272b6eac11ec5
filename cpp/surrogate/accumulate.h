// Sums of thousands of small increments in the precision of the state, without drift.
#pragma once

#include <cstdint>
#include <cstring>

namespace pybridge {

// A number in [0, 2^29) that depends on the time of the step and the row alone, so that all points and all
// blocks of a step share it (SplitMix64).
inline std::uint64_t dither(double time, int row) {
  std::uint64_t x;
  std::memcpy(&x, &time, sizeof x);
  x ^= static_cast<std::uint64_t>(row) << 32;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return (x ^ (x >> 31)) >> 35;
}

// old + weight * inc. Double rounds to nearest and has digits to spare. In float, equal increments of a
// steady loading would be rounded to nearest the same way in every step, an error that grows with the number
// of steps (1e-4 after 10,000); so the sum is rounded up or down with the probability of its remainder, and
// errors cancel.
inline double accumulated(double old, double weight, double inc, std::uint64_t) { return old + weight * inc; }

inline float accumulated(float old, double weight, float inc, std::uint64_t dither_bits) {
  constexpr std::uint64_t remainder = (1ull << 29) - 1;  // digits that double has beyond float
  double sum = static_cast<double>(old) + weight * static_cast<double>(inc);
  std::uint64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  bits = (bits + dither_bits) & ~remainder;
  std::memcpy(&sum, &bits, sizeof sum);
  return static_cast<float>(sum);
}

}  // namespace pybridge
