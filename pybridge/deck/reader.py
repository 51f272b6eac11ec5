"""Reads an Abaqus deck (.inp). What is not supported is an error that names file, line and keyword; nothing is skipped."""

from __future__ import annotations

from pathlib import Path

from pybridge.deck.cards import Card, Line, read_cards, read_lines, text_lines
from pybridge.deck.check import check_deck
from pybridge.deck.flatten import Placed, flatten
from pybridge.deck.loads import (
    read_amplitude,
    read_boundary,
    read_contact,
    read_initial,
    read_initial_stress,
    read_interactions,
    read_masses,
    read_pressures,
    read_rigid_body,
)
from pybridge.deck.materials import read_controls, read_material
from pybridge.deck.mesh import Mesh
from pybridge.deck.model import (
    Amplitude,
    Deck,
    MaterialDefinition,
    Section,
    SectionControls,
    StaticStep,
    Surface,
)
from pybridge.deck.steps import read_step
from pybridge.deck.surfaces import read_surface
from pybridge.errors import DeckError


def read_deck(path: str | Path) -> Deck:
    """The deck in a file. Raises DeckError (file, line, keyword, what is expected) for whatever is wrong in it."""
    path = Path(path)
    return _read(read_lines(path), path.parent, str(path))


def read_deck_text(text: str, source: str = "deck", folder: Path | None = None) -> Deck:
    """The deck in a text; included files are looked for in `folder`. Raises DeckError."""
    return _read(text_lines(text, source), folder or Path(), source)


class _Items:
    """Cards by name, each name asked for in turn."""

    def __init__(self, placed: list[Placed]) -> None:
        self.placed = placed

    def of(self, *names: str) -> list[Placed]:
        return [item for item in self.placed if item.card.name in names]


def _read(lines: list[Line], folder: Path, source: str) -> Deck:
    cards = read_cards(lines, folder)
    steps = [card for card in cards if card.name == "STEP"]
    items = _Items(flatten(cards))
    if not steps:
        raise DeckError(f"{source}: no *STEP; expected one with *DYNAMIC, EXPLICIT or *STATIC")
    mesh = Mesh()
    mesh.read(items.placed)
    axisymmetric = any(kind.startswith("CAX") for kind in mesh.element_types)
    surfaces = _surfaces(items, mesh, axisymmetric)
    masses = read_masses(items.of("MASS"), mesh)
    step = read_step(steps[0], items.of("DYNAMIC", "STATIC", "BULK VISCOSITY", "OUTPUT"), mesh)
    if step is None:
        raise steps[0].error("holds neither *DYNAMIC, EXPLICIT nor *STATIC; no other procedure is supported")
    static = isinstance(step, StaticStep)
    conditions = items.of("INITIAL CONDITIONS")
    initial = [read_initial(item, mesh) for item in conditions if item.card.text("TYPE") != "STRESS"]
    stressed = [item for item in conditions if item.card.text("TYPE") == "STRESS"]
    deck = Deck(
        node_labels=_labels(mesh.node_labels),
        coordinates=_points(mesh, source),
        elements=mesh.blocks(),
        node_sets=mesh.node_sets,
        element_sets=mesh.element_sets,
        surfaces=surfaces,
        materials=_materials(items, static),
        sections=_sections(items, mesh),
        section_controls=_controls(items),
        step=step,
        rigid_bodies=tuple(
            read_rigid_body(item.card, item.scope, mesh, surfaces, masses) for item in items.of("RIGID BODY")
        ),
        boundaries=tuple(b for item in items.of("BOUNDARY") for b in read_boundary(item, mesh, static)),
        initial_velocities=tuple(velocity for velocities, _ in initial for velocity in velocities),
        initial_temperatures=tuple(
            temperature for _, temperatures in initial for temperature in temperatures
        ),
        contact_pairs=tuple(
            read_contact(
                items.of("CONTACT PAIR", "CONTACT"),
                surfaces,
                read_interactions(items.of("SURFACE INTERACTION")),
            )
        ),
        initial_stresses=tuple(s for item in stressed for s in read_initial_stress(item, mesh)),
        amplitudes=_amplitudes(items),
        pressures=tuple(load for item in items.of("DSLOAD") for load in read_pressures(item)),
        heading="\n".join(line.text.strip() for item in items.of("HEADING") for line in item.card.data),
        source=source,
    )
    check_deck(deck, masses, mesh.element_lines)
    return deck


def _labels(labels: list[int]):
    import numpy as np

    return np.array(labels, np.int64)


def _points(mesh: Mesh, source: str):
    import numpy as np

    if not mesh.points or not mesh.connectivity:
        raise DeckError(f"{source}: no {'elements' if mesh.points else 'nodes'}; expected *NODE and *ELEMENT")
    return np.array(mesh.points, float)


def _surfaces(items: _Items, mesh: Mesh, axisymmetric: bool) -> dict[str, Surface]:
    surfaces: dict[str, Surface] = {}
    for item in items.of("SURFACE"):
        surface = read_surface(item.card, item.scope, mesh, axisymmetric)
        if surface.name in surfaces:
            raise item.card.error(f"surface {surface.name} is defined twice")
        surfaces[surface.name] = surface
    return surfaces


def _materials(items: _Items, static: bool) -> dict[str, MaterialDefinition]:
    materials: dict[str, MaterialDefinition] = {}
    for item in items.of("MATERIAL"):
        material = read_material(item.card, item.children, static)
        if material.name in materials:
            raise item.card.error(f"material {material.name} is defined twice")
        materials[material.name] = material
    return materials


def _amplitudes(items: _Items) -> dict[str, Amplitude]:
    amplitudes: dict[str, Amplitude] = {}
    for item in items.of("AMPLITUDE"):
        one = read_amplitude(item.card)
        if one.name in amplitudes:
            raise item.card.error(f"{one.name} is defined twice")
        amplitudes[one.name] = one
    return amplitudes


def _controls(items: _Items) -> dict[str, SectionControls]:
    controls: dict[str, SectionControls] = {}
    for item in items.of("SECTION CONTROLS"):
        one = read_controls(item.card)
        if one.name in controls:
            raise item.card.error(f"{one.name} is defined twice")
        controls[one.name] = one
    return controls


def _sections(items: _Items, mesh: Mesh) -> tuple[Section, ...]:
    materials = {item.card.text("NAME") for item in items.of("MATERIAL")}
    controls = {item.card.text("NAME") for item in items.of("SECTION CONTROLS")}
    sections: list[Section] = []
    owner: dict[int, Card] = {}
    for item in items.of("SOLID SECTION"):
        card = item.card
        name = item.scope.qualify(card.text("ELSET"))
        if name not in mesh.element_sets:
            raise card.error(f"ELSET={card.text('ELSET')}: no such element set; {_list(mesh.element_sets)}")
        if card.text("MATERIAL") not in materials:
            raise card.error(f"MATERIAL={card.text('MATERIAL')}: no such material; {_list(materials)}")
        if "CONTROLS" in card.parameters and card.text("CONTROLS") not in controls:
            raise card.error(
                f"CONTROLS={card.text('CONTROLS')}: no such *SECTION CONTROLS; {_list(controls)}"
            )
        for line in card.data:
            if card.numbers(line, "thickness", 0, 1) not in ([], [1.0]):
                raise card.error(f"{line.text.strip()!r}; expected blank, or 1.", line)
        for element in mesh.element_sets[name].tolist():
            if element in owner:
                raise card.error(
                    f"element {mesh.element_labels[element]} has a section already ({owner[element].line})"
                )
            owner[element] = card
        sections.append(Section(name, card.text("MATERIAL"), card.text("CONTROLS") or None))
    for element, line in enumerate(mesh.element_lines):
        if element not in owner:
            raise DeckError(
                f"{line}: *ELEMENT: element {mesh.element_labels[element]} has no *SOLID SECTION; add one"
            )
    return tuple(sections)


def _list(names) -> str:
    return "defined: " + (", ".join(sorted(names)) or "none")
