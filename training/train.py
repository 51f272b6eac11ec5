"""Train a PCA + DNN surrogate, [LIU22] 3.2, with checkpoints and resume.

Loss: the relative L2 error of the decoded stress history, averaged over paths. Because the output bases are
orthonormal on the time grid, that error is, exactly,

    |sigma - sum_j a_j psi_j|^2 = |a - a*|^2 + |sigma - sum_j a*_j psi_j|^2,   a* the projection of sigma,

so that nothing is decoded while training: the second term is a constant of the path.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import pybridge
from pybridge.errors import ConfigError, DataSetError
from pybridge.report import write_text_atomic
from training.checkpoint import load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.datasets import DataSet
from training.measures import errors
from training.pca import analyse, component_modes, primitive_of, project
from training.pca_dnn import PcaDnn, file_hash, save_surrogate
from training.progress import progress_bar
from training.tensors import FROBENIUS, IDENTITY, cube_rotations, determinant, mean_part, norm

WARM_UP = 0.02  # part of the steps over which the learning rate rises


@dataclass(frozen=True)
class Reduced:
    """Training data in coefficients. Stress in units of stress_scale; Frobenius weights are folded into a.

    For each rotation g (0: as it is): x [g, n, 6 M_in] network input, a [g, n, 6 M_out] target, rest [g, n]
    |sigma - decoded a*|^2. size [n] |sigma|; increments [6, n, N] of E and stress [n, N, 6] weighted, for the error
    in the solver; source and sign [g, 6] of the rotations.
    """

    x: torch.Tensor
    a: torch.Tensor
    rest: torch.Tensor
    size: torch.Tensor
    increments: torch.Tensor
    stress: torch.Tensor
    source: torch.Tensor
    sign: torch.Tensor


@dataclass(frozen=True)
class Bases:
    """What is fixed before the network learns: tables, scales and the pressure polynomial (see PcaDnn)."""

    time: NDArray
    primitive: NDArray  # [6, M_in, N+1]
    output: NDArray  # [6, M_out, N+1]
    input_scale: NDArray
    stress_scale: float
    pressure: NDArray


def fit_pressure(strain: NDArray, stress: NDArray, degree: int) -> NDArray:
    """Least-squares p_1..p_degree of tr sigma / 3 = sum p_i (J - 1)^i over all paths and times, Pa."""
    x = (determinant(strain + IDENTITY) - 1.0).ravel()
    size = max(float(np.abs(x).max()), 1e-30)
    matrix = np.stack([(x / size) ** (i + 1) for i in range(degree)], axis=1)
    scaled = np.linalg.lstsq(matrix, mean_part(stress).ravel(), rcond=None)[0]
    return scaled / size ** np.arange(1, degree + 1)


def subtract_pressure(strain: NDArray, stress: NDArray, pressure: NDArray) -> NDArray:
    """stress - sum p_i (J - 1)^i I."""
    x = determinant(strain + IDENTITY) - 1.0
    value = sum((p * x ** (i + 1) for i, p in enumerate(pressure)), np.zeros_like(x))
    return stress - value[..., None] * IDENTITY


def make_bases(data: DataSet, config: TrainConfig) -> Bases:
    """SVD bases and scales of a training set; raises DataSetError where its times do not fit."""
    time, strain = data.common_time(), data.strain
    largest = min(len(time) - 1, len(data))
    for name in ("modes_in", "modes_out"):
        if getattr(config, name) > largest:
            raise ConfigError(
                f"{name} = {getattr(config, name)}: expected at most {largest}, with {len(data)} training paths of {len(time) - 1} steps"
            )
    if np.abs(strain[:, 0]).max() > 1e-9:
        raise DataSetError(
            f"{data.path}: dataset stretch: expected U = I at time 0, got a difference of {np.abs(strain[:, 0]).max():.3g}"
        )
    degree = config.pressure_degree if config.pressure == "polynomial" else 0
    pressure = fit_pressure(strain, data.stress, degree) if degree else np.zeros(0)
    stress = subtract_pressure(strain, data.stress, pressure)
    primitive = primitive_of(component_modes(strain, config.modes_in))
    # One scale a component: scaling each mode to one would lift the noise of the last modes (measured: worse).
    c = project(primitive, strain).reshape(len(strain), 6, -1)
    scale = np.sqrt((c**2).mean(axis=(0, 2)))
    scale = np.repeat(np.maximum(scale, 1e-6 * scale.max() + 1e-300), config.modes_in)
    stress_scale = float(np.sqrt((stress**2).mean())) or 1.0
    return Bases(time, primitive, component_modes(stress, config.modes_out), scale, stress_scale, pressure)


def reduce(data: DataSet, bases: Bases, dtype: torch.dtype, device: str, rotated: bool = False) -> Reduced:
    """Project a data set once; with `rotated`, also all its copies turned by the rotations of the cube."""
    strain = data.strain
    stress = subtract_pressure(strain, data.stress, bases.pressure) * np.sqrt(FROBENIUS) / bases.stress_scale
    size = (stress**2).sum(axis=(1, 2))
    source, sign = cube_rotations()
    count = len(source) if rotated else 1
    x = np.empty(
        (count, len(data), len(bases.input_scale)), np.float32 if dtype == torch.float32 else np.float64
    )
    a = np.empty((count, len(data), 6 * bases.output.shape[1]), x.dtype)
    rest = np.empty((count, len(data)))
    for g in range(count):
        x[g] = project(bases.primitive, strain[..., source[g]] * sign[g]) / bases.input_scale
        decoded = analyse(bases.output, stress[..., source[g]] * sign[g])
        a[g] = decoded.reshape(len(data), -1)
        rest[g] = np.maximum(size - (decoded**2).sum(axis=(1, 2)), 0.0)

    def tensor(array: NDArray) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=dtype, device=device)

    floor = 1e-3 * np.sqrt(size.mean())  # a path without stress must not rule the mean
    return Reduced(
        tensor(x), tensor(a), tensor(rest), tensor(np.maximum(np.sqrt(size), floor)),
        tensor(np.diff(strain, axis=1).transpose(2, 0, 1)), tensor(stress[:, 1:]),
        torch.tensor(source[:count], device=device), tensor(sign[:count]),
    )  # fmt: skip


class Network(torch.nn.Module):
    """Dense SELU network; the answer to the zero history is subtracted, so that virgin material has no stress."""

    def __init__(self, config: TrainConfig, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [6 * config.modes_in, *[config.width] * config.hidden_layers, 6 * config.modes_out]
        self.layers = torch.nn.ModuleList(torch.nn.Linear(n, m) for n, m in itertools.pairwise(sizes))
        with torch.no_grad():
            for layer in self.layers:
                assert isinstance(layer, torch.nn.Linear)
                # LeCun normal, which SELU's fixed point asks for
                layer.weight.normal_(0.0, 1.0 / math.sqrt(layer.in_features), generator=generator)
                layer.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([x, torch.zeros_like(x[:1])])
        for layer in list(self.layers)[:-1]:
            x = torch.nn.functional.selu(layer(x))
        out = self.layers[-1](x)
        return out[:-1] - out[-1:]


def history_loss(a: torch.Tensor, data: Reduced, chosen: torch.Tensor, turned: int = 0) -> torch.Tensor:
    """Mean relative L2 error of the decoded histories of predicted coefficients a [n, 6 M_out]."""
    error = ((a - data.a[turned, chosen]) ** 2).sum(1) + data.rest[turned, chosen]
    return (torch.sqrt(error + 1e-14) / data.size[chosen]).mean()


@dataclass(frozen=True)
class Held:
    """Tables for the error in the solver: mean Phi of each step over the input scale [6, N, M_in], its sums over the
    steps before each grid time [6, N + 1, M_in], psi [6, M_out, N]."""

    weight: torch.Tensor
    sums: torch.Tensor
    basis: torch.Tensor

    @classmethod
    def of(cls, bases: Bases, dtype: torch.dtype, device: str) -> Held:
        mean = 0.5 * (bases.primitive[..., 1:] + bases.primitive[..., :-1])
        mean = (mean / bases.input_scale.reshape(6, -1, 1)).transpose(0, 2, 1)
        sums = np.concatenate([np.zeros_like(mean[:, :1]), np.cumsum(mean, axis=1)], axis=1)
        return cls(
            torch.tensor(mean.copy(), dtype=dtype, device=device),
            torch.tensor(sums, dtype=dtype, device=device),
            torch.tensor(bases.output[..., 1:].copy(), dtype=dtype, device=device),
        )


def draw_ahead(
    continuation: str, step: torch.Tensor, n_time: int, generator: torch.Generator
) -> torch.Tensor | None:
    """For how many steps each path goes on with its last rate after `step`, before it is held.

    "held": None. "mixed": a third none, a third to the end, a third in between: the answer at `step` must not depend
    on it, since the material does not know its future.
    """
    if continuation == "held":
        return None
    kind = torch.randint(3, (len(step),), generator=generator).to(step.device)
    part = torch.rand(len(step), generator=generator).to(step.device)
    left = n_time - 1 - step
    return torch.where(kind == 0, 0, torch.where(kind == 1, left, (part * left).long()))


def held_loss(
    network: Network,
    data: Reduced,
    tables: Held,
    chosen: torch.Tensor,
    step: torch.Tensor,
    turned: int = 0,
    ahead: torch.Tensor | None = None,
) -> torch.Tensor:
    """Relative error of the stress at one random time of each path, its history continued from there on (draw_ahead).

    The root of the mean square, each time standing for all N of its path.
    """
    n_time = tables.basis.shape[-1]
    known = torch.arange(n_time, device=step.device)[None] <= step[:, None]
    sign = data.sign[turned]
    increments = data.increments[:, chosen][data.source[turned]] * known * sign[:, None, None]
    x = torch.bmm(increments, tables.weight).permute(1, 0, 2)
    if ahead is not None:
        last = increments[:, torch.arange(len(chosen), device=step.device), step]  # [6, n]
        rest = tables.sums[:, step + 1 + ahead] - tables.sums[:, step + 1]  # [6, n, M_in]
        x = x + (last[..., None] * rest).permute(1, 0, 2)
    a = network(x.reshape(len(chosen), -1)).reshape(len(chosen), 6, -1)
    stress = (a * tables.basis[:, :, step].permute(2, 0, 1)).sum(2)
    truth = data.stress[chosen, step][:, data.source[turned]] * sign
    error = ((stress - truth) ** 2).sum(1) * n_time
    return torch.sqrt((error / data.size[chosen] ** 2).mean() + 1e-14)


def learning_rate(config: TrainConfig, step: int, total: int) -> float:
    """Cosine decay to 0 after a short linear rise."""
    rise = max(1, int(WARM_UP * total))
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


@dataclass
class Trainer:
    """One training in progress: everything a checkpoint holds."""

    config: TrainConfig
    bases: Bases
    training: Reduced
    validation: Reduced | None
    network: Network
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    tables: Held
    epoch: int = 0
    curve: list[tuple[int, float, float, float]] | None = (
        None  # epoch, training, validation loss, learning rate
    )

    @classmethod
    def start(cls, config: TrainConfig, training: DataSet, validation: DataSet | None) -> Trainer:
        """Bases from the training paths, fresh network."""
        dtype = torch.float32 if config.precision == "float32" else torch.float64
        if config.device == "cuda" and not torch.cuda.is_available():
            raise ConfigError(
                "device = 'cuda': no CUDA device is available to PyTorch here; use device = 'cpu'"
            )
        bases = make_bases(training, config)
        generator = torch.Generator().manual_seed(config.seed)
        network = Network(config, generator).to(device=config.device, dtype=dtype)
        optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        return cls(
            config, bases, reduce(training, bases, dtype, config.device, config.rotated_until > 0),
            reduce(validation, bases, dtype, config.device) if validation is not None else None,
            network, optimiser, generator, Held.of(bases, dtype, config.device), 0, [],
        )  # fmt: skip

    def run_epoch(self) -> tuple[float, float]:
        """One pass over all paths in random order; returns the mean training and the validation loss."""
        config, n = self.config, len(self.training.size)
        order = torch.randperm(n, generator=self.generator).to(config.device)
        batches = math.ceil(n / config.batch)
        copies = len(self.training.x) if self.epoch < config.rotated_until * config.epochs else 1
        turns = torch.randint(copies, (batches,), generator=self.generator).tolist()
        total, n_time = 0.0, self.tables.basis.shape[-1]
        for k in range(batches):
            rate = learning_rate(config, self.epoch * batches + k, config.epochs * batches)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            chosen, turned = order[k * config.batch : (k + 1) * config.batch], turns[k]
            loss = torch.zeros((), device=config.device)
            if config.held_weight < 1:
                a = self.network(self.training.x[turned, chosen])
                whole = history_loss(a, self.training, chosen, turned)
                loss = loss + (1 - config.held_weight) * whole
            if config.held_weight > 0:
                step = torch.randint(n_time, (len(chosen),), generator=self.generator).to(config.device)
                ahead = draw_ahead(config.continuation, step, n_time, self.generator)
                loss = loss + config.held_weight * held_loss(
                    self.network, self.training, self.tables, chosen, step, turned, ahead
                )
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            total += loss.item() * len(chosen)
        self.epoch += 1
        return total / n, self.validation_loss()

    def validation_loss(self) -> float:
        """history_loss of the validation paths; nan without any."""
        if self.validation is None:
            return float("nan")
        with torch.no_grad():
            every = torch.arange(len(self.validation.size), device=self.config.device)
            return history_loss(self.network(self.validation.x[0]), self.validation, every).item()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bits."""
        return {
            "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(), "epoch": self.epoch, "curve": self.curve,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what state() gave."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"].cpu())
        self.epoch, self.curve = state["epoch"], [tuple(row) for row in state["curve"]]

    def surrogate(self, card: Mapping[str, Any]) -> PcaDnn:
        """The numbers as they stand, float64."""
        layers = [layer for layer in self.network.layers if isinstance(layer, torch.nn.Linear)]
        weights = tuple(layer.weight.detach().double().cpu().numpy() for layer in layers)
        biases = tuple(layer.bias.detach().double().cpu().numpy() for layer in layers)
        size_in, size_out = weights[0].shape[1], weights[-1].shape[0]
        scale = np.repeat(self.bases.stress_scale / np.sqrt(FROBENIUS), size_out // 6)
        model = PcaDnn(
            self.bases.time, self.bases.primitive.reshape(size_in, -1), np.zeros(size_in), self.bases.input_scale,
            weights, biases, scale, np.zeros(size_out), self.bases.output.reshape(size_out, -1),
            self.bases.pressure, card,
        )  # fmt: skip
        return replace(model, output_offset=model.network(np.zeros((1, size_in)))[0])


def identity_of(config: TrainConfig, data: DataSet) -> dict[str, Any]:
    """What a run folder belongs to."""
    return {"config": config.to_dict(), "data_sha256": file_hash(data.path)}


def split(data: DataSet, fraction: float, seed: int) -> tuple[DataSet, DataSet | None]:
    """Training and validation paths, drawn at random with `seed`."""
    count = round(fraction * len(data))
    if count == 0:
        return data, None
    order = np.random.default_rng(seed).permutation(len(data))
    return data.subset(np.sort(order[count:])), data.subset(np.sort(order[:count]))


def domain_of(data: DataSet) -> dict[str, float]:
    """Largest |U - I|, |dU/dt| (1/s) and time (s) of the paths."""
    time = data.common_time()
    rate = norm(np.diff(data.stretch, axis=1)) / np.diff(time)
    return {
        "strain_max": float(norm(data.strain).max()),
        "rate_max": float(rate.max()),
        "time_max": float(time[-1]),
    }


@contextmanager
def flushed_denormals(wanted: bool) -> Iterator[None]:
    """Tiny numbers count as zero while the network learns (they cost a hundred times as much), and not after: the mode
    is one of the processor, which everything else in the process would meet."""
    if not wanted:
        yield
        return
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def train(data: DataSet, config: TrainConfig, out: Path, quiet: bool = False) -> PcaDnn:
    """Train on a data set, going on from the checkpoint in the folder `out` where there is one.

    Writes checkpoint.pt, learning_curve.csv, learning_curve.png and, at the end, surrogate.npz. Raises ConfigError
    where `out` holds another training, DataSetError where the data do not fit.
    """
    out = Path(out)
    training, validation = split(data, config.validation_fraction, config.seed)
    identity, checkpoint = identity_of(config, data), out / "checkpoint.pt"
    trainer = Trainer.start(config, training, validation)
    out.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists():
        load_checkpoint(checkpoint, identity, trainer.restore, config.device)
    assert trainer.curve is not None
    with flushed_denormals(config.device == "cpu"), progress_bar(quiet) as bar:
        line = bar.add_task("train", total=config.epochs, completed=trainer.epoch, note="")
        while trainer.epoch < config.epochs:
            loss, validation_loss = trainer.run_epoch()
            if not math.isfinite(loss):
                raise ConfigError(
                    f"training diverged in epoch {trainer.epoch} (loss {loss}); lower learning_rate = {config.learning_rate}"
                )
            trainer.curve.append(
                (trainer.epoch, loss, validation_loss, learning_rate(config, trainer.epoch, config.epochs))
            )
            bar.update(line, advance=1, note=f"loss {loss:.4f}, validation {validation_loss:.4f}")
            if trainer.epoch % config.checkpoint_every == 0 or trainer.epoch == config.epochs:
                save_checkpoint(checkpoint, identity, trainer.state())
                write_curve(trainer.curve, out)
    model = trainer.surrogate(_card(data, training, validation, identity, config))
    if validation is not None:
        measured = errors(model.history(validation.time, validation.strain), validation.stress)
        model = replace(model, card={**model.card, "errors": {"validation": measured.to_dict()}})
    save_surrogate(model, out / "surrogate.npz")
    plot_curve(trainer.curve, out)
    return model


def _card(
    data: DataSet,
    training: DataSet,
    validation: DataSet | None,
    identity: Mapping[str, Any],
    config: TrainConfig,
) -> dict[str, Any]:
    used = ("law", "parts", "material")
    return {
        "name": config.name,
        "created_with": {
            "pybridge": pybridge.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "domain": domain_of(training),
        "material": data.provenance.get("material"),
        "training": {
            **identity,
            "paths": len(training),
            "validation_paths": 0 if validation is None else len(validation),
            "epochs": config.epochs,
            "data": {key: data.provenance[key] for key in used if key in data.provenance},
        },
        "errors": {},
    }


def write_curve(curve: list[tuple[int, float, float, float]], out: Path) -> None:
    """learning_curve.csv: epoch, mean training loss, validation loss, learning rate."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["epoch", "training_loss", "validation_loss", "learning_rate"])
    writer.writerows(curve)
    write_text_atomic(out / "learning_curve.csv", text.getvalue())


def plot_curve(curve: list[tuple[int, float, float, float]], out: Path) -> None:
    """learning_curve.png."""
    from training.pictures import learning_curve

    learning_curve(np.array(curve), out / "learning_curve.png")
