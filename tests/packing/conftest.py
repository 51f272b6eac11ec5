"""Small packings, prepared once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from grain_cases import HERTZ, parameters

from pybridge._core import PackingEngine
from pybridge.packing import prepare, uniform_radii


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
