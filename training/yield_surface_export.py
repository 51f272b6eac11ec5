"""A trained yield surface as numbers and card: saved, evaluated by its graph, exported to a model file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pybridge import _core
from pybridge.errors import ModelFileError
from pybridge.model_file import write_model
from training import committee
from training.atomic import atomic_path, placed_model
from training.fine_scale import drive_material
from training.paths import PathSpec, sample
from training.tensors import deviator
from training.yield_surface import YieldSurface
from training.yield_surface_script import YieldSurfaceMaterial

KIND = "yield_surface"
# Largest difference to the graph in double precision over the largest deviator, after 60 steps.
TOLERANCE = {"float64": 1e-11, "float32": 5e-4}


@dataclass(frozen=True)
class Surrogate:
    """Tensors in float64 by the names of the model file, and what is known beside them."""

    tensors: dict[str, NDArray]
    card: dict[str, Any]

    @property
    def multiply_adds(self) -> int:
        """Of the network, or all networks, at one point and step."""
        return sum(value.size for name, value in self.tensors.items() if name.endswith(".weight"))


def tensors_from(
    model: YieldSurface, *, strain_scale: float, time_scale: float, piece: float, ahead: float, radius_bound: float,
    hidden_bound: NDArray, elasticity: NDArray, pressure: NDArray,
) -> dict[str, NDArray]:  # fmt: skip
    """Tensors of the model file from a network and what is known beside it: scales of e and of time (s), longest piece and
    step asked ahead of (in the strain scale), bounds of radius and hidden states [states], elasticity [6, 5], pressure
    coefficients (Pa)."""
    layers = {f"layer{i}.weight": w for i, w in enumerate(model.weight)}
    layers |= {f"layer{i}.bias": b.ravel() for i, b in enumerate(model.bias)}
    layers |= {"skip": model.skip.ravel(), "speed": model.speed().ravel()}
    found = {name: value.detach().double().numpy().copy() for name, value in layers.items()}
    scales = (
        strain_scale, time_scale, model.radius_floor, piece, ahead, model.rest_rate, model.rate_floor, radius_bound,
    )  # fmt: skip
    return found | {
        "hidden_bound": hidden_bound,
        "elasticity": elasticity,
        "pressure_coefficients": pressure,
        "scales": np.array(scales),
    }


def save(surrogate: Surrogate, path: Path) -> None:
    """Write numbers and card as one .npz, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **{"card": np.array(json.dumps(surrogate.card)), **surrogate.tensors})  # type: ignore[arg-type]


def load(path: Path) -> Surrogate:
    """Read what save() wrote; raises ModelFileError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            card = json.loads(str(file["card"]))
            if card.get("kind") not in (KIND, committee.KIND):
                raise ModelFileError(
                    f"{path}: holds a surrogate of another kind, {card.get('kind')!r}; expected {KIND!r}"
                )
            return Surrogate({name: file[name] for name in file.files if name != "card"}, card)
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: no such file; `pybridge train` writes it when it ends") from error
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise ModelFileError(f"{path}: not a trained surrogate of this package: {error}") from error


def holds(path: Path) -> bool:
    """Whether a training folder or its surrogate.npz is of this kind; what cannot be read is left to others."""
    path = Path(path)
    path = path / "surrogate.npz" if path.is_dir() else path
    try:
        with np.load(path, allow_pickle=False) as file:
            return json.loads(str(file["card"])).get("kind") in (KIND, committee.KIND)
    except (OSError, ValueError, KeyError):
        return False


def members_of(surrogate: Surrogate) -> list[Surrogate]:
    """The members of a committee; a surrogate that is none is its only member."""
    if surrogate.card["kind"] != committee.KIND:
        return [surrogate]
    card = {**surrogate.card, "kind": KIND}
    return [
        Surrogate(committee.tensors_of(surrogate.tensors, m), card) for m in range(surrogate.card["members"])
    ]


def committee_of(members: list[Surrogate], time: NDArray, stretch: NDArray) -> Surrogate:
    """Members trained on the same paths as one; stretch [n, m + 1, 6] at times [m + 1], paths that none of them learned
    from, set the largest spread that counts as agreement."""
    first = members[0]
    scale = float(2 * first.card["material"]["shear"] * first.tensors["scales"][0])
    card = {**first.card, "kind": committee.KIND, "members": len(members)}
    tensors = [member.tensors for member in members]
    trial = Surrogate(committee.joined(tensors, scale, np.inf), card)
    limit = committee.spread_limit(answer(trial, time, stretch, states=True)[:, :, -2].max(1))
    return Surrogate(committee.joined(tensors, scale, limit), card)


def model_card(surrogate: Surrogate, name: str) -> dict[str, Any]:
    """The entries of card.json that the writer does not fill in."""
    members = members_of(surrogate)
    if len(members) > 1:
        return committee.joined_card(model_card(members[0], name), len(members))
    card, tensors = surrogate.card, surrogate.tensors
    hidden = len(tensors["speed"])
    schema = (
        (
            "inelastic_metric",
            6,
            "1",
            "F_in^-1 F_in^-T - 1 of the mean inelastic deformation, tensor components",
        ),
        ("hidden", hidden, "1", "hidden states: backstresses first"),
        ("equivalent_plastic_strain", 1, "1", "sum of sqrt(2/3) |plastic strain increment|"),
        ("plastic_work", 1, "J/m3", "plastic work per volume of the virgin material"),
        (
            "unreliable",
            1,
            "1",
            "1 once strain, rate or hidden states left the trained domain, or plastic work turned negative",
        ),
    )
    return {
        "kind": KIND,
        "name": name,
        "state_schema": [
            dict(zip(("name", "count", "unit", "description"), row, strict=True)) for row in schema
        ],
        "elastic_moduli": {key: card["material"][key] for key in ("bulk", "shear")},
        "density": card["material"].get("density"),
        "domain": dict(card["domain"]),
        "precision": card["precision"],
        "yield_surface": dict(card["sizes"]),
        "network": [
            {
                "in": tensors[f"layer{i}.weight"].shape[1],
                "out": tensors[f"layer{i}.weight"].shape[0],
                "activation": activation,
            }
            for i, activation in enumerate(("algebraic_silu", "algebraic_silu", "linear"))
        ],
        "training": dict(card["training"]),
        "errors": dict(card["errors"]),
    }


def graph(surrogate: Surrogate, name: str = KIND) -> torch.nn.Module:
    """The module of the model file, in double precision."""
    modules = [
        YieldSurfaceMaterial({**model_card(member, name), "precision": "f64"}, member.tensors)
        for member in members_of(surrogate)
    ]
    if len(modules) == 1:
        return modules[0]
    scale, limit = (float(surrogate.tensors[key][0]) for key in ("stress_scale", "spread_max"))
    return committee.CommitteeMaterial(modules, member_states(members_of(surrogate)[0]), scale, limit)


def member_states(member: Surrogate) -> int:
    """State variables of one that is no committee."""
    return 9 + len(member.tensors["speed"])


def answer(surrogate: Surrogate, time: NDArray, stretch: NDArray, states: bool = False) -> NDArray:
    """Stress [n, m + 1, 6] (or with `states` the state [n, m + 1, S]) along stretch [n, m + 1, 6] at times [m + 1]."""
    module = graph(surrogate)
    u = torch.tensor(np.ascontiguousarray(stretch.transpose(1, 2, 0)))
    members = members_of(surrogate)
    size = member_states(members[0]) * len(members) + (2 if len(members) > 1 else 0)
    state = torch.zeros(size, u.shape[-1], dtype=torch.float64)
    found = [state if states else torch.zeros_like(u[0])]
    temperature = torch.zeros(u.shape[-1], dtype=torch.float64)
    with torch.no_grad():
        for i in range(1, len(time)):
            stress, state, _ = module(
                float(time[i - 1]), float(time[i] - time[i - 1]), u[i - 1], u[i], temperature, state
            )
            found.append(state if states else stress)
    return torch.stack(found).numpy().transpose(2, 0, 1)


def compare_engines(surrogate: Surrogate, path: Path, paths: int = 8, steps: int = 60) -> dict[str, float]:
    """Largest difference of each engine and precision to the graph over the largest deviator, on random walks at uneven
    times. Raises ModelFileError where one exceeds TOLERANCE."""
    rng = np.random.default_rng(7)
    uneven = rng.uniform(0.1, 1.9, steps)
    duration = steps * float(
        members_of(surrogate)[0].tensors["scales"][1]
    )  # steps of the size of the strain scale
    time = np.concatenate([[0.0], np.cumsum(uneven)]) * duration / uneven.sum()
    spec = PathSpec("R", min(0.2, surrogate.card["domain"]["strain_max"] or 0.2) / 4, duration, 1000, seed=7)
    walks = np.stack([sample(spec, i).stretch for i in range(paths)])
    stretch = np.stack(
        [[np.interp(time, spec.time(), walk[:, k]) for k in range(6)] for walk in walks]
    ).transpose(0, 2, 1)
    truth = answer(surrogate, time, stretch)
    scale, found = float(np.abs(deviator(truth)).max()), {}
    for engine in ("native", "torchscript"):
        for precision, tolerance in TOLERANCE.items():
            material = _core.load_model(str(path), engine, precision)
            worst = float(np.abs(drive_material(material, 1.0, time, stretch).stress - truth).max()) / scale
            found[f"{engine} {precision}"] = worst
            if not worst <= tolerance:
                raise ModelFileError(
                    f"{path.name}: reloaded in the {engine} engine ({precision}) its stress differs from the trained "
                    f"surrogate by {worst:.2e} of the largest deviator, allowed {tolerance:.0e}; nothing was exported"
                )
    return found


def write(surrogate: Surrogate, target: Path, name: str | None = None) -> None:
    """Write the model file without comparing engines."""
    card = model_card(surrogate, name or Path(target).stem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module = torch.jit.script(graph(surrogate, card["name"]))
    write_model(target, module, card, _stored(surrogate.tensors))


def _stored(tensors: Mapping[str, NDArray]) -> dict[str, NDArray]:
    return {name: np.asarray(value, np.float64) for name, value in tensors.items()}


def export(surrogate: Surrogate, target: Path, name: str | None = None) -> dict[str, float]:
    """Write `target` (.pt), reload it in both engines and compare; only then put it in place.

    Returns the differences of compare_engines. Raises ModelFileError; an existing file stays as it was then.
    """
    with placed_model(target) as trial:
        write(surrogate, trial, name or trial.stem)
        return compare_engines(surrogate, trial)
