"""Error against the number of training paths, for the learned yield surface and for PCA + DNN, in one picture.

  pybridge train DATA.h5 --curve 100,200,400,800 --updates 6000 --out runs/curve

Both learn from the first paths of one random order and are judged on the same held-back paths: the yield surface by its
answer in the solver, PCA + DNN with the whole path known and, as in the solver, with the future held. Every training makes
the same number of updates, so that few paths are not trained less. Tables and picture are written after every count, and
what is finished is taken again: an interrupted command goes on, and more counts can be asked for later.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from pybridge.errors import ConfigError
from pybridge.report import write_text_atomic
from training.config import TrainConfig, read_config
from training.datasets import DataSet
from training.measures import errors
from training.pca_dnn import file_hash
from training.pictures import curves
from training.train import split
from training.train import train as train_pca
from training.yield_surface_config import YieldSurfaceConfig
from training.yield_surface_measure import from_surrogate, protocol_errors
from training.yield_surface_train import train as train_surface

HELD_BACK, HELD_MOST = 0.1, 400  # part of the paths, and paths at most
UPDATES_OF = 3200  # paths on which a configuration's epochs make as many updates as every training here
PARTS = ("total", "deviatoric")
Row = dict[str, Any]


class Passes(Protocol):
    """A configuration that says how often it goes through its paths."""

    @property
    def epochs(self) -> int: ...
    @property
    def batch(self) -> int: ...


Config = TypeVar("Config", bound=YieldSurfaceConfig | TrainConfig)


def updates_of(config: Passes, asked: int | None) -> int:
    """Updates of every training: as asked, or those of the configuration on UPDATES_OF paths."""
    return asked or config.epochs * -(-UPDATES_OF // config.batch)


def budgeted(config: Config, count: int, asked: int | None) -> Config:
    """The configuration with as many epochs on `count` paths as make the updates; nothing held back within."""
    epochs = max(1, round(updates_of(config, asked) / -(-count // config.batch)))
    every = max(config.checkpoint_every, epochs // 50)  # few paths make short epochs
    return replace(config, epochs=epochs, validation_fraction=0.0, checkpoint_every=every)


def surface_errors(part: DataSet, held: DataSet, config: YieldSurfaceConfig, out: Path) -> dict[str, Any]:
    """The yield surface trained on `part`, or taken up where it stopped."""
    learned = from_surrogate(train_surface(part, config, out))
    return {"yield surface": protocol_errors(learned, held)}


def pca_errors(part: DataSet, held: DataSet, config: TrainConfig, out: Path) -> dict[str, Any]:
    """The same for PCA + DNN."""
    model = train_pca(part, config, out)
    times, strain = held.common_time(), held.strain
    return {
        "PCA + DNN, whole path known": errors(model.history(times, strain), held.stress).to_dict(),
        "PCA + DNN, in the solver": errors(model.in_solver(times, strain), held.stress).to_dict(),
    }


def learning_curve(
    data: DataSet, counts: list[int], config: YieldSurfaceConfig, out: Path, updates: int | None = None,
    pca: TrainConfig | None = None,
) -> list[Row]:  # fmt: skip
    """All counts, small ones first; writes learning_curve.json, .md and .png into `out` after each.

    updates: of every training (the configurations' own on 3200 paths). Raises ConfigError where there are too few paths.
    """
    training, held = split(data, min(HELD_BACK, HELD_MOST / len(data)), 0)
    if held is None or max(counts) > len(training):
        raise ConfigError(
            f"--curve: {data.path} has {len(training)} paths to train on; asked for {max(counts)}"
        )
    shuffled = training.subset(np.random.default_rng(0).permutation(len(training)))
    data_hash, rows = file_hash(data.path), []
    for count in sorted(counts):
        measured, made, seconds = {}, {}, {}
        for name, own, measure in _kinds(config, pca or read_config("pca_dnn")):
            chosen = budgeted(own, count, updates)
            folder = out / f"{name}-{count}"
            key = {"config": asdict(chosen), "data_sha256": data_hash, "paths": count}
            found = _known(folder / "errors.json", key)
            if found is None:
                begun = time.monotonic()
                answer = measure(shuffled.subset(slice(0, count)), held, chosen, folder)
                found = {"errors": answer, "seconds": time.monotonic() - begun}
                write_text_atomic(folder / "errors.json", json.dumps({"key": key, **found}) + "\n")
            measured |= found["errors"]
            made[name], seconds[name] = chosen.epochs * -(-count // chosen.batch), found["seconds"]
        rows.append({"paths": count, "updates": made, "seconds": seconds, "errors": measured})
        _write(rows, out)
        print(table(rows)[-1], flush=True)
    return rows


def _kinds(config: YieldSurfaceConfig, pca: TrainConfig) -> list[tuple[str, Any, Callable[..., Any]]]:
    """Name, configuration, and what trains and measures, of both kinds."""
    return [("surface", config, surface_errors), ("pca", pca, pca_errors)]


def _known(path: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a finished training of this very kind measured."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if content.get("key") == json.loads(json.dumps(key)) else None


def table(rows: list[Row]) -> list[str]:
    """Errors in per cent as a Markdown table: total / deviatoric."""
    names = list(rows[0]["errors"])
    lines = ["| paths | " + " | ".join(f"{name}, total / deviatoric" for name in names) + " | seconds |"]
    lines.append("| --- |" + " --- |" * (len(names) + 1))
    for row in rows:
        words = [" / ".join(f"{100 * row['errors'][n][part]:.3g}" for part in PARTS) for n in names]
        seconds = " + ".join(f"{value:.0f}" for value in row["seconds"].values())
        lines.append(f"| {row['paths']} | " + " | ".join(words) + f" | {seconds} |")
    return lines


def _write(rows: list[Row], out: Path) -> None:
    write_text_atomic(out / "learning_curve.json", json.dumps(rows, indent=1) + "\n")
    write_text_atomic(out / "learning_curve.md", "\n".join(table(rows)) + "\n")
    paths = np.array([row["paths"] for row in rows], float)
    series = {}
    for name in rows[0]["errors"]:
        for part, dash in (("deviatoric", ""), ("total", "-")):
            values = np.array([100 * row["errors"][name][part] for row in rows])
            series[f"{dash}{name}, {part}"] = (paths, values)
    curves(series, ("training paths", "error on held-back paths, %"), out / "learning_curve.png", "pairs xy")
