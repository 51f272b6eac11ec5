"""The data-set reader under hostile HDF5 files: DataSetError, or finite histories that fit together.

hypothesis makes files: sound ones, and ones with attributes and arrays of wrong kinds under a right seal. Each is read as
it stands; with its bytes altered under the old seal, which must be seen; and, without a seal, with the bytes of the HDF5
file altered, as a file from elsewhere. The last kind makes HDF5's library hang or crash: the program reads those in a
process of their own (training/foreign.py), and what that process does is done here.
"""

from __future__ import annotations

import io
import os
import random
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import h5py
import numpy as np

from pybridge.errors import DataSetError
from pybridge.verify.mutate import NUMBERS, mutate
from training import foreign
from training.datasets import read_dataset, write_dataset
from training.seal import BLOCK, seal_of
from training.tensors import IDENTITY

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_SHAPES = ((1, 2), (3, 5), (4, 3))  # histories, times
_SECONDS, _FOREIGN_SECONDS = 10.0, 0.1  # a read takes some 0.5 ms
_PROCESS_SECONDS = 5.0  # given to a process that reads one file, where the program gives it a minute


@cache
def templates() -> tuple[bytes, ...]:
    """Sound data sets."""
    rng, found = np.random.default_rng(1), []
    with tempfile.TemporaryDirectory() as folder:
        for paths, times in _SHAPES:
            path = Path(folder) / f"{paths}.h5"
            stretch = IDENTITY + 0.01 * rng.normal(size=(paths, times, 6))
            stress = 1e9 * rng.normal(size=(paths, times, 6))
            write_dataset(
                path, np.linspace(0, 1e-6, times), stretch, stress, ["R"] * paths, {"source": "fuzz"}
            )
            found.append(path.read_bytes())
    return tuple(found)


def bases() -> SearchStrategy[bytes]:
    """Sealed files: sound ones, and ones whose attributes and arrays are changed, left out or of another kind."""
    from hypothesis import strategies as st

    text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=4)
    value = st.one_of(
        st.none(), text, st.integers(-3, 2**40), st.floats(), st.lists(st.integers(-1, 3), max_size=3),
        st.sampled_from(["{}", "[]", '{"time": "s"}', "null", '{"units": {}}', "[" * 2000]),
    )  # fmt: skip
    shape = st.lists(st.integers(0, 6), max_size=4).map(tuple)
    kind = st.sampled_from(["f8", "f4", "f2", "i8", "u1", "c16", "S4", "?", ">f8"])
    fill = st.sampled_from([0.0, 1.0, 2.0, -1.0, np.nan, np.inf, 1e-6])

    @st.composite
    def change(draw: DrawFn) -> tuple[str, int, Any]:
        what = draw(st.sampled_from(["attribute", "array", "object", "group", "number"]))
        if what == "attribute":
            return what, draw(st.integers(0, 9)), draw(value)
        if what == "array":
            return what, draw(st.integers(0, 9)), (draw(shape), draw(kind), draw(fill))
        return what, draw(st.integers(0, 9)), draw(fill)

    which = st.integers(0, len(_SHAPES) - 1)
    return st.builds(_changed, which, st.lists(change(), max_size=3))


def _changed(which: int, changes: list[tuple[str, int, Any]]) -> bytes:
    template = templates()[which]
    if not changes:
        return template
    memory = io.BytesIO(template)
    with h5py.File(memory, "r+") as file:
        for what, place, value in changes:
            _change(file, what, place, value)
    body = memory.getvalue()[BLOCK:]
    return seal_of([body]) + body


def _change(file: h5py.File, what: str, which: int, value: Any) -> None:
    if what == "attribute":
        name = sorted(file.attrs)[which % len(file.attrs)] if len(file.attrs) else "format"
        if name in file.attrs:
            del file.attrs[name]
        if value is not None:
            file.attrs[name] = value
        return
    name = sorted(file)[which % len(file)] if len(file) else "time"
    if what == "number":
        found = file.get(name)
        if isinstance(found, h5py.Dataset) and found.dtype.kind == "f" and found.size:
            found[(0,) * found.ndim] = value
        return
    if name in file:
        del file[name]
    if what == "group":
        file.create_group(name)
    elif what == "object":
        file.create_dataset(name, data=["1", "x"], dtype=h5py.string_dtype())
    else:
        shape, kind, fill = value
        with np.errstate(all="ignore"):
            file[name] = np.full(shape, fill).astype(kind)


def vary(base: bytes, count: int, source: random.Random) -> Iterator[bytes]:
    """The file; mutations of it as a file from elsewhere; mutations of it under its seal."""
    yield base
    body = base[BLOCK:]
    for _ in range(count // 2):
        yield mutate(body, templates(), NUMBERS, source)
    for _ in range(count - 1 - count // 2):
        yield mutate(base, templates(), NUMBERS, source)


def may_end(data: bytes) -> bool:
    """Files without a seal are read in a process of their own, and may end it."""
    return data.startswith(b"\x89HDF")


def seconds(data: bytes) -> float:
    """Processor time that a read may take; what takes longer hangs, in HDF5's library."""
    return _FOREIGN_SECONDS if may_end(data) else _SECONDS


def examine(data: bytes, scratch: Path) -> None:
    """Raise AssertionError, or whatever the reader lets through, where the reader is wrong."""
    with mock.patch.object(foreign, "_answer", _answer_here):
        _examine(data, scratch)


def examine_apart(data: bytes, scratch: Path) -> None:
    """The same through the program's own process for files from elsewhere."""
    with mock.patch.object(foreign, "SECONDS", _PROCESS_SECONDS):
        _examine(data, scratch)


def _answer_here(path: Path, names: list[str], _seconds: float | None) -> bytes:
    """What the process of training/foreign.py does, without the process: whatever it raises, it refuses."""
    try:
        return foreign.answer_for(path, names)
    except Exception as error:
        raise DataSetError(str(error)) from error


def _examine(data: bytes, scratch: Path) -> None:
    path = scratch / "fuzz.h5"
    # not emptied first: file systems that guard against power cuts then wait for the disk at every input
    with open(os.open(path, os.O_RDWR | os.O_CREAT), "wb") as file:
        file.write(data)
        file.truncate()
    try:
        found = read_dataset(path)
    except DataSetError:
        return
    if not may_end(data):
        assert data[:BLOCK] == seal_of([data[BLOCK:]]), "a broken seal was not seen"
    assert np.isfinite(found.stress).all()
    assert np.isfinite(found.stretch).all()
    assert (np.diff(found.time, axis=-1) > 0).all()
    assert found.stress.shape == found.stretch.shape == (len(found), found.time.shape[-1], 6)
    assert len(found.protocol) == len(found) > 0
