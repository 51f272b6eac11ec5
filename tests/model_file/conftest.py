"""A small surrogate of kind pca_dnn with asymmetric numbers, written as a model file, and a way to run steps."""

from __future__ import annotations

import copy
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from file_cases import archive

from pybridge.model_file import complete_card, write_model
from training.pca_dnn_script import PcaDnnMaterial

MODES_IN, MODES_OUT, NODES, HORIZON = 5, 4, 21, 2e-6


@dataclass(frozen=True)
class Surrogate:
    path: Path
    card: dict[str, Any]
    tensors: dict[str, np.ndarray]


def make_card(activation: str = "selu", modes: tuple[int, int] = (MODES_IN, MODES_OUT)) -> dict[str, Any]:
    sizes = (6 * modes[0], 17, 23, 6 * modes[1])
    return {
        "kind": "pca_dnn",
        "name": "small",
        "precision": "f64",
        "state_schema": [
            {"name": "pca_coefficient", "count": 6 * modes[0], "unit": "1", "description": "history é \"q\" \\ 😀\t"},
            {"name": "unreliable", "count": 1, "unit": "1", "description": "1 once outside the domain"},
        ],
        "elastic_moduli": {"bulk": 36e9, "shear": 17e9},
        "domain": {"strain_max": 0.1, "rate_max": 4e6, "time_max": HORIZON},
        "network": [
            {"in": a, "out": b, "activation": activation if i < 2 else "linear"}
            for i, (a, b) in enumerate(pairwise(sizes))
        ],
    }  # fmt: skip


def make_tensors(card: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Modes constant between nodes; everything else random, of the sizes that trained models have."""
    rng = np.random.default_rng(seed)
    rows_in, rows_out = card["network"][0]["in"], card["network"][-1]["out"]
    time = np.linspace(0, HORIZON, NODES)
    phi = rng.normal(size=(rows_in, NODES - 1))
    primitive = np.zeros((rows_in, NODES))
    primitive[:, :-1] = np.cumsum((phi * np.diff(time))[:, ::-1], axis=1)[:, ::-1]
    tensors = {
        "time": time,
        "input_primitive": primitive,
        "input_mean": rng.normal(size=rows_in) * 0.003,
        "input_scale": rng.uniform(0.005, 0.02, size=rows_in),
        "output_scale": rng.uniform(0.5e8, 2e8, size=rows_out),
        "output_basis": rng.normal(size=(rows_out, NODES)),
        "pressure_coefficients": np.array([36e9, -70e9, 110e9]),
    }
    for i, layer in enumerate(card["network"]):
        tensors[f"layer{i}.weight"] = rng.normal(size=(layer["out"], layer["in"])) / np.sqrt(layer["in"])
        tensors[f"layer{i}.bias"] = rng.normal(size=layer["out"]) * 0.2
    return tensors


def write_surrogate(path: Path, card: dict[str, Any], tensors: dict[str, np.ndarray]) -> Surrogate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.script(PcaDnnMaterial(card, tensors))
    write_model(path, script, card, tensors)
    return Surrogate(path, complete_card(card, tensors)[0], tensors)


@pytest.fixture(scope="session")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Surrogate:
    card = make_card()
    return write_surrogate(tmp_path_factory.mktemp("model") / "small.pt", card, make_tensors(card))


@pytest.fixture(scope="session")
def make_surrogate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Surrogate]:
    """make_surrogate(change=..., **card_arguments): a file whose card and tensors `change` has altered in place."""

    def make(change: Callable[[dict, dict], None] | None = None, **arguments: Any) -> Surrogate:
        card = make_card(**arguments)
        tensors = make_tensors(card)
        if change is not None:
            change(card, tensors)
        return write_surrogate(tmp_path_factory.mktemp("model") / "other.pt", card, tensors)

    return make


@dataclass
class Answer:
    stress: np.ndarray
    state: np.ndarray
    dissipation: np.ndarray
    status: np.ndarray


def identity(n: int, dtype: Any = np.float64) -> np.ndarray:
    u = np.zeros((6, n), dtype)
    u[:3] = 1
    return u


def step(
    material: Any,
    time_old: float,
    dt: float,
    stretch_old: np.ndarray,
    stretch_new: np.ndarray,
    state_old: np.ndarray | None = None,
    stress_old: np.ndarray | None = None,
    stride: int | None = None,
) -> Answer:
    """One update; `stride` > n puts the arrays into wider ones, whose other columns must stay untouched."""
    n, dtype, size = stretch_new.shape[1], material.dtype, material.state_size
    wide = stride or n

    def placed(values: np.ndarray) -> np.ndarray:
        whole = np.full((values.shape[0], wide), 7.0, dtype)
        whole[:, :n] = values
        return whole[:, :n]

    strain_inc = placed(stretch_new.astype(np.float64) - stretch_old)
    stress = placed(np.full((6, n), np.nan))
    state = placed(np.full((size, n), np.nan))
    answer = Answer(stress, state, np.full(n, np.nan, dtype), np.full(n, -1, np.int32))
    material.update(
        time_old=time_old, dt=dt, strain_inc=strain_inc, stretch_old=placed(stretch_old),
        stretch_new=placed(stretch_new), temperature=np.full(n, 293.0, dtype), density=np.ones(n, dtype),
        stress_old=placed(np.zeros((6, n)) if stress_old is None else stress_old),
        state_old=placed(np.zeros((size, n)) if state_old is None else state_old), stress_new=stress,
        state_new=state, dissipation_inc=answer.dissipation, status=answer.status,
    )  # fmt: skip
    for array in (stress, state):
        if wide > n:
            assert (array.base[:, n:] == 7.0).all()
    return answer


def run_path(material: Any, times: np.ndarray, stretch: Callable[[float], np.ndarray], n: int = 1) -> Answer:
    """Many steps along stretch(t) -> (6,), the same at every point."""
    state = np.zeros((material.state_size, n), material.dtype)
    stress = np.zeros((6, n), material.dtype)
    answer = None
    for old, new in pairwise(times):
        u_old, u_new = (np.repeat(stretch(t)[:, None], n, 1).astype(material.dtype) for t in (old, new))
        answer = step(material, old, new - old, u_old, u_new, state, stress)
        state, stress = answer.state, answer.stress
    assert answer is not None
    return answer


@dataclass(frozen=True)
class Tools:
    step: Callable[..., Answer]
    run_path: Callable[..., Answer]
    identity: Callable[..., np.ndarray]
    write: Callable[..., Surrogate]
    card: Callable[..., dict[str, Any]]
    tensors: Callable[..., dict[str, np.ndarray]]


@pytest.fixture(scope="session")
def tools() -> Tools:
    """Helpers of this folder; tests have no package to import them from."""
    return Tools(step, run_path, identity, write_surrogate, make_card, make_tensors)


@pytest.fixture(scope="module")
def parts(tools: Any) -> tuple[dict[str, Any], bytes]:
    """Card and weights of a very small surrogate."""
    card = tools.card(modes=(1, 1))
    return complete_card(card, tools.tensors(card))


@pytest.fixture
def write(tmp_path: Path, parts: tuple[dict[str, Any], bytes]) -> Callable[..., Path]:
    """write(change): a file whose card `change` has altered in place, with a valid checksum."""

    def make(
        change: Callable[[dict], Any] | None = None, weights: bytes | None = None, **options: Any
    ) -> Path:
        card = copy.deepcopy(parts[0])
        if change is not None:
            change(card)
        path = tmp_path / "changed.pt"
        text = options.pop("text", None) or json.dumps(card).encode()
        path.write_bytes(archive(text, parts[1] if weights is None else weights, **options))
        return path

    return make
