"""Model files of given size with random weights: speed does not depend on what a network has learned."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
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


def make_yield_surface(
    width: int, horizon: float, moduli: Mapping[str, float]
) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Card and tensors of a learned yield surface with random weights, small enough that the surface stays one.

    Its relaxation time is a fiftieth of `horizon`, s; moduli: bulk and shear, Pa.
    """
    rng = np.random.default_rng(5)
    back, scalars, strain_scale = 2, 4, 4e-3
    states = 5 * back + scalars
    sizes = (6 + states + back, width, width, 7 + states)
    names = (
        ("inelastic_metric", 6), ("hidden", states), ("equivalent_plastic_strain", 1), ("plastic_work", 1),
        ("unreliable", 1),
    )  # fmt: skip
    units = {"plastic_work": "J/m3"}
    card: dict[str, Any] = {
        "kind": "yield_surface",
        "name": "random",
        "precision": "f64",
        "state_schema": [
            {"name": name, "count": n, "unit": units.get(name, "1"), "description": name} for name, n in names
        ],
        "elastic_moduli": dict(moduli),
        "domain": {"strain_max": 1.0, "rate_max": 100 / horizon, "time_max": None},
        "yield_surface": {"backstresses": back, "scalars": scalars, "width": width, "substeps": 2},
        "network": [
            {"in": a, "out": b, "activation": kind}
            for a, b, kind in zip(
                sizes[:-1], sizes[1:], ("algebraic_silu", "algebraic_silu", "linear"), strict=True
            )
        ],
    }
    tensors = {
        "skip": 0.2 * rng.normal(size=scalars),
        "speed": np.exp(0.3 * rng.normal(size=states)),
        "elasticity": np.eye(6, 5),
        "hidden_bound": np.full(states, 50.0),
        "pressure_coefficients": np.array([moduli["bulk"], -moduli["bulk"]]),
        "scales": np.array([strain_scale, horizon / 50, 0.01, 0.4, 0.1, 0.01, 0.1, 50.0]),
    }
    for i, (a, b) in enumerate(pairwise(sizes)):
        tensors[f"layer{i}.weight"] = 0.4 * rng.normal(size=(b, a)) / np.sqrt(a)
        tensors[f"layer{i}.bias"] = 0.1 * rng.normal(size=b)
    return card, tensors


def write_random_surrogate(
    path: Path, modes: int, width: int, hidden: int, horizon: float, steps: int = 200
) -> None:
    """Write a model file of these sizes."""
    card = make_card(modes, width, hidden, horizon)
    write_surrogate(path, card, make_tensors(card, steps=steps))


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
