"""From a deck (pybridge/deck) to the solver's model and controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.faces import faces_of
from pybridge.deck.model import Deck, ElementSurface, NodeSurface, RigidFlatCylinder, RigidPlane, Section
from pybridge.errors import SolverError
from pybridge.solver.materials import MaterialSwitch, check_dimension, make_material
from pybridge.solver.model import (
    Controls,
    Curve,
    CylinderContact,
    ElementGroup,
    Hourglass,
    Model,
    PlaneContact,
    Prescribed,
    SolverMaterial,
    SurfacePressure,
)

SAFETY = 0.95  # of the bound of the stable increment; the deck's SCALE FACTOR multiplies it


def model_from_deck(
    deck: Deck, material: str | Mapping[str, Any] = "deck", folder: Path | None = None,
    models: Mapping[str, Path] | None = None, nblock: int | None = None,
) -> Model:  # fmt: skip
    """The solver's model. material: a switch (materials.py), or materials of the contract by name (upper case).

    folder: where model files stand (default: that of the deck). nblock: points a call of the material.
    Raises SolverError; DeckError where the step is not explicit.
    """
    step = deck.explicit_step
    switch = MaterialSwitch.parse(material) if isinstance(material, str) else MaterialSwitch()
    where = folder if folder is not None else Path(deck.source).resolve().parent
    given = {} if isinstance(material, str) else {k.upper(): v for k, v in material.items()}
    materials: dict[str, SolverMaterial] = {}
    for name in {section.material for section in deck.sections}:
        if name not in deck.materials:
            raise SolverError(
                f"{deck.source}: a section names the material {name}, which the deck does not define"
            )
        definition = deck.materials[name]
        if not step.adiabatic:  # as in Abaqus, plastic work heats in an adiabatic step alone
            definition = replace(definition, specific_heat=None)
        if given and name.upper() not in given:
            raise SolverError(f"material {name}: none given; expected {', '.join(deck.materials)}")
        law, block = (
            (given[name.upper()], 0)
            if given
            else make_material(definition, switch, where, models, flat=deck.axisymmetric or deck.plane)
        )
        materials[name] = SolverMaterial(name, law, definition.density, block if nblock is None else nblock)
    groups = tuple(_groups(deck, materials))
    velocity = np.zeros((len(deck.coordinates), 3))
    for item in deck.initial_velocities:
        velocity[item.nodes, item.direction - 1] = item.value
    prescribed = tuple(
        Prescribed(
            b.nodes, direction - 1, b.velocity, _curve(deck, b.amplitude), b.region if b.velocity else ""
        )
        for b in deck.boundaries
        for direction in range(b.first, min(b.last, 3) + 1)
    )
    return Model(
        deck.node_labels, deck.coordinates, groups, velocity, prescribed, tuple(_contacts(deck)), deck.heading,
        dict(deck.node_sets), tuple(_pressures(deck)),
    )  # fmt: skip


def _curve(deck: Deck, name: str) -> Curve:
    """The amplitude of that name; constant where there is none."""
    if not name:
        return Curve()
    return Curve(deck.amplitudes[name].times, deck.amplitudes[name].values)


def _pressures(deck: Deck) -> list[SurfacePressure]:
    """One load for each *DSLOAD and each number of corners of a face."""
    found = []
    elements = [(block.type, row) for block in deck.elements for row in block.connectivity]
    for load in deck.pressures:
        surface = deck.surfaces[load.surface]
        assert isinstance(surface, ElementSurface)
        rows = []
        for e, f in zip(surface.elements.tolist(), surface.faces.tolist(), strict=True):
            kind, nodes = elements[e]
            rows.append(nodes[list(faces_of(kind)[f - 1])])
        found.append(SurfacePressure(np.array(rows), load.value, _curve(deck, load.amplitude)))
    return found


def initial_stress(deck: Deck) -> NDArray | None:
    """(elements, 6) 11, 22, 33, 12, 23, 13 of all blocks; None where the deck gives none."""
    if not deck.initial_stresses:
        return None
    out = np.zeros((deck.element_count, 6))
    for item in deck.initial_stresses:
        s = item.stress
        out[item.elements] = s[0], s[1], s[2], s[3], s[5], s[4]
    return out


def controls_from_deck(deck: Deck, **changes: Any) -> Controls:
    """The solver's controls from the deck's step; `changes` replace single values."""
    step = deck.explicit_step
    values: dict[str, Any] = {
        "end_time": step.time,
        "scale_factor": SAFETY * step.scale_factor,
        "increment": step.increment,
        "increment_max": step.increment_max,
        "frames": max([output.intervals for output in step.field_outputs], default=20),
        "history_points": max([output.intervals for output in step.history_outputs], default=200),
    }
    return Controls(**(values | {k: v for k, v in changes.items() if v is not None}))


def _groups(deck: Deck, materials: dict[str, SolverMaterial]) -> list[ElementGroup]:
    groups, taken = [], np.zeros(deck.element_count, bool)
    temperature, stresses = np.zeros(len(deck.coordinates)), initial_stress(deck)
    for item in deck.initial_temperatures:
        temperature[item.nodes] = item.value
    for section in deck.sections:
        first = 0
        for block in deck.elements:
            start = first
            inside = deck.element_sets[section.element_set] - first
            inside = inside[(inside >= 0) & (inside < len(block.labels))]
            inside = inside[~taken[inside + first]]
            taken[inside + first] = True
            first += len(block.labels)
            if inside.size:
                stress = None if stresses is None else stresses[inside + start]
                groups.append(_group(deck, section, block, inside, materials, temperature, stress))
    if not taken.all():
        label = deck.element_labels[np.flatnonzero(~taken)[0]]
        raise SolverError(
            f"{deck.source}: element {label} has no *SOLID SECTION; give it one ({(~taken).sum()} such)"
        )
    return groups


def _group(
    deck: Deck, section: Section, block: Any, inside: NDArray, materials: dict[str, SolverMaterial],
    temperature: NDArray, stress: NDArray | None,
) -> ElementGroup:  # fmt: skip
    controls = deck.section_controls.get(section.controls) if section.controls else None
    hourglass, linear, quadratic = Hourglass(), 1.0, 1.0
    if controls is not None:
        weight = 0.5 if controls.weight is None else controls.weight
        hourglass = Hourglass(controls.hourglass, controls.hourglass_scale, weight)
        linear, quadratic = controls.linear_viscosity_scale, controls.quadratic_viscosity_scale
    connectivity = block.connectivity[inside]
    check_dimension(section.material, materials[section.material].material, block.type)
    return ElementGroup(
        block.type, block.labels[inside], connectivity, materials[section.material], hourglass,
        linear * deck.explicit_step.linear_viscosity, quadratic * deck.explicit_step.quadratic_viscosity,
        temperature[connectivity].mean(axis=1), stress, deck.materials[section.material].damping,
    )  # fmt: skip


def _contacts(deck: Deck) -> list[PlaneContact | CylinderContact]:
    contacts, nodes, friction = [], {}, {}
    for pair in deck.contact_pairs:
        if pair.constraint != "KINEMATIC":
            raise SolverError(
                f"{deck.source}: contact pair {pair.deformable}, {pair.rigid}: MECHANICAL CONSTRAINT={pair.constraint}; "
                "the solver enforces contact kinematically: write MECHANICAL CONSTRAINT=KINEMATIC"
            )
        surface = deck.surfaces[pair.deformable]
        if not isinstance(surface, ElementSurface | NodeSurface):
            raise SolverError(f"{deck.source}: surface {pair.deformable}: expected one of elements or nodes")
        key = (pair.rigid, pair.friction)
        nodes.setdefault(key, []).append(surface.nodes)
        friction[key] = pair.friction
    for (name, mu), parts in nodes.items():
        contacts.append(_contact(deck, name, np.unique(np.concatenate(parts)), mu))
    if len({name for name, _ in nodes}) < len(nodes):
        raise SolverError(
            f"{deck.source}: a rigid surface has contact pairs with different friction; give it one"
        )
    return contacts


def _contact(deck: Deck, name: str, nodes: NDArray, friction: float) -> PlaneContact | CylinderContact:
    surface, body = deck.surfaces[name], deck.rigid_body(name)
    if not isinstance(surface, RigidPlane | RigidFlatCylinder):
        raise SolverError(f"{deck.source}: surface {name}: expected an analytical rigid surface")
    free, velocity = [True, True, True], [0.0, 0.0, 0.0]
    for item in deck.initial_velocities:
        if body.reference_node in item.nodes:
            velocity[item.direction - 1] = item.value
    for item in deck.boundaries:
        if body.reference_node in item.nodes:
            for direction in range(item.first, min(item.last, 3) + 1):
                free[direction - 1], velocity[direction - 1] = False, item.velocity
    if deck.axisymmetric or deck.plane:
        free[2] = False
    mass = body.mass if body.mass > 0.0 else np.inf
    common: dict[str, Any] = {
        "nodes": nodes, "normal": surface.normal, "friction": friction, "velocity": tuple(velocity), "mass": mass,
        "free": tuple(free), "name": name,
    }  # fmt: skip
    if isinstance(surface, RigidPlane):
        return PlaneContact(point=surface.point, **common)
    return CylinderContact(
        centre=surface.centre, radius=surface.radius, length=surface.length, fillet_radius=surface.fillet_radius,
        **common,
    )  # fmt: skip
