"""Whether the final shape of a rod depends on noise: perturbed nodes, smaller steps, single precision.

A material whose hidden states move with every step, plastic or not, forgets under noise; one that is integrated badly depends
on the steps. Both show in the shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abaqus_jobs.cases import Case, run_case
from abaqus_jobs.impact_check import fixed_increment
from abaqus_jobs.materials import magnesium_johnson_cook
from abaqus_jobs.measures import positions, rod_shape
from pybridge.deck.model import Deck, MaterialDefinition
from pybridge.errors import ConfigError
from pybridge.report import Report

PERTURBATION = 1e-6  # of the shortest edge
STEP_DIVISOR = 4
SHAPE_MOST = 0.005
EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 5), (2, 6), (3, 7), (4, 5), (5, 6), (6, 7), (7, 4))


@dataclass(frozen=True)
class Variant:
    """One run that should end as the plain one does."""

    name: str
    deck: Deck
    material: str


def shortest_edge(deck: Deck) -> float:
    """Of all elements (bricks), m."""
    found = []
    for block in deck.elements:
        corners = deck.coordinates[block.connectivity]
        found += [np.linalg.norm(corners[:, a] - corners[:, b], axis=1).min() for a, b in EDGES]
    return float(min(found))


def perturbed(deck: Deck, share: float, seed: int) -> Deck:
    """Every node of the elements moved at random by up to `share` of the shortest edge along each axis."""
    size = share * shortest_edge(deck)
    points = deck.coordinates.copy()
    nodes = np.unique(np.concatenate([block.connectivity.ravel() for block in deck.elements]))
    points[nodes] += np.random.default_rng(seed).uniform(-size, size, (len(nodes), 3))
    return replace(deck, coordinates=points)


def outline(deck: Deck) -> NDArray[np.int64]:
    """Nodes of a whole rod's outer surface: those furthest from the axis."""
    distance = np.hypot(deck.coordinates[:, 0], deck.coordinates[:, 1])
    body = deck.node_sets["BODY"]
    return body[distance[body] > distance[body].max() * (1 - 1e-4)]


def change_of_shape(plain: Case, other: Case) -> dict[str, float]:
    """Relative changes of length and foot radius, and of the profile: the largest distance between the places of a node of
    the outer surface in the plane of radius and height, over the rod's radius. A turn about the axis is no change of shape;
    `turn` gives the largest, as a share of the radius (a learned material is not quite isotropic, and the foot slides)."""
    a, b = rod_shape(plain.deck, plain.results), rod_shape(other.deck, other.results)
    nodes = outline(plain.deck)
    radius = np.hypot(*plain.deck.coordinates[nodes, :2].T).max()
    x, y = (positions(case.results)[nodes] for case in (plain, other))
    outward = [np.hypot(p[:, 0], p[:, 1]) for p in (x, y)]
    apart = np.hypot(outward[0] - outward[1], x[:, 2] - y[:, 2])
    along = np.linalg.norm(x - y, axis=1)
    return {
        "length": abs(b.length / a.length - 1),
        "foot_radius": abs(b.foot_radius / a.foot_radius - 1),
        "profile": float(apart.max() / radius),
        "turn": float(np.sqrt(np.maximum(along**2 - apart**2, 0)).max() / radius),
    }


def variants(
    builder: Callable[..., Deck], definition: MaterialDefinition, host: str
) -> tuple[Variant, list[Variant]]:
    """The plain run and those that should end as it does. builder(material, increment=dt) gives the deck; the increment is
    that of the other impacts, from Johnson-Cook on the same moduli and density."""
    increment = fixed_increment(builder(magnesium_johnson_cook(definition.density), increment=None))
    deck = builder(definition, increment=increment)
    if ":" in host:
        raise ConfigError(f"host {host}: expected one in double precision")
    others = [Variant(f"nodes{seed}", perturbed(deck, PERTURBATION, seed), host) for seed in (1, 2)]
    others += [
        Variant("quarter_step", builder(definition, increment=increment / STEP_DIVISOR), host),
        Variant("single", deck, f"{host}:single"),
    ]
    return Variant("plain", deck, host), others


def noise_check(
    builder: Callable[..., Deck], definition: MaterialDefinition, out: Path, label: str, *, host: str = "vumat", models: dict[str, Path] | None = None,
    threads: int | None = None, progress: bool = True, report: Report | None = None, asked: bool = True,
) -> Report:  # fmt: skip
    """Run the plain rod and its variants; figures LABEL_VARIANT_length, _foot_radius, _profile and _turn;
    with targets where `asked`."""
    report = report or Report("noise")
    settings: dict[str, Any] = {"models": models, "threads": threads, "progress": progress, "reuse": True}
    plain, others = variants(builder, definition, host)
    first = run_case(plain.deck, out, f"{label}_plain", plain.material, **settings)
    shape = rod_shape(first.deck, first.results)
    report.add(f"{label}_length", 1e3 * shape.length, "mm")
    report.add(f"{label}_foot_radius", 1e3 * shape.foot_radius, "mm")
    for one in others:
        case = run_case(one.deck, out, f"{label}_{one.name}", one.material, **settings)
        for name, value in change_of_shape(first, case).items():
            target = f"<= {SHAPE_MOST}" if asked and name != "turn" else ""
            report.add(f"{label}_{one.name}_{name}", value, "1", target)
    return report
