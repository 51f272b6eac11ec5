"""Data sets: one HDF5 schema for histories from every source (docs/training.md has it as a table).

attributes  format = "pybridge-dataset", format_version = 1, complete, units, conventions, provenance (JSON)
time        [n_time] or [n_path, n_time], s, from 0, increasing
stretch     [n_path, n_time, 6] right stretch U, tensor components 11, 22, 33, 12, 23, 13
stress      [n_path, n_time, 6] Cauchy stress in the frame of R, Pa, tension positive
dissipation [n_path, n_time] J/m3 (optional)
path_done   [n_path] 1 usable, 2 the fine scale failed along it; protocol, path_index, redraws [n_path]

While a data set is produced its batches stand as files of the same schema in the folder FILE.parts; each appears
whole or not at all, so that a run killed at any moment keeps every batch that had finished, and the same command
goes on. finish() joins them into FILE, and seals it (training/seal.py): an altered file is refused before it is read.
Files from elsewhere have no seal, and are read in a process with a time limit (training/foreign.py).
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError
from training.atomic import atomic_path
from training.foreign import read_apart
from training.seal import BLOCK, broken_seal, has_seal, seal
from training.tensors import IDENTITY

FORMAT = "pybridge-dataset"
FORMAT_VERSION = 1
UNITS = {"time": "s", "stretch": "1", "stress": "Pa", "dissipation": "J/m3"}
CONVENTIONS = {
    "symmetric_order": "11,22,33,12,23,13",
    "packing": "tensor",
    "stress": "cauchy_in_frame_of_R",
    "stretch": "right_stretch_U",
    "sign": "tension_positive",
}
DONE, FAILED = 1, 2


@dataclass(frozen=True)
class DataSet:
    """Usable histories in memory; arrays as in the schema above, provenance as a dictionary."""

    path: Path
    time: NDArray
    stretch: NDArray
    stress: NDArray
    protocol: tuple[str, ...]
    provenance: Mapping[str, Any]
    failed: int = 0

    def __len__(self) -> int:
        return len(self.stretch)

    @property
    def strain(self) -> NDArray:
        """E = U - I, [n_path, n_time, 6]."""
        return self.stretch - IDENTITY

    def common_time(self) -> NDArray:
        """The one equidistant time grid [n_time] of all paths; raises DataSetError where there is none."""
        if self.time.ndim != 1:
            raise DataSetError(
                f"{self.path}: dataset time: expected one grid [n_time] for all paths, got one a path"
            )
        steps = np.diff(self.time)
        if not np.allclose(steps, steps.mean(), rtol=1e-6, atol=0):
            raise DataSetError(
                f"{self.path}: dataset time: expected equidistant times, got steps {steps.min():g} to {steps.max():g} s"
            )
        return self.time

    def subset(self, chosen: NDArray | slice) -> DataSet:
        """The paths of an index or mask."""
        names = tuple(np.asarray(self.protocol, dtype=object)[chosen])
        time = self.time if self.time.ndim == 1 else self.time[chosen]
        return DataSet(self.path, time, self.stretch[chosen], self.stress[chosen], names, self.provenance)


def read_dataset(path: Path) -> DataSet:
    """Read and check a data set; raises DataSetError naming file, attribute or dataset, and what was expected."""
    path = Path(path)
    if not path.exists():
        parts = parts_folder(path)
        hint = f"; {parts} holds an unfinished run: repeat its `generate` command" if parts.exists() else ""
        raise DataSetError(f"{path}: no such data set; `pybridge generate --help` makes one{hint}")
    _check_seal(path)
    arrays, done, names, provenance = read_content(path) if has_seal(path) else read_apart(path)
    _check_arrays(path, arrays, done.shape, (len(names),))
    usable = done == DONE
    time = arrays["time"] if arrays["time"].ndim == 1 else arrays["time"][usable]
    data = DataSet(
        path, time, arrays["stretch"][usable], arrays["stress"][usable],
        tuple(name for name, use in zip(names, usable, strict=True) if use), provenance, int((~usable).sum()),
    )  # fmt: skip
    _check_values(data)
    return data


# What h5py raises where bytes of a file were altered.
_BROKEN = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, AssertionError, ArithmeticError,
           MemoryError, SystemError)  # fmt: skip


def read_content(path: Path) -> tuple[dict[str, NDArray], NDArray, list[str], dict[str, Any]]:
    """Arrays, path_done, protocols and provenance of a data set, before their values are checked; DataSetError."""
    try:
        return _read(path)
    except DataSetError:
        raise
    except _BROKEN as error:
        raise DataSetError(
            f"{path}: altered, truncated or not a data set ({type(error).__name__}: {error}); copy it again, or repeat "
            "the command that made it"
        ) from error


def _read(path: Path) -> tuple[dict[str, NDArray], NDArray, list[str], dict[str, Any]]:
    with _open(path) as file:
        _check_attributes(path, file)
        arrays = {name: _array(path, file, name) for name in ("time", "stretch", "stress")}
        n = len(arrays["stretch"])
        done = _flags(path, file) if "path_done" in file else np.full(n, DONE)
        names = (
            [text.decode() for text in _dataset(file, "protocol")[()]]
            if "protocol" in file
            else ["unknown"] * n
        )
        provenance = _json(path, file, "provenance")
    return arrays, done, names, provenance


def _check_seal(path: Path) -> None:
    if not path.is_file():
        raise DataSetError(f"{path}: cannot be read as HDF5: not a file")
    if why := broken_seal(path):
        raise DataSetError(
            f"{path}: {why}; copy it again, or repeat the command that made it. To change histories on purpose, write "
            "them with training.datasets.write_dataset"
        )


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataSetError(
            f"{path}: cannot be read as HDF5 (truncated, or not a data set): {error}"
        ) from error


def _json(path: Path, file: h5py.File, name: str) -> dict[str, Any]:
    try:
        value = json.loads(str(file.attrs[name]))
    except (KeyError, json.JSONDecodeError) as error:
        raise DataSetError(
            f"{path}: attribute {name}: expected a JSON object, got {file.attrs.get(name)!r}"
        ) from error
    if not isinstance(value, dict):
        raise DataSetError(f"{path}: attribute {name}: expected a JSON object, got {value!r}")
    return value


def _check_attributes(path: Path, file: h5py.File) -> None:
    if file.attrs.get("format") != FORMAT:
        raise DataSetError(f"{path}: attribute format: expected {FORMAT!r}, got {file.attrs.get('format')!r}")
    version = int(file.attrs.get("format_version", 0))
    if not 1 <= version <= FORMAT_VERSION:
        raise DataSetError(
            f"{path}: attribute format_version: expected 1 to {FORMAT_VERSION}, got {version}; a newer file needs a "
            "newer pybridge"
        )
    if not bool(file.attrs.get("complete", False)):
        raise DataSetError(
            f"{path}: attribute complete: expected true; the file was left unfinished by its writer"
        )
    for name, expected in (("units", UNITS), ("conventions", CONVENTIONS)):
        found = _json(path, file, name)
        for key, value in expected.items():
            if (key in found and found[key] != value) or (key not in found and key != "dissipation"):
                raise DataSetError(
                    f"{path}: attribute {name}, key {key}: expected {value!r}, got {found.get(key)!r}"
                )


def _flags(path: Path, file: h5py.File) -> NDArray:
    """path_done, which only holds whole numbers: text would also be no plain array for training/foreign.py."""
    found = np.asarray(_dataset(file, "path_done")[()])
    if found.dtype.kind not in "iub":
        raise DataSetError(f"{path}: dataset path_done: expected whole numbers, got type {found.dtype}")
    return found


def _array(path: Path, file: h5py.File, name: str) -> NDArray:
    if not isinstance(file.get(name), h5py.Dataset):
        raise DataSetError(f"{path}: dataset {name} is missing; found {', '.join(file) or 'none'}")
    if _dataset(file, name).dtype.kind not in "iuf":
        raise DataSetError(
            f"{path}: dataset {name}: expected real numbers, got type {_dataset(file, name).dtype}"
        )
    try:
        return np.asarray(_dataset(file, name)[()], dtype=np.float64)
    except (OSError, ValueError) as error:
        raise DataSetError(f"{path}: dataset {name} cannot be read: {error}") from error


def _check_arrays(
    path: Path, arrays: dict[str, NDArray], done: tuple[int, ...], names: tuple[int, ...]
) -> None:
    stretch, stress, time = arrays["stretch"], arrays["stress"], arrays["time"]
    if stretch.ndim != 3 or stretch.shape[2] != 6 or stretch.shape[1] < 2:
        raise DataSetError(f"{path}: dataset stretch: expected shape (paths, times, 6), got {stretch.shape}")
    if stress.shape != stretch.shape:
        raise DataSetError(
            f"{path}: dataset stress: expected the shape of stretch {stretch.shape}, got {stress.shape}"
        )
    if time.shape not in ((stretch.shape[1],), stretch.shape[:2]):
        raise DataSetError(
            f"{path}: dataset time: expected {stretch.shape[1]} times (or that for each of {len(stretch)} paths), got {time.shape}"
        )
    for name, shape in (("path_done", done), ("protocol", names)):
        if shape != (len(stretch),):
            got = shape[0] if len(shape) == 1 else f"shape {shape}"
            raise DataSetError(f"{path}: dataset {name}: expected {len(stretch)} entries, got {got}")


def _check_values(data: DataSet) -> None:
    for name, values in (("time", data.time), ("stretch", data.stretch), ("stress", data.stress)):
        if not np.isfinite(values).all():
            where = np.argwhere(~np.isfinite(values))[0]
            raise DataSetError(
                f"{data.path}: dataset {name}: expected finite numbers, got {values[tuple(where)]} at index {where.tolist()}"
            )
    if (np.diff(data.time, axis=-1) <= 0).any() or (data.time[..., 0] != 0).any():
        raise DataSetError(f"{data.path}: dataset time: expected times that start at 0 and increase")
    if len(data) == 0:
        raise DataSetError(f"{data.path}: holds no usable path ({data.failed} failed in the fine scale)")


def check_same(data: DataSet, wanted: Mapping[str, Any], what: str) -> None:
    """Raises DataSetError where the provenance of a data set that is there already is not what is wanted; `what` it holds then."""
    for key, value in wanted.items():
        if data.provenance.get(key) != json.loads(json.dumps(value)):  # tuples are lists there
            raise DataSetError(
                f"{data.path} exists and holds {what}: {key} is {data.provenance.get(key)!r} there, {value!r} here; choose "
                "another --out or delete it"
            )


def parts_folder(path: Path) -> Path:
    """Where the finished batches of an unfinished data set stand."""
    return path.with_name(path.name + ".parts")


class DataSetWriter:
    """Collects batches for `path`; `header` (JSON-able) says what the run is and must match to be resumed.

    Raises DataSetError where FILE.parts belongs to another run, or where a batch cannot be written.
    """

    def __init__(self, path: Path, time: NDArray, header: Mapping[str, Any]) -> None:
        self.path, self.time = Path(path), np.asarray(time, dtype=np.float64)
        self.header = json.loads(json.dumps(header))
        self.folder = parts_folder(self.path)
        self.folder.mkdir(parents=True, exist_ok=True)
        marker = self.folder / "header.json"
        if marker.exists():
            self._check_same(json.loads(marker.read_text(encoding="utf-8")))
        else:
            self._write(marker, json.dumps(self.header, indent=1).encode())

    def _check_same(self, found: Mapping[str, Any]) -> None:
        for key in sorted(set(found) | set(self.header)):
            if found.get(key) != self.header.get(key):
                raise DataSetError(
                    f"{self.folder} belongs to another run: {key} is {found.get(key)!r} there, {self.header.get(key)!r} "
                    "here; repeat that command, choose another --out, or delete the folder"
                )

    def _write(self, target: Path, content: bytes) -> None:
        try:
            with atomic_path(target) as temporary:
                temporary.write_bytes(content)
        except OSError as error:
            raise _cannot_write(target, error) from error

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("batch-*.h5"))

    def finished(self) -> set[int]:
        """Indices of the paths that are safely on disk. A part that cannot be read is dropped and redone."""
        found: set[int] = set()
        for part in self._parts():
            try:
                with h5py.File(part, "r") as file:
                    found.update(int(i) for i in _dataset(file, "path_index")[()])
            except (OSError, KeyError):
                part.unlink()
        return found

    def append(
        self, index: NDArray, arrays: Mapping[str, NDArray], protocol: list[str], failed: NDArray
    ) -> None:
        """Put one batch on disk: path numbers [n], arrays [n, n_time, ...] by name, protocols, failed [n]."""
        memory = io.BytesIO()
        with h5py.File(memory, "w") as file:
            file["path_index"] = np.asarray(index, np.int64)
            file["path_done"] = np.where(failed, FAILED, DONE).astype(np.uint8)
            file["protocol"] = np.array(protocol, dtype="S16")
            for name, values in arrays.items():
                file[name] = values
        self._write(self.folder / f"batch-{int(min(index)):08d}.h5", memory.getvalue())

    def finish(
        self, provenance: Mapping[str, Any], further: Mapping[str, NDArray] | None = None
    ) -> None:  # fmt: skip
        """Join all batches, sorted by path number, into the data set, with further arrays that have no row a path; then
        remove the parts."""
        try:
            with atomic_path(self.path) as temporary:
                with h5py.File(temporary, "w", userblock_size=BLOCK) as file:
                    _write_attributes(file, {**self.header, **provenance})
                    file["time"] = self.time
                    self._join(file)
                    for name, values in (further or {}).items():
                        file.create_dataset(name, data=values)
                    file.attrs["complete"] = True
                seal(temporary)
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        shutil.rmtree(self.folder)

    def _join(self, file: h5py.File) -> None:
        parts = self._parts()
        index = np.concatenate([_read_part(part, "path_index") for part in parts])
        place = np.empty(len(index), np.int64)
        place[np.argsort(index, kind="stable")] = np.arange(len(index))
        first = 0
        for part in parts:
            with h5py.File(part, "r") as source:
                count = len(_dataset(source, "path_index"))
                rows = place[first : first + count]
                order = np.argsort(rows)
                for key, values in source.items():
                    if key not in file:
                        file.create_dataset(key, (len(index), *values.shape[1:]), values.dtype)
                    _dataset(file, key)[rows[order]] = values[()][order]
                first += count


def _read_part(part: Path, name: str) -> NDArray:
    with h5py.File(part, "r") as file:
        return np.asarray(_dataset(file, name)[()])


def _write_attributes(file: h5py.File, provenance: Mapping[str, Any]) -> None:
    file.attrs.update({"format": FORMAT, "format_version": FORMAT_VERSION, "complete": False})
    for name, value in (("units", UNITS), ("conventions", CONVENTIONS), ("provenance", provenance)):
        file.attrs[name] = json.dumps(value)


def _cannot_write(path: Path, error: OSError) -> DataSetError:
    return DataSetError(
        f"{path}: cannot be written ({error.strerror or error}); nothing half-written is left and finished paths are "
        "kept: free space or choose another --out, then repeat the command"
    )


def write_dataset(
    path: Path,
    time: NDArray,
    stretch: NDArray,
    stress: NDArray,
    protocol: list[str],
    provenance: Mapping[str, Any],
) -> None:
    """Write histories from any source (laboratory, paper, own code) at once, in the schema and units above."""
    writer = DataSetWriter(path, time, {"source": "write_dataset"})
    arrays = {"stretch": np.asarray(stretch, float), "stress": np.asarray(stress, float)}
    writer.append(np.arange(len(stretch)), arrays, protocol, np.zeros(len(stretch), bool))
    writer.finish(provenance)


def _dataset(file: h5py.File | h5py.Group, name: str) -> h5py.Dataset:
    """file[name], which by the schema is a data set and no group."""
    found = file[name]
    assert isinstance(found, h5py.Dataset), name
    return found
