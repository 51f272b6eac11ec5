"""VUMAT's arguments in order, with the number of values of each: the one place where Python spells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sizes:
    """Counts of a call: points, direct and shear components, state variables, fields, constants."""

    n: int
    direct: int = 3
    shear: int = 3
    states: int = 0
    fields: int = 0
    constants: int = 0

    @property
    def components(self) -> int:
        """Components of a symmetric tensor."""
        return self.direct + self.shear


@dataclass(frozen=True)
class Argument:
    """One argument: its name, kind ("int", "real", "text"), components a point, and number of values."""

    name: str
    kind: str
    components: Callable[[Sizes], int]
    per_point: bool = True
    output: bool = False

    def count(self, sizes: Sizes) -> int:
        """Number of values."""
        return self.components(sizes) * (sizes.n if self.per_point else 1)


def _tensor(name: str, output: bool = False) -> Argument:
    return Argument(name, "real", lambda s: s.components, output=output)


def _scalar(name: str, output: bool = False) -> Argument:
    return Argument(name, "real", lambda s: 1, output=output)


def _defgrad(name: str) -> Argument:
    return Argument(name, "real", lambda s: s.direct + 2 * s.shear)


def _states(name: str, output: bool = False) -> Argument:
    return Argument(name, "real", lambda s: s.states, output=output)


def _fields(name: str) -> Argument:
    return Argument(name, "real", lambda s: s.fields)


def _one(name: str, kind: str) -> Argument:
    return Argument(name, kind, lambda s: 1, per_point=False)


# nblock, lanneal and dt have the length of the arrays that newer hosts pass in their places; the first entry means
# the same in both.
ARGUMENTS: tuple[Argument, ...] = (
    Argument("nblock", "int", lambda s: s.n + 4, per_point=False),
    _one("ndir", "int"), _one("nshr", "int"), _one("nstatev", "int"), _one("nfieldv", "int"), _one("nprops", "int"),
    Argument("lanneal", "int", lambda s: s.n + 6, per_point=False),
    _one("stepTime", "real"), _one("totalTime", "real"),
    Argument("dt", "real", lambda s: 2 * s.n + 1, per_point=False),
    Argument("cmname", "text", lambda s: 80, per_point=False),
    Argument("coordMp", "real", lambda s: s.direct), _scalar("charLength"),
    Argument("props", "real", lambda s: s.constants, per_point=False),
    _scalar("density"), _tensor("strainInc"), Argument("relSpinInc", "real", lambda s: s.shear), _scalar("tempOld"),
    _tensor("stretchOld"), _defgrad("defgradOld"), _fields("fieldOld"), _tensor("stressOld"), _states("stateOld"),
    _scalar("enerInternOld"), _scalar("enerInelasOld"), _scalar("tempNew"), _tensor("stretchNew"),
    _defgrad("defgradNew"), _fields("fieldNew"),
    _tensor("stressNew", output=True), _states("stateNew", output=True),
    _scalar("enerInternNew", output=True), _scalar("enerInelasNew", output=True),
)  # fmt: skip

NAMES = tuple(argument.name for argument in ARGUMENTS)


def padded_name(name: str) -> bytes:
    """A material's name as Abaqus passes it: upper case, 80 characters, blank-padded."""
    return name.upper().encode("ascii", "replace").ljust(80)[:80]


def default_arguments(sizes: Sizes, dtype: np.dtype, name: str, constants: list[float]) -> dict[str, NDArray]:
    """All arguments as flat arrays: counts, name and constants set, U = F = 1, density 1, everything else zero."""
    kinds = {"int": np.dtype(np.int32), "real": dtype, "text": np.dtype(np.uint8)}
    arrays = {a.name: np.zeros(max(a.count(sizes), 1), kinds[a.kind]) for a in ARGUMENTS}
    for key, value in (
        ("ndir", sizes.direct), ("nshr", sizes.shear), ("nstatev", sizes.states), ("nfieldv", sizes.fields),
        ("nprops", sizes.constants),
    ):  # fmt: skip
        arrays[key][0] = value
    arrays["nblock"][:4] = sizes.n, 1, 1, 1
    arrays["nblock"][4:] = arrays["lanneal"][6:] = np.arange(1, sizes.n + 1)
    arrays["lanneal"][:6] = 0, 1, 1, 1, 0, 7
    arrays["cmname"][:] = np.frombuffer(padded_name(name), np.uint8)
    if constants:
        arrays["props"][:] = constants
    for key in ("stretchOld", "stretchNew", "defgradOld", "defgradNew"):
        arrays[key][: 3 * sizes.n] = 1
    arrays["density"][:] = arrays["charLength"][:] = 1
    return arrays
