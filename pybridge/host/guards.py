"""Arrays between canaries: what a compiled subroutine writes where it must not, or forgets to write, is seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import HostError
from pybridge.host.arguments import ARGUMENTS, Sizes

PAD = 1024  # bytes before and after each array
CANARY = 0xA5
# A not-a-number that no arithmetic produces: what still holds it after the call was not written.
UNWRITTEN = {8: np.uint64(0x7FF8_DEAD_BEEF_0001), 4: np.uint32(0x7FC5_EAD1)}


def _bits(array: NDArray) -> NDArray:
    return array.view(np.uint64 if array.dtype.itemsize == 8 else np.uint32)


class GuardedArray:
    """A copy of a flat array between two canaries."""

    def __init__(self, array: NDArray, *, unwritten: bool = False) -> None:
        self._memory = np.full(array.nbytes + 2 * PAD, CANARY, np.uint8)
        self.array = self._memory[PAD : PAD + array.nbytes].view(array.dtype)
        self.array[:] = array
        if unwritten:
            _bits(self.array)[:] = UNWRITTEN[array.dtype.itemsize]

    def damage(self) -> str:
        """Which canary was overwritten and how far off, or ""."""
        before = np.flatnonzero(self._memory[:PAD] != CANARY)
        after = np.flatnonzero(self._memory[PAD + self.array.nbytes :] != CANARY)
        item = self.array.dtype.itemsize
        if len(before):
            return f"{(PAD - before[0] + item - 1) // item} values before its beginning"
        return f"{after[-1] // item + 1} values past its end" if len(after) else ""


class GuardedCall:
    """Guarded copies of all arguments of one call, and what is wrong with them after it."""

    def __init__(self, arguments: dict[str, NDArray], sizes: Sizes) -> None:
        self._given = arguments
        self._sizes = sizes
        self.guarded = {
            a.name: GuardedArray(arguments[a.name], unwritten=a.output and a.count(sizes) > 0)
            for a in ARGUMENTS
        }

    @property
    def arrays(self) -> dict[str, NDArray]:
        """The arrays to be passed."""
        return {name: guarded.array for name, guarded in self.guarded.items()}

    def check_bounds(self, library: str) -> None:
        """Raise HostError where a canary was overwritten."""
        for name, guarded in self.guarded.items():
            if damage := guarded.damage():
                raise HostError(
                    f"{library}: vumat_ wrote out of bounds of {name}, {damage}; expected at most "
                    f"{self._given[name].size} values{self._precision_hint()}"
                )

    def check_contents(self, library: str, optional: tuple[str, ...] = ()) -> None:
        """Raise HostError for a changed input or an unwritten or NaN output.

        `optional` outputs may stay unwritten, and are then zero.
        """
        for argument in ARGUMENTS:
            if not argument.output:
                self._check_unchanged(library, argument.name)
            elif argument.count(self._sizes):
                self._check_written(library, argument.name, argument.name in optional)

    def _point(self, index: int) -> str:
        return f"component {index // self._sizes.n + 1} of point {index % self._sizes.n + 1}"

    def _check_unchanged(self, library: str, name: str) -> None:
        if name == "dt":  # the effective moduli stand behind the time increment
            given, found = self._given[name][:1], self.guarded[name].array[:1]
        else:
            given, found = self._given[name], self.guarded[name].array
        if given.tobytes() != found.tobytes():
            changed = (
                int(np.flatnonzero(given.view(np.uint8) != found.view(np.uint8))[0]) // given.dtype.itemsize
            )
            raise HostError(f"{library}: vumat_ changed its input {name}, {self._point(changed)}")

    def _check_written(self, library: str, name: str, optional: bool) -> None:
        array = self.guarded[name].array
        missing = np.flatnonzero(_bits(array) == UNWRITTEN[array.dtype.itemsize])
        if len(missing) and optional:
            array[missing] = 0
        elif len(missing):
            raise HostError(
                f"{library}: vumat_ left {len(missing)} of {array.size} values of {name} unwritten, first "
                f"{self._point(int(missing[0]))}{self._precision_hint()}"
            )
        bad = np.flatnonzero(~np.isfinite(array))
        if len(bad):
            raise HostError(f"{library}: vumat_ answered not-a-number in {name}, {self._point(int(bad[0]))}")

    def _precision_hint(self) -> str:
        """A remark where the stress looks written by a library of the other precision."""
        array = self.guarded["stressNew"].array
        untouched = _bits(array) == UNWRITTEN[array.dtype.itemsize]
        half = array.size // 2
        if array.dtype.itemsize == 8 and untouched[half:].all() and not untouched[:half].any():
            return ". Only the first half of stressNew was written: the library seems to be single precision"
        if array.dtype.itemsize == 4 and self.guarded["stressNew"].damage():
            return ". The library seems to be double precision"
        return ""
