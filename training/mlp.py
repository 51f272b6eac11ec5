"""Committees of networks with the accumulated strain as history ([GUAN22] Eq. 12 to 15), for soil in the plane.

    phi_n = sum |d eps|, componentwise;  (sigma, D) = net(eps, phi)

Components 11, 22, 12 of U - 1 (tensor shear), stress Pa, D the upper triangle 11 12 13 22 23 33 of the contact stiffness
over the same components (engineering shear). Paths are split, never points: a run with all its points is one path.
"""

from __future__ import annotations

import copy
import itertools
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pybridge.errors import ConfigError, DataSetError

COMPONENTS = (0, 1, 3)  # of 11 22 33 12 23 13


@dataclass(frozen=True)
class MlpConfig:
    """What to train; the keys of the TOML file. The defaults are [GUAN22] 3.3 and 3.5, with patience in epochs."""

    width: int = 40
    hidden_layers: int = 2
    activation: str = "relu"
    members: int = 1
    learning_rate: float = 1e-3
    epochs: int = 4000
    patience: int = 1000
    check_every: int = 10
    batch: int = 2048
    stress_weight: float = 1.0  # of the stresses in the objective, the stiffness has 1
    train_share: float = 0.7
    validation_share: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        whole = ("width", "hidden_layers", "members", "epochs", "patience", "check_every", "batch")
        for name in whole:
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: expected a whole number >= 1")
        if self.activation not in ("relu", "tanh", "silu", "selu"):
            raise ConfigError(f"activation = {self.activation!r}: expected relu, tanh, silu or selu")
        if not 0 < self.learning_rate <= 1 or self.stress_weight <= 0:
            raise ConfigError("learning_rate and stress_weight: expected numbers > 0")
        if not (0 < self.train_share < 1 and 0 < self.validation_share < 1 - self.train_share):
            raise ConfigError(
                "train_share, validation_share: expected shares of 1 that leave some paths for the test"
            )


def read_mlp_config(path: Path) -> MlpConfig:
    """From a TOML file; raises ConfigError for unknown keys and values out of range."""
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a readable TOML file: {error}") from error
    known = {field.name for field in fields(MlpConfig)}
    for key in values:
        if key not in known:
            raise ConfigError(f"{path}: unknown key {key!r}; expected one of {', '.join(sorted(known))}")
    return MlpConfig(**values)


@dataclass(frozen=True)
class Samples:
    """Histories: strain (paths, times, 3), stress (paths, times, 3) Pa, stiffness (paths, times, 6) Pa, and the run
    (paths,) each came from."""

    strain: NDArray
    stress: NDArray
    stiffness: NDArray
    run: NDArray

    @property
    def history(self) -> NDArray:
        """phi (paths, times, 3)."""
        steps = np.abs(np.diff(self.strain, axis=1, prepend=np.zeros_like(self.strain[:, :1])))
        return np.cumsum(steps, axis=1)

    def of_runs(self, runs: NDArray) -> Samples:
        """Those of some runs."""
        keep = np.isin(self.run, runs)
        return Samples(self.strain[keep], self.stress[keep], self.stiffness[keep], self.run[keep])

    def inputs(self) -> NDArray:
        """(points, 6)."""
        return np.concatenate([self.strain, self.history], axis=2).reshape(-1, 6)

    def outputs(self) -> NDArray:
        """(points, 9)."""
        return np.concatenate([self.stress, self.stiffness], axis=2).reshape(-1, 9)


def split_runs(runs: NDArray, config: MlpConfig) -> tuple[NDArray, NDArray, NDArray]:
    """Runs to train, validate and test on: 70, 15, 15 % of them, each at least one. Raises DataSetError below three."""
    known = np.unique(runs)
    if len(known) < 3:
        raise DataSetError(
            f"a committee needs three runs or more (train, validation, test), got {len(known)}: produce more"
        )
    order = np.random.default_rng([config.seed, 5]).permutation(known)
    validation = max(1, round(config.validation_share * len(known)))
    test = max(1, round((1 - config.train_share - config.validation_share) * len(known)))
    return order[validation + test :], order[:validation], order[validation : validation + test]


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
    card: Mapping[str, Any]

    def members(self, inputs: NDArray) -> NDArray:
        """(members, points, 9) answers to (points, 6)."""
        out = []
        act = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "silu": lambda x: x / (1 + np.exp(-x))}
        for weights, biases in zip(self.weights, self.biases, strict=True):
            x = inputs / self.input_scale
            for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
                x = x @ w.T + b
                if k < len(weights) - 1:
                    x = act[self.activation](x) if self.activation in act else _selu(x)
            out.append(x * self.output_scale + self.output_mean)
        return np.array(out)

    def answer(self, inputs: NDArray) -> tuple[NDArray, NDArray]:
        """Mean (points, 9), and spread (points,) of the stresses over stress_scale."""
        members = self.members(inputs)
        spread = np.zeros(len(inputs))
        if len(members) > 1:
            spread = members[:, :, :3].std(axis=0, ddof=1).max(axis=1) / self.stress_scale
        return members.mean(axis=0), spread


def _selu(x: NDArray) -> NDArray:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def _network(config: MlpConfig, seed: int) -> torch.nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    sizes = [6, *[config.width] * config.hidden_layers, 9]
    kinds = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "silu": torch.nn.SiLU, "selu": torch.nn.SELU}
    layers: list[torch.nn.Module] = []
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        layer = torch.nn.Linear(a, b)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(b, a, generator=generator) * (2 / a) ** 0.5)
            layer.bias.zero_()
        layers.append(layer)
        if k < len(sizes) - 2:
            layers.append(kinds[config.activation]())
    return torch.nn.Sequential(*layers)


def _fit(
    config: MlpConfig, seed: int, train: tuple[torch.Tensor, torch.Tensor], check: tuple[torch.Tensor, torch.Tensor],
    weight: torch.Tensor, tell: Callable[[int, float], None] | None,
) -> tuple[torch.nn.Sequential, dict[str, float]]:  # fmt: skip
    """One member: Adam, early stopping on the validation error, the best weights kept."""
    net = _network(config, seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    generator = torch.Generator().manual_seed(seed)
    best, best_epoch, kept = float("inf"), 0, copy.deepcopy(net.state_dict())
    epoch = 0
    for epoch in range(1, config.epochs + 1):
        order = torch.randperm(len(train[0]), generator=generator)
        for begin in range(0, len(order), config.batch):
            rows = order[begin : begin + config.batch]
            loss = (weight * (net(train[0][rows]) - train[1][rows]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if epoch % config.check_every == 0 or epoch == config.epochs:
            with torch.no_grad():
                error = float((weight * (net(check[0]) - check[1]) ** 2).mean())
            if error < best:
                best, best_epoch, kept = error, epoch, copy.deepcopy(net.state_dict())
            if tell is not None:
                tell(epoch, error)
            if epoch - best_epoch >= config.patience:
                break
    net.load_state_dict(kept)
    return net, {"validation": best, "epoch": best_epoch, "epochs": epoch}


def train(
    samples: Samples, config: MlpConfig, moduli: Mapping[str, float], *,
    tell: Callable[[int, int, float], None] | None = None, provenance: Mapping[str, Any] | None = None,
) -> Mlp:  # fmt: skip
    """Train a committee; `moduli` bulk, shear (Pa) and density of the virgin material go into the card.

    `tell(member, epoch, validation error)` now and then. The same seed gives the same committee on one machine.
    """
    runs = split_runs(samples.run, config)
    parts = [samples.of_runs(r) for r in runs]
    x, y = parts[0].inputs(), parts[0].outputs()
    input_scale = np.maximum(np.abs(x).max(axis=0), 1e-12)
    mean = y.mean(axis=0)
    # One scale for the three stresses and one for the six stiffnesses: a component near zero must not be magnified.
    scale = np.concatenate([np.full(3, y[:, :3].std(axis=0).max()), np.full(6, y[:, 3:].std(axis=0).max())])
    weight = torch.tensor([config.stress_weight] * 3 + [1.0] * 6)

    def tensors(part: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        return (
            torch.tensor(part.inputs() / input_scale, dtype=torch.float32),
            torch.tensor((part.outputs() - mean) / scale, dtype=torch.float32),
        )

    data = [tensors(part) for part in parts]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small layers: more threads only wait for each other
    try:
        found = []
        for member in range(config.members):
            told = None if tell is None else (lambda epoch, error, m=member: tell(m, epoch, error))
            found.append(_fit(config, 1000 * config.seed + member, data[0], data[1], weight, told))
    finally:
        torch.set_num_threads(threads)
    linear = [[layer for layer in net if isinstance(layer, torch.nn.Linear)] for net, _ in found]
    stress_scale = float(np.sqrt((parts[0].stress ** 2).mean()))
    committee = Mlp(
        tuple(tuple(layer.weight.detach().double().numpy() for layer in net) for net in linear),
        tuple(tuple(layer.bias.detach().double().numpy() for layer in net) for net in linear),
        config.activation, input_scale, scale, mean, x.min(axis=0), x.max(axis=0), stress_scale, 1.0,
        {
            "material": dict(moduli), "runs": {k: [int(i) for i in r] for k, r in zip(("train", "validation", "test"), runs, strict=True)},
            "training": {"config": asdict(config), "members": [log for _, log in found], **(provenance or {})},
        },
    )  # fmt: skip
    return _with_errors(committee, parts)


def _with_errors(committee: Mlp, parts: list[Samples]) -> Mlp:
    """Errors on the three sets, and the spread that counts as disagreement: twice the largest of 99 % of training."""
    errors: dict[str, float] = {}
    for name, part in zip(("train", "validation", "test"), parts, strict=True):
        answer, _ = committee.answer(part.inputs())
        truth = part.outputs()
        for what, columns in (("stress", slice(0, 3)), ("stiffness", slice(3, 9))):
            errors[f"{what}_{name}"] = float(
                np.linalg.norm((answer - truth)[:, columns]) / np.linalg.norm(truth[:, columns])
            )
    _, spread = committee.answer(parts[0].inputs())
    limit = 2 * float(np.quantile(spread, 0.99)) if len(committee.weights) > 1 else 1.0
    values = {**vars(committee), "spread_max": limit, "card": {**committee.card, "errors": errors}}
    return Mlp(**values)
