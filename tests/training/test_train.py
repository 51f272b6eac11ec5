"""Training: it learns, goes on to the same bits, refuses what does not fit; virgin material has no stress."""

from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest
import torch

from pybridge.errors import ConfigError, DataSetError, ModelFileError
from training.datasets import DataSet
from training.measures import errors, path_errors
from training.pca_dnn import load_surrogate, selu
from training.tensors import IDENTITY, determinant
from training.train import fit_pressure, learning_rate, split, train


def test_it_learns_what_it_was_not_shown(j2_data, small_config, small_model):
    held_back = split(j2_data, small_config.validation_fraction, small_config.seed)[1]
    found = errors(small_model.history(held_back.time, held_back.strain), held_back.stress)
    # 108 short trainings paths: the deviator (a hundredth of the stress) is not learned well, the whole is.
    assert found.total < 0.08
    assert found.deviatoric < 0.9
    assert found.volumetric < 0.01
    assert small_model.card["errors"]["validation"]["total"] == pytest.approx(found.total)


def test_virgin_material_has_no_stress_at_any_time(small_model):
    rest = np.zeros((1, 11, 6))
    time = np.linspace(0, small_model.time[-1], 11)
    scale = float(small_model.output_scale.max())
    assert np.abs(small_model.in_solver(time, rest)).max() < 1e-12 * scale
    assert np.abs(small_model.history(time, rest)).max() < 1e-12 * scale


def test_the_solver_knows_no_future(small_model, j2_data):
    strain = j2_data.strain[:3].copy()
    before = small_model.in_solver(j2_data.time, strain)
    strain[:, 60:] *= -1.0
    after = small_model.in_solver(j2_data.time, strain)
    np.testing.assert_array_equal(before[:, :60], after[:, :60])
    assert np.abs(after[:, 61:] - before[:, 61:]).max() > 0


def test_stress_in_the_solver_does_not_depend_on_the_time_steps(small_model, j2_data):
    time, strain = j2_data.time, j2_data.strain[:3]
    extra = np.union1d(time, np.random.default_rng(1).uniform(0, time[-1], 300))
    finer = np.stack([[np.interp(extra, time, p[:, k]) for k in range(6)] for p in strain]).transpose(0, 2, 1)
    same = np.isin(extra, time)
    coarse, fine = small_model.in_solver(time, strain), small_model.in_solver(extra, finer)[:, same]
    # running sums in another order: rounding only
    np.testing.assert_allclose(fine, coarse, rtol=0, atol=1e-9 * np.abs(coarse).max())


def test_interrupted_training_goes_on_to_the_same_bits(j2_data, small_config, tmp_path, monkeypatch):
    config = dataclasses.replace(small_config, epochs=6, checkpoint_every=2, held_weight=0.5)
    whole = train(j2_data, config, tmp_path / "whole", quiet=True)
    from training.train import Trainer

    run_epoch = Trainer.run_epoch

    def interrupted(self):
        if self.epoch == 3:
            raise KeyboardInterrupt
        return run_epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(j2_data, config, tmp_path / "parts", quiet=True)
    assert not (tmp_path / "parts" / "surrogate.npz").exists()
    resumed = train(j2_data, config, tmp_path / "parts", quiet=True)
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    curves = [(tmp_path / name / "learning_curve.csv").read_text() for name in ("whole", "parts")]
    assert curves[0] == curves[1]


def test_learning_curve_is_written(folder, small_model, small_config):
    rows = list(csv.DictReader((folder / "small" / "learning_curve.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, small_config.epochs + 1))
    losses = [float(row["training_loss"]) for row in rows]
    assert losses[-1] < 0.8 * losses[0]
    assert (folder / "small" / "learning_curve.png").read_bytes()[:4] == b"\x89PNG"
    loaded = load_surrogate(folder / "small" / "surrogate.npz")
    np.testing.assert_array_equal(loaded.weights[0], small_model.weights[0])


def test_another_training_in_the_folder_is_refused(j2_data, small_config, folder, small_model):
    with pytest.raises(ConfigError, match=r"holds another training: width is 32 there, 16 here"):
        train(j2_data, dataclasses.replace(small_config, width=16), folder / "small", quiet=True)
    checkpoint = folder / "damaged" / "checkpoint.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="not a checkpoint of this package"):
        train(j2_data, small_config, folder / "damaged", quiet=True)


def test_what_does_not_fit_is_told(j2_data, small_config, tmp_path):
    with pytest.raises(
        ConfigError, match="modes_in = 101: expected at most 100, with 108 training paths of 100 steps"
    ):
        train(j2_data, dataclasses.replace(small_config, modes_in=101), tmp_path / "a", quiet=True)
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="no CUDA device"):
            train(j2_data, dataclasses.replace(small_config, device="cuda"), tmp_path / "b", quiet=True)
    strained = DataSet(
        j2_data.path, j2_data.time, j2_data.stretch + 0.01 * IDENTITY, j2_data.stress, j2_data.protocol, {}
    )
    with pytest.raises(DataSetError, match="expected U = I at time 0"):
        train(strained, small_config, tmp_path / "c", quiet=True)
    uneven = DataSet(
        j2_data.path,
        np.linspace(0, 1, 101) ** 1.1 * 1e-6,
        j2_data.stretch,
        j2_data.stress,
        j2_data.protocol,
        j2_data.provenance,
    )
    with pytest.raises(DataSetError, match="expected equidistant times"):
        train(uneven, small_config, tmp_path / "d", quiet=True)
    with pytest.raises(ModelFileError, match="`pybridge train` writes it"):
        load_surrogate(tmp_path / "none.npz")


def test_pressure_polynomial_recovers_its_coefficients(rng):
    strain = 0.1 * rng.normal(size=(20, 30, 6))
    x = determinant(strain + IDENTITY) - 1
    pressure = 50e9 * x - 20e9 * x**2
    found = fit_pressure(strain, pressure[..., None] * IDENTITY, 3)
    np.testing.assert_allclose(found[:2], [50e9, -20e9], rtol=1e-9)
    assert abs(found[2]) < 1e-4 * 50e9


def test_learning_rate_rises_and_decays_as_a_cosine(small_config):
    rates = [learning_rate(small_config, step, 1000) for step in range(1000)]
    assert max(rates) == pytest.approx(small_config.learning_rate)
    assert np.argmax(rates) <= 21
    assert rates[510] == pytest.approx(0.5 * small_config.learning_rate, rel=1e-3)
    assert rates[-1] < 1e-5 * small_config.learning_rate * 10


def test_measures_tell_pressure_and_plasticity_apart(rng):
    truth = 1e6 * rng.normal(size=(5, 20, 6))
    off = truth + 3e5 * IDENTITY
    found = path_errors(off, truth)
    np.testing.assert_allclose(found["deviatoric"], 0, atol=1e-12)
    assert (found["volumetric"] > 0.1).all()
    sheared = truth.copy()
    sheared[..., 3] *= 1.5
    found = path_errors(sheared, truth)
    np.testing.assert_allclose(found["volumetric"], 0, atol=1e-12)
    # a shear component counts twice: sigma_12 and sigma_21
    part = 2 * (truth[..., 3] ** 2).sum(1) / (truth**2 * [1, 1, 1, 2, 2, 2]).sum((1, 2))
    np.testing.assert_allclose(found["total"], 0.5 * np.sqrt(part))
    isochoric = truth - truth[..., :3].mean(-1, keepdims=True) * IDENTITY
    assert np.isnan(path_errors(isochoric * 1.1, isochoric)["volumetric"]).all()


def test_selu_is_torchs(rng):
    x = rng.normal(size=100) * 5
    np.testing.assert_allclose(selu(x), torch.selu(torch.tensor(x)).numpy(), rtol=1e-14)


def test_training_leaves_small_numbers_alone(j2_data, small_config, tmp_path):
    # The processor's mode that counts them as zero is global: what runs after a training must not meet it.
    tiny = np.array([5e-324])
    train(j2_data, dataclasses.replace(small_config, epochs=1), tmp_path, quiet=True)
    assert tiny[0] / 1 > 0
    assert (tiny * 1.0)[0] > 0
