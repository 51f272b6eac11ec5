"""A surrogate with seeded random weights, its model file, and a driver: nothing here depends on a training."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pybridge import _core
from training.fine_scale import Drive, drive_material
from training.paths import PathSpec, sample
from training.yield_surface import Sizes, YieldSurface
from training.yield_surface_export import Surrogate, write

sys.path.insert(0, str(Path(__file__).parent))  # the folder is no package: its helpers are found by name
from yield_surface_trial import FLOOR, TIME_SCALE, surrogate_from


@pytest.fixture(scope="session")
def network() -> YieldSurface:
    """Weights large enough that direction, state and rate all matter."""
    generator = torch.Generator().manual_seed(5)
    model = YieldSurface(Sizes(2, 5, 18, 2), generator, FLOOR).double()  # 18: rows do not fill the last panel
    with torch.no_grad():
        model.skip.normal_(0.0, 0.3, generator=generator)
        model.bias[2][2:].normal_(0.0, 0.2, generator=generator)
    return model


@pytest.fixture(scope="session")
def surrogate(network: YieldSurface) -> Surrogate:
    return surrogate_from(network)


@pytest.fixture(scope="session")
def model_path(surrogate: Surrogate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("yield_surface") / "trial.pt"
    write(surrogate, path)
    return path


@pytest.fixture(scope="session")
def material(model_path: Path) -> object:
    return _core.load_model(str(model_path), "native", "float64")


@pytest.fixture(scope="session")
def walks() -> tuple[NDArray, NDArray]:
    """Times [61] and 21 random walks [21, 61, 6] of 10 %."""
    spec = PathSpec("R", 0.1, duration=60 * TIME_SCALE, steps=60, seed=3)
    return spec.time(), np.stack([sample(spec, i).stretch for i in range(21)])


@pytest.fixture(scope="session")
def run() -> Callable[..., Drive]:
    """drive_material at the density of the trial surrogate."""

    def driven(material: object, time: NDArray, stretch: NDArray) -> Drive:
        return drive_material(material, 1e4, time, stretch)  # type: ignore[arg-type]

    return driven
