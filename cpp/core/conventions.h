// The one place for orders and packings of tensor components (Python twin: pybridge/conventions.py).
//
//   inside        Mandel:        11, 22, 33, sqrt2 12, sqrt2 23, sqrt2 13
//   block         tensor:        11, 22, 33, 12, 23, 13 (VUMAT's 31 is the same number); torch layouts too
//   VUMAT, 2D     tensor:        11, 22, 33, 12
//   UMAT          engineering:   11, 22, 33, 12, 13, 23 (strains doubled, stresses not); 2D 11, 22, 33, 12
//   VUMAT F       11, 22, 33, 12, 23, 31, 21, 32, 13; 2D 11, 22, 33, 12, 21
//   UMAT F        3 x 3, column-major
//
// Component c of a point stands at [c * stride]: a block's stride, or 1 for one point's own array.
#pragma once

namespace pybridge {

constexpr double sqrt2 = 1.41421356237309504880;

// Row and column of each component of a symmetric tensor, here and in VUMAT.
constexpr int symmetric_row[6] = {0, 1, 2, 0, 1, 0};
constexpr int symmetric_column[6] = {0, 1, 2, 1, 2, 2};

// Position in VUMAT's order of each of UMAT's components (and the other way round: it is its own inverse).
constexpr int umat_to_vumat[6] = {0, 1, 2, 3, 5, 4};

// Row and column of each component of VUMAT's deformation gradient, 3D and 2D.
constexpr int defgrad_row[9] = {0, 1, 2, 0, 1, 2, 1, 2, 0};
constexpr int defgrad_column[9] = {0, 1, 2, 1, 2, 0, 0, 1, 2};
constexpr int defgrad_2d_row[5] = {0, 1, 2, 0, 1};
constexpr int defgrad_2d_column[5] = {0, 1, 2, 1, 0};

}  // namespace pybridge
