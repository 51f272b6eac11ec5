"""Abaqus/Standard's routines: found at run time where there are any; each case in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROUTINES = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
extern "C" void stdb_abqerr_(const int* lop, const char* text, const int*, const void*, const char*,
                             unsigned long length, unsigned long) {
  std::printf("ABQERR %d [%.*s]\n", *lop, (int)length, text);
  std::fflush(stdout);
}
extern "C" void xplb_abqerr_() { std::printf("WRONG ROUTINE\n"); }
extern "C" void xit_() {
  std::printf("EXIT\n");
  std::fflush(stdout);
  std::_Exit(42);
}
static void give(const char* variable, char* text, int* length) {
  const char* value = std::getenv(variable);
  *length = value ? (int)std::strlen(value) : 0;
  if (value) std::memcpy(text, value, *length);
}
extern "C" void getoutdir_(char* text, int* length, unsigned long) { give("STUB_OUTDIR", text, length); }
extern "C" void getjobname_(char* text, int* length, unsigned long) { give("STUB_JOB", text, length); }
"""

PRELUDE = """
import ctypes
import numpy as np
from pybridge.host import our_umat
from pybridge.host.umat_arguments import UMAT_NAMES, UmatSizes, default_umat_arguments

if ROUTINES:
    ctypes.CDLL(ROUTINES, mode=ctypes.RTLD_GLOBAL)
library = ctypes.CDLL(str(our_umat()))
mathematics = ctypes.CDLL("libm.so.6")

def call(name, constants, **changes):
    arrays = default_umat_arguments(UmatSizes(constants=len(constants)), name, constants)
    for key, value in changes.items():
        arrays[key][:] = value
    library.umat_(*[ctypes.c_void_p(arrays[n].ctypes.data) for n in UMAT_NAMES], ctypes.c_size_t(80))
    print("RETURNED", arrays["STRESS"][:2], flush=True)

def database(operation):
    array, times = (ctypes.c_int * 4)(), (ctypes.c_double * 2)()
    library.uexternaldb_(ctypes.byref(ctypes.c_int(operation)), array, times, times, array, array)
    print("RETURNED", flush=True)
"""


@pytest.fixture(scope="module")
def routines(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("routines")
    compiler = shutil.which("g++") or shutil.which("c++")
    assert compiler is not None, "a C++ compiler is what the package itself was built with"
    (folder / "stub.cpp").write_text(ROUTINES)
    target = folder / "libstub.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", target, folder / "stub.cpp"], check=True)
    return target


def run(code, routines=None, **environment):
    script = f"ROUTINES = {str(routines) if routines else ''!r}\n" + PRELUDE + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )  # fmt: skip


def test_without_routines_no_number_comes_out():
    done = run("call('PYBRIDGE_ELASTIC', [1.0])")
    assert done.returncode == 0
    assert done.stderr.startswith("pybridge: error: PYBRIDGE_ELASTIC: expected 2 constants")
    assert "RETURNED [nan nan]" in done.stdout


def test_routines_of_standard_report_and_leave(routines):
    done = run("call('PYBRIDGE_ELASTIC', [1.0])", routines)
    assert done.returncode == 42
    assert "ABQERR -3 [pybridge: PYBRIDGE_ELASTIC: expected 2 constants" in done.stdout
    assert "WRONG" not in done.stdout


def test_success_and_a_smaller_increment_touch_no_routine(routines):
    code = """
    call('PYBRIDGE_ELASTIC', [2e11, 0.3])
    call('PYBRIDGE_ELASTIC', [2e11, 0.3], DFGRD1=[1, 0, 0, 0, -1, 0, 0, 0, 1])
    database(1); database(0)
    """
    done = run(code, routines)
    assert done.returncode == 0
    assert done.stdout.count("RETURNED") == 4
    assert "ABQERR" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("operation", [0, 1, 3, 4])
def test_models_of_the_deck_are_loaded_at_the_start(routines, tmp_path, operation):
    """At the start of an analysis and of a restart."""
    (tmp_path / "rod.inp").write_text("*MATERIAL, NAME=Rod\n")
    (tmp_path / "Rod.pt").write_bytes(b"not an archive")
    done = run(f"database({operation})", routines, STUB_JOB="rod", STUB_OUTDIR=str(tmp_path))
    start = operation in (0, 4)
    assert done.returncode == (42 if start else 0)
    assert (f"{tmp_path}/Rod.pt" in done.stderr) == start


def test_traps_of_the_host_stay_and_do_not_stop_the_call():
    code = """
    traps = 1 | 4 | 8  # invalid, division by zero, overflow
    mathematics.feenableexcept(traps)
    call('PYBRIDGE_ELASTIC', [2e11, 0.3], DFGRD1=[np.nan] * 9)
    kept = mathematics.fegetexcept()
    mathematics.fedisableexcept(traps)
    print("TRAPS", kept & traps == traps)
    """
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert "TRAPS True" in done.stdout
