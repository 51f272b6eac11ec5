"""What a check of learned soil runs, as sizes; its data, networks and runs as files that a repeated command takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abaqus_jobs.learned_magnesium import call
from pybridge.errors import SolverError

Mesh = tuple[int, int]
OWN_ROUNDS = 2  # in which every point of a network's own run is answered by packings and learned


@dataclass(frozen=True)
class Sizes:
    """Columns and rows of the meshes (Q8, four points each), axial strain and load steps, coupled tests on each mesh that
    make the training data, epochs from the beginning and when training goes on. `shaken`: by how much of itself the pressure
    of a second run with packings is off, which tells how far two such runs are apart; 0 for no such run."""

    packing: str = "disks400"
    coarse: Mesh = (2, 4)
    fine: Mesh = (4, 8)
    strain: float = 0.04
    steps: int = 40
    coarse_runs: int = 8
    fine_runs: int = 4
    epochs: int = 2000
    more_epochs: int = 500
    threads: int = 2
    shaken: float = 1e-6

    def __post_init__(self) -> None:
        if min(self.coarse_runs, self.fine_runs) < 3:
            raise SolverError(
                f"coupled tests: {self.coarse_runs} and {self.fine_runs}, expected three or more to train, validate and test"
            )


def coupled_data(file: Path, sizes: Sizes, mesh: Mesh, runs: int, *further: str) -> Path:
    """A data set of coupled tests with random lateral pressures, going on where an earlier call stopped."""
    if not file.exists():
        call(
            "soil", "generate", "--packing", sizes.packing, "--runs", str(runs), "--steps", str(sizes.steps), "--strain",
            str(sizes.strain), "--mesh", *map(str, mesh), "--threads", str(sizes.threads), "--out", str(file), *further,
        )  # fmt: skip
    return file


def train(data: list[Path], model: Path, sizes: Sizes, start: Path | None = None, *further: str) -> None:
    """Five networks on the sets, from the beginning or going on from a committee. They disagree above the spread that 1 %
    of their training data exceed."""
    epochs = sizes.epochs if start is None else sizes.more_epochs
    begin = [] if start is None else ["--start", str(start)]
    call(
        "soil", "train", *map(str, data), "--members", "5", *begin, "--epochs", str(epochs), "--set",
        "spread_factor = 1.0", "--out", str(model), *further,
    )  # fmt: skip


def packing_run(file: Path, test: Any, sizes: Sizes) -> Any:
    """The test with a packing at every point."""
    from abaqus_jobs.soil_runs import kept_run
    from pybridge.packing import open_material

    settings = {"packing": sizes.packing}
    return kept_run(
        file, settings, test, sizes.steps, sizes.threads, file.stem, lambda: open_material(sizes.packing)
    )


def network_run(file: Path, test: Any, model: Path, sizes: Sizes) -> Any:
    """The test with a model file, on as many threads."""
    import pybridge._core as _core
    from abaqus_jobs.soil_runs import kept_run
    from pybridge.model_file import read_model

    def load() -> Any:
        return _core.load_model(str(model), "native", "float64")

    settings = {"weights": read_model(model).card["weights_sha256"]}
    return kept_run(file, settings, test, sizes.steps, sizes.threads, file.stem, load)


def every_point(file: Path, history: Path, sizes: Sizes) -> Path:
    """The strain paths of all points of a run, answered by packings."""
    arguments = ("soil", "resample", str(history), "--all", "--packing", sizes.packing, "--out", str(file))
    return step(file, [history], lambda: call(*arguments))


def step(made: Path, sources: list[Path], make: Callable[[], None]) -> Path:
    """Make a file anew where it is missing or older than what it is made of."""
    if not made.exists() or made.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        made.unlink(missing_ok=True)
        make()
    return made
