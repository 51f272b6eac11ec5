// Functions of time known at nodes, linear between them, and their exact integrals.
#pragma once

#include <vector>

namespace pybridge {

// `rows` functions at the nodes of `time`; values [rows][nodes], row-major, as in a model file.
class TimeTable {
 public:
  TimeTable() = default;
  TimeTable(const std::vector<double>& time, const std::vector<double>& values, int rows);

  int rows() const { return rows_; }

  // The functions at t, inside the nodes.
  void at(double t, double* out) const;

  // Mean over [start, end], start <= end: the exact integral of the piecewise linear functions divided by
  // end - start; their value for start == end.
  void mean(double start, double end, double* out) const;

 private:
  int node(double t) const;  // largest i < last with time[i] <= t
  double value(int node, int row) const { return values_[index(node, row)]; }
  double at(int node, double fraction, int row) const;
  std::size_t index(int node, int row) const {
    return static_cast<std::size_t>(node) * static_cast<std::size_t>(rows_) + static_cast<std::size_t>(row);
  }

  int rows_ = 0;
  double pieces_per_time_ = 0;
  std::vector<double> time_;
  std::vector<double> values_;    // [nodes][rows]
  std::vector<double> integral_;  // [nodes][rows], from the first node
};

}  // namespace pybridge
