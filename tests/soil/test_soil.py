"""Learned soil: data from coupled tests, committees, the model kind mlp_history in both engines."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

import pybridge._core as _core
from abaqus_jobs.soil_check import compare as compare_runs
from pybridge.errors import ConfigError, DataSetError, MaterialError, ModelFileError
from pybridge.model_file import read_model, write_model
from pybridge.solver.implicit import BiaxialTest, Controls, MaterialPoints, biaxial_problem, solve
from training import soil
from training.mlp import MlpConfig, Samples, read_mlp_config, split_runs, train
from training.mlp_export import compare, export_mlp, mlp_card, mlp_tensors

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
    np.testing.assert_allclose(samples.history[0, -1], [2, 3, 0.5])


def test_split_is_by_run_and_complete() -> None:
    runs = np.repeat(np.arange(20), 32)
    parts = split_runs(runs, MlpConfig())
    assert [len(p) for p in parts] == [14, 3, 3]
    assert sorted(np.concatenate(parts)) == list(range(20))
    with pytest.raises(DataSetError, match="three runs or more"):
        split_runs(np.array([0, 1, 1]), MlpConfig())


def test_training_learns_and_repeats() -> None:
    config = replace(SMALL, members=1, epochs=250, patience=150, width=30)
    model = train(made_up(), config, MODULI)
    assert model.card["errors"]["stress_test"] < 0.2
    again = train(made_up(), config, MODULI)
    np.testing.assert_array_equal(model.weights[0][0], again.weights[0][0])


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


def test_other_settings_do_not_go_on(data, tmp_path) -> None:
    out = tmp_path / "soil.h5"
    parts = soil.parts_folder(out)
    parts.mkdir()
    (parts / "settings.json").write_text(json.dumps({"packing": "other"}))
    with pytest.raises(DataSetError, match="tests of other settings"):
        soil.generate(out, runs=3, steps=4)


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
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert (tmp_path / "fields.png").stat().st_size > 10_000


def test_configuration_is_checked(tmp_path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("width = 40\nwidht = 3\n")
    with pytest.raises(ConfigError, match="unknown key 'widht'"):
        read_mlp_config(file)
    file.write_text("width = 0\n")
    with pytest.raises(ConfigError, match="width = 0: expected a whole number"):
        read_mlp_config(file)
    with pytest.raises(ConfigError, match="leave some paths for the test"):
        MlpConfig(train_share=0.9, validation_share=0.1)
