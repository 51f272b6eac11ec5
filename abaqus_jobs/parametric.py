"""[LIU22] Figs. 5 and 7: rods and plates at several velocities, aspect ratios and thicknesses, with one trained file; and how
the error against the fine scale grows toward the edge of the trained domain."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abaqus_jobs.study import run_study
from pybridge.errors import SolverError
from pybridge.report import write_text_atomic
from pybridge.results import Results, read_results
from pybridge.results.panel import plot_panel


@dataclass(frozen=True)
class Series:
    """One panel of a figure: runs of a problem that differ in one parameter; label: for people, "%g" the value."""

    name: str
    problem: str
    parameter: str
    values: tuple[float, ...]
    label: str
    scale: float = 1.0  # of the value in the label


# The paper prints no numbers; the middle values are those of its Figs. 4 and 6. Fig. 5 (b) keeps the height and varies the
# radius.
SERIES = (
    Series("rod_velocity", "taylor-anvil", "velocity", (100, 200, 300, 400), "V = %g m/s"),
    Series("rod_aspect", "taylor-anvil", "diameter", (2e-3, 1e-3, 0.5e-3), "D = %g mm", 1e3),
    Series("plate_velocity", "plate-impact", "velocity", (100, 200, 300), "V = %g m/s"),
    Series("plate_thickness", "plate-impact", "thickness", (2e-3, 1e-3, 0.5e-3), "H = %g mm", 1e3),
)


def run_name(series: Series, value: float) -> str:
    """Of a run in the study."""
    return f"{series.name}-{value * series.scale:g}"


def write_table(path: Path, model: Path, series: Sequence[Series], fixed: Mapping[str, Any]) -> None:
    """The runs as a table for `pybridge study`, through vumat_; `model` must stand beside it. fixed: other columns."""
    parameters = list(dict.fromkeys(one.parameter for one in series))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "problem", "material", "host", *parameters, *fixed])
    for one in series:
        for value in one.values:
            chosen = [f"{value:g}" if key == one.parameter else "" for key in parameters]
            writer.writerow(
                [run_name(one, value), one.problem, model.name, "vumat", *chosen, *fixed.values()]
            )
    write_text_atomic(path, text.getvalue())


def run_series(
    model: Path, out: Path, series: Sequence[Series] = SERIES, fixed: Mapping[str, Any] | None = None, *,
    threads: int | None = None, progress: bool = True,
) -> dict[str, Results]:  # fmt: skip
    """Run all of them as a study in `out`, draw a picture a series; results by run_name. Raises SolverError where one fails."""
    out.mkdir(parents=True, exist_ok=True)
    beside = out / "MAGNESIUM.pt"
    if not (beside.exists() and beside.read_bytes() == model.read_bytes()):
        beside.write_bytes(model.read_bytes())
    write_table(out / "table.csv", beside, series, fixed or {})
    for row in run_study(out / "table.csv", out, threads=threads, progress=progress):
        if row["error"]:
            raise SolverError(f"{row['name']}: {row['error']}")
    found = {}
    for one in series:
        names = [run_name(one, value) for value in one.values]
        found |= {name: read_results(out / "runs" / f"{name}.h5") for name in names}
        labels = [one.label % (one.scale * value) for value in one.values]
        plot_panel([found[name] for name in names], labels, out / f"{one.name}.png", ("mises",))
    return found


def largest_strain(results: Results) -> float:
    """Largest |U - I| at the middle of an element over the frames of a run of bricks: F = sum x_a dN_a/dX, U = sqrt(F^T F)."""
    corner = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1],
                       [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]) / 8.0  # fmt: skip
    largest = 0.0
    for frame in range(len(results.times)):
        now = results.mesh.coordinates + results.node("displacement", frame)
        for _, cells in results.mesh.blocks:
            before, after = (
                np.einsum("eai,ak->eik", x[cells], corner) for x in (results.mesh.coordinates, now)
            )
            largest = max(largest, float(_strain(after @ np.linalg.inv(before)).max()))
    return largest


def _strain(f: NDArray) -> NDArray:
    """|sqrt(F^T F) - I| of [n, 3, 3]."""
    return np.sqrt(((np.linalg.svd(f, compute_uv=False) - 1) ** 2).sum(-1))


ERRORS = {"error_mises": "von Mises stress", "error_stress_deviatoric": "deviator", "error_stress_total": "whole stress",
          "error_displacement": "displacement"}  # fmt: skip


def plot_errors(
    velocities: Sequence[float], figures: Sequence[Mapping[str, float]], shares: Sequence[float], path: Path
) -> Path:
    """Errors against the fine scale, and the share of points that were flagged, over the largest strain met as a share of the
    trained one."""
    from pybridge.results import figures as drawing

    plt = drawing._pyplot()
    with plt.rc_context(drawing._STYLE):
        figure, axes = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
        for key, label in ERRORS.items():
            axes.plot(shares, [100 * row[key] for row in figures], "o-", ms=4, label=label)
        flagged = [100 * row["share_of_points_flagged"] for row in figures]
        axes.plot(shares, flagged, "k:s", ms=3, label="points flagged")
        for velocity, share in zip(velocities, shares, strict=True):
            axes.annotate(
                f"{velocity:g} m/s",
                (share, axes.get_ylim()[1]),
                fontsize=7,
                rotation=90,
                ha="right",
                va="top",
            )
        axes.axvline(1.0, color="0.6", lw=0.8)
        axes.set(xlabel="largest |U − I| met, over the trained one", ylabel="%", ylim=(0, None))
        axes.legend(fontsize=7)
        return drawing._save(plt, figure, path)
