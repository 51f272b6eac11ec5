"""Small data sets and surrogates, made once for all tests of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from training.config import TrainConfig
from training.datasets import DataSet, read_dataset
from training.executor import Serial
from training.fine_scale import Law
from training.generate import Part, Plan, generate
from training.paths import PathSpec
from training.pca_dnn import PcaDnn
from training.train import train

J2 = Law("PYBRIDGE_J2", (63.9e9, 0.278, 200e6, 0.0, 400e6, 0.3))


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="session")
def j2_data(folder: Path) -> DataSet:
    """120 random walks of a J2 law, 100 steps stored of 200."""
    plan = Plan(J2, (Part(PathSpec("R", 0.05, steps=200), 120),), stored=100)
    generate(plan, folder / "j2.h5", Serial(), quiet=True)
    return read_dataset(folder / "j2.h5")


@pytest.fixture(scope="session")
def small_config() -> TrainConfig:
    return TrainConfig(
        name="small", modes_in=10, modes_out=10, width=32, hidden_layers=2, epochs=30, batch=16, learning_rate=3e-3,
        pressure="polynomial", precision="float64",
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_model(folder: Path, j2_data: DataSet, small_config: TrainConfig) -> PcaDnn:
    return train(j2_data, small_config, folder / "small", quiet=True)
