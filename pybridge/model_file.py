"""Model files: one TorchScript archive NAME.pt that also holds a card (JSON) and the weights as plain arrays.

The format is described in docs/model_file.md; cpp/model_file reads the same in C++. `read_model` runs no code from
the file: it needs neither torch nor pickle.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import ModelFileError

FORMAT = "pybridge-model"
FORMAT_VERSION = 1
CONVENTIONS = {
    "symmetric_order": "11,22,33,12,23,13",
    "packing": "tensor",
    "stress": "cauchy_in_frame_of_R",
    "strain": "U-I",
}
UNITS = {"stress": "Pa", "time": "s"}
ALIGNMENT = 64  # bytes
CARD_BYTES_MAX = 4 << 20
DTYPES = {"f64": np.dtype("<f8"), "f32": np.dtype("<f4")}
REMEDY = "export the model again, or copy the file again if it was transferred"


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds besides its TorchScript graph: the card as parsed JSON, and the tensors by name."""

    path: Path
    card: dict[str, Any]
    tensors: dict[str, NDArray]

    @property
    def kind(self) -> str:
        """Kind of surrogate, for example "pca_dnn"."""
        return self.card["kind"]


def versions() -> dict[str, str]:
    """Versions of what makes a model file: python, numpy, torch where it is installed, pybridge."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("pybridge", "numpy", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def pack_tensors(tensors: Mapping[str, NDArray]) -> tuple[list[dict[str, Any]], bytes]:
    """The card's "tensors" entries and weights.bin: little-endian, row-major, offsets multiples of 64 bytes.

    Raises ModelFileError where a tensor is neither float32 nor float64, or holds NaN or infinity.
    """
    entries: list[dict[str, Any]] = []
    data = bytearray()
    for name, value in tensors.items():
        array = np.asarray(value)
        dtype = {4: "f32", 8: "f64"}.get(array.dtype.itemsize) if array.dtype.kind == "f" else None
        if dtype is None:
            raise ModelFileError(
                f"tensor {name}: expected float32 or float64, got {array.dtype}; convert it first"
            )
        if not np.isfinite(array).all():
            raise ModelFileError(f"tensor {name}: holds NaN or infinity; the training diverged, train again")
        data.extend(b"\0" * (-len(data) % ALIGNMENT))
        raw = np.ascontiguousarray(array, DTYPES[dtype]).tobytes()
        shape = [int(n) for n in array.shape]
        entries.append({"name": name, "dtype": dtype, "shape": shape, "offset": len(data), "bytes": len(raw)})
        data.extend(raw)
    return entries, bytes(data)


def complete_card(card: Mapping[str, Any], tensors: Mapping[str, NDArray]) -> tuple[dict[str, Any], bytes]:
    """Fill in what the writer knows (format, conventions, versions, tensors, hash); return card and weights.bin."""
    entries, weights = pack_tensors(tensors)
    whole: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created_with": versions(),
        "conventions": CONVENTIONS,
        "units": UNITS,
        "density": None,
        "training": {},
        "errors": {},
        **card,
        "tensors": entries,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    validate_card(whole, len(weights), "the card to be written")
    return whole, weights


def write_model(
    path: Path | str, scripted_module: Any, card: Mapping[str, Any], tensors: Mapping[str, NDArray]
) -> None:
    """Write a model file so that it is there whole or not at all.

    `scripted_module` is a torch.jit.ScriptModule with the forward of docs/model_file.md. `card` needs kind, name,
    state_schema, elastic_moduli, domain, precision and what the kind asks for (pca_dnn: network); the rest is
    filled in. `tensors` maps names to float32 or float64 arrays. Raises ModelFileError (bad card or tensors),
    OSError (disk).
    """
    import warnings

    import torch

    path = Path(path)
    whole, weights = complete_card(card, tensors)
    try:
        text = json.dumps(whole, allow_nan=False, indent=1)
    except ValueError as error:
        raise ModelFileError(
            f"{path}: the card holds NaN or infinity; write null for what is unlimited"
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(folder) / path.name  # the archive is named after its file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            # torch's binding takes bytes, although its annotation says str.
            extra: dict[str, Any] = {"card.json": text.encode(), "weights.bin": weights}
            torch.jit.save(scripted_module, str(temporary), _extra_files=extra)
        read_model(temporary)
        os.replace(temporary, path)
    except RuntimeError as error:
        raise OSError(f"{path}: torch could not write the archive (disk full?): {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_model(path: Path | str) -> ModelFile:
    """Read card and tensors of a model file; nothing in the file is executed.

    Raises ModelFileError: missing, not an archive, truncated, altered, of a newer format, or without card.
    """
    path = Path(path)
    try:
        card_bytes, weights = _read_entries(path)
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{path}: no such model file; expected a .pt written by `pybridge export`"
        ) from error
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
    ) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path}: truncated, altered or not a model file ({error}); {REMEDY}") from error
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        card = json.loads(card_bytes.decode("utf-8"), parse_constant=_refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: card.json is not valid JSON ({error}); {REMEDY}") from error
    validate_card(card, len(weights), str(path))
    if hashlib.sha256(weights).hexdigest() != card["weights_sha256"]:
        raise ModelFileError(f"{path}: weights.bin does not match the card's sha256: altered; {REMEDY}")
    return ModelFile(path, card, _unpack(card, weights, str(path)))


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _read_entries(path: Path) -> tuple[bytes, bytes]:
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        found = []
        for wanted in ("card.json", "weights.bin"):
            entries = [e for e in archive.infolist() if e.filename.split("/")[1:] == ["extra", wanted]]
            if len(entries) != 1:
                raise ModelFileError(
                    f"{path}: expected one extra/{wanted} in the archive, found {len(entries)}; this .pt was not "
                    "written by `pybridge export`"
                )
            entry = entries[0]
            limit = CARD_BYTES_MAX if wanted == "card.json" else size
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > limit:
                raise ModelFileError(f"{path}: extra/{wanted} is compressed or too large; {REMEDY}")
            found.append(archive.read(entry))
    return found[0], found[1]


def _unpack(card: dict[str, Any], weights: bytes, where: str) -> dict[str, NDArray]:
    tensors = {}
    for entry in card["tensors"]:
        dtype = DTYPES[entry["dtype"]]
        raw = np.frombuffer(weights, dtype, entry["bytes"] // dtype.itemsize, entry["offset"])
        if not np.isfinite(raw).all():
            raise ModelFileError(
                f"{where}: tensor {entry['name']} holds NaN or infinity; train or export again"
            )
        tensors[entry["name"]] = raw.reshape(entry["shape"])
    return tensors


def _is_number(value: Any) -> bool:
    """A finite double; a whole number of JSON may be larger than any."""
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def validate_card(card: Any, weights_bytes: int, where: str) -> None:
    """Check a card against the format; raises ModelFileError naming `where`, the entry and what was expected."""

    def expect(holds: bool, message: str) -> None:
        if not holds:
            raise ModelFileError(f"{where}: card.json: {message}; {REMEDY}")

    expect(isinstance(card, dict), "expected an object")
    expect(card.get("format") == FORMAT, f'"format" is {card.get("format")!r}, expected "{FORMAT}"')
    version = card.get("format_version")
    expect(_is_count(version) and version >= 1, '"format_version" must be a positive whole number')
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{where}: written in format version {version}, this pybridge reads up to {FORMAT_VERSION}; update pybridge"
        )
    for key in ("kind", "name", "precision", "weights_sha256"):
        expect(isinstance(card.get(key), str), f'"{key}" must be a text')
    expect(card["precision"] in DTYPES, '"precision" must be "f32" or "f64"')
    for key, value in (("conventions", CONVENTIONS), ("units", UNITS)):
        expect(card.get(key) == value, f'"{key}" must be {value}')
    density = card.get("density")
    expect(
        density is None or (_is_number(density) and density > 0), '"density" must be positive (kg/m3) or null'
    )
    moduli = card.get("elastic_moduli")
    expect(isinstance(moduli, dict), '"elastic_moduli" must be an object')
    for key in ("bulk", "shear"):
        expect(
            _is_number(moduli.get(key)) and moduli[key] > 0, f'"elastic_moduli.{key}" must be positive (Pa)'
        )
    domain = card.get("domain")
    expect(isinstance(domain, dict), '"domain" must be an object')
    for key in ("strain_max", "rate_max", "time_max"):
        value = domain.get(key)
        expect(value is None or (_is_number(value) and value > 0), f'"domain.{key}" must be positive or null')
    expect(isinstance(card.get("state_schema"), list), '"state_schema" must be a list')
    for entry in card["state_schema"]:
        expect(
            isinstance(entry, dict)
            and all(isinstance(entry.get(k), str) for k in ("name", "unit", "description"))
            and _is_count(entry.get("count"))
            and entry["count"] > 0,
            'each entry of "state_schema" needs name, count, unit, description',
        )
    _validate_tensors(card.get("tensors"), weights_bytes, expect)


def _validate_tensors(entries: Any, weights_bytes: int, expect: Any) -> None:
    expect(isinstance(entries, list), '"tensors" must be a list')
    names = set()
    total = 0
    for entry in entries:
        expect(
            isinstance(entry, dict) and isinstance(entry.get("name"), str), 'each of "tensors" needs a name'
        )
        name = entry["name"]
        expect(name not in names, f"tensor {name} is listed twice")
        names.add(name)
        expect(entry.get("dtype") in list(DTYPES), f'tensor {name}: dtype must be "f32" or "f64"')
        shape = entry.get("shape")
        expect(
            isinstance(shape, list) and all(_is_count(n) and n > 0 for n in shape),
            f"tensor {name}: shape must be a list of positive whole numbers",
        )
        size = math.prod(shape or []) * DTYPES[entry["dtype"]].itemsize
        expect(
            entry.get("bytes") == size,
            f"tensor {name}: bytes is {entry.get('bytes')}, its shape needs {size}",
        )
        total += size
        expect(total <= weights_bytes, "tensors overlap or lie outside weights.bin")
        offset = entry.get("offset")
        expect(
            _is_count(offset)
            and int(offset or 0) % ALIGNMENT == 0
            and int(offset or 0) + size <= weights_bytes,
            f"tensor {name}: lies outside weights.bin ({weights_bytes} bytes) or is not aligned to {ALIGNMENT} bytes",
        )
