"""Training of committees: Adam, mean square error over scaled outputs, early stopping ([GUAN22] 3.5)."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pybridge.errors import ConfigError
from training.mlp import Mlp, MlpConfig
from training.mlp_samples import Samples, split_runs

PARTS = ("train", "validation", "test")
Pair = tuple[torch.Tensor, torch.Tensor]
_ACTIVATIONS = {
    "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid, "silu": torch.nn.SiLU,
    "selu": torch.nn.SELU,
}  # fmt: skip


def _network(sizes: Sequence[int], activation: str, seed: int) -> torch.nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        layer = torch.nn.Linear(a, b)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(b, a, generator=generator) * (2 / a) ** 0.5)
            layer.bias.zero_()
        layers.append(layer)
        if k < len(sizes) - 2:
            layers.append(_ACTIVATIONS[activation]())
    return torch.nn.Sequential(*layers)


def _fit(
    net: torch.nn.Sequential, config: MlpConfig, seed: int, train: Pair, check: Pair, weight: torch.Tensor,
    tell: Callable[[int, float], None] | None,
) -> dict[str, float]:  # fmt: skip
    """Train one network in place; the weights with the best validation error are kept."""
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
    return {"validation": best, "epoch": best_epoch, "epochs": epoch}


Layers = list[tuple[NDArray, NDArray]]


def rescaled(start: Mlp, member: int, input_scale: NDArray, mean: NDArray, scale: NDArray) -> Layers:
    """The layers of a member that answer the same where inputs and outputs have other scales."""
    layers = list(zip(start.weights[member], start.biases[member], strict=True))
    weight, bias = layers[0]
    layers[0] = weight * (input_scale / start.input_scale), bias
    weight, bias = layers[-1]
    ratio = start.output_scale / scale
    layers[-1] = weight * ratio[:, None], bias * ratio + (start.output_mean - mean) / scale
    return layers


def _set_layers(net: torch.nn.Sequential, layers: Layers) -> None:
    linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, layers, strict=True):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.copy_(torch.tensor(bias))


def _check_start(start: Mlp, config: MlpConfig) -> None:
    sizes = [w.shape[0] for w in start.weights[0]]
    wanted = [*[config.width] * config.hidden_layers, 9]
    if (
        config.stiffness_width is not None
        or sizes != wanted
        or len(start.weights) != config.members
        or (start.activation != config.activation or start.deadband != config.deadband)
    ):
        raise ConfigError(
            f"a committee of {len(start.weights)} with layers {sizes}, {start.activation}, deadband {start.deadband:g} cannot "
            f"start one of {config.members} with {wanted}, {config.activation}, {config.deadband:g}, one network each"
        )


def _layers(net: torch.nn.Sequential) -> Layers:
    linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    return [
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in linear
    ]


def side_by_side(a: Layers, b: Layers) -> Layers:
    """Two networks of the same inputs and depth as one: answers of `a`, then of `b`. Beyond the first layer the weights
    between the two are zeros."""
    out = [(np.vstack([a[0][0], b[0][0]]), np.concatenate([a[0][1], b[0][1]]))]
    for (wa, ba), (wb, bb) in zip(a[1:], b[1:], strict=True):
        weight = np.zeros((len(wa) + len(wb), wa.shape[1] + wb.shape[1]))
        weight[: len(wa), : wa.shape[1]], weight[len(wa) :, wa.shape[1] :] = wa, wb
        out.append((weight, np.concatenate([ba, bb])))
    return out


def _member(
    config: MlpConfig, seed: int, train: Pair, check: Pair, weight: torch.Tensor,
    tell: Callable[[int, float], None] | None, start: Layers | None,
) -> tuple[Layers, dict[str, Any]]:  # fmt: skip
    """One member: a network, or two trained by themselves ([QU23B] Eq. 8 to 9) and put side by side."""
    hidden = config.hidden_layers
    if config.stiffness_width is None:
        net = _network([6, *[config.width] * hidden, 9], config.activation, seed)
        if start is not None:
            _set_layers(net, start)
        log = _fit(net, config, seed, train, check, weight, tell)
        return _layers(net), log
    made: list[Layers] = []
    logs: dict[str, Any] = {}
    for name, width, columns in (
        ("", config.width, slice(0, 3)), ("stiffness_", config.stiffness_width, slice(3, 9)),
    ):  # fmt: skip
        outputs = columns.stop - columns.start
        net = _network([6, *[width] * hidden, outputs], config.activation, seed + len(made) * 500)
        part = _fit(
            net, config, seed, (train[0], train[1][:, columns]), (check[0], check[1][:, columns]), weight[columns],
            tell,
        )  # fmt: skip
        made.append(_layers(net))
        logs |= {name + key: value for key, value in part.items()}
    return side_by_side(*made), logs


def _parts(
    samples: Sequence[Samples], config: MlpConfig
) -> tuple[list[list[Samples]], list[dict[str, list[int]]]]:
    """Each set split by its own runs: [part][set], and the runs of each set. A set of fewer than three runs beside the
    first one is for training only."""
    parts: list[list[Samples]] = [[], [], []]
    runs = []
    for k, one in enumerate(samples):
        if k > 0 and len(np.unique(one.run)) < 3:
            split = (np.unique(one.run), np.zeros(0), np.zeros(0))
        else:
            split = split_runs(one.run, config.train_share, config.validation_share, config.seed)
        runs.append({name: [int(i) for i in r] for name, r in zip(PARTS, split, strict=True)})
        for part, chosen in zip(parts, split, strict=True):
            part.append(one.of_runs(chosen))
    return parts, runs


def train(
    samples: Samples, config: MlpConfig, moduli: Mapping[str, float], *, added: Sequence[Samples] = (),
    start: Mlp | None = None,
    tell: Callable[[int, int, float], None] | None = None, provenance: Mapping[str, Any] | None = None,
) -> Mlp:  # fmt: skip
    """Train a committee; `moduli` bulk, shear (Pa) and density of the virgin material go into the card.

    `added`: further sets, each split by its own runs. `start`: a committee of the same sizes to go on from. `tell(member, epoch, validation error)` now and then. The same
    seed gives the same committee on one machine.
    """
    if start is not None:
        _check_start(start, config)
    parts, runs = _parts([samples, *added], config)
    x = [np.concatenate([s.inputs(config.deadband) for s in part]) for part in parts]
    y = [np.concatenate([s.outputs() for s in part]) for part in parts]
    input_scale = np.maximum(np.abs(x[0]).max(axis=0), 1e-12)
    mean = y[0].mean(axis=0)
    # One scale for the three stresses and one for the six stiffnesses: a component near zero must not be magnified.
    deviation = y[0].std(axis=0)
    scale = np.concatenate([np.full(3, deviation[:3].max()), np.full(6, deviation[3:].max())])
    weight = torch.tensor([config.stress_weight] * 3 + [1.0] * 6)
    data = [
        (
            torch.tensor(a / input_scale, dtype=torch.float32),
            torch.tensor((b - mean) / scale, dtype=torch.float32),
        )
        for a, b in zip(x, y, strict=True)
    ]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small layers: more threads only wait for each other
    try:
        found = []
        for member in range(config.members):
            told = None if tell is None else (lambda epoch, error, m=member: tell(m, epoch, error))
            first = None if start is None else rescaled(start, member, input_scale, mean, scale)
            found.append(_member(config, 1000 * config.seed + member, data[0], data[1], weight, told, first))
    finally:
        torch.set_num_threads(threads)
    committee = Mlp(
        tuple(tuple(w for w, _ in layers) for layers, _ in found),
        tuple(tuple(b for _, b in layers) for layers, _ in found),
        config.activation, input_scale, scale, mean, x[0].min(axis=0), x[0].max(axis=0),
        float(np.sqrt((y[0][:, :3] ** 2).mean())), 1.0, config.deadband,
        {
            "material": dict(moduli), "runs": runs[0], "added": runs[1:],
            "training": {"config": asdict(config), "members": [log for _, log in found], **(provenance or {})},
        },
    )  # fmt: skip
    return _with_errors(committee, x, y, config)


def _with_errors(committee: Mlp, x: list[NDArray], y: list[NDArray], config: MlpConfig) -> Mlp:
    """Errors on the three parts, and the spread that counts as disagreement: a multiple of a quantile of training's."""
    errors: dict[str, float] = {}
    for name, inputs, truth in zip(PARTS, x, y, strict=True):
        answer, _ = committee.answer(inputs)
        for what, columns in (("stress", slice(0, 3)), ("stiffness", slice(3, 9))):
            size = np.linalg.norm(truth[:, columns])
            errors[f"{what}_{name}"] = float(np.linalg.norm((answer - truth)[:, columns]) / size)
    limit = 1.0
    if len(committee.weights) > 1:
        _, spread = committee.answer(x[0])
        limit = config.spread_factor * float(np.quantile(spread, config.spread_quantile))
    return replace(committee, spread_max=limit, card={**committee.card, "errors": errors})
