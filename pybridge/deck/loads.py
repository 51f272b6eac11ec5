"""Boundary and initial conditions, rigid bodies and contact."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from pybridge.deck.cards import Card
from pybridge.deck.flatten import Placed, Scope
from pybridge.deck.mesh import Mesh
from pybridge.deck.model import (
    Amplitude,
    Boundary,
    ContactPair,
    InitialStress,
    InitialTemperature,
    InitialVelocity,
    Pressure,
    RigidBody,
    RigidFlatCylinder,
    RigidPlane,
    Surface,
)

_TYPES = {
    "XSYMM": ((1, 1),),
    "YSYMM": ((2, 2),),
    "ZSYMM": ((3, 3),),
    "PINNED": ((1, 3),),
    "ENCASTRE": ((1, 6),),
}
_REFERENCE_ROTATIONS = {"XSYMM": (5, 6), "YSYMM": (4, 4), "ZSYMM": (4, 5)}


def read_boundary(item: Placed, mesh: Mesh, static: bool = False) -> list[Boundary]:
    """*BOUNDARY: what each data line holds or drives."""
    card, initial = item.card, not item.in_step
    kind, amplitude = card.text("TYPE", "DISPLACEMENT").lower(), card.text("AMPLITUDE")
    found = []
    for line in card.data:
        parts = card.fields(line)
        nodes = mesh.nodes_of(card, item.scope, parts[0], line)
        region = item.scope.qualify(parts[0])
        if len(parts) == 2 and parts[1].upper() in _TYPES:
            if kind == "velocity":
                raise card.error(f"{parts[1].upper()} cannot go with TYPE=VELOCITY", line)
            word = parts[1].upper()
            spans = list(_TYPES[word])
            if word in _REFERENCE_ROTATIONS:
                spans.append(_REFERENCE_ROTATIONS[word])
            if word == "YSYMM":
                spans.append((6, 6))
            found += [Boundary(region, nodes, a, b, 0.0, kind, initial) for a, b in spans]
            continue
        if not 2 <= len(parts) <= 4:
            raise card.error(f"{len(parts)} values given; expected node or set, first[, last[, value]]", line)
        first = card.integer(parts[1], line, "first direction")
        last = card.integer(parts[2], line, "last direction") if len(parts) > 2 and parts[2] else first
        value = card.number(parts[3], line, "value") if len(parts) > 3 and parts[3] else 0.0
        if not 1 <= first <= last <= 6:
            raise card.error(f"directions {first} to {last}; expected 1 to 6, first not above last", line)
        if value and kind == "displacement" and not static:
            raise card.error(
                f"displacement {value:g}: only 0 is supported (it would jump in an explicit step); "
                "give TYPE=VELOCITY and a velocity",
                line,
            )
        if (value or amplitude) and initial:
            raise card.error(
                f"a {kind} other than 0 or an amplitude stands before *STEP; move it into the step", line
            )
        moved, pushed = (0.0, value) if kind == "displacement" else (value, 0.0)
        found.append(Boundary(region, nodes, first, last, moved, kind, initial, pushed, amplitude))
    if not found:
        raise card.error("no data lines")
    return found


def read_amplitude(card: Card) -> Amplitude:
    """*AMPLITUDE: pairs of time and value, times increasing."""
    numbers = [value for line in card.data for value in card.numbers(line, "time, value", 2, 8)]
    times, values = numbers[::2], numbers[1::2]
    if not numbers or len(numbers) % 2 or any(b <= a for a, b in itertools.pairwise(times)):
        raise card.error(f"{len(numbers)} numbers; expected pairs time, value with increasing times")
    return Amplitude(card.text("NAME"), tuple(times), tuple(values))


def read_pressures(item: Placed) -> list[Pressure]:
    """*DSLOAD: pressures on surfaces of elements."""
    card, found = item.card, []
    for line in card.data:
        parts = card.fields(line)
        if len(parts) != 3 or parts[1].upper() != "P":
            raise card.error(f"{line.text.strip()!r}; expected surface, P, pressure", line)
        value = card.number(parts[2], line, "pressure")
        found.append(Pressure(item.scope.qualify(parts[0]), value, card.text("AMPLITUDE")))
    if not found:
        raise card.error("no data lines; expected surface, P, pressure")
    return found


def read_initial_stress(item: Placed, mesh: Mesh) -> list[InitialStress]:
    """*INITIAL CONDITIONS, TYPE=STRESS."""
    card, found = item.card, []
    for line in card.data:
        parts = card.fields(line)
        if not 2 <= len(parts) <= 7:
            raise card.error(
                f"{len(parts)} values given; expected element or set, 11, 22, 33, 12[, 13, 23]", line
            )
        elements = mesh.elements_of(card, item.scope, parts[0], line)
        s = [card.number(part or "0", line, "stress") for part in parts[1:]] + [0.0] * (7 - len(parts))
        found.append(
            InitialStress(item.scope.qualify(parts[0]), elements, (s[0], s[1], s[2], s[3], s[4], s[5]))
        )
    if not found:
        raise card.error("no data lines")
    return found


def read_initial(item: Placed, mesh: Mesh) -> tuple[list[InitialVelocity], list[InitialTemperature]]:
    """*INITIAL CONDITIONS, velocities and temperatures."""
    card = item.card
    velocities: list[InitialVelocity] = []
    temperatures: list[InitialTemperature] = []
    for line in card.data:
        parts = card.fields(line)
        nodes = mesh.nodes_of(card, item.scope, parts[0], line)
        region = item.scope.qualify(parts[0])
        if card.text("TYPE") == "TEMPERATURE":
            if len(parts) != 2:
                raise card.error(f"{len(parts)} values given; expected node or set, temperature", line)
            temperatures.append(InitialTemperature(region, nodes, card.number(parts[1], line, "temperature")))
            continue
        if len(parts) != 3:
            raise card.error(f"{len(parts)} values given; expected node or set, direction, velocity", line)
        direction = card.integer(parts[1], line, "direction")
        if not 1 <= direction <= 3:
            raise card.error(f"direction {direction}; expected 1, 2 or 3", line)
        velocities.append(InitialVelocity(region, nodes, direction, card.number(parts[2], line, "velocity")))
    if not card.data:
        raise card.error("no data lines")
    return velocities, temperatures


def read_masses(items: list[Placed], mesh: Mesh) -> dict[int, float]:
    """*MASS: mass of each node that has one."""
    masses: dict[int, float] = {}
    for item in items:
        card = item.card
        name = item.scope.qualify(card.text("ELSET"))
        if name not in mesh.mass_sets:
            raise card.error(f"ELSET={name}: no elements of TYPE=MASS in it")
        line = card.only_line("mass")
        value = card.numbers(line, "mass", 1, 1)[0]
        if value <= 0:
            raise card.error(f"mass is {value:g}; expected more than 0", line)
        for node in mesh.mass_sets[name]:
            masses[node] = value
    return masses


def read_rigid_body(
    card: Card, scope: Scope, mesh: Mesh, surfaces: dict[str, Surface], masses: dict[int, float]
) -> RigidBody:
    """*RIGID BODY with an analytical surface."""
    name = scope.qualify(card.text("ANALYTICAL SURFACE"))
    if not isinstance(surfaces.get(name), RigidPlane | RigidFlatCylinder):
        raise card.error(f"ANALYTICAL SURFACE={name}: {_known_surfaces(surfaces, True)}")
    nodes = mesh.nodes_of(card, scope, card.text("REF NODE"), card.line)
    if len(nodes) != 1:
        raise card.error(f"REF NODE={card.text('REF NODE')} holds {len(nodes)} nodes; expected one")
    node = int(nodes[0])
    return RigidBody(name, node, masses.get(node, 0.0))


def _known_surfaces(surfaces: dict[str, Surface], analytical: bool) -> str:
    names = [n for n, s in surfaces.items() if isinstance(s, RigidPlane | RigidFlatCylinder) == analytical]
    kind = "analytical" if analytical else "deformable"
    return f"no such {kind} surface; defined: {', '.join(sorted(names)) or 'none'}"


@dataclass(frozen=True)
class Interactions:
    """Friction of each *SURFACE INTERACTION."""

    friction: dict[str, float]

    def of(self, card: Card, name: str) -> float:
        """Friction of an interaction that a card names."""
        if name not in self.friction:
            raise card.error(
                f"interaction {name!r} does not exist; defined: {', '.join(self.friction) or 'none'}"
            )
        return self.friction[name]


def read_interactions(items: list[Placed]) -> Interactions:
    """*SURFACE INTERACTION and its *FRICTION."""
    friction: dict[str, float] = {}
    for item in items:
        name = item.card.text("NAME")
        if name in friction:
            raise item.card.error(f"{name} is defined twice")
        for line in item.card.data:
            item.card.numbers(line, "thickness", 0, 1)
        friction[name] = 0.0
        for child in item.children:
            if child.name == "FRICTION":
                line = child.only_line("coefficient")
                friction[name] = child.numbers(line, "coefficient", 1, 1)[0]
                if friction[name] < 0:
                    raise child.error(f"coefficient is {friction[name]:g}; expected 0 or more", line)
    return Interactions(friction)


def read_contact(
    items: list[Placed], surfaces: dict[str, Surface], interactions: Interactions
) -> list[ContactPair]:
    """*CONTACT PAIR, and the pairs that *CONTACT lists."""
    pairs: list[ContactPair] = []
    for item in items:
        card = item.card
        if card.name == "CONTACT PAIR":
            name = card.text("INTERACTION")
            constraint = card.text("MECHANICAL CONSTRAINT", "KINEMATIC")
            pairs += _pairs(card, item.scope, surfaces, interactions.of(card, name), constraint, name)
            continue
        included = [child for child in item.children if child.name == "CONTACT INCLUSIONS"]
        if not included:
            raise card.error("no *CONTACT INCLUSIONS with pairs of surfaces follows")
        name, friction = _assigned(item, interactions)
        for child in included:
            pairs += _pairs(child, item.scope, surfaces, friction, "PENALTY", name)
    seen: set[tuple[str, str]] = set()
    for pair in pairs:
        if (pair.deformable, pair.rigid) in seen:
            raise items[0].card.error(f"the pair {pair.deformable}, {pair.rigid} is given twice")
        seen.add((pair.deformable, pair.rigid))
    return pairs


def _assigned(item: Placed, interactions: Interactions) -> tuple[str, float]:
    """The one interaction of *CONTACT PROPERTY ASSIGNMENT; without one, contact is frictionless."""
    name, friction = "FRICTIONLESS", 0.0
    for child in item.children:
        if child.name == "CONTACT PROPERTY ASSIGNMENT":
            line = child.only_line(", , interaction")
            parts = child.fields(line)
            if len(parts) != 3 or parts[0] or parts[1]:
                raise child.error("expected one line: , , interaction (for all pairs)", line)
            name = parts[2].upper()
            friction = interactions.of(child, name)
    return name, friction


def _pairs(
    card: Card, scope: Scope, surfaces: dict[str, Surface], friction: float, constraint: str, interaction: str
) -> list[ContactPair]:
    if not card.data:
        raise card.error(
            "no data lines; expected pairs of surfaces (contact of a mesh with itself is not supported)"
        )
    found = []
    for line in card.data:
        parts = [scope.qualify(part) for part in card.fields(line)]
        if len(parts) != 2:
            raise card.error(
                f"{len(parts)} surfaces given; expected a deformable and an analytical one", line
            )
        for part in parts:
            if part not in surfaces:
                raise card.error(
                    f"surface {part!r} does not exist; defined: {', '.join(sorted(surfaces)) or 'none'}", line
                )
        rigid = [part for part in parts if isinstance(surfaces[part], RigidPlane | RigidFlatCylinder)]
        if len(rigid) != 1:
            raise card.error(
                f"{', '.join(parts)}: contact is supported between a deformable and an analytical rigid surface",
                line,
            )
        deformable = parts[1] if parts[0] == rigid[0] else parts[0]
        found.append(ContactPair(deformable, rigid[0], friction, constraint, interaction))
    return found
