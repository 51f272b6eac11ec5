"""Training of committees on histories: parts by run, scales, the networks (mlp_fit.py), errors and spread ([GUAN22] 3.5)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import ConfigError
from training.executor import Executor, Serial
from training.mlp import Mlp, MlpConfig
from training.mlp_fit import Data, Fit, Fitting, fit_all
from training.mlp_layers import Layers, rescaled, side_by_side
from training.mlp_samples import Samples, split_runs

LEAST_SCALE = 1e-3  # of the largest deviation in its group: a component that is nearly constant is not worth more digits
PARTS = ("train", "validation", "test")


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


def _fits(config: MlpConfig, starts: Sequence[Layers] | None) -> list[Fit]:
    """The networks of a committee, member by member: one each, or two trained by themselves ([QU23B] Eq. 8 to 9)."""
    hidden, fits = config.hidden_layers, []
    for member in range(config.members):
        seed = 1000 * config.seed + member
        start = None if starts is None else starts[member]
        if config.stiffness_width is None:
            fits.append(Fit(f"member{member}", (6, *[config.width] * hidden, 9), (seed, seed), (0, 9), start))
            continue
        stress, stiffness = [config.width] * hidden, [config.stiffness_width] * hidden
        fits.append(Fit(f"member{member}-stress", (6, *stress, 3), (seed, seed), (0, 3)))
        fits.append(Fit(f"member{member}-stiffness", (6, *stiffness, 6), (seed + 500, seed), (3, 9)))
    return fits


def _members(config: MlpConfig, trained: Sequence[Fitting]) -> tuple[list[Layers], list[dict[str, Any]]]:
    """Layers and what the card says of each member."""
    logs = [{"validation": one.best, "epoch": one.best_epoch, "epochs": one.epoch} for one in trained]
    layers = [one.layers for one in trained]
    if config.stiffness_width is None:
        return layers, logs
    prefixed = [{f"stiffness_{key}": value for key, value in log.items()} for log in logs[1::2]]
    both = [side_by_side(*two) for two in zip(layers[::2], layers[1::2], strict=True)]
    return both, [a | b for a, b in zip(logs[::2], prefixed, strict=True)]


def _parts(
    samples: Sequence[Samples], config: MlpConfig
) -> tuple[list[list[Samples]], list[dict[str, list[int]]]]:
    """Each set split by its own runs: [part][set], and the runs of each set. Sets beside the first are for training only
    where they have fewer than three runs, or single paths that were asked for (`single_paths`)."""
    parts: list[list[Samples]] = [[], [], []]
    runs = []
    for k, one in enumerate(samples):
        count = len(np.unique(one.run))
        single = count == len(one.run) and config.single_paths == "train"
        if k > 0 and (count < 3 or single):
            split = (np.unique(one.run), np.zeros(0), np.zeros(0))
        else:
            split = split_runs(one.run, config.train_share, config.validation_share, config.seed)
        runs.append({name: [int(i) for i in r] for name, r in zip(PARTS, split, strict=True)})
        for part, chosen in zip(parts, split, strict=True):
            part.append(one.of_runs(chosen))
    return parts, runs


def scales(x: NDArray, y: NDArray, config: MlpConfig) -> tuple[NDArray, NDArray, NDArray]:
    """Of the inputs (6,), and mean and scale of the outputs (9,), from what is learned from."""
    size = np.abs(x).max(axis=0) if config.input_scale == "largest" else np.sqrt((x**2).mean(axis=0))
    deviation = y.std(axis=0)
    # One scale for the three stresses and one for the six stiffnesses: a component near zero must not be magnified.
    group = np.concatenate([np.full(3, deviation[:3].max()), np.full(6, deviation[3:].max())])
    scale = group if config.output_scale == "group" else np.maximum(deviation, LEAST_SCALE * group)
    return np.maximum(size, 1e-12), y.mean(axis=0), scale


def train(
    samples: Samples, config: MlpConfig, moduli: Mapping[str, float], *, added: Sequence[Samples] = (),
    start: Mlp | None = None, provenance: Mapping[str, Any] | None = None, folder: Path | None = None,
    executor: Executor | None = None, quiet: bool = True, picture: Path | None = None,
) -> Mlp:  # fmt: skip
    """Train a committee; `moduli` bulk, shear (Pa) and density of the virgin material go into the card.

    `added`: further sets, each split by its own runs. `start`: a committee of the same sizes to go on from. `folder`: where
    the state of each network is kept every few seconds and gone on from. `executor`: where they train (in this process).
    `picture`: of the errors over the epochs. The same seed gives the same committee on one machine, whatever the executor and
    the interruptions. Raises ConfigError where `folder` holds another training, `start` does not fit or training diverges.
    """
    if start is not None:
        _check_start(start, config)
    parts, runs = _parts([samples, *added], config)
    x = [np.concatenate([s.inputs(config.deadband) for s in part]) for part in parts]
    y = [np.concatenate([s.outputs() for s in part]) for part in parts]
    input_scale, mean, scale = scales(x[0], y[0], config)
    weight = np.array([config.stress_weight] * 3 + [1.0] * 6, np.float32)
    (train_x, train_y), (check_x, check_y) = (
        ((a / input_scale).astype(np.float32), ((b - mean) / scale).astype(np.float32))
        for a, b in zip(x[:2], y[:2], strict=True)
    )
    data = Data(train_x, train_y, check_x, check_y, weight)
    starts = (
        None
        if start is None
        else [rescaled(start, member, input_scale, mean, scale) for member in range(config.members)]
    )
    identity = {
        "data": _checksum(list(vars(data).values())),
        "start": _checksum([a for s in starts or [] for pair in s for a in pair]),
    }
    trained = fit_all(
        _fits(config, starts), config, data, executor or Serial(), folder=folder, identity=identity,
        quiet=quiet,
    )  # fmt: skip
    if picture is not None:
        _plot(trained, picture)
    members, logs = _members(config, trained)
    committee = Mlp(
        tuple(tuple(w for w, _ in layers) for layers in members),
        tuple(tuple(b for _, b in layers) for layers in members),
        config.activation, input_scale, scale, mean, x[0].min(axis=0), x[0].max(axis=0),
        float(np.sqrt((y[0][:, :3] ** 2).mean())), 1.0, config.deadband,
        {
            "material": dict(moduli), "runs": runs[0], "added": runs[1:],
            "training": {"config": asdict(config), "members": logs, **(provenance or {})},
        },
    )  # fmt: skip
    return _with_errors(committee, x, y, config)


def _checksum(arrays: Sequence[NDArray]) -> str:
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array).tobytes(), total)
    return f"{total:08x}"


def _plot(trained: Sequence[Fitting], file: Path) -> None:
    from training.pictures import curves

    series = {}
    for one in trained:
        epoch, training, validation = np.array(one.curve).T
        series[f"{one.name}, validation"] = epoch, validation
        series[f"-{one.name}, training"] = epoch, training
    curves(series, ("epoch", "mean error of scaled outputs"), file, "pairs y")


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
