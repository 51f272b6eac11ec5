"""Helpers of the host's tests: our libraries, small VUMATs compiled on the spot, and a plain call."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pybridge.host import VumatLibrary, load_vumat, our_library
from pybridge.host.arguments import Sizes, default_arguments

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(params=["float64", "float32"])
def library(request: pytest.FixtureRequest) -> VumatLibrary:
    """Our VUMAT, in each precision."""
    return load_vumat(our_library(request.param))


@pytest.fixture(scope="session")
def compile_library(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """compile_library(name, C++ source) -> shared library."""
    compiler = shutil.which("g++") or shutil.which("c++")
    assert compiler is not None, "a C++ compiler is what the package itself was built with"
    folder = tmp_path_factory.mktemp("compiled")

    def build(name: str, source: str) -> Path:
        (folder / f"{name}.cpp").write_text(source)
        target = folder / f"lib{name}.so"
        subprocess.run(
            [compiler, "-O1", "-shared", "-fPIC", "-o", target, folder / f"{name}.cpp"], check=True
        )
        return target

    return build


@pytest.fixture
def arguments() -> Callable[..., dict[str, NDArray]]:
    """arguments(library, n, name, constants, ...) of a real increment: time 3e-6 s, dt 1e-6 s, density 8000."""

    def make(library, n, name, constants, *, states=0, shear=3, time=3e-6, dt=1e-6):
        sizes = Sizes(n, shear=shear, states=states, constants=len(constants))
        result = default_arguments(sizes, library.dtype, name, list(constants))
        result["totalTime"][0] = result["stepTime"][0] = time
        result["dt"][0] = dt
        result["density"][:] = 8000
        for output in ("stressNew", "stateNew", "enerInternNew", "enerInelasNew"):
            result[output][:] = np.nan
        return result

    return make
