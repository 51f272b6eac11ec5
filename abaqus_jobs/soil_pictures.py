"""Pictures of biaxial tests: pressure and volume over strain, deviatoric strain at the Gauss points."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from abaqus_jobs.soil_runs import Run
from abaqus_jobs.soil_wall import WallTest


def _plots() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _save(figure: Any, file: Path) -> Path:
    trial = file.with_name(f".{file.stem}.{os.getpid()}.png")
    figure.savefig(trial, dpi=110)
    _plots().close(figure)
    os.replace(trial, file)
    return file


def curves(runs: dict[str, Run], file: Path) -> Path:
    """Pressure under the top and volume strain over axial strain; the first run in black."""
    figure, axes = _plots().subplots(1, 2, figsize=(10, 4), layout="constrained")
    for k, (name, r) in enumerate(runs.items()):
        style: dict[str, Any] = {"color": "k"} if k == 0 else {"color": f"C{k - 1}", "ls": "--"}
        strain = 100 * r.test.strain * r.load
        axes[0].plot(strain, r.pressure / 1e3, label=name, **style)
        weights = r.problem.mesh.weights
        volume = (r.strain[:, 0] + r.strain[:, 1]) @ weights / weights.sum()
        axes[1].plot(strain, 100 * volume, **style)
    wall = isinstance(next(iter(runs.values())).test, WallTest)
    along = "way of the wall over the width, %" if wall else "axial strain, %"
    axes[0].set(xlabel=along, ylabel=f"pressure {'of the wall' if wall else 'under the top'}, kPa")
    axes[1].set(xlabel=along, ylabel="volume strain, %")
    axes[0].legend()
    return _save(figure, file)


def fields(runs: dict[str, Run], file: Path) -> Path:
    """Deviatoric strain at the Gauss points where the run that reached least ended; flagged points are ringed in all but
    the first run, whose packings have flags of another meaning."""
    rings = list(runs)[1:]
    both = min(r.load[-1] for r in runs.values())
    shown = {name: (r, r.at(both)) for name, r in runs.items()}
    values = {name: 100 * r.deviatoric(k) for name, (r, k) in shown.items()}
    top = float(next(iter(values.values())).max())
    test = next(iter(runs.values())).test
    flat = test.width > test.height
    shape, size = ((len(runs), 1), (6.5, 3 * len(runs))) if flat else ((1, len(runs)), (3.1 * len(runs), 5.6))
    figure, axes = _plots().subplots(*shape, figsize=size, layout="constrained", sharex=True, sharey=True)
    image: Any = None
    for axis, (name, (r, k)) in zip(np.atleast_1d(axes), shown.items(), strict=True):
        mesh = r.problem.mesh
        moved = mesh.coordinates + mesh.displacement(r.displacement[k])
        size = 260 * 8 / mesh.points * 4
        ring = np.where(r.flagged[k], "r", "none") if name in rings else "none"
        image = axis.scatter(
            *moved,
            c=values[name],
            s=size,
            marker="s",
            vmin=0,
            vmax=top,
            cmap="viridis",
            edgecolors=ring,
            lw=0.6,
        )
        axis.set(title=name, aspect="equal", xlabel="m")
    figure.colorbar(image, ax=axes, label="deviatoric strain, %")
    return _save(figure, file)
