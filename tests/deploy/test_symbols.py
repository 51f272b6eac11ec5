"""What the libraries show to their host, and what a host's BLAS can do to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pybridge.deploy.bundle import LIBRARIES, library_folder
from pybridge.elf import read_library
from pybridge.errors import HostError

# Answers wrong numbers instead of failing: C = 7 in every entry, whatever is asked. Of the C++ runtime: operator new
# that gives nothing, which no code survives that takes it.
POISON = """
extern "C" {
#define GEMM(NAME, REAL) void NAME(const char*, const char*, const int* m, const int* n, const int*, const REAL*, \\
    const REAL*, const int*, const REAL*, const int*, const REAL*, REAL* c, const int* ldc) { \\
  ++calls; for (int j = 0; j < *n; ++j) for (int i = 0; i < *m; ++i) c[i + j * *ldc] = 7; }
#define GEMV(NAME, REAL) void NAME(const char* t, const int* m, const int* n, const REAL*, const REAL*, const int*, \\
    const REAL*, const int*, const REAL*, REAL* y, const int* inc) { \\
  ++calls; for (int i = 0; i < (*t == 'n' || *t == 'N' ? *m : *n); ++i) y[i * *inc] = 7; }
int calls = 0;
GEMM(dgemm_, double)
GEMM(sgemm_, float)
GEMV(dgemv_, double)
GEMV(sgemv_, float)
int poisoned_calls() { return calls; }
}
"""

# The host: its BLAS first and for everybody, then our vumat_ with the surrogate ROD.
HOST = """
import ctypes, json, sys
import numpy as np
poison, library, folder, engine, precision = sys.argv[1:]
calls = lambda: 0
if poison:
    blas = ctypes.CDLL(poison, ctypes.RTLD_GLOBAL)
    calls = blas.poisoned_calls
    # It does interpose: what a library that links no BLAS of its own would get.
    one = (ctypes.c_double * 4)(1, 0, 0, 1); out = (ctypes.c_double * 4)()
    two = ctypes.byref(ctypes.c_int(2)); unit = ctypes.byref(ctypes.c_double(1))
    ctypes.CDLL(None).dgemm_(b"N", b"N", two, two, two, unit, one, two, one, two, unit, out, two)
    assert list(out) == [7.0] * 4
before = calls()
from pybridge.host import load_vumat
from pybridge.host.arguments import Sizes, default_arguments
assert "torch" not in sys.modules
vumat = load_vumat(library)
vumat.use_model("ROD", folder + "/ROD.pt", engine)
n = 16
given = default_arguments(Sizes(n, states=25, constants=0), np.dtype(precision), "ROD", [])
given["totalTime"][0] = given["stepTime"][0] = given["dt"][0] = 1e-7
strain = np.linspace(0.001, 0.01, 6 * n).reshape(6, n)
given["strainInc"][:] = strain.ravel()
given["stretchNew"][:] += strain.ravel()
given["defgradNew"][: 6 * n] = given["stretchNew"]
vumat.call(given)
print(json.dumps([given["stressNew"].astype(float).tolist(), calls() - before]))
"""


def stress(poison: Path | None, library: Path, engine: str, precision: str) -> tuple[np.ndarray, int]:
    done = subprocess.run(
        [sys.executable, "-c", HOST, str(poison or ""), str(library), str(library.parent), engine, precision],
        capture_output=True, text=True, timeout=120,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYBRIDGE_TORCH_ENGINE": str(library_folder() / "libpybridge_torch.so"),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values, calls = json.loads(done.stdout)
    return np.array(values), calls


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_host_s_blas_changes_no_stress(deployed: Path, compiled, precision: str) -> None:
    """Through vumat_, both engines: dgemm_, sgemm_ and others loaded first, and they answer 7."""
    poison = compiled("poison", POISON)
    library = deployed / ("libexplicitU-D.so" if precision == "float64" else "libexplicitU.so")
    expected, _ = stress(None, library, "native", precision)
    scale = np.abs(expected).max()
    # float32: the strain's own rounding, 6e-8, divided by input_scale (0.01) and multiplied by the layers' gain.
    tolerance = 1e-12 if precision == "float64" else 2e-5
    for engine in ("native", "torchscript"):
        found, calls = stress(poison, library, engine, precision)
        assert calls == 0, f"{engine} took the host's BLAS"
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_entry_points_only_and_no_runtime(name: str) -> None:
    """Exports: what the host calls and pybridge_*; asks for nothing of C++, BLAS or OpenMP; needs the C library alone."""
    path = library_folder() / name
    assert path.is_file()
    library = read_library(path)
    assert {s for s in library.exported if not s.startswith("pybridge_")} == set(LIBRARIES[name])
    foreign = (
        "_Z",
        "__cxa_throw",
        "__cxa_allocate",
        "__gxx",
        "_Unwind",
        "GOMP",
        "omp_",
        "dgemm",
        "sgemm",
        "cblas",
    )
    assert not [s for s in library.undefined if s.startswith(foreign)]
    assert set(library.needed) <= {
        "libc.so.6",
        "libm.so.6",
        "libdl.so.2",
        "libpthread.so.0",
        "ld-linux-x86-64.so.2",
    }
    assert library.run_path == ""


def test_torch_engine_shows_its_one_entry_and_is_needed_by_nobody() -> None:
    assert read_library(library_folder() / "libpybridge_torch.so").exported == {"pybridge_torch_entry"}
    for path in library_folder().glob("*.so"):
        if path.name != "libpybridge_torch.so":
            assert not [n for n in read_library(path).needed if "torch" in n or "c10" in n], path.name


def test_reader_agrees_with_nm(deployed: Path) -> None:
    for name in ("libexplicitU-D.so", "libexplicitU.so"):
        for option, found in (
            ("--defined-only", read_library(deployed / name).exported),
            ("--undefined-only", read_library(deployed / name).undefined),
        ):
            text = subprocess.run(
                ["nm", "-D", option, deployed / name], capture_output=True, text=True, check=True
            )
            rows = [line.split() for line in text.stdout.splitlines()]
            assert found == {row[-1].split("@")[0] for row in rows if row[-2] not in "wv"}, name


def test_what_is_no_library_is_refused(tmp_path: Path, deployed: Path) -> None:
    (tmp_path / "a.so").write_bytes(b"text")
    (tmp_path / "b.so").write_bytes((deployed / "libexplicitU.so").read_bytes()[:5000])
    for name, message in (("a.so", "not a shared library of 64-bit Linux"), ("b.so", "truncated or altered"), ("c.so", "no such file")):  # fmt: skip
        with pytest.raises(HostError, match=message):
            read_library(tmp_path / name)
