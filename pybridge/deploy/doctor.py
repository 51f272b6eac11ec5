"""`pybridge doctor`: whether a machine, a folder of libraries and a deck are ready for Abaqus, and what to do if not."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pybridge.deploy.bundle import ENVIRONMENT, LIBRARIES, OPTIONAL, library_folder
from pybridge.deploy.findings import ERROR, NOTE, OK, WARNING, Finding, print_findings
from pybridge.deploy.trial import try_library
from pybridge.elf import SharedLibrary, read_library
from pybridge.errors import HostError, MaterialError, ModelFileError

__all__ = ["Finding", "examine", "print_findings"]

REBUILD = (
    "build the package again on this machine (`make setup`, or `pip install .`), then `pybridge build abaqus`"
)
SYSTEM = {
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "ld-linux-x86-64.so.2",
}
TORCH = "libpybridge_torch.so"
BLAS = ("dgemm_", "sgemm_", "cblas_dgemm")
# Rounding of a stress of a few products, relative.
TRIAL_TOLERANCE = {8: 1e-12, 4: 1e-5}


def examine(folder: Path | None = None, deck: Path | None = None) -> list[Finding]:
    """All findings about a folder of libraries (the package's own by default), this machine, and a deck."""
    where = (folder or library_folder()).resolve()
    findings = [*_libraries(where), *_torch(where), *_blas(), *_compilers(), *_environment(where)]
    findings += _models(where, deck)
    if deck is not None:
        from pybridge.deploy.deck_check import examine_deck

        findings += examine_deck(deck, model_folders(where, deck))
    return findings


# --- libraries -------------------------------------------------------------------------------------------------
def _libraries(folder: Path) -> list[Finding]:
    findings: list[Finding] = []
    for name, entries in LIBRARIES.items():
        path = folder / name
        if path.is_file():
            findings += examine_library(path, entries)
        elif name in OPTIONAL:
            findings.append(
                Finding(
                    name, WARNING, f"not in {folder}; Abaqus/Standard cannot use it, Explicit can", REBUILD
                )
            )
        else:
            findings.append(
                Finding(name, ERROR, f"not in {folder}", "name the folder that `pybridge build abaqus` wrote, or " + REBUILD)
            )  # fmt: skip
    return findings


def examine_library(path: Path, entries: tuple[str, ...]) -> list[Finding]:
    """Symbols, dependencies, precision, and one call of a library, the call in a process of its own."""
    try:
        library = read_library(path)
    except HostError as error:
        return [Finding(path.name, ERROR, str(error), REBUILD)]
    findings = [*_symbols(library, entries), *_dependencies(library)]
    answer = try_library(path)
    expected = 4 if path.name == "libexplicitU.so" else 8
    words = {4: "single", 8: "double"}
    if "failed" in answer:
        return [*findings, Finding(path.name, ERROR, f"cannot be used here: {answer['failed']}", REBUILD)]
    found = answer["real_bytes"]
    if found != expected:
        findings.append(
            Finding(
                path.name, ERROR, f"computes in {words.get(found, found)} precision; Abaqus takes this name for "
                f"{words[expected]} precision", "put back the file of that name that `pybridge build abaqus` writes",
            )
        )  # fmt: skip
    elif answer.get("error", 0.0) > TRIAL_TOLERANCE[found]:
        findings.append(
            Finding(path.name, ERROR, f"an elastic answer is wrong by {answer['error']:.2g} of the stress", REBUILD)
        )  # fmt: skip
    elif all(one.state != ERROR for one in findings):
        called = ", a call of vumat_ answered right" if "error" in answer else ""
        findings.append(
            Finding(path.name, OK, f"{words[found]} precision, exports {', '.join(entries)}{called}")
        )
    return findings


def _symbols(library: SharedLibrary, entries: tuple[str, ...]) -> list[Finding]:
    name, findings = library.path.name, []
    if missing := [entry for entry in entries if entry not in library.exported]:
        findings.append(Finding(name, ERROR, f"does not export {', '.join(missing)}", REBUILD))
    strange = sorted(s for s in library.exported if s not in entries and not s.startswith("pybridge_"))
    if strange:
        findings.append(
            Finding(
                name, ERROR, f"exports {len(strange)} symbols besides its entry points, such as {strange[0]}: Abaqus "
                "could take them for its own", REBUILD,
            )
        )  # fmt: skip
    if runtime := sorted(s for s in library.undefined if s.startswith(("_Z", "__gxx", "__cxa_throw"))):
        findings.append(
            Finding(
                name, ERROR, f"takes {runtime[0]} and {len(runtime) - 1} more of a C++ runtime from the host", REBUILD
            )
        )  # fmt: skip
    return findings


def _dependencies(library: SharedLibrary) -> list[Finding]:
    name, findings = library.path.name, []
    if others := [needed for needed in library.needed if needed not in SYSTEM]:
        findings.append(
            Finding(name, ERROR, f"needs {', '.join(others)}; expected the C library alone", REBUILD)
        )
    wanted = max((_version(v) for v in library.versions if v.startswith("GLIBC_2")), default=(0, 0))
    there = _version(os.confstr("CS_GNU_LIBC_VERSION") or "") if hasattr(os, "confstr") else (0, 0)
    if wanted > there > (0, 0):
        text = ".".join(map(str, wanted))
        findings.append(
            Finding(
                name, ERROR, f"was built for C library {text} or newer, here is {'.'.join(map(str, there))}",
                "build the package on the oldest machine that the job runs on",
            )
        )  # fmt: skip
    return findings


def _version(text: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


# --- what could interfere --------------------------------------------------------------------------------------
def _torch(folder: Path) -> list[Finding]:
    wanted = os.environ.get("PYBRIDGE_ENGINE") == "torchscript"
    named = os.environ.get("PYBRIDGE_TORCH_ENGINE")
    path = Path(named) if named else folder / TORCH
    remedy = f"set PYBRIDGE_TORCH_ENGINE to {TORCH} of an installed pybridge, or unset PYBRIDGE_ENGINE"
    if not path.is_file():
        if wanted or named:
            return [Finding("TorchScript engine", ERROR, f"asked for, but there is no {path}", remedy)]
        return [
            Finding("TorchScript engine", OK, "not there and not needed: the native engine is the default")
        ]
    code = (
        "import ctypes, os, sys; ctypes.CDLL(sys.argv[1], "
        "mode=os.RTLD_NOW | os.RTLD_LOCAL | os.RTLD_DEEPBIND).pybridge_torch_entry"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120
    )
    if done.returncode == 0:
        return [
            Finding("TorchScript engine", OK, f"{path} opens; used only with PYBRIDGE_ENGINE=torchscript")
        ]
    reason = (done.stderr.strip().splitlines() or ["unknown reason"])[-1]
    state = ERROR if wanted else WARNING
    return [Finding("TorchScript engine", state, f"{path} does not open: {reason}", remedy)]


def _blas() -> list[Finding]:
    """A BLAS under the usual names that is in every process first (LD_PRELOAD), or in this one."""
    preload = [p for p in re.split(r"[: ]", os.environ.get("LD_PRELOAD", "")) if p]
    visible = [name for name in BLAS if hasattr(ctypes.CDLL(None), name)]
    guilty = []
    for text in preload:
        try:
            library = read_library(text)
        except HostError:
            continue
        if any(name in library.exported for name in BLAS):
            guilty.append(text)
    if not guilty and not visible:
        return [Finding("BLAS", OK, "none that would come before another library's")]
    where = ", ".join(guilty) or "this process"
    return [
        Finding(
            "BLAS", WARNING, f"{where} offers {', '.join(visible) or BLAS[0]} to every library. pybridge's own libraries "
            "use none, and open libtorch so that it finds its own; other libraries of the job do not",
            "unset LD_PRELOAD unless something else needs it",
        )
    ]  # fmt: skip


def _compilers() -> list[Finding]:
    """Only the shims and strangers' sources need one; the prebuilt libraries do not."""
    findings = []
    for what, names, need in (
        ("C++ compiler", ("g++", "icpx", "icpc", "clang++"), "user=pybridge_shim.cpp"),
        ("Fortran compiler", ("ifx", "ifort", "gfortran"), "user=pybridge_shim.f and `pybridge run --vumat FILE.f`"),
    ):  # fmt: skip
        found = next((path for path in map(shutil.which, names) if path), None)
        if found:
            findings.append(Finding(what, OK, f"{found}, {_first_line(found)}"))
        else:
            findings.append(
                Finding(
                    what, NOTE, f"none of {', '.join(names)} found; only {need} need one, usub_lib_dir does not",
                    "apt-get install gfortran g++, or load your site's compiler module",
                )
            )  # fmt: skip
    command = os.environ.get("ABAQUS_BAT_PATH") or "abaqus"
    if path := shutil.which(command):
        findings.append(Finding("Abaqus", OK, f"{path}; `abaqus verify -user_exp` checks its compilers"))
    else:
        findings.append(
            Finding(
                "Abaqus", NOTE, f"no command {command} on this machine: decks can be run with `pybridge run` only",
                "on a machine that has it, put `abaqus` on PATH or set ABAQUS_BAT_PATH",
            )
        )  # fmt: skip
    return findings


def _first_line(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60)
    return (done.stdout.splitlines() or ["version unknown"])[0]


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "PYBRIDGE_ENGINE": ("native", "torchscript"),
    "PYBRIDGE_PRECISION": ("single", "double"),
    "PYBRIDGE_VUMAT_ARRAYS": ("0", "1"),
}


def _environment(folder: Path) -> list[Finding]:
    findings = []
    for name, allowed in _CHOICES.items():
        value = os.environ.get(name)
        if value and value not in allowed:
            findings.append(
                Finding(name, ERROR, f"is {value!r}; expected {' or '.join(allowed)}", f"correct or unset {name}")
            )  # fmt: skip
    for name in ("PYBRIDGE_MODEL_PATH", "PYBRIDGE_ABAQUS_DIR"):
        for text in filter(None, os.environ.get(name, "").split(os.pathsep)):
            if not Path(text).is_dir():
                findings.append(
                    Finding(name, ERROR, f"names {text}, which is no folder", f"correct or unset {name}")
                )
    for path in {Path(ENVIRONMENT).resolve(), folder / ENVIRONMENT}:
        if path.is_file():
            findings += _environment_file(path)
    return findings


def _environment_file(path: Path) -> list[Finding]:
    """usub_lib_dir of an abaqus_v6.env must be a folder with our libraries; the file is not executed."""
    found = re.search(
        r"^\s*usub_lib_dir\s*=\s*r?['\"](.+?)['\"]", path.read_text(errors="replace"), re.MULTILINE
    )
    if not found:
        return [Finding(str(path), NOTE, "sets no usub_lib_dir: Abaqus then needs user=pybridge_shim.f")]
    folder = Path(found[1])
    if not (folder / "libexplicitU-D.so").is_file():
        return [
            Finding(
                str(path), ERROR, f"usub_lib_dir = {folder}, where there is no libexplicitU-D.so",
                "name the folder that `pybridge build abaqus` wrote (it may have moved: build it again)",
            )
        ]  # fmt: skip
    return [Finding(str(path), OK, f"usub_lib_dir = {folder}")]


# --- model files -----------------------------------------------------------------------------------------------
def model_folders(folder: Path, deck: Path | None) -> list[Path]:
    """Where a material's model file is looked for: the job's folder, the current one, the path, the libraries'."""
    path = [Path(p) for p in os.environ.get("PYBRIDGE_MODEL_PATH", "").split(os.pathsep) if p]
    folders = [*([deck.resolve().parent] if deck else []), Path.cwd(), *path, folder]
    return [p for k, p in enumerate(folders) if p not in folders[:k]]


def _models(folder: Path, deck: Path | None) -> list[Finding]:
    import pybridge._core as core
    from pybridge.model_file import read_model

    findings = []
    for place in model_folders(folder, deck):
        files = sorted(place.glob("*.[pP][tT]")) if place.is_dir() else []
        by_name: dict[str, Path] = {}
        for path in files:
            other = by_name.setdefault(path.stem.upper(), path)
            if other != path:
                findings.append(
                    Finding(
                        str(path), ERROR, f"differs from {other.name} in case only: Abaqus upper-cases the name",
                        "remove one of them",
                    )
                )  # fmt: skip
            try:
                model = read_model(path)
                if (
                    os.environ.get("PYBRIDGE_ENGINE") != "torchscript"
                ):  # the native engine asks more of a file
                    core.load_model(str(path), "native", "float64")  # type: ignore[attr-defined]
            except (ModelFileError, MaterialError) as error:
                findings.append(Finding(str(path), ERROR, str(error), "copy or export the file again"))
                continue
            states = sum(entry["count"] for entry in model.card["state_schema"])
            findings.append(
                Finding(
                    str(path), OK, f"material {path.stem.upper()}, kind {model.kind}, *DEPVAR {states}; "
                    f"`pybridge inspect {path} --deck` prints its *MATERIAL",
                )
            )  # fmt: skip
    return findings
