#include "packing/neighbours.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "packing/cell.h"

namespace pybridge {

namespace {

using Size = std::size_t;

Size at(int index) { return static_cast<Size>(index); }

void widths(const double* cell, double out[3]) {
  double inverse[9];
  invert(cell, inverse);
  for (int k = 0; k < 3; ++k)
    out[k] = 1 / std::sqrt(inverse[3 * k] * inverse[3 * k] + inverse[3 * k + 1] * inverse[3 * k + 1] +
                           inverse[3 * k + 2] * inverse[3 * k + 2]);
}

// Wraps all grains into the cell; reduced coordinates [3][count], each in [0, 1).
std::vector<double> wrap(const Grains& grains, PackingState& state) {
  double inverse[9];
  invert(state.cell, inverse);
  const int n = grains.count, dim = grains.dim;
  std::vector<double> reduced(at(3 * n), 0.0);
  for (int i = 0; i < n; ++i) {
    double turns[3] = {0, 0, 0};
    for (int k = 0; k < dim; ++k) {
      double s = 0;
      for (int c = 0; c < dim; ++c) s += inverse[3 * k + c] * state.position[at(i + n * c)];
      turns[k] = std::floor(s);
      s -= turns[k];
      if (s >= 1) s = 0;
      reduced[at(i + n * k)] = s;
    }
    for (int c = 0; c < dim; ++c)
      for (int k = 0; k < dim; ++k) state.position[at(i + n * c)] -= state.cell[3 * c + k] * turns[k];
  }
  return reduced;
}

// Grains sorted by bin: members of bin b are order[start[b]] .. order[start[b + 1] - 1].
struct Bins {
  int count[3] = {1, 1, 1};
  std::vector<int> of, start, order;

  Bins(const Grains& grains, const double* cell, double reach, const std::vector<double>& reduced) {
    double wide[3];
    widths(cell, wide);
    const int n = grains.count;
    const int most =
        std::max(3, grains.dim == 2 ? static_cast<int>(std::sqrt(n)) : static_cast<int>(std::cbrt(n)));
    // In floating point first: a cell that has blown up has more bins than an int can count.
    for (int k = 0; k < grains.dim; ++k)
      count[k] = std::max(1, static_cast<int>(std::min<double>(most, wide[k] / reach)));
    of.resize(at(n));
    start.assign(at(count[0] * count[1] * count[2] + 1), 0);
    for (int i = 0; i < n; ++i) {
      int bin = 0;
      for (int k = 0; k < 3; ++k) {
        const double place = reduced[at(i + n * k)] * count[k];
        bin = bin * count[k] + (place >= 0 && place < count[k] ? static_cast<int>(place) : 0);
      }
      of[at(i)] = bin;
      ++start[at(bin + 1)];
    }
    for (Size b = 1; b < start.size(); ++b) start[b] += start[b - 1];
    order.resize(at(n));
    std::vector<int> next(start.begin(), start.end() - 1);
    for (int i = 0; i < n; ++i) order[at(next[at(of[at(i)])]++)] = i;
  }

  // The bins around `bin` and itself, each once.
  int around(int bin, int out[27]) const {
    const int place[3] = {bin / (count[1] * count[2]), bin / count[2] % count[1], bin % count[2]};
    int total = 0;
    int steps[3][3], kinds[3];
    for (int k = 0; k < 3; ++k) {
      kinds[k] = std::min(3, count[k]);
      for (int s = 0; s < kinds[k]; ++s)
        steps[k][s] = count[k] < 3 ? s : (place[k] + s + count[k] - 1) % count[k];
    }
    for (int a = 0; a < kinds[0]; ++a)
      for (int b = 0; b < kinds[1]; ++b)
        for (int c = 0; c < kinds[2]; ++c)
          out[total++] = (steps[0][a] * count[1] + steps[1][b]) * count[2] + steps[2][c];
    return total;
  }
};

struct Candidate {
  int second;
  unsigned char image;
};

struct NewList {
  std::vector<int> first, second, kept;  // kept: index in the old list, -1 for a new pair
  std::vector<unsigned char> image;
};

// Candidates of grain i with a larger index, ascending.
void find(const Grains& grains, const PackingState& state, const std::vector<double>& reduced,
          const Bins& bins, double skin, int i, std::vector<Candidate>& out) {
  const int n = grains.count, dim = grains.dim;
  out.clear();
  int near[27];
  const int total = bins.around(bins.of[at(i)], near);
  for (int b = 0; b < total; ++b)
    for (int m = bins.start[at(near[b])]; m < bins.start[at(near[b] + 1)]; ++m) {
      const int j = bins.order[at(m)];
      if (j <= i) continue;
      double image[3] = {0, 0, 0};
      for (int k = 0; k < dim; ++k)
        image[k] = -std::nearbyint(reduced[at(j + n * k)] - reduced[at(i + n * k)]);
      double square = 0;
      for (int c = 0; c < dim; ++c) {
        double d = state.position[at(j + n * c)] - state.position[at(i + n * c)];
        for (int k = 0; k < dim; ++k) d += state.cell[3 * c + k] * image[k];
        square += d * d;
      }
      const double reach = grains.radius[at(i)] + grains.radius[at(j)] + skin;
      if (square < reach * reach)
        out.push_back(
            {j, static_cast<unsigned char>(13 + 9 * static_cast<int>(image[0]) +
                                           3 * static_cast<int>(image[1]) + static_cast<int>(image[2]))});
    }
  std::sort(out.begin(), out.end(),
            [](const Candidate& a, const Candidate& b) { return a.second < b.second; });
}

std::vector<double> carried(const std::vector<double>& old, Size old_pairs, const std::vector<int>& kept) {
  const Size components = old_pairs == 0 ? 0 : old.size() / old_pairs, pairs = kept.size();
  std::vector<double> out(components * pairs, 0.0);
  for (Size p = 0; p < pairs; ++p)
    if (kept[p] >= 0)
      for (Size c = 0; c < components; ++c) out[p + pairs * c] = old[at(kept[p]) + old_pairs * c];
  return out;
}

}  // namespace

double list_reach(const Grains& grains, const PackingParameters& parameters) {
  return 2 * grains.radius_max + parameters.skin * grains.radius_mean;
}

bool cell_wide_enough(const Grains& grains, const PackingParameters& parameters, const double* cell) {
  if (!(determinant(cell) > 0)) return false;
  double wide[3];
  widths(cell, wide);
  for (int k = 0; k < grains.dim; ++k)
    if (!(wide[k] >= 2 * list_reach(grains, parameters))) return false;
  return true;
}

void build_list(const Grains& grains, const PackingParameters& parameters, PackingState& state) {
  const double skin = parameters.skin * grains.radius_mean;
  const std::vector<double> reduced = wrap(grains, state);
  const Bins bins(grains, state.cell, list_reach(grains, parameters), reduced);
  const int turns = grains.dim == 2 ? 1 : 3;
  const bool rolling = parameters.rolling_friction > 0;
  NewList list;
  std::vector<Candidate> found;
  Size old = 0;
  for (int i = 0; i < grains.count; ++i) {
    find(grains, state, reduced, bins, skin, i, found);
    while (old < state.first.size() && state.first[old] < i) ++old;
    Size next = old;
    for (const Candidate& candidate : found) {
      while (next < state.first.size() && state.first[next] == i && state.second[next] < candidate.second)
        ++next;
      const bool known =
          next < state.first.size() && state.first[next] == i && state.second[next] == candidate.second;
      list.first.push_back(i);
      list.second.push_back(candidate.second);
      list.image.push_back(candidate.image);
      list.kept.push_back(known ? static_cast<int>(next) : -1);
    }
  }
  state.shear = carried(state.shear, state.first.size(), list.kept);
  state.shear.resize(list.first.size() * at(turns), 0.0);
  state.rolling = carried(state.rolling, state.first.size(), list.kept);
  state.rolling.resize(rolling ? list.first.size() * at(turns) : 0, 0.0);
  state.first = std::move(list.first);
  state.second = std::move(list.second);
  state.image = std::move(list.image);
  state.moved.assign(at(grains.dim * grains.count), 0.0);
  std::copy(state.cell, state.cell + 9, state.cell_list);
}

}  // namespace pybridge
