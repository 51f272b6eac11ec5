"""Meshes of the problems: volumes, shapes, planes of symmetry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from abaqus_jobs import meshes
from abaqus_jobs.plate import plate_impact
from abaqus_jobs.rods import copper_rod, taylor_anvil
from pybridge.deck.check import jacobians
from pybridge.deck.faces import HEXAHEDRON_FACES
from pybridge.deck.model import Deck, ElementSurface, RigidFlatCylinder, RigidPlane
from pybridge.errors import ConfigError


def _volume(deck: Deck) -> float:
    return float(jacobians(deck.elements[0], deck.coordinates).sum())


def _polygon(rim: int) -> float:
    """Area of the regular polygon of `rim` corners over that of its circle."""
    return rim / (2 * math.pi) * math.sin(2 * math.pi / rim)


@pytest.mark.parametrize("quarter", [False, True])
@pytest.mark.parametrize("elements", [500, 3200])
def test_taylor_anvil_fills_the_rod(elements: int, quarter: bool) -> None:
    deck = taylor_anvil(elements=elements, quarter=quarter)
    assert deck.element_count == pytest.approx(elements, rel=0.25)  # coarse meshes come in few sizes
    rim = len(deck.node_sets["RIM"])
    corners = 4 * (rim - 1) if quarter else rim
    expected = math.pi * 0.5e-3**2 * 5e-3 * _polygon(corners) / (4 if quarter else 1)
    assert _volume(deck) == pytest.approx(expected, rel=1e-10)


def test_the_default_meshes_have_the_papers_size() -> None:
    assert taylor_anvil().element_count == pytest.approx(3167, rel=0.02)
    assert plate_impact().element_count == 11552


@pytest.mark.parametrize("core", [1, 2, 3, 6])
@pytest.mark.parametrize("rings", [1, 3, 8])
def test_disc_cells_are_well_shaped(core: int, rings: int) -> None:
    points, cells = meshes.disc(2.0, core, rings)
    assert len(cells) == 4 * (core**2 + 2 * core * rings)
    x = points[cells]
    sides = np.roll(x, -1, axis=1) - x
    lengths = np.linalg.norm(sides, axis=2)
    cross = (
        sides[:, :, 0] * np.roll(sides, -1, axis=1)[:, :, 1]
        - sides[:, :, 1] * np.roll(sides, -1, axis=1)[:, :, 0]
    )
    sine = cross / (lengths * np.roll(lengths, -1, axis=1))
    assert sine.min() > math.sin(
        math.radians(30)
    )  # every corner between 30 and 150 degrees, counter-clockwise
    # No two points nearly coincide: quarters were merged.
    assert lengths.min() > 0.05 * lengths.max()


@pytest.mark.parametrize(
    "deck", [taylor_anvil(elements=500, quarter=True), copper_rod(across=3), plate_impact(elements=500)]
)
def test_symmetry_sets_hold_the_planes_and_nothing_else(deck: Deck) -> None:
    mesh_nodes = np.unique(deck.elements[0].connectivity)
    for name, axis in (("X0", 0), ("Y0", 1)):
        on_plane = mesh_nodes[deck.coordinates[mesh_nodes, axis] == 0.0]
        np.testing.assert_array_equal(deck.node_sets[name], on_plane)
        assert any(
            b.region == name and (b.first, b.last, b.velocity) == (axis + 1, axis + 1, 0.0)
            for b in deck.boundaries
        )
    assert (deck.coordinates[mesh_nodes, :2] >= 0).all()
    # Mirror images: swapping x and y maps the mesh onto itself.
    points = {tuple(np.round(p / 1e-9).astype(int)) for p in deck.coordinates[mesh_nodes]}
    assert {(y, x, z) for x, y, z in points} == points


@pytest.mark.parametrize("problem", [taylor_anvil, plate_impact, copper_rod])
def test_skin_is_closed_and_faces_outwards(problem) -> None:
    deck = problem(**({"across": 3} if problem is copper_rod else {"elements": 300}))
    skin = deck.surfaces["SKIN"]
    assert isinstance(skin, ElementSurface)
    faces = np.array(HEXAHEDRON_FACES)[skin.faces - 1]
    x = deck.coordinates[deck.elements[0].connectivity[skin.elements[:, None], faces]]
    area = np.cross(x[:, 2] - x[:, 0], x[:, 3] - x[:, 1]) / 2
    # A closed surface has no net area, and holds the volume (divergence theorem; faces of extruded cells are flat).
    np.testing.assert_allclose(area.sum(0), 0.0, atol=1e-9 * np.abs(area).sum())
    assert np.einsum("ij,ij->", area, x.mean(1)) / 3 == pytest.approx(_volume(deck), rel=1e-6)


def test_rod_and_wall_face_each_other() -> None:
    for deck, up in ((taylor_anvil(elements=300), 2), (copper_rod("CAX4R", across=2, foot="contact"), 1)):
        wall = deck.surfaces["WALL"]
        assert isinstance(wall, RigidPlane)
        assert wall.normal[up] == 1.0
        (velocity,) = deck.initial_velocities
        assert velocity.direction == up + 1
        assert velocity.value < 0
        assert deck.coordinates[velocity.nodes, up].min() == wall.point[up] == 0.0
        assert len(velocity.nodes) == len(deck.coordinates) - 1


def test_the_held_foot_neither_flies_nor_lifts_off() -> None:
    deck = copper_rod(across=2, layers=5)
    (velocity,) = deck.initial_velocities
    foot = deck.node_sets["FOOT"]
    assert set(velocity.nodes) == set(deck.node_sets["BODY"]) - set(foot)
    assert [(b.first, b.velocity) for b in deck.boundaries if b.region == "FOOT"] == [(3, 0.0)]
    loose = copper_rod(across=2, layers=5, foot="contact")
    assert not any(b.region == "FOOT" for b in loose.boundaries)
    with pytest.raises(ConfigError, match="expected held or contact"):
        copper_rod(foot="glued")


def test_projectile_touches_the_plate_and_is_driven_or_heavy() -> None:
    driven = plate_impact(elements=500, velocity=150.0)
    punch = driven.surfaces["PROJECTILE"]
    assert isinstance(punch, RigidFlatCylinder)
    assert punch.normal == (0.0, 0.0, -1.0)
    assert punch.radius == 2e-3
    assert punch.centre[2] == 0.0
    assert [b.velocity for b in driven.boundaries if b.kind == "velocity"] == [-150.0]
    heavy = plate_impact(elements=500, mass=0.04)
    assert heavy.rigid_bodies[0].mass == pytest.approx(0.01)  # a quarter of it
    assert heavy.initial_velocities[0].value == -200.0


def test_plate_is_supported_far_away_alone() -> None:
    deck = plate_impact(elements=500, half_width=12e-3, thickness=2e-3)
    support = deck.coordinates[deck.node_sets["SUPPORT"]]
    assert (support[:, 2] == -2e-3).all()
    assert (support[:, :2].max(axis=1) == 12e-3).all()
    assert _volume(deck) == pytest.approx(12e-3**2 * 2e-3, rel=1e-9)


def test_grading() -> None:
    even = meshes.graded_after(2.0, 4, 10.0, 9)
    assert even[0] == 0
    assert even[-1] == pytest.approx(10.0)
    assert len(even) == 10
    np.testing.assert_allclose(np.diff(even)[:4], 0.5)
    assert (np.diff(even)[4:] > 0.5).all()
    lengths = np.diff(meshes.graded(0.0, 1.0, 5, 1.3))
    np.testing.assert_allclose(lengths[1:] / lengths[:-1], 1.3)


@pytest.mark.parametrize("bad", [{"height": -1.0}, {"velocity": float("nan")}, {"elements": 0}])
def test_bad_parameters_are_named(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        taylor_anvil(**bad)  # type: ignore[arg-type]
