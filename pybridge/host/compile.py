"""Sources of VUMATs compiled as Abaqus compiles them: Fortran with vaba_param.inc in either precision, or C++.

Compiled with checks of array bounds, and linked to pybridge's own answers to Abaqus's utility routines.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from pybridge.errors import HostError
from pybridge.host.library import ROUTINES

FORTRAN = (".f", ".for", ".ftn", ".f90", ".f95")
CPP = (".cpp", ".cc", ".cxx", ".c")
INCLUDE = Path(__file__).parent / "abaqus_include"
# As Abaqus's own settings for Fortran: lines of 132 columns, local arrays on the stack, arguments taken as they come.
_FORTRAN_OPTIONS = ("-ffixed-line-length-132", "-ffree-line-length-none", "-frecursive", "-std=legacy",
                    "-fallow-argument-mismatch", "-fcheck=bounds", "-w")  # fmt: skip
_COMMON = ("-O2", "-g", "-fPIC", "-shared")


def is_source(path: Path) -> bool:
    """Whether the file is a source that `compile_vumat` takes."""
    return path.suffix.lower() in (*FORTRAN, *CPP)


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pybridge-vumat-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def compile_vumat(source: Path, precision: str) -> Path:
    """A shared library of the source, gone at the end of the process. precision: float64 or float32.

    A Fortran source takes its precision from vaba_param.inc; a C++ source declares its own types, and finds the
    headers that declare FOR_NAME. Raises HostError: no compiler, or what it said.
    """
    source = source.resolve()
    if not source.is_file():
        raise HostError(
            f"{source}: no such file; expected the source of a VUMAT ({', '.join((*FORTRAN, *CPP))})"
        )
    if not is_source(source):
        raise HostError(f"{source}: expected a source ({', '.join((*FORTRAN, *CPP))}) or a library (.so)")
    fortran = source.suffix.lower() in FORTRAN
    width = "double" if precision == "float64" else "single"
    text = source.read_bytes()
    command = [_compiler(source, fortran), *_COMMON]
    if fortran:
        command += _FORTRAN_OPTIONS
        if any(line.startswith(b"#") for line in text.splitlines()):
            command.append("-cpp")
    key = hashlib.sha256(text + str((source, command, precision)).encode()).hexdigest()[:12]
    target = _folder() / f"{source.stem}-{width}-{key}.so"
    if target.exists():
        return target
    routines = ROUTINES.resolve()
    # The routines first, so that their STOP is found before gfortran's, which would end the process.
    command += [f"-I{INCLUDE / width}", f"-I{INCLUDE}", f"-I{source.parent}", str(source), "-o", str(target),
                f"-L{routines.parent}", "-labaqus_routines", f"-Wl,-rpath,{routines.parent}"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        first = next((k for k, line in enumerate(said) if "rror" in line), 0)
        raise HostError(f"{source} does not compile:\n" + "\n".join(said[max(first - 4, 0) : first + 6]))
    return target


def _compiler(source: Path, fortran: bool) -> str:
    names = ("gfortran",) if fortran else ("g++", "c++")
    for name in names:
        if path := shutil.which(name):
            return path
    package = "gfortran" if fortran else "g++"
    raise HostError(
        f"{source}: no {package} on this machine; install it (apt-get install {package}), or compile the file "
        "elsewhere and give the library (.so)"
    )
