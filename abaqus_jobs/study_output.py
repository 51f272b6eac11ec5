"""What a parametric study ends in: one HDF5 file, one table, one picture."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pybridge.report import write_text_atomic
from pybridge.results import Results, read_results

FORMAT, FORMAT_VERSION = "pybridge-study", 1


def write_study(rows: list[dict[str, Any]], folder: Path, out: Path) -> None:
    """Write study.h5, study.csv and study.png from the rows and the result files of their runs."""
    complete = {row["name"]: read_results(folder / f"{row['name']}.h5") for row in rows if not row["error"]}
    _write_table(rows, out / "study.csv")
    _write_data(rows, complete, out / "study.h5")
    _draw(rows, complete, out / "study.png")


def _write_table(rows: list[dict[str, Any]], path: Path) -> None:
    columns = [*dict.fromkeys(key for row in rows for key in row if key != "error"), "error"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text_atomic(path, text.getvalue())


def _write_data(rows: list[dict[str, Any]], complete: dict[str, Results], path: Path) -> None:
    """A group a run: the mesh, all fields of the last frame, the histories; the row as attributes."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        with h5py.File(temporary, "w") as file:
            file.attrs.update({"format": FORMAT, "format_version": FORMAT_VERSION})
            for row in rows:
                group = file.create_group(row["name"])
                group.attrs["row"] = json.dumps(row)
                if row["name"] in complete:
                    _add_run(group, complete[row["name"]])
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _add_run(group: h5py.Group, results: Results) -> None:
    mesh = group.create_group("mesh")
    mesh["coordinates"], mesh["node_labels"] = results.mesh.coordinates, results.mesh.node_labels
    mesh["element_labels"] = results.mesh.element_labels
    for k, (kind, cells) in enumerate(results.mesh.blocks):
        mesh[f"block_{k}"] = cells
        mesh[f"block_{k}"].attrs["type"] = kind
    for kind, names, read in (
        ("node", results.node_fields, results.node), ("element", results.element_fields, results.element),
    ):  # fmt: skip
        for name in names:
            data = group.create_dataset(f"last/{kind}/{name}", data=read(name))
            data.attrs["unit"] = results.units.get(name, "")
    for name, values in results.history.items():
        data = group.create_dataset(f"history/{name}", data=values)
        data.attrs["unit"] = results.units.get(name, "")


def _draw(rows: list[dict[str, Any]], complete: dict[str, Results], path: Path) -> None:
    """Kinetic energy over time, and length and foot radius at the end, of every run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    for name, results in complete.items():
        kinetic = results.history["kinetic"]
        left.plot(results.history["time"] * 1e6, kinetic / max(float(np.max(kinetic)), 1e-300), label=name)
    left.set(xlabel="time, us", ylabel="kinetic energy, of the largest")
    if complete:
        left.legend(fontsize=7)
    done = [row for row in rows if not row["error"]]
    places = np.arange(len(done))
    for axes, key, title in (
        (middle, "final_length", "final length, mm"),
        (right, "foot_radius", "foot radius, mm"),
    ):
        axes.barh(places, [1e3 * row[key] for row in done])
        axes.set_yticks(places, [row["name"] for row in done], fontsize=7)
        axes.set_xlabel(title)
        axes.invert_yaxis()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".png")
    os.close(handle)
    try:
        figure.savefig(temporary, dpi=130)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
