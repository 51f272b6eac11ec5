"""Export of a committee to one model file of kind "mlp_history", compared in both engines before it is put in place."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import pybridge._core as _core
from pybridge.errors import ModelFileError
from pybridge.model_file import read_model, write_model
from training.atomic import placed_model
from training.mlp import COMPONENTS, Mlp
from training.mlp_samples import play
from training.mlp_script import MlpHistoryMaterial

# float64 differs from NumPy by the order of sums; float32 by its rounding through some ten terms of each layer.
TOLERANCE = {"float64": 1e-12, "float32": 1e-4}


def mlp_tensors(model: Mlp) -> dict[str, NDArray]:
    """The tensors of docs/model_file.md, kind mlp_history."""
    tensors = {
        "component": np.array(COMPONENTS, float),
        "input_scale": model.input_scale,
        "input_lowest": model.lowest,
        "input_highest": model.highest,
        "output_scale": model.output_scale,
        "output_mean": model.output_mean,
        "stress_scale": np.array([model.stress_scale]),
        "spread_max": np.array([model.spread_max]),
    }
    if model.deadband > 0:
        tensors["deadband"] = np.array([model.deadband])
    for m, (weights, biases) in enumerate(zip(model.weights, model.biases, strict=True)):
        for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            tensors |= {f"member{m}.layer{k}.weight": weight, f"member{m}.layer{k}.bias": bias}
    return tensors


def mlp_card(model: Mlp, name: str) -> dict[str, Any]:
    """The card's entries that are not filled in by the writer."""
    layers, material = model.weights[0], model.card["material"]
    return {
        "kind": "mlp_history",
        "name": name,
        "state_schema": [
            {"name": "accumulated_strain", "count": 3, "unit": "1", "description": "sum of |dE| of 11, 22, 12"},
            {"name": "contact_stiffness", "count": 21, "unit": "Pa", "description": "upper triangle by rows of D_ijkl, order 11 22 33 12 23 13"},
            {"name": "spread", "count": 1, "unit": "1", "description": "disagreement of the members over the stress scale"},
            {"name": "unreliable", "count": 1, "unit": "1", "description": "1 once the members disagreed or the trained box was left"},
            *([{"name": "lagging_strain", "count": 3, "unit": "1", "description": "p of 11, 22, 12, within the deadband of E"}] if model.deadband > 0 else []),
        ],
        "elastic_moduli": {"bulk": material["bulk"], "shear": material["shear"]},
        "density": material.get("density"),
        "domain": {"strain_max": None, "rate_max": None, "time_max": None},
        "precision": "f64",
        "network": [
            {"in": w.shape[1], "out": w.shape[0], "activation": model.activation if k < len(layers) - 1 else "linear"}
            for k, w in enumerate(layers)
        ],
        # Which runs were for what goes along; a committee read from a file has it there already.
        "training": {**model.card["training"], **{k: model.card[k] for k in ("runs", "added") if k in model.card}},
        "errors": dict(model.card["errors"]),
    }  # fmt: skip


def read_mlp(path: Path) -> Mlp:
    """The committee of a model file; raises ModelFileError where it is of another kind."""
    file = read_model(path)
    if file.card.get("kind") != "mlp_history" or list(file.tensors["component"]) != list(COMPONENTS):
        raise ModelFileError(
            f"{path}: kind {file.card.get('kind')!r}; expected 'mlp_history' over the components {COMPONENTS}"
        )
    t, layers = file.tensors, len(file.card["network"])
    members = range(sum(name.endswith(".layer0.weight") for name in t))
    weights, biases = (
        tuple(tuple(np.asarray(t[f"member{m}.layer{k}.{what}"]) for k in range(layers)) for m in members)
        for what in ("weight", "bias")
    )
    return Mlp(
        weights, biases, file.card["network"][0]["activation"], t["input_scale"], t["output_scale"], t["output_mean"],
        t["input_lowest"], t["input_highest"], float(t["stress_scale"][0]), float(t["spread_max"][0]),
        float(t["deadband"][0]) if "deadband" in t else 0.0,
        {**file.card, "material": {**file.card["elastic_moduli"], "density": file.card["density"]}},
    )  # fmt: skip


def compare(model: Mlp, path: Path) -> dict[str, float]:
    """Largest difference of stress, stiffness and spread to NumPy over their scales, each engine and precision."""
    rng = np.random.default_rng(3)
    box = 1.3 * np.maximum(np.abs(model.lowest[:3]), np.abs(model.highest[:3]))
    strain = within_stretch(np.cumsum(rng.uniform(-0.1, 0.1, (30, 3, 17)) * box[:, None], axis=0))
    found = {}
    for engine in ("native", "torchscript"):
        for precision, allowed in TOLERANCE.items():
            material = _core.load_model(str(path), engine, precision)
            found[f"{engine} {precision}"] = worst = _worst(model, material, strain, np.dtype(precision))
            if not worst <= allowed:
                raise ModelFileError(
                    f"{path.name}: reloaded in the {engine} engine ({precision}) it differs from the trained committee "
                    f"by {worst:.2e} of its scale, allowed {allowed:.0e}; nothing was exported"
                )
    return found


def within_stretch(strain: NDArray, least: float = 0.1) -> NDArray:
    """Strains (..., 3, n), all smaller by one factor where a principal stretch of 1 + strain would be below `least`: data of
    small-strain problems go beyond what a stretch can be, and an engine refuses that."""
    x, y, xy = np.moveaxis(strain, -2, 0)
    shortest = float(((x + y) / 2 - np.hypot((x - y) / 2, xy)).min())
    return strain * min(1.0, (least - 1) / min(shortest, -1e-300))


def _worst(model: Mlp, material: Any, strain: NDArray, dtype: np.dtype) -> float:
    n, worst = strain.shape[2], 0.0
    u_old, old = np.zeros((6, n), dtype), np.zeros((material.state_size, n), dtype)
    u_old[:3] = 1
    stress_old = np.zeros((6, n), dtype)
    # What U = 1 + strain can hold in this precision: single precision drops up to 6e-8 of strain, which is no error here.
    one = np.array([1.0, 1.0, 0.0])[:, None]
    strain = (strain + one).astype(dtype).astype(float) - one
    lag = play(strain.transpose(2, 0, 1), model.deadband).transpose(1, 2, 0)
    phi = np.cumsum(np.abs(np.diff(lag, axis=0, prepend=0)), axis=0)
    for e, history in zip(strain, phi, strict=True):
        u_new, new, stress = u_old.copy(), np.zeros_like(old), np.zeros_like(stress_old)
        u_new[0], u_new[1], u_new[3] = 1 + e[0], 1 + e[1], e[2]
        material.update(
            time_old=0.0, dt=1.0, strain_inc=u_new - u_old, stretch_old=u_old, stretch_new=u_new,
            temperature=np.zeros(n, dtype), density=np.ones(n, dtype), stress_old=stress_old, state_old=old,
            stress_new=stress, state_new=new, dissipation_inc=np.zeros(n, dtype), status=np.zeros(n, np.int32),
        )  # fmt: skip
        answer, spread = model.answer(np.concatenate([e, history]).T)
        upper = [0, 1, 3, 6, 8, 15]
        size = np.abs(model.output_mean) + 3 * model.output_scale
        worst = max(
            worst,
            float(np.abs((stress[[0, 1, 3]] - answer[:, :3].T) / size[:3, None]).max()),
            float(np.abs((new[3:24][upper] - answer[:, 3:].T) / size[3:, None]).max()),
            float(np.abs(new[24] - spread).max()) / max(model.spread_max, 1.0),
        )
        u_old, old, stress_old = u_new, new, stress
    return worst


def export_mlp(model: Mlp, target: Path, name: str | None = None) -> dict[str, float]:
    """Write `target` (.pt), reload and compare it; only then put it in place. Raises ModelFileError."""
    with placed_model(target) as trial:
        card, tensors = mlp_card(model, name or trial.stem), mlp_tensors(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.script(MlpHistoryMaterial(card, tensors))
        write_model(trial, module, card, tensors)
        return compare(model, trial)
