"""Builds and runs the C++ drivers of `umat/drivers`: plain, or with everything in them under sanitizers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pybridge
from pybridge.bench.random_surrogate import write_random_surrogate
from pybridge.errors import PybridgeError

ROOT = Path(pybridge.__file__).resolve().parents[1]
REALS = {"float64": "double", "float32": "float"}
# The surrogate of the drivers: 24 sums and a flag of state, as load_driver.cpp says.
MODES, WIDTH, HIDDEN, HORIZON = 4, 21, 2, 2e-6


class DriverError(PybridgeError):
    """A driver that does not build or run."""


def sources() -> Path:
    """Folder of the drivers' sources. Raises DriverError in an installation without the source tree."""
    folder = ROOT / "umat" / "drivers"
    if not folder.is_dir():
        raise DriverError(
            f"{folder}: no such folder; this check runs in a clone of the sources (`make setup`)"
        )
    return folder


def compile_plain(folder: Path, precision: str, driver: str = "load_driver") -> Path:
    """A driver (load_driver, umat_driver) for a precision; it opens the library it is given."""
    program = folder / f"{driver}_{precision}"
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        raise DriverError("no C++ compiler on this machine; install one (apt-get install g++)")
    _run([compiler, "-std=c++17", "-O2", f"-DPYBRIDGE_REAL={REALS[precision]}", str(sources() / f"{driver}.cpp"),
          "-o", str(program), "-pthread", "-ldl"])  # fmt: skip
    return program


def build_sanitized(name: str, sanitizers: str, target: str, compiler: str = "") -> Path:
    """A driver with the package's sources in it, under sanitizers; kept in build/ and built again where needed."""
    tree = ROOT / "build" / f"sanitize-{name}{'-clang' if 'clang' in compiler else ''}"
    cmake, ninja = shutil.which("cmake", path=_path()), shutil.which("ninja", path=_path())
    if cmake is None or ninja is None:
        raise DriverError("no cmake and ninja in this environment; `make setup` installs them")
    sources()
    options = [f"-DCMAKE_CXX_COMPILER={compiler}"] if compiler else []
    _run([cmake, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}", "-S", str(ROOT), "-B", str(tree),
          f"-DPYBRIDGE_SANITIZE={sanitizers}", *options])  # fmt: skip
    jobs = os.environ.get("PYBRIDGE_BUILD_JOBS", str(os.cpu_count() or 1))
    _run([cmake, "--build", str(tree), "--parallel", jobs, "--target", target])
    return tree / target


def build_with_clang(name: str, sanitizers: str, target: str) -> tuple[Path, bool]:
    """build_sanitized by clang++ where it is installed and can, else by the usual compiler; and whether by clang++."""
    compiler = shutil.which("clang++")
    if compiler is not None:
        try:
            return build_sanitized(name, sanitizers, target, compiler), True
        except DriverError as error:
            print(f"no build with clang++, taking the usual compiler: {error}", flush=True)
    return build_sanitized(name, sanitizers, target), False


def _path() -> str:
    import sys

    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def write_models(folder: Path) -> Path:
    """ROD.pt, a surrogate of random weights, and CUT.pt, its first half; returns ROD.pt."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ROD.pt"
    write_random_surrogate(path, MODES, WIDTH, HIDDEN, HORIZON)
    content = path.read_bytes()
    (folder / "CUT.pt").write_bytes(content[: len(content) // 2])
    return path


def run_driver(
    program: Path, *arguments: object, timeout: float = 3600, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the driver printed, as JSON ({} where it printed nothing). Raises DriverError with what it said.

    One line is the driver's; any other was written by the library, which must leave standard output alone.
    """
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise DriverError(
            f"{program.name} {arguments[0]}: exit code {done.returncode}:\n" + "\n".join(said[:40])
        )
    lines = done.stdout.strip().splitlines()
    if len(lines) > 1:
        raise DriverError(
            f"{program.name} {arguments[0]}: the library wrote to standard output: {lines[0][:200]}"
        )
    return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        errors = [line for line in said if "error" in line.lower()] or said
        raise DriverError(f"{Path(command[0]).name} failed:\n" + "\n".join(errors[:20]))
