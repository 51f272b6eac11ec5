"""Committees of networks with the accumulated strain as history ([GUAN22] Eq. 12 to 15), for soil in the plane.

    phi_n = sum |d eps|, componentwise;  (sigma, D) = net(eps, phi)

Components 11, 22, 12 of U - 1 (tensor shear), stress Pa, D the upper triangle 11 12 13 22 23 33 of the contact stiffness
over the same components (engineering shear). training/mlp_samples.py has the histories and the deadband of phi,
training/mlp_train.py the training.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import ConfigError

COMPONENTS = (0, 1, 3)  # of 11 22 33 12 23 13


def _selu(x: NDArray) -> NDArray:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


ACTIVATIONS: dict[str, Callable[[NDArray], NDArray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "selu": _selu,
}


CHOICES = {
    "objective": ("square", "absolute"), "input_scale": ("largest", "square"), "output_scale": ("group", "component"),
    "single_paths": ("train", "split"),
}  # fmt: skip


@dataclass(frozen=True)
class MlpConfig:
    """What to train; the keys of the TOML file. The defaults are [GUAN22] 3.3 and 3.5, with patience in epochs."""

    width: int = 40
    hidden_layers: int = 2
    stiffness_width: int | None = (
        None  # a network of its own for the stiffness, `width` being that of the stresses
    )
    activation: str = "relu"
    members: int = 1
    learning_rate: float = 1e-3
    epochs: int = 4000
    patience: int = 1000
    check_every: int = 10
    batch: int = 2048
    objective: str = "square"  # mean "square" or "absolute" error of the scaled outputs
    stress_weight: float = 1.0  # of the stresses in the objective, the stiffness has 1
    input_scale: str = (
        "largest"  # of each input: its "largest" magnitude in training, or its root mean "square"
    )
    output_scale: str = (
        "group"  # deviation of each "component", or one of the stresses and one of the stiffnesses
    )
    deadband: float = 0.0  # strain; what swings within it adds nothing to phi
    spread_factor: float = 2.0  # members disagree above this times
    spread_quantile: float = 0.99  # this quantile of their spread in training
    train_share: float = 0.7
    validation_share: float = 0.15
    # Added sets in which every path is a run of its own were asked for because the network does not know them: all of them
    # "train", or they are "split" like the others. A few that are far out would decide where training stops.
    single_paths: str = "train"
    seed: int = 0

    def __post_init__(self) -> None:
        whole = ("width", "hidden_layers", "members", "epochs", "patience", "check_every", "batch")
        for name in whole:
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: expected a whole number >= 1")
        if self.stiffness_width is not None and not (
            isinstance(self.stiffness_width, int) and self.stiffness_width >= 1
        ):
            raise ConfigError(f"stiffness_width = {self.stiffness_width!r}: expected a whole number >= 1")
        if self.activation not in ACTIVATIONS:
            raise ConfigError(f"activation = {self.activation!r}: expected one of {', '.join(ACTIVATIONS)}")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: expected one of {', '.join(known)}")
        if not 0 <= self.deadband < 0.1:
            raise ConfigError(f"deadband = {self.deadband!r}: expected a strain from 0 to 0.1")
        if not (self.spread_factor > 0 and 0 < self.spread_quantile <= 1):
            raise ConfigError("spread_factor, spread_quantile: expected a number > 0 and a share of 1")
        if not 0 < self.learning_rate <= 1 or self.stress_weight <= 0:
            raise ConfigError("learning_rate and stress_weight: expected numbers > 0")
        if not (0 < self.train_share < 1 and 0 < self.validation_share < 1 - self.train_share):
            raise ConfigError(
                "train_share, validation_share: expected shares of 1 that leave some paths for the test"
            )


def read_mlp_config(path: Path | None, settings: Sequence[str] = ()) -> MlpConfig:
    """From a TOML file, and single lines `key = value` that come after it; raises ConfigError for unknown keys, values of
    another type or out of range."""
    values: dict[str, Any] = {}
    texts = [(str(path), path)] if path is not None else []
    for name, text in [*texts, *((setting, setting) for setting in settings)]:
        try:
            found = text.read_text(encoding="utf-8") if isinstance(text, Path) else text
            values |= tomllib.loads(found)
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: not readable as TOML: {error}") from error
    known = {field.name: field.default for field in fields(MlpConfig)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(
                f"{path or 'settings'}: unknown key {key!r}; expected one of {', '.join(sorted(known))}"
            )
        kinds = (
            (int, float)
            if isinstance(known[key], float)
            else (type(known[key]),)
            if known[key] is not None
            else (int,)
        )
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise ConfigError(f"{key} = {value!r}: expected {' or '.join(k.__name__ for k in kinds)}")
    return MlpConfig(**values)


@dataclass(frozen=True)
class Mlp:
    """A trained committee: weights and biases [member][layer], scales, box of the inputs, errors."""

    weights: tuple[tuple[NDArray, ...], ...]
    biases: tuple[tuple[NDArray, ...], ...]
    activation: str
    input_scale: NDArray
    output_scale: NDArray
    output_mean: NDArray
    lowest: NDArray
    highest: NDArray
    stress_scale: float
    spread_max: float
    deadband: float
    card: Mapping[str, Any]

    def members(self, inputs: NDArray) -> NDArray:
        """(members, points, 9) answers to (points, 6)."""
        out = []
        for weights, biases in zip(self.weights, self.biases, strict=True):
            x = inputs / self.input_scale
            for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
                x = x @ w.T + b
                if k < len(weights) - 1:
                    x = ACTIVATIONS[self.activation](x)
            out.append(x * self.output_scale + self.output_mean)
        return np.array(out)

    def answer(self, inputs: NDArray) -> tuple[NDArray, NDArray]:
        """Mean (points, 9), and spread (points,) of the stresses over stress_scale."""
        members = self.members(inputs)
        spread = np.zeros(len(inputs))
        if len(members) > 1:
            spread = members[:, :, :3].std(axis=0, ddof=1).max(axis=1) / self.stress_scale
        return members.mean(axis=0), spread
