"""Inputs from which the model reader is fuzzed: umat/drivers/fuzz_model.cpp says how they are read."""

from __future__ import annotations

import json
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.bench.random_surrogate import make_card, make_tensors, make_yield_surface
from pybridge.model_file import complete_card, read_model

HORIZON = 2e-6  # s
MODULI = {"bulk": 36e9, "shear": 17e9}
Model = tuple[dict[str, Any], dict[str, NDArray]]  # card, tensors
# What a mutation seldom writes by itself.
WORDS = ("null", "true", "false", "1e309", "-1", "NaN", "PK\\x05\\x06", "PK\\x01\\x02", "PK\\x03\\x04", "/extra/card.json",
         "/extra/weights.bin", "pca_dnn", "mlp_history", "yield_surface", "committee", "f32", "f64", "selu", "silu", "algebraic_silu", "tanh",
         "linear", "[[[[[[[[", "{}", "[]", "18446744073709551616")  # fmt: skip


def small_models() -> dict[str, Model]:
    """A model of each kind in a few kB: most of a reader's time goes into checksums."""
    card = make_card(1, 3, 1, HORIZON)
    dnn = card, make_tensors(card, steps=4)
    return {
        "pca_dnn": dnn,
        "yield_surface": make_yield_surface(4, HORIZON, MODULI),
        "mlp_history": _mlp_history(),
        "committee": _committee(dnn, 2),
    }


def _states(*entries: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"name": name, "count": count, "unit": "1", "description": name} for name, count in entries]


def _mlp_history() -> Model:
    rng, sizes = np.random.default_rng(3), (6, 3, 9)
    card = {
        "kind": "mlp_history", "name": "random", "precision": "f64", "elastic_moduli": MODULI,
        "state_schema": _states(("accumulated_strain", 3), ("contact_stiffness", 21), ("spread", 1), ("unreliable", 1)),
        "domain": {"strain_max": 0.5, "rate_max": None, "time_max": None},
        "network": [
            {"in": a, "out": b, "activation": kind}
            for a, b, kind in ((sizes[0], sizes[1], "tanh"), (sizes[1], sizes[2], "linear"))
        ],
    }  # fmt: skip
    tensors = {
        "component": np.array([0.0, 1.0, 3.0]), "input_scale": np.full(6, 0.01), "output_scale": np.full(9, 1e6),
        "output_mean": np.zeros(9), "input_lowest": np.full(6, -0.1), "input_highest": np.full(6, 0.1),
        "stress_scale": np.array([1e6]), "spread_max": np.array([0.1]),
    }  # fmt: skip
    for i in range(2):
        tensors[f"member0.layer{i}.weight"] = rng.normal(size=(sizes[i + 1], sizes[i]))
        tensors[f"member0.layer{i}.bias"] = rng.normal(size=sizes[i + 1])
    return card, tensors


def _committee(member: Model, count: int) -> Model:
    card, tensors = member
    states = [
        {**entry, "name": f"member{m}.{entry['name']}"}
        for m in range(count)
        for entry in card["state_schema"]
    ]
    whole = {
        **card, "kind": "committee", "members": count, "member_kind": card["kind"],
        "state_schema": [*states, *_states(("spread", 1), ("unreliable", 1))],
    }  # fmt: skip
    parts = {f"member{m}.{name}": value for m in range(count) for name, value in tensors.items()}
    return whole, {**parts, "stress_scale": np.array([1e6]), "spread_max": np.array([0.1])}


def write_seeds(folder: Path, *models: Path) -> Path:
    """Two inputs for each kind, and for each model file: the archive without its graph, and its card and weights apart."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {kind: packed(*model) for kind, model in small_models().items()}
    found |= {model.stem: parts(model) for model in models}
    for name, (card, weights) in found.items():
        (folder / f"{name}-parts").write_bytes(b"\x01" + struct.pack("<I", len(card)) + card + weights)
        (folder / f"{name}-archive").write_bytes(b"\x00" + archive(card, weights))
    return folder


def write_words(path: Path) -> Path:
    """A dictionary for libFuzzer."""
    path.write_text("".join(f'"{word}"\n' for word in WORDS))
    return path


def archive(card: bytes, weights: bytes) -> bytes:
    """A model file without its graph."""
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        file.writestr("m/extra/card.json", card)
        file.writestr("m/data.pkl", b"not read")
        file.writestr("m/extra/weights.bin", weights)
    return memory.getvalue()


def packed(card: dict[str, Any], tensors: dict[str, NDArray]) -> tuple[bytes, bytes]:
    """card.json and weights.bin."""
    whole, weights = complete_card(card, tensors)
    return _short(whole), weights


def parts(model: Path) -> tuple[bytes, bytes]:
    """card.json, shortened to what it means, and weights.bin of a model file."""
    with zipfile.ZipFile(model) as file:
        (card,) = (n for n in file.namelist() if n.endswith("/extra/card.json"))
        (weights,) = (n for n in file.namelist() if n.endswith("/extra/weights.bin"))
        read_model(model)
        return _short(json.loads(file.read(card))), file.read(weights)


def _short(card: dict[str, Any]) -> bytes:
    return json.dumps(card, separators=(", ", ": ")).encode()
