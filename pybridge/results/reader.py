"""Reads a result file and checks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pybridge.errors import PybridgeError
from pybridge.results.schema import FORMAT, FORMAT_VERSION
from pybridge.results.writer import MeshData


class ResultFileError(PybridgeError):
    """A result file that is missing, of another format, or broken."""


@dataclass(frozen=True, eq=False)
class Results:
    """A result file, opened for reading; fields are read on demand."""

    path: Path
    title: str
    mesh: MeshData
    times: NDArray
    history: dict[str, NDArray]
    units: dict[str, str]
    node_fields: tuple[str, ...]
    element_fields: tuple[str, ...]
    complete: bool
    stopped: str
    provenance: dict[str, Any]

    def node(self, name: str, frame: int = -1) -> NDArray:
        """Node field (N, components) of a frame."""
        return self._field("node", name, frame, self.node_fields)

    def element(self, name: str, frame: int = -1) -> NDArray:
        """Element field (E,) or (E, components) of a frame."""
        return self._field("element", name, frame, self.element_fields)

    def frame_at(self, time: float) -> int:
        """The frame nearest to a time."""
        if not len(self.times):
            raise ResultFileError(f"{self.path}: it holds no frame yet")
        return int(np.abs(self.times - time).argmin())

    def _field(self, kind: str, name: str, frame: int, known: tuple[str, ...]) -> NDArray:
        if name not in known:
            raise ResultFileError(
                f"{self.path}: no {kind} field {name}; it holds {', '.join(known) or 'none'}"
            )
        count = len(self.times)
        if not -count <= frame < count:
            raise ResultFileError(
                f"{self.path}: no frame {frame}; it holds {count}, from 0 or from -1 backwards"
            )
        with h5py.File(self.path, "r") as handle:
            file: Any = handle
            return file[f"frames/{kind}/{name}"][frame % count]


def read_results(path: Path) -> Results:
    """Open a result file. Raises ResultFileError that says what was found and what was expected."""
    path = Path(path)
    if not path.is_file():
        raise ResultFileError(f"{path}: no such file; expected a result file (.h5) written by `pybridge run`")
    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except (OSError, KeyError, ValueError) as error:
        if isinstance(error, ResultFileError):
            raise
        raise ResultFileError(
            f"{path}: not a readable result file ({error}); expected HDF5 written by `pybridge run`"
        ) from error


def _read(path: Path, file: Any) -> Results:
    found = file.attrs.get("format")
    if found != FORMAT:
        raise ResultFileError(f"{path}: format {found}; expected {FORMAT}, a file written by `pybridge run`")
    version = int(file.attrs["format_version"])
    if version > FORMAT_VERSION:
        raise ResultFileError(
            f"{path}: format version {version}; this pybridge reads up to {FORMAT_VERSION}: use a newer one"
        )
    group, frames = file["mesh"], file["frames"]
    blocks = tuple(
        (str(group[f"block_{k}"].attrs["type"]), group[f"block_{k}/connectivity"][()])
        for k in range(sum(name.startswith("block_") for name in group))
    )
    mesh = MeshData(
        group["coordinates"][()], group["node_labels"][()], group["element_labels"][()], blocks,
        bool(file.attrs["axisymmetric"]),
    )  # fmt: skip
    _check_mesh(path, mesh)
    units = {
        name: str(data.attrs["unit"]) for kind in ("node", "element") for name, data in frames[kind].items()
    }
    units |= {name: str(data.attrs["unit"]) for name, data in file["history"].items()}
    times = frames["time"][()]
    for kind, count in (("node", len(mesh.coordinates)), ("element", len(mesh.element_labels))):
        for name, data in frames[kind].items():
            if data.shape[:2] != (len(times), count):
                raise ResultFileError(
                    f"{path}: {kind} field {name} has shape {data.shape}; expected {len(times)} frames of {count} values"
                )
    return Results(
        path, str(file.attrs["title"]), mesh, times, {n: d[()] for n, d in file["history"].items()}, units,
        tuple(frames["node"]), tuple(frames["element"]), bool(file.attrs["complete"]), str(file.attrs["stopped"]),
        json.loads(file.attrs["provenance"]),
    )  # fmt: skip


def _check_mesh(path: Path, mesh: MeshData) -> None:
    elements = sum(len(c) for _, c in mesh.blocks)
    inside = all(c.size == 0 or (c.min() >= 0 and c.max() < len(mesh.coordinates)) for _, c in mesh.blocks)
    if elements != len(mesh.element_labels) or not inside or mesh.coordinates.shape[1:] != (3,):
        raise ResultFileError(
            f"{path}: the mesh does not fit together; write the file again with `pybridge run`"
        )
