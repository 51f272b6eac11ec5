"""Whether the numbers of a data set can be in one system of units: what a soil at rest and in its first strains must show.

Units that are declared are checked as text by the reader of every data set; these checks find those that were declared and
not kept. Wrong units are wrong by a thousand; what soils differ by is less than FACTOR.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError
from training.mlp_samples import Samples

FACTOR = 30.0


def check_scales(path: Path, samples: Samples, moduli: Mapping[str, float]) -> None:
    """Raises DataSetError where a path starts under tension, where pressures or stiffnesses at rest differ by more than
    FACTOR between paths, where the stiffness at rest is so far from K + 4 G / 3 of the virgin material, or the stress of small
    strains from D : strain (both per path medians of the set)."""
    pressure = -samples.stress[:, 0, :2].mean(axis=1)
    if (bad := np.flatnonzero(pressure <= 0)).size:
        raise DataSetError(
            f"{path}: dataset stress: path {bad[0]} starts with a mean stress of {-pressure[bad[0]]:.3g} Pa; expected compression, "
            "which is negative (tension positive), and pressure above 0"
        )
    stiffness = samples.stiffness[:, 0, [0, 3]].mean(axis=1)
    if (bad := np.flatnonzero(stiffness <= 0)).size:
        raise DataSetError(
            f"{path}: dataset stiffness: path {bad[0]} starts with {stiffness[bad[0]]:.3g} Pa; expected numbers above 0"
        )
    for name, values in (("stress", pressure), ("stiffness", stiffness)):
        ratio = values / np.median(values)
        worst = int(np.abs(np.log(ratio)).argmax())
        if not 1 / FACTOR < ratio[worst] < FACTOR:
            raise DataSetError(
                f"{path}: dataset {name}: path {worst} starts with {values[worst]:.3g} Pa where the median of all paths is "
                f"{np.median(values):.3g} Pa; expected Pa everywhere: are units mixed?"
            )
    _check("stiffness", path, float(np.median(stiffness)), moduli["bulk"] + 4 * moduli["shear"] / 3,
           "K + 4 G / 3 of its provenance")  # fmt: skip
    found, wanted = _early(samples, pressure)
    if len(found):
        _check(
            "stress",
            path,
            float(np.median(found / wanted)),
            1.0,
            "its stiffness times the strain, in small strains",
        )


def _check(name: str, path: Path, found: float, wanted: float, what: str) -> None:
    if not wanted / FACTOR < found < wanted * FACTOR:
        raise DataSetError(
            f"{path}: dataset {name}: {found / wanted:.2g} times {what}; expected about once: is it in Pa?"
        )


def _early(samples: Samples, pressure: NDArray) -> tuple[NDArray, NDArray]:
    """|change of stress| from rest and |D : strain|, of each path's first record where the former is above a hundredth of
    the pressure at rest; none of paths where it is already above a third there."""
    change = np.linalg.norm(samples.stress - samples.stress[:, :1], axis=2) / pressure[:, None]
    record = (change > 0.01).argmax(axis=1)
    rows = np.arange(len(record))
    rows = rows[(change[rows, record] > 0.01) & (change[rows, record] < 1 / 3)]
    record = record[rows]
    d = np.zeros((len(rows), 3, 3))
    upper = np.triu_indices(3)
    d[:, upper[0], upper[1]] = d[:, upper[1], upper[0]] = samples.stiffness[rows, 0]
    strain = samples.strain[rows, record] * [1, 1, 2]
    expected = np.linalg.norm(np.einsum("nij,nj->ni", d, strain), axis=1)
    given = change[rows, record] * pressure[rows]
    moved = expected > 0
    return given[moved], expected[moved]
