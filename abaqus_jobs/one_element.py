"""One C3D8R whose nodes move at constant velocities, so that F(t) = 1 + t A holds exactly: closed forms to run against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.model import (
    Boundary,
    Deck,
    ElementBlock,
    ExplicitStep,
    FieldOutput,
    InitialVelocity,
    MaterialDefinition,
    Section,
)

CORNERS = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))


def one_element(
    material: MaterialDefinition, gradient: NDArray, time: float, *, steps: int = 1000, intervals: int = 20,
    size: float = 1e-3,
) -> Deck:  # fmt: skip
    """A cube of edge `size` with node velocities v = A X, A = gradient (3, 3) in 1/s, in `steps` equal increments."""
    points = size * np.array(CORNERS, float)
    velocity = points @ np.asarray(gradient, float).T
    labels = np.arange(1, 9)
    sets = {f"N{k}": np.array([k - 1]) for k in labels}
    boundaries, initial = [], []
    for k in range(8):
        for axis in range(3):
            value, region, node = float(velocity[k, axis]), f"N{k + 1}", np.array([k])
            kind = "velocity" if value else "displacement"
            boundaries.append(Boundary(region, node, axis + 1, axis + 1, value, kind, initial=not value))
            if value:
                initial.append(InitialVelocity(region, node, axis + 1, value))
    step = ExplicitStep(
        "DRIVE", time, increment=time / steps,
        field_outputs=(FieldOutput(intervals, ("U", "V"), ("S", "PEEQ", "SDV")),),
    )  # fmt: skip
    return Deck(
        node_labels=labels,
        coordinates=points,
        elements=(ElementBlock("C3D8R", np.array([1]), np.arange(8)[None]),),
        node_sets=sets,
        element_sets={"ALL": np.array([0])},
        surfaces={},
        materials={material.name: material},
        sections=(Section("ALL", material.name),),
        step=step,
        boundaries=tuple(boundaries),
        initial_velocities=tuple(initial),
        heading=f"One element, {material.name}",
        source="one element",
    )
