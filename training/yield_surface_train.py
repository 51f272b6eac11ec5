"""Train the learned yield surface on a data set, with checkpoints and resume.

Loss: relative L2 error of the elastic strain e = J dev(sigma) / 2G over a path, averaged over paths, at several step
sizes (configuration, steps). The pressure is fitted apart by least squares. On the way out the whole surrogate is
evaluated with its graph, in double precision, on the paths held back.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import pybridge
from pybridge.errors import ConfigError, DataSetError
from training.checkpoint import load_checkpoint, save_checkpoint
from training.datasets import DataSet
from training.measures import errors
from training.pca_dnn import file_hash
from training.progress import progress_bar
from training.tensors import IDENTITY, to_matrix
from training.train import domain_of, fit_pressure, flushed_denormals, plot_curve, split, write_curve
from training.virgin_moduli import Elasticity, virgin_elasticity
from training.yield_surface import (
    DEVIATORIC,
    MANDEL,
    YieldSurface,
    elastic_increments,
)
from training.yield_surface_config import YieldSurfaceConfig
from training.yield_surface_export import Surrogate, answer, committee_of, save, tensors_from
from training.yield_surface_sweep import BLOCK, ranges, sweep

RISE = 0.15  # part of the updates over which the learning rate rises
# Longest elastic increment that a sweep takes at once, in the strain scale: an interval of the data with a longer one is
# cut, since the sweep, which asks the network once a step, would leave its stable range there.
CUT = 0.8
LONGER = 1.05  # paths with more steps than this times the others are swept by themselves
LOST = 2.0  # a path whose relative error stands above this is left out of the update, which it would drown
# A path that leaves the stable range has a gradient of any size, and the optimisers would follow it for many updates: a
# gradient larger than this times what is usual makes no update, and larger than half of it is cut to that.
SPIKE = 4.0
USUAL_KEPT = 0.98  # of the running mean of gradient norms, each update
TAKEN_BACK = 0.1  # an epoch that loses more than this share of the paths is taken back
LEAST_SIZE = 1e-3  # of the norm of a path's mean e, so that a path without deviator does not rule the mean
MARGIN = (
    1.25  # of the largest hidden state and radius met in training, beyond which the evaluation does not go
)


@dataclass(frozen=True)
class Scales:
    """strain: root mean square of |e| of the data; time: so that the root mean square rate is 1."""

    strain: float
    time: float
    elasticity: Elasticity


def scales_of(data: DataSet, anisotropic: bool = False) -> Scales:
    """Scales and virgin moduli from a training set; raises DataSetError where there is no deviatoric stress or strain to learn from."""
    elasticity, step = virgin_elasticity(data, anisotropic), float(np.diff(data.common_time()).mean())
    strain = float(np.sqrt((elasticity.strain(data.stretch, data.stress) ** 2).sum(-1).mean()))
    v, _ = elastic_increments(data.stretch)
    rate = float(np.sqrt((v**2).sum(-1).mean())) / step
    if not (strain > 0 and rate > 0):
        raise DataSetError(f"{data.path}: expected paths with shear and deviatoric stress, found none")
    return Scales(strain, strain / rate, elasticity)


@dataclass(frozen=True)
class Prepared:
    """Some paths at one step size: v [n, T, 5], L - 1 as moved [n, T, 5, 5] and h [n, T] of their steps; e [n, M, 5] to be
    met after the steps `at` [n, M]; norm `size` [n] of e. Paths with fewer than T steps stand still at the end."""

    v: Tensor
    moved: Tensor
    h: Tensor
    strain: Tensor
    at: Tensor
    size: Tensor

    def loss(self, model: YieldSurface, chosen: Tensor | slice, turn: Tensor | None = None) -> Tensor:
        """Relative error of each chosen path; `turn` [5, 5] rotates them all."""
        v, moved, strain, h = (x[chosen].movedim(0, -1) for x in (self.v, self.moved, self.strain, self.h))
        if turn is not None:
            v, strain = (torch.einsum("ij,tjn->tin", turn, x) for x in (v, strain))
            moved = torch.einsum("ik,tkln,jl->tijn", turn, moved, turn)
        at = self.at[chosen].T[:, None].expand(-1, 5, -1)
        found = sweep(model, v, moved, h).gather(0, at)
        error = ((found - strain) ** 2).sum((0, 1))
        return torch.sqrt(error + 1e-12) / self.size[chosen]


def refined(stretch: NDArray, parts: int) -> NDArray:
    """[n, m + 1, 6] -> [n, parts m + 1, 6], every interval cut into equal parts."""
    if parts == 1:
        return stretch
    f = np.arange(parts)[:, None] / parts
    inner = (1 - f) * stretch[:, :-1, None] + f * stretch[:, 1:, None]
    return np.concatenate([inner.reshape(len(stretch), -1, 6), stretch[:, -1:]], axis=1)


@dataclass(frozen=True)
class Steps:
    """Steps of paths in time: stretch [n, T + 1, 6], duration [n, T], and after which of them, `at` [n, M], the given
    points stand. Paths with fewer than T stand still at the end, for next to no time."""

    stretch: NDArray
    duration: NDArray
    at: NDArray


def cuts(stretch: NDArray, scale: float) -> NDArray:
    """Into how many equal parts the intervals of paths [n, M + 1, 6] are cut, so that no elastic increment exceeds
    CUT `scale`: [n, M]."""
    v, _ = elastic_increments(stretch)
    return np.maximum(np.ceil(np.sqrt((v**2).sum(-1)) / (CUT * scale)), 1).astype(int)


def cut_steps(stretch: NDArray, h: float, scale: float) -> Steps:
    """Cut the intervals of paths [n, M + 1, 6], each of duration h, as cuts() says."""
    parts = cuts(stretch, scale)
    ends = parts.cumsum(1)  # [n, M]
    number = np.arange(1, ends.max() + 1)  # of a step
    new = np.repeat(stretch[:, -1:], ends.max() + 1, 1)
    new[:, 0] = stretch[:, 0]
    duration = np.full((len(stretch), ends.max()), 1e-6 * h)
    for i, (path, end, part) in enumerate(zip(stretch, ends, parts, strict=True)):
        inside = number <= end[-1]
        interval = np.searchsorted(end, number[inside])
        f = 1 - (end[interval] - number[inside]) / part[interval]
        new[i, 1:][inside] = (1 - f)[:, None] * path[interval] + f[:, None] * path[interval + 1]
        duration[i, inside] = h / part[interval]
    return Steps(new, duration, ends - 1)


def prepare(data: DataSet, scales: Scales, step: float, dtype: torch.dtype) -> Prepared:
    """Paths at steps of `step` times those of the data, cut where they are too long."""
    every, parts = max(1, round(step)), max(1, round(1 / step))
    h = float(np.diff(data.common_time()[::every]).mean()) / parts / scales.time
    strain = (
        scales.elasticity.strain(data.stretch[:, ::every], data.stress[:, ::every])[:, 1:] / scales.strain
    )
    size = np.sqrt((strain**2).sum((1, 2)))
    size = np.maximum(size, LEAST_SIZE * np.sqrt((size**2).mean()))
    steps = cut_steps(refined(data.stretch[:, ::every], parts), h, scales.strain)
    v, moved = elastic_increments(steps.stretch)

    def tensor(array: NDArray) -> Tensor:
        return torch.tensor(array, dtype=dtype)

    return Prepared(
        tensor(v / scales.strain), tensor(moved - np.eye(5)), tensor(steps.duration), tensor(strain),
        torch.tensor(steps.at[:, parts - 1 :: parts].copy()), tensor(size),
    )  # fmt: skip


def prepare_groups(data: DataSet, config: YieldSurfaceConfig, scales: Scales) -> list[list[Prepared]]:
    """Groups of paths, each at all step sizes of the configuration. Paths with many cuts make a group of their own, so
    that the others need not wait for them."""
    dtype = torch.float32 if config.precision == "float32" else torch.float64
    every = max(1, round(config.steps[0]))
    parts = cuts(refined(data.stretch[:, ::every], max(1, round(1 / config.steps[0]))), scales.strain)
    many = parts.sum(1) > LONGER * parts.shape[1]
    return [
        [prepare(data.subset(np.flatnonzero(some)), scales, step, dtype) for step in config.steps]
        for some in (~many, many)
        if some.any()
    ]


def turn5(generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """A rotation of 3-space, uniform, as it acts on deviatoric components: [5, 5]."""
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    q = q * torch.sign(torch.diagonal(r))
    basis = torch.tensor(to_matrix(DEVIATORIC / MANDEL))
    return torch.einsum("iab,ac,bd,jcd->ij", basis, q, q, basis).to(dtype)


def learning_rate(config: YieldSurfaceConfig, done: float) -> float:
    """Linear rise, then cosine decay; `done` is the part of the training that has passed."""
    if done < RISE:
        return config.learning_rate * (0.1 + 0.9 * done / RISE)
    return config.learning_rate * (0.5 + 0.5 * math.cos(math.pi * (done - RISE) / (1 - RISE)) + 1e-3)


def optimisers_of(model: YieldSurface, config: YieldSurfaceConfig) -> tuple[torch.optim.Optimizer, ...]:
    """Muon (momentum made orthogonal) for the three matrices, Adam for all else; both take the same rate. After the same
    number of passes the error is a seventh below that of Adam alone."""
    rate = config.learning_rate
    others = [*model.bias, model.skip, model.log_speed]
    return (
        torch.optim.Muon(
            model.weight, lr=rate, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.Adam(others, lr=rate, fused=True),
    )


@dataclass
class Trainer:
    """One training in progress: everything a checkpoint holds."""

    config: YieldSurfaceConfig
    scales: Scales
    training: list[list[Prepared]]  # groups of paths, each by step size
    validation: list[list[Prepared]]
    model: YieldSurface
    optimisers: tuple[torch.optim.Optimizer, ...]
    generator: torch.Generator
    epoch: int = 0
    usual: float = 0.0  # running mean of the gradient's norm
    curve: list[tuple[int, float, float, float]] = field(default_factory=list)

    @classmethod
    def start(cls, config: YieldSurfaceConfig, training: DataSet, validation: DataSet | None) -> Trainer:
        """Scales from the training paths, fresh network."""
        dtype = torch.float32 if config.precision == "float32" else torch.float64
        scales = scales_of(training, config.moduli == "anisotropic")
        generator = torch.Generator().manual_seed(config.seed)
        model = YieldSurface(
            config.sizes, generator, config.radius_floor, config.rest_rate, config.rate_floor
        ).to(dtype)
        return cls(
            config, scales, prepare_groups(training, config, scales),
            prepare_groups(validation, config, scales) if validation is not None else [],
            model, optimisers_of(model, config), generator,
        )  # fmt: skip

    def run_epoch(self) -> tuple[float, float]:
        """One pass over all paths in random order; mean training and validation loss."""
        config = self.config
        weights = torch.tensor(config.step_weights, dtype=torch.float64)
        batches = self._batches()
        total, learned_from = 0.0, 0
        before = self.state()
        for k, (levels, chosen) in enumerate(batches):
            rate = learning_rate(config, (self.epoch + k / len(batches)) / config.epochs)
            for optimiser in self.optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = rate
            which = int(torch.multinomial(weights, 1, generator=self.generator))
            turn = turn5(self.generator, levels[0].v.dtype) if config.augment else None
            found = levels[which].loss(self.model, chosen, turn)
            sane = found.detach() < LOST
            if not sane.all():
                if not sane.any():
                    continue
                found = levels[which].loss(self.model, chosen[sane], turn)
            loss = found.mean()
            self.model.zero_grad(set_to_none=True)
            loss.backward()
            self._update()
            total += loss.item() * len(found)
            learned_from += len(found)
        paths = sum(len(levels[0].size) for levels in self.training)
        if 0 < learned_from < (1 - TAKEN_BACK) * paths and self.epoch > 0:
            self.restore(before)
        self.epoch += 1
        return total / learned_from if learned_from else float("nan"), self.validation_loss()

    def _update(self) -> None:
        """One step of the optimisers, unless the gradient is out of all proportion."""
        size = torch.nn.utils.get_total_norm([p.grad for p in self.model.parameters() if p.grad is not None])
        norm = float(size)
        if not math.isfinite(norm) or (self.usual > 0 and norm > SPIKE * self.usual):
            # one that stays large is the new usual
            self.usual *= 1.05 if self.usual > 0 else 1.0
            return
        if self.usual > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 0.5 * SPIKE * self.usual)
        self.usual = norm if self.usual == 0 else USUAL_KEPT * self.usual + (1 - USUAL_KEPT) * norm
        for optimiser in self.optimisers:
            optimiser.step()

    def state(self) -> dict[str, Any]:
        """Copies of what an update changes."""
        return copy.deepcopy({
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "usual": self.usual,
        })  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to what state() gave."""
        self.model.load_state_dict(state["model"])
        for optimiser, own in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(own)
        self.usual = state["usual"]

    def whole_state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bits."""
        kept = {"generator": self.generator.get_state(), "epoch": self.epoch, "curve": self.curve}
        return {**self.state(), **kept}

    def restore_whole(self, state: Mapping[str, Any]) -> None:
        """Back to what whole_state() gave."""
        self.restore(state)
        self.generator.set_state(state["generator"])
        self.epoch, self.curve = state["epoch"], [tuple(row) for row in state["curve"]]

    def _batches(self) -> list[tuple[list[Prepared], Tensor]]:
        """All paths, each batch from one group, in random order."""
        batches = []
        for levels in self.training:
            order = torch.randperm(len(levels[0].size), generator=self.generator)
            batches += [(levels, part) for part in order.split(self.config.batch)]
        return [batches[i] for i in torch.randperm(len(batches), generator=self.generator).tolist()]

    def validation_loss(self) -> float:
        """Mean error of the validation paths at the first of the step sizes, none counted above LOST; nan without any."""
        if not self.validation:
            return float("nan")
        with torch.no_grad():
            found = torch.cat([levels[0].loss(self.model, slice(None)) for levels in self.validation])
            return torch.nan_to_num(found, nan=LOST, posinf=LOST).clamp(max=LOST).mean().item()

    def bounds(self) -> tuple[NDArray, float]:
        """What hidden states [states] and radius may not exceed: a margin beyond what training has met."""
        hidden = torch.zeros(self.config.sizes.states, dtype=self.training[0][0].v.dtype)
        radius = torch.zeros((), dtype=hidden.dtype)
        with torch.no_grad():
            for first, *_ in self.training:
                for part in torch.arange(len(first.size)).split(16 * BLOCK):
                    steps = (x[part].movedim(0, -1) for x in (first.v, first.moved, first.h))
                    own, largest = ranges(self.model, *steps)
                    hidden, radius = torch.fmax(hidden, own), torch.fmax(radius, largest)
        return MARGIN * hidden.double().numpy() + 1e-3, MARGIN * float(radius)


def train(data: DataSet, config: YieldSurfaceConfig, out: Path, quiet: bool = False) -> Surrogate:
    """Train, going on from the checkpoint in the folder `out` where there is one.

    Writes checkpoint.pt, learning_curve.csv and .png and, at the end, surrogate.npz; a committee one folder memberM of
    these for each member, and surrogate.npz. Raises ConfigError where `out` holds another training, DataSetError where
    the data do not fit.
    """
    out = Path(out)
    training, validation = split(data, config.validation_fraction, config.seed)
    if config.members == 1:
        return train_one(data, training, validation, config, out, quiet)
    if validation is None:
        raise ConfigError(
            "a committee needs paths that no member learned from, to tell how far members differ where they may be "
            "trusted; raise validation_fraction or give more paths"
        )
    members = [
        train_one(
            data,
            training,
            validation,
            replace(config, members=1, seed=config.seed + m),
            out / f"member{m}",
            quiet,
        )
        for m in range(config.members)
    ]
    surrogate = committee_of(members, data.common_time(), validation.stretch)
    found = answer(surrogate, data.common_time(), validation.stretch)
    surrogate.card["errors"] = {"validation": errors(found, validation.stress).to_dict()}
    save(surrogate, out / "surrogate.npz")
    return surrogate


def train_one(
    data: DataSet,
    training: DataSet,
    validation: DataSet | None,
    config: YieldSurfaceConfig,
    out: Path,
    quiet: bool = False,
) -> Surrogate:
    """train() for one member on the paths given, parts of `data`."""
    identity = {"config": config.to_dict(), "data_sha256": file_hash(data.path)}
    trainer = Trainer.start(config, training, validation)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        load_checkpoint(checkpoint, identity, trainer.restore_whole)
    with flushed_denormals(True), progress_bar(quiet) as bar:
        line = bar.add_task("train", total=config.epochs, completed=trainer.epoch, note="")
        while trainer.epoch < config.epochs:
            loss, validation_loss = trainer.run_epoch()
            if not math.isfinite(loss):
                raise ConfigError(
                    f"training diverged in epoch {trainer.epoch} (loss {loss}); lower learning_rate = {config.learning_rate}"
                )
            trainer.curve.append(
                (trainer.epoch, loss, validation_loss, learning_rate(config, trainer.epoch / config.epochs))
            )
            bar.update(line, advance=1, note=f"loss {loss:.4f}, validation {validation_loss:.4f}")
            if trainer.epoch % config.checkpoint_every == 0 or trainer.epoch == config.epochs:
                save_checkpoint(checkpoint, identity, trainer.whole_state())
                write_curve(trainer.curve, out)
    surrogate = finished(trainer, data, training, validation, identity)
    save(surrogate, out / "surrogate.npz")
    plot_curve(trainer.curve, out)
    return surrogate


def finished(
    trainer: Trainer,
    data: DataSet,
    training: DataSet,
    validation: DataSet | None,
    identity: Mapping[str, Any],
) -> Surrogate:
    """The trained numbers with their card, and the errors on the validation paths."""
    config, model, scales = trainer.config, trainer.model, trainer.scales
    elasticity = scales.elasticity
    apart = elasticity.pressure_part(training.stretch, training.stress)[..., None] * IDENTITY
    pressure = fit_pressure(training.strain, training.stress - apart, config.pressure_degree)
    hidden, radius = trainer.bounds()
    arrays = tensors_from(
        model, strain_scale=scales.strain, time_scale=scales.time, piece=config.piece, ahead=config.ahead,
        radius_bound=radius, hidden_bound=hidden, elasticity=elasticity.tensor, pressure=pressure,
    )  # fmt: skip
    used = ("law", "parts", "material")
    card = {
        "kind": config.kind, "name": config.name, "sizes": vars(config.sizes),
        "created_with": {"pybridge": pybridge.__version__, "torch": torch.__version__, "numpy": np.__version__},
        "domain": {**domain_of(training), "time_max": None},
        "material": {**(data.provenance.get("material") or {}), "bulk": float(pressure[0]), "shear": elasticity.shear},
        "precision": "f32" if config.precision == "float32" else "f64",
        "training": {
            **identity, "paths": len(training), "validation_paths": 0 if validation is None else len(validation),
            "epochs": config.epochs, "data": {key: data.provenance[key] for key in used if key in data.provenance},
        },
        "errors": {},
    }  # fmt: skip
    surrogate = Surrogate(arrays, card)
    if validation is not None:
        found = answer(surrogate, validation.common_time(), validation.stretch)
        card["errors"] = {"validation": errors(found, validation.stress).to_dict()}
    return surrogate
