"""From the arrays that `cae/read_odb.py` took out of an output database to a result file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import PybridgeError
from pybridge.results.schema import Field
from pybridge.results.writer import FrameData, MeshData, ResultWriter

NEEDED = ("node_labels", "coordinates", "element_labels", "element_type", "connectivity", "time", "U", "S")
ENERGIES = {
    "ALLKE": "kinetic", "ALLIE": "internal", "ALLPD": "plastic", "ALLVD": "viscous", "ALLAE": "hourglass",
    "ALLFD": "contact", "ALLWK": "external", "ETOTAL": "total",
}  # fmt: skip
# Derivatives of the shape functions at the middle of an element, by the parent coordinates: (corners, 3) or (corners, 2).
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
    mesh = MeshData(coordinates, arrays["node_labels"], arrays["element_labels"], ((kind, cells),), flat)
    writer = ResultWriter(target, overwrite=overwrite)
    writer.create(mesh, f"{source.stem}, Abaqus", {"source": str(source.name), "solver": "Abaqus"})
    history = _history(arrays)
    for k, time in enumerate(arrays["time"]):
        writer.append(_frame(arrays, k, float(time), coordinates, cells, flat), history)
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
    if cells.ndim != 2 or len(cells) != elements or cells.shape[1] not in _CORNERS or cells.max() >= nodes:
        raise PybridgeError(
            f"{source}: connectivity {cells.shape} does not fit {elements} elements of 8 or 4 nodes"
        )
    return arrays


def _frame(
    arrays: dict[str, NDArray], k: int, time: float, coordinates: NDArray, cells: NDArray, flat: bool
) -> FrameData:
    node: dict[str, NDArray] = {}
    for name, key in (("displacement", "U"), ("velocity", "V")):
        if key in arrays:
            node[name] = np.zeros((len(coordinates), 3))
            node[name][:, : arrays[key].shape[2]] = arrays[key][k]
    stress = arrays["S"][k]
    mean = stress[:, :3].mean(1)
    deviator = stress - np.concatenate([np.repeat(mean[:, None], 3, 1), np.zeros((len(mean), 3))], axis=1)
    element: dict[str, Any] = {
        "stress": stress,
        "mises": np.sqrt(1.5 * (deviator**2 * [1, 1, 1, 2, 2, 2]).sum(1)),
        "pressure": -mean,
        **_strains(coordinates, node["displacement"], cells, flat),
    }
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


def _strains(x: NDArray, u: NDArray, cells: NDArray, flat: bool) -> dict[str, NDArray]:
    """The paper's deviatoric and volumetric strain at the middle of each element (pybridge/results/schema.py)."""
    derivative = _CORNERS[cells.shape[1]]
    axes = derivative.shape[1]
    reference, current = x[cells][:, :, :axes], (x + u)[cells][:, :, :axes]
    jacobian = np.einsum("eai,aj->eij", reference, derivative)
    gradient = np.tile(np.eye(3), (len(cells), 1, 1))
    gradient[:, :axes, :axes] = np.einsum("eai,aj->eij", current, derivative) @ np.linalg.inv(jacobian)
    if flat:  # the hoop
        gradient[:, 2, 2] = current[:, :, 0].mean(1) / reference[:, :, 0].mean(1)
    det = np.linalg.det(gradient)
    isochoric = np.swapaxes(gradient, 1, 2) @ gradient / np.cbrt(det)[:, None, None] ** 2
    return {
        "deviatoric_strain": 0.5 * np.sqrt(((isochoric - np.eye(3)) ** 2).sum((1, 2))),
        "volumetric_strain": det - 1,
    }


def _history(arrays: dict[str, NDArray]) -> dict[str, NDArray]:
    if "history_time" not in arrays:
        return {"time": arrays["time"]}
    found = {ENERGIES[key]: arrays[f"history_{key}"] for key in ENERGIES if f"history_{key}" in arrays}
    return {"time": arrays["history_time"], **found}
