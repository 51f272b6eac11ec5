"""Training of committees in legs: progress kept, gone on from to the same bits, in processes, and nothing lost at export."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import training.mlp_export as mlp_export
import training.mlp_fit as mlp_fit
import training.mlp_train as mlp_train
from pybridge.commands import main
from pybridge.errors import ConfigError, ModelFileError
from training.datasets import parts_folder
from training.executor import Processes, Serial
from training.mlp import Mlp, MlpConfig
from training.mlp_samples import Samples
from training.mlp_train import train

MODULI = {"bulk": 2e7, "shear": 1e7, "density": 2200.0}
CONFIG = MlpConfig(width=6, members=2, epochs=12, check_every=3, batch=64, seed=4)
TWO = replace(CONFIG, stiffness_width=5, activation="sigmoid")


def samples(seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    strain = np.cumsum(rng.normal(0, 1e-3, (6, 20, 3)), axis=1)
    stress, stiffness = 1e7 * strain - 1e5, 1e7 * (1 + rng.random((6, 20, 6)))
    return Samples(strain, stress, stiffness, np.repeat(np.arange(3), 2))


def numbers(model: Mlp) -> list[bytes]:
    return [array.tobytes() for member in (*model.weights, *model.biases) for array in member]


class Stopped(Serial):
    """Ends after `legs` of them, as an interruption does."""

    def __init__(self, legs: int) -> None:
        self.legs = legs

    def run(self, function, tasks):
        for k, found in enumerate(super().run(function, tasks)):
            if k == self.legs:
                raise KeyboardInterrupt
            yield found


@pytest.mark.parametrize("config", [CONFIG, TWO])
def test_interrupted_training_goes_on_to_the_same_bits(config, tmp_path, monkeypatch) -> None:
    whole = train(samples(), config, MODULI)
    monkeypatch.setattr(mlp_fit, "LEG_SECONDS", 0.0)  # an epoch a leg
    with pytest.raises(KeyboardInterrupt):
        train(samples(), config, MODULI, folder=tmp_path, executor=Stopped(11))
    epochs = [torch.load(file, weights_only=True)["epoch"] for file in tmp_path.iterdir()]
    assert sum(epochs) == 11
    assert max(epochs) < 12
    done: list[int] = []
    monkeypatch.setattr(mlp_fit.Fitting, "run_epoch", counted(mlp_fit.Fitting.run_epoch, done))
    again = train(samples(), config, MODULI, folder=tmp_path)
    assert numbers(again) == numbers(whole)
    assert again.card["training"]["members"] == whole.card["training"]["members"]
    assert len(done) == 12 * len(epochs) - 11


def counted(function, seen: list[int]):
    def run(self) -> None:
        seen.append(1)
        function(self)

    return run


def test_processes_come_to_the_same_bits() -> None:
    assert numbers(train(samples(), CONFIG, MODULI, executor=Processes(2))) == numbers(
        train(samples(), CONFIG, MODULI)
    )


def test_a_folder_of_another_training_is_refused(tmp_path) -> None:
    started = train(samples(), CONFIG, MODULI, folder=tmp_path)
    for wanted, other, start in (
        ("learning_rate is 0.001 there, 0.002 here", replace(CONFIG, learning_rate=2e-3), None),
        ("another start", CONFIG, started),
    ):
        with pytest.raises(ConfigError, match=f"{tmp_path.name} holds another training: {wanted}"):
            train(samples(), other, MODULI, folder=tmp_path, start=start)
    with pytest.raises(ConfigError, match="another data"):
        train(samples(2), CONFIG, MODULI, folder=tmp_path)
    (tmp_path / "member1.pt").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match=r"member1.pt: not a checkpoint of this package"):
        train(samples(), CONFIG, MODULI, folder=tmp_path)


@pytest.mark.parametrize(
    ("settings", "inputs", "outputs"),
    [
        ({}, [4, 2], [2, 2, 2, 30, 30]),
        ({"input_scale": "square"}, [np.sqrt(5.5), 1.5**0.5], [2, 2, 2, 30, 30]),
        ({"output_scale": "component"}, [4, 2], [2, 1, 2e-3, 30, 0.03]),
    ],
)
def test_scales(settings, inputs, outputs, monkeypatch) -> None:
    """Inputs 1, -2, 1, 4 and 0, 1, -1, 2; stresses that deviate by 2, 1, 0, stiffnesses by 30 and next to nothing."""
    x = np.zeros((4, 6))
    x[:, 0], x[:, 1] = [1, -2, 1, 4], [0, 1, -1, 2]
    y = np.zeros((4, 9))
    turn = np.array([1, -1, 1, -1])
    y[:, 0], y[:, 1], y[:, 3], y[:, 4] = 5 + 2 * turn, turn, 30 * turn, 1e-3 * turn
    input_scale, mean, scale = mlp_train.scales(x, y, replace(CONFIG, **settings))
    np.testing.assert_allclose(input_scale[:2], inputs)
    np.testing.assert_allclose(scale[:5], outputs)
    np.testing.assert_allclose(mean, [5, *[0] * 8])


def test_the_objective_is_that_of_the_configuration() -> None:
    """Targets 0, 0, 0, 8 for every input: the mean absolute error pulls the answer to their median, squares to their mean."""
    answers = {}
    for objective in ("square", "absolute"):
        config = replace(
            CONFIG, objective=objective, epochs=600, batch=400, learning_rate=1e-2, check_every=600
        )
        x, y = np.ones((400, 6), np.float32), np.zeros((400, 9), np.float32)
        y[::4] = 8
        fit = mlp_fit.Fit("net", (6, 6, 9), (1, 1), (0, 9))
        data = mlp_fit.Data(x, y, x, y, np.ones(9, np.float32))
        (found,) = mlp_fit.fit_all([fit], config, data, Serial())
        answers[objective] = float(found.net(torch.ones(1, 6)).detach().mean())
    assert answers["square"] == pytest.approx(2, abs=0.05)
    assert answers["absolute"] == pytest.approx(0, abs=0.2)


def test_a_training_that_diverges_is_told() -> None:
    config = replace(CONFIG, learning_rate=1.0, epochs=2000, width=40, activation="selu", hidden_layers=12)
    with pytest.raises(ConfigError, match=r"diverged in epoch \d+ .* lower learning_rate = 1"):
        train(samples(), config, MODULI)


def test_an_export_that_fails_loses_no_training(data, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "soil.pt"
    command = ["soil", "train", str(data), "--epochs", "2", "--processes", "0", "--out", str(out)]

    def refuses(model, path):
        raise ModelFileError(f"{path.name}: it differs")

    with monkeypatch.context() as patch:
        patch.setattr(mlp_export, "compare", refuses)
        assert main(command) == 2
    assert f"the trained networks stand in {parts_folder(out)}" in capsys.readouterr().err
    assert not out.exists()
    monkeypatch.setattr(mlp_fit.Fitting, "run_epoch", None)  # nothing is left to train
    assert main(command) == 0
    assert {file.name for file in tmp_path.iterdir()} == {"soil.pt", "soil.training.png"}


def test_a_name_that_cannot_hold_a_model_is_refused_before_training(data, tmp_path, capsys) -> None:
    out = tmp_path / "soil.model"
    assert main(["soil", "train", str(data), "--out", str(out)]) == 2
    assert "soil.model: expected a name that ends in .pt" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
