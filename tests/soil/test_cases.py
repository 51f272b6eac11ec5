"""The cases of [GUAN22] Table 3: hybrid data, sizes, and a whole check of a very small size."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from abaqus_jobs.soil_sizes import Sizes
from abaqus_jobs.verify import soil as soil_check_all
from abaqus_jobs.verify import soil_wall
from abaqus_jobs.verify.soil_cases import CASES, cases
from pybridge.errors import SolverError
from training import soil_sets
from training.mlp_samples import Samples


def test_hybrid_data_take_the_band_of_one_mesh_and_the_rest_of_the_other(tmp_path) -> None:
    """A point is in the band where its deviatoric strain in the end is above its own run's mean."""
    strain = np.zeros((6, 3, 3))
    strain[:, -1, 1] = [-0.01, -0.02, -0.09, -0.1, -0.2, -0.9]
    strain[0, -1, 2] = 0.05  # shear counts too: 0.1 of engineering shear
    samples = Samples(strain, np.full((6, 3, 3), -1e5), np.full((6, 3, 6), 3e7), np.array([4, 4, 4, 7, 7, 7]))
    file = tmp_path / "all.h5"
    arrays = {name: getattr(samples, name) for name in ("strain", "stress", "stiffness")}
    soil_sets.write_samples(file, "disks100", arrays, samples.run, {"packing": "disks100"})
    parts = []
    for keep in (True, False):
        part = tmp_path / f"{keep}.h5"
        soil_sets.select(part, file, in_band=keep)
        parts.append(soil_sets.read_samples(part)[0])
    np.testing.assert_allclose(parts[0].strain, strain[[0, 2, 5]], atol=1e-15)
    np.testing.assert_array_equal(parts[0].run, [4, 4, 7])
    np.testing.assert_allclose(parts[1].strain, strain[[1, 3, 4]], atol=1e-15)
    assert len(soil_sets.read_sets([tmp_path / "True.h5", tmp_path / "False.h5"])[0]) == 2


def test_all_cases_run_and_are_taken_from_their_files(tmp_path, monkeypatch) -> None:
    sizes = Sizes(
        packing="disks100", coarse=(1, 1), fine=(1, 2), strain=0.002, steps=3, coarse_runs=3, fine_runs=3, epochs=200,
        threads=1,
    )  # fmt: skip
    options = argparse.Namespace(out=tmp_path, quick=False)
    figures = cases("small", options, sizes).figures
    for case in CASES:
        assert figures[f"{case}: reached, packings"].value == pytest.approx(0.002)
        assert np.isfinite(figures[f"{case}: CPU time an iteration, ratio"].value)
    names = [*CASES, *(f"E and every point of its own run, round {k}" for k in (1, 2))]
    errors = [figures[f"{name}: pressure under the top: mean error"].value for name in names]
    assert len(set(errors)) == len(names)  # no two cases are the same run
    for used in ("coarse", "fine"):
        apart = figures[f"packings twice, {used}: deviatoric strain at the end"].value
        assert 0 < apart < 0.1  # two runs, nearly the same
    out = tmp_path / "small"
    assert (out / "fine-curves.png").stat().st_size > 10_000
    times = {file: file.stat().st_mtime_ns for file in out.iterdir() if file.suffix != ".png"}
    monkeypatch.setattr("abaqus_jobs.soil_sizes.call", None)  # nothing is made a second time
    again = cases("small", argparse.Namespace(out=tmp_path, quick=True), sizes).figures
    assert again["E: CPU time, network"].value == figures["E: CPU time, network"].value
    assert {file: file.stat().st_mtime_ns for file in times} == times


def test_sizes_that_cannot_be_split_are_refused() -> None:
    with pytest.raises(SolverError, match="coupled tests: 8 and 2, expected three or more"):
        Sizes(fine_runs=2)


def test_wall_is_repaired_from_files(tmp_path, monkeypatch) -> None:
    """The whole check of a very small wall: every variant is another network, and files are taken again."""
    sizes = Sizes(
        packing="disks100", coarse=(1, 1), strain=0.002, steps=3, coarse_runs=3, epochs=300, more_epochs=50, threads=1
    )  # fmt: skip
    for module in (soil_check_all, soil_wall):
        monkeypatch.setattr(module, "SIZES", sizes)
        monkeypatch.setattr(module, "ROUNDS", 1)
    monkeypatch.setattr(soil_wall, "WALL", (1, 1))
    monkeypatch.setattr(soil_wall, "OWN_ROUNDS", 1)
    figures = soil_wall.run(argparse.Namespace(out=tmp_path, quick=False, model=None)).figures
    errors = {
        name.split(":")[0]: figure.value
        for name, figure in figures.items()
        if name.endswith("pressure of the wall: mean error")
    }
    assert list(errors) == [
        "flagged points, from the beginning", "the same, width 100", "and every point of its own run, round 1",
        "every point of the packings' run",
    ]  # fmt: skip
    assert len(set(errors.values())) == 4
    assert 0 < figures["packings twice: deviatoric strain at the end"].value < 0.1
    assert soil_sets.read_samples(tmp_path / "soil" / "every-wall.h5")[0].strain.shape == (4, 4, 3)
