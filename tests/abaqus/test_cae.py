"""The CAE script: which calls it makes, and that they say what the package's own decks say."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from recorder import Node, Nodes, Recorder

from abaqus_jobs.plate import plate_impact
from abaqus_jobs.rods import copper_rod, taylor_anvil
from pybridge.deck.model import Deck, JohnsonCook, PlasticTable, RigidFlatCylinder, RigidPlane

DECKS = {"taylor-anvil": taylor_anvil, "copper-rod": copper_rod, "plate-impact": plate_impact}


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The script's names; it may import nothing of the package, and no module of Abaqus at its top."""
    path = Path(__file__).parents[2] / "abaqus_jobs" / "cae" / "impact.py"
    before = set(sys.modules)
    names = runpy.run_path(str(path), run_name="script")
    assert not {
        m for m in set(sys.modules) - before if m.split(".")[0] in ("pybridge", "abaqus_jobs", "abaqus")
    }
    return names


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """abqpy's modules without Abaqus; the element type keeps its arguments, which abqpy's drops."""
    monkeypatch.setenv("ABQPY_SKIP_ABAQUS", "true")  # else it would look for Abaqus and leave
    import abaqus  # noqa: F401  # before abaqusConstants: they import each other

    monkeypatch.setattr("mesh.ElemType", lambda **named: SimpleNamespace(**named))


@pytest.fixture(params=sorted(DECKS))
def built(request, script, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Deck, Recorder, dict[str, Any]]:
    """Problem, the package's deck, the calls that the script made on a mesh with the deck's nodes, its parameters."""
    stand_in(monkeypatch)
    name = request.param
    deck, p = DECKS[name](), script["PROBLEMS"][name]
    mdb = Recorder()
    lift = p.get("thickness", 0.0)  # the plate's part lies above z = 0
    body = deck.node_sets["BODY"]
    nodes = [
        Node(int(deck.node_labels[k]), (*deck.coordinates[k, :2], deck.coordinates[k, 2] + lift))
        for k in body
    ]
    part = mdb.Model[("made", name.upper())].Part[("made", "BODY")]
    part.known["nodes"] = Nodes(nodes)
    script["build"](mdb, name, p)
    return name, deck, mdb, p


def test_node_sets_are_the_deck_s(built) -> None:
    _, deck, calls, _ = built
    found = {one["name"]: set(one["nodes"]) for one in calls.of("Set") if "nodes" in one}
    expected = {name: set(deck.node_labels[nodes].tolist()) for name, nodes in deck.node_sets.items()}
    del expected["RIGID_NODE"]
    assert found == expected
    assert [one["name"] for one in calls.of("Set") if "referencePoints" in one] == ["RIGID_NODE"]
    assert [one["name"] for one in calls.of("Set") if "cells" in one] == list(deck.element_sets)
    assert {one["name"] for one in calls.of("Surface")} == set(deck.surfaces)


def test_material_and_section_are_the_deck_s(built) -> None:
    _, deck, calls, _ = built
    (material,) = deck.materials.values()
    assert calls.one("Material")["name"] == material.name
    assert calls.one("Density")["table"] == ((material.density,),)
    ((young, poisson),) = calls.one("Elastic")["table"]
    assert (young, poisson) == pytest.approx((material.elastic.young, material.elastic.poisson), rel=1e-14)
    law, given = material.plastic, calls.one("Plastic")
    if isinstance(law, PlasticTable):
        assert given["table"] == law.rows
    else:
        assert isinstance(law, JohnsonCook)
        assert str(given["hardening"]) == "JOHNSON_COOK"
        assert given["table"] == ((law.a, law.b, law.n, law.m, law.melt, law.transition),)
        assert calls.one("RateDependent")["table"] == ((law.c, law.reference_rate),)
    assert calls.one("HomogeneousSolidSection")["material"] == deck.sections[0].material
    assert calls.one("SectionAssignment")["region"].path.endswith(f"sets['{deck.sections[0].element_set}']")


def test_step_output_and_contact_are_the_deck_s(built) -> None:
    _, deck, calls, _ = built
    step, given = deck.step, calls.one("ExplicitDynamicsStep")
    assert (given["name"], given["timePeriod"]) == (step.name, step.time)
    assert (given["linearBulkViscosity"], given["quadBulkViscosity"]) == (
        step.linear_viscosity,
        step.quadratic_viscosity,
    )
    field, history = calls.one("FieldOutputRequest"), calls.one("HistoryOutputRequest")
    output = step.field_outputs[0]
    assert field["variables"] == output.node_variables + output.element_variables
    assert field["numIntervals"] == output.intervals
    assert set(history["variables"]) == set(step.history_outputs[0].variables)
    assert history["numIntervals"] == step.history_outputs[0].intervals
    (pair,) = deck.contact_pairs
    contact = calls.one("SurfaceToSurfaceContactExp")
    assert contact["name"] == pair.rigid
    assert str(contact["mechanicalConstraint"]) == pair.constraint
    assert contact["interactionProperty"] == pair.interaction
    assert contact["main"].path.endswith(f"surfaces['{pair.rigid}']")
    assert contact["secondary"].path.endswith("surfaces['SKIN']")
    assert str(calls.one("TangentialBehavior")["formulation"]) == "FRICTIONLESS"
    assert pair.friction == 0


def test_conditions_are_the_deck_s(built) -> None:
    _, deck, calls, _ = built
    found = set()
    for one in calls.of("DisplacementBC"):
        for axis, key in enumerate(("u1", "u2", "u3", "ur1", "ur2", "ur3"), start=1):
            if key in one:
                assert one[key] == 0.0
                found.add((one["name"], axis))
    expected = {
        (b.region, axis)
        for b in deck.boundaries
        if b.kind == "displacement"
        for axis in range(b.first, b.last + 1)
    }
    assert found == expected
    driven = [(one["region"].path.split("'")[-2], one["v3"]) for one in calls.of("VelocityBC")]
    assert driven == [(b.region, b.velocity) for b in deck.boundaries if b.kind == "velocity"]
    flying = [(one["region"].path.split("'")[-2], one["velocity3"]) for one in calls.of("Velocity")]
    assert flying == [(v.region, v.value) for v in deck.initial_velocities]
    assert all(v.direction == 3 for v in deck.initial_velocities)


def test_geometry_is_the_deck_s(built) -> None:
    name, deck, calls, p = built
    low, high = deck.mesh_bounds()
    assert calls.one("BaseSolidExtrude")["depth"] == pytest.approx(high[2] - low[2])
    if name == "plate-impact":
        assert calls.one("rectangle")["point2"] == pytest.approx(high[:2])
        assert calls.one("translate")["vector"] == pytest.approx((0, 0, low[2]))
        surface = deck.surfaces["PROJECTILE"]
        assert isinstance(surface, RigidFlatCylinder)
        assert (p["radius"], p["fillet_radius"]) == (surface.radius, surface.fillet_radius)
        lines = [(one["point1"], one["point2"]) for one in calls.of("Line")]
        assert lines[0][0] == pytest.approx((surface.radius, surface.length))
        assert calls.one("ReferencePoint")["point"] == pytest.approx(deck.coordinates[-1])
    else:
        surface = deck.surfaces["WALL"]
        assert isinstance(surface, RigidPlane)
        radius = np.hypot(*deck.coordinates[deck.node_sets["RIM"], :2].T)
        np.testing.assert_allclose(radius, p["radius"], rtol=1e-9)
        wall = calls.of("Line")[-1]
        assert wall["point1"] == pytest.approx((-surface.half_width, surface.point[2]))
        assert wall["point2"] == pytest.approx((surface.half_width, surface.point[2]))
    kind = calls.one("setElementType")["elemTypes"][0]
    assert str(kind.elemCode) == deck.elements[0].type


def test_user_material_job_and_parameters(script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    given = {"material": {"name": "ROD", "density": 1738.0, "user": {"constants": [1.0, 1.0], "states": 25}}}
    (tmp_path / "p.json").write_text(json.dumps(given))
    p = script["parameters"]("taylor-anvil", str(tmp_path / "p.json"))
    mdb = Recorder()
    script["build"](mdb, "taylor-anvil", p)
    assert mdb.one("UserMaterial")["mechanicalConstants"] == (1.0, 1.0)
    assert mdb.one("Depvar")["n"] == 25
    assert mdb.of("Elastic") == []
    script["make_job"](mdb, "taylor-anvil", "pybridge_shim.f", 8)
    job = mdb.one("Job")
    assert (job["userSubroutine"], job["numCpus"], str(job["explicitPrecision"])) == (
        "pybridge_shim.f",
        8,
        "DOUBLE",
    )
    assert job["model"] == mdb.one("Model")["name"]
    (tmp_path / "p.json").write_text('{"speed": 1}')
    with pytest.raises(ValueError, match="unknown parameters speed; expected element_size"):
        script["parameters"]("taylor-anvil", str(tmp_path / "p.json"))
    options = script["read_arguments"](["copper-rod", "--submit", "--cpus", "4"])
    assert (options.problem, options.submit, options.cpus) == ("copper-rod", True, 4)
