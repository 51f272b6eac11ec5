"""`pybridge build abaqus`: a folder that an Abaqus user can point to (docs/abaqus.md)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pybridge
from pybridge.errors import ConfigError, HostError
from pybridge.report import write_text_atomic

PACKAGE = Path(pybridge.__file__).resolve().parent
LIBRARIES = {
    "libexplicitU-D.so": ("vumat_", "vexternaldb_"),
    "libexplicitU.so": ("vumat_", "vexternaldb_"),
    "libstandardU.so": ("umat_", "uexternaldb_"),
}
"""The libraries by the names that Abaqus looks for, and the entry points that each must have."""
OPTIONAL = ("libstandardU.so",)  # where this build of the package has no UMAT
SHIMS = ("pybridge_shim.cpp", "pybridge_shim.f")
ENVIRONMENT = "abaqus_v6.env"

_ENVIRONMENT_TEXT = """\
# Written by `pybridge build abaqus`. Put it beside the job (a local abaqus_v6.env overrides the site's), or copy its
# lines into yours. Abaqus then loads the libraries by their names:  abaqus job=JOB double=both
#
# usub_lib_dir and user=FILE exclude each other: leave usub_lib_dir out where the shim is compiled with user=.
import os

usub_lib_dir = {folder!r}

# Where the shims look for the libraries, and materials for their model files (NAME.pt), after the job's folder.
os.environ["PYBRIDGE_ABAQUS_DIR"] = {folder!r}
os.environ["PYBRIDGE_MODEL_PATH"] = (os.environ.get("PYBRIDGE_MODEL_PATH", "") + os.pathsep + {folder!r}).strip(os.pathsep)

# Only with *USER MATERIAL, EFFMOD, in versions of Abaqus that pass jInfoArray and dtArray (docs/vumat.md):
# os.environ["PYBRIDGE_VUMAT_ARRAYS"] = "1"
# Only for the C++ shim where the name of Abaqus's program does not tell its precision:
# os.environ["PYBRIDGE_PRECISION"] = "double"
del os
"""


@dataclass(frozen=True)
class Bundle:
    """What was written: the folder, its files, and libraries that this build of the package does not have."""

    folder: Path
    files: tuple[Path, ...]
    missing: tuple[str, ...]


def library_folder() -> Path:
    """Folder of the package's prebuilt libraries."""
    return PACKAGE / "lib"


def build_abaqus(
    folder: Path, models: Mapping[str, Path] | None = None, *, overwrite: bool = False
) -> Bundle:
    """Write libraries, shims, abaqus_v6.env and model files (NAME.pt by material name) into the folder.

    Raises HostError where the package's libraries are missing, ConfigError where files are there already (without
    `overwrite`), a name or a path cannot be used. ModelFileError: a model file that cannot be read.
    """
    from pybridge.model_file import read_model

    folder = folder.resolve()
    for character in "'\"\\\n":
        if character in str(folder):
            raise ConfigError(
                f"--out {folder}: the path stands in sources and in abaqus_v6.env; choose one without quotes, "
                "backslashes and line ends"
            )
    sources = {name: library_folder() / name for name in LIBRARIES}
    missing = tuple(name for name, path in sources.items() if not path.is_file())
    if lost := [name for name in missing if name not in OPTIONAL]:
        raise HostError(
            f"{library_folder()}: no {', '.join(lost)}; build the package again (`make setup`, or `pip install .`)"
        )
    copies = {name: path for name, path in sources.items() if name not in missing}
    for name, path in (models or {}).items():
        check_material_name(name)
        read_model(path)
        copies[f"{name.upper()}.pt"] = Path(path)
    names = (*copies, *SHIMS, ENVIRONMENT)
    there = [name for name in names if (folder / name).exists()]
    if there and not overwrite:
        raise ConfigError(
            f"{folder}: {', '.join(there)} there already; give --overwrite to replace, or another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in copies.items():
        _copy(path, folder / name)
    for name in SHIMS:
        write_text_atomic(folder / name, shim_text(name, folder))
    write_text_atomic(folder / ENVIRONMENT, _ENVIRONMENT_TEXT.format(folder=str(folder)))
    return Bundle(folder, tuple(folder / name for name in names), missing)


def shim_text(name: str, folder: Path) -> str:
    """Source of a shim with the folder of the libraries written into it."""
    path = library_folder() / "shims" / name
    if not path.is_file():
        raise HostError(f"{path}: no such file; build the package again (`make setup`, or `pip install .`)")
    text = path.read_text(encoding="utf-8")
    return text.replace("@PYBRIDGE_DIR_FORTRAN@", _fortran_text(str(folder))).replace(
        "@PYBRIDGE_DIR@", str(folder)
    )


def _fortran_text(text: str) -> str:
    """A character constant in fixed form: pieces of 50 characters on continuation lines."""
    pieces = [text[k : k + 50] for k in range(0, len(text), 50)]
    return "\n     1  " + " //\n     1  ".join(f"'{piece}'" for piece in pieces)


def check_material_name(name: str) -> None:
    """Raise ConfigError where Abaqus would not take the name."""
    if not name or len(name) > 80 or any(c in name for c in "/\\,*\"'\n") or name.upper().startswith("ABQ_"):
        raise ConfigError(
            f"material name {name!r}: expected 1 to 80 characters without slashes, commas, stars and quotes, and not "
            "beginning with ABQ_"
        )


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all; a library in use keeps its old content (its file is replaced, not written over)."""
    temporary = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, temporary)
        shutil.copymode(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
