"""Error against the number of training paths, for the learned yield surface and for PCA + DNN, in one picture.

  pybridge train DATA.h5 --curve 100,200,400,800 --out runs/curve

Both learn from the first paths of one random order and are judged on the same held-back paths: the yield surface by its
answer in the solver, PCA + DNN with the whole path known and, as in the solver, with the future held. Each training makes
as many updates as its configuration's passes over UPDATES_OF paths, so that few paths are not trained less.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pybridge.errors import ConfigError
from pybridge.report import write_text_atomic
from training.config import read_config
from training.datasets import DataSet
from training.measures import errors
from training.pictures import curves
from training.train import split
from training.train import train as train_pca
from training.yield_surface_config import YieldSurfaceConfig
from training.yield_surface_measure import from_surrogate, protocol_errors
from training.yield_surface_train import train as train_surface

HELD_BACK = 0.1
UPDATES_OF = 3200


def one_count(
    data: DataSet, held: DataSet, count: int, config: YieldSurfaceConfig, out: Path
) -> dict[str, Any]:
    """Both surrogates trained on the first `count` paths (or taken up where they stopped), and their errors."""
    part = data.subset(slice(0, count))
    scale = UPDATES_OF / count
    surface = replace(config, epochs=max(1, round(config.epochs * scale)), validation_fraction=0.0)
    pca = read_config("pca_dnn")
    pca = replace(pca, epochs=max(1, round(pca.epochs * scale)), validation_fraction=0.0)
    learned = from_surrogate(train_surface(part, surface, out / f"surface-{count}"))
    model = train_pca(part, pca, out / f"pca-{count}")
    time, strain = held.common_time(), held.strain
    found = {
        "yield surface": protocol_errors(learned, held),
        "PCA + DNN, whole path known": errors(model.history(time, strain), held.stress).to_dict(),
        "PCA + DNN, in the solver": errors(model.in_solver(time, strain), held.stress).to_dict(),
    }
    return {"paths": count, **found}


def learning_curve(data: DataSet, counts: list[int], config: YieldSurfaceConfig, out: Path) -> list[dict]:
    """All counts; writes learning_curve.json, .md and .png into `out`. Raises ConfigError where there are too few
    paths."""
    training, held = split(data, HELD_BACK, 0)
    if held is None or max(counts) > len(training):
        raise ConfigError(
            f"--curve: {data.path} has {len(training)} paths to train on; asked for {max(counts)}"
        )
    shuffled = training.subset(np.random.default_rng(0).permutation(len(training)))
    rows = []
    for count in counts:
        rows.append(one_count(shuffled, held, count, config, out))
        write_text_atomic(out / "learning_curve.json", json.dumps(rows, indent=1) + "\n")
    names = [key for key in rows[0] if key != "paths"]
    lines = ["| paths | " + " | ".join(f"{name}, total / deviatoric %" for name in names) + " |"]
    lines.append("| --- |" + " --- |" * len(names))
    for row in rows:
        words = [f"{100 * row[n]['total']:.2f} / {100 * row[n]['deviatoric']:.2f}" for n in names]
        lines.append(f"| {row['paths']} | " + " | ".join(words) + " |")
    write_text_atomic(out / "learning_curve.md", "\n".join(lines) + "\n")
    print("\n".join(lines))
    paths = np.array([row["paths"] for row in rows], float)
    series = {
        f"{n}, deviatoric": (paths, np.array([100 * row[n]["deviatoric"] for row in rows])) for n in names
    }
    curves(series, ("training paths", "error, %"), out / "learning_curve.png", "xy")
    return rows
