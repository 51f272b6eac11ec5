"""A compiled VUMAT opened with cffi, and its bare call."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np
from numpy.typing import NDArray

from pybridge.elf import read_library
from pybridge.errors import HostError
from pybridge.host.arguments import ARGUMENTS, NAMES, Sizes, padded_name
from pybridge.host.guards import GuardedCall

_DTYPES = {"float64": np.dtype(np.float64), "float32": np.dtype(np.float32)}
_FILES = {"float64": "libexplicitU-D.so", "float32": "libexplicitU.so"}
ROUTINES = Path(__file__).resolve().parents[1] / "lib" / "libabaqus_routines.so"
_MESSAGE = 600  # characters of a bracketed call's message

# Any: what cdef declares is unknown to type checkers.
_ffi: Any = cffi.FFI()
# Fortran passes the length of cmname behind all arguments.
_ffi.cdef(f"""
void vumat_({", ".join(["void *"] * len(NAMES))}, size_t);
void vexternaldb_(int *, int *, int *, void *, int *);
const char *pybridge_last_error(void);
void pybridge_set_error_handler(void (*)(const char *));
void pybridge_set_array_arguments(int);
int pybridge_use_model(const char *, const char *, const char *);
const char *pybridge_describe(const char *, void *, int);
int pybridge_real_bytes(void);
void pybridge_repeat_vumat(int, void **);
void pybridge_repeat_update(int, void **);
int pybridge_bracketed_vumat(void *, void **, int, char *, size_t);
void pybridge_set_job(const char *, const char *, int);
""")


def _why_not(path: Path, reason: str) -> str:
    """Why a library does not open, in words; a routine that nobody has is named."""
    missing = re.search(r"undefined symbol: (\w+)", reason)
    if missing is None or missing[1] == "vumat_":
        return f"{path}: expected a shared library with the symbol vumat_: {reason}"
    known = sorted(
        s.rstrip("_") for s in read_library(ROUTINES).exported if not s.startswith(("_", "pybridge_"))
    )
    return (
        f"{path}: calls {missing[1]}, which is not there; of Abaqus's routines this host offers {', '.join(known)}. "
        "Link the library with what it needs, or leave that call out"
    )


@_ffi.callback("void(const char *)")
def _quiet(_message: Any) -> None:
    """Keep errors off standard error: they are read with pybridge_last_error and raised."""


def our_library(precision: str) -> Path:
    """The package's own VUMAT of a precision, "float64" or "float32"."""
    if precision not in _FILES:
        raise HostError(f"precision: expected float64 or float32, got {precision}")
    path = Path(__file__).resolve().parent.parent / "lib" / _FILES[precision]
    if not path.exists():
        raise HostError(f"{path}: the compiled VUMAT is missing; run `make setup`, or `pip install .`")
    return path


def load_vumat(path: str | os.PathLike[str], precision: str | None = None) -> VumatLibrary:
    """Open a compiled VUMAT; its precision is found out where it is not given. Raises HostError."""
    return VumatLibrary(Path(path), precision)


@cache
def _routines() -> Any:
    """Abaqus's utility routines as pybridge answers them, open for every library that is opened later."""
    if not ROUTINES.is_file():
        raise HostError(
            f"{ROUTINES}: no such file; build the package again (`make setup`, or `pip install .`)"
        )
    return _ffi.dlopen(str(ROUTINES), _ffi.RTLD_NOW | _ffi.RTLD_GLOBAL)


class VumatLibrary:
    """One opened library. `call` may run in several threads at once: the interpreter's lock is released in it."""

    def __init__(self, path: Path, precision: str | None = None) -> None:
        self.path = path
        if not path.exists():
            raise HostError(f"{path}: no such file; expected a shared library with the symbol vumat_")
        try:
            ours = "pybridge_real_bytes" in read_library(path).exported
        except HostError as error:
            raise HostError(f"expected a shared library with the symbol vumat_: {error}") from error
        self._routines = None if ours else _routines()
        try:
            self._library: Any = _ffi.dlopen(str(path), _ffi.RTLD_NOW | _ffi.RTLD_LOCAL)
            self._vumat = self._library.vumat_
        except (OSError, AttributeError) as error:
            raise HostError(_why_not(path, str(error))) from error
        self.ours = ours
        if self.ours:
            self._library.pybridge_set_error_handler(_quiet)
        self.dtype = self._find_precision(precision)

    def _find_precision(self, given: str | None) -> np.dtype:
        if given is not None and given not in _DTYPES:
            raise HostError(f"precision: expected float64 or float32, got {given}")
        if self.ours:
            found = "float64" if self._library.pybridge_real_bytes() == 8 else "float32"
            if given not in (None, found):
                raise HostError(
                    f"{self.path} is a {found} library, called with {given}; use {our_library(given)}"
                )
            return _DTYPES[found]
        if given is None:
            from pybridge.host.detect import detect_precision

            given = detect_precision(self.path)
        return _DTYPES[given]

    def call(
        self, arguments: dict[str, NDArray], *, guarded: bool = False, optional: tuple[str, ...] = ()
    ) -> None:
        """Call vumat_ with all its arguments (pybridge.host.arguments), flat arrays by name; outputs in place.

        guarded: canaries around every array, inputs compared after the call, outputs filled with a marker before
        it; `optional` names outputs that may stay unwritten (zero then). Raises HostError: wrong dtype or size,
        an error reported by the subroutine, a fault seen by the guards.
        """
        sizes = self._check(arguments)
        if not guarded:
            self.call_pointers(self.pointers(arguments))
            return
        guard = GuardedCall(arguments, sizes)
        try:
            self.call_pointers(self.pointers(guard.arrays))
        finally:
            guard.check_bounds(self.path.name)
        guard.check_contents(self.path.name, optional)
        for argument in ARGUMENTS:
            if argument.output or argument.name == "dt":
                arguments[argument.name][:] = guard.arrays[argument.name]

    def pointers(self, arguments: dict[str, NDArray]) -> list[Any]:
        """Addresses of the arguments in order; valid as long as the arrays live."""
        return [_ffi.from_buffer(arguments[name]) for name in NAMES]

    def call_pointers(self, pointers: list[Any]) -> None:
        """Call vumat_ with addresses from `pointers`.

        Raises HostError where our own library reports an error, and where a stranger's leaves in another way than
        by returning: xplb_exit, STOP, a wild address.
        """
        if self._routines is None:
            self._vumat(*pointers, 80)
            self._raise_last_error()
            return
        message = _ffi.new("char[]", _MESSAGE)
        outcome = self._routines.pybridge_bracketed_vumat(
            _ffi.cast("void *", _ffi.addressof(self._library, "vumat_")),
            [_ffi.cast("void *", p) for p in pointers],
            self.dtype.itemsize,
            message,
            _MESSAGE,
        )
        if outcome:
            text = _ffi.string(message).decode(errors="replace")
            raise HostError(f"{self.path.name}: vumat_ {text}")

    @staticmethod
    def set_job(name: str, folder: Path, threads: int = 1) -> None:
        """What vgetjobname, vgetoutdir and getnumthreads answer to strangers' subroutines."""
        _routines().pybridge_set_job(name.encode(), str(folder).encode(), threads)

    def repeat_pointers(self, pointers: list[Any], repeats: int) -> None:
        """Call our own vumat_ `repeats` times from compiled code (pybridge.bench.vumat)."""
        self._library.pybridge_repeat_vumat(repeats, [_ffi.cast("void *", p) for p in pointers])
        self._raise_last_error()

    def repeat_update(self, pointers: list[Any], repeats: int) -> None:
        """The material's own update `repeats` times on the same arrays, without the bridge (pybridge.bench.hosts)."""
        self._library.pybridge_repeat_update(repeats, [_ffi.cast("void *", p) for p in pointers])
        self._raise_last_error()

    def _raise_last_error(self) -> None:
        text = self._library.pybridge_last_error()
        if text != _ffi.NULL:
            raise HostError(_ffi.string(text).decode())

    def _check(self, arguments: dict[str, NDArray]) -> Sizes:
        if set(arguments) != set(NAMES):
            wrong = sorted(set(arguments) ^ set(NAMES))
            raise HostError(
                f"vumat_: expected exactly its {len(NAMES)} arguments by name; check {', '.join(wrong)}"
            )
        sizes = Sizes(
            *(int(arguments[k][0]) for k in ("nblock", "ndir", "nshr", "nstatev", "nfieldv", "nprops"))
        )
        kinds = {"int": np.dtype(np.int32), "real": self.dtype, "text": np.dtype(np.uint8)}
        for argument in ARGUMENTS:
            array = arguments[argument.name]
            if array.dtype != kinds[argument.kind]:
                raise HostError(
                    f"{argument.name}: expected {kinds[argument.kind]}, got {array.dtype}; "
                    f"{self.path.name} is a {self.dtype} library"
                )
            if array.size < argument.count(sizes) or not array.flags.c_contiguous:
                raise HostError(
                    f"{argument.name}: expected {argument.count(sizes)} contiguous values, got {array.size}"
                )
        return sizes

    def external_database(self, operation: int) -> None:
        """Call vexternaldb_ (0 start of analysis ... 6 end of analysis); raises HostError where it reports one."""
        integers, reals = np.zeros(8, np.int32), np.zeros(4, self.dtype)
        self._library.vexternaldb_(
            _ffi.new("int *", operation), _ffi.from_buffer("int[]", integers), _ffi.new("int *", len(integers)),
            _ffi.from_buffer(reals), _ffi.new("int *", len(reals)),
        )  # fmt: skip
        if self.ours:
            self._raise_last_error()

    def set_array_arguments(self, passed: bool) -> None:
        """Tell our own library whether lanneal and dt are the arrays of newer hosts (PYBRIDGE_VUMAT_ARRAYS)."""
        self._library.pybridge_set_array_arguments(int(passed))

    def use_model(self, name: str, file: Path, engine: str = "") -> None:
        """Name the model file and engine of a material in our own library, before any search."""
        if self._library.pybridge_use_model(name.encode(), str(file).encode(), engine.encode()):
            self._raise_last_error()

    def describe(self, name: str, constants: list[float]) -> dict[str, Any]:
        """What our own library knows of a material: states, bulk, shear, domain. Raises HostError."""
        props = np.array(constants, self.dtype)
        text = self._library.pybridge_describe(padded_name(name), _ffi.from_buffer(props), len(constants))
        self._raise_last_error()
        return json.loads(_ffi.string(text).decode())
