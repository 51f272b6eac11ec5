"""Active resampling ([GUAN22] 3.4.2): strain paths of points of a run with a network, answered by packings.

The run is a result file of `pybridge run` (or of `pybridge odb`) with plane-strain elements: strains at the integration
points come from the displacements of its frames, those of an element flagged in the end from its field unreliable_so_far, or unreliable.
Or it is a history (.npz) of a coupled test, point by point and step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError
from pybridge.packing import open_material
from pybridge.results.reader import Results, read_results
from pybridge.solver.implicit import MaterialPoints
from pybridge.solver.implicit.mesh import ELEMENTS, block_mesh
from training.progress import progress_bar
from training.soil_sets import write_samples

FLAGS = ("unreliable_so_far", "unreliable")  # of our runs; the state variable, as an output database has it


@dataclass(frozen=True)
class Paths:
    """Of the points of a run: strain (points, times, 3) tensor components 11, 22, 12 from 0 on, flagged (times, points)."""

    strain: NDArray
    flagged: NDArray


def read_paths(file: Path, records: int | None = None) -> Paths:
    """From a result file (.h5) or a history (.npz); `records`: further ones on straight lines between those of the file, so
    that there are as many after the start. Raises DataSetError."""
    found = _of_results(file) if file.suffix != ".npz" else _of_history(file)
    if found.strain.shape[1] < 2:
        raise DataSetError(f"{file}: it holds the virgin state alone; expected a run that has moved")
    if records is None:
        return found
    given = found.strain.shape[1] - 1
    if records < given:
        raise DataSetError(f"records = {records}: expected {given}, as {file} holds, or more")
    place = np.linspace(0, given, records + 1)
    before = np.minimum(place.astype(int), given - 1)
    share = (place - before)[None, :, None]
    strain = (1 - share) * found.strain[:, before] + share * found.strain[:, before + 1]
    return Paths(strain, found.flagged[np.ceil(place - 1e-9).astype(int)])


def _of_history(file: Path) -> Paths:
    """`file` (.npz): load (records,), strain (records, 3, points; engineering shear), flagged (records, points), steps;
    whole steps are kept."""
    try:
        with np.load(file) as content:
            load, strain, flagged, steps = (content[k] for k in ("load", "strain", "flagged", "steps"))
    except (OSError, KeyError, ValueError) as error:
        raise DataSetError(f"{file}: expected the arrays load, strain, flagged, steps: {error}") from error
    reached = int(np.floor(load[-1] * steps + 1e-6))
    keep = [int(np.argmin(np.abs(load - k / steps))) for k in range(reached + 1)]
    return Paths(strain[keep].transpose(2, 0, 1) * np.array([1, 1, 0.5]), flagged[keep])


def _of_results(file: Path) -> Paths:
    """U - 1 of the polar decomposition F = R U at every point; of static runs, whose strains are small, sym(du/dX)."""
    results = read_results(file)
    static = results.provenance.get("procedure") == "static"
    if "displacement" not in results.node_fields:
        raise DataSetError(
            f"{file}: expected the nodal field displacement; it holds {', '.join(results.node_fields)}"
        )
    frames = range(len(results.times))
    displacement = np.array([results.node("displacement", k) for k in frames])
    if not np.isfinite(displacement).all():
        raise DataSetError(f"{file}: displacements that are not finite")
    strain, points = [], []
    for kind, cells in results.mesh.blocks:
        if not kind.startswith("CPE") or kind not in ELEMENTS:
            flat = ", ".join(k for k in ELEMENTS if k.startswith("CPE"))
            raise DataSetError(f"{file}: elements {kind}; learned soil is of plane strain: expected {flat}")
        mesh, nodes, dofs = block_mesh(kind, results.mesh.coordinates, results.mesh.node_labels, cells)
        u, of_block = np.zeros(mesh.size), []
        for moved in displacement:
            u[dofs] = moved[nodes, :2].T
            of_block.append(
                mesh.strain(u).T * [1, 1, 0.5] if static else _stretch(mesh.deformation_gradient(u))
            )
        strain.append(np.array(of_block).transpose(1, 0, 2))
        points.append(np.full(len(cells), mesh.points // len(cells)))
    return Paths(
        np.concatenate(strain), np.repeat(_flags(results, len(displacement)), np.concatenate(points), axis=1)
    )


def _stretch(f: NDArray) -> NDArray:
    """U - 1 (points, 3) of F (points, 2, 2): U = sqrt(C) = (C + sqrt(det C) 1) / sqrt(tr C + 2 sqrt(det C))."""
    c = f.transpose(0, 2, 1) @ f
    root = np.sqrt(np.linalg.det(c))
    u = (c + root[:, None, None] * np.eye(2)) / np.sqrt(np.trace(c, axis1=1, axis2=2) + 2 * root)[
        :, None, None
    ]
    return np.stack([u[:, 0, 0] - 1, u[:, 1, 1] - 1, u[:, 0, 1]], axis=1)


def _flags(results: Results, frames: int) -> NDArray:
    """(frames, elements); none where the file has no such field."""
    name = next((name for name in FLAGS if name in results.element_fields), None)
    if name is None:
        return np.zeros((frames, len(results.mesh.element_labels)), bool)
    return np.array([results.element(name, k) for k in range(frames)]) > 0


def flagged_points(flagged: NDArray, count: int) -> NDArray:
    """At most `count` of the points flagged in the end, evenly over the order in which they were flagged.
    flagged (records, points)."""
    chosen = np.flatnonzero(flagged[-1])
    order = chosen[np.argsort(flagged[:, chosen].argmax(axis=0), kind="stable")]
    return order[np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))]


def label(packing: str, strain: NDArray, threads: int = 1, quiet: bool = True) -> dict[str, NDArray]:
    """What packings answer to strains (paths, times, 3) of tensor components, from 0: strain, stress, stiffness of the
    paths that came to their end, and `path`, their numbers."""
    points = MaterialPoints(open_material(packing), len(strain), threads)
    failed = np.zeros(len(strain), bool)
    stress, stiffness = [], []
    with progress_bar(quiet) as bar:
        line = bar.add_task(f"{len(strain)} packings", total=strain.shape[1], note="")
        for eps in strain.transpose(1, 2, 0):
            points.trial(eps * np.array([1, 1, 2])[:, None])
            failed |= points.status >= 2
            stress.append(points.stress)
            stiffness.append(points.stiffness()[np.triu_indices(3)])
            points.accept()
            bar.update(line, advance=1, note=f"{failed.sum()} failed" if failed.any() else "")
    found = {
        "strain": strain,
        "stress": np.array(stress).transpose(2, 0, 1),
        "stiffness": np.array(stiffness).transpose(2, 0, 1),
    }
    return {name: value[~failed] for name, value in found.items()} | {"path": np.flatnonzero(~failed)}


def resample(
    out: Path, run: Path, *, packing: str, points: int | None, threads: int = 1, records: int | None = None,
    tell: Callable[[str], None] = print, quiet: bool = True,
) -> None:  # fmt: skip
    """Write a data set of the paths of at most `points` flagged points of a run, None: of every point, flagged or not, as of
    a run with packings ([GUAN22] FEM-ML 2). Each path is a run of its own. `records`: as of read_paths().
    Raises DataSetError where nothing is flagged, no packing comes to the end of a path, or the file is not such a run."""
    paths = read_paths(Path(run), records)
    total = paths.strain.shape[0]
    chosen = np.arange(total) if points is None else flagged_points(paths.flagged, points)
    if len(chosen) == 0:
        raise DataSetError(f"{run}: no point was flagged: the network knows these paths, nothing to add")
    found = label(packing, paths.strain[chosen], threads, quiet)
    if len(found["path"]) == 0:
        raise DataSetError(
            f"{run}: the packing failed on all {len(chosen)} paths; give it wider guards ({packing},overlap_max=0.5,"
            "steps_max=200000), or more --records where the run has few frames"
        )
    if len(found["path"]) < len(chosen):
        tell(
            f"{len(chosen) - len(found['path'])} of {len(chosen)} paths left out: the packing failed on them"
        )
    kind = "paths of all points" if points is None else "paths of flagged points"
    source: dict[str, Any] = {"source": kind, "packing": packing, "points": [int(i) for i in chosen]}
    write_samples(out, packing, found, found.pop("path"), source)
    of = "points" if points is None else f"{int(paths.flagged[-1].sum())} flagged points"
    steps = paths.strain.shape[1] - 1
    tell(f"{len(found['strain'])} {'' if points is None else 'of '}{of} added, {steps} steps each")
