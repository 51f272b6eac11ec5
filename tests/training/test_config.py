"""The configuration: shipped files, unknown keys, ranges."""

from __future__ import annotations

import pytest

from pybridge.errors import ConfigError
from training.config import CONFIGS, TrainConfig, config_from_dict, read_config

PCA_DNN = sorted(CONFIGS.glob("pca_dnn*.toml"))  # tests/yield_surface reads the other


@pytest.mark.parametrize("file", PCA_DNN, ids=lambda file: file.stem)
def test_shipped_configurations_are_read_by_path_and_by_name(file):
    assert read_config(file) == read_config(file.stem)


def test_there_are_shipped_configurations():
    assert {"pca_dnn", "pca_dnn_impact"} <= {file.stem for file in CONFIGS.glob("*.toml")}


def test_unknown_key_is_refused_with_a_suggestion(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("widht = 100\n")
    with pytest.raises(ConfigError, match=r"c\.toml: unknown key 'widht'; did you mean width\?"):
        read_config(path)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"modes_in": 0}, "modes_in = 0: expected a whole number >= 1"),
        ({"epochs": 1.5}, "epochs = 1.5: expected a whole number"),
        ({"batch": True}, "batch = True"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0: expected a number from"),
        ({"pressure": "none"}, "pressure = 'none': expected 'learned' or 'polynomial'"),
        ({"precision": "f32"}, "precision = 'f32'"),
        ({"device": "tpu"}, "device = 'tpu'"),
        ({"held_weight": 2}, "held_weight = 2"),
        ({"name": "a/b"}, "name = 'a/b'"),
    ],
)
def test_values_out_of_range(values, text):
    with pytest.raises(ConfigError, match=text):
        config_from_dict(values, "test")


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration; give a TOML file, or one of"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match="not a TOML file"):
        read_config(tmp_path / "broken.toml")


def test_cost_counts_every_weight():
    config = TrainConfig(modes_in=100, modes_out=100, width=1000, hidden_layers=4)
    # the paper's net, 600-1000-1000-1000-1000-600
    assert config.multiply_adds == 600 * 1000 + 3 * 1000 * 1000 + 1000 * 600
