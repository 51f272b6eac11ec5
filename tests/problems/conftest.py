"""Small runs shared by the tests of this folder."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from pybridge.model_file import write_model
from training.pca_dnn_script import PcaDnnMaterial

HORIZON, NODES = 2e-6, 5


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A surrogate whose network answers 0: a fluid of bulk modulus 40 GPa, trained (so it says) to 0.2 % strain."""
    network = [{"in": 6, "out": 8, "activation": "selu"}, {"in": 8, "out": 6, "activation": "linear"}]
    card = {
        "kind": "pca_dnn",
        "name": "fluid",
        "precision": "f64",
        "state_schema": [
            {"name": "pca_coefficient", "count": 6, "unit": "1", "description": "history, of the path"},
            {"name": "unreliable", "count": 1, "unit": "1", "description": "1 once outside the domain"},
        ],
        "elastic_moduli": {"bulk": 40e9, "shear": 25e9},
        "domain": {"strain_max": 2e-3, "rate_max": 1e9, "time_max": HORIZON},
        "network": network,
    }
    tensors = {
        "time": np.linspace(0, HORIZON, NODES),
        "input_primitive": np.zeros((6, NODES)),
        "input_mean": np.zeros(6),
        "input_scale": np.ones(6),
        "output_scale": np.ones(6),
        "output_basis": np.zeros((6, NODES)),
        "pressure_coefficients": np.array([40e9]),
    }
    for i, layer in enumerate(network):
        tensors[f"layer{i}.weight"] = np.zeros((layer["out"], layer["in"]))
        tensors[f"layer{i}.bias"] = np.zeros(layer["out"])
    path = tmp_path_factory.mktemp("model") / "fluid.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.script(PcaDnnMaterial(card, tensors))
    write_model(path, script, card, tensors)
    return path
