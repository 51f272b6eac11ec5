"""Paths of points of a run, answered by packings: from histories and from result files of both solvers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from abaqus_jobs.soils import SOIL, Procedure, biaxial
from pybridge.commands import main
from pybridge.errors import DataSetError, PackingError
from pybridge.results.reader import read_results
from pybridge.results.writer import FrameData, MeshData, ResultWriter
from pybridge.solver import run
from pybridge.solver.implicit import run_static
from training import soil_resample, soil_sets

QUAD = np.array([[0, 0, 0], [0.02, 0, 0], [0.02, 0.03, 0], [0, 0.02, 0]])
CORNERS = {"CPE4R": [[0, 1, 2, 3]], "CPE3": [[0, 1, 2], [0, 2, 3]], "CPE4": [[0, 1, 2, 3]]}
POINTS = {"CPE4R": 1, "CPE3": 1, "CPE4": 4}


def result_file(path, kind: str, gradients, flags=None, provenance=None, cells=None):
    """Frames in which the whole mesh has one deformation gradient (2, 2) after the other."""
    cells = np.array(CORNERS[kind] if cells is None else cells)
    writer = ResultWriter(path)
    labels = np.arange(1, len(cells) + 1)
    writer.create(MeshData(QUAD, np.arange(1, 5), labels, ((kind, cells),)), "made up", provenance or {})
    for k, f in enumerate(gradients):
        u = np.zeros((4, 3))
        u[:, :2] = QUAD[:, :2] @ (np.asarray(f) - np.eye(2)).T
        element = {} if flags is None else {"unreliable_so_far": np.array(flags[k], np.int32)}
        writer.append(FrameData(float(k), {"displacement": u}, element), {})
    writer.finish({}, complete=True)
    return path


def test_flagged_points_become_paths(unsealed, data, tmp_path) -> None:
    """Paths of flagged points are answered by packings as the coupled test was; sets of other packings do not join."""
    samples, _ = soil_sets.read_samples(data)
    strain = samples.strain[:4] * np.array([1, 1, 2])
    flagged = np.zeros((5, 4), bool)
    flagged[2:, 1] = flagged[4:, 3] = True
    history: dict[str, Any] = {
        "load": np.linspace(0, 1, 5),
        "strain": strain.transpose(1, 2, 0),
        "flagged": flagged,
        "steps": 4,
    }
    file, out = tmp_path / "run.npz", tmp_path / "flagged.h5"
    np.savez(file, **history)
    soil_resample.resample(out, file, packing="disks100", points=8, tell=lambda text: None)
    added, _ = soil_sets.read_samples(out)
    np.testing.assert_allclose(added.strain, samples.strain[[1, 3]], atol=1e-12)
    np.testing.assert_allclose(added.stress, samples.stress[[1, 3]], rtol=1e-6)
    assert len(np.unique(added.run)) == 2
    sets, provenance = soil_sets.read_sets([data, out])
    assert len(sets) == 2
    assert "+" in provenance["checksum"]
    history["flagged"][:] = False
    np.savez(file, **history)
    with pytest.raises(DataSetError, match="no point was flagged"):
        soil_resample.resample(out, file, packing="disks100", points=8)
    soil_resample.resample(out, file, packing="disks100", points=None, tell=lambda text: None)
    np.testing.assert_allclose(soil_sets.read_samples(out)[0].stress, samples.stress[:4], rtol=1e-6)
    np.savez(file, strain=strain)
    with pytest.raises(DataSetError, match="expected the arrays load"):
        soil_resample.resample(out, file, packing="disks100", points=8)
    other = tmp_path / "other.h5"

    def rename(file) -> None:
        file.attrs["provenance"] = json.dumps(json.loads(file.attrs["provenance"]) | {"packing": "other"})

    unsealed(out, other, rename)
    with pytest.raises(DataSetError, match="must come from one packing"):
        soil_sets.read_sets([data, other])


def test_chosen_points_follow_the_order_of_their_flags() -> None:
    flagged = np.zeros((6, 10), bool)
    for point, since in ((7, 1), (2, 2), (9, 3), (4, 4), (0, 5)):
        flagged[since:, point] = True
    assert list(soil_resample.flagged_points(flagged, 3)) == [7, 9, 0]
    assert list(soil_resample.flagged_points(flagged, 99)) == [7, 2, 9, 4, 0]


def test_a_static_run_of_packings_is_answered_as_it_was(tmp_path) -> None:
    """The paths of a run with packings, from its displacements, give back the stresses of its own packings."""
    deck = biaxial(SOIL, columns=1, rows=1, strain=0.002, procedure=Procedure(steps=4, intervals=4))
    run, out = tmp_path / "run.h5", tmp_path / "own.h5"
    run_static(deck, material="packing:disks100", out=run)
    assert (
        main(
            [
                "soil",
                "resample",
                str(run),
                "--all",
                "--packing",
                "disks100",
                "--threads",
                "1",
                "--out",
                str(out),
            ]
        )
        == 0
    )
    samples, _ = soil_sets.read_samples(out)
    results = read_results(run)
    assert samples.strain.shape == (4, 5, 3)
    for k in range(5):
        mean = results.element("stress", k)[0, [0, 1, 3]]
        np.testing.assert_allclose(samples.stress[:, k].mean(axis=0), mean, rtol=1e-9, atol=1e-4)


def test_an_explicit_run_of_packings_is_answered_as_it_was(tmp_path) -> None:
    """Single integration points: stretches from the displacements, between frames close enough for 1 % of the stress."""
    how = Procedure(time=0.02, alpha=20.0, mass_scale=100.0, intervals=40)
    deck = biaxial(SOIL, columns=2, rows=2, element="CPE4R", strain=0.003, procedure=how)
    file = tmp_path / "run.h5"
    run(deck, material="packing:disks100", out=file)
    paths = soil_resample.read_paths(file)
    found = soil_resample.label("disks100", paths.strain)
    results = read_results(file)
    truth = np.array([results.element("stress", k)[:, [0, 1, 3]] for k in range(len(results.times))])
    assert len(found["path"]) == 4
    assert np.abs(paths.strain[:, -1]).max() > 2e-3
    np.testing.assert_allclose(found["stress"].transpose(1, 0, 2), truth, atol=0.01 * np.abs(truth).max())


@pytest.mark.parametrize("kind", sorted(CORNERS))
def test_stretch_is_without_rotation_and_flags_reach_all_points(kind, tmp_path) -> None:
    stretch = np.array([[1.2, 0.1], [0.1, 0.7]])
    turn = Rotation.from_euler("z", 2.0).as_matrix()[:2, :2]
    elements = len(CORNERS[kind])
    flags = [[0] * elements, [0] * (elements - 1) + [1]]
    file = result_file(tmp_path / "a.h5", kind, [np.eye(2), turn @ stretch], flags)
    paths = soil_resample.read_paths(file)
    assert paths.strain.shape == (elements * POINTS[kind], 2, 3)
    np.testing.assert_allclose(paths.strain[:, 0], 0, atol=1e-15)
    wanted = np.broadcast_to([0.2, -0.3, 0.1], paths.strain[:, 1].shape)
    np.testing.assert_allclose(paths.strain[:, 1], wanted, rtol=1e-12)
    flagged = np.repeat(flags[1], POINTS[kind])
    assert list(paths.flagged[1]) == list(flagged > 0)
    small = result_file(tmp_path / "b.h5", kind, [np.eye(2), stretch], provenance={"procedure": "static"})
    np.testing.assert_allclose(soil_resample.read_paths(small).strain[:, 1], wanted, rtol=1e-12)
    turned = result_file(tmp_path / "c.h5", kind, [np.eye(2), turn], provenance={"procedure": "static"})
    assert np.abs(soil_resample.read_paths(turned).strain).max() > 1  # strains of small-strain theory


def test_records_between_frames(tmp_path) -> None:
    gradients = [np.eye(2), np.diag([1.02, 0.98]), np.diag([1.02, 0.92])]
    file = result_file(tmp_path / "a.h5", "CPE4R", gradients, [[0], [0], [1]])
    paths = soil_resample.read_paths(file, 8)
    np.testing.assert_allclose(
        paths.strain[0, :, 0], [0, 0.005, 0.01, 0.015, 0.02, 0.02, 0.02, 0.02, 0.02], atol=1e-12
    )
    np.testing.assert_allclose(paths.strain[0, 4:, 1], [-0.02, -0.035, -0.05, -0.065, -0.08], atol=1e-12)
    assert list(paths.flagged[:, 0]) == [False] * 5 + [True] * 4
    np.testing.assert_array_equal(
        soil_resample.read_paths(file, 2).strain, soil_resample.read_paths(file).strain
    )
    with pytest.raises(DataSetError, match=r"records = 1: expected 2, as .*a.h5 holds, or more"):
        soil_resample.read_paths(file, 1)


def test_files_that_are_no_such_run_are_refused(tmp_path) -> None:
    still = result_file(tmp_path / "still.h5", "CPE4R", [np.eye(2)])
    with pytest.raises(DataSetError, match=r"still.h5: it holds the virgin state alone"):
        soil_resample.read_paths(still)
    solid = result_file(tmp_path / "solid.h5", "C3D8R", [np.eye(2)] * 2, cells=[[0, 1, 2, 3, 0, 1, 2, 3]])
    with pytest.raises(
        DataSetError, match=r"solid.h5: elements C3D8R; learned soil is of plane strain: expected CPE3"
    ):
        soil_resample.read_paths(solid)
    unflagged = result_file(tmp_path / "unflagged.h5", "CPE4R", [np.eye(2), np.diag([1.01, 1])])
    with pytest.raises(DataSetError, match=r"unflagged.h5: no point was flagged"):
        soil_resample.resample(tmp_path / "out.h5", unflagged, packing="disks100", points=4)
    apart = result_file(tmp_path / "apart.h5", "CPE4R", [np.eye(2), np.diag([3.0, 3.0])])
    with pytest.raises(DataSetError, match="the packing failed on all 1 paths; give it wider guards"):
        soil_resample.resample(tmp_path / "out.h5", apart, packing="disks100", points=None)
    assert not (tmp_path / "out.h5").exists()
    with pytest.raises(PackingError, match="nowhere"):
        soil_resample.resample(tmp_path / "out.h5", apart, packing="nowhere", points=None)
