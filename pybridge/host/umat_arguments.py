"""UMAT's arguments in order, with the number of values of each: the one place where Python spells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import HostError
from pybridge.host.arguments import padded_name


@dataclass(frozen=True)
class UmatSizes:
    """Counts of a call: direct and shear components, state variables, constants."""

    direct: int = 3
    shear: int = 3
    states: int = 0
    constants: int = 0

    @property
    def components(self) -> int:
        """Components of a symmetric tensor, NTENS."""
        return self.direct + self.shear


@dataclass(frozen=True)
class UmatArgument:
    """One argument: its name, kind ("int", "real", "text"), number of values, and whether UMAT may change it."""

    name: str
    kind: str
    count: Callable[[UmatSizes], int]
    output: bool = False


def _one(name: str, kind: str = "real", output: bool = False) -> UmatArgument:
    return UmatArgument(name, kind, lambda s: 1, output)


def _tensor(name: str, output: bool = False) -> UmatArgument:
    return UmatArgument(name, "real", lambda s: s.components, output)


def _matrix(name: str) -> UmatArgument:
    return UmatArgument(name, "real", lambda s: 9)


# PREDEF and DPRED have the length of the fields, of which this host passes none. JSTEP: step, procedure, NLGEOM,
# linear perturbation.
UMAT_ARGUMENTS: tuple[UmatArgument, ...] = (
    _tensor("STRESS", output=True), UmatArgument("STATEV", "real", lambda s: s.states, output=True),
    UmatArgument("DDSDDE", "real", lambda s: s.components**2, output=True),
    _one("SSE", output=True), _one("SPD", output=True), _one("SCD", output=True), _one("RPL", output=True),
    _tensor("DDSDDT", output=True), _tensor("DRPLDE", output=True), _one("DRPLDT", output=True),
    _tensor("STRAN"), _tensor("DSTRAN"), UmatArgument("TIME", "real", lambda s: 2), _one("DTIME"), _one("TEMP"),
    _one("DTEMP"), _one("PREDEF"), _one("DPRED"), UmatArgument("CMNAME", "text", lambda s: 80),
    _one("NDI", "int"), _one("NSHR", "int"), _one("NTENS", "int"), _one("NSTATV", "int"),
    UmatArgument("PROPS", "real", lambda s: s.constants), _one("NPROPS", "int"),
    UmatArgument("COORDS", "real", lambda s: 3), _matrix("DROT"), _one("PNEWDT", output=True), _one("CELENT"),
    _matrix("DFGRD0"), _matrix("DFGRD1"), _one("NOEL", "int"), _one("NPT", "int"), _one("LAYER", "int"),
    _one("KSPT", "int"), UmatArgument("JSTEP", "int", lambda s: 4), _one("KINC", "int"),
)  # fmt: skip

UMAT_NAMES = tuple(argument.name for argument in UMAT_ARGUMENTS)
_DTYPES = {"int": np.dtype(np.int32), "real": np.dtype(np.float64), "text": np.dtype(np.uint8)}


def default_umat_arguments(sizes: UmatSizes, name: str, constants: list[float]) -> dict[str, NDArray]:
    """All arguments as flat arrays: counts, name and constants set, F = DROT = 1, PNEWDT = 1, the rest zero."""
    arrays = {a.name: np.zeros(max(a.count(sizes), 1), _DTYPES[a.kind]) for a in UMAT_ARGUMENTS}
    for key, value in (
        ("NDI", sizes.direct), ("NSHR", sizes.shear), ("NTENS", sizes.components), ("NSTATV", sizes.states),
        ("NPROPS", sizes.constants),
    ):  # fmt: skip
        arrays[key][0] = value
    arrays["CMNAME"][:] = np.frombuffer(padded_name(name), np.uint8)
    if constants:
        arrays["PROPS"][:] = constants
    for key in ("DROT", "DFGRD0", "DFGRD1"):
        arrays[key][[0, 4, 8]] = 1
    for key in ("PNEWDT", "CELENT", "NOEL", "NPT", "LAYER", "KSPT", "KINC"):
        arrays[key][0] = 1
    arrays["JSTEP"][:] = 1, 1, 1, 0
    return arrays


def check_umat_arguments(arguments: dict[str, NDArray]) -> UmatSizes:
    """Counts of a call. Raises HostError: missing or unknown name, wrong dtype or size."""
    if set(arguments) != set(UMAT_NAMES):
        wrong = sorted(set(arguments) ^ set(UMAT_NAMES))
        raise HostError(
            f"umat_: expected exactly its {len(UMAT_NAMES)} arguments by name; check {', '.join(wrong)}"
        )
    sizes = UmatSizes(*(int(arguments[k][0]) for k in ("NDI", "NSHR", "NSTATV", "NPROPS")))
    for argument in UMAT_ARGUMENTS:
        array = arguments[argument.name]
        if array.dtype != _DTYPES[argument.kind]:
            raise HostError(f"{argument.name}: expected {_DTYPES[argument.kind]}, got {array.dtype}")
        if array.size < argument.count(sizes) or not array.flags.c_contiguous:
            raise HostError(
                f"{argument.name}: expected {argument.count(sizes)} contiguous values, got {array.size}"
            )
    return sizes
