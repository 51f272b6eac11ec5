"""Small surrogates for checks without training, whose answers are stresses: stiff, saturating, monotone.

PCA + DNN: two modes a component: the strain E = U - 1 itself, and a history that weighs early strain more. The first answers
2 G e tanh(E / e), plus a pressure; random coupling mixes components and histories by some per cent.

Learned yield surface: random weights, small enough that direction and history count and the surface stays one.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from pybridge.bench.random_surrogate import make_card, write_surrogate

BULK, SHEAR, KNEE = 36e9, 17e9, 0.01


def saturating_surrogate(path: Path, horizon: float) -> Path:
    """Write it to `path`; times up to `horizon`, s."""
    rng = np.random.default_rng(11)
    card = make_card(2, 12, 1, horizon)
    card["name"] = "saturating"
    card["domain"] = {"strain_max": 0.5, "rate_max": 100 / horizon, "time_max": horizon}
    card["network"][0]["activation"] = "tanh"
    time = np.linspace(0, horizon, 41)
    first = np.arange(12) % 2 == 0
    basis = np.where(first[:, None], 1.0, 0.1 * np.sin(3 * np.pi * time / horizon))
    tensors = {
        "time": time,
        "input_primitive": np.where(first[:, None], horizon, 2 * (horizon - time)),
        "input_mean": np.zeros(12),
        "input_scale": np.full(12, KNEE),
        "output_scale": np.full(12, 2 * SHEAR * KNEE),
        "output_basis": basis,
        "pressure_coefficients": np.array([BULK - 2 * SHEAR / 3, -2 * BULK]),
        "layer0.weight": np.eye(12) + 0.03 * rng.normal(size=(12, 12)),
        "layer0.bias": 0.02 * rng.normal(size=12),
        "layer1.weight": np.eye(12) + 0.03 * rng.normal(size=(12, 12)),
        "layer1.bias": np.zeros(12),
    }
    write_surrogate(path, card, tensors)
    return path


def random_yield_surface(path: Path, horizon: float) -> Path:
    """Write it to `path`; its relaxation time is a fiftieth of `horizon`, s."""
    rng = np.random.default_rng(5)
    back, scalars, width, strain_scale = 2, 4, 16, 4e-3
    states = 5 * back + scalars
    sizes = (6 + states, width, width, 7 + states)
    names = (
        ("inelastic_metric", 6), ("hidden", states), ("equivalent_plastic_strain", 1), ("plastic_work", 1),
        ("unreliable", 1),
    )  # fmt: skip
    units = {"plastic_work": "J/m3"}
    card = {
        "kind": "yield_surface",
        "name": "random",
        "precision": "f64",
        "state_schema": [
            {"name": name, "count": n, "unit": units.get(name, "1"), "description": name} for name, n in names
        ],
        "elastic_moduli": {"bulk": BULK, "shear": SHEAR},
        "domain": {"strain_max": 1.0, "rate_max": 100 / horizon, "time_max": None},
        "yield_surface": {"backstresses": back, "scalars": scalars, "width": width, "substeps": 2},
        "network": [
            {"in": a, "out": b, "activation": kind}
            for a, b, kind in zip(sizes[:-1], sizes[1:], ("silu", "silu", "linear"), strict=True)
        ],
    }
    tensors = {
        "skip": 0.2 * rng.normal(size=scalars),
        "speed": np.exp(0.3 * rng.normal(size=states)),
        "hidden_bound": np.full(states, 50.0),
        "pressure_coefficients": np.array([BULK, -BULK]),
        "scales": np.array([strain_scale, horizon / 50, 0.01, 0.4, 0.1, 0.01, 0.1, 50.0]),
    }
    for i, (a, b) in enumerate(pairwise(sizes)):
        tensors[f"layer{i}.weight"] = 0.4 * rng.normal(size=(b, a)) / np.sqrt(a)
        tensors[f"layer{i}.bias"] = 0.1 * rng.normal(size=b)
    write_surrogate(path, card, tensors)
    return path
