"""An untrained surrogate as numbers."""

from __future__ import annotations

import numpy as np

from training.yield_surface import YieldSurface
from training.yield_surface_export import Surrogate, tensors_from

SHEAR, BULK, STRAIN_SCALE, TIME_SCALE, FLOOR = 25e9, 48e9, 6e-3, 8e-9, 0.01
PIECE, AHEAD, RADIUS = 0.4, 0.1, 5.0


def surrogate_from(model: YieldSurface, **domain: float | None) -> Surrogate:
    """Numbers of an untrained model; strain and rate unlimited unless given."""
    tensors = tensors_from(
        model, strain_scale=STRAIN_SCALE, time_scale=TIME_SCALE, piece=PIECE, ahead=AHEAD, radius_bound=RADIUS,
        hidden_bound=np.full(model.sizes.states, 3.0), elasticity=np.eye(6, 5),
        pressure=np.array([BULK, -0.3 * BULK]),
    )  # fmt: skip
    limits = {"strain_max": None, "rate_max": None, "time_max": None, **domain}
    card = {
        "kind": "yield_surface", "name": "trial", "sizes": vars(model.sizes), "domain": limits, "precision": "f64",
        "material": {"bulk": BULK, "shear": SHEAR, "density": 1e4}, "training": {}, "errors": {},
    }  # fmt: skip
    return Surrogate(tensors, card)
