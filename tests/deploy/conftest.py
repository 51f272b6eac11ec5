"""A folder as `pybridge build abaqus` writes it, a model file in it, and a compiler."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))

from surrogate import surrogate_file

from pybridge.deploy.bundle import build_abaqus


@pytest.fixture(scope="session")
def model_file() -> Path:
    """A small surrogate of random weights."""
    return surrogate_file()


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    """The folder, with a model file of the material ROD."""
    folder = tmp_path_factory.mktemp(
        "a long folder name, so that the constant needs several lines of Fortran"
    )
    return build_abaqus(folder / "deploy", {"rod": model_file}).folder


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """compiled(name, source file or text, *options) -> shared library."""
    compiler = shutil.which("g++") or shutil.which("c++")
    assert compiler is not None, "a C++ compiler is what the package itself was built with"
    folder = tmp_path_factory.mktemp("compiled")

    def build(name: str, source: Path | str, *options: str) -> Path:
        if isinstance(source, str):
            (folder / f"{name}.cpp").write_text(source)
            source = folder / f"{name}.cpp"
        target = folder / f"lib{name}.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", target, source, *options, "-ldl"], check=True)
        return target

    return build
