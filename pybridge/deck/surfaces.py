"""*SURFACE: faces of elements, nodes, and the analytical rigid surfaces that the solver knows.

Analytical surfaces are lines in a local plane; the outward normal is 90 degrees to the left of their direction.
TYPE=CYLINDER: origin a, local x towards b, the generator a to c is the local negative z; y = z x x.
TYPE=REVOLUTION: origin a, axis towards b; the lines are (r, z). Inside an instance the frame is the part's own:
x for CYLINDER, y for the axis of REVOLUTION.
"""

from __future__ import annotations

import math

import numpy as np

from pybridge.deck.cards import Card, Line
from pybridge.deck.faces import exterior, faces_of
from pybridge.deck.flatten import Scope
from pybridge.deck.mesh import Mesh
from pybridge.deck.model import (
    ElementSurface,
    NodeSurface,
    RigidFlatCylinder,
    RigidPlane,
    Surface,
    unit,
)

Vector = tuple[float, float, float]


def read_surface(card: Card, scope: Scope, mesh: Mesh, axisymmetric: bool) -> Surface:
    """The surface of a card. Raises DeckError for shapes other than plane and flat-ended cylinder."""
    name = scope.qualify(card.text("NAME"))
    kind = card.text("TYPE", "ELEMENT")
    if not card.data:
        raise card.error("no data lines; expected elements, nodes, or START and LINE")
    if kind == "ELEMENT":
        return _element_surface(card, scope, mesh, name)
    if kind == "NODE":
        found = [mesh.nodes_of(card, scope, card.fields(line)[0], line) for line in card.data]
        return NodeSurface(name, np.unique(np.concatenate(found)))
    if kind == "SEGMENTS":
        return _segments(card, scope, name, axisymmetric)
    frame, profile = _frame_and_profile(card, 3 if kind == "CYLINDER" else 2)
    return _cylinder(card, scope, name, frame, profile) if kind == "CYLINDER" else _revolution(
        card, scope, name, frame, profile
    )  # fmt: skip


# --- of elements -----------------------------------------------------------------------------------------------
def _element_surface(card: Card, scope: Scope, mesh: Mesh, name: str) -> ElementSurface:
    pairs: set[tuple[int, int]] = set()
    for line in card.data:
        parts = card.fields(line)
        elements = mesh.elements_of(card, scope, parts[0], line)
        if len(parts) == 1 or not parts[1]:
            pairs |= _free_faces(mesh, elements)
            continue
        label = parts[1].upper()
        for element in elements:
            count = len(faces_of(mesh.element_types[element]))
            if len(parts) > 2 or label not in {f"S{i + 1}" for i in range(count)}:
                raise card.error(f"face {', '.join(parts[1:])!r}; expected S1 to S{count}", line)
            pairs.add((int(element), int(label[1:])))
    ordered = sorted(pairs)
    nodes = [mesh.connectivity[e][i] for e, f in ordered for i in faces_of(mesh.element_types[e])[f - 1]]
    return ElementSurface(
        name,
        np.array([e for e, _ in ordered], np.int64),
        np.array([f for _, f in ordered], np.int64),
        np.unique(np.array(nodes, np.int64)),
    )


def _free_faces(mesh: Mesh, elements: np.ndarray) -> set[tuple[int, int]]:
    """The faces on the outside of the mesh, of the elements named."""
    wanted = set(elements.tolist())
    found: set[tuple[int, int]] = set()
    for kind in sorted({_shape(kind) for kind in mesh.element_types}):
        where = [i for i, other in enumerate(mesh.element_types) if _shape(other) == kind]
        rows = np.array([mesh.connectivity[i] for i in where], np.int64)
        found |= {(where[e], f) for e, f in exterior(kind, rows) if where[e] in wanted}
    return found


def _shape(kind: str) -> str:
    """One type for all whose faces join: C3D8 for C3D8R."""
    return kind.removesuffix("R")


# --- analytical ------------------------------------------------------------------------------------------------
def _frame_and_profile(card: Card, most: int) -> tuple[list[float], list[Line]]:
    """Coordinates of the frame's points (nothing inside a part) and the lines from START on."""
    starts = [i for i, line in enumerate(card.data) if card.fields(line)[0].upper() == "START"]
    if len(starts) != 1 or starts[0] >= most:
        raise card.error("expected the frame's points, then one START line, then LINE lines")
    frame = [
        value for line in card.data[: starts[0]] for value in card.numbers(line, "points of the frame", 3, 6)
    ]
    if len(frame) not in (0, 9 if most == 3 else 6):
        raise card.error(f"{len(frame)} coordinates give the frame; expected {9 if most == 3 else 6}")
    return frame, card.data[starts[0] :]


def _profile(card: Card, lines: list[Line]) -> list[tuple[float, float]]:
    points = []
    for i, line in enumerate(lines):
        word, *rest = card.fields(line)
        expected = "START" if i == 0 else "LINE"
        if word.upper() != expected:
            raise card.error(f"{word!r}; expected {expected}, x, y (only straight lines are supported)", line)
        if len(rest) != 2:
            raise card.error(f"{len(rest)} coordinates given; expected 2", line)
        points.append((card.number(rest[0], line, "x"), card.number(rest[1], line, "y")))
        if len(points) > 1 and points[-1] == points[-2]:
            raise card.error("a line of no length", line)
    if len(points) < 2:
        raise card.error("no LINE follows START")
    return points


def _fillet(card: Card) -> float:
    radius = card.number(card.parameters.get("FILLET RADIUS") or "0", card.line, "FILLET RADIUS")
    if radius < 0:
        raise card.error(f"FILLET RADIUS={radius:g}; expected 0 or more")
    return radius


def _plane(
    card: Card, name: str, points: list[tuple[float, float]], origin: Vector, x: Vector, y: Vector
) -> RigidPlane:
    if len(points) != 2:
        raise card.error(f"{len(points) - 1} lines; a plane is one LINE")
    (x0, y0), (x1, y1) = points
    length = math.hypot(x1 - x0, y1 - y0)
    if not 0 < length < math.inf:
        raise card.error(f"a line of length {length:g}")
    cos, sin = (x1 - x0) / length, (y1 - y0) / length
    mx, my = 0.5 * x0 + 0.5 * x1, 0.5 * y0 + 0.5 * y1
    point = tuple(o + mx * a + my * b for o, a, b in zip(origin, x, y, strict=True))
    along = tuple(cos * a + sin * b for a, b in zip(x, y, strict=True))
    normal = tuple(-sin * a + cos * b for a, b in zip(x, y, strict=True))
    return RigidPlane(name, _three(point), _three(normal), _three(along), 0.5 * length)


def _three(values: tuple[float, ...]) -> Vector:
    return (values[0] + 0.0, values[1] + 0.0, values[2] + 0.0)


def _segments(card: Card, scope: Scope, name: str, axisymmetric: bool) -> Surface:
    points = _profile(card, card.data)
    shift = scope.shift
    if len(points) == 2:
        return _plane(card, name, points, shift, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    if not axisymmetric:
        raise card.error(
            "TYPE=SEGMENTS of several lines beside elements that are not axisymmetric; expected one LINE"
        )
    return _flat_cylinder(card, name, points, (0.0, shift[1], 0.0), (0.0, 1.0, 0.0))


def _cylinder(card: Card, scope: Scope, name: str, frame: list[float], profile: list[Line]) -> Surface:
    a, b, c = (tuple(frame[i : i + 3]) for i in (0, 3, 6)) if frame else (
        (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0)
    )  # fmt: skip
    x = _direction(card, a, b)
    generator = _direction(card, a, c)
    y = np.cross(-np.array(generator), np.array(x))
    if abs(float(np.dot(x, generator))) > 1e-6:
        raise card.error("the generator (a to c) is not perpendicular to the local x axis (a to b)")
    origin = _three(tuple(p + s for p, s in zip(a, scope.shift, strict=True)))
    return _plane(card, name, _profile(card, profile), origin, x, unit(y))


def _revolution(card: Card, scope: Scope, name: str, frame: list[float], profile: list[Line]) -> Surface:
    a, b = (tuple(frame[i : i + 3]) for i in (0, 3)) if frame else ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    axis = _direction(card, a, b)
    origin = _three(tuple(p + s for p, s in zip(a, scope.shift, strict=True)))
    return _flat_cylinder(card, name, _profile(card, profile), origin, axis)


def _direction(card: Card, start: tuple[float, ...], end: tuple[float, ...]) -> Vector:
    vector = np.array(end, float) - np.array(start, float)
    length = float(np.linalg.norm(vector))
    if not 1e-150 < length < 1e150:
        raise card.error(f"two points of the frame are {length:g} apart; expected a direction")
    return unit(vector)


def _flat_cylinder(
    card: Card, name: str, points: list[tuple[float, float]], origin: Vector, axis: Vector
) -> RigidFlatCylinder:
    """A side and a face: (R, z1), (R, z0), (0, z0) or the other way round; the normal is left of the direction."""
    face_first = points[0][0] == 0.0
    ordered = points[::-1] if face_first else points
    if (
        len(ordered) != 3
        or ordered[2][0] != 0.0
        or ordered[0][0] != ordered[1][0]
        or ordered[1][1] != ordered[2][1]
    ):
        raise card.error(
            "not a flat-ended cylinder; expected START, R, z1 / LINE, R, z0 / LINE, 0, z0 "
            "(or these from the axis outwards)"
        )
    radius, z1 = ordered[0]
    z0 = ordered[1][1]
    # Left of the direction of travel: from the side to the axis (-r) it is -z, from the axis outwards +z.
    outward = 1.0 if face_first else -1.0
    if radius <= 0 or (z0 - z1) * outward <= 0:
        raise card.error(
            "the surface faces inwards: its outward normal is 90 degrees to the left of its direction; "
            "reverse the order of its points"
        )
    centre = _three(tuple(o + z0 * n for o, n in zip(origin, axis, strict=True)))
    normal = _three(tuple(outward * n for n in axis))
    fillet = _fillet(card)
    if fillet >= radius:
        raise card.error(f"FILLET RADIUS={fillet:g}; expected less than the radius {radius:g}")
    return RigidFlatCylinder(name, centre, normal, radius, abs(z1 - z0), fillet)
