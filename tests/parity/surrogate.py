"""A PCA + DNN surrogate of random weights as a model file, written once for a test run."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch

from pybridge.model_file import write_model
from training.pca_dnn_script import PcaDnnMaterial

MODES, WIDTH, NODES, HORIZON = 4, 21, 31, 2e-6
ROWS = 6 * MODES


def card(horizon: float = HORIZON, strain_max: float = 0.5) -> dict:
    """Six times four modes in and out, two hidden layers."""
    sizes = (ROWS, WIDTH, WIDTH, ROWS)
    activations = ("selu", "selu", "linear")
    return {
        "kind": "pca_dnn",
        "name": "parity",
        "precision": "f64",
        "state_schema": [
            {"name": "pca_coefficient", "count": ROWS, "unit": "1", "description": 'history "c"\t\\'},
            {"name": "unreliable", "count": 1, "unit": "1", "description": "1 once outside the domain"},
        ],
        "elastic_moduli": {"bulk": 36e9, "shear": 17e9},
        "domain": {"strain_max": strain_max, "rate_max": 1e8, "time_max": horizon},
        "network": [
            {"in": a, "out": b, "activation": name}
            for a, b, name in zip(sizes[:-1], sizes[1:], activations, strict=True)
        ],
    }


def tensors(horizon: float = HORIZON) -> dict[str, np.ndarray]:
    """Modes constant between nodes; weights and scales random."""
    rng = np.random.default_rng(7)
    time = np.linspace(0, horizon, NODES)
    modes = rng.normal(size=(ROWS, NODES - 1)) * np.diff(time)
    primitive = np.zeros((ROWS, NODES))
    primitive[:, :-1] = np.cumsum(modes[:, ::-1], axis=1)[:, ::-1]
    result = {
        "time": time,
        "input_primitive": primitive,
        "input_mean": rng.normal(size=ROWS) * 0.003,
        "input_scale": rng.uniform(0.01, 0.03, size=ROWS),
        "output_scale": rng.uniform(0.5e8, 2e8, size=ROWS),
        "output_basis": rng.normal(size=(ROWS, NODES)),
        "pressure_coefficients": np.array([36e9, -70e9, 110e9]),
    }
    for i, layer in enumerate(card()["network"]):
        result[f"layer{i}.weight"] = rng.normal(size=(layer["out"], layer["in"])) / np.sqrt(layer["in"])
        result[f"layer{i}.bias"] = rng.normal(size=layer["out"]) * 0.2
    return result


def write_surrogate(path: Path, **changes: float) -> Path:
    """A model file; changes: strain_max."""
    whole, arrays = card(**changes), tensors()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.script(PcaDnnMaterial(whole, arrays))
    write_model(path, script, whole, arrays)
    return path


@cache
def surrogate_file() -> Path:
    """The file, gone at the end of the test run."""
    folder = tempfile.mkdtemp(prefix="pybridge-parity-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_surrogate(Path(folder) / "surrogate.pt")
