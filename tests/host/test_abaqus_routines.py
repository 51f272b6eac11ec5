"""The routines of the host: found at run time where there are any, done without where there are none.

Each case runs in a process of its own: routines loaded once are found by every later call of a process.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pybridge.host import our_library

# What Abaqus/Explicit offers; xplb_exit_ leaves with a code of its own, or returns where STUB_RETURNS is set.
ROUTINES = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
extern "C" void xplb_abqerr_(const int* lop, const char* text, const int*, const void*, const char*,
                             unsigned long length, unsigned long characters) {
  std::printf("ABQERR %d %lu %lu [%.*s]\n", *lop, length, characters, (int)length, text);
  std::fflush(stdout);
}
extern "C" void xplb_exit_() {
  std::printf("EXIT\n");
  std::fflush(stdout);
  if (!std::getenv("STUB_RETURNS")) std::_Exit(42);
}
static void give(const char* variable, char* text, int* length) {
  const char* value = std::getenv(variable);
  *length = value ? (int)std::strlen(value) : 0;
  if (value) std::memcpy(text, value, *length);
}
extern "C" void vgetoutdir_(char* text, int* length, unsigned long) { give("STUB_OUTDIR", text, length); }
extern "C" void vgetjobname_(char* text, int* length, unsigned long) { give("STUB_JOB", text, length); }
"""

# A host that is not Python's: plain ctypes, no handler of errors. `call(name, constants)` prints what came out.
PRELUDE = """
import ctypes, sys, os
import numpy as np
from pybridge.host import our_library
from pybridge.host.arguments import NAMES, Sizes, default_arguments

if ROUTINES:
    ctypes.CDLL(ROUTINES, mode=ctypes.RTLD_GLOBAL)
library = ctypes.CDLL(str(our_library(PRECISION)))

def call(name, constants, states=0, **changes):
    sizes = Sizes(2, states=states, constants=len(constants))
    arrays = default_arguments(sizes, np.dtype(PRECISION), name, constants)
    arrays["totalTime"][0] = arrays["stepTime"][0] = arrays["dt"][0] = 1e-6
    for key, value in changes.items():
        arrays[key][:] = value
    library.vumat_(*[ctypes.c_void_p(arrays[n].ctypes.data) for n in NAMES], ctypes.c_size_t(80))
    print("RETURNED", arrays["stressNew"][:2], flush=True)

def database(operation):
    array = ctypes.c_int * 8
    library.vexternaldb_(ctypes.byref(ctypes.c_int(operation)), array(), ctypes.byref(ctypes.c_int(8)), array(),
                         ctypes.byref(ctypes.c_int(8)))
    print("RETURNED", flush=True)
"""


@pytest.fixture(scope="module")
def routines(compile_library) -> Path:
    return compile_library("abaqus_routines", ROUTINES)


def run(code, *, routines=None, precision="float64", cwd=None, **environment):
    import os

    script = f"ROUTINES = {str(routines) if routines else ''!r}\nPRECISION = {precision!r}\n" + PRELUDE
    return subprocess.run(
        [sys.executable, "-c", script + textwrap.dedent(code)], capture_output=True, text=True, timeout=120, cwd=cwd,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_without_routines_the_error_goes_to_standard_error_and_no_number_comes_out(precision):
    done = run("call('PYBRIDGE_ELASTIC', [1.0])", precision=precision)
    assert done.returncode == 0
    assert done.stderr.startswith("pybridge: error: PYBRIDGE_ELASTIC: expected 2 constants")
    assert "RETURNED [nan nan]" in done.stdout


def test_abaqus_routines_report_and_leave(routines):
    done = run("call('PYBRIDGE_ELASTIC', [1.0])", routines=routines)
    assert done.returncode == 42
    assert "ABQERR -3 " in done.stdout
    assert "[pybridge: PYBRIDGE_ELASTIC: expected 2 constants" in done.stdout
    assert done.stdout.rstrip().endswith("EXIT")
    assert "expected 2 constants" in done.stderr


def test_message_fits_abaqus(routines):
    """At most 500 characters, eight of CHARV, no percent signs (they announce arguments) or line ends."""
    code = "call('A%B', [1.0, 2.0])"
    long_path = ":".join(f"/nowhere/{k}" for k in range(100))
    done = run(code, routines=routines, PYBRIDGE_MODEL_PATH=long_path)
    text = done.stdout[done.stdout.index("[") + 1 : done.stdout.rindex("]")]
    assert "ABQERR -3 500 8 [" in done.stdout
    assert len(text) == 500
    assert "ApercentB" in text
    assert "%" not in text
    assert "/nowhere/99" in done.stderr


def test_exit_that_returns_still_gives_no_number(routines):
    done = run("call('PYBRIDGE_ELASTIC', [1.0])", routines=routines, STUB_RETURNS="1")
    assert done.returncode == 0
    assert "EXIT" in done.stdout
    assert "RETURNED [nan nan]" in done.stdout


def test_success_touches_no_routine(routines):
    done = run("call('PYBRIDGE_ELASTIC', [2e11, 0.3]); database(0); database(4)", routines=routines)
    assert done.returncode == 0
    assert "ABQERR" not in done.stdout
    assert done.stdout.count("RETURNED") == 3
    assert done.stderr == ""


def test_folder_of_the_job_comes_first(routines, tmp_path):
    """A file that cannot be read is an error that names it: so one sees which was taken."""
    folders = {name: tmp_path / name for name in ("job", "here", "path")}
    for folder in folders.values():
        folder.mkdir()
    code = "call('ROD', [1.0])"
    environment = {"STUB_OUTDIR": str(folders["job"]), "PYBRIDGE_MODEL_PATH": f"/none:{folders['path']}"}
    for name, shown in (("path", str(folders["path"])), ("here", "./"), ("job", str(folders["job"]))):
        (folders[name] / "Rod.pt").write_bytes(b"not an archive")
        done = run(code, routines=routines, cwd=folders["here"], **environment)
        assert done.returncode == 42
        assert shown in done.stderr, done.stderr
        assert "Rod.pt" in done.stderr
    (folders["job"] / "ROD.pt").write_bytes(b"exact case")
    assert (
        f"{folders['job']}/ROD.pt" in run(code, routines=routines, cwd=folders["here"], **environment).stderr
    )


def test_files_that_differ_only_in_case(tmp_path):
    for name in ("Rod.pt", "rod.pt", "Rod.PT"):
        (tmp_path / name).write_bytes(b"not an archive")
    done = run("call('ROD', [1.0])", cwd=tmp_path)
    assert '"Rod.PT" and "Rod.pt" in . differ only in case; keep one, or name it ROD.pt' in done.stderr


def test_missing_file_lists_the_folders(tmp_path):
    done = run("call('ROD', [1.0])", cwd=tmp_path, PYBRIDGE_MODEL_PATH=f"{tmp_path}:.:/none:")
    own = our_library("float64").parent
    assert f"no ROD.pt in ., {tmp_path}, /none, {own}; put the file beside the job" in done.stderr


def test_name_is_no_path(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ROD.pt").write_bytes(b"not an archive")
    assert "no SUB/ROD.pt in ." in run("call('sub/rod', [1.0])", cwd=tmp_path).stderr


def test_engine_of_the_environment_is_checked(tmp_path):
    done = run("call('ROD', [1.0])", cwd=tmp_path, PYBRIDGE_ENGINE="onnx")
    assert 'PYBRIDGE_ENGINE: expected native or torchscript, got "onnx"' in done.stderr


DECK = """*HEADING
** *MATERIAL, NAME=COMMENT
*Material, name=PYBRIDGE_J2_STEEL
*MATERIAL, RTOL=1, NAME = "Rod" , FOO
*MATERIALS
"""


@pytest.mark.parametrize("operation", [0, 1, 6])
def test_models_of_the_deck_are_loaded_at_the_start(routines, tmp_path, operation):
    """A bad file stops the job before its first increment; only at the start of the analysis."""
    (tmp_path / "impact.inp").write_text(DECK)
    (tmp_path / "Rod.pt").write_bytes(b"not an archive")
    (tmp_path / "Comment.pt").write_bytes(b"not an archive")
    done = run(f"database({operation})", routines=routines, STUB_JOB="impact", STUB_OUTDIR=str(tmp_path))
    assert done.returncode == (42 if operation == 0 else 0)
    assert (f"{tmp_path}/Rod.pt" in done.stderr) == (operation == 0)
    assert "Comment" not in done.stderr


def test_deck_without_files_or_no_deck_loads_later(routines, tmp_path):
    (tmp_path / "impact.inp").write_text(DECK)
    for environment in ({"STUB_JOB": "impact", "STUB_OUTDIR": str(tmp_path)}, {"STUB_JOB": "other"}, {}):
        done = run("database(0)", routines=routines, cwd=tmp_path, **environment)
        assert done.returncode == 0, done.stderr
        assert "RETURNED" in done.stdout


def test_array_arguments_by_environment():
    """Element numbers and effective moduli where the host says that it passes arrays."""
    code = """
    arrays = dict(lanneal=[0, 1, 1, 1, 1, 7, 11, 12])
    call("PYBRIDGE_ELASTIC", [2e11, 0.3], density=0.0, **arrays)
    """
    assert "point 1 of 2 (element 11)" in run(code, PYBRIDGE_VUMAT_ARRAYS="1").stderr
    for value in ("", "0"):
        assert "point 1 of 2, total" in run(code, PYBRIDGE_VUMAT_ARRAYS=value).stderr


def test_traps_of_the_host_stay_and_do_not_stop_the_call():
    """With floating-point traps on, loading and the kernels raise no signal; the traps are on again after the call."""
    code = """
    mathematics = ctypes.CDLL("libm.so.6")
    traps = 1 | 4 | 8  # invalid, division by zero, overflow
    arrays = {}
    sizes = Sizes(3, states=3, constants=12)
    constants = [200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9]
    given = default_arguments(sizes, np.dtype(PRECISION), "PYBRIDGE_JOHNSON_COOK", constants)
    given["totalTime"][0] = given["stepTime"][0] = given["dt"][0] = 1e-6
    given["strainInc"][:] = [0.02, np.nan, 0.0] + [0.0] * 15
    pointers = [ctypes.c_void_p(given[n].ctypes.data) for n in NAMES] + [ctypes.c_size_t(80)]
    mathematics.feenableexcept(traps)
    library.vumat_(*pointers)
    kept = mathematics.fegetexcept()
    mathematics.fedisableexcept(traps)
    print("TRAPS", kept & traps == traps, flush=True)
    """
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert "TRAPS True" in done.stdout
    assert "not-a-number" in done.stderr


def test_first_load_from_many_threads():
    """Eight threads ask at once for materials that nobody has loaded: all get the same answer."""
    code = """
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier
    barrier = Barrier(8)

    def work(thread):
        results = []
        for k in range(50):
            sizes = Sizes(2, constants=2)
            arrays = default_arguments(sizes, np.dtype(PRECISION), "PYBRIDGE_ELASTIC", [1e9 * (k + 1), 0.25])
            arrays["strainInc"][:] = 1e-3
            barrier.wait()
            library.vumat_(*[ctypes.c_void_p(arrays[n].ctypes.data) for n in NAMES], ctypes.c_size_t(80))
            results.append(arrays["stressNew"].tobytes())
        return results

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(8)))
    print(all(a == answers[0] for a in answers), len(set(answers[0])))
    """
    assert run(code).stdout.strip() == "True 50"
