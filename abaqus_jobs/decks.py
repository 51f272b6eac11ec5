"""From a mesh and a few numbers to a deck: what the problems share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abaqus_jobs.meshes import Cells, Points
from pybridge.deck.faces import exterior, faces_of
from pybridge.deck.model import (
    Boundary,
    ContactPair,
    Deck,
    ElementBlock,
    ElementSurface,
    ExplicitStep,
    FieldOutput,
    HistoryOutput,
    InitialVelocity,
    MaterialDefinition,
    RigidBody,
    RigidFlatCylinder,
    RigidPlane,
    Section,
    SectionControls,
)
from pybridge.deck.supported import ENERGY_VARIABLES
from pybridge.errors import ConfigError

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Rigid:
    """An analytical rigid surface: held, or driven at a velocity (infinite mass), or free along one direction."""

    surface: RigidPlane | RigidFlatCylinder
    reference: tuple[float, float, float]
    direction: int = 3  # along which it is driven or free
    velocity: float = 0.0
    mass: float = 0.0  # 0: driven at `velocity`; otherwise it starts with `velocity` and is free


@dataclass(frozen=True)
class Mesh:
    """Nodes, elements and named node sets of the deformable body."""

    kind: str
    points: Points  # (n, 3)
    cells: Cells
    node_sets: Mapping[str, Indices]


def build_deck(
    *,
    heading: str,
    mesh: Mesh,
    material: MaterialDefinition,
    rigid: Rigid,
    time: float,
    held: Mapping[str, int],
    velocity: tuple[str, int, float] | None = None,
    friction: float = 0.0,
    controls: SectionControls | None = None,
    intervals: int = 20,
    increment: float | None = None,
    scale_factor: float = 1.0,
    penalty: bool = False,
) -> Deck:
    """A body of one material against one rigid surface.

    held: node set -> direction held at 0. velocity: node set, direction and initial velocity. increment: fixed
    time increment, so that runs of different materials take the same steps. Raises ConfigError.
    """
    if intervals < 1 or not scale_factor > 0 or (increment is not None and not increment > 0):
        raise ConfigError(
            f"intervals = {intervals}, increment = {increment}, scale_factor = {scale_factor:g}: expected 1 or more "
            "intervals, an increment above 0 or none, and a factor above 0"
        )
    n, m = len(mesh.points), len(mesh.cells)
    points = np.vstack([mesh.points, rigid.reference])
    sets = {"BODY": np.arange(n), **mesh.node_sets, "RIGID_NODE": np.array([n])}
    boundaries = [Boundary(name, sets[name], axis, axis) for name, axis in held.items()]
    boundaries += _rigid_conditions(rigid, sets["RIGID_NODE"], mesh.kind.startswith("CAX"))
    initial = []
    if velocity:
        region, direction, value = velocity
        initial.append(InitialVelocity(region, sets[region], direction, value))
    if rigid.mass:
        initial.append(InitialVelocity("RIGID_NODE", sets["RIGID_NODE"], rigid.direction, rigid.velocity))
    step = ExplicitStep(
        "IMPACT",
        time,
        increment=increment,
        scale_factor=scale_factor,
        field_outputs=(FieldOutput(intervals, ("U", "V"), ("S", "PEEQ", "SDV")),),
        history_outputs=(HistoryOutput("energy", ENERGY_VARIABLES, "", 10 * intervals),),
    )
    return Deck(
        node_labels=np.arange(1, n + 2),
        coordinates=points,
        elements=(ElementBlock(mesh.kind, np.arange(1, m + 1), mesh.cells),),
        node_sets={name: np.unique(nodes) for name, nodes in sets.items()},
        element_sets={"ALL": np.arange(m)},
        surfaces={"SKIN": skin(mesh.kind, mesh.cells), rigid.surface.name: rigid.surface},
        materials={material.name: material},
        sections=(Section("ALL", material.name, controls.name if controls else None),),
        section_controls={controls.name: controls} if controls else {},
        step=step,
        rigid_bodies=(RigidBody(rigid.surface.name, n, rigid.mass),),
        boundaries=tuple(boundaries),
        initial_velocities=tuple(initial),
        contact_pairs=(
            ContactPair(
                "SKIN", rigid.surface.name, friction, "PENALTY" if penalty else "KINEMATIC", "WALL_CONTACT"
            ),
        ),
        heading=heading,
        source=heading.splitlines()[0],
    )


def _rigid_conditions(rigid: Rigid, node: Indices, flat: bool) -> list[Boundary]:
    """The reference node: held in all directions but the one in which it is driven or free."""
    others = [axis for axis in (1, 2, 3, 4, 5, 6) if axis != rigid.direction]
    if not rigid.velocity and not rigid.mass:
        return [Boundary("RIGID_NODE", node, 1, 6)]
    conditions = [Boundary("RIGID_NODE", node, axis, axis) for axis in others]
    if not rigid.mass:
        axis = rigid.direction
        conditions.append(Boundary("RIGID_NODE", node, axis, axis, rigid.velocity, "velocity", initial=False))
    return conditions


def skin(kind: str, cells: Cells) -> ElementSurface:
    """Every face on the outside of the mesh."""
    pairs = exterior(kind, cells)
    elements, faces = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    table = np.array(faces_of(kind))
    return ElementSurface("SKIN", elements, faces, np.unique(cells[elements[:, None], table[faces - 1]]))


def where(condition: NDArray[np.bool_]) -> Indices:
    """Indices at which a condition holds."""
    return np.flatnonzero(condition)
