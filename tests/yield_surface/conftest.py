"""A surrogate with seeded random weights, its model file, and a driver: nothing here depends on a training."""

from __future__ import annotations

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

SHEAR, BULK, STRAIN_SCALE, TIME_SCALE, FLOOR = 25e9, 48e9, 6e-3, 8e-9, 0.01


def surrogate_from(model: YieldSurface, **domain: float | None) -> Surrogate:
    """Numbers of an untrained model; strain and rate unlimited unless given."""
    tensors = {f"layer{i}.weight": w.detach().double().numpy() for i, w in enumerate(model.weight)}
    tensors |= {f"layer{i}.bias": b.detach().double().numpy().ravel() for i, b in enumerate(model.bias)}
    tensors |= {
        "skip": model.skip.detach().double().numpy().ravel(),
        "speed": torch.exp(model.log_speed.detach().double()).numpy().ravel(),
        "hidden_bound": np.full(model.sizes.states, 50.0),
        "pressure_coefficients": np.array([BULK, -0.3 * BULK]),
        "scales": np.array([STRAIN_SCALE, TIME_SCALE, FLOOR]),
    }
    limits = {"strain_max": None, "rate_max": None, "time_max": None, **domain}
    card = {
        "name": "trial", "sizes": vars(model.sizes), "domain": limits, "precision": "f64",
        "material": {"bulk": BULK, "shear": SHEAR, "density": 1e4}, "training": {}, "errors": {},
    }  # fmt: skip
    return Surrogate(tensors, card)


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
