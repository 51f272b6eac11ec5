"""From the arrays that `cae/read_odb.py` took out of an output database to a result file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.model import ELEMENT_NODES
from pybridge.errors import PybridgeError
from pybridge.results.measures import strain_measures, stress_measures
from pybridge.results.schema import Field
from pybridge.results.writer import FrameData, MeshData, ResultWriter
from pybridge.solver.implicit.mesh import ELEMENTS, block_mesh

Gradients = Callable[[NDArray], tuple[NDArray, NDArray]]

NEEDED = ("node_labels", "coordinates", "element_labels", "element_type", "connectivity", "time", "U", "S")
ENERGIES = {
    "ALLKE": "kinetic", "ALLIE": "internal", "ALLPD": "plastic", "ALLVD": "viscous", "ALLAE": "hourglass",
    "ALLFD": "contact", "ALLWK": "external", "ETOTAL": "total",
}  # fmt: skip
# C3D8R, CAX4R: derivatives of the shape functions at the middle of an element, by the parent coordinates: (corners, 3) or (corners, 2).
_CORNERS = {
    8: np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]) / 8,
    4: np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 4,
}  # fmt: skip


def write_result(source: Path, target: Path, *, overwrite: bool = False) -> int:
    """Write a result file; returns the number of frames. Raises PybridgeError: arrays missing or that do not fit."""
    arrays = _load(source)
    coordinates = np.zeros((len(arrays["node_labels"]), 3))
    given = arrays["coordinates"]
    coordinates[:, : given.shape[1]] = given
    kind, cells = str(arrays["element_type"]), arrays["connectivity"]
    flat = kind.startswith("CAX")
    gradients = _gradients(kind, coordinates, arrays["node_labels"], cells)
    mesh = MeshData(coordinates, arrays["node_labels"], arrays["element_labels"], ((kind, cells),), flat)
    writer = ResultWriter(target, overwrite=overwrite)
    writer.create(mesh, f"{source.stem}, Abaqus", {"source": str(source.name), "solver": "Abaqus"})
    history = _history(arrays)
    for k, time in enumerate(arrays["time"]):
        writer.append(_frame(arrays, k, float(time), gradients), history)
    writer.finish(history, complete=True)
    return len(arrays["time"])


def _load(source: Path) -> dict[str, NDArray]:
    try:
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise PybridgeError(f"{source}: expected arrays (.npz) written by read_odb.py: {error}") from error
    if missing := [name for name in NEEDED if name not in arrays]:
        raise PybridgeError(
            f"{source}: no {', '.join(missing)}; ask for U and S in the deck's field output and read the database again"
        )
    nodes, elements, frames = (len(arrays[n]) for n in ("node_labels", "element_labels", "time"))
    for name, count in (("U", nodes), ("V", nodes), ("S", elements), ("PEEQ", elements)):
        if name in arrays and arrays[name].shape[:2] != (frames, count):
            raise PybridgeError(
                f"{source}: {name} has shape {arrays[name].shape}; expected {frames} frames of {count} values"
            )
    cells = arrays["connectivity"]
    kind = str(arrays["element_type"])
    if kind not in ELEMENT_NODES:
        raise PybridgeError(f"{source}: elements {kind}; expected one of {', '.join(ELEMENT_NODES)}")
    if cells.shape != (elements, ELEMENT_NODES[kind]) or cells.min() < 0 or cells.max() >= nodes:
        raise PybridgeError(
            f"{source}: connectivity {cells.shape} does not fit {elements} elements {kind} of {ELEMENT_NODES[kind]} nodes"
        )
    return arrays


def _frame(arrays: dict[str, NDArray], k: int, time: float, gradients: Gradients) -> FrameData:
    node: dict[str, NDArray] = {}
    for name, key in (("displacement", "U"), ("velocity", "V")):
        if key in arrays:
            node[name] = np.zeros((len(arrays["node_labels"]), 3))
            node[name][:, : arrays[key].shape[2]] = arrays[key][k]
    stress = arrays["S"][k]
    f, weight = gradients(node["displacement"])
    element: dict[str, Any] = {"stress": stress, **stress_measures(stress)}
    for name, values in strain_measures(f).items():
        element[name] = (values.reshape(len(stress), -1) * weight).sum(axis=1)
    known: dict[str, Field] = {}
    for key, values in arrays.items():
        if key == "PEEQ":
            element["equivalent_plastic_strain"] = values[k, :, 0]
            known["equivalent_plastic_strain"] = Field("1", "PEEQ of Abaqus")
        elif key.startswith("SDV"):
            name = key.removeprefix("SDV_").lower()
            element[name] = values[k, :, 0]
            known[name] = Field("", f"{key} of Abaqus")
    return FrameData(time, node, element, known)


def _gradients(kind: str, x: NDArray, labels: NDArray, cells: NDArray) -> Gradients:
    """Deformation gradients at the points of each element, and the points' shares of it."""
    if kind in ELEMENTS:
        mesh, nodes, dofs = block_mesh(kind, x, labels, cells)
        weight = mesh.weights.reshape(len(cells), -1)

        def inside(u: NDArray) -> tuple[NDArray, NDArray]:
            local, f = np.zeros(mesh.size), np.tile(np.eye(3), (mesh.points, 1, 1))
            local[dofs] = u[nodes, : mesh.dim].T
            f[:, : mesh.dim, : mesh.dim] = mesh.deformation_gradient(local)
            return f, weight / weight.sum(axis=1, keepdims=True)

        return inside
    derivative = _CORNERS[cells.shape[1]]
    axes = derivative.shape[1]
    reference = x[cells][:, :, :axes]
    inverse = np.linalg.inv(np.einsum("eai,aj->eij", reference, derivative))

    def centre(u: NDArray) -> tuple[NDArray, NDArray]:
        current, f = (x + u)[cells][:, :, :axes], np.tile(np.eye(3), (len(cells), 1, 1))
        f[:, :axes, :axes] = np.einsum("eai,aj->eij", current, derivative) @ inverse
        if kind.startswith("CAX"):  # the hoop
            f[:, 2, 2] = current[:, :, 0].mean(1) / reference[:, :, 0].mean(1)
        return f, np.ones((len(cells), 1))

    return centre


def _history(arrays: dict[str, NDArray]) -> dict[str, NDArray]:
    if "history_time" not in arrays:
        return {"time": arrays["time"]}
    found = {ENERGIES[key]: arrays[f"history_{key}"] for key in ENERGIES if f"history_{key}" in arrays}
    return {"time": arrays["history_time"], **found}
