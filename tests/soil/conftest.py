"""Coupled tests of one element, as data."""

from __future__ import annotations

import h5py
import pytest

from pybridge.solver.implicit import BiaxialTest
from training import soil


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three coupled tests of one element, a few steps."""
    out = tmp_path_factory.mktemp("data") / "soil.h5"
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    soil.generate(out, packing="disks100", runs=3, steps=4, test=test, threads=1, tell=lambda text: None)
    return out


@pytest.fixture(scope="session")
def unsealed():
    """unsealed(data, copy, change): the same data set as if it came from elsewhere, with one change."""

    def copied(data, copy, change) -> None:
        with h5py.File(data, "r") as source, h5py.File(copy, "w") as file:
            for name in source:
                source.copy(name, file)
            for name, value in source.attrs.items():
                file.attrs[name] = value
            change(file)

    return copied
