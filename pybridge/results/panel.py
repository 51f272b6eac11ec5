"""Several runs side by side, a row a run and a column a field: the picture of a comparison of materials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pybridge.results import figures
from pybridge.results.reader import Results
from pybridge.results.slices import axial_cut


def plot_panel(
    runs: Sequence[Results], names: Sequence[str], path: Path, fields: Sequence[str], frame: int = -1
) -> Path:
    """Axial cuts of the deformed shape at one frame. A column has one colour scale, so that rows can be compared."""
    plt = figures._pyplot()
    cuts = [axial_cut(run.mesh, run.node("displacement", frame)) for run in runs]
    width, height = figures._size(cuts[0])
    with plt.rc_context(figures._STYLE):
        figure, grid = plt.subplots(
            len(runs), len(fields), squeeze=False, sharex=True, sharey=True, layout="constrained",
            figsize=(min(len(fields) * width * 0.75, 13.0), len(runs) * height * 0.62 + 0.8),
        )  # fmt: skip
        for column, field in enumerate(fields):
            values = [figures.values_of(run, field, frame) for run in runs]
            limits = figures._limits(np.concatenate([v for v, _ in values]))
            mappable = None
            for row, (cut, name) in enumerate(zip(cuts, names, strict=True)):
                axes = grid[row, column]
                mappable = figures._draw_cut(axes, cut, values[row][0], limits)
                if column == 0:
                    axes.set_ylabel(f"{name}\n{axes.get_ylabel()}")
                axes.label_outer()
            figure.colorbar(
                mappable, ax=grid[:, column], location="bottom", shrink=0.8, pad=0.02,
                label=figures._label(field, values[0][1]),
            )  # fmt: skip
        figure.suptitle(
            f"{figures._short(runs[-1])}, t = {figures._time(runs[-1].times[frame])}", fontsize=10
        )
        return figures._save(plt, figure, path)
