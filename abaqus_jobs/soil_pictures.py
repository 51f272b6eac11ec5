"""Pictures of biaxial tests: pressure and volume over strain, deviatoric strain at the Gauss points."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import skfem
from numpy.typing import NDArray

from abaqus_jobs.soil_runs import Run
from abaqus_jobs.soil_wall import WallTest
from pybridge.solver.implicit.mesh import ImplicitMesh


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


def quarters(run: Run, record: int) -> NDArray:
    """(points, 4, 2) corners of the quarter of its element that each of 2 x 2 points stands in, as displaced, m."""
    mesh = run.problem.mesh
    grid = np.array([[i / 2, j / 2] for j in range(3) for i in range(3)]).T
    probe = ImplicitMesh(
        mesh.kind, skfem.Basis(mesh.mesh, mesh.basis.elem, quadrature=(grid, np.full(9, 1 / 9)))
    )
    moved = probe.coordinates + probe.displacement(run.displacement[record])
    places = moved.T.reshape(-1, 9, 2)
    column, row = (np.asarray(mesh.basis.X) > 0.5).astype(int)  # (4,) of the points in the element
    corners = (3 * row + column)[:, None] + np.array([0, 1, 4, 3])
    return places[:, corners].reshape(-1, 4, 2)


def fields(runs: dict[str, Run], file: Path) -> Path:
    """Deviatoric strain where the run that reached least ended, a quarter of an element for every Gauss point; flagged
    points are ringed in all but the first run, whose packings have flags of another meaning."""
    from matplotlib.collections import PolyCollection

    both = min(r.load[-1] for r in runs.values())
    shown = {name: (r, r.at(both)) for name, r in runs.items()}
    first, last = next(iter(shown.values()))
    top = 100 * float(first.deviatoric(last).max())
    flat, n = first.test.width > first.test.height, len(runs)
    shape, size = ((n, 1), (7, 0.6 + 2.8 * n)) if flat else ((1, n), (1.4 + 2.5 * n, 5.4))
    figure, axes = _plots().subplots(*shape, figsize=size, layout="compressed", sharex=True, sharey=True)
    image: Any = None
    for place, (axis, (name, (r, k))) in enumerate(zip(np.atleast_1d(axes), shown.items(), strict=True)):
        cells = quarters(r, k)
        image = PolyCollection(
            list(cells), array=100 * r.deviatoric(k), cmap="viridis", clim=(0, top), edgecolors="face", lw=0.3
        )
        axis.add_collection(image)
        if place > 0:
            ringed = cells[r.flagged[k]]
            inside = 0.84 * ringed + 0.16 * ringed.mean(axis=1, keepdims=True)
            axis.add_collection(PolyCollection(list(inside), facecolors="none", edgecolors="r", lw=0.7))
        axis.autoscale_view()
        axis.set(title=fill(name, 60 if flat else 22), aspect="equal", xlabel="m")
        axis.label_outer()
    figure.colorbar(image, ax=axes, label="deviatoric strain, %")
    return _save(figure, file)
