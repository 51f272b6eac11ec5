"""A law that is not in the package, from its textbook equations, and histories of it as somebody else would bring them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))  # the folder is no package: its helpers are found by name
from textbook import DURATION, STEPS, chaboche

from training.paths import PathSpec, sample
from training.tensors import to_components, to_matrix

HEADING = ["path", "time", *(f"e{k}" for k in ("11", "22", "33", "12", "23", "13")),
           *(f"s{k}" for k in ("11", "22", "33", "12", "23", "13"))]  # fmt: skip
Histories = tuple[NDArray, NDArray, NDArray]  # stretch, logarithmic strain, stress


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


def logarithm(stretch: NDArray) -> NDArray:
    values, vectors = np.linalg.eigh(to_matrix(stretch))
    return to_components((vectors * np.log(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2))


@pytest.fixture(scope="session")
def walks() -> Callable[[int, int], Histories]:
    """Answers of the law on random walks of about 5 %, numbers first to last."""

    def drawn(first: int, last: int) -> Histories:
        spec = PathSpec("R", 0.02, duration=DURATION, steps=STEPS, intervals=5, seed=3)
        stretch = np.stack([sample(spec, i).stretch for i in range(first, last)])
        strain = logarithm(stretch)
        return stretch, strain, chaboche(strain, DURATION / STEPS)

    return drawn


@pytest.fixture(scope="session")
def many(walks: Callable[[int, int], Histories]) -> Histories:
    return walks(0, 200)


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """A CSV in MPa, us and engineering shears, of strain and stress [n, n_time, 6] (Pa)."""

    def written(path: Path, strain: NDArray, stress: NDArray, time: NDArray | None = None) -> Path:
        time = np.linspace(0, DURATION, strain.shape[1]) if time is None else time
        table = np.concatenate([strain * [1, 1, 1, 2, 2, 2], 1e-6 * stress], axis=2)
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADING)
            for i, rows in enumerate(table):
                writer.writerows([f"test {i}", 1e6 * t, *row] for t, row in zip(time, rows, strict=True))
        return path

    return written
