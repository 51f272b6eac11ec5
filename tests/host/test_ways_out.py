"""Strangers' VUMATs that leave in another way than by returning, call Abaqus's routines, or come as a source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from strangers import elastic_vumat

from abaqus_jobs.one_element import one_element
from pybridge.commands import main
from pybridge.deck.user_material import user_material
from pybridge.deck.writer import write_deck
from pybridge.errors import HostError
from pybridge.host import VumatLibrary, compile, load_vumat
from pybridge.host.compile import compile_vumat
from pybridge.host.library import ROUTINES

ROUTINE_DECLARATIONS = """
extern "C" { void xplb_exit_(); int getnumthreads_(); int get_thread_id_();
void xplb_abqerr_(const int*, const char*, const int*, const void*, const char*, unsigned long, unsigned long);
void vgetjobname_(char*, int*, unsigned long); void vgetoutdir_(char*, int*, unsigned long);
void vgetnumcpus_(int*); void vgetrank_(int*); void mutexinit_(const int*); void mutexlock_(const int*);
void mutexunlock_(const int*); void _gfortran_stop_string(const char*, unsigned long, bool);
void _gfortran_stop_numeric(int, bool); void nobody_has_this_(); }
"""
SEVERE = 'const int lop = {lop}, k[2] = {{7, 8}}; const REAL x[1] = {{2.5}}; xplb_abqerr_(&lop, "%I, %I: 50%% of %R in %S  ", k, x, "COPPER  ", 28, 8);'


def build(compile_library, name: str, fault: str, real: str = "double") -> Path:
    return compile_library(name, ROUTINE_DECLARATIONS + elastic_vumat(real, fault))


@pytest.mark.parametrize(
    ("name", "fault", "message"),
    [
        ("exit", "xplb_exit_();", "vumat_ left through xplb_exit$"),
        ("severe", SEVERE.format(lop=-3), r"vumat_ reported a severe error: 7, 8: 50%% of 2\.5 in COPPER"),
        ("then_exit", SEVERE.format(lop=-2) + "xplb_exit_();", r"left through xplb_exit: 7, 8: 50%% of 2\.5 in COPPER"),
        ("stop_text", '_gfortran_stop_string("no way", 6, false);', "reached STOP no way"),
        ("stop_number", "_gfortran_stop_numeric(3, false);", "reached STOP 3"),
        ("wild", "*(volatile double*)(8 + (long)n) = 1;", "used the address 0x[0-9a-f]+, which is not its own"),
        ("divide", "volatile int zero = 0; stressNew[0] = n / zero;", "divided an integer by zero"),
        ("deep", "volatile char big[64 << 20]; for (long k = 0; k < sizeof big; k += 4096) big[k] = 1;",
         "a stack too small for its local arrays"),
    ],
)  # fmt: skip
def test_leaving_is_an_error_of_the_call(
    compile_library, arguments, name: str, fault: str, message: str
) -> None:
    """The process goes on, and the next call too."""
    library = load_vumat(build(compile_library, f"leaves_{name}", fault), "float64")
    for _ in range(3):
        with pytest.raises(HostError, match=message):
            library.call(arguments(library, 5, "STEEL", [200e9, 0.3]))
    sound = load_vumat(build(compile_library, "sound", ""), "float64")
    given = arguments(sound, 5, "STEEL", [200e9, 0.3])
    given["strainInc"][:] = 1e-3
    sound.call(given, guarded=True)
    assert np.isfinite(given["stressNew"]).all()


def test_reals_of_a_message_have_the_library_s_precision(compile_library, arguments) -> None:
    library = load_vumat(build(compile_library, "severe_single", SEVERE.format(lop=-3), "float"), "float32")
    with pytest.raises(HostError, match=r"of 2\.5 in COPPER"):
        library.call(arguments(library, 5, "STEEL", [200e9, 0.3]))


def test_notes_and_warnings_go_on(compile_library, arguments, capfd: pytest.CaptureFixture) -> None:
    for lop, kind in ((1, "note"), (-1, "warning"), (-2, "error")):
        library = load_vumat(build(compile_library, f"says{lop}", SEVERE.format(lop=lop)), "float64")
        library.call(arguments(library, 5, "STEEL", [200e9, 0.3]))
        out, err = capfd.readouterr()
        assert err == f"vumat: {kind}: 7, 8: 50%% of 2.5 in COPPER\n"
        assert out == ""


ASK = """
  char job[256], folder[256]; int job_length, folder_length, cpus, rank; const int one = 1;
  vgetjobname_(job, &job_length, 256); vgetoutdir_(folder, &folder_length, 256);
  vgetnumcpus_(&cpus); vgetrank_(&rank);
  mutexinit_(&one); mutexlock_(&one); mutexunlock_(&one); mutexlock_(&one); mutexunlock_(&one);
  stateNew[0] = job_length + (job[job_length] == ' ' ? 0 : 1000) + (job[0] == 'a' ? 0 : 1000);
  stateNew[1] = folder_length; stateNew[2] = cpus; stateNew[3] = rank; stateNew[4] = getnumthreads_();
  stateNew[5] = get_thread_id_() < getnumthreads_();
"""


def test_routines_answer(compile_library, arguments) -> None:
    library = load_vumat(build(compile_library, "asks", ASK), "float64")
    VumatLibrary.set_job("anvil", Path("/tmp/here"), threads=3)
    given = arguments(library, 1, "STEEL", [200e9, 0.3], states=6)
    library.call(given)
    VumatLibrary.set_job("job", Path())
    assert given["stateNew"].tolist() == [5, 9, 1, 0, 3, 1]


def test_routine_that_nobody_has_is_named(compile_library) -> None:
    path = build(compile_library, "unknown", "nobody_has_this_();")
    with pytest.raises(
        HostError, match=r"calls nobody_has_this_, which is not there; .* offers .*vgetjobname.*xplb_exit"
    ):
        load_vumat(path, "float64")


# --- sources ---------------------------------------------------------------------------------------------------
def test_cpp_source_is_compiled_and_run(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """One element through `pybridge run --vumat FILE.cpp`: the stress is that of the law, and faults are named."""
    header = "#include <aba_for_c.h>\n#ifndef FOR_NAME\n#error no header\n#endif\n"
    source = tmp_path / "mine.cpp"
    gradient = np.diag([100.0, -30.0, 20.0])
    deck = one_element(user_material("STEEL", 8000.0, (200e9, 0.3)), gradient, 1e-5, steps=20)
    write_deck(deck, tmp_path / "one.inp")
    command = [
        "run",
        str(tmp_path / "one.inp"),
        "--vumat",
        str(source),
        "--out",
        str(tmp_path),
        "--overwrite",
        "--quiet",
    ]
    source.write_text(header + elastic_vumat())
    assert main(command) == 0
    from pybridge.results import read_results

    found = read_results(tmp_path / "one.h5").element("stress")[0]
    log = np.log1p(1e-5 * np.diag(gradient))
    expected = 200e9 / 1.3 * log + 200e9 / 1.3 * 0.75 * log.sum()
    np.testing.assert_allclose(found[:3], expected, rtol=1e-6)  # second order in the step
    capsys.readouterr()
    for fault, message in (
        ("stressNew[n * 6] = 1;", "wrote out of bounds of stressNew, 1 values past its end"),
        ("((REAL*)strainInc)[0] += 1;", "changed its input strainInc"),
        ("stressNew[2] = stressNew[2] * 0 / 0;", "answered not-a-number in stressNew"),
        ("xplb_exit_();", "left through xplb_exit"),
    ):
        source.write_text(header + ROUTINE_DECLARATIONS + elastic_vumat(fault=fault))
        assert main(command) == 2
        assert message in capsys.readouterr().err
    source.write_text(header + elastic_vumat(fault="this is no C++"))
    assert main(command) == 2
    assert "does not compile" in capsys.readouterr().err


def test_sources_that_cannot_be_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.f").write_text("      end\n")
    (tmp_path / "a.txt").write_text("")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        HostError, match=r"a\.f: no gfortran on this machine; install it \(apt-get install gfortran\)"
    ):
        compile_vumat(tmp_path / "a.f", "float64")
    with pytest.raises(HostError, match=r"expected a source .* or a library"):
        compile_vumat(tmp_path / "a.txt", "float64")
    with pytest.raises(HostError, match="no such file"):
        compile_vumat(tmp_path / "b.f", "float64")


def test_fortran_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The precision is that of vaba_param.inc; the routines come first; # lines are for the preprocessor."""
    commands: list[list[str]] = []

    def record(command, **options):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(compile.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(compile.subprocess, "run", record)
    (tmp_path / "a.for").write_text("#ifdef X\n")
    compile_vumat(tmp_path / "a.for", "float32")
    (tmp_path / "a.for").write_text("      end\n")
    compile_vumat(tmp_path / "a.for", "float64")
    single, double = commands
    assert single[0] == "/bin/gfortran"
    assert "-cpp" in single
    assert "-cpp" not in double
    for command, width, kind in (
        (single, "single", "implicit real (a-h"),
        (double, "double", "implicit real*8 (a-h"),
    ):
        folder = next(Path(o[2:]) for o in command if o.startswith("-I") and o.endswith(width))
        assert kind in (folder / "vaba_param.inc").read_text()
        assert "-fcheck=bounds" in command
        assert command.index("-labaqus_routines") > command.index(f"-L{ROUTINES.parent}")
