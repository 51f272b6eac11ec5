"""The triaxial test of solids: closed form, rough ends, a packing of spheres at every point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abaqus_jobs import soils
from abaqus_jobs.soils import SOIL, Procedure
from pybridge.commands import main
from pybridge.deck.faces import faces_of
from pybridge.deck.model import PlasticTable
from pybridge.errors import ConfigError
from pybridge.results.reader import read_results
from pybridge.solver.implicit import run_static

PERFECT = replace(SOIL, plastic=PlasticTable(((1e5, 0.0),)))
AREA = 0.05**2


@pytest.mark.parametrize("element", ["C3D8", "C3D20R", "C3D20"])
def test_smooth_test_has_the_strength_of_von_mises(element, tmp_path) -> None:
    """Axial less lateral stress is the yield stress, sqrt(3) times the shear strength; strains small, so the area stays."""
    deck = soils.triaxial(
        PERFECT, columns=2, rows=2, element=element, rough=False, strain=0.02, procedure=Procedure(steps=6)
    )
    result = run_static(deck, out=tmp_path / "a.h5")
    force = np.array(result.history["force_top_z"]) / AREA
    assert force[0] == pytest.approx(1e5, rel=1e-9)
    assert force[-1] == pytest.approx(2e5, rel=1e-6)
    stress = read_results(result.path).element("stress", -1)
    np.testing.assert_allclose(stress[:, :3], [[-1e5, -1e5, -2e5]] * 8, rtol=1e-6)
    assert np.abs(stress[:, 3:]).max() < 1


def test_its_first_slope_is_youngs_modulus(tmp_path) -> None:
    deck = soils.triaxial(columns=1, rows=1, rough=False, strain=1e-3, procedure=Procedure(steps=2))
    force = np.array(run_static(deck, out=tmp_path / "a.h5").history["force_top_z"]) / AREA
    np.testing.assert_allclose(force, 1e5 + SOIL.elastic.young * np.array([0, 5e-4, 1e-3]), rtol=1e-6)


def test_rough_ends_hold_the_box_and_are_stronger(tmp_path) -> None:
    how = Procedure(steps=6)
    force = {}
    for rough in (False, True):
        deck = soils.triaxial(PERFECT, columns=2, rows=2, rough=rough, strain=0.02, procedure=how)
        result = run_static(deck, out=tmp_path / f"{rough}.h5")
        force[rough] = result.history["force_top_z"][-1]
        moved = read_results(result.path).node("displacement", -1)
        top = deck.coordinates[:, 2] == deck.coordinates[:, 2].max()
        np.testing.assert_allclose(moved[top, 2], -0.002, rtol=1e-12)
        assert bool(np.abs(moved[top, :2]).max() < 1e-12) is rough
    assert 1.01 < force[True] / force[False] < 1.1


def test_spheres_at_every_point(tmp_path, capsys) -> None:
    """Smooth ends: the sides stay at the lateral pressure while the axial stress grows by what the packing bears."""
    deck = tmp_path / "triaxial.inp"
    words = ["columns=1", "rows=1", "element=C3D8", "height=0.05", "strain=0.002", "rough=no"]
    assert main(["problem", "triaxial", "--out", str(deck), "--set", *words, "--procedure", "steps=2"]) == 0
    run = ["run", str(deck), "--out", str(tmp_path), "--quiet", "--material", "packing:spheres500"]
    assert main(run) == 0
    capsys.readouterr()
    stress = read_results(tmp_path / "triaxial.h5").element("stress", -1)[0]
    np.testing.assert_allclose(stress[:2], -1e5, rtol=0.1)
    assert -4e5 < stress[2] < -1.3e5


def test_what_does_not_fit_is_said() -> None:
    for values, said in (
        ({"element": "CPE8R"}, "element CPE8R: expected one of C3D8, C3D20, C3D20R"),
        ({"columns": 0}, "0 elements along 0.05 m: expected 1 or more"),
        ({"strain": 0.6}, "strain 0.6: expected less than 0.5"),
        ({"height": -1.0}, "height = -1: expected more than 0"),
        ({"procedure": Procedure(time=1.0)}, "expected a number of steps"),
    ):
        with pytest.raises(ConfigError, match=said):
            soils.triaxial(**values)


def test_nodes_between_stand_where_the_faces_have_them() -> None:
    """Abaqus's order of the twenty nodes: on every face, each between the corners beside it; none twice."""
    deck = soils.triaxial(rows=3)
    x = deck.coordinates[deck.elements[0].connectivity]
    for face in faces_of("C3D20R"):
        corners, between = x[:, face[:4]], x[:, face[4:]]
        np.testing.assert_allclose(between, (corners + np.roll(corners, -1, axis=1)) / 2, atol=1e-12)
    assert len(np.unique(deck.coordinates, axis=0)) == len(deck.coordinates) == 36 + (6 * 2 * 4 + 9 * 3)
