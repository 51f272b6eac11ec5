"""A small network of the kind mlp_history that has learned a made-up soil: elastic, softer with accumulated strain."""

from __future__ import annotations

import numpy as np
import pytest

from training.mlp import MlpConfig
from training.mlp_export import export_mlp
from training.mlp_samples import Samples
from training.mlp_train import train


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """A model file NET.pt: 100 kPa at rest, K and G of about 20 and 10 MPa."""
    rng = np.random.default_rng(5)
    strain = np.cumsum(
        rng.normal(np.array([3e-4, -8e-4, 0]) * rng.uniform(-0.2, 1, (40, 1, 1)), 2e-4, (40, 25, 3)), axis=1
    )
    strain[:, 0] = 0
    phi = np.cumsum(np.abs(np.diff(strain, axis=1, prepend=0)), axis=1)
    soft = 1 / (1 + 20 * phi.sum(axis=2, keepdims=True))
    a, b, c = strain[..., 0], strain[..., 1], strain[..., 2]
    stress = soft * np.stack([3e7 * a + 1e7 * b, 1e7 * a + 3e7 * b, 1e7 * c], axis=2)
    stress[..., :2] -= 1e5
    samples = Samples(strain, stress, soft * np.array([3e7, 1e7, 0, 3e7, 0, 1e7]), np.repeat(np.arange(8), 5))
    config = MlpConfig(width=20, members=2, epochs=300, patience=300, batch=4096, seed=2, learning_rate=1e-2)
    path = tmp_path_factory.mktemp("net") / "NET.pt"
    export_mlp(train(samples, config, {"bulk": 2e7, "shear": 1e7, "density": 2000.0}), path)
    return path
