#include "surrogate/time_table.h"

#include <algorithm>

namespace pybridge {

TimeTable::TimeTable(const std::vector<double>& time, const std::vector<double>& values, int rows)
    : rows_(rows), time_(time), values_(values.size()), integral_(values.size()) {
  const int nodes = static_cast<int>(time.size());
  pieces_per_time_ = (nodes - 1) / time.back();
  for (int r = 0; r < rows; ++r)
    for (int i = 0; i < nodes; ++i)
      values_[index(i, r)] = values[static_cast<std::size_t>(r) * time.size() + static_cast<std::size_t>(i)];
  for (int i = 0; i + 1 < nodes; ++i) {
    const double step = time_[static_cast<std::size_t>(i + 1)] - time_[static_cast<std::size_t>(i)];
    for (int r = 0; r < rows; ++r)
      integral_[index(i + 1, r)] = integral_[index(i, r)] + 0.5 * step * (value(i, r) + value(i + 1, r));
  }
}

int TimeTable::node(double t) const {
  const int last_piece = static_cast<int>(time_.size()) - 2;
  // Nodes are mostly equidistant: the piece is then the guessed one or its neighbour.
  const int guess = static_cast<int>(std::clamp(t * pieces_per_time_, 0.0, static_cast<double>(last_piece)));
  for (const int i : {guess, std::max(guess - 1, 0)})
    if (time_[static_cast<std::size_t>(i)] <= t && t < time_[static_cast<std::size_t>(i + 1)]) return i;
  const auto above = std::upper_bound(time_.begin(), time_.end(), t);
  return std::clamp(static_cast<int>(above - time_.begin()) - 1, 0, last_piece);
}

double TimeTable::at(int node, double fraction, int row) const {
  return value(node, row) * (1 - fraction) + value(node + 1, row) * fraction;
}

void TimeTable::at(double t, double* out) const {
  const int i = node(t);
  const double left = time_[static_cast<std::size_t>(i)], right = time_[static_cast<std::size_t>(i + 1)];
  for (int r = 0; r < rows_; ++r) out[r] = at(i, (t - left) / (right - left), r);
}

void TimeTable::mean(double start, double end, double* out) const {
  const int a = node(start), b = node(end);
  const auto time = [&](int i) { return time_[static_cast<std::size_t>(i)]; };
  const double fraction_a = (start - time(a)) / (time(a + 1) - time(a));
  const double fraction_b = (end - time(b)) / (time(b + 1) - time(b));
  const double first = time(a + 1) - start, last = end - time(b), length = end - start;
  for (int r = 0; r < rows_; ++r) {
    const double value_a = at(a, fraction_a, r), value_b = at(b, fraction_b, r);
    // Within one piece the integral is a trapezium; a difference of cumulated integrals would lose digits
    // there.
    if (a == b || length <= 0) {
      out[r] = 0.5 * (value_a + value_b);
    } else {
      const double whole = integral_[index(b, r)] - integral_[index(a + 1, r)];
      out[r] =
          (0.5 * first * (value_a + value(a + 1, r)) + whole + 0.5 * last * (value(b, r) + value_b)) / length;
    }
  }
}

}  // namespace pybridge
