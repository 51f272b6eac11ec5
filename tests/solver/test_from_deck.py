"""What a deck says arrives in the model: groups, controls, conditions, contacts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pybridge.deck.model import (
    Boundary,
    ContactPair,
    Deck,
    Elastic,
    ElementBlock,
    ExplicitStep,
    FieldOutput,
    HistoryOutput,
    InitialTemperature,
    InitialVelocity,
    JohnsonCook,
    MaterialDefinition,
    NodeSurface,
    PlasticTable,
    RigidBody,
    RigidFlatCylinder,
    RigidPlane,
    Section,
    SectionControls,
)
from pybridge.errors import SolverError
from pybridge.solver import controls_from_deck, model_from_deck
from pybridge.solver.materials import find_model, law_and_constants

STEEL = MaterialDefinition("STEEL", 7800.0, Elastic(200e9, 0.3), PlasticTable(((4e8, 0.0), (5e8, 1.0))))
BRASS = MaterialDefinition("BRASS", 8500.0, Elastic(100e9, 0.35))
HOT = JohnsonCook(a=1e8, b=2e8, n=0.3, m=1.1, melt=1700.0, transition=300.0, c=0.02, reference_rate=2.0)


@pytest.fixture
def deck(lab) -> Deck:
    """Two blocks of elements, 0..2 and 3..7, of a bar of eight; two sections that both claim element 3."""
    points, cells = lab.box(1, 1, 8, lz=8e-3)
    points = np.vstack([points, [[0.5e-3, 0.5e-3, 0.0], [0.5e-3, 0.5e-3, 8e-3]]])
    foot, top = (np.flatnonzero(points[:36, 2] == z) for z in (0.0, 8e-3))
    first, second = len(points) - 2, len(points) - 1
    return Deck(
        np.arange(len(points)) + 101, points,
        (ElementBlock("C3D8R", np.arange(11, 14), cells[:3]), ElementBlock("C3D8", np.arange(24, 29), cells[3:])),
        {"FOOT": foot, "TOP": top, "R1": np.array([first]), "R2": np.array([second])},
        {"LOW": np.arange(4), "HIGH": np.array([3, 4, 5, 6, 7])},
        {
            "FEET": NodeSurface("FEET", foot), "TOPS": NodeSurface("TOPS", top),
            "WALL": RigidPlane("WALL", (0, 0, 0), (0, 0, 1), (1, 0, 0), 1.0),
            "PUNCH": RigidFlatCylinder("PUNCH", (0.5e-3, 0.5e-3, 8e-3), (0, 0, -1), 4e-4, 2e-3, 1e-4),
        },
        {"STEEL": STEEL, "BRASS": BRASS},
        (Section("LOW", "STEEL", "SOFT"), Section("HIGH", "BRASS")),
        ExplicitStep(
            "S", 1e-5, scale_factor=0.8, linear_viscosity=0.05, quadratic_viscosity=1.1,
            field_outputs=(FieldOutput(7), FieldOutput(9)), history_outputs=(HistoryOutput("energy", (), "", 55),),
        ),
        {"SOFT": SectionControls("SOFT", "COMBINED", 0.5, 2.0, 3.0, 0.25)},
        (RigidBody("WALL", first), RigidBody("PUNCH", second, 3e-4)),
        (
            Boundary("FOOT", foot, 1, 2), Boundary("R1", np.array([first]), 1, 6),
            Boundary("R2", np.array([second]), 1, 2), Boundary("TOP", top, 2, 2, 1.5, "velocity"),
        ),
        (InitialVelocity("TOP", top, 3, -4.0), InitialVelocity("R2", np.array([second]), 3, -90.0)),
        (InitialTemperature("TOP", top, 400.0),),
        (ContactPair("FEET", "WALL", 0.1), ContactPair("TOPS", "PUNCH", 0.3), ContactPair("FEET", "PUNCH", 0.3)),
        "a bar",
    )  # fmt: skip


def test_each_element_belongs_to_its_first_section(deck) -> None:
    groups = model_from_deck(deck).groups
    found = [(g.kind, g.labels.tolist(), g.material.name, g.material.density) for g in groups]
    assert found == [
        ("C3D8R", [11, 12, 13], "STEEL", 7800.0), ("C3D8", [24], "STEEL", 7800.0), ("C3D8", [25, 26, 27, 28], "BRASS", 8500.0),
    ]  # fmt: skip
    np.testing.assert_array_equal(groups[2].connectivity, deck.elements[1].connectivity[1:])
    bare = replace(deck, sections=deck.sections[:1])
    with pytest.raises(SolverError, match=r"element 25 has no \*SOLID SECTION; give it one \(4 such\)"):
        model_from_deck(bare)
    with pytest.raises(SolverError, match="a section names the material GOLD"):
        model_from_deck(replace(deck, sections=(Section("LOW", "GOLD"),)))


def test_controls_of_a_section_scale_those_of_the_step(deck) -> None:
    soft, _, plain = model_from_deck(deck).groups
    assert (soft.hourglass.kind, soft.hourglass.scale, soft.hourglass.weight) == ("COMBINED", 0.5, 0.25)
    assert (soft.linear_viscosity, soft.quadratic_viscosity) == pytest.approx((0.1, 3.3))
    assert plain.hourglass.kind == "RELAX STIFFNESS"
    assert (plain.linear_viscosity, plain.quadratic_viscosity) == (0.05, 1.1)
    unweighted = replace(deck, section_controls={"SOFT": replace(deck.section_controls["SOFT"], weight=None)})
    assert model_from_deck(unweighted).groups[0].hourglass.weight == 0.5
    np.testing.assert_allclose(plain.temperature, [0.0, 0.0, 0.0, 200.0])  # mean of the corners


def test_conditions_reach_the_nodes_they_name(deck) -> None:
    model = model_from_deck(deck)
    held = [(p.component, p.velocity, p.nodes.tolist()) for p in model.prescribed]
    foot, top = deck.node_sets["FOOT"].tolist(), deck.node_sets["TOP"].tolist()
    assert (0, 0.0, foot) in held
    assert (1, 0.0, foot) in held
    assert (1, 1.5, top) in held
    assert {c for c, _, nodes in held if nodes == deck.node_sets["R1"].tolist()} == {0, 1, 2}
    expected = np.zeros_like(model.velocity)
    expected[top, 2], expected[deck.node_sets["R2"], 2] = -4.0, -90.0
    np.testing.assert_array_equal(model.velocity, expected)


def test_rigid_bodies_and_their_contacts(deck) -> None:
    wall, punch = model_from_deck(deck).contacts
    assert (wall.name, wall.friction, wall.mass, wall.free) == ("WALL", 0.1, np.inf, (False, False, False))
    assert (wall.point, wall.normal) == ((0, 0, 0), (0, 0, 1))
    np.testing.assert_array_equal(wall.nodes, deck.node_sets["FOOT"])
    assert (punch.name, punch.friction, punch.mass, punch.free) == ("PUNCH", 0.3, 3e-4, (False, False, True))
    assert punch.velocity == (0.0, 0.0, -90.0)
    assert (punch.radius, punch.length, punch.fillet_radius) == (4e-4, 2e-3, 1e-4)
    both = np.union1d(deck.node_sets["FOOT"], deck.node_sets["TOP"])
    np.testing.assert_array_equal(punch.nodes, both)  # of both pairs
    driven = Boundary("R2", deck.node_sets["R2"], 3, 3, -50.0, "velocity")
    body = model_from_deck(replace(deck, boundaries=(*deck.boundaries, driven))).contacts[1]
    assert (body.velocity, body.free) == ((0.0, 0.0, -50.0), (False, False, False))
    rough = (*deck.contact_pairs[:1], replace(deck.contact_pairs[1], rigid="WALL"))
    with pytest.raises(SolverError, match="pairs with different friction"):
        model_from_deck(replace(deck, contact_pairs=rough))
    soft = (replace(deck.contact_pairs[0], constraint="PENALTY"),)
    with pytest.raises(
        SolverError, match=r"MECHANICAL CONSTRAINT=PENALTY.*write MECHANICAL CONSTRAINT=KINEMATIC"
    ):
        model_from_deck(replace(deck, contact_pairs=soft))


def test_controls_of_the_step(deck) -> None:
    controls = controls_from_deck(deck)
    assert (controls.end_time, controls.frames, controls.history_points) == (1e-5, 9, 55)
    assert controls.scale_factor == pytest.approx(0.95 * 0.8)
    fixed = controls_from_deck(
        replace(deck, step=ExplicitStep("S", 1e-5, 2e-9, 3e-9)), threads=3, frames=None
    )
    assert (fixed.increment, fixed.increment_max, fixed.threads) == (2e-9, 3e-9, 3)
    assert (fixed.frames, fixed.history_points) == (20, 200)


def test_constants_of_built_in_laws() -> None:
    assert law_and_constants(BRASS) == ("PYBRIDGE_ELASTIC", [100e9, 0.35])
    assert law_and_constants(STEEL) == ("PYBRIDGE_J2", [200e9, 0.3, 4e8, 0.0, 5e8, 1.0])
    hot = replace(BRASS, plastic=HOT)
    cold = [100e9, 0.35, 1e8, 2e8, 0.3, 1.1, 1700.0, 300.0, 0.02, 2.0]
    assert law_and_constants(hot) == ("PYBRIDGE_JOHNSON_COOK", [*cold, 0.0, 0.0])
    assert law_and_constants(replace(hot, specific_heat=400.0))[1] == [*cold, 400.0, 0.9]
    heated = replace(hot, specific_heat=400.0, inelastic_heat_fraction=0.5)
    assert law_and_constants(heated)[1] == [*cold, 400.0, 0.5]
    # no softening: melting is out of reach
    name, constants = law_and_constants(replace(BRASS, plastic=replace(HOT, m=0.0, melt=300.0)))
    assert name == "PYBRIDGE_JOHNSON_COOK"
    assert constants[5] == 1.0
    assert constants[6] > 1e20
    with pytest.raises(SolverError, match=r"expected \*ELASTIC or \*USER MATERIAL"):
        law_and_constants(MaterialDefinition("AIR", 1.0))


def test_plastic_work_heats_in_an_adiabatic_step_alone(deck) -> None:
    steel = replace(STEEL, plastic=HOT, specific_heat=400.0)
    for adiabatic in (False, True):
        step = replace(deck.step, adiabatic=adiabatic)
        model = model_from_deck(replace(deck, materials={"STEEL": steel, "BRASS": BRASS}, step=step))
        law = model.groups[0].material.material
        names = [s.name for s in law.state_schema]
        n = 1
        block = {
            k: np.zeros((6, n))
            for k in ("strain_inc", "stretch_old", "stretch_new", "stress_old", "stress_new")
        }
        block["strain_inc"][3] = 0.2
        block["stretch_old"][:3] = block["stretch_new"][:3] = 1.0
        state_new = np.zeros((law.state_size, n))
        law.update(
            time_old=0.0, dt=1e-5, temperature=np.full(n, 300.0), density=np.full(n, 7800.0),
            state_old=np.zeros_like(state_new), state_new=state_new, dissipation_inc=np.zeros(n),
            status=np.zeros(n, np.int32), **block,
        )  # fmt: skip
        rise = state_new[[k for k, name in enumerate(names) if "temperature" in name]]
        assert rise.any() == adiabatic


def test_model_files_are_looked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    (there / "mg.pt").touch()
    with pytest.raises(SolverError, match=r"no model file MG\.pt in .*here; put it there"):
        find_model("MG", here, {}, required=True)
    assert find_model("MG", here, {}, required=False) is None
    monkeypatch.setenv("PYBRIDGE_MODEL_PATH", f"{tmp_path / 'gone'}:{there}")
    assert find_model("MG", here, {}, required=True) == there / "mg.pt"
    (here / "MG.pt").touch()
    assert find_model("MG", here, {}, required=True) == here / "MG.pt"
    assert find_model("mg", here, {"Mg": there / "mg.pt"}, required=True) == there / "mg.pt"
    with pytest.raises(SolverError, match=r"no model file .*none\.pt; check the path"):
        find_model("MG", here, {"MG": tmp_path / "none.pt"}, required=False)
