"""Shapes at the end of a run: what the literature reports of rods and plates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.model import Deck
from pybridge.results import Results


@dataclass(frozen=True)
class RodShape:
    """Lengths in m; plastic strain of the element where it is largest (nan where the material has none)."""

    length: float  # from the lowest node to the mean of the tail
    foot_radius: float  # largest distance of a node of the foot from the axis
    plastic_strain: float


def positions(results: Results, frame: int = -1) -> NDArray[np.float64]:
    """Nodes (N, 3) where they are in a frame."""
    return results.mesh.coordinates + results.node("displacement", frame)


def rod_shape(deck: Deck, results: Results, frame: int = -1) -> RodShape:
    """Length and radius of a rod of abaqus_jobs.rods."""
    x = positions(results, frame)
    axis = 1 if deck.axisymmetric else 2
    body, foot = deck.node_sets["BODY"], deck.node_sets["FOOT"]
    length = x[deck.node_sets["TAIL"], axis].mean() - x[body, axis].min()
    radius = np.abs(x[foot, 0]) if deck.axisymmetric else np.hypot(x[foot, 0], x[foot, 1])
    name = "equivalent_plastic_strain"
    strain = float(results.element(name, frame).max()) if name in results.element_fields else float("nan")
    return RodShape(float(length), float(radius.max()), strain)


def energy_error(results: Results) -> float:
    """Largest change of the total energy during a run, relative to the largest energy."""
    history = results.history
    scale = max(float(np.abs(history[key]).max()) for key in ("kinetic", "internal", "external"))
    total = history["total"]
    return float(np.abs(total - total[0]).max()) / scale


def deflection(deck: Deck, results: Results, frame: int = -1) -> float:
    """Displacement of the middle of the plate's lower side along the impact, m, positive away from the projectile."""
    sets = deck.node_sets
    middle = np.intersect1d(np.intersect1d(sets["X0"], sets["Y0"]), sets["BOTTOM"])
    return -float(results.node("displacement", frame)[middle, 2].mean())


def element_volumes(results: Results) -> NDArray[np.float64]:
    """Volume of each element before the run (per radian for axisymmetric ones), in the order of element fields."""
    from pybridge.deck.check import jacobians
    from pybridge.deck.model import ElementBlock

    parts = []
    for kind, connectivity in results.mesh.blocks:
        volume = jacobians(
            ElementBlock(kind, np.arange(len(connectivity)), connectivity), results.mesh.coordinates
        )
        radius = results.mesh.coordinates[connectivity, 0].mean(1) if results.mesh.axisymmetric else 1.0
        parts.append(volume.sum(0) * radius)
    return np.concatenate(parts)


def relative_l2(value: NDArray, reference: NDArray, weight: NDArray) -> float:
    """sqrt(sum w |value - reference|^2 / sum w |reference|^2); entries (n,) or (n, components), weight (n,)."""
    difference, size = ((x.reshape(len(x), -1) ** 2).sum(1) for x in (value - reference, reference))
    total = float((weight * size).sum())
    return float(np.sqrt((weight * difference).sum() / total)) if total > 0 else float("nan")


def split_stress(stress: NDArray) -> tuple[NDArray, NDArray]:
    """Deviator and mean of stresses (n, 6), the deviator with shears times sqrt 2 so that squares add up."""
    mean = stress[:, :3].mean(1)
    deviator = stress.copy()
    deviator[:, :3] -= mean[:, None]
    deviator[:, 3:] *= np.sqrt(2.0)
    return deviator, mean
