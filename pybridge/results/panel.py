"""Several runs with several fields in one picture: that of a comparison of materials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pybridge.results import figures
from pybridge.results.reader import Results
from pybridge.results.slices import Polygons, axial_cut

UPRIGHT = 0.7  # width over height, below which a body is drawn beside others rather than above them
GAP = 0.15  # between fields, in widths of a body


def plot_panel(
    runs: Sequence[Results], names: Sequence[str], path: Path, fields: Sequence[str], frame: int = -1
) -> Path:
    """Axial cuts of the deformed shape at one frame. A field has one colour scale, so that runs can be compared.

    Upright bodies (rods) stand beside each other, those of a field together; flat ones (plates) stand above each other, a
    column a field.
    """
    plt = figures._pyplot()
    cuts = [axial_cut(run.mesh, run.node("displacement", frame)) for run in runs]
    wide, high = _extent(cuts)
    upright = wide < UPRIGHT * high
    with plt.rc_context(figures._STYLE):
        figure = plt.figure(figsize=_size(len(runs), len(fields), wide / high, upright), layout="constrained")
        grid = _grid(figure, len(runs), len(fields), upright)
        for column, field in zip(grid, fields, strict=True):
            _draw_field(figure, column, runs, cuts, names, field, frame, upright)
        title = f"{figures._short(runs[-1])}, t = {figures._time(runs[-1].times[frame])}"
        figure.suptitle(title, fontsize=10)
        return figures._save(plt, figure, path)


def _grid(figure: Any, runs: int, fields: int, upright: bool) -> list[list[Any]]:
    """Axes by field and run; between the fields of upright bodies there is a gap."""
    if not upright:
        return figure.subplots(runs, fields, squeeze=False, sharex=True, sharey=True).T.tolist()
    places = fields * (runs + 1) - 1
    widths = [GAP if (k + 1) % (runs + 1) == 0 else 1.0 for k in range(places)]
    row = figure.subplots(1, places, sharex=True, sharey=True, squeeze=False, width_ratios=widths)[0].tolist()
    for axes in row[runs :: runs + 1]:
        axes.set_axis_off()
    return [row[k : k + runs] for k in range(0, places, runs + 1)]


def _extent(cuts: Sequence[Polygons]) -> tuple[float, float]:
    """Width and height that hold every shape."""
    low = np.min([cut.corners.min((0, 1)) for cut in cuts], axis=0)
    high = np.max([cut.corners.max((0, 1)) for cut in cuts], axis=0)
    return float(high[0] - low[0]), float(high[1] - low[1])


def _size(runs: int, fields: int, ratio: float, upright: bool) -> tuple[float, float]:
    """Inches; shapes as large as a page's width lets them be."""
    if upright:
        height = 4.6
        return fields * (runs * (ratio * height + 0.25) + 0.3) + 0.5, height + 1.9
    width = min(4.4, 13.0 / fields)
    return fields * width, runs * (width / ratio + 0.35) + 1.6


def _draw_field(
    figure: Any, column: list[Any], runs: Sequence[Results], cuts: Sequence[Polygons], names: Sequence[str], field: str,
    frame: int, upright: bool,
) -> None:  # fmt: skip
    """One field of all runs with its colour bar."""
    from matplotlib.ticker import MaxNLocator

    values = [figures.values_of(run, field, frame) for run in runs]
    limits = figures._limits(np.concatenate([v for v, _ in values]))
    mappable = None
    for axes, cut, name, (numbers, _) in zip(column, cuts, names, values, strict=True):
        mappable = figures._draw_cut(axes, cut, numbers, limits)
        axes.set_title(name.replace(", ", ",\n") if upright else name, fontsize=8)
        axes.label_outer()
    figure.colorbar(
        mappable, ax=column, location="bottom", shrink=0.9, pad=0.02, aspect=30, ticks=MaxNLocator(4),
        label=figures._label(field, values[0][1]),
    )  # fmt: skip
