"""CalculiX decks of user materials, runs, and what the recording UMAT saw in them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pybridge.host
from pybridge.errors import PybridgeError
from pybridge.host import UmatLibrary
from pybridge.host.umat_arguments import UmatSizes, default_umat_arguments

LIBRARIES = Path(pybridge.host.__file__).resolve().parent.parent / "lib"
MOST_CONSTANTS = 21


def libraries_for(folder: Path, **names: str) -> None:
    """Links libNAME.so in `folder` to the package's libraries: CalculiX upper-cases what it loads."""
    for name, file in names.items():
        link = folder / f"lib{name}.so"
        link.unlink(missing_ok=True)
        link.symlink_to(LIBRARIES / file)


def material_block(
    library: str, name: str, constants: Sequence[float], states: int, density: float
) -> list[str]:
    """Lines of a *MATERIAL whose stress comes from umat_ of libLIBRARY.so. Raises PybridgeError: too many constants."""
    if len(constants) > MOST_CONSTANTS:
        raise PybridgeError(
            f"{name}: CalculiX reads at most {MOST_CONSTANTS} constants, got {len(constants)}"
        )
    lines = [f"*MATERIAL, NAME=@ABAQUSNL_{library}@{name.replace('_', '-')}", "*DENSITY", f"{density!r}"]
    lines += ["*DEPVAR", f"{max(states, 1)}", f"*USER MATERIAL, CONSTANTS={len(constants)}"]
    values = [f"{float(c)!r}" for c in constants]
    rows = [", ".join(values[i : i + 8]) for i in range(0, len(values), 8)]
    # Behind the constants of the last line a temperature may stand; a full line needs another for it.
    return lines + rows + (["0."] if len(values) % 8 == 0 else [])


def table(values: Iterable[float], per_line: int = 8) -> list[str]:
    """Numbers in lines of `per_line`, in the 20 characters that CalculiX reads."""
    texts = [f"{float(v):.11e}" for v in values]
    return [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]


def run_calculix(
    program: Path,
    folder: Path,
    job: str,
    lines: Iterable[str],
    *,
    threads: int = 1,
    environment: Mapping[str, str] | None = None,
    timeout: float = 3600,
) -> str:
    """Write job.inp, run it, return what CalculiX printed. Raises PybridgeError where it ends badly or late."""
    (folder / f"{job}.inp").write_text("\n".join(lines) + "\n")
    settings = {**os.environ, "OMP_NUM_THREADS": str(threads), "CCX_NPROC_STIFFNESS": str(threads)}
    settings |= {"LD_LIBRARY_PATH": str(folder), **(environment or {})}
    try:
        done = subprocess.run(
            [program, job], cwd=folder, env=settings, capture_output=True, text=True, timeout=timeout, check=False,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PybridgeError(f"CalculiX job {job} in {folder} took more than {timeout:g} s") from error
    (folder / f"{job}.log").write_text(done.stdout + done.stderr)
    # It can end with code 0 after an error, and without having finished.
    if done.returncode or "*ERROR" in done.stdout or "Job finished" not in done.stdout:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-12:])
        raise PybridgeError(f"CalculiX job {job} in {folder} failed, code {done.returncode}:\n{tail}")
    return done.stdout


@dataclass(frozen=True)
class Record:
    """Converged increments of one material point, in order: (m, ...) arrays; stress in UMAT's order, as passed."""

    time: NDArray  # at the start
    dt: NDArray
    f_old: NDArray  # (m, 3, 3)
    f_new: NDArray
    stress: NDArray  # after the increment
    state: NDArray


def read_record(path: Path, element: int = 1, point: int = 1) -> Record:
    """The last call of each increment of a point, from the file of umat/adapters/umat_recorder.cpp."""
    data, offset, calls = path.read_bytes(), 0, {}
    while offset < len(data):
        found, at, _, components, states, _ = np.frombuffer(data, np.int32, 6, offset)
        offset += 24
        count = 3 + 18 + 2 * components + 2 * states + 1
        values = np.frombuffer(data, np.float64, count, offset)
        offset += 8 * count
        if (found, at) != (element, point):
            continue
        after = 21 + components
        calls[values[1]] = (
            values[1], values[2], values[3:12].reshape(3, 3).T, values[12:21].reshape(3, 3).T,
            values[after : after + components], values[after + components + states : -1],
        )  # fmt: skip
    if not calls:
        raise PybridgeError(f"{path}: no call for element {element}, point {point} was recorded")
    return Record(*(np.array(column) for column in zip(*(calls[k] for k in sorted(calls)), strict=True)))


def call_bytes(path: Path) -> list[bytes]:
    """Every recorded call of a run of one material, sorted: threads call in any order."""
    data = path.read_bytes()
    _, _, _, components, states, _ = np.frombuffer(data, np.int32, 6)
    size = 24 + 8 * (3 + 18 + 2 * int(components) + 2 * int(states) + 1)
    return sorted(data[i : i + size] for i in range(0, len(data), size))


def answers_that_differ(
    calls: list[bytes], library: UmatLibrary, name: str, constants: Sequence[float]
) -> int:
    """How many recorded calls our own host, calling one after the other, answers with other bits."""
    differing = 0
    for call in calls:
        _, _, _, components, states, _ = np.frombuffer(call, np.int32, 6)
        values = np.frombuffer(call, np.float64, offset=24)
        sizes = UmatSizes(3, int(components) - 3, int(states), len(constants))
        arguments = default_umat_arguments(sizes, name, list(constants))
        arguments["TIME"][:], arguments["DTIME"][0] = values[:2], values[2]
        arguments["DFGRD0"][:], arguments["DFGRD1"][:] = values[3:12], values[12:21]
        at = 21
        arguments["STRESS"][:] = values[at : at + components]
        stress = values[at + components : at + 2 * components]
        at += 2 * int(components)
        arguments["STATEV"][: int(states)] = values[at : at + states]
        state = values[at + states : at + 2 * states]
        library.call_pointers(library.pointers(arguments))
        same = arguments["STRESS"].tobytes() == stress.tobytes()
        differing += not (same and arguments["STATEV"][: int(states)].tobytes() == state.tobytes())
    return differing
