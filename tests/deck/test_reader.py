"""The reader: a deck as people write them, and every kind of mistake in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pybridge.deck.model import ElementSurface, JohnsonCook, NodeSurface, RigidFlatCylinder, RigidPlane
from pybridge.deck.reader import read_deck, read_deck_text
from pybridge.deck.supported import markdown_table
from pybridge.errors import DeckError

# One brick above a wall, written the way people do: mixed case, comments, continuation, Fortran exponents.
BRICK = """*Heading
 one brick
** a comment
*Node, nset=Everything
 1, 0., 0., 0.
 2, 1.D-3, 0., 0.
 3, 1e-3, 1.e-3
 4, 0., .001, 0.
 5, 0., 0., 1e-3
 6, 1e-3, 0., 1e-3
 7, 1e-3, 1e-3, 1e-3
 8, 0., 1e-3, 1e-3
*node
 100, 0., 0., 0.
*ELEMENT,
  type=c3d8r, ELSET=Brick
 7, 1, 2, 3, 4,
 5, 6, 7, 8
*Nset, nset=foot, generate
 1, 4, 1
*Nset, nset=ref
 100,
*Nset, nset=both
 foot, 7
*Surface, type=ELEMENT, name=Skin
 Brick,
*Surface, type=ELEMENT, name=Lower
 Brick, S1
*Surface, type=NODE, name=Corner
 foot,
*Surface, type=CYLINDER, name=Wall
 0., 0., 0., 1., 0., 0.
 0., 1., 0.
 START, -0.1, 0.
 LINE, 0.1, 0.
*Rigid Body, ref node=ref, analytical surface=Wall
*Solid Section, elset=Brick, material="Copper", controls=EC-1
,
*Section Controls, name=EC-1, hourglass=stiffness, kinematic split=average strain
 0.5, 1., 1., 1.1, 1.2
*Material, name=Copper
*Density
 8930.,
*Elastic
 117e9, 0.35
*Plastic
 400e6, 0.
 500e6, 1.
*Surface Interaction, name=IntProp-1
1.,
*Friction
 0.2,
*Boundary
 ref, ENCASTRE
 foot, XSYMM
*Initial Conditions, type=VELOCITY
 Everything, 3, -227.
*Step, name=Step-1, nlgeom=YES
*Dynamic, Explicit
, 8e-05
*Bulk Viscosity
0.05, 1.1
*Contact Pair, interaction=IntProp-1, mechanical constraint=PENALTY
Wall, Skin
*Restart, write, number interval=1, time marks=NO
*Output, field, variable=PRESELECT, number interval=10
*Output, history
*Energy Output
ALLKE, ETOTAL
*Node Output, nset=foot
U3, V3
*End Step
"""


def test_reads_what_the_deck_says() -> None:
    deck = read_deck_text(BRICK)
    assert deck.heading == "one brick"
    np.testing.assert_array_equal(deck.node_labels, [*range(1, 9), 100])
    np.testing.assert_allclose(deck.coordinates[2], [1e-3, 1e-3, 0.0], rtol=0)
    (block,) = deck.elements
    assert (block.type, block.labels.tolist()) == ("C3D8R", [7])
    np.testing.assert_array_equal(block.connectivity, [np.arange(8)])
    np.testing.assert_array_equal(deck.node_sets["FOOT"], [0, 1, 2, 3])
    np.testing.assert_array_equal(deck.node_sets["BOTH"], [0, 1, 2, 3, 6])
    np.testing.assert_array_equal(deck.node_sets["EVERYTHING"], np.arange(8))
    material = deck.materials["COPPER"]
    assert material.density == 8930.0
    assert material.plastic is not None
    assert not isinstance(material.plastic, JohnsonCook)
    assert material.plastic.rows == ((400e6, 0.0), (500e6, 1.0))
    controls = deck.section_controls["EC-1"]
    assert (controls.hourglass, controls.hourglass_scale) == ("STIFFNESS", 0.5)
    assert (controls.linear_viscosity_scale, controls.quadratic_viscosity_scale) == (1.1, 1.2)
    assert deck.sections[0].controls == "EC-1"
    assert (deck.step.time, deck.step.increment, deck.step.linear_viscosity) == (8e-5, None, 0.05)
    assert deck.step.field_outputs[0].intervals == 10
    assert [(h.kind, h.region, h.variables) for h in deck.step.history_outputs] == [
        ("energy", "", ("ALLKE", "ETOTAL")),
        ("node", "FOOT", ("U3", "V3")),
    ]
    (pair,) = deck.contact_pairs
    assert (pair.deformable, pair.rigid, pair.friction, pair.constraint) == ("SKIN", "WALL", 0.2, "PENALTY")
    (velocity,) = deck.initial_velocities
    assert (velocity.direction, velocity.value, len(velocity.nodes)) == (3, -227.0, 8)
    assert deck.rigid_bodies[0].reference_node == 8


def test_surfaces_hold_the_faces_that_they_name() -> None:
    surfaces = read_deck_text(BRICK).surfaces
    skin, lower, corner = surfaces["SKIN"], surfaces["LOWER"], surfaces["CORNER"]
    assert isinstance(skin, ElementSurface)
    assert sorted(skin.faces.tolist()) == [1, 2, 3, 4, 5, 6]
    assert isinstance(lower, ElementSurface)
    assert lower.nodes.tolist() == [0, 1, 2, 3]
    assert isinstance(corner, NodeSurface)
    assert corner.nodes.tolist() == [0, 1, 2, 3]


def test_generator_sets_the_side_a_cylinder_surface_faces() -> None:
    """a to c is the local negative z: with x along X, a generator along Y faces up, along -Y down."""
    up = read_deck_text(BRICK).surfaces["WALL"]
    down = read_deck_text(BRICK.replace(" 0., 1., 0.\n START", " 0., -1., 0.\n START")).surfaces["WALL"]
    turned = BRICK.replace(" START, -0.1, 0.\n LINE, 0.1, 0.", " START, 0.1, 0.\n LINE, -0.1, 0.")
    for plane, side in ((up, 1.0), (down, -1.0), (read_deck_text(turned).surfaces["WALL"], -1.0)):
        assert isinstance(plane, RigidPlane)
        np.testing.assert_allclose(plane.normal, [0.0, 0.0, side], atol=1e-15)
        assert plane.half_width == pytest.approx(0.1)


PUNCH = """*Surface, type=REVOLUTION, name=Wall, fillet radius=1e-4
 0., 0., -2e-3, 0., 0., -1.
 START, 2e-3, 0.
 LINE, 2e-3, 1e-3
 LINE, 0., 1e-3
*Rigid"""


def _with_punch(profile: str) -> str:
    start, end = BRICK.index("*Surface, type=CYLINDER"), BRICK.index("*Rigid Body")
    return BRICK[:start] + profile + BRICK[end + len("*Rigid") :]


def test_revolution_is_a_flat_ended_cylinder() -> None:
    """Axis along -z from a: z' = 1e-3 is z = -3e-3. Left of travel is outward: the face would look along +z'= -z."""
    with pytest.raises(DeckError, match="faces inwards"):
        read_deck_text(_with_punch(PUNCH))
    reverse = PUNCH.replace("START, 2e-3, 0.", "START, 0., 1e-3").replace("LINE, 0., 1e-3", "LINE, 2e-3, 0.")
    punch = read_deck_text(_with_punch(reverse)).surfaces["WALL"]
    assert isinstance(punch, RigidFlatCylinder)
    np.testing.assert_allclose(punch.centre, [0, 0, -3e-3], atol=1e-18)
    np.testing.assert_allclose(punch.normal, [0, 0, -1], atol=1e-15)
    assert (punch.radius, punch.length, punch.fillet_radius) == (2e-3, 1e-3, 1e-4)


# What is wrong, where the message must point, and words that it must hold.
MISTAKES = {
    "unknown keyword": ("*Bulk Viscosity", "*Bulk Viskosity", 61, "*BULK VISKOSITY: keyword not supported"),
    "unknown parameter": ("name=Copper\n", "name=Copper, srate factor=1\n", 41, "SRATE FACTOR not supported"),
    "unsupported value": ("hourglass=stiffness", "hourglass=strong", 39, "HOURGLASS=strong not supported"),
    "unsupported element": ("type=c3d8r", "type=C3D10M", 15, "TYPE=C3D10M not supported"),
    "missing set": (" ref, ENCASTRE", " raf, ENCASTRE", 54, "node set 'raf' does not exist"),
    "missing element set": ("elset=Brick, mat", "elset=Brik, mat", 37, "no such element set"),
    "missing material": ('material="Copper"', 'material="Cu"', 37, "MATERIAL=CU: no such material"),
    "missing controls": ("controls=EC-1\n,", "controls=EC-2\n,", 37, "CONTROLS=EC-2"),
    "missing interaction": ("interaction=IntProp-1, m", "interaction=I, m", 63, "interaction 'I' does not exist"),
    "node out of range": ("7, 1, 2, 3, 4,", "7, 1, 2, 3, 44,", 17, "node 44 does not exist; labels run from 1 to 100"),
    "node in a set": (" 1, 4, 1\n", " 1, 12, 1\n", 20, "node 9 does not exist"),
    "duplicate node": (" 8, 0., 1e-3, 1e-3", " 7, 0., 1e-3, 1e-3", 12, "node 7 is defined twice"),
    "node twice in an element": ("7, 1, 2, 3, 4,", "7, 1, 2, 3, 3,", 17, "names a node twice"),
    "too few nodes": (" 5, 6, 7, 8\n*Nset", " 5, 6, 7\n*Nset", 17, "8 values given; expected 9"),
    "too few coordinates": (" 8, 0., 1e-3, 1e-3", " 8, 0.", 12, "2 values given"),
    "not a number": (" 8, 0., 1e-3, 1e-3", " 8, 0., l, 1e-3", 12, "coordinate is 'l'; expected a number"),
    "not finite": (" 8, 0., 1e-3, 1e-3", " 8, 0., nan, 1e-3", 12, "'nan'; expected a number"),
    "too large": (" 8, 0., 1e-3, 1e-3", " 8, 0., 1e999, 1e-3", 12, "'1e999'; expected a number"),
    "inverted element": ("7, 1, 2, 3, 4,\n 5, 6, 7, 8", "7, 5, 6, 7, 8,\n 1, 2, 3, 4", 17, "is inverted"),
    "no density": ("*Density\n 8930.,\n", "", 41, "has no *DENSITY"),
    "negative density": (" 8930.,", " -8930.,", 43, "density is -8930"),
    "no elasticity": ("*Elastic\n 117e9, 0.35\n*Plastic\n 400e6, 0.\n 500e6, 1.\n", "", 41, "needs either *ELASTIC"),
    "incompressible": ("117e9, 0.35", "117e9, 0.5", 45, "-1 < nu < 0.5"),
    "plastic table": (" 500e6, 1.", " 500e6, 0.", 48, "expected 0 first, then increasing"),
    "orphan option": ("*Material, name=Copper\n", "", 41, "*DENSITY: must stand under *MATERIAL"),
    "displacement jump": (" foot, XSYMM", " foot, 3, 3, 1e-3", 55, "displacement 0.001: only 0 is supported"),
    "direction": (" foot, XSYMM", " foot, 3, 7", 55, "directions 3 to 7"),
    "no time": (", 8e-05", "8e-5", 60, "a fixed increment goes with DIRECT USER CONTROL|time of the step is missing"),
    "step data in the model": ("*Step, name", "*Bulk Viscosity\n0.1, 1.\n*Step, name", 58, "stands outside \\*STEP"),
    "model data in the step": ("*Bulk Viscosity", "*Material, name=x\n*Bulk Viscosity", 61, "is model data"),
    "second step": ("*End Step\n", "*End Step\n*Step\n*End Step\n", 73, "a second step"),
    "open step": ("*End Step\n", "", 58, "is never closed"),
    "data where none belongs": ("*End Step\n", "*End Step\n3, 4\n", 73, "takes no data lines"),
    "parameter twice": ("name=Copper\n", "name=Copper, name=x\n", 41, "given twice"),
    "parameter missing": ("*Material, name=Copper", "*Material", 41, "parameter NAME is missing"),
    "self contact": ("Wall, Skin", "Skin, Lower", 64, "a deformable and an analytical rigid surface"),
    "missing surface": ("Wall, Skin", "Wall, Skim", 64, "surface 'SKIM' does not exist"),
    "unknown variable": ("ALLKE, ETOTAL", "ALLKO", 69, "variable 'ALLKO' not supported"),
    "curved surface": (" LINE, 0.1, 0.", " CIRCL, 0.1, 0., 0., 0.", 35, "only straight lines"),
    "include": ("*Heading", "*Include, input=gone.inp\n*Heading", 1, "no such file"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_file_line_and_keyword(name: str) -> None:
    old, new, line, words = MISTAKES[name]
    assert BRICK.count(old) == 1, f"{old!r} must stand once in the deck"
    with pytest.raises(DeckError, match=words.replace("*", "\\*").replace("\\\\*", "\\*")) as caught:
        read_deck_text(BRICK.replace(old, new), "brick.inp")
    assert str(caught.value).startswith(f"brick.inp:{line}: *"), str(caught.value)


WHOLE_DECK = {
    "free rigid body": (" ref, ENCASTRE", " ref, 1, 2", "has no mass and is free in direction 3"),
    "rotating rigid body": (" ref, ENCASTRE", " ref, PINNED", "is free to rotate"),
    "reference node in the mesh": ("*Nset, nset=ref\n 100,", "*Nset, nset=ref\n 4,", "belongs to an element"),
    "loose node": ("*Nset, nset=foot, generate\n 1, 4, 1", "*Node, nset=foot\n200, 0., 0., 0.", "belongs to no element"),
    "no step": (BRICK[BRICK.index("*Step") :], "", "no \\*STEP"),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE_DECK)
def test_contradictions_in_the_whole_deck(name: str) -> None:
    old, new, words = WHOLE_DECK[name]
    with pytest.raises(DeckError, match=words):
        read_deck_text(BRICK.replace(old, new))


def test_missing_file_and_include(tmp_path: Path) -> None:
    with pytest.raises(DeckError, match=r"gone.inp: cannot be read"):
        read_deck(tmp_path / "gone.inp")
    (tmp_path / "nodes").mkdir()
    head, tail = BRICK.index("*Node"), BRICK.index("*node\n")
    (tmp_path / "nodes" / "list.inp").write_text(BRICK[head:tail])
    main = tmp_path / "main.inp"
    main.write_text(BRICK[:head] + "*INCLUDE, INPUT=nodes/list.inp\n" + BRICK[tail:])
    np.testing.assert_array_equal(read_deck(main).coordinates, read_deck_text(BRICK).coordinates)
    main.write_text("*Include, input=main.inp\n")
    with pytest.raises(DeckError, match="does one include itself"):
        read_deck(main)


def test_instances_are_placed_by_their_translation() -> None:
    head, tail = BRICK.index("*Node"), BRICK.index("*node\n")
    element = BRICK[BRICK.index("*ELEMENT") : BRICK.index("*Nset, nset=foot")]
    section = "*Solid Section, elset=Brick, material=Copper\n,\n"
    sets = "*Nset, nset=foot, generate\n 1, 4, 1\n"
    part = "*Part, name=P\n" + BRICK[head:tail] + element + sets + section + "*End Part\n"
    assembly = """*Assembly, name=A
*Instance, name=low-1, part=P
*End Instance
*Instance, name=high-1, part=P
 0., 0., 0.5
*End Instance
*Node
 1, 0., 0., 0.
*Nset, nset=chosen, instance=high-1
 8,
*Nset, nset=feet
 low-1.foot, high-1.foot
*Surface, type=element, name=Skin
 low-1.Brick,
*End Assembly
"""
    model = BRICK[BRICK.index("*Material") : BRICK.index("*Surface Inter")]
    step = "*Step\n*Dynamic, explicit\n, 1e-6\n*Boundary\n high-1.foot, 3, 3\n low-1.8, 1\n*End Step\n"
    deck = read_deck_text(part + assembly + model + step)
    assert len(set(deck.node_labels.tolist())) == 17
    assert deck.element_labels.tolist() == [7, 8]
    np.testing.assert_allclose(deck.coordinates[deck.elements[0].connectivity[1]][:, 2].min(), 0.5)
    assert deck.coordinates[deck.node_sets["CHOSEN"]].tolist() == [[0.0, 1e-3, 0.501]]
    assert len(deck.node_sets["FEET"]) == 8
    assert len(deck.node_sets["LOW-1_FOOT"]) == 4
    assert deck.boundaries[1].nodes.tolist() == [7]
    with pytest.raises(DeckError, match="only a translation"):
        read_deck_text(part + assembly.replace("0.5\n", "0.5\n 0., 0., 0., 1., 0., 0., 90.\n") + model + step)


def test_documentation_lists_what_is_supported() -> None:
    """docs/decks.md holds the table that the reader itself goes by."""
    page = (Path(__file__).parents[2] / "docs" / "decks.md").read_text()
    assert markdown_table() in page, (
        "paste the output of pybridge.deck.supported.markdown_table() into docs/decks.md"
    )
