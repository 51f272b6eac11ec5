"""`pybridge build abaqus`: the files, and the C++ shim compiled and called in our host."""

from __future__ import annotations

import ctypes
import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from pybridge.commands import main
from pybridge.deploy.bundle import build_abaqus, shim_text
from pybridge.elf import read_library
from pybridge.errors import ConfigError, ModelFileError
from pybridge.host import UmatLibrary, UmatPoint, load_vumat, our_library
from pybridge.host.arguments import Sizes, default_arguments

JOHNSON_COOK = (200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9)
OUTPUTS = ("stressNew", "stateNew", "enerInternNew", "enerInelasNew")
UMAT_OUTPUTS = ("STRESS", "STATEV", "DDSDDE", "SSE", "SPD", "SCD", "PNEWDT")


def arguments(library, name, constants, states, n=37):
    """A call in the middle of a history, different at every point."""
    rng = np.random.default_rng(5)
    given = default_arguments(
        Sizes(n, states=states, constants=len(constants)), library.dtype, name, list(constants)
    )
    given["totalTime"][0] = given["stepTime"][0] = 1.1e-6
    given["dt"][0] = 1e-7
    given["density"][:] = 7800
    strain = rng.normal(size=(6, n)) * 2e-3
    given["strainInc"][:] = strain.ravel()
    given["stretchNew"][:] += strain.ravel()
    given["defgradNew"][: 6 * n] = given["stretchNew"]
    given["stressOld"][:] = (strain * 1e11).ravel()
    given["stateOld"][:n] = 0.01
    return given


def test_files_of_the_folder(deployed: Path) -> None:
    names = {
        "libexplicitU-D.so",
        "libexplicitU.so",
        "pybridge_shim.cpp",
        "pybridge_shim.f",
        "abaqus_v6.env",
        "ROD.pt",
    }
    assert names <= {path.name for path in deployed.iterdir()}
    assert not list(deployed.glob("*.part"))
    for name in ("libexplicitU-D.so", "libexplicitU.so"):
        precision = "float64" if "-D" in name else "float32"
        assert (deployed / name).read_bytes() == our_library(precision).read_bytes()
    fortran = (deployed / "pybridge_shim.f").read_text()
    assert max(map(len, fortran.splitlines())) <= 72, "fixed form ends at column 72"
    pieces = fortran.split("built = ")[1].split("integer(c_int), parameter :: now")[0]
    assert "".join(p.split("'")[1] for p in pieces.splitlines() if "'" in p) == str(deployed)
    for name in ("pybridge_shim.f", "pybridge_shim.cpp"):
        assert "@PYBRIDGE" not in (deployed / name).read_text()


def test_environment_file_is_python_that_abaqus_runs(deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYBRIDGE_MODEL_PATH", "/mine")
    monkeypatch.setenv("PYBRIDGE_ABAQUS_DIR", "/replaced, and as before after the test")
    names = runpy.run_path(str(deployed / "abaqus_v6.env"))
    assert {k: v for k, v in names.items() if not k.startswith("__")} == {"usub_lib_dir": str(deployed)}
    assert os.environ["PYBRIDGE_ABAQUS_DIR"] == str(deployed)
    assert os.environ["PYBRIDGE_MODEL_PATH"] == f"/mine{os.pathsep}{deployed}"
    monkeypatch.delenv("PYBRIDGE_MODEL_PATH")
    runpy.run_path(str(deployed / "abaqus_v6.env"))
    assert os.environ["PYBRIDGE_MODEL_PATH"] == str(deployed)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("arrays", [False, True])
def test_cpp_shim_answers_bit_for_bit(
    deployed: Path, compiled, precision: str, arrays: bool, monkeypatch
) -> None:
    """Scalars or arrays in the places of lanneal and dt: the same addresses, the same bits, effective moduli too."""
    monkeypatch.setenv("PYBRIDGE_PRECISION", "double" if precision == "float64" else "single")
    shim = load_vumat(compiled(f"shim_{precision}", deployed / "pybridge_shim.cpp"), precision)
    direct = load_vumat(deployed / our_library(precision).name)
    assert not shim.ours
    for name, constants, states in (
        ("PYBRIDGE_ELASTIC", (200e9, 0.3), 0),
        ("PYBRIDGE_JOHNSON_COOK_STEEL", JOHNSON_COOK, 3),
        ("ROD", (1.0, 1.0), 25),
    ):
        answers = []
        for library in (shim, direct):
            given = arguments(direct, name, constants, states)
            if arrays:
                given["lanneal"][4] = 1  # effective moduli wanted
                direct.set_array_arguments(True)
            library.call(given)
            direct.set_array_arguments(False)
            answers.append({key: given[key].copy() for key in (*OUTPUTS, "dt")})
        for key in answers[0]:
            assert answers[0][key].tobytes() == answers[1][key].tobytes(), (name, key)
        assert np.isfinite(answers[0]["stressNew"]).all()
        assert np.abs(answers[0]["stressNew"]).min() > 0
        assert (answers[0]["dt"][1:] > 0).all() == arrays


def umat_answers(library: UmatLibrary, described: UmatLibrary, name: str, constants: tuple) -> dict:
    """Outputs of a call in the middle of a history with rotation, and of the one that the host asks for nothing in."""
    point = UmatPoint(described, name, constants)
    gradient = np.array([[0.031, 0.052, -0.017], [-0.024, -0.037, 0.028], [0.011, -0.041, 0.009]])
    for a in (0.3, 0.6):
        point.step(np.eye(3) + a * gradient, 2e-8)
    answers = {}
    for label, f in (("flows", np.eye(3) + gradient), ("inverted", -np.eye(3))):
        given = point.arguments(f, 2e-8)
        library.call(given)
        answers |= {f"{label} {key}": given[key].copy() for key in UMAT_OUTPUTS}
    return answers


def test_cpp_shim_answers_umat_bit_for_bit(deployed: Path, compiled) -> None:
    shim = UmatLibrary(compiled("shim_umat", deployed / "pybridge_shim.cpp"))
    direct = UmatLibrary(deployed / "libstandardU.so")
    assert not shim.ours
    assert direct.ours
    direct.use_model("ROD", deployed / "ROD.pt")
    for name, constants in (
        ("PYBRIDGE_ELASTIC", (200e9, 0.3)),
        ("PYBRIDGE_JOHNSON_COOK_STEEL", (*JOHNSON_COOK, 7800.0)),
        ("ROD", (1.0, 1.0)),
    ):
        found, expected = (umat_answers(library, direct, name, constants) for library in (shim, direct))
        for key, values in expected.items():
            assert found[key].tobytes() == values.tobytes(), (name, key)
        assert np.isfinite(found["flows DDSDDE"]).all()
        assert np.abs(found["flows DDSDDE"]).max() > 0
        assert found["inverted PNEWDT"][0] == 0.25, "asks for a smaller increment"


# A library that remembers the addresses it was called with.
RECORDER = """
#include <cstddef>
extern "C" {
void* seen[40];
int seen_count = 0;
void umat_(%s) { void* all[] = {%s}; for (int k = 0; k < 37; ++k) seen[k] = all[k]; seen_count = 37; }
void uexternaldb_(%s) { void* all[] = {%s}; for (int k = 0; k < 6; ++k) seen[k] = all[k]; seen_count = 6; }
}
"""


def test_shim_hands_on_every_address(deployed: Path, compiled, tmp_path: Path, monkeypatch) -> None:
    """Also of arguments that no material of ours reads; so a shim serves any later library."""
    lists = [
        text
        for count in (37, 6)
        for text in (", ".join(f"void* a{k}" for k in range(count)), ", ".join(f"a{k}" for k in range(count)))
    ]
    library = compiled("recorder", RECORDER % tuple(lists))
    (tmp_path / "libstandardU.so").write_bytes(library.read_bytes())
    monkeypatch.setenv("PYBRIDGE_ABAQUS_DIR", str(tmp_path))
    shim = ctypes.CDLL(str(compiled("shim_recorded", deployed / "pybridge_shim.cpp")))
    recorder = ctypes.CDLL(str(tmp_path / "libstandardU.so"))
    for name, count in (("umat_", 37), ("uexternaldb_", 6)):
        addresses = [0x1000 + 8 * k for k in range(count)]
        getattr(shim, name)(*[ctypes.c_void_p(a) for a in addresses], ctypes.c_size_t(80))
        assert ctypes.c_int.in_dll(recorder, "seen_count").value == count
        assert list((ctypes.c_void_p * 40).in_dll(recorder, "seen"))[:count] == addresses


def test_shim_takes_the_name_from_abaqus_header(deployed: Path, compiled, tmp_path: Path) -> None:
    """omi_for_c.h decides how the entry points are spelled, where it is there."""
    (tmp_path / "omi_for_c.h").write_text("#define FOR_NAME(lower, upper) lower##_as_the_header_says\n")
    path = compiled("shim_header", deployed / "pybridge_shim.cpp", f"-I{tmp_path}")
    expected = {f"{name}_as_the_header_says" for name in ("vumat", "vexternaldb", "umat", "uexternaldb")}
    assert read_library(path).exported == expected


def test_shim_needs_no_runtime_and_exports_entry_points_only(deployed: Path, compiled) -> None:
    library = read_library(compiled("shim_symbols", deployed / "pybridge_shim.cpp"))
    assert library.exported == {"vumat_", "vexternaldb_", "umat_", "uexternaldb_"}
    assert not [s for s in library.undefined if s.startswith(("_Z", "__cxa", "__gxx"))]


CALL = """
import ctypes, os, sys
import numpy as np
from pybridge.host.arguments import NAMES, Sizes, default_arguments
shim = ctypes.CDLL(sys.argv[1])
arrays = default_arguments(Sizes(4, constants=2), np.dtype("float64"), "PYBRIDGE_ELASTIC", [1e11, 0.3])
arrays["stressNew"][:] = 1
if os.environ.get("PYBRIDGE_TEST_ENTRY") == "umat_":
    stress, one, components = np.ones(6), np.ones(64), np.array([6], np.int32)
    places = [components if k == 21 else stress if k == 0 else one for k in range(37)]
    shim.umat_(*[ctypes.c_void_p(a.ctypes.data) for a in places], ctypes.c_size_t(80))
    print("RETURNED", np.isnan(stress).all())
    sys.exit()
shim.vumat_(*[ctypes.c_void_p(arrays[n].ctypes.data) for n in NAMES], ctypes.c_size_t(80))
print("RETURNED", np.isnan(arrays["stressNew"]).any())
"""


def call(shim: Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CALL), str(shim)], cwd=cwd, capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_shim_says_what_it_misses_and_gives_no_number(deployed: Path, compiled, tmp_path: Path) -> None:
    shim = compiled("shim_moved", shim_text("pybridge_shim.cpp", tmp_path / "gone"))
    lost = call(shim, tmp_path, PYBRIDGE_PRECISION="double")
    assert (
        "pybridge: error: no libexplicitU-D.so in PYBRIDGE_ABAQUS_DIR (not set), the current folder or"
        in lost.stderr
    )
    assert str(tmp_path / "gone") in lost.stderr
    assert "RETURNED True" in lost.stdout
    standard = call(shim, tmp_path, PYBRIDGE_TEST_ENTRY="umat_")
    assert "pybridge: error: no libstandardU.so in PYBRIDGE_ABAQUS_DIR (not set)" in standard.stderr
    assert "RETURNED True" in standard.stdout
    unknown = call(shim, tmp_path)
    assert "set the environment variable PYBRIDGE_PRECISION to single or double" in unknown.stderr
    assert "RETURNED True" in unknown.stdout
    found = call(shim, tmp_path, PYBRIDGE_PRECISION="double", PYBRIDGE_ABAQUS_DIR=str(deployed))
    assert (found.stderr, found.stdout) == ("", "RETURNED False\n")
    (tmp_path / "libexplicitU-D.so").write_bytes(b"not a library")
    broken = call(shim, tmp_path, PYBRIDGE_PRECISION="double")
    assert "libexplicitU-D.so cannot be used: ./libexplicitU-D.so" in broken.stderr
    assert "RETURNED True" in broken.stdout


def test_nothing_is_replaced_unasked(deployed: Path, model_file: Path, tmp_path: Path) -> None:
    build_abaqus(tmp_path / "a")
    (tmp_path / "a" / "pybridge_shim.f").write_text("mine")
    with pytest.raises(ConfigError, match=r"libexplicitU-D\.so, .* there already; give --overwrite"):
        build_abaqus(tmp_path / "a")
    assert (tmp_path / "a" / "pybridge_shim.f").read_text() == "mine"
    build_abaqus(tmp_path / "a", overwrite=True)
    assert "iso_c_binding" in (tmp_path / "a" / "pybridge_shim.f").read_text()
    with pytest.raises(ConfigError, match="not beginning with ABQ_"):
        build_abaqus(tmp_path / "b", {"abq_rod": model_file})
    with pytest.raises(ConfigError, match="without quotes"):
        build_abaqus(tmp_path / 'a"b')
    (tmp_path / "bad.pt").write_bytes(b"no archive")
    with pytest.raises(ModelFileError):
        build_abaqus(tmp_path / "b", {"rod": tmp_path / "bad.pt"})
    assert not (tmp_path / "b").exists(), "nothing is written before everything is checked"


def test_command(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert main(["build", "abaqus", "--out", str(out), "--model", f"rod={model_file}"]) == 0
    text = capsys.readouterr().out
    assert f"{out}/ROD.pt: material ROD, kind pca_dnn, *DEPVAR 25" in text
    assert (
        "libexplicitU.so: single precision, exports vumat_, vexternaldb_, a call of vumat_ answered right"
        in text
    )
    assert main(["build", "abaqus", "--out", str(out), "--model", "nowhere.pt"]) == 2
    assert "no such file nowhere.pt" in capsys.readouterr().err
    assert main(["build", "abaqus", "--out", str(out), *["--model", f"ROD={model_file}"] * 2]) == 2
    assert "material ROD is given twice" in capsys.readouterr().err
