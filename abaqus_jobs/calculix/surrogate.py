"""Small surrogates for checks without training, whose answers are stresses: stiff, saturating, monotone.

PCA + DNN: two modes a component: the strain E = U - 1 itself, and a history that weighs early strain more. The first answers
2 G e tanh(E / e), plus a pressure; random coupling mixes components and histories by some per cent.

Learned yield surface: random weights, small enough that direction and history count and the surface stays one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pybridge.bench.random_surrogate import make_card, make_yield_surface, write_surrogate

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
    write_surrogate(path, *make_yield_surface(16, horizon, {"bulk": BULK, "shear": SHEAR}))
    return path
