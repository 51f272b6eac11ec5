"""A compiled UMAT opened with cffi, and its bare call."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from pybridge.errors import HostError
from pybridge.host.arguments import padded_name
from pybridge.host.guards import UNWRITTEN, GuardedArray
from pybridge.host.umat_arguments import UMAT_ARGUMENTS, UMAT_NAMES, check_umat_arguments

# Any: what cdef declares is unknown to type checkers.
_ffi: Any = cffi.FFI()
# Fortran passes the length of CMNAME behind all arguments.
_ffi.cdef(f"""
void umat_({", ".join(["void *"] * len(UMAT_NAMES))}, size_t);
void uexternaldb_(int *, int *, double *, double *, int *, int *);
const char *pybridge_last_error(void);
void pybridge_set_error_handler(void (*)(const char *));
int pybridge_use_model(const char *, const char *, const char *);
const char *pybridge_describe(const char *, void *, int);
int pybridge_real_bytes(void);
void pybridge_repeat_umat(int, void **);
""")


@_ffi.callback("void(const char *)")
def _quiet(_message: Any) -> None:
    """Keep errors off standard error: they are read with pybridge_last_error and raised."""


def our_umat() -> Path:
    """The package's own UMAT."""
    path = Path(__file__).resolve().parent.parent / "lib" / "libstandardU.so"
    if not path.exists():
        raise HostError(f"{path}: the compiled UMAT is missing; run `make setup`, or `pip install .`")
    return path


class UmatLibrary:
    """One opened library with the symbol umat_. `call` may run in several threads at once."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = our_umat() if path is None else Path(path)
        if not self.path.exists():
            raise HostError(f"{self.path}: no such file; expected a shared library with the symbol umat_")
        try:
            # Lazily, so that a subroutine which calls Abaqus's utilities opens where there are none.
            self._library: Any = _ffi.dlopen(str(self.path), _ffi.RTLD_LAZY | _ffi.RTLD_LOCAL)
            self._umat = self._library.umat_
        except (OSError, AttributeError) as error:
            raise HostError(
                f"{self.path}: expected a shared library with the symbol umat_: {error}"
            ) from error
        self.ours = False
        with contextlib.suppress(AttributeError):
            self.ours = self._library.pybridge_real_bytes() == 8
        if self.ours:
            self._library.pybridge_set_error_handler(_quiet)

    def call(self, arguments: dict[str, NDArray], *, guarded: bool = False) -> None:
        """Call umat_ with all its arguments (pybridge.host.umat_arguments), flat arrays by name; outputs in place.

        guarded: canaries around every array, inputs compared after the call, DDSDDE filled with a marker before it.
        Raises HostError: wrong dtype or size, an error reported by the subroutine, a fault seen by the guards.
        """
        check_umat_arguments(arguments)
        if not guarded:
            self.call_pointers(self.pointers(arguments))
            return
        copies = {k: GuardedArray(v, unwritten=k == "DDSDDE") for k, v in arguments.items()}
        try:
            self.call_pointers(self.pointers({k: v.array for k, v in copies.items()}))
        finally:
            self._check_bounds(copies)
        self._check_contents(arguments, copies)
        for argument in UMAT_ARGUMENTS:
            if argument.output:
                arguments[argument.name][:] = copies[argument.name].array

    def pointers(self, arguments: dict[str, NDArray], *, tangent: bool = True) -> list[Any]:
        """Addresses of the arguments in order; valid as long as the arrays live.

        tangent: False passes none for DDSDDE, which our own library takes as not wanted.
        """
        wanted = {name: tangent or name != "DDSDDE" for name in UMAT_NAMES}
        return [_ffi.from_buffer(arguments[k]) if on else _ffi.NULL for k, on in wanted.items()]

    def call_pointers(self, pointers: list[Any]) -> None:
        """Call umat_ with addresses from `pointers`. Raises HostError where our own library reports an error."""
        self._umat(*pointers, 80)
        if self.ours:
            self._raise_last_error()

    def repeat_pointers(self, pointers: list[Any], repeats: int) -> None:
        """Call our own umat_ `repeats` times from compiled code (pybridge.bench.umat)."""
        self._library.pybridge_repeat_umat(repeats, [_ffi.cast("void *", p) for p in pointers])
        self._raise_last_error()

    def external_database(self, operation: int) -> None:
        """Call uexternaldb_ (0 start of analysis ... 3 end of analysis, 4 restart); raises HostError."""
        integers, reals = np.zeros(4, np.int32), np.zeros(4)
        counts = [_ffi.from_buffer("int[]", integers)] * 2
        times = [_ffi.from_buffer("double[]", reals)] * 2
        self._library.uexternaldb_(_ffi.new("int *", operation), counts[0], *times, *counts)
        if self.ours:
            self._raise_last_error()

    def use_model(self, name: str, file: Path, engine: str = "") -> None:
        """Name the model file and engine of a material in our own library, before any search."""
        if self._library.pybridge_use_model(name.encode(), str(file).encode(), engine.encode()):
            self._raise_last_error()

    def describe(self, name: str, constants: list[float]) -> dict[str, Any]:
        """What our own library knows of a material: states, bulk, shear, domain. Raises HostError."""
        props = np.array(constants, np.float64)
        text = self._library.pybridge_describe(padded_name(name), _ffi.from_buffer(props), len(constants))
        self._raise_last_error()
        return json.loads(_ffi.string(text).decode())

    def _raise_last_error(self) -> None:
        text = self._library.pybridge_last_error()
        if text != _ffi.NULL:
            raise HostError(_ffi.string(text).decode())

    def _check_bounds(self, copies: dict[str, GuardedArray]) -> None:
        for name, copy in copies.items():
            if damage := copy.damage():
                raise HostError(
                    f"{self.path.name}: umat_ wrote out of bounds of {name}, {damage}; "
                    f"expected at most {copy.array.size} values"
                )

    def _check_contents(self, given: dict[str, NDArray], copies: dict[str, GuardedArray]) -> None:
        tangent = copies["DDSDDE"].array
        if missing := int((tangent.view(np.uint64) == UNWRITTEN[8]).sum()):
            raise HostError(
                f"{self.path.name}: umat_ left {missing} of {tangent.size} values of DDSDDE unwritten"
            )
        for argument in UMAT_ARGUMENTS:
            array = copies[argument.name].array
            if not argument.output and array.tobytes() != given[argument.name].tobytes():
                raise HostError(f"{self.path.name}: umat_ changed its input {argument.name}")
            if argument.output and not np.isfinite(array).all():
                raise HostError(f"{self.path.name}: umat_ answered not-a-number in {argument.name}")
