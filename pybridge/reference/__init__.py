"""Float64 NumPy references of the built-in laws: written for reading, independent of the compiled kernels.

`make_law(name, constants)` answers with an object of the material contract (pybridge.material.Material), so that
one scenario runs through the reference and through every host.
"""

from __future__ import annotations

from collections.abc import Sequence

from pybridge.errors import PybridgeError
from pybridge.reference.elastic import Elastic
from pybridge.reference.j2 import J2
from pybridge.reference.johnson_cook import JohnsonCook
from pybridge.reference.law import ReferenceLaw

LAWS: dict[str, type[ReferenceLaw]] = {
    "PYBRIDGE_ELASTIC": Elastic,
    "PYBRIDGE_J2": J2,
    "PYBRIDGE_JOHNSON_COOK": JohnsonCook,
}


def make_law(name: str, constants: Sequence[float]) -> ReferenceLaw:
    """The reference of a built-in law; `name` may carry a suffix, as in pybridge._core.make_law.

    Raises PybridgeError for a law without a reference.
    """
    for law, kind in LAWS.items():
        if name == law or name.startswith((law + "_", law + "-")):
            return kind(constants)
    raise PybridgeError(f"{name}: no reference of this law; there are {', '.join(LAWS)}")


__all__ = ["J2", "LAWS", "Elastic", "JohnsonCook", "ReferenceLaw", "make_law"]
