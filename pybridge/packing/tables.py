"""Loading programs as tables (CSV): what `pybridge packing test` writes, and the strain paths it reads.

Strains are the components of the logarithmic strain tensor, stresses Pa, both positive in tension.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import SYMMETRIC_NAMES, block_to_matrix, matrix_to_block
from pybridge.errors import PackingError
from pybridge.packing.records import History

STRAINS, STRESSES = ([f"{kind}_{k}" for k in SYMMETRIC_NAMES] for kind in ("strain", "stress"))
PLANE = [name for name in STRAINS if "3" not in name]
ROUNDING = 15  # decimals of a strain that mean something


def history_table(history: History) -> str:
    """The records as CSV, one line each below a line of names. Shear stresses are the means of ij and ji."""
    left = np.einsum("nij,nkj->nik", history.deformation, history.deformation)  # F F^T = V^2
    values, vectors = np.linalg.eigh(left)
    strain = np.einsum("nij,nj,nkj->ikn", vectors, 0.5 * np.log(values), vectors).round(ROUNDING) + 0.0
    stress = (0.5 * (history.stress + history.stress.transpose(0, 2, 1))).transpose(1, 2, 0)
    tensors = dict(zip(STRAINS + STRESSES, [*matrix_to_block(strain), *matrix_to_block(stress)], strict=True))
    columns = {name: tensors[name] for name in STRAINS[:3] + STRESSES[:3]}
    columns |= {
        "void_ratio": history.void_ratio,
        "coordination": history.coordination,
        "stress_error": history.error,
    }
    columns |= {name: tensors[name] for name in STRAINS[3:] + STRESSES[3:]}
    columns |= {
        "overlap": history.overlap,
        "asymmetry": history.asymmetry,
        "inertial_number": history.inertial_number,
    }
    rows = np.column_stack(list(columns.values()))
    return "\n".join([",".join(columns), *(",".join(f"{v:.9g}" for v in row) for row in rows)]) + "\n"


def read_stretches(path: Path, dim: int) -> NDArray[np.float64]:
    """(n, 3, 3) stretches U = exp(E) of a table with columns strain_11, strain_22, ..., strain_13; missing ones are 0.

    Columns that are no strains are left out, so that a table written here can be followed with another packing.
    Raises PackingError naming file and line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.DictReader(stream, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise PackingError(f"{path}: cannot be read as a table of strains: {fault}") from fault
    known = PLANE if dim == 2 else STRAINS
    names = [name for name in (lines[0] if lines else []) if name and name.startswith("strain_")]
    if not names or not set(names) <= set(STRAINS):
        raise PackingError(
            f"{path}: expected a line of names, some of {', '.join(known)}, and a line of numbers for each record; got "
            f"{', '.join(names) or 'no name that begins with strain_ and no numbers below'}"
        )
    block = np.zeros((6, len(lines)))
    for number, line in enumerate(lines):
        for name in names:
            value = _number(line[name])
            if value is None or (value != 0 and name not in known):
                expected = "a finite number" if name in known else f"0: disks know {', '.join(known)} only"
                raise PackingError(
                    f"{path}, line {number + 2}: {name} is {line[name]!r}, expected {expected}"
                )
            block[STRAINS.index(name), number] = value
    values, vectors = np.linalg.eigh(block_to_matrix(block).transpose(2, 0, 1))
    return np.einsum("nij,nj,nkj->nik", vectors, np.exp(values), vectors)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
