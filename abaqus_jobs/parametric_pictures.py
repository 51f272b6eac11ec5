"""Pictures of a parametric study: the von Mises stress of every run, on one scale, in panels of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pybridge.results import Results, figures
from pybridge.results.slices import axial_cut

Column = tuple[str, Sequence[tuple[str, Results]]]  # "(a) velocity", then label and run of each panel
Window = tuple[tuple[float, float], tuple[float, float]]  # mm: across, along the axis
ROD: Window = ((-1.35, 1.35), (-0.1, 3.4))  # the waves of 1 us
PLATE: Window = ((-6.0, 6.0), (-2.2, 0.6))


def plot_series(columns: Sequence[Column], path: Path, window: Window, upright: bool) -> Path:
    """Axial cuts at the last frame; the runs of a column beside each other (`upright`) or above each other."""
    plt = figures._pyplot()
    every = [figures.values_of(run, "mises", -1)[0] for _, runs in columns for _, run in runs]
    limits = (0.0, float(max(values.max() for values in every)))
    most = max(len(runs) for _, runs in columns)
    with plt.rc_context({**figures._STYLE, "font.size": 8}):
        if upright:
            count = sum(len(runs) for _, runs in columns)
            figure = plt.figure(figsize=(1.25 * count + 0.8, 2.75), layout="constrained")
            parts = figure.subfigures(1, len(columns), width_ratios=[len(runs) for _, runs in columns])
        else:
            figure = plt.figure(figsize=(4.2 * len(columns), 1.25 * most + 0.9), layout="constrained")
            parts = figure.subfigures(1, len(columns))
        mappable = None
        for part, (title, runs) in zip(np.atleast_1d(parts), columns, strict=True):
            part.suptitle(title, fontsize=9)
            shape = (1, len(runs)) if upright else (most, 1)
            axes = part.subplots(*shape, sharex=True, sharey=True, squeeze=False).ravel()
            for place, (label, run) in zip(axes, runs, strict=False):
                mappable = _panel(place, label, run, limits, window)
            for place in axes[len(runs) :]:
                place.set_axis_off()
            bar = part.colorbar(mappable, ax=list(axes), location="bottom", shrink=0.8, aspect=40, pad=0.02)
            bar.set_label("von Mises stress (MPa)")
        return figures._save(plt, figure, path)


def _panel(place: Any, label: str, run: Results, limits: tuple[float, float], window: Window) -> Any:
    values, _ = figures.values_of(run, "mises", -1)
    found = figures._draw_cut(place, axial_cut(run.mesh, run.node("displacement", -1)), values, limits)
    place.set(xlim=window[0], ylim=window[1])
    place.set_title(label, fontsize=8)
    place.label_outer()
    return found


ERRORS: Mapping[str, str] = {
    "error_mises": "von Mises stress", "error_stress_deviatoric": "deviator", "error_stress_total": "whole stress",
    "error_displacement": "displacement",
}  # fmt: skip


def plot_errors(
    labels: Sequence[str], rows: Sequence[Mapping[str, float]], shares: Sequence[float], path: Path
) -> Path:
    """Errors against the fine scale and the share of points flagged, over the largest strain met as a share of the trained
    one."""
    plt = figures._pyplot()
    points = sorted(zip(shares, labels, rows, strict=True), key=lambda point: point[0])
    places = [share for share, _, _ in points]
    with plt.rc_context(figures._STYLE):
        figure, axes = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
        for key, label in ERRORS.items():
            axes.plot(places, [100 * row[key] for _, _, row in points], "o-", ms=4, label=label)
        flagged = [100 * row["share_of_points_flagged"] for _, _, row in points]
        axes.plot(places, flagged, "k:s", ms=3, label="points flagged")
        axes.axvline(1.0, color="0.6", lw=0.8)
        axes.set(xlabel="largest |U − I| met, over the trained one", ylabel="%", ylim=(0, None))
        axes.secondary_xaxis("top").set_ticks(places, [label for _, label, _ in points], fontsize=7)
        axes.legend(fontsize=7)
        return figures._save(plt, figure, path)
