"""Export a trained PCA + DNN surrogate to one model file, and reload and compare it before it is put in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import pybridge._core as _core
from pybridge.errors import ModelFileError
from pybridge.model_file import ModelFile, read_model, write_model
from training.atomic import placed_model
from training.fine_scale import drive_material
from training.paths import PathSpec, sample
from training.pca_dnn import PcaDnn, load_surrogate
from training.pca_dnn_script import PcaDnnMaterial
from training.tensors import IDENTITY

ENGINES = ("native", "torchscript")
PRECISIONS = ("float64", "float32")


def tolerance(precision: str, trained: str) -> float:
    """Allowed difference to the reference over the largest stress, run in `precision`, trained in "f32" or "f64".

    Double precision differs by the order of sums only. Single precision, or a TorchScript module that was stored in
    it, differs by its rounding (6e-8) through some hundred terms of each dense layer.
    """
    if precision == "float32":
        return 2e-4
    return 1e-10 if trained == "f64" else 2e-5


def model_tensors(model: PcaDnn, precision: str) -> dict[str, NDArray]:
    """The tensors of docs/model_file.md: tables in float64, layers in the precision of training."""
    horizon = model.time[-1]
    tensors = {
        "time": model.time,
        "input_primitive": model.primitive * horizon,
        "input_mean": model.input_mean,
        "input_scale": model.input_scale,
        "output_scale": model.output_scale,
        "output_basis": model.output_basis,
    }
    if len(model.pressure):
        tensors["pressure_coefficients"] = model.pressure
    dtype = np.float32 if precision == "f32" else np.float64
    for i, (weight, bias) in enumerate(zip(model.weights, model.biases, strict=True)):
        tensors |= {f"layer{i}.weight": weight.astype(dtype), f"layer{i}.bias": bias.astype(dtype)}
    return tensors


def model_card(model: PcaDnn, name: str) -> dict[str, Any]:
    """The card's entries that are not filled in by the writer; raises ModelFileError where the moduli are unknown."""
    material = model.card.get("material")
    if not material:
        raise ModelFileError(
            "the data set says nothing about the elastic moduli of the virgin material (provenance, key material: "
            "bulk, shear in Pa); a solver needs them for its wave speed: add them to the data set and train again"
        )
    count = len(model.primitive)
    layers = len(model.weights)
    return {
        "kind": "pca_dnn",
        "name": name,
        "state_schema": [
            {"name": "pca_coefficient", "count": count, "unit": "1", "description": "projections of the strain history, held from now on"},
            {"name": "unreliable", "count": 1, "unit": "1", "description": "1 once strain or rate left the trained domain"},
        ],
        "elastic_moduli": {"bulk": material["bulk"], "shear": material["shear"]},
        "density": material.get("density"),
        "domain": dict(model.card["domain"]),
        "precision": "f32" if model.card["training"]["config"]["precision"] == "float32" else "f64",
        "network": [
            {"in": w.shape[1], "out": w.shape[0], "activation": "selu" if i < layers - 1 else "linear"}
            for i, w in enumerate(model.weights)
        ],
        "training": dict(model.card["training"]),
        "errors": dict(model.card["errors"]),
    }  # fmt: skip


def from_model_file(file: ModelFile) -> PcaDnn:
    """The numbers of a model file of kind pca_dnn, for evaluation in NumPy."""
    if file.kind != "pca_dnn":
        raise ModelFileError(f"{file.path}: kind {file.kind!r}; expected 'pca_dnn'")
    t = {name: np.asarray(value, np.float64) for name, value in file.tensors.items()}
    layers = len(file.card["network"])
    model = PcaDnn(
        t["time"], t["input_primitive"] / t["time"][-1], t["input_mean"], t["input_scale"],
        tuple(t[f"layer{i}.weight"] for i in range(layers)), tuple(t[f"layer{i}.bias"] for i in range(layers)),
        t["output_scale"], np.zeros(len(t["output_basis"])), t["output_basis"],
        t.get("pressure_coefficients", np.zeros(0)),
        {
            "name": file.card["name"], "domain": file.card["domain"], "training": file.card["training"],
            "errors": file.card["errors"],
            "material": {**file.card["elastic_moduli"], "density": file.card["density"]},
        },
    )  # fmt: skip
    model.output_offset[:] = model.network(np.zeros((1, len(t["input_mean"]))))[0]
    return model


def load_any(path: Path) -> PcaDnn:
    """A surrogate from a training folder, its surrogate.npz, or a model file (.pt)."""
    path = Path(path)
    if path.is_dir():
        return load_surrogate(path / "surrogate.npz")
    return from_model_file(read_model(path)) if path.suffix == ".pt" else load_surrogate(path)


def check_histories(model: PcaDnn, paths: int = 8, steps: int = 60) -> tuple[NDArray, NDArray]:
    """Random walks [paths, steps + 1, 6] inside the trained range, at random uneven times [steps + 1]."""
    rng = np.random.default_rng(7)
    horizon = float(model.time[-1])
    steps_of_time = rng.uniform(0.1, 1.9, steps)
    time = np.concatenate([[0.0], np.cumsum(steps_of_time)]) * (0.99 * horizon / steps_of_time.sum())
    largest = min(0.2, model.card["domain"].get("strain_max") or 0.2) / 4
    spec = PathSpec("R", largest, horizon, 1000, seed=7)
    walks = np.stack([sample(spec, i).stretch for i in range(paths)])
    fine = spec.time()
    return time, np.stack(
        [[np.interp(time, fine, walk[:, k]) for k in range(6)] for walk in walks]
    ).transpose(0, 2, 1)


def compare_engines(model: PcaDnn, path: Path) -> dict[str, float]:
    """Largest difference of each engine and precision to the reference over the largest stress.

    Raises ModelFileError where one exceeds tolerance(). Keys "native float32" and so on.
    """
    trained = read_model(path).card["precision"]
    time, stretch = check_histories(model)
    truth = model.in_solver(time, stretch - IDENTITY)
    scale = float(np.abs(truth).max())
    found = {}
    for engine in ENGINES:
        for precision in PRECISIONS:
            material = _core.load_model(str(path), engine, precision)
            answer = drive_material(material, 1.0, time, stretch)
            found[f"{engine} {precision}"] = worst = float(np.abs(answer.stress - truth).max()) / scale
            if not worst <= tolerance(precision, trained):
                raise ModelFileError(
                    f"{path.name}: reloaded in the {engine} engine ({precision}) its stress differs from the trained "
                    f"surrogate by {worst:.2e} of the largest stress, allowed {tolerance(precision, trained):.0e}; nothing was exported"
                )
    return found


def export(model: PcaDnn, target: Path, name: str | None = None) -> dict[str, float]:
    """Write `target` (.pt), reload it in both engines and compare; only then put it in place.

    Returns the differences of compare_engines. Raises ModelFileError; an existing file stays as it was then.
    """
    with placed_model(target) as trial:
        card = model_card(model, name or trial.stem)
        tensors = model_tensors(model, card["precision"])
        write_model(trial, _scripted(card, tensors), card, tensors)
        return compare_engines(model, trial)


def _scripted(card: Mapping[str, Any], tensors: Mapping[str, NDArray]) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(PcaDnnMaterial(card, tensors))
