"""Small packings, prepared once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from grain_cases import HERTZ, parameters

from pybridge._core import PackingEngine
from pybridge.packing import prepare, uniform_radii


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Press Ctrl-C: the system's signal, with Python's own handler also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def prepared() -> dict[str, PackingEngine]:
    """Packings by name, never to be moved: take a clone."""
    disks, spheres = uniform_radii(120, 0.003, 0.007, 1), uniform_radii(150, 0.003, 0.005, 1)
    rolling = {"rolling_friction": 0.1, "rolling_stiffness": 1.0}
    return {
        "disks": prepare(2, disks, 1e5),
        "spheres": prepare(3, spheres, 1e5),
        "disks rolling": prepare(2, disks, 1e5, parameters(**rolling)),
        "spheres rolling, Hertz": prepare(3, spheres, 1e5, parameters(**HERTZ, **rolling)),
        "disks, Hertz": prepare(2, disks, 1e5, parameters(**HERTZ)),
    }


@pytest.fixture(scope="session")
def make(prepared):
    """A fresh clone by name."""
    return lambda name: prepared[name].clone()
