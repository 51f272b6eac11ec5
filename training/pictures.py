"""Pictures of trainings and evaluations. Each function takes arrays and writes one PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.atomic import atomic_path

COMPONENTS = ("11", "22", "33", "12", "23", "13")


def _axes(rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.0, 4.0)) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)
    plt.close(figure)


def learning_curve(curve: NDArray, path: Path) -> None:
    """Training and validation loss [n, 4] (epoch, training, validation, rate) on a logarithmic axis."""
    figure, axes = _axes()
    axis = axes[0, 0]
    axis.semilogy(curve[:, 0], curve[:, 1], label="training")
    if np.isfinite(curve[:, 2]).any():
        axis.semilogy(curve[:, 0], curve[:, 2], label="validation, whole path known")
    axis.set(xlabel="epoch", ylabel="loss: mean relative L2 error of the history")
    axis.grid(True, which="both", alpha=0.3)
    axis.legend()
    _save(figure, path)


def error_bars(names: Sequence[str], values: Mapping[str, Sequence[float]], path: Path) -> None:
    """Relative errors in per cent, grouped by protocol; `values` maps a label to one value a protocol."""
    figure, axes = _axes(size=(9.0, 4.0))
    axis, width = axes[0, 0], 0.8 / len(values)
    for k, (label, row) in enumerate(values.items()):
        axis.bar(
            np.arange(len(names)) + (k - 0.5 * (len(values) - 1)) * width,
            100 * np.asarray(row, float),
            width,
            label=label,
        )
    axis.set_xticks(range(len(names)), names)
    axis.set(ylabel="mean relative L2 error, %", yscale="log")
    axis.grid(True, axis="y", which="both", alpha=0.3)
    axis.legend(fontsize=8)
    _save(figure, path)


def histories(cases: Sequence[tuple[str, NDArray, NDArray, Mapping[str, NDArray]]], path: Path) -> None:
    """One row a case: strain components, then each stress component of truth and predictions.

    A case is (title, time [n_time], strain [n_time, 6], {label: stress [n_time, 6]}); the first label is drawn solid.
    """
    figure, axes = _axes(len(cases), 3, (13.0, 3.0 * len(cases)))
    for row, (title, time, strain, stresses) in zip(axes, cases, strict=True):
        for k in range(6):
            row[0].plot(time * 1e6, strain[:, k], color=f"C{k}", label=COMPONENTS[k])
            for style, (label, stress) in zip(("-", "--", ":"), stresses.items(), strict=False):
                dev = stress.copy()
                dev[:, :3] -= stress[:, :3].mean(1, keepdims=True)
                row[1].plot(
                    time * 1e6, stress[:, k] / 1e9, style, color=f"C{k}", label=label if k == 0 else None
                )
                row[2].plot(time * 1e6, dev[:, k] / 1e6, style, color=f"C{k}")
        row[0].set(title=title, xlabel="time, µs", ylabel="strain U − I")
        row[1].set(title="stress", xlabel="time, µs", ylabel="GPa")
        row[2].set(title="deviator", xlabel="time, µs", ylabel="MPa")
        row[0].legend(fontsize=7, ncols=2)
        row[1].legend(fontsize=7)
    _save(figure, path)


def curves(
    series: Mapping[str, tuple[NDArray, NDArray]], labels: tuple[str, str], path: Path, log: str = ""
) -> None:
    """Lines {label: (x, y)}; a label that starts with "-" is dashed; `log` names logarithmic axes ("x",
    "y", "xy"), and with "pairs" two lines each have one colour."""
    figure, axes = _axes(size=(9.0, 4.5) if len(series) > 8 else (6.0, 4.0))
    axis = axes[0, 0]
    for k, (label, (x, y)) in enumerate(series.items()):
        dashed = label.startswith("-")
        axis.plot(
            x,
            y,
            "--" if dashed else "-",
            color=f"C{k // 2}" if "pairs" in log else None,
            label=label.lstrip("-"),
            marker="o" if len(x) < 20 else None,
            ms=3,
        )
    if "x" in log:
        axis.set_xscale("log")
    if "y" in log:
        axis.set_yscale("log")
    axis.set(xlabel=labels[0], ylabel=labels[1])
    axis.grid(True, which="both", alpha=0.3)
    if "pairs" in log:  # many lines: no room within
        figure.legend(loc="outside upper center", ncols=min(len(series) // 2, 5), fontsize=6, handlelength=3)
    else:
        axis.legend(fontsize=7)
    _save(figure, path)


def pairs(
    panels: Sequence[tuple[str, Sequence[tuple[NDArray, NDArray, NDArray]]]],
    labels: tuple[str, str],
    path: Path,
) -> None:
    """Panels of (title, [(x, truth, prediction), …]): truth solid, prediction dashed in the same colour."""
    figure, axes = _axes(1, len(panels), (6.0 * len(panels), 4.0))
    for axis, (title, lines) in zip(axes[0], panels, strict=True):
        for k, (x, truth, predicted) in enumerate(lines):
            axis.plot(x, truth, "-", color=f"C{k}", label="fine scale" if k == 0 else None)
            axis.plot(x, predicted, "--", color=f"C{k}", label="learned" if k == 0 else None)
        axis.set(title=title, xlabel=labels[0], ylabel=labels[1])
        axis.grid(True, alpha=0.3)
        axis.legend(fontsize=8)
    _save(figure, path)
