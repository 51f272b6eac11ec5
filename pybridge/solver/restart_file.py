"""The writing of restart files, of explicit and of static runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pybridge.errors import SolverError


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays (.npz) to `path`, whole or not at all; raises SolverError, and the file stays as it was then."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        raise SolverError(
            f"{path}: the restart file could not be written ({error.strerror}); the one before it is whole. "
            "Check the space on the disk, then repeat the command"
        ) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
