"""The front of error against cost: many trainings with other modes and widths, one table and one picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pybridge.report import write_text_atomic
from training.config import TrainConfig
from training.datasets import DataSet
from training.measures import errors
from training.pictures import curves
from training.train import split, train

CASES = ((8, 64), (16, 64), (16, 128), (24, 128), (24, 192), (32, 256), (64, 500), (100, 1000))


def front_case(data: DataSet, config: TrainConfig, modes: int, width: int, out: Path) -> dict[str, Any]:
    """Train one case (or take it up where it stopped) and measure it on the held-back paths."""
    import time

    changed = replace(config, modes_in=modes, modes_out=modes, width=width)
    start = time.perf_counter()
    model = train(data, changed, out / f"modes{modes}-width{width}")
    seconds = time.perf_counter() - start
    test = split(data, config.validation_fraction, config.seed)[1] or data
    few = test.subset(slice(0, 100))
    whole = errors(model.history(test.time, test.strain), test.stress)
    held = errors(model.in_solver(few.time, few.strain), few.stress)
    return {
        "modes": modes, "width": width, "multiply_adds": model.multiply_adds, "state": 6 * modes + 1,
        "whole": whole.to_dict(), "held": held.to_dict(), "seconds": seconds,
    }  # fmt: skip


def front(data: DataSet, config: TrainConfig, out: Path, cases: tuple[tuple[int, int], ...] = CASES) -> int:
    """All cases; writes front.json, front.md and front.png into `out`. Finished cases are not trained again."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for modes, width in cases:
        rows.append(front_case(data, config, modes, width, out))
        write_text_atomic(out / "front.json", json.dumps(rows, indent=1) + "\n")
    lines = [
        "| modes a component, width | multiply-adds a point | state | whole path known, total / deviatoric / volumetric % | in the solver, held | s to train |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        three = [
            " / ".join(f"{100 * (row[key][part] or 0):.2f}" for part in ("total", "deviatoric", "volumetric"))
            for key in ("whole", "held")
        ]
        lines.append(
            f"| {row['modes']}, {row['width']} | {row['multiply_adds']} | {row['state']} | {three[0]} | {three[1]} | {row['seconds']:.0f} |"
        )
    write_text_atomic(out / "front.md", "\n".join(lines) + "\n")
    print("\n".join(lines))
    cost = np.array([row["multiply_adds"] for row in rows])
    series = {
        f"{label}, {part}": (cost, 100 * np.array([row[key][part] for row in rows]))
        for key, label in (("whole", "whole path known"), ("held", "in the solver"))
        for part in ("total", "deviatoric")
    }
    curves(series, ("multiply-adds a point", "error, %"), out / "front.png", "xy")
    return 0
