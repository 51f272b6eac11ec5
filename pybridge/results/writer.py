"""Writes a result file so that what stands under its name is always whole.

Each frame is appended to a copy, and the copy takes the file's place: a full disk, a kill or a power cut leaves the
frames before it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.results.schema import FORMAT, FORMAT_VERSION, Field, describe


@dataclass(frozen=True, eq=False)
class MeshData:
    """Mesh of a result file. blocks: (element type, connectivity (m, corners)) in the order of element_labels."""

    coordinates: NDArray
    node_labels: NDArray
    element_labels: NDArray
    blocks: tuple[tuple[str, NDArray], ...]
    axisymmetric: bool = False

    @property
    def flat(self) -> bool:
        """Whether the mesh lies in a plane: axisymmetric, or plane strain."""
        return not any(kind.startswith("C3D") for kind, _ in self.blocks)

    def corners(self) -> NDArray:
        """(E, 4 or 8) corners of all elements; triangles repeat the last one."""
        count = 4 if self.flat else 8
        rows = [c[:, :3] if kind in ("CPE3", "CPE6") else c[:, :count] for kind, c in self.blocks]
        return np.concatenate([np.hstack([c, c[:, [2] * (count - c.shape[1])]]) for c in rows])


@dataclass
class FrameData:
    """Fields at one time."""

    time: float
    node: dict[str, NDArray]
    element: dict[str, NDArray]
    fields: dict[str, Field] = field(default_factory=dict)  # of names that the schema does not know


class ResultWriter:
    """Writes one result file. Raises SolverError where it exists and may not be replaced."""

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        if self.path.exists() and not overwrite:
            raise SolverError(
                f"{self.path} exists; expected a new file: remove it, name another one, or ask to overwrite"
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def create(self, mesh: MeshData, title: str, provenance: dict[str, Any]) -> None:
        """An empty result file with its mesh."""

        def write(file: Any) -> None:
            file.attrs.update({
                "format": FORMAT, "format_version": FORMAT_VERSION, "title": title, "complete": False, "stopped": "",
                "axisymmetric": mesh.axisymmetric, "provenance": json.dumps(provenance),
            })  # fmt: skip
            group = file.create_group("mesh")
            group["coordinates"], group["node_labels"] = mesh.coordinates, mesh.node_labels
            group["element_labels"] = mesh.element_labels
            for k, (kind, connectivity) in enumerate(mesh.blocks):
                block = group.create_group(f"block_{k}")
                block.attrs["type"] = kind
                block["connectivity"] = connectivity
            file.create_group("frames/node")
            file.create_group("frames/element")
            file.create_group("history")
            _extend(file["frames"], "time", np.zeros(0), Field("s", "time of the frame"), 0)

        _replace(self.path, write, copy=False)

    def append(self, frame: FrameData, history: dict[str, NDArray]) -> None:
        """Add a frame and bring the histories up to date; the whole file or nothing of it."""

        def write(file: Any) -> None:
            frames = file["frames"]
            count = len(frames["time"])
            for kind, fields in (("node", frame.node), ("element", frame.element)):
                for name, values in fields.items():
                    _extend(
                        frames[kind],
                        name,
                        np.asarray(values)[None],
                        frame.fields.get(name) or describe(name),
                        count,
                    )
            _extend(frames, "time", np.array([frame.time]), Field("s", "time of the frame"), count)
            _write_history(file, history)

        _replace(self.path, write)

    def finish(self, history: dict[str, NDArray], *, complete: bool, stopped: str = "") -> None:
        """Mark the file complete, or say why it is not."""

        def write(file: Any) -> None:
            _write_history(file, history)
            file.attrs["complete"], file.attrs["stopped"] = complete, stopped

        _replace(self.path, write)

    def truncate(self, frames: int) -> None:
        """Drop frames beyond the first ones, to go on from a restart file that is older than the result file."""

        def write(file: Any) -> None:
            group = file["frames"]
            sets = [group["time"], *group["node"].values(), *group["element"].values()]
            for data in sets:
                if len(data) > frames:
                    data.resize(frames, axis=0)
            file.attrs["complete"], file.attrs["stopped"] = False, ""

        _replace(self.path, write)


def _extend(group: Any, name: str, values: NDArray, description: Field, count: int) -> None:
    """Append values along the first axis of a data set that holds `count` entries; a new name starts with NaN."""
    if name not in group:
        shape = (count, *values.shape[1:])
        chunks = (1, *values.shape[1:]) if values.ndim > 1 else (1024,)
        data = group.create_dataset(
            name, shape, values.dtype, maxshape=(None, *values.shape[1:]), chunks=chunks,
            fillvalue=np.nan if values.dtype.kind == "f" else 0,
        )  # fmt: skip
        data.attrs["unit"], data.attrs["description"] = description.unit, description.description
    data = group[name]
    data.resize(count + len(values), axis=0)
    data[count:] = values


def _write_history(file: Any, history: dict[str, NDArray]) -> None:
    group = file["history"]
    for name, values in history.items():
        if name in group:
            del group[name]
        data = group.create_dataset(name, data=np.asarray(values))
        text = describe(name)
        if name.startswith("force_"):
            text = Field(
                "N", "force on the rigid body or on what moves the nodes; explicit: mean since the row before"
            )
        elif name.startswith("impulse_"):
            text = Field("N s", "impulse on the rigid body or on what moves the nodes, since the start")
        elif name.startswith(("position_", "speed_")):
            text = Field(
                "m" if name.startswith("position_") else "m/s",
                "motion of the rigid body, or mean of the nodes that are moved",
            )
        data.attrs["unit"], data.attrs["description"] = text.unit, text.description


def _replace(path: Path, write: Callable[[Any], None], *, copy: bool = True) -> None:
    """Change a copy of the file and put it in the file's place."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        if copy:
            shutil.copyfile(path, temporary)
        with h5py.File(temporary, "r+" if copy else "w") as file:
            write(file)
        os.replace(temporary, path)
    except OSError as error:
        raise SolverError(
            f"{path}: the results could not be written ({error.strerror or error}); what was written before is whole. "
            "Check the space on the disk and the permissions, then repeat the command: it goes on where it stopped"
        ) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
