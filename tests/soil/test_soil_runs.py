"""Biaxial tests and walls with packings and networks as runs kept in files, and their pictures."""

from __future__ import annotations

import numpy as np
import pytest

import pybridge._core as _core
from abaqus_jobs.soil_check import compare as compare_runs
from abaqus_jobs.soil_pictures import quarters
from abaqus_jobs.soil_runs import kept_run, wrong
from abaqus_jobs.soil_wall import WallTest
from pybridge.errors import (
    SolverError,
)
from pybridge.packing import open_material
from pybridge.solver.implicit import BiaxialTest, Controls, MaterialPoints, biaxial_problem, solve
from training import soil_sets
from training.mlp import MlpConfig
from training.mlp_export import export_mlp
from training.mlp_train import train


def test_network_runs_the_test_it_was_trained_on(data, tmp_path) -> None:
    """From coupled tests to a model file to the same solver: the network brings the test to its end."""
    samples, provenance = soil_sets.read_samples(data)
    config = MlpConfig(width=16, epochs=400, patience=300, members=2)
    path = tmp_path / "soil.pt"
    export_mlp(train(samples, config, provenance["material"]), path)
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    problem = biaxial_problem(test)
    points = MaterialPoints(_core.load_model(str(path), "native", "float64"), problem.mesh.points)
    history = solve(problem, points, Controls(steps=4))
    coupled = samples.stress[:4, -1, 1].mean()
    assert history.stress[-1][1].mean() == pytest.approx(coupled, rel=0.2)
    report = compare_runs("disks100", path, test, 4, 1, tmp_path)
    assert report.figures["reached, packings"].value == pytest.approx(0.002)
    assert report.figures["reached, network"].value == pytest.approx(0.002)
    assert 0 < report.figures["pressure under the top: mean error"].value < 0.1
    assert report.figures["CPU time an iteration, ratio"].value > 0
    assert report.figures["wall time, ratio"].value > 0
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert (tmp_path / "fields.png").stat().st_size > 10_000


def test_wall_and_kept_runs(tmp_path) -> None:
    """The wall presses harder as it comes; a run is taken from its file where settings agree, and made anew elsewhere."""
    test = WallTest(1, 1, 1.0, 1.0, strain=0.002)
    file, made = tmp_path / "wall.npz", []

    def material():
        made.append(1)
        return open_material("disks100")

    first = kept_run(file, {"packing": "disks100"}, test, 2, 1, "wall", material)
    assert first.stopped == ""
    assert np.all(np.diff(first.pressure) > 5e3)
    assert first.pressure[0] == pytest.approx(5 / 6 * 1e5, rel=0.02)  # the lowest node, a sixth, stays
    right = first.problem.mesh.dofs("right", 0)
    assert first.displacement[-1][right].min() == pytest.approx(-0.002)
    again = kept_run(file, {"packing": "disks100"}, test, 2, 1, "wall", material)
    np.testing.assert_array_equal(again.pressure, first.pressure)
    assert len(made) == 1
    kept_run(file, {"packing": "disks100"}, test, 1, 1, "wall", material)
    assert len(made) == 2
    assert wrong(first, "disks100", 1).max() < 1e-6  # a packing on its own path
    with pytest.raises(SolverError, match="retaining wall: pressure -1"):
        WallTest(pressure=-1)


def test_pictures_show_a_quarter_of_the_element_round_each_point(tmp_path) -> None:
    """As displaced: each point lies in its own quarter, and quarters fill the body, whose top has come down."""
    run = kept_run(
        tmp_path / "r.npz", {}, BiaxialTest(1, 2, strain=0.004), 1, 1, "r", lambda: open_material("disks100")
    )
    cells, mesh = quarters(run, 1), run.problem.mesh
    assert cells.shape == (mesh.points, 4, 2)
    side = np.roll(cells, -1, axis=1) - cells
    points = (mesh.coordinates + mesh.displacement(run.displacement[1])).T
    inward = side[:, :, 0] * (points[:, None, 1] - cells[:, :, 1]) - side[:, :, 1] * (
        points[:, None, 0] - cells[:, :, 0]
    )
    assert np.all((inward > 0).all(axis=1) | (inward < 0).all(axis=1))  # whichever way round
    diagonal = cells[:, 2] - cells[:, 0], cells[:, 3] - cells[:, 1]
    area = 0.5 * (diagonal[0][:, 0] * diagonal[1][:, 1] - diagonal[0][:, 1] * diagonal[1][:, 0])
    change = (run.strain[1][0] + run.strain[1][1]) @ mesh.weights
    assert np.abs(area).sum() == pytest.approx(mesh.weights.sum() + change, rel=5e-4)  # bent sides
    assert cells[:, :, 1].max() == pytest.approx(0.1 * (1 - 0.004), rel=1e-9)
