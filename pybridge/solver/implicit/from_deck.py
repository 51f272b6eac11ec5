"""From a deck with *STATIC to the implicit solver's problem, points and controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.faces import faces_of
from pybridge.deck.model import Deck, ElementSurface, corners_of
from pybridge.errors import SolverError
from pybridge.solver.from_deck import initial_stress
from pybridge.solver.implicit.controls import Controls, suggested_controls
from pybridge.solver.implicit.mesh import ImplicitMesh, block_mesh
from pybridge.solver.implicit.newton import Problem
from pybridge.solver.implicit.points import MaterialPoints
from pybridge.solver.materials import MaterialSwitch, check_dimension, make_material

CUTS = 8  # of a step where the deck gives no smallest increment


@dataclass(frozen=True, eq=False)
class StaticModel:
    """What a deck asks for. node_dofs (dim, n): degrees of freedom of the nodes of the mesh, whose places in the deck are
    `nodes`; moved: rows of the fixed degrees of freedom by region and component."""

    deck: Deck
    problem: Problem
    points: MaterialPoints
    controls: Controls
    nodes: NDArray[np.int64]
    node_dofs: NDArray[np.int64]
    moved: dict[str, tuple[NDArray[np.int64], ...]]
    material: str
    time: float


def static_model(
    deck: Deck, material: str | Mapping[str, Any] = "deck", folder: Path | None = None,
    models: Mapping[str, Path] | None = None, threads: int = 1, stiffness: str | None = None, **controls: Any,
) -> StaticModel:  # fmt: skip
    """The problem of a deck. material: a switch (solver/materials.py) or a material of the contract by name.

    controls: single values of Controls instead of those that the deck and the material suggest.
    Raises SolverError, DeckError.
    """
    step = deck.static_step
    mesh, nodes, dofs = _mesh(deck)
    law = _material(deck, material, folder, models)
    check_dimension(deck.sections[0].material, law, deck.elements[0].type)
    stress = initial_stress(deck)
    if stress is not None:
        stress = np.repeat(stress, mesh.points // deck.element_count, axis=0).T
    said = material if isinstance(material, str) else ", ".join(sorted(material))
    packing = MaterialSwitch.parse(material).packing if isinstance(material, str) else ""
    points = MaterialPoints(
        law,
        mesh.points,
        threads,
        components=mesh.components,
        stiffness=stiffness,
        stress=stress,
        packing=packing,
    )
    largest = min(step.increment_max or step.time, step.time)
    steps = max(1, round(step.time / largest))
    first = min(step.increment, largest) / step.time
    cuts = (
        CUTS if step.increment_min is None else max(0, int(np.log2(first * step.time / step.increment_min)))
    )
    place = np.full((3, len(deck.coordinates)), -1, np.int64)
    place[: mesh.dim, nodes] = dofs
    problem, moved = _problem(deck, mesh, place)
    given = {k: v for k, v in controls.items() if v is not None}
    if "steps" in given:
        given = {"first": 0.0} | given
    chosen = suggested_controls(points, **({"steps": steps, "first": first, "cuts_max": cuts} | given))
    return StaticModel(deck, problem, points, chosen, nodes, dofs, moved, said, step.time)


def _mesh(deck: Deck) -> tuple[ImplicitMesh, NDArray, NDArray]:
    if len(deck.elements) != 1:
        kinds = ", ".join(block.type for block in deck.elements)
        raise SolverError(f"{deck.source}: elements {kinds}; the implicit solver takes one type of element")
    block = deck.elements[0]
    return block_mesh(block.type, deck.coordinates, deck.node_labels, block.connectivity)


def _material(
    deck: Deck, material: str | Mapping[str, Any], folder: Path | None, models: Mapping[str, Path] | None
) -> Any:
    names = {section.material for section in deck.sections}
    if len(names) != 1:
        raise SolverError(
            f"{deck.source}: materials {', '.join(sorted(names))}; the implicit solver takes one material"
        )
    name = names.pop()
    if not isinstance(material, str):
        given = {k.upper(): v for k, v in material.items()}
        if name.upper() not in given:
            raise SolverError(f"material {name}: none given; got {', '.join(given) or 'nothing'}")
        return given[name.upper()]
    where = folder if folder is not None else Path(deck.source).resolve().parent
    return make_material(
        deck.materials[name], MaterialSwitch.parse(material), where, models, flat=deck.plane, static=True
    )[0]


def _problem(
    deck: Deck, mesh: ImplicitMesh, place: NDArray
) -> tuple[Problem, dict[str, tuple[NDArray, ...]]]:
    """The problem, and the rows of `fixed` that each moved region has in each direction."""
    end = deck.static_step.time
    values: dict[int, tuple[float, str]] = {}
    for item in deck.boundaries:
        for direction in range(item.first, min(item.last, mesh.dim) + 1):
            for dof in place[direction - 1, item.nodes].tolist():
                if item.displacement or dof not in values:
                    values[dof] = (item.displacement, item.amplitude)
    fixed = np.array(sorted(values), np.int64)
    if fixed.size == 0:
        raise SolverError(f"{deck.source}: nothing is held; hold the body with *BOUNDARY")
    size = np.array([values[int(d)][0] for d in fixed])
    names = [values[int(d)][1] for d in fixed]
    curves = {name: _curve(deck, name) for name in dict.fromkeys(names)}
    rows = {name: np.array([n == name for n in names]) for name in curves}
    loads = [
        (load.value * _unit(deck, mesh, place, load.surface), _curve(deck, load.amplitude))
        for load in deck.pressures
    ]

    def displacements(load: float) -> NDArray:
        out = size.copy()
        for name, curve in curves.items():
            out[rows[name]] *= curve(load * end)
        return out

    def forces(load: float) -> NDArray:
        out = np.zeros(mesh.size)
        for vector, curve in loads:
            out += curve(load * end) * vector
        return out

    moved = {}
    for item in deck.boundaries:
        if item.displacement:
            moved[item.region] = tuple(
                np.flatnonzero(np.isin(fixed, place[k, item.nodes])) for k in range(mesh.dim)
            )
    return Problem(mesh, fixed, displacements, forces, deck.elements[0].labels), moved


def _curve(deck: Deck, name: str) -> Callable[[float], float]:
    """Factor over time; without an amplitude it grows evenly over the step, as in Abaqus/Standard."""
    if not name:
        return lambda time: time / deck.static_step.time
    one = deck.amplitudes[name]
    return lambda time: float(np.interp(time, one.times, one.values))


def _unit(deck: Deck, mesh: ImplicitMesh, place: NDArray, name: str) -> NDArray:
    """Nodal forces of a unit pressure on a surface."""
    surface = deck.surfaces[name]
    assert isinstance(surface, ElementSurface)
    block = deck.elements[0]
    count = mesh.dim if mesh.dim == 2 else 4
    rows = [
        block.connectivity[e, list(faces_of(block.type)[f - 1][:count])]
        for e, f in zip(surface.elements.tolist(), surface.faces.tolist(), strict=True)
    ]
    # Vertices of scikit-fem's mesh are the corners in the order of the deck.
    corners = np.unique(block.connectivity[:, : corners_of(block.type)])
    return mesh.pressure_load(mesh.facets(np.searchsorted(corners, np.array(rows))))
