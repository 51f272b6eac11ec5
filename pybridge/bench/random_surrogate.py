"""A PCA + DNN model file of given size with random weights: speed does not depend on what a network has learned."""

from __future__ import annotations

import warnings
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import PybridgeError
from pybridge.model_file import write_model


def make_card(modes: int, width: int, hidden: int, horizon: float) -> dict[str, Any]:
    """Card of a surrogate with `modes` modes a component in and out, and `hidden` SELU layers of `width`."""
    sizes = [6 * modes, *[width] * hidden, 6 * modes]
    return {
        "kind": "pca_dnn",
        "name": "random",
        "precision": "f64",
        "state_schema": [
            {
                "name": "pca_coefficient",
                "count": 6 * modes,
                "unit": "1",
                "description": "history of the strain",
            },
            {"name": "unreliable", "count": 1, "unit": "1", "description": "1 once outside the domain"},
        ],
        "elastic_moduli": {"bulk": 36e9, "shear": 17e9},
        "domain": {"strain_max": 0.5, "rate_max": 1e9, "time_max": horizon},
        "network": [
            {"in": a, "out": b, "activation": "selu" if i < hidden else "linear"}
            for i, (a, b) in enumerate(pairwise(sizes))
        ],
    }


def make_tensors(card: dict[str, Any], seed: int = 0, steps: int = 200) -> dict[str, NDArray]:
    """Random tensors of the sizes that the card asks for (docs/model_file.md)."""
    rng = np.random.default_rng(seed)
    rows = card["network"][0]["in"]
    time = np.linspace(0, card["domain"]["time_max"], steps + 1)
    primitive = np.zeros((rows, steps + 1))
    primitive[:, :-1] = np.cumsum((rng.normal(size=(rows, steps)) * np.diff(time))[:, ::-1], axis=1)[:, ::-1]
    tensors = {
        "time": time,
        "input_primitive": primitive,
        "input_mean": rng.normal(size=rows) * 1e-3,
        "input_scale": rng.uniform(0.01, 0.03, size=rows),
        "output_scale": rng.uniform(0.5e8, 2e8, size=rows),
        "output_basis": rng.normal(size=(rows, steps + 1)),
    }
    for i, layer in enumerate(card["network"]):
        tensors[f"layer{i}.weight"] = rng.normal(size=(layer["out"], layer["in"])) / np.sqrt(layer["in"])
        tensors[f"layer{i}.bias"] = rng.normal(size=layer["out"]) * 0.1
    return tensors


def write_random_surrogate(path: Path, modes: int, width: int, hidden: int, horizon: float) -> None:
    """Write a model file of these sizes."""
    card = make_card(modes, width, hidden, horizon)
    write_surrogate(path, card, make_tensors(card))


def write_surrogate(path: Path, card: dict[str, Any], tensors: dict[str, NDArray]) -> None:
    """Write the model file, its TorchScript graph by the module registered in pybridge.scripts under the card's kind."""
    import torch

    kind = card["kind"]
    found = list(entry_points(group="pybridge.scripts", name=kind))
    if not found:
        raise PybridgeError(
            f"no module writes the graph of a {kind} surrogate; install pybridge again (`make setup`)"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.script(found[0].load()(card, tensors))
    write_model(path, script, card, tensors)
