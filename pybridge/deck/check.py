"""Checks of a deck as a whole, after reading: shapes of elements, contradictions, bodies free to move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.cards import Line
from pybridge.deck.model import (
    EXPLICIT_ELEMENTS,
    STATIC_ELEMENTS,
    Boundary,
    Deck,
    ElementBlock,
    ElementSurface,
    NodeSurface,
    corners_of,
)
from pybridge.errors import DeckError

_GAUSS = 1.0 / np.sqrt(3.0)
_HEXAHEDRON = np.array(
    [[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]],
    float,
)
_QUADRILATERAL = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
_TRIANGLE = np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])  # gradients of the corners, area coordinates


def check_deck(deck: Deck, masses: dict[int, float], element_lines: list[Line]) -> None:
    """Raises DeckError for what each keyword alone cannot show."""
    if len({block.type[:3] for block in deck.elements}) > 1:
        raise DeckError(
            f"{deck.source}: three-dimensional, axisymmetric (CAX) and plane-strain (CPE) elements in one deck; "
            "expected one of them"
        )
    _check_magnitudes(deck)
    _check_procedure(deck)
    start = 0
    for block in deck.elements:
        _check_shapes(deck, block, element_lines[start : start + len(block.labels)])
        start += len(block.labels)
    _check_nodes_used(deck)
    _check_boundaries(deck)
    _check_rigid(deck, masses)


def jacobians(block: ElementBlock, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Determinant of the Jacobian at the 2 x 2 (x 2) Gauss points, (points, elements); volume is their sum in 3D.

    Of the corners alone; a triangle has one, its area.
    """
    count = corners_of(block.type)
    if count == 3:
        x = coordinates[block.connectivity[:, :3]][:, :, :2]
        return 0.5 * np.linalg.det(np.einsum("in,mnj->mij", _TRIANGLE, x))[None]
    corners = _HEXAHEDRON if count == 8 else _QUADRILATERAL
    dimension = corners.shape[1]
    x = coordinates[block.connectivity[:, :count]][:, :, :dimension]
    result = []
    for point in corners * _GAUSS:
        factors = 1 + corners * point
        gradient = np.stack(
            [corners[:, i] * np.prod(np.delete(factors, i, axis=1), axis=1) for i in range(dimension)]
        ) / 2**dimension  # fmt: skip
        result.append(np.linalg.det(np.einsum("in,mnj->mij", gradient, x)))
    return np.array(result)


def _check_magnitudes(deck: Deck) -> None:
    largest = float(np.abs(deck.coordinates).max())
    if largest > 1e50:
        raise DeckError(f"{deck.source}: *NODE: a coordinate of {largest:g}; expected less than 1e50 in size")


def _check_procedure(deck: Deck) -> None:
    """Elements, materials and loads that the step cannot run."""
    allowed = STATIC_ELEMENTS if deck.static else EXPLICIT_ELEMENTS
    name = "*STATIC" if deck.static else "*DYNAMIC, EXPLICIT"
    for block in deck.elements:
        if block.type not in allowed:
            raise DeckError(
                f"{deck.source}: *ELEMENT, TYPE={block.type} does not go with {name}; expected {', '.join(allowed)}"
            )
    if deck.static and (deck.contact_pairs or deck.rigid_bodies or deck.initial_velocities):
        raise DeckError(
            f"{deck.source}: *STATIC with contact, rigid bodies or initial velocities; hold or move nodes with *BOUNDARY"
        )
    for load in deck.pressures:
        if not isinstance(deck.surfaces.get(load.surface), ElementSurface):
            raise DeckError(
                f"{deck.source}: *DSLOAD on {load.surface}: expected a surface of elements (*SURFACE, TYPE=ELEMENT)"
            )
    for what in (*deck.pressures, *deck.boundaries):
        if what.amplitude and what.amplitude not in deck.amplitudes:
            raise DeckError(
                f"{deck.source}: amplitude {what.amplitude} does not exist; defined: "
                f"{', '.join(deck.amplitudes) or 'none'}"
            )
    for boundary in deck.boundaries:
        if boundary.displacement and not deck.static:
            raise DeckError(
                f"{deck.source}: *BOUNDARY on {boundary.region}: displacement {boundary.displacement:g}: only 0 is "
                "supported (it would jump in an explicit step); give TYPE=VELOCITY and a velocity"
            )
        if boundary.kind == "velocity" and deck.static:
            raise DeckError(
                f"{deck.source}: *BOUNDARY, TYPE=VELOCITY on {boundary.region} in a *STATIC step; give a displacement"
            )


def _check_shapes(deck: Deck, block: ElementBlock, lines: list[Line]) -> None:
    with np.errstate(all="ignore"):
        smallest = jacobians(block, deck.coordinates).min(axis=0)
    bad = np.flatnonzero(~(smallest > 0))
    if bad.size:
        i = bad[0]
        raise DeckError(
            f"{lines[i]}: *ELEMENT: element {block.labels[i]} ({block.type}) is inverted or has no volume "
            f"({bad.size} such); check its coordinates and the order of its nodes"
        )
    if block.type.startswith("CAX"):
        radius = deck.coordinates[block.connectivity][:, :, 0]
        bad = np.flatnonzero((radius < 0).any(axis=1))
        if bad.size:
            raise DeckError(f"{lines[bad[0]]}: *ELEMENT: element {block.labels[bad[0]]} has a node at r < 0")


def _mesh_nodes(deck: Deck) -> set[int]:
    return set(np.concatenate([block.connectivity.ravel() for block in deck.elements]).tolist())


def _check_nodes_used(deck: Deck) -> None:
    """A node that belongs to nothing has no mass: harmless alone, a mistake where a condition or surface names it."""
    known = _mesh_nodes(deck) | {body.reference_node for body in deck.rigid_bodies}
    named: list[tuple[str, NDArray[np.int64]]] = [
        (f"*INITIAL CONDITIONS on {v.region}", v.nodes)
        for v in (*deck.initial_velocities, *deck.initial_temperatures)
    ]
    named += [(f"*BOUNDARY on {b.region}", b.nodes) for b in deck.boundaries]
    named += [
        (f"*SURFACE, NAME={s.name}", s.nodes) for s in deck.surfaces.values() if isinstance(s, NodeSurface)
    ]
    for what, nodes in named:
        for node in nodes.tolist():
            if node not in known:
                raise DeckError(
                    f"{deck.source}: {what}: node {deck.node_labels[node]} belongs to no element and no rigid body"
                )


def _check_boundaries(deck: Deck) -> None:
    held: dict[tuple[int, int], Boundary] = {}
    for boundary in deck.boundaries:
        for node in boundary.nodes.tolist():
            for direction in range(boundary.first, boundary.last + 1):
                other = held.setdefault((node, direction), boundary)
                if _motion(other) != _motion(boundary):
                    what = "displacements" if deck.static else "velocities"
                    raise DeckError(
                        f"{deck.source}: *BOUNDARY: node {deck.node_labels[node]}, direction {direction} is given "
                        f"the {what} {_motion(other)[0]:g} ({other.region}) and {_motion(boundary)[0]:g} "
                        f"({boundary.region}); keep one"
                    )


def _motion(boundary: Boundary) -> tuple[float, str]:
    """What a condition prescribes, and its amplitude where that matters."""
    value = boundary.velocity or boundary.displacement
    return value, boundary.amplitude if value else ""


def _check_rigid(deck: Deck, masses: dict[int, float]) -> None:
    meshed = _mesh_nodes(deck)
    flat = deck.axisymmetric or deck.plane
    axes = ((1, "1"), (2, "2")) if flat else ((1, "1"), (2, "2"), (3, "3"))
    rotations = (6,) if flat else (4, 5, 6)
    names = [body.surface for body in deck.rigid_bodies]
    for body in deck.rigid_bodies:
        label = deck.node_labels[body.reference_node]
        where = f"{deck.source}: *RIGID BODY, ANALYTICAL SURFACE={body.surface}: reference node {label}"
        if body.reference_node in meshed:
            raise DeckError(f"{where} belongs to an element; give the rigid body a node of its own")
        if names.count(body.surface) > 1:
            raise DeckError(f"{where}: the surface has a second *RIGID BODY")
        held = _held(deck.boundaries, body.reference_node)
        free = [name for axis, name in axes if axis not in held]
        if free and not body.mass:
            raise DeckError(
                f"{where} has no mass and is free in direction {', '.join(free)}; hold or drive it with *BOUNDARY, "
                "or give it a *MASS"
            )
        loose = [str(axis) for axis in rotations if axis not in held]
        if loose:
            raise DeckError(
                f"{where} is free to rotate (direction {', '.join(loose)}); rigid bodies only translate here: hold it"
            )
    references = {body.reference_node for body in deck.rigid_bodies}
    for node in masses:
        if node not in references:
            raise DeckError(
                f"{deck.source}: *MASS: node {deck.node_labels[node]} is no rigid body's reference node; "
                "point masses elsewhere are not supported"
            )
    for pair in deck.contact_pairs:
        deck.rigid_body(pair.rigid)
        surface = deck.surfaces[pair.deformable]
        if isinstance(surface, ElementSurface | NodeSurface) and not len(surface.nodes):
            raise DeckError(f"{deck.source}: *SURFACE, NAME={surface.name}: holds nothing")


def _held(boundaries: tuple[Boundary, ...], node: int) -> set[int]:
    return {
        direction
        for boundary in boundaries
        if node in boundary.nodes
        for direction in range(boundary.first, boundary.last + 1)
    }
