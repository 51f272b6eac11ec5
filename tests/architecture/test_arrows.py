"""No arrow of dependency points the wrong way (docs: the layout), and the libraries export their entry points only."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pybridge.host import our_library, our_umat

ROOT = Path(__file__).parents[2]
FOLDERS = ("cpp", "umat", "pybridge", "training", "abaqus_jobs")
ALLOWED = {
    "cpp": {"cpp"},
    "umat": {"umat", "cpp"},
    "pybridge": {"pybridge", "cpp"},
    "training": {"training", "pybridge"},
    "abaqus_jobs": {"abaqus_jobs", "pybridge"},
}
POSIX = ("stddef.h", "dlfcn.h", "fcntl.h", "immintrin.h", "sys/mman.h", "sys/stat.h", "unistd.h")
ENTRY_POINTS = {
    "vumat_", "vexternaldb_", "pybridge_last_error", "pybridge_set_error_handler", "pybridge_set_array_arguments",
    "pybridge_use_model", "pybridge_describe", "pybridge_repeat_vumat", "pybridge_real_bytes",
    "pybridge_repeat_update",
}  # fmt: skip


def included_folder(source: Path, name: str) -> str | None:
    """Top folder of a file included with quotes: beside the source, or on the include path (cpp/)."""
    for base in (source.parent, ROOT / "cpp", ROOT):
        target = (base / name).resolve()
        if target.exists() and target.is_relative_to(ROOT):
            return target.relative_to(ROOT).parts[0]
    return None


def cpp_arrows(folder: str) -> list[tuple[Path, str, str | None]]:
    sources = [p for p in (ROOT / folder).rglob("*") if p.suffix in (".cpp", ".h")]
    pattern = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
    return [(p, name, included_folder(p, name)) for p in sources for name in pattern.findall(p.read_text())]


def imported_names(tree: ast.Module) -> set[str]:
    """Top-level packages that a module imports, also inside functions and through importlib."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("import_module", "__import__"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant):
                names.add(str(first.value).split(".")[0])
    return names


def python_arrows(folder: str) -> list[tuple[Path, str]]:
    own = set(FOLDERS) | {"tests"}
    return [
        (path, name)
        for path in (ROOT / folder).rglob("*.py")
        for name in imported_names(ast.parse(path.read_text()))
        if name in own
    ]


@pytest.mark.parametrize("folder", ["cpp", "umat", "pybridge"])
def test_includes_point_the_right_way(folder: str) -> None:
    arrows = cpp_arrows(folder)
    assert len(arrows) > 5
    wrong = [f"{p.relative_to(ROOT)}: {name}" for p, name, target in arrows if target not in ALLOWED[folder]]
    assert wrong == []


@pytest.mark.parametrize("folder", ["pybridge", "training", "abaqus_jobs"])
def test_imports_point_the_right_way(folder: str) -> None:
    arrows = python_arrows(folder)
    wrong = [f"{p.relative_to(ROOT)}: {name}" for p, name in arrows if name not in ALLOWED[folder]]
    assert wrong == []
    if folder == "pybridge":
        assert len(arrows) >= 20


def test_kernels_know_neither_python_nor_abaqus_nor_libraries() -> None:
    """cpp/ includes the standard library and the system's only; the TorchScript engine also libtorch."""
    outside = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
    for path in (ROOT / "cpp").rglob("*"):
        if path.suffix not in (".cpp", ".h"):
            continue
        for name in outside.findall(path.read_text()):
            standard = re.fullmatch(r"[a-z0-9_]+", name) or name in POSIX
            torch = "torch_engine" in path.parts and name.startswith(("torch/", "ATen/", "c10/"))
            assert standard or torch, f"{path.relative_to(ROOT)}: <{name}>"


def test_a_wrong_arrow_would_be_seen() -> None:
    assert imported_names(ast.parse("def f():\n    from training.x import y")) == {"training"}
    assert imported_names(ast.parse("import a.b, abaqus_jobs.c")) == {"a", "abaqus_jobs"}
    assert imported_names(ast.parse("importlib.import_module('training.x')")) == {"training"}
    assert included_folder(ROOT / "cpp/core/isa.cpp", "../../umat/arguments.h") == "umat"
    assert included_folder(ROOT / "umat/vumat.cpp", "core/material.h") == "cpp"


STANDARD_ENTRY_POINTS = (ENTRY_POINTS - {
    "vumat_", "vexternaldb_", "pybridge_set_array_arguments", "pybridge_repeat_vumat", "pybridge_repeat_update",
}) | {"umat_", "uexternaldb_", "pybridge_repeat_umat"}  # fmt: skip
LIBRARIES = {
    "float64": (our_library("float64"), ENTRY_POINTS),
    "float32": (our_library("float32"), ENTRY_POINTS),
    "standard": (our_umat(), STANDARD_ENTRY_POINTS),
}


@pytest.mark.parametrize(("library", "expected"), LIBRARIES.values(), ids=LIBRARIES.keys())
def test_library_exports_its_entry_points_only(library: Path, expected: set[str]) -> None:
    tool = shutil.which("nm")
    assert tool is not None, "binutils comes with the compiler"
    text = subprocess.run([tool, "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    found = {line.split()[2].split("@")[0] for line in text.stdout.splitlines()}
    assert found == expected


@pytest.mark.parametrize(("library", "_expected"), LIBRARIES.values(), ids=LIBRARIES.keys())
def test_library_needs_the_system_only(library: Path, _expected: set[str]) -> None:
    """No C++ runtime, BLAS or torch of ours meets Abaqus's."""
    tool = shutil.which("readelf")
    assert tool is not None
    text = subprocess.run([tool, "-d", library], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"NEEDED.*\[(.+?)\]", text))
    assert needed <= {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "ld-linux-x86-64.so.2"}
    assert "RPATH" not in text
