"""HDF5 files that pybridge did not write, read in a process of their own: `python -m training.foreign FILE [NAME …]`.

HDF5's library may loop for ever, ask for all memory or crash on a damaged file, and a file without a seal
(training/seal.py) may be one. So the process that reads it has a time limit and a memory limit, and the answer comes
back as plain arrays.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError

SECONDS, BYTES_A_SECOND = 60.0, 5e6  # of any file, and what a slow disk gives beyond
MEMORY = 8 << 30  # bytes, and 32 for each of the file
_REFUSED = 3  # exit code: a DataSetError, its text on standard error

Content = tuple[dict[str, NDArray], NDArray, list[str], dict[str, Any]]


def read_apart(path: Path, seconds: float | None = None) -> Content:
    """Arrays, path_done, protocols and provenance of a data set without a seal, as training.datasets reads them.

    Raises DataSetError: what the reader found; or that HDF5's library did not come back in `seconds` (60 s and 1 s for
    each 5 MB where not given), or ended abruptly.
    """
    return content_of(_answer(path, [], seconds))


def content_of(answer: bytes) -> Content:
    """What `answer_for` wrote of a data set."""
    with np.load(io.BytesIO(answer), allow_pickle=False) as arrays:
        header = json.loads(arrays["header"].tobytes())
        kept = {name: arrays[name] for name in ("time", "stretch", "stress")}
        return kept, arrays["path_done"], header["protocol"], header["provenance"]


def read_arrays_apart(path: Path, names: Sequence[str], seconds: float | None = None) -> list[NDArray]:
    """Data sets by name of any HDF5 file, in float64. Raises DataSetError as read_apart does."""
    with np.load(io.BytesIO(_answer(path, names, seconds)), allow_pickle=False) as arrays:
        return [arrays[f"array{k}"] for k in range(len(names))]


def _answer(path: Path, names: Sequence[str], seconds: float | None) -> bytes:
    """What the process that reads the file writes."""
    size = path.stat().st_size
    limit = seconds if seconds is not None else SECONDS + size / BYTES_A_SECOND
    command = [sys.executable, "-m", "training.foreign", str(path), *names]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise DataSetError(
            f"{path}: HDF5's library did not finish reading it in {limit:.3g} s; the file is damaged: copy it again, or "
            "write its histories anew"
        ) from error
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == _REFUSED:
        raise DataSetError(said)
    if done.returncode:
        last = said.splitlines()[-1] if said else "no message"
        raise DataSetError(
            f"{path}: HDF5's library ended abruptly while reading it (exit code {done.returncode}: {last}); the file is "
            "damaged: copy it again, or write its histories anew"
        )
    return done.stdout


def answer_for(path: Path, names: Sequence[str] = ()) -> bytes:
    """The data set, or the arrays NAME of an HDF5 file, in NumPy's format. Raises DataSetError."""
    from training.datasets import read_content
    from training.histories import hdf5_arrays

    memory = io.BytesIO()
    if names:
        found = {f"array{k}": values for k, values in enumerate(hdf5_arrays(path, names))}
    else:
        found, done, protocol, provenance = read_content(path)
        header = json.dumps({"protocol": protocol, "provenance": provenance})
        found = {**found, "path_done": done, "header": np.frombuffer(header.encode(), np.uint8)}
    np.savez(memory, **found)  # type: ignore[arg-type]
    return memory.getvalue()


def main(argv: list[str] | None = None) -> int:
    """Read FILE, a data set or the data sets NAME of it, and write the arrays to standard output in NumPy's format."""
    first, *wanted = argv if argv is not None else sys.argv[1:]
    path = Path(first)
    most = MEMORY + 32 * path.stat().st_size
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        sys.stdout.buffer.write(answer_for(path, wanted))
    except DataSetError as error:
        print(error, file=sys.stderr)
        return _REFUSED
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
