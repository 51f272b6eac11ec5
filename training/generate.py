"""Produce a data set: sampled paths through a fine-scale law, in parallel, resumable."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import pybridge
from pybridge.errors import ConfigError
from training.datasets import DataSetWriter, check_same, read_dataset
from training.executor import Executor
from training.fine_scale import FAILED, Batch, Law, Task, kept_steps, run_task
from training.paths import PathSpec
from training.progress import progress_bar


@dataclass(frozen=True)
class Part:
    """Paths of one protocol within a data set: how many, and how they are drawn."""

    spec: PathSpec
    paths: int


@dataclass(frozen=True)
class Plan:
    """A whole data set: law, parts, stored steps, paths a batch."""

    law: Law
    parts: tuple[Part, ...]
    stored: int = 200
    batch: int = 32

    def __post_init__(self) -> None:
        if not self.parts or any(part.paths < 1 for part in self.parts):
            raise ConfigError("paths: expected at least 1 path of each protocol")
        if self.batch < 1:
            raise ConfigError(f"batch = {self.batch}: expected at least 1")
        if len({part.spec for part in self.parts}) < len(self.parts):
            raise ConfigError("protocols: the same one twice; give it once, with the sum of the paths")
        first = self.parts[0].spec
        for part in self.parts:
            kept_steps(part.spec.steps, self.stored)
            if part.spec.duration != first.duration:
                raise ConfigError("duration: expected the same for all protocols of one data set")

    @property
    def paths(self) -> int:
        """Number of paths of all parts."""
        return sum(part.paths for part in self.parts)

    def header(self) -> dict:
        """What identifies the run; a folder of parts with another header is not resumed."""
        return {
            "law": asdict(self.law),
            "parts": [asdict(part) for part in self.parts],
            "stored": self.stored,
            "code_version": pybridge.__version__,
        }

    def tasks(self, finished: set[int]) -> Iterator[Task]:
        """Batches of the paths that are not finished; path numbers run through all parts."""
        first = 0
        for part in self.parts:
            missing = [i for i in range(part.paths) if first + i not in finished]
            for k in range(0, len(missing), self.batch):
                yield Task(self.law, part.spec, tuple(missing[k : k + self.batch]), self.stored)
            first += part.paths

    def number(self, task: Task) -> np.ndarray:
        """Path numbers in the data set of the indices of a task."""
        first = 0
        for part in self.parts:
            if part.spec == task.spec:
                return first + np.array(task.indices)
            first += part.paths
        raise AssertionError("task of another plan")


def generate(plan: Plan, path: Path, executor: Executor, quiet: bool = False) -> dict[str, float]:
    """Produce the data set `path`, going on where an earlier run of the same plan stopped.

    Returns figures: paths, failed, redraws, seconds (wall clock of this run), new (paths of this run).
    Raises DataSetError where `path` holds another data set.
    """
    path = Path(path)
    if path.exists():
        return _already_there(plan, path)
    plan.law.material()  # a wrong name or constant is told here, not by a worker
    time = np.linspace(0.0, plan.parts[0].spec.duration, plan.stored + 1)
    writer = DataSetWriter(path, time, plan.header())
    finished = writer.finished()
    figures: dict[str, float] = {
        "paths": plan.paths,
        "new": plan.paths - len(finished),
        "failed": 0,
        "redraws": 0,
    }
    start = clock.perf_counter()
    with progress_bar(quiet) as bar:
        line = bar.add_task("generate", total=plan.paths, completed=len(finished), note="")
        for task, batch in executor.run(run_task, plan.tasks(finished)):
            _store(writer, plan, task, batch)
            figures["failed"] += int((batch.status >= FAILED).sum())
            figures["redraws"] += int(batch.redraws.sum())
            bar.update(
                line,
                advance=len(batch.indices),
                note=f"{figures['failed']} failed" if figures["failed"] else "",
            )
    figures["seconds"] = clock.perf_counter() - start
    moduli, size = plan.law.material().elastic_moduli, plan.law.material().state_size
    writer.finish({
        "material": {"bulk": moduli.bulk, "shear": moduli.shear, "density": plan.law.density, "state_size": size},
        "seconds_last_run": figures["seconds"],
    })  # fmt: skip
    return figures


def _already_there(plan: Plan, path: Path) -> dict[str, float]:
    data = read_dataset(path)
    check_same(data, plan.header(), "another data set")
    return {"paths": plan.paths, "new": 0, "failed": data.failed, "redraws": 0, "seconds": 0.0}


def _store(writer: DataSetWriter, plan: Plan, task: Task, batch: Batch) -> None:
    arrays = {
        "stretch": batch.stretch,
        "stress": batch.stress,
        "dissipation": batch.dissipation,
        "redraws": batch.redraws,
        "path_status": batch.status.astype(np.uint8),
    }
    writer.append(
        plan.number(task), arrays, [task.spec.protocol] * len(batch.indices), batch.status >= FAILED
    )
