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

from abaqus_jobs.parametric_pictures import PLATE, ROD, plot_series
from abaqus_jobs.study import run_study
from pybridge.errors import SolverError
from pybridge.report import write_text_atomic
from pybridge.results import Results, read_results


@dataclass(frozen=True)
class Series:
    """One panel of a figure: runs of a problem that differ in one parameter; title, label: for people, "%g" the value."""

    name: str
    title: str
    problem: str
    parameter: str
    values: tuple[float, ...]
    label: str
    scale: float = 1.0  # of the value in the label


# The paper prints no numbers; the middle values are those of its Figs. 4 and 6. Fig. 5 (b) keeps the height and varies the
# radius.
SERIES = (
    Series("rod_velocity", "(a) velocity", "taylor-anvil", "velocity", (100, 200, 300, 400), "V = %g m/s"),
    Series(
        "rod_aspect",
        "(b) diameter, V = 200 m/s",
        "taylor-anvil",
        "diameter",
        (2e-3, 1e-3, 0.5e-3),
        "D = %g mm",
        1e3,
    ),
    Series("plate_velocity", "(a) velocity", "plate-impact", "velocity", (100, 200, 300), "V = %g m/s"),
    Series(
        "plate_thickness",
        "(b) thickness, V = 200 m/s",
        "plate-impact",
        "thickness",
        (2e-3, 1e-3, 0.5e-3),
        "H = %g mm",
        1e3,
    ),
)

PICTURES = {"taylor-anvil": ("rods.png", ROD, True), "plate-impact": ("plates.png", PLATE, False)}


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
    """Run all of them as a study in `out`, draw a picture of rods and one of plates; results by run_name. Raises SolverError where one fails."""
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
    for problem, (file, window, upright) in PICTURES.items():
        drawn = [one for one in series if one.problem == problem]
        columns = [
            (one.title, [(one.label % (one.scale * v), found[run_name(one, v)]) for v in one.values])
            for one in drawn
        ]
        if columns:
            plot_series(columns, out / file, window, upright)
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
