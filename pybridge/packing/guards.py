"""What a packing must keep to while it is prepared and loaded: stiff grains, balanced torques, slow motion.

Limits and measures are those of the packing as a material (cpp/packing/packing_material.h).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from pybridge._core import PackingEngine, PackingMaterialOptions, PackingMeasures
from pybridge.errors import PackingError

_MATERIAL = PackingMaterialOptions()
# Shares of the pressure at the start below which a pressure does not count, as in packing_material.cpp.
LEAST_FOR_ASYMMETRY, LEAST_FOR_INERTIA = 0.01, 1e-6
# Times overlap_max: where loading stops, as the material does. Between the two, single contacts of a sheared packing are
# no longer stiff; what it answers is given all the same.
OVERLAP_STOP = 2


@dataclass(frozen=True)
class Guards:
    """Limits of the largest overlap over the smaller radius, |sigma_ij - sigma_ji| over the pressure, and the
    inertial number. Raises PackingError where one is not > 0.
    """

    overlap_max: float = _MATERIAL.overlap_max
    asymmetry_max: float = _MATERIAL.asymmetry_max
    inertial_max: float = _MATERIAL.inertial_max

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise PackingError(f"guards: {name} is {value:g}, expected > 0")

    def check(self, overlap: float, skewed: float, inertial: float, times: int = 1) -> None:
        """Raises PackingError with what was found, what is allowed (an overlap of `times` overlap_max), what to do;
        not-a-number is never allowed."""
        if not overlap <= times * self.overlap_max:
            name = "overlap_max" if times == 1 else f"{times} overlap_max"
            raise PackingError(
                f"largest overlap {overlap:.3g} of a radius, allowed {times * self.overlap_max:g} ({name}): the grains "
                "are too soft for this pressure; take stiffer grains (young), a lower pressure or less strain, or a "
                "higher overlap_max"
            )
        if not skewed <= self.asymmetry_max:
            raise PackingError(
                f"the stress is unsymmetric by {skewed:.3g} of the pressure, allowed {self.asymmetry_max:g} "
                "(asymmetry_max): torques are out of balance; load slower (inertial_number), or allow a higher "
                "asymmetry_max"
            )
        if not inertial <= self.inertial_max:
            raise PackingError(
                f"inertial number {inertial:.3g}, allowed {self.inertial_max:g} (inertial_max): not quasi-static; load "
                "slower (inertial_number), stop before the packing comes apart, or allow a higher inertial_max"
            )


def read_guards(words: Sequence[str]) -> Guards:
    """Guards from NAME=NUMBER, the others as they are. Raises PackingError."""
    known, chosen = asdict(Guards()), {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            chosen[name] = float(text)
        except ValueError:
            name = ""
        if name not in known:
            raise PackingError(f"guard {word!r}: expected NAME=NUMBER, NAME one of {', '.join(known)}")
    return Guards(**chosen)


def inertial_time(packing: PackingEngine, pressure: float) -> float:
    """d sqrt(rho / p), s: the inertial number is this times the strain rate (d the mean diameter)."""
    return 2 * float(np.mean(packing.radius)) * math.sqrt(packing.parameters.density / pressure)


def mean_pressure(measures: PackingMeasures, dim: int) -> float:
    """-tr sigma / dim, Pa."""
    return -float(np.trace(measures.stress[:dim, :dim])) / dim


def asymmetry(measures: PackingMeasures, dim: int, start_pressure: float) -> float:
    """Largest |sigma_ij - sigma_ji| over the pressure, of which a share of `start_pressure` (Pa) counts at least."""
    s = measures.stress
    most = max(abs(float(s[i, j] - s[j, i])) for i, j in combinations(range(dim), 2))
    return most / max(mean_pressure(measures, dim), LEAST_FOR_ASYMMETRY * start_pressure)
