"""Build the compiled parts with CMake and place them inside the pybridge package.

Everything that is configuration stands in pyproject.toml; this file only runs CMake, because setuptools has
no notion of one source compiled for several instruction sets. Set PYBRIDGE_BUILD_JOBS to limit parallel jobs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


class CMakeBuild(build_ext):
    """Run CMake once for all compiled parts; they are written into the folder of the pybridge package."""

    def build_extension(self, ext: Extension) -> None:
        import pybind11
        import torch

        module = Path(self.get_ext_fullpath(ext.name)).resolve()
        # An editable installation copies only the module back into the sources, and from a folder whose name
        # changes each time: all parts go to the sources at once, and the module where setuptools looks for it.
        package = ROOT / "pybridge" if self.editable_mode else module.parent
        # One build tree for each interpreter and output folder: an isolated `pip install .` must not reuse
        # the CMake cache of an editable installation, whose pybind11 and torch stand elsewhere.
        key = hashlib.sha256(f"{sys.prefix}{pybind11.get_cmake_dir()}{package}".encode()).hexdigest()[:8]
        tree = ROOT / "build" / f"cmake-{key}"
        tree.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                "cmake",
                "-G",
                "Ninja",
                "-S",
                str(ROOT),
                "-B",
                str(tree),
                f"-DPython_EXECUTABLE={sys.executable}",
                f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
                f"-DPYBRIDGE_TORCH={Path(torch.__file__).resolve().parent}",
                f"-DPYBRIDGE_PACKAGE_DIR={package}",
                "-DCMAKE_BUILD_TYPE=Release",
            ],
            check=True,
        )
        jobs = os.environ.get("PYBRIDGE_BUILD_JOBS", str(os.cpu_count() or 1))
        subprocess.run(["cmake", "--build", str(tree), "--parallel", jobs], check=True)
        if self.editable_mode:
            module.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(package / module.name, module)


setup(ext_modules=[Extension("pybridge._core", sources=[])], cmdclass={"build_ext": CMakeBuild})
