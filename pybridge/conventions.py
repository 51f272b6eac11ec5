"""Orders and packings of tensor components: the Python twin of cpp/core/conventions.h.

inside  Mandel:       11, 22, 33, sqrt2 12, sqrt2 23, sqrt2 13
VUMAT   tensor:       11, 22, 33, 12, 23, 31
UMAT    engineering:  11, 22, 33, 12, 13, 23 (strains doubled)
VUMAT F 11, 22, 33, 12, 23, 31, 21, 32, 13
"""

from __future__ import annotations

SYMMETRIC_ROW = (0, 1, 2, 0, 1, 0)
SYMMETRIC_COLUMN = (0, 1, 2, 1, 2, 2)
DEFGRAD_ROW = (0, 1, 2, 0, 1, 2, 1, 2, 0)
DEFGRAD_COLUMN = (0, 1, 2, 1, 2, 0, 0, 1, 2)
UMAT_TO_VUMAT = (0, 1, 2, 3, 5, 4)
