"""A restart file of solve(): the march, its points and what has been recorded, whole or not at all."""

from __future__ import annotations

import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from pybridge.errors import SolverError
from pybridge.solver.implicit.newton import History, March
from pybridge.solver.restart_file import write_arrays

VERSION = 2


def save_restart(file: Path, mark: str, march: March, history: History) -> None:
    """Write what load_restart needs. `mark` says what the run is of: mesh, material, load."""
    past: dict[str, Any] = {f"history/{f.name}": np.array(getattr(history, f.name)) for f in fields(history)}
    write_arrays(file, {"version": VERSION, "mark": mark, **march.save(), **past})


def load_restart(file: Path, mark: str, march: March) -> History:
    """Bring a march to where the file was written; the history so far. Raises SolverError for a file of another run or
    version, or one that cannot be read."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            if int(kept["version"]) != VERSION or str(kept["mark"]) != mark:
                raise SolverError(
                    f"{file}: a restart file of another run, or of version {int(kept['version'])} (this program's is "
                    f"{VERSION}): remove it to start afresh"
                )
            march.restart(kept)
            return History(**{f.name: list(_plain(kept[f"history/{f.name}"])) for f in fields(History)})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise SolverError(
            f"{file}: not a readable restart file ({error}); remove it to start afresh"
        ) from error


def _plain(values: np.ndarray) -> list:
    return values.tolist() if values.ndim == 1 else list(values)
