"""CalculiX with the loader of user materials, from Debian's source package, without root and in a folder of its own.

Debian's binary knows material names @ABAQUSNL_... but was built without the loader. Sources, the libraries that it
links (statically) and, where the machine has none, a Fortran compiler come as Debian packages through apt, unpacked
beside each other; nothing is installed. Each stage leaves a mark, so that an interrupted build goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pybridge.errors import PybridgeError

RELEASE, VERSION = "bookworm", "2.20-1"
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LIBRARIES = ("libarpack2-dev", "liblapack-dev", "libblas-dev", "libspooles-dev")
FORTRAN = ("gfortran-12", "libgfortran-12-dev", "libgfortran5", "libquadmath0")
TOOLS = ("apt-get", "dpkg-deb", "dpkg-source", "gcc", "make", "ar")
CALCULIX = "PYBRIDGE_CALCULIX"  # environment variable: a ccx with the loader, built elsewhere


def cache_folder() -> Path:
    """Where the build lives: pybridge/calculix in XDG_CACHE_HOME, ~/.cache by default."""
    return (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pybridge" / f"calculix-{VERSION}"
    )


def calculix() -> Path:
    """The program: that of the environment variable PYBRIDGE_CALCULIX, or built now where it is not there yet.

    Raises PybridgeError where a tool, apt or a compiler is missing, or the build fails: with the log's last lines.
    """
    given = os.environ.get(CALCULIX)
    if given:
        if not os.access(given, os.X_OK):
            raise PybridgeError(
                f"{CALCULIX}={given}: no such program; expected CalculiX built with its loader"
            )
        return Path(given)
    folder = cache_folder()
    program = folder / "ccx"
    if not program.exists():
        _require_tools()
        folder.mkdir(parents=True, exist_ok=True)
        _stage(folder, "packages", _fetch)
        _stage(folder, "sources", _unpack)
        _compile(folder)
    return program


def _require_tools() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise PybridgeError(
            f"CalculiX is built from Debian's source package; this machine lacks {', '.join(missing)}. On Debian or "
            f"Ubuntu: apt-get install build-essential dpkg-dev. Elsewhere: build ccx with "
            f"-DCALCULIX_EXTERNAL_BEHAVIOURS_SUPPORT and name it in {CALCULIX}"
        )


def _stage(folder: Path, name: str, work) -> None:
    """Do a stage once: its mark is written when it is done."""
    mark = folder / f".{name}"
    if mark.exists():
        return
    print(f"calculix: {name}", flush=True)
    work(folder)
    mark.touch()


def _run(
    command: Sequence[str | Path],
    folder: Path,
    log: Path,
    advice: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command with its output in a log; PybridgeError with the log's end where it fails."""
    with log.open("ab") as stream:
        stream.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        stream.flush()
        done = subprocess.run(
            list(command), cwd=folder, stdout=stream, stderr=subprocess.STDOUT, check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", **(environment or {})},
        )  # fmt: skip
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        raise PybridgeError(f"{' '.join(map(str, command[:2]))} failed ({log}):\n{tail}\n{advice}")


def _apt(folder: Path) -> list[str]:
    """apt-get with its own sources, lists and cache: the system's are neither needed nor touched."""
    signed = f" [signed-by={KEYRING}]" if Path(KEYRING).exists() else ""
    text = "".join(f"{kind}{signed} {MIRROR} {RELEASE} main\n" for kind in ("deb", "deb-src"))
    (folder / "sources.list").write_text(text)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / "apt" / part).mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "apt" / "lists",
        "Dir::Cache": folder / "apt" / "cache",
        "Debug::NoLocking": 1,
        "APT::Sandbox::User": "",
    }
    return ["apt-get", *(f"-o{key}={value}" for key, value in settings.items())]


def _fetch(folder: Path) -> None:
    """Source package, libraries and compiler as Debian packages."""
    apt, log = _apt(folder), folder / "packages.log"
    advice = (
        f"This needs {MIRROR} through apt (a proxy in apt's own configuration is used). Without it: build ccx with "
        f"-DCALCULIX_EXTERNAL_BEHAVIOURS_SUPPORT elsewhere and name it in {CALCULIX}"
    )
    packages = [*LIBRARIES, *(() if shutil.which("gfortran") else FORTRAN)]
    _run([*apt, "update"], folder, log, advice)
    _run([*apt, "source", "--download-only", f"calculix-ccx={VERSION}"], folder, log, advice)
    _run([*apt, "download", *packages], folder, log, advice)
    for package in sorted(folder.glob("*.deb")):
        _run(["dpkg-deb", "-x", package, folder / "root"], folder, log, advice)


def _unpack(folder: Path) -> None:
    """Sources, with the loader's hook silenced: it prints a line for every call."""
    shutil.rmtree(folder / "source", ignore_errors=True)
    description = next(folder.glob("calculix-ccx_*.dsc"))
    _run(["dpkg-source", "-x", description, "source"], folder, folder / "sources.log", "")
    hook = _sources(folder) / "umat_abaqusnl.f"
    text = hook.read_text()
    loud = "      write(*,*) 'umat_abaqusnl ',iel,iint\n"
    if text.count(loud) != 1:
        raise PybridgeError(f"{hook}: not the source this was written for; expected calculix-ccx {VERSION}")
    hook.write_text(text.replace(loud, ""))


def _sources(folder: Path) -> Path:
    return folder / "source" / f"ccx_{VERSION.split('-')[0]}" / "src"


def _fortran(folder: Path) -> str:
    """The machine's gfortran, or the one that was unpacked, with the machine's own libgcc."""
    if shutil.which("gfortran"):
        return "gfortran"
    libgcc = subprocess.run(
        ["gcc", "-print-libgcc-file-name"], capture_output=True, text=True, check=True
    ).stdout.strip()
    unpacked = folder / "root" / "usr" / "bin" / "x86_64-linux-gnu-gfortran-12"
    return f"{unpacked} -B{Path(libgcc).parent}/"


def _compile(folder: Path) -> None:
    """About two minutes; an interrupted build goes on with the files that are missing."""
    print("calculix: compiling, about two minutes", flush=True)
    root = folder / "root" / "usr"
    archives = root / "lib" / "x86_64-linux-gnu"
    libraries = [archives / name for name in ("libspooles.a", "libarpack.a")]
    libraries += [archives / "lapack" / "liblapack.a", archives / "blas" / "libblas.a"]
    settings = {
        "CC": "gcc",
        "FC": _fortran(folder),
        "CFLAGS": f"-O2 -w -fcommon -I{root}/include/spooles -DARCH=Linux -DSPOOLES -DARPACK -DMATRIXSTORAGE "
        "-DUSE_MT=1 -DCALCULIX_EXTERNAL_BEHAVIOURS_SUPPORT",
        "FFLAGS": "-O2 -w -fallow-argument-mismatch",
        "LIBS": f"{' '.join(map(str, libraries))} -lpthread -lm -ldl",
        "LDFLAGS": "-static-libgfortran",
    }
    jobs = os.environ.get("PYBRIDGE_BUILD_JOBS", str(os.cpu_count() or 1))
    command = ["make", f"-j{jobs}", *(f"{key}={value}" for key, value in settings.items())]
    _run(command, _sources(folder), folder / "compile.log", f"delete {folder} to begin again")
    built = _sources(folder) / f"ccx_{VERSION.split('-')[0]}"
    shutil.copy2(built, folder / "ccx.part")
    os.replace(folder / "ccx.part", folder / "ccx")


def fingerprint(program: Path) -> str:
    """Short hash of the program, for reports."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]
