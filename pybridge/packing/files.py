"""Packings in files (HDF5): what comes back has the same bits, and goes on as the packing itself would have.

attributes  format = "pybridge-packing", format_version = 1, dim, parameters and provenance (JSON), units = "SI"
radius      [count] m
state/...   cell, cell_list [3, 3] base vectors in columns; position, velocity, moved [dim * count]; spin;
            first, second, image [pairs] neighbour list; shear, rolling contact forces (cpp/packing/state.h)
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pybridge import __version__
from pybridge._core import ContactLaw, PackingEngine, PackingParameters
from pybridge.errors import MaterialError, PackingError
from pybridge.packing.prepare import PARAMETERS

FORMAT = "pybridge-packing"
FORMAT_VERSION = 1
LIBRARY = Path(__file__).parent / "library"
STATE = (
    "cell", "cell_list", "position", "velocity", "spin", "moved", "first", "second", "image", "shear", "rolling",
)  # fmt: skip


def parameters_to_dict(parameters: PackingParameters) -> dict[str, Any]:
    """Parameters as plain values."""
    values = {name: getattr(parameters, name) for name in PARAMETERS}
    return {**values, "law": values["law"].name}


def parameters_from_dict(values: Mapping[str, Any]) -> PackingParameters:
    """The reverse of parameters_to_dict; raises PackingError for a name or law that is unknown or missing."""
    if set(values) != set(PARAMETERS) or values["law"] not in ("linear", "hertz"):
        raise PackingError(
            f"parameters of a packing: expected {', '.join(PARAMETERS)}; got {', '.join(sorted(values))}"
        )
    out = PackingParameters()
    for name in PARAMETERS:
        setattr(out, name, getattr(ContactLaw, values[name]) if name == "law" else float(values[name]))
    return out


def save(path: Path | str, packing: PackingEngine, provenance: Mapping[str, Any] | None = None) -> None:
    """Write a packing; the file is there whole or not at all. `provenance`: how it was made, kept as JSON."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with h5py.File(temporary, "w") as file:
            file.attrs.update(format=FORMAT, format_version=FORMAT_VERSION, dim=packing.dim, units="SI")
            file.attrs["parameters"] = json.dumps(parameters_to_dict(packing.parameters))
            file.attrs["provenance"] = json.dumps({"version": __version__, **(provenance or {})})
            options: dict[str, Any] = {"compression": "gzip", "shuffle": True}
            file.create_dataset("radius", data=packing.radius, **options)
            for name, value in packing.state.items():
                file.create_dataset(f"state/{name}", data=value, **(options if value.size else {}))
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path: Path | str) -> PackingEngine:
    """Read a packing; raises PackingError naming the file and what is wrong with it."""
    path = Path(path)
    if not path.exists():
        raise PackingError(f"{path}: no such packing; `pybridge packing --help` tells how to make one")
    try:
        with h5py.File(path, "r") as file:
            found: tuple[Any, Any] = file.attrs.get("format"), file.attrs.get("format_version")
            if found[0] != FORMAT or found[1] != FORMAT_VERSION:
                raise PackingError(
                    f"{path}: expected format {FORMAT!r} version {FORMAT_VERSION}, got {found[0]!r} version "
                    f"{found[1]}; prepare the packing again, or update pybridge"
                )
            parameters = parameters_from_dict(json.loads(str(file.attrs["parameters"])))
            state = {name: np.asarray(file[f"state/{name}"]) for name in STATE}
            dim: Any = file.attrs["dim"]
            radius = np.asarray(file["radius"])
        return PackingEngine(int(dim), radius, parameters, state)
    except PackingError:
        raise
    except MaterialError as error:
        raise PackingError(f"{path}: {error}") from error
    except (OSError, KeyError, ValueError) as error:
        raise PackingError(f"{path}: not a packing, or damaged: {error}") from error


def read_provenance(path: Path | str) -> dict[str, Any]:
    """How a packing that load() reads was made; empty where its file does not tell."""
    with h5py.File(path, "r") as file:
        try:
            found = json.loads(str(file.attrs.get("provenance", "{}")))
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def library_file(name: str) -> Path:
    """The file of a prepared packing that comes with the package; raises PackingError listing the names."""
    known = sorted(file.stem for file in LIBRARY.glob("*.h5"))
    if name not in known:
        raise PackingError(f"no prepared packing {name!r}; expected one of {', '.join(known)}")
    return LIBRARY / f"{name}.h5"


def load_library(name: str) -> PackingEngine:
    """A prepared packing that comes with the package; raises PackingError listing the names where there is none."""
    return load(library_file(name))
