"""Training of single networks: Adam, mean error over scaled outputs, early stopping ([GUAN22] 3.5).

A network is trained in legs of some seconds, each handed to an executor with the state the one before gave back. So
several train at once in processes, progress is seen, the states can stand in files, and however the legs fall the
weights come out to the same bits.
"""

from __future__ import annotations

import copy
import io
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from pybridge.errors import ConfigError
from training.checkpoint import load_checkpoint, packed, save_checkpoint
from training.executor import Executor
from training.mlp import MlpConfig
from training.mlp_layers import Layers, layers_of, make_network, set_layers
from training.progress import progress_bar

LEG_SECONDS = 5.0  # what an interruption loses at most; handing the data over takes some hundredths of it


@dataclass(frozen=True)
class Fit:
    """One network to train: sizes of its layers, seeds (of the weights, of the order of rows), the columns (from, to) of
    the outputs that it answers, and the layers to begin with, if any."""

    name: str
    sizes: tuple[int, ...]
    seeds: tuple[int, int]
    columns: tuple[int, int]
    start: Layers | None = None


@dataclass(frozen=True)
class Data:
    """Scaled inputs (rows, 6) and outputs (rows, 9) to learn from and to check on, float32; the outputs' weights (9,)."""

    x: NDArray
    y: NDArray
    check_x: NDArray
    check_y: NDArray
    weight: NDArray


class Fitting:
    """One network in training: everything a leg hands on."""

    def __init__(self, fit: Fit, config: MlpConfig, data: Data) -> None:
        columns = slice(*fit.columns)
        self.name, self.config = fit.name, config
        self.x, self.check_x = torch.from_numpy(data.x), torch.from_numpy(data.check_x)
        self.y, self.check_y = (torch.from_numpy(y)[:, columns] for y in (data.y, data.check_y))
        self.weight = torch.from_numpy(data.weight)[columns]
        self.net = make_network(fit.sizes, config.activation, fit.seeds[0])
        if fit.start is not None:
            set_layers(self.net, fit.start)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=config.learning_rate)
        self.generator = torch.Generator().manual_seed(fit.seeds[1])
        self.best, self.best_epoch, self.epoch, self.done = math.inf, 0, 0, False
        self.kept = copy.deepcopy(self.net.state_dict())
        self.curve: list[tuple[int, float, float]] = []  # epoch, training, validation error

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bits."""
        return {
            "net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(), "best": self.best, "best_epoch": self.best_epoch,
            "epoch": self.epoch, "done": self.done, "kept": self.kept, "curve": self.curve,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what state() gave."""
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.epoch, self.done, self.kept = state["epoch"], state["done"], state["kept"]
        self.curve = [tuple(row) for row in state["curve"]]

    def run_epoch(self) -> None:
        """One pass over all rows in random order; the weights with the best validation error are kept."""
        c = self.config
        self.epoch += 1
        order = torch.randperm(len(self.x), generator=self.generator)
        total = torch.zeros(())
        for rows in order.split(c.batch):
            loss = self._error(self.x[rows], self.y[rows])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            total += loss.detach() * len(rows)
        if self.epoch % c.check_every == 0 or self.epoch == c.epochs:
            with torch.no_grad():
                error = float(self._error(self.check_x, self.check_y))
            if not math.isfinite(error):
                raise ConfigError(
                    f"training diverged in epoch {self.epoch} (validation error {error}); lower learning_rate = "
                    f"{c.learning_rate:g}"
                )
            if error < self.best:
                self.best, self.best_epoch = error, self.epoch
                self.kept = copy.deepcopy(self.net.state_dict())
            self.curve.append((self.epoch, float(total) / len(self.x), error))
            self.done = self.epoch - self.best_epoch >= c.patience
        self.done = self.done or self.epoch == c.epochs

    def _error(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        off = self.net(x) - y
        return (self.weight * (off**2 if self.config.objective == "square" else off.abs())).mean()

    @property
    def layers(self) -> Layers:
        """Those with the best validation error."""
        self.net.load_state_dict(self.kept)
        return layers_of(self.net)


@dataclass(frozen=True)
class Leg:
    """What a worker gets: the network, the data, the state so far (torch.save) and the seconds to train for."""

    index: int
    fit: Fit
    config: MlpConfig
    data: Data
    state: bytes
    seconds: float


def run_leg(leg: Leg) -> bytes:
    """Train until the time is over or the training is; the state."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small layers: more threads only wait for each other
    try:
        fitting = Fitting(leg.fit, leg.config, leg.data)
        fitting.restore(_unpacked(leg.state))
        end = time.monotonic() + leg.seconds
        while not fitting.done:
            fitting.run_epoch()
            if time.monotonic() >= end:
                break
        return packed(fitting.state())
    finally:
        torch.set_num_threads(threads)


def _unpacked(state: bytes) -> dict[str, Any]:
    return torch.load(io.BytesIO(state), weights_only=True)


class _Waiting:
    """Legs to run. It has none for now where all are under way, and more after an answer."""

    def __init__(self) -> None:
        self.legs: deque[Leg] = deque()

    def __iter__(self) -> _Waiting:
        return self

    def __next__(self) -> Leg:
        if not self.legs:
            raise StopIteration
        return self.legs.popleft()


def fit_all(
    fits: Sequence[Fit], config: MlpConfig, data: Data, executor: Executor, *, folder: Path | None = None,
    identity: Mapping[str, Any] | None = None, quiet: bool = True,
) -> list[Fitting]:  # fmt: skip
    """Train all networks. With a `folder` the state of each stands there (NAME.pt) after every leg, and a call that finds
    it goes on from it; raises ConfigError where it is of another training, by `identity`."""
    trained = [Fitting(fit, config, data) for fit in fits]
    of = [{"config": asdict(config), **(identity or {}), "network": fit.name} for fit in fits]
    files = [None if folder is None else folder / f"{fit.name}.pt" for fit in fits]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    waiting, epochs = _Waiting(), config.epochs
    for k, (one, file) in enumerate(zip(trained, files, strict=True)):
        if file is not None and file.exists():
            load_checkpoint(file, of[k], one.restore)
        if not one.done:
            waiting.legs.append(Leg(k, fits[k], config, data, packed(one.state()), LEG_SECONDS))
    with progress_bar(quiet) as bar:
        line = bar.add_task("train", total=len(fits) * epochs, note="")
        _show(bar, line, trained, epochs)
        while waiting.legs:
            for leg, state in executor.run(run_leg, waiting):
                k = leg.index
                content = _unpacked(state)
                trained[k].restore(content)
                if not trained[k].done:
                    waiting.legs.append(Leg(k, leg.fit, config, data, state, LEG_SECONDS))
                file = files[k]
                if file is not None:
                    save_checkpoint(file, of[k], content)
                _show(bar, line, trained, epochs)
    return trained


def _show(bar: Progress, line: TaskID, trained: Sequence[Fitting], epochs: int) -> None:
    done = sum(epochs if one.done else one.epoch for one in trained)
    best = [one.best for one in trained if one.curve]
    note = f"validation {min(best):.3g} to {max(best):.3g}" if best else ""
    bar.update(line, completed=done, note=note)
