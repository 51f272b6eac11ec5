"""Learned soil: data from coupled tests, committees, the model kind mlp_history in both engines."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import h5py
import numpy as np
import pytest

import pybridge._core as _core
from abaqus_jobs.soil_check import compare as compare_runs
from abaqus_jobs.soil_pictures import quarters
from abaqus_jobs.soil_runs import kept_run, wrong
from abaqus_jobs.soil_wall import WallTest
from pybridge.errors import (
    ConfigError,
    DataSetError,
    MaterialError,
    ModelFileError,
    PackingError,
    SolverError,
)
from pybridge.model_file import read_model, write_model
from pybridge.packing import open_material
from pybridge.solver.implicit import BiaxialTest, Controls, MaterialPoints, biaxial_problem, solve
from training import soil
from training.mlp import MlpConfig, read_mlp_config
from training.mlp_export import compare, export_mlp, mlp_card, mlp_tensors, read_mlp
from training.mlp_samples import Samples, split_runs
from training.mlp_train import rescaled, train

MODULI = {"bulk": 2e7, "shear": 1e7, "density": 2200.0}
SMALL = MlpConfig(width=12, members=3, epochs=60, patience=60, batch=4096, seed=2)


def made_up(runs: int = 6, points: int = 4, times: int = 30) -> Samples:
    """Smooth histories of a law in closed form: elastic with a stiffness that falls with phi."""
    rng = np.random.default_rng(11)
    n = runs * points
    strain = np.cumsum(rng.normal([5e-4, -1e-3, 0], 4e-4, (n, times, 3)), axis=1)
    strain[:, 0] = 0
    phi = np.cumsum(np.abs(np.diff(strain, axis=1, prepend=0)), axis=1)
    soft = 1 / (1 + 30 * phi.sum(axis=2, keepdims=True))
    d = np.array([3e7, 1e7, 0, 3e7, 0, 1e7])
    stress = soft * np.stack(
        [3e7 * strain[..., 0] + 1e7 * strain[..., 1], 1e7 * strain[..., 0] + 3e7 * strain[..., 1], 2e7 * strain[..., 2]],
        axis=2,
    )  # fmt: skip
    stress[..., :2] -= 1e5
    return Samples(strain, stress, soft * d, np.repeat(np.arange(runs), points))


@pytest.fixture(scope="module")
def committee():
    return train(made_up(), SMALL, MODULI)


@pytest.fixture(scope="module")
def model_file(committee, tmp_path_factory):
    path = tmp_path_factory.mktemp("soil") / "soil.pt"
    export_mlp(committee, path)
    return path


def test_history_is_the_accumulated_strain() -> None:
    samples = Samples(
        np.array([[[0.0, 0, 0], [1, -2, 0.5], [0, -3, 0.5]]]),
        np.zeros((1, 3, 3)),
        np.zeros((1, 3, 6)),
        np.zeros(1),
    )
    np.testing.assert_allclose(samples.history()[0, -1], [2, 3, 0.5])


def test_split_is_by_run_and_complete() -> None:
    runs = np.repeat(np.arange(20), 32)
    parts = split_runs(runs, 0.7, 0.15, 0)
    assert [len(p) for p in parts] == [14, 3, 3]
    assert sorted(np.concatenate(parts)) == list(range(20))
    with pytest.raises(DataSetError, match="three runs or more"):
        split_runs(np.array([0, 1, 1]), 0.7, 0.15, 0)


def test_training_learns_and_repeats() -> None:
    config = replace(SMALL, members=1, epochs=250, patience=150, width=30)
    model = train(made_up(), config, MODULI)
    assert model.card["errors"]["stress_test"] < 0.2
    again = train(made_up(), config, MODULI)
    np.testing.assert_array_equal(model.weights[0][0], again.weights[0][0])


def test_play_leaves_noise_and_step_size_out() -> None:
    """phi of a path that goes to 0.02 and back to 0.01: 0.03 without a deadband in any number of steps, and noise piles
    up; with one, noise within it leaves no trace and the turn costs twice the band."""
    rng = np.random.default_rng(0)
    band = 1e-4

    def phi(steps, noise, deadband):
        t = np.linspace(0, 3, steps + 1)
        path = 0.01 * np.interp(t, [0, 2, 3], [0, 2, 1]) + noise * rng.uniform(-1, 1, steps + 1)
        strain = np.repeat(path[None, :, None], 3, axis=2)
        return Samples(strain, strain, np.zeros((1, steps + 1, 6)), np.zeros(1)).history(deadband)[0, -1, 0]

    for steps in (30, 300, 3000):
        assert phi(steps, 0, 0) == pytest.approx(0.03, rel=1e-9)
        assert phi(steps, 0, band) == pytest.approx(0.03 - 3 * band, rel=1e-9)
        assert abs(phi(steps, 0.5 * band, band) - (0.03 - 3 * band)) < 2.5 * band
    assert phi(3000, 0.5 * band, 0) > 0.1


def test_deadband_in_both_engines(tmp_path) -> None:
    """The kernel and the graph keep the lagging strain; export compares them with NumPy along turning paths."""
    model = train(made_up(), replace(SMALL, deadband=4e-4), MODULI)
    path = tmp_path / "banded.pt"
    found = export_mlp(model, path)
    assert found["native float64"] < 1e-12
    material = _core.load_model(str(path), "native", "float64")
    assert [v.name for v in material.state_schema][-1] == "lagging_strain"
    points = MaterialPoints(material, 1)
    for eps in (1e-3, 9e-4, 1.1e-3, 0.0):
        points.trial(np.array([[eps], [0], [0]]))
        points.accept()
        points.trial(np.array([[eps], [0], [0]]))
    # 0 -> 0.6e-3 (0.4e-3 behind), nothing, 0.7e-3, back to 0.4e-3
    assert points.shown("accumulated_strain")[0, 0] == pytest.approx(1e-3, rel=1e-9)
    assert points.shown("lagging_strain")[0, 0] == pytest.approx(4e-4, rel=1e-9)
    without = replace(model, deadband=0.0)
    with pytest.raises(ModelFileError, match="differs from the trained committee"):
        compare(without, path)


def test_two_networks_stand_side_by_side(tmp_path) -> None:
    """[QU23B] 5.3: [5-5-3] and [8-8-6] behind the inputs, trained apart, one file; neither sees the other."""
    config = replace(SMALL, width=5, stiffness_width=8, activation="sigmoid", members=2)
    model = train(made_up(), config, MODULI)
    assert [w.shape for w in model.weights[0]] == [(13, 6), (13, 13), (9, 13)]
    for weight in model.weights[0][1:]:
        rows, columns = (3 if len(weight) == 9 else 5), 5
        assert not weight[:rows, columns:].any()
        assert not weight[rows:, :columns].any()
    log = model.card["training"]["members"][0]
    assert log["validation"] > 0
    assert log["stiffness_validation"] > 0
    assert export_mlp(model, tmp_path / "two.pt")["native float64"] < 1e-12


def test_added_sets_are_split_by_themselves() -> None:
    samples, few = made_up(), made_up(runs=2, points=1)
    model = train(samples, SMALL, MODULI, added=[few, made_up(runs=5, points=1)])
    alone = train(samples, SMALL, MODULI)
    assert model.card["runs"] == alone.card["runs"]
    assert model.card["added"][0] == {"train": [0, 1], "validation": [], "test": []}
    assert [len(r) for r in model.card["added"][1].values()] == [3, 1, 1]
    assert not np.array_equal(model.weights[0][0], alone.weights[0][0])
    with pytest.raises(DataSetError, match="three runs or more"):
        train(few, SMALL, MODULI)


def test_training_goes_on_from_a_committee(committee, model_file) -> None:
    """With other scales the start answers as it did; no epoch can make its validation error worse."""
    start = read_mlp(model_file)
    x, y = made_up().inputs(), made_up().outputs()
    layers = rescaled(start, 1, 2 * start.input_scale, y.mean(axis=0), y.std(axis=0).max() * np.ones(9))
    weights, biases = tuple(zip(*layers, strict=True))
    same = replace(
        start, weights=(weights,), biases=(biases,), input_scale=2 * start.input_scale, output_mean=y.mean(axis=0),
        output_scale=y.std(axis=0).max() * np.ones(9),
    )  # fmt: skip
    np.testing.assert_allclose(same.members(x)[0], committee.members(x)[1], rtol=1e-9, atol=1e-3)
    config = replace(SMALL, epochs=10)
    on, anew = (train(made_up(), config, MODULI, start=s) for s in (start, None))
    for k in range(SMALL.members):
        first, further, new = (m.card["training"]["members"][k]["validation"] for m in (start, on, anew))
        assert further < 1.05 * first < new
    with pytest.raises(ConfigError, match="cannot start one of 2"):
        train(made_up(), replace(SMALL, members=2), MODULI, start=start)


def test_early_stopping_keeps_the_best() -> None:
    told = []
    config = replace(SMALL, members=1, epochs=4000, patience=100, learning_rate=0.05, check_every=5)
    model = train(made_up(), config, MODULI, tell=lambda m, e, v: told.append(v))
    log = model.card["training"]["members"][0]
    assert log["validation"] == min(told)
    assert log["epochs"] - log["epoch"] >= 100 or log["epochs"] == 4000
    assert log["epochs"] < 4000


def test_engines_agree_and_spread_is_flagged(committee, model_file) -> None:
    found = compare(committee, model_file)
    assert set(found) == {"native float64", "native float32", "torchscript float64", "torchscript float32"}
    assert found["native float64"] < 1e-12
    material = _core.load_model(str(model_file), "native", "float64")
    points = MaterialPoints(material, 2)
    far = 3 * committee.highest[0]
    points.trial(np.array([[0.0, far], [0, -far], [0, 0]]))
    assert list(points.status) == [0, 1]
    answer, spread = committee.answer(np.array([[far, -far, 0, far, far, 0]]))
    np.testing.assert_allclose(points.stress[:, 1], answer[0, :3], rtol=1e-9)
    assert points.shown("spread")[0, 1] == pytest.approx(spread[0], rel=1e-9)
    assert spread[0] > 0
    np.testing.assert_allclose(points.stiffness()[1, 2, 1], answer[0, 7], rtol=1e-9)


def test_a_swapped_output_would_be_seen(committee, tmp_path) -> None:
    """The comparison at export refuses a graph or file whose outputs are in another order."""
    wrong = replace_outputs(committee)
    path = tmp_path / "wrong.pt"
    import torch

    from training.mlp_script import MlpHistoryMaterial

    card, tensors = mlp_card(wrong, "wrong"), mlp_tensors(wrong)
    write_model(path, torch.jit.script(MlpHistoryMaterial(card, tensors)), card, tensors)
    with pytest.raises(ModelFileError, match="differs from the trained committee"):
        compare(committee, path)


def replace_outputs(committee):
    swap = [1, 0, *range(2, 9)]
    values = dict(vars(committee))
    values["output_mean"] = committee.output_mean[swap]
    return type(committee)(**values)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("component", [0.0, 1.0, 2.0], r"expected 0 1 3 \(plane\)"),
        ("component", [0.0, 3.0, 1.0], "rising from 0 to 5"),
        ("input_scale", [0.0] * 6, "input_scale: expected positive"),
        ("spread_max", [0.0], "expected positive"),
        ("output_mean", [0.0] * 8, "output_mean"),
        ("member0.layer0.weight", [[0.0] * 6] * 5, r"member0.layer0.bias: expected shape .5., got .12."),
    ],
)
def test_files_that_do_not_fit_are_refused(model_file, tmp_path, name, value, message) -> None:
    file = read_model(model_file)
    tensors = {**file.tensors, name: np.array(value)}
    import torch

    path = tmp_path / "bad.pt"
    card = {k: v for k, v in file.card.items() if k not in ("tensors", "weights_sha256")}
    write_model(path, torch.jit.script(torch.nn.Identity()), card, tensors)
    with pytest.raises(MaterialError, match=message):
        _core.load_model(str(path), "native", "float64")


def test_pressure_paths_start_at_the_consolidation() -> None:
    paths = np.array([soil.pressure_path(50, 0, k) for k in range(40)])
    np.testing.assert_allclose(paths[:, 0], 1e5)
    assert paths.min() >= 3e4
    assert 1e4 < paths[:, -1].std() < 6e4
    np.testing.assert_array_equal(paths[3], soil.pressure_path(50, 0, 3))
    assert np.abs(np.diff(paths, axis=1)).max() < 2e4  # smooth


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three coupled tests of one element, a few steps."""
    out = tmp_path_factory.mktemp("data") / "soil.h5"
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.002)
    soil.generate(out, packing="disks100", runs=3, steps=4, test=test, threads=1, tell=lambda text: None)
    return out


def test_coupled_tests_become_paths(data) -> None:
    samples, provenance = soil.read_samples(data)
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
    samples, _ = soil.read_samples(out)
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


def test_flagged_points_become_paths(data, tmp_path) -> None:
    """Paths of flagged points are answered by packings as the coupled test was; sets of other packings do not join."""
    samples, _ = soil.read_samples(data)
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
    soil.resample(out, file, packing="disks100", points=8, tell=lambda text: None)
    added, _ = soil.read_samples(out)
    np.testing.assert_allclose(added.strain, samples.strain[[1, 3]], atol=1e-12)
    np.testing.assert_allclose(added.stress, samples.stress[[1, 3]], rtol=1e-6)
    assert len(np.unique(added.run)) == 2
    sets, provenance = soil.read_sets([data, out])
    assert len(sets) == 2
    assert "+" in provenance["checksum"]
    history["flagged"][:] = False
    np.savez(file, **history)
    with pytest.raises(DataSetError, match="no point was flagged"):
        soil.resample(out, file, packing="disks100", points=8)
    soil.resample(out, file, packing="disks100", points=None, tell=lambda text: None)
    np.testing.assert_allclose(soil.read_samples(out)[0].stress, samples.stress[:4], rtol=1e-6)
    np.savez(file, strain=strain)
    with pytest.raises(DataSetError, match="expected the arrays load"):
        soil.resample(out, file, packing="disks100", points=8)
    other = tmp_path / "other.h5"
    unsealed(
        out, other, lambda f: f.attrs.update(provenance=json.dumps({"packing": "other", "material": {}}))
    )
    with pytest.raises(DataSetError, match="must come from one packing"):
        soil.read_sets([data, other])


def test_chosen_points_follow_the_order_of_their_flags() -> None:
    flagged = np.zeros((6, 10), bool)
    for point, since in ((7, 1), (2, 2), (9, 3), (4, 4), (0, 5)):
        flagged[since:, point] = True
    assert list(soil.flagged_points(flagged, 3)) == [7, 9, 0]
    assert list(soil.flagged_points(flagged, 99)) == [7, 2, 9, 4, 0]
    assert list(soil.flagged_points(flagged, 2, left_out=[7])) == [2, 0]


def test_other_settings_do_not_go_on(data, tmp_path) -> None:
    out = tmp_path / "soil.h5"
    parts = soil.parts_folder(out)
    parts.mkdir()
    (parts / "settings.json").write_text(json.dumps({"packing": "other"}))
    with pytest.raises(DataSetError, match="tests of other settings"):
        soil.generate(out, runs=3, steps=4)


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
    for one, other in zip(soil.read_samples(data), soil.read_samples(out), strict=True):
        if isinstance(one, Samples):
            np.testing.assert_array_equal(one.stress, other.stress)
    assert list(soil.parts_folder(out).glob("*.restart.npz")) == []


def test_guards_of_the_packing_stand_beside_its_name(tmp_path) -> None:
    """Data of one packing go together whatever its guards were."""
    arrays = {
        "strain": np.zeros((1, 2, 3)),
        "stress": np.full((1, 2, 3), -1e5),
        "stiffness": np.ones((1, 2, 6)),
    }
    files = [tmp_path / "one.h5", tmp_path / "other.h5"]
    for file, packing in zip(files, ("disks100", "disks100,overlap_max=0.5,steps_max=200000"), strict=True):
        soil.write_samples(file, packing, arrays, np.zeros(1, int), {"packing": packing})
    sets, provenance = soil.read_sets(files[::-1])
    assert len(sets) == 2
    assert provenance["packing"] == "disks100"
    assert provenance["packing_options"] == {"overlap_max": 0.5, "steps_max": 200000}
    with pytest.raises(PackingError, match="packing option 'overlap': expected NAME=NUMBER"):
        soil.write_samples(files[0], "disks100,overlap", arrays, np.zeros(1, int), {})


def unsealed(data, copy, change):
    """The same data set as if it came from elsewhere, with one change."""
    with h5py.File(data, "r") as source, h5py.File(copy, "w") as file:
        for name in source:
            source.copy(name, file)
        for name, value in source.attrs.items():
            file.attrs[name] = value
        change(file)


def test_data_without_stiffness_or_in_other_units_are_refused(data, tmp_path) -> None:
    copy = tmp_path / "copy.h5"
    unsealed(data, copy, lambda file: None)
    assert len(soil.read_samples(copy)[0].run) == 12
    unsealed(data, copy, lambda file: file.pop("stiffness"))
    with pytest.raises(DataSetError, match="expected the datasets stiffness"):
        soil.read_samples(copy)
    kilo = json.dumps({"time": "s", "stretch": "1", "stress": "kPa", "dissipation": "J/m3"})
    unsealed(data, copy, lambda file: file.attrs.update(units=kilo))
    with pytest.raises(DataSetError, match="units"):
        soil.read_samples(copy)
    altered = tmp_path / "altered.h5"
    altered.write_bytes(data.read_bytes()[:-1] + b"x")
    with pytest.raises(DataSetError, match="altered"):
        soil.read_samples(altered)


def test_network_runs_the_test_it_was_trained_on(data, tmp_path) -> None:
    """From coupled tests to a model file to the same solver: the network brings the test to its end."""
    samples, provenance = soil.read_samples(data)
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


def test_configuration_is_checked(tmp_path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("width = 40\nwidht = 3\n")
    with pytest.raises(ConfigError, match="unknown key 'widht'"):
        read_mlp_config(file)
    file.write_text("width = 0\n")
    with pytest.raises(ConfigError, match="width = 0: expected a whole number"):
        read_mlp_config(file)
    file.write_text('width = "40"\n')
    with pytest.raises(ConfigError, match="width = '40': expected int"):
        read_mlp_config(file)
    assert read_mlp_config(None, ["width = 7", "deadband = 1e-4"]) == MlpConfig(width=7, deadband=1e-4)
    with pytest.raises(ConfigError, match=r"expected a strain from 0 to 0\.1"):
        read_mlp_config(None, ["deadband = 0.2"])
    with pytest.raises(ConfigError, match="not readable as TOML"):
        read_mlp_config(None, ["width"])
    with pytest.raises(ConfigError, match="leave some paths for the test"):
        MlpConfig(train_share=0.9, validation_share=0.1)
