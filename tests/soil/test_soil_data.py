"""Data for soil: coupled tests, their iterations, flagged points; interruptions and bad input."""

from __future__ import annotations

import json
import signal
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import pytest

from pybridge.errors import (
    DataSetError,
    PackingError,
    SolverError,
)
from pybridge.solver.implicit import BiaxialTest, NotConvergedError, solve
from training import soil, soil_sets
from training.mlp_samples import Samples


def test_pressure_paths_start_at_the_consolidation() -> None:
    paths = np.array([soil.pressure_path(50, 0, k) for k in range(40)])
    np.testing.assert_allclose(paths[:, 0], 1e5)
    assert paths.min() >= 3e4
    assert 1e4 < paths[:, -1].std() < 6e4
    np.testing.assert_array_equal(paths[3], soil.pressure_path(50, 0, 3))
    assert np.abs(np.diff(paths, axis=1)).max() < 2e4  # smooth


def test_coupled_tests_become_paths(data) -> None:
    samples, provenance = soil_sets.read_samples(data)
    assert samples.strain.shape == (12, 5, 3)
    assert sorted(set(samples.run)) == [0, 1, 2]
    np.testing.assert_allclose(samples.stress[:, 0, :2], -1e5, rtol=1e-2)
    assert np.all(samples.stiffness[:, :, 0] > 1e7)
    mean = samples.strain[:, -1, 1].reshape(3, 4).mean(axis=1)
    np.testing.assert_allclose(mean, -0.002, rtol=0.2)
    assert provenance["material"]["bulk"] > 1e6


def test_iterations_become_samples(tmp_path) -> None:
    """Every trial from a whole step is there, with phi from the record it started from; converged ones among them."""
    out = tmp_path / "soil.h5"
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    soil.generate(
        out,
        packing="disks100",
        runs=3,
        steps=3,
        test=test,
        threads=1,
        collect="iterations",
        tell=lambda text: None,
    )
    samples, _ = soil_sets.read_samples(out)
    it = samples.iterations
    assert it is not None
    assert len(it.path) >= 3 * 4 * 3  # at least one iteration a step
    rows, answers = samples.inputs(), samples.outputs()
    assert len(rows) == len(answers) == samples.run.size * 4 + len(it.path)
    last = np.flatnonzero((it.path == 5) & (it.record == 1))[-1]
    np.testing.assert_allclose(it.strain[last], samples.strain[5, 2], rtol=1e-12)
    np.testing.assert_allclose(it.stress[last], samples.stress[5, 2], rtol=1e-9)
    np.testing.assert_allclose(rows[samples.run.size * 4 + last, 3:], samples.history()[5, 2], rtol=1e-9)
    part = samples.of_runs(np.array([1]))
    assert part.iterations is not None
    assert set(part.iterations.path) == {0, 1, 2, 3}
    with pytest.raises(DataSetError, match="expected one of converged, iterations"):
        soil.generate(out, collect="all")


def test_other_settings_do_not_go_on(data, tmp_path) -> None:
    out = tmp_path / "soil.h5"
    parts = soil.parts_folder(out)
    parts.mkdir()
    (parts / "settings.json").write_text(json.dumps({"packing": "other"}))
    with pytest.raises(DataSetError, match="tests of other settings"):
        soil.generate(out, runs=3, steps=4)


def test_a_finished_data_set_is_kept(data, monkeypatch) -> None:
    """The same command has nothing to do, another one is refused; the file stays as it is."""
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    settings: dict[str, Any] = {"packing": "disks100", "runs": 3, "steps": 4, "test": test, "threads": 1}
    before, told = data.read_bytes(), []
    monkeypatch.setattr(soil, "run_test", None)
    soil.generate(data, **settings, tell=told.append)
    assert told == [f"{data}: holds these tests already; nothing to do"]
    for change, message in (
        ({"steps": 5}, "steps is 4 there, 5 here"),
        (
            {"packing": "disks100,overlap_max=0.5"},
            r"packing_options is \{\} there, \{'overlap_max': 0.5\} here",
        ),
        ({"test": BiaxialTest(columns=1, rows=1, width=0.1, strain=0.003)}, "test is"),
        ({"runs": 4}, "runs is 3 there, 4 here"),
    ):
        with pytest.raises(DataSetError, match=f"exists and holds other tests: {message}"):
            soil.generate(data, **(settings | change))
    assert data.read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"packing": "nope"}, "nope"),
        ({"steps": 0}, "steps = 0: expected 1 or more"),
        ({"runs": 2}, "runs = 2: expected 3 or more"),
        ({"threads": 0}, "threads = 0: expected 1 or more"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_written(settings, message, tmp_path) -> None:
    with pytest.raises((DataSetError, PackingError), match=message):
        soil.generate(tmp_path / "soil.h5", **settings)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SolverError, match=r"0 x 4 elements on .* expected 1 or more"):
        BiaxialTest(columns=0)


def test_an_interrupted_test_goes_on_in_its_middle(data, tmp_path, monkeypatch) -> None:
    """The data are those of the fixture, which was not interrupted."""
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    out, seen = tmp_path / "soil.h5", []
    settings: dict[str, Any] = {"packing": "disks100", "runs": 3, "steps": 4, "test": test, "threads": 1}

    def moved(bar, task, steps, load, iterations):
        seen.append(load)
        if len(seen) == 7:  # in the third step of the second test
            raise KeyboardInterrupt

    monkeypatch.setattr(soil, "solve", partial(solve, restart_seconds=0.0))
    monkeypatch.setattr(soil, "_moved", moved)
    with pytest.raises(KeyboardInterrupt):
        soil.generate(out, **settings, tell=lambda text: None)
    soil.generate(out, **settings, tell=lambda text: None)
    np.testing.assert_allclose(seen, [0.25, 0.5, 0.75, 1, 0.25, 0.5, 0.75, 0.75, 1, 0.25, 0.5, 0.75, 1])
    for one, other in zip(soil_sets.read_samples(data), soil_sets.read_samples(out), strict=True):
        if isinstance(one, Samples):
            np.testing.assert_array_equal(one.stress, other.stress)
    assert list(soil.parts_folder(out).glob("*.restart.npz")) == []


def test_ctrl_c_keeps_every_step_that_is_done(data, tmp_path, monkeypatch) -> None:
    """After the third step of the second test; its fourth is not begun twice, and the file of a minute ago is not waited for."""
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    out, seen = tmp_path / "soil.h5", []
    settings: dict[str, Any] = {"packing": "disks100", "runs": 3, "steps": 4, "test": test, "threads": 1}

    def moved(bar, task, steps, load, iterations):
        seen.append(load)
        if len(seen) == 7:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(soil, "_moved", moved)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        soil.generate(out, **settings, tell=lambda text: None)
    assert signal.getsignal(signal.SIGINT) is before
    soil.generate(out, **settings, tell=lambda text: None)
    np.testing.assert_allclose(seen, [0.25, 0.5, 0.75, 1, 0.25, 0.5, 0.75, 1, 0.25, 0.5, 0.75, 1])
    for one, other in zip(soil_sets.read_samples(data), soil_sets.read_samples(out), strict=True):
        if isinstance(one, Samples):
            np.testing.assert_array_equal(one.stress, other.stress)


@pytest.mark.parametrize(("reached", "kept"), [(3, True), (1, False)])
def test_a_test_that_stops_early_is_kept_as_far_as_it_came(tmp_path, monkeypatch, reached, kept) -> None:
    """The second of three stops at 3 of 4 steps, or at 1: what repeats its last record is not learned from."""
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    told, runs = [], []

    def stopped(problem, points, controls, **options):
        history = solve(problem, points, controls)
        runs.append(history)
        if len(runs) != 2:
            return history
        for field in fields(history):
            del getattr(history, field.name)[reached + 1 :]
        error = NotConvergedError("a packing came apart")
        error.history = history
        raise error

    monkeypatch.setattr(soil, "solve", stopped)
    settings: dict[str, Any] = {
        "packing": "disks100",
        "steps": 4,
        "test": test,
        "threads": 1,
        "tell": told.append,
    }
    if not kept:
        with pytest.raises(DataSetError, match="2 of 3 tests came to their end or half of the way"):
            soil.generate(tmp_path / "soil.h5", runs=3, **settings)
        assert "coupled test 2 of 3 left out: a packing came apart" in told
        return
    soil.generate(tmp_path / "soil.h5", runs=3, **settings)
    assert "coupled test 2 of 3 kept to a strain of 0.0015: a packing came apart" in told
    samples, _ = soil_sets.read_samples(tmp_path / "soil.h5")
    np.testing.assert_array_equal(samples.moved.sum(axis=1), [5] * 4 + [4] * 4 + [5] * 4)
    rows, answers = samples.inputs(), samples.outputs()
    assert len(rows) == len(answers) == 12 * 5 - 4
    last = samples.of_runs(np.array([1]))
    np.testing.assert_array_equal(last.inputs()[3::4, :3], last.strain[:, 3])
    np.testing.assert_array_equal(last.outputs()[3::4, :3], last.stress[:, 3])


def test_guards_of_the_packing_stand_beside_its_name(tmp_path) -> None:
    """Data of one packing go together whatever its guards were."""
    arrays = {
        "strain": np.zeros((1, 2, 3)),
        "stress": np.full((1, 2, 3), -1e5),
        "stiffness": np.full((1, 2, 6), 3e7),
    }
    files = [tmp_path / "one.h5", tmp_path / "other.h5"]
    for file, packing in zip(files, ("disks100", "disks100,overlap_max=0.5,steps_max=200000"), strict=True):
        soil_sets.write_samples(file, packing, arrays, np.zeros(1, int), {"packing": packing})
    sets, provenance = soil_sets.read_sets(files[::-1])
    assert len(sets) == 2
    assert provenance["packing"] == "disks100"
    assert provenance["packing_options"] == {"overlap_max": 0.5, "steps_max": 200000}
    with pytest.raises(PackingError, match="packing option 'overlap': expected NAME=NUMBER"):
        soil_sets.write_samples(files[0], "disks100,overlap", arrays, np.zeros(1, int), {})


def test_data_without_stiffness_or_in_other_units_are_refused(unsealed, data, tmp_path) -> None:
    copy = tmp_path / "copy.h5"
    unsealed(data, copy, lambda file: None)
    assert len(soil_sets.read_samples(copy)[0].run) == 12
    unsealed(data, copy, lambda file: file.pop("stiffness"))
    with pytest.raises(DataSetError, match="expected the datasets stiffness"):
        soil_sets.read_samples(copy)
    kilo = json.dumps({"time": "s", "stretch": "1", "stress": "kPa", "dissipation": "J/m3"})
    unsealed(data, copy, lambda file: file.attrs.update(units=kilo))
    with pytest.raises(DataSetError, match="units"):
        soil_sets.read_samples(copy)
    altered = tmp_path / "altered.h5"
    altered.write_bytes(data.read_bytes()[:-1] + b"x")
    with pytest.raises(DataSetError, match="altered"):
        soil_sets.read_samples(altered)
