"""Learned soil: committees, the model kind mlp_history in both engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import pybridge._core as _core
from pybridge.errors import (
    ConfigError,
    DataSetError,
    MaterialError,
    ModelFileError,
)
from pybridge.model_file import read_model, write_model
from pybridge.solver.implicit import MaterialPoints
from training.mlp import MlpConfig, read_mlp_config
from training.mlp_export import compare, export_mlp, mlp_card, mlp_tensors, read_mlp, within_stretch
from training.mlp_layers import rescaled
from training.mlp_samples import Samples, split_runs
from training.mlp_train import train

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
    single = made_up(runs=5, points=1)
    model = train(samples, SMALL, MODULI, added=[few, made_up(runs=5, points=2), single])
    alone = train(samples, SMALL, MODULI)
    assert model.card["runs"] == alone.card["runs"]
    assert model.card["added"][0] == {"train": [0, 1], "validation": [], "test": []}
    assert [len(r) for r in model.card["added"][1].values()] == [3, 1, 1]
    assert [len(r) for r in model.card["added"][2].values()] == [5, 0, 0]  # paths that were asked for
    shared = train(samples, replace(SMALL, single_paths="split", epochs=1), MODULI, added=[single])
    assert [len(r) for r in shared.card["added"][0].values()] == [3, 1, 1]
    alone = train(single, replace(SMALL, epochs=1), MODULI)
    assert [len(r) for r in alone.card["runs"].values()] == [3, 1, 1]
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


def test_early_stopping_keeps_the_best(tmp_path) -> None:
    config = replace(SMALL, members=1, epochs=4000, patience=100, learning_rate=0.05, check_every=5)
    model = train(made_up(), config, MODULI, folder=tmp_path)
    log = model.card["training"]["members"][0]
    state = torch.load(tmp_path / "member0.pt", weights_only=True)
    told = [error for _, _, error in state["curve"]]
    assert log["validation"] == min(told) < told[-1]
    assert np.array_equal(model.weights[0][0], state["kept"]["0.weight"].double())
    assert not np.array_equal(model.weights[0][0], state["net"]["0.weight"].double())
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


def test_strains_beyond_what_a_stretch_can_be_are_exported(tmp_path) -> None:
    """Bands of small-strain problems come to strains of more than one; no engine takes 1 + strain below zero."""
    small = made_up()
    data = Samples(60 * small.strain, small.stress, small.stiffness, small.run)
    assert data.strain.min() < -1.2
    figures = export_mlp(train(data, replace(SMALL, epochs=5), MODULI), tmp_path / "large.pt")
    assert max(value for name, value in figures.items() if name.endswith("float64")) < 1e-12
    strain = np.zeros((2, 3, 4))
    strain[1, :, 2] = [-1.0, 0.2, 0.4]
    shorter = within_stretch(strain)
    e = shorter[1, :, 2]
    assert np.linalg.eigvalsh([[1 + e[0], e[2]], [e[2], 1 + e[1]]])[0] == pytest.approx(0.1)
    np.testing.assert_allclose(shorter[1, :, 2] / strain[1, :, 2], shorter[1, 0, 2] / -1.0)
    np.testing.assert_array_equal(within_stretch(0.5 * strain), 0.5 * strain)
    np.testing.assert_array_equal(within_stretch(np.abs(strain[:, [0, 1, 1]])), np.abs(strain[:, [0, 1, 1]]))


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
    with pytest.raises(ConfigError, match="output_scale = 'each': expected one of group, component"):
        read_mlp_config(None, ['output_scale = "each"'])
    with pytest.raises(ConfigError, match="objective = 1: expected str"):
        read_mlp_config(None, ["objective = 1"])
    with pytest.raises(ConfigError, match="not readable as TOML"):
        read_mlp_config(None, ["width"])
    with pytest.raises(ConfigError, match="leave some paths for the test"):
        MlpConfig(train_share=0.9, validation_share=0.1)
