"""Files for ParaView: one .vtu a frame (VTK XML, inline binary) and a .pvd that lists them with their times."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from pybridge.report import write_text_atomic
from pybridge.results.reader import Results

# VTK's cells by element type; Abaqus's order of nodes is VTK's. Reduced integration (R) changes nothing.
_CELL_TYPES = {"C3D8": 12, "CAX4": 9, "CPE4": 9, "CPE3": 5, "CPE6": 22, "CPE8": 23, "C3D20": 25}
_NAMES = {"f8": "Float64", "f4": "Float32", "i8": "Int64", "i4": "Int32", "u1": "UInt8"}


def export_paraview(results: Results, folder: Path) -> Path:
    """Write all frames into a folder; returns the .pvd to open. Points are undeformed: use Warp By Vector."""
    folder.mkdir(parents=True, exist_ok=True)
    stem, entries = results.path.stem, []
    for frame, time in enumerate(results.times):
        name = f"{stem}_{frame:05d}.vtu"
        write_text_atomic(folder / name, _unstructured(results, frame))
        entries.append(f'    <DataSet timestep="{float(time)!r}" part="0" file={quoteattr(name)}/>')
    lines = ['<?xml version="1.0"?>', '<VTKFile type="Collection" version="1.0" byte_order="LittleEndian" '
             'header_type="UInt64">', "  <Collection>", *entries, "  </Collection>", "</VTKFile>", ""]  # fmt: skip
    pvd = folder / f"{stem}.pvd"
    write_text_atomic(pvd, "\n".join(lines))
    return pvd


def _unstructured(results: Results, frame: int) -> str:
    mesh = results.mesh
    connectivity = np.concatenate([c.reshape(-1) for _, c in mesh.blocks])
    corners = np.concatenate([np.full(len(c), c.shape[1]) for _, c in mesh.blocks])
    kinds = [_CELL_TYPES[kind.removesuffix("R")] for kind, c in mesh.blocks for _ in range(len(c))]
    types = np.array(kinds, np.uint8)
    nodes = {"node_label": mesh.node_labels} | {n: results.node(n, frame) for n in results.node_fields}
    cells = {"element_label": mesh.element_labels} | {
        n: results.element(n, frame) for n in results.element_fields
    }
    return "\n".join([
        '<?xml version="1.0"?>',
        '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
        "  <UnstructuredGrid>",
        f'    <Piece NumberOfPoints="{len(mesh.coordinates)}" NumberOfCells="{len(corners)}">',
        "      <Points>", _array("Points", mesh.coordinates), "      </Points>",
        "      <Cells>", _array("connectivity", connectivity), _array("offsets", np.cumsum(corners)),
        _array("types", types), "      </Cells>",
        "      <PointData>", *(_array(n, v) for n, v in nodes.items()), "      </PointData>",
        "      <CellData>", *(_array(n, v) for n, v in cells.items()), "      </CellData>",
        "    </Piece>", "  </UnstructuredGrid>", "</VTKFile>", "",
    ])  # fmt: skip


def _array(name: str, values: NDArray) -> str:
    values = np.ascontiguousarray(values)
    data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    components = f' NumberOfComponents="{values.shape[1]}"' if values.ndim == 2 else ""
    text = base64.b64encode(struct.pack("<Q", len(data)) + data).decode()
    kind = _NAMES[f"{values.dtype.kind}{values.dtype.itemsize}"]
    return (
        f'        <DataArray type="{kind}" Name={quoteattr(name)}{components} '
        f'format="binary">{text}</DataArray>'
    )
