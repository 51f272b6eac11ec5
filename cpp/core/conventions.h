// The one place for orders and packings of tensor components (Python twin: pybridge/conventions.py).
//
//   here inside   Mandel:        11, 22, 33, sqrt2 12, sqrt2 23, sqrt2 13
//   VUMAT         tensor:        11, 22, 33, 12, 23, 31
//   UMAT          engineering:   11, 22, 33, 12, 13, 23 (strains doubled)
//   VUMAT F       11, 22, 33, 12, 23, 31, 21, 32, 13
#pragma once

namespace pybridge {

constexpr double sqrt2 = 1.41421356237309504880;

// Row and column of each component of a symmetric tensor, here and in VUMAT.
constexpr int symmetric_row[6] = {0, 1, 2, 0, 1, 0};
constexpr int symmetric_column[6] = {0, 1, 2, 1, 2, 2};

// Position in VUMAT's order of each of UMAT's components.
constexpr int umat_to_vumat[6] = {0, 1, 2, 3, 5, 4};

// Row and column of each component of VUMAT's deformation gradient.
constexpr int defgrad_row[9] = {0, 1, 2, 0, 1, 2, 1, 2, 0};
constexpr int defgrad_column[9] = {0, 1, 2, 1, 2, 0, 0, 1, 2};

}  // namespace pybridge
