"""The data-set reader under mutated HDF5 files: DataSetError, or the histories that were written, to the last bit."""

from __future__ import annotations

import os
import random
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from pybridge.errors import DataSetError
from pybridge.verify.mutate import NUMBERS, mutate
from training.datasets import DataSet, read_dataset, write_dataset
from training.tensors import IDENTITY


@cache
def seed() -> tuple[bytes, DataSet]:
    """A small data set as bytes, and what it holds."""
    rng = np.random.default_rng(1)
    stretch = IDENTITY + 0.01 * rng.normal(size=(3, 5, 6))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.h5"
        names = ["R", "U", "R"]
        write_dataset(
            path,
            np.linspace(0, 1e-6, 5),
            stretch,
            1e9 * rng.normal(size=(3, 5, 6)),
            names,
            {"source": "fuzz"},
        )
        return path.read_bytes(), read_dataset(path)


def make(source: random.Random) -> bytes:
    """A mutated file."""
    content, _ = seed()
    return mutate(content, [content], NUMBERS, source)


def examine(data: bytes, scratch: Path) -> None:
    """Raise AssertionError, or whatever the reader lets through, where the reader is wrong."""
    path = scratch / "fuzz.h5"
    # not emptied first: file systems that guard against power cuts then wait for the disk at every input
    with open(os.open(path, os.O_RDWR | os.O_CREAT), "wb") as file:
        file.write(data)
        file.truncate()
    try:
        found = read_dataset(path)
    except DataSetError:
        return
    _, expected = seed()
    for name in ("time", "stretch", "stress"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
