"""Writes a deck as Abaqus input: flat (no parts), every number at most 20 characters wide, as Abaqus asks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.model import (
    Boundary,
    Deck,
    ElementSurface,
    ExplicitStep,
    FieldOutput,
    HistoryOutput,
    JohnsonCook,
    MaterialDefinition,
    NodeSurface,
    RigidFlatCylinder,
    RigidPlane,
    StaticStep,
    Surface,
)
from pybridge.report import write_text_atomic

_WIDTH = 19  # without the sign, so that a number and its negative are written alike


def write_deck(deck: Deck, path: str | Path) -> None:
    """Write the deck to a file, whole or not at all."""
    write_text_atomic(Path(path), deck_text(deck))


def deck_text(deck: Deck) -> str:
    """The deck as text that Abaqus takes and that `read_deck_text` reads back equal (to 13 digits)."""
    lines = ["*HEADING", *(f" {line}" for line in deck.heading.splitlines() if line.strip())]
    lines += _mesh(deck)
    for name, nodes in deck.node_sets.items():
        lines += _set("NSET", name, deck.node_labels[nodes])
    for name, elements in deck.element_sets.items():
        lines += _set("ELSET", name, deck.element_labels[elements])
    for surface in deck.surfaces.values():
        lines += _surface(deck, surface)
    lines += _rigid_bodies(deck)
    lines += _sections(deck)
    for material in deck.materials.values():
        lines += material_lines(material)
    for one in deck.amplitudes.values():
        lines.append(f"*AMPLITUDE, NAME={one.name}, TIME=STEP TIME")
        pairs = [f"{number(t)}, {number(v)}" for t, v in zip(one.times, one.values, strict=True)]
        lines += _in_lines(pairs, 4)
    lines += _initial(deck)
    lines += _boundaries(deck, [b for b in deck.boundaries if b.initial])
    for name, friction in dict.fromkeys((p.interaction, p.friction) for p in deck.contact_pairs):
        lines += [f"*SURFACE INTERACTION, NAME={name}", "*FRICTION", f"{number(friction)},"]
    lines += _step(deck)
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """A number as short as keeps it exact, and at 13 digits where that would be wider than Abaqus takes."""
    text = repr(float(value))
    return text if len(text.lstrip("-")) <= _WIDTH else f"{value:.13g}"


def _row(values: Iterable[float]) -> str:
    return ", ".join(number(value) for value in values)


def _in_lines(words: list[str], count: int) -> list[str]:
    return [", ".join(words[i : i + count]) for i in range(0, len(words), count)]


def _mesh(deck: Deck) -> list[str]:
    lines = ["*NODE"]
    lines += [
        f"{i}, {_row(x)}" for i, x in zip(deck.node_labels.tolist(), deck.coordinates.tolist(), strict=True)
    ]
    for block in deck.elements:
        lines.append(f"*ELEMENT, TYPE={block.type}")
        rows = deck.node_labels[block.connectivity].tolist()
        lines += [
            f"{i}, {', '.join(map(str, row))}" for i, row in zip(block.labels.tolist(), rows, strict=True)
        ]
    return lines


def _set(keyword: str, name: str, labels: NDArray[np.int64]) -> list[str]:
    labels = np.sort(labels)
    steps = np.unique(np.diff(labels))
    if len(labels) > 2 and len(steps) == 1:
        return [f"*{keyword}, {keyword}={name}, GENERATE", f"{labels[0]}, {labels[-1]}, {steps[0]}"]
    words = [str(label) for label in labels]
    lines = _in_lines(words, 16)
    if len(words) == 1:
        lines = [words[0] + ","]
    return [f"*{keyword}, {keyword}={name}", *lines] if lines else []


# --- surfaces --------------------------------------------------------------------------------------------------
def _surface(deck: Deck, surface: Surface) -> list[str]:
    if isinstance(surface, ElementSurface):
        labels = deck.element_labels[surface.elements].tolist()
        rows = [f"{label}, S{face}" for label, face in zip(labels, surface.faces.tolist(), strict=True)]
        return [f"*SURFACE, TYPE=ELEMENT, NAME={surface.name}", *rows]
    if isinstance(surface, NodeSurface):
        rows = [f"{label}," for label in deck.node_labels[surface.nodes].tolist()]
        return [f"*SURFACE, TYPE=NODE, NAME={surface.name}", *rows]
    flat = deck.axisymmetric or deck.plane
    if isinstance(surface, RigidPlane):
        return _plane_segments(surface) if flat else _plane_cylinder(surface)
    return _flat_cylinder_segments(surface) if flat else _flat_cylinder_revolution(surface)


def _plane_segments(plane: RigidPlane) -> list[str]:
    point, along = np.array(plane.point), np.array(plane.along)
    start, end = point - along * plane.half_width, point + along * plane.half_width
    return [
        f"*SURFACE, TYPE=SEGMENTS, NAME={plane.name}",
        f"START, {_row(start[:2].tolist())}",
        f"LINE, {_row(end[:2].tolist())}",
    ]


def _plane_cylinder(plane: RigidPlane) -> list[str]:
    """Local x along the line, y the normal, and the generator, a to c, along -z = -(x cross y)."""
    a, along, normal = np.array(plane.point), np.array(plane.along), np.array(plane.normal)
    scale = max(plane.half_width, float(np.abs(a).max()))
    b, c = a + along * scale, a - np.cross(along, normal) * scale
    return [
        f"*SURFACE, TYPE=CYLINDER, NAME={plane.name}",
        _row([*a.tolist(), *b.tolist()]),
        _row(c.tolist()),
        f"START, {number(-plane.half_width)}, 0.0",
        f"LINE, {number(plane.half_width)}, 0.0",
    ]


def _fillet(cylinder: RigidFlatCylinder) -> str:
    return f", FILLET RADIUS={number(cylinder.fillet_radius)}" if cylinder.fillet_radius else ""


def _flat_cylinder_revolution(cylinder: RigidFlatCylinder) -> list[str]:
    """The axis points from the face into the body, so that the side comes first and then the face."""
    a = np.array(cylinder.centre)
    scale = max(cylinder.radius, float(np.abs(a).max()))
    b = a - np.array(cylinder.normal) * scale
    return [
        f"*SURFACE, TYPE=REVOLUTION, NAME={cylinder.name}{_fillet(cylinder)}",
        _row([*a.tolist(), *b.tolist()]),
        f"START, {_row((cylinder.radius, cylinder.length))}",
        f"LINE, {_row((cylinder.radius, 0.0))}",
        "LINE, 0.0, 0.0",
    ]


def _flat_cylinder_segments(cylinder: RigidFlatCylinder) -> list[str]:
    face = cylinder.centre[1]
    back = face - cylinder.normal[1] * cylinder.length
    points = [(cylinder.radius, back), (cylinder.radius, face), (0.0, face)]
    if cylinder.normal[1] > 0:
        points.reverse()
    words = ("START", "LINE", "LINE")
    return [
        f"*SURFACE, TYPE=SEGMENTS, NAME={cylinder.name}{_fillet(cylinder)}",
        *(f"{word}, {_row(point)}" for word, point in zip(words, points, strict=True)),
    ]


def _rigid_bodies(deck: Deck) -> list[str]:
    lines: list[str] = []
    label = int(deck.element_labels.max()) + 1
    for body in deck.rigid_bodies:
        reference = deck.node_labels[body.reference_node]
        lines.append(f"*RIGID BODY, REF NODE={reference}, ANALYTICAL SURFACE={body.surface}")
        if body.mass:
            name = f"_MASS_OF_{body.surface}"
            lines += [f"*ELEMENT, TYPE=MASS, ELSET={name}", f"{label}, {reference}"]
            lines += [f"*MASS, ELSET={name}", f"{number(body.mass)},"]
            label += 1
    return lines


# --- materials and sections ------------------------------------------------------------------------------------
def _sections(deck: Deck) -> list[str]:
    lines: list[str] = []
    for section in deck.sections:
        controls = f", CONTROLS={section.controls}" if section.controls else ""
        lines += [f"*SOLID SECTION, ELSET={section.element_set}, MATERIAL={section.material}{controls}", ","]
    for one in deck.section_controls.values():
        weight = f", WEIGHT FACTOR={number(one.weight)}" if one.weight is not None else ""
        scales = (one.hourglass_scale, 1.0, 1.0, one.linear_viscosity_scale, one.quadratic_viscosity_scale)
        lines += [f"*SECTION CONTROLS, NAME={one.name}, HOURGLASS={one.hourglass}{weight}", _row(scales)]
    return lines


def material_lines(material: MaterialDefinition) -> list[str]:
    """*MATERIAL and its options, as they stand in a deck."""
    lines = [f"*MATERIAL, NAME={material.name}"]
    lines += ["*DENSITY", f"{number(material.density)},"] if material.density else []
    lines += [f"*DAMPING, ALPHA={number(material.damping)}"] if material.damping else []
    if material.elastic:
        lines += ["*ELASTIC", _row((material.elastic.young, material.elastic.poisson))]
    if isinstance(material.plastic, JohnsonCook):
        law = material.plastic
        lines += [
            "*PLASTIC, HARDENING=JOHNSON COOK",
            _row((law.a, law.b, law.n, law.m, law.melt, law.transition)),
        ]
        if law.c:
            lines += ["*RATE DEPENDENT, TYPE=JOHNSON COOK", _row((law.c, law.reference_rate))]
    elif material.plastic:
        lines += ["*PLASTIC", *(_row(row) for row in material.plastic.rows)]
    if material.inelastic_heat_fraction is not None:
        lines += ["*INELASTIC HEAT FRACTION", f"{number(material.inelastic_heat_fraction)},"]
    if material.specific_heat is not None:
        lines += ["*SPECIFIC HEAT", f"{number(material.specific_heat)},"]
    if material.user:
        lines += _user(material)
    return lines


def _user(material: MaterialDefinition) -> list[str]:
    user = material.user
    assert user is not None
    lines = []
    if user.state_size:
        lines += ["*DEPVAR", f"{user.state_size},"]
        lines += [f'{s.number}, {s.name}, "{s.description}"' for s in user.state_names]
    lines += [f"*USER MATERIAL, CONSTANTS={len(user.constants)}"]
    return lines + _in_lines([number(c) for c in user.constants], 8)


# --- conditions and step ---------------------------------------------------------------------------------------
def _regions(deck: Deck, region: str, nodes: NDArray[np.int64]) -> list[str]:
    return [region] if region in deck.node_sets else [str(deck.node_labels[node]) for node in nodes]


def _initial(deck: Deck) -> list[str]:
    lines: list[str] = []
    for one in deck.initial_temperatures:
        lines.append("*INITIAL CONDITIONS, TYPE=TEMPERATURE")
        lines += [f"{region}, {number(one.value)}" for region in _regions(deck, one.region, one.nodes)]
    for one in deck.initial_velocities:
        lines.append("*INITIAL CONDITIONS, TYPE=VELOCITY")
        lines += [
            f"{region}, {one.direction}, {number(one.value)}"
            for region in _regions(deck, one.region, one.nodes)
        ]
    for one in deck.initial_stresses:
        regions = (
            [one.region]
            if one.region in deck.element_sets
            else [str(deck.element_labels[e]) for e in one.elements]
        )
        lines.append("*INITIAL CONDITIONS, TYPE=STRESS")
        lines += [f"{region}, {_row(one.stress)}" for region in regions]
    return lines


def _boundaries(deck: Deck, boundaries: list[Boundary]) -> list[str]:
    lines: list[str] = []
    for one in boundaries:
        words = ["*BOUNDARY"]
        words += ["TYPE=VELOCITY"] if one.kind == "velocity" else []
        words += [f"AMPLITUDE={one.amplitude}"] if one.amplitude else []
        lines.append(", ".join(words))
        given = one.velocity or one.displacement
        value = f", {number(given)}" if given else ""
        lines += [
            f"{region}, {one.first}, {one.last}{value}" for region in _regions(deck, one.region, one.nodes)
        ]
    return lines


def _step(deck: Deck) -> list[str]:
    step = deck.step
    lines = _static(step) if isinstance(step, StaticStep) else _explicit(step)
    lines += _boundaries(deck, [b for b in deck.boundaries if not b.initial])
    for load in deck.pressures:
        lines.append("*DSLOAD" + (f", AMPLITUDE={load.amplitude}" if load.amplitude else ""))
        lines.append(f"{load.surface}, P, {number(load.value)}")
    for pair in deck.contact_pairs:
        lines += [
            f"*CONTACT PAIR, INTERACTION={pair.interaction}, MECHANICAL CONSTRAINT={pair.constraint}",
            f"{pair.deformable}, {pair.rigid}",
        ]
    for output in step.field_outputs:
        lines += _field_output(output)
    for output in step.history_outputs:
        lines += _history_output(output)
    return [*lines, "*END STEP"]


def _static(step: StaticStep) -> list[str]:
    limits = [number(x) if x is not None else "" for x in (step.increment_min, step.increment_max)]
    line = ", ".join([number(step.increment), number(step.time), *limits]).rstrip(", ")
    return [f"*STEP, NAME={step.name}, INC=100000", "*STATIC", line]


def _explicit(step: ExplicitStep) -> list[str]:
    words = ["*DYNAMIC", "EXPLICIT"]
    words += ["ADIABATIC"] if step.adiabatic else []
    words += ["DIRECT USER CONTROL"] if step.increment is not None else []
    words += [f"SCALE FACTOR={number(step.scale_factor)}"] if step.scale_factor != 1.0 else []
    first = number(step.increment) if step.increment is not None else ""
    last = f", , {number(step.increment_max)}" if step.increment_max is not None else ""
    lines = [f"*STEP, NAME={step.name}, NLGEOM=YES", ", ".join(words), f"{first}, {number(step.time)}{last}"]
    return [*lines, "*BULK VISCOSITY", _row((step.linear_viscosity, step.quadratic_viscosity))]


def _field_output(output: FieldOutput) -> list[str]:
    lines = [f"*OUTPUT, FIELD, NUMBER INTERVAL={output.intervals}"]
    if output.node_variables:
        lines += ["*NODE OUTPUT", ", ".join(output.node_variables)]
    if output.element_variables:
        lines += ["*ELEMENT OUTPUT", ", ".join(output.element_variables)]
    return lines


def _history_output(output: HistoryOutput) -> list[str]:
    under = {
        "energy": "*ENERGY OUTPUT",
        "node": f"*NODE OUTPUT, NSET={output.region}",
        "element": f"*ELEMENT OUTPUT, ELSET={output.region}",
    }[output.kind]
    return [
        f"*OUTPUT, HISTORY, NUMBER INTERVAL={output.intervals}",
        under,
        *_in_lines(list(output.variables), 16),
    ]
