"""`pybridge doctor`: a sound folder is ready; each thing that can be wrong is found, with its remedy."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from abaqus_jobs.rods import taylor_anvil
from pybridge._core import load_model
from pybridge.bench.random_surrogate import make_yield_surface
from pybridge.commands import main
from pybridge.deck.user_material import user_material
from pybridge.deck.writer import write_deck
from pybridge.deploy import doctor
from pybridge.deploy.deck_check import examine_deck
from pybridge.deploy.doctor import examine, examine_library
from pybridge.deploy.findings import ERROR, OK, Finding
from pybridge.model_file import read_model
from pybridge.verify.fuzz_seeds import archive, packed


def errors(findings: list[Finding]) -> list[str]:
    return [f"{one.check}: {one.text}" for one in findings if one.state == ERROR]


def test_a_sound_folder_is_ready(deployed: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    report = tmp_path / "doctor.json"
    assert main(["doctor", str(deployed), "--json", str(report)]) == 0
    text = capsys.readouterr().out
    assert "ready" in text.splitlines()[-1]
    assert f"{deployed}/abaqus_v6.env: usub_lib_dir = {deployed}" in text
    data = json.loads(report.read_text())
    assert data["passed"]
    by_check = {one["check"]: one for one in data["findings"]}
    assert by_check["libexplicitU.so"]["state"] == OK
    assert "double precision" in by_check["libexplicitU-D.so"]["text"]
    assert main(["doctor", str(tmp_path / "nowhere")]) == 2
    assert main(["doctor", "--deck", str(tmp_path / "nowhere.inp")]) == 2


def test_every_finding_that_is_not_ok_says_what_to_do(tmp_path: Path) -> None:
    for one in examine(tmp_path):
        assert one.state == OK or one.remedy, one


def test_missing_and_swapped_libraries(deployed: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["doctor", str(tmp_path)]) == 1
    assert "not ready: 2 errors" in capsys.readouterr().out
    shutil.copy(deployed / "libexplicitU.so", tmp_path / "libexplicitU-D.so")
    shutil.copy(deployed / "libexplicitU-D.so", tmp_path / "libexplicitU.so")
    found = errors(examine(tmp_path))
    assert (
        "libexplicitU-D.so: computes in single precision; Abaqus takes this name for double precision"
        in found
    )
    assert (
        "libexplicitU.so: computes in double precision; Abaqus takes this name for single precision" in found
    )


VUMAT = 'extern "C" void vumat_() {} extern "C" void vexternaldb_() {} extern "C" int pybridge_real_bytes() { return 8; }\n'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('extern "C" void vumat_() {}', "does not export vexternaldb_"),
        (VUMAT + 'extern "C" void leaked() {}', "exports 1 symbols besides its entry points, such as leaked"),
        (VUMAT + "namespace hers { void f(); } void pybridge_x() { hers::f(); }", "more of a C++ runtime from the host"),
        (VUMAT + 'extern "C" void nobody_has_this(); extern "C" void pybridge_y() { nobody_has_this(); }',
         "undefined symbol: nobody_has_this"),
        (VUMAT + 'extern "C" void pybridge_set_error_handler(void*) {} extern "C" const char* pybridge_last_error() '
         '{ return 0; }', "an elastic answer is wrong by"),
    ],
)  # fmt: skip
def test_symbols_and_answers(compiled, source: str, expected: str) -> None:
    name = f"bad{abs(hash(expected))}"
    found = errors(examine_library(compiled(name, source), ("vumat_", "vexternaldb_")))
    assert any(expected in text for text in found), found


def test_dependencies(compiled, monkeypatch: pytest.MonkeyPatch, deployed: Path) -> None:
    path = compiled("needs_cpp", VUMAT + "void pybridge_z() { throw 1; }", "-lm")
    found = errors(examine_library(path, ("vumat_", "vexternaldb_")))
    assert any("needs libstdc++.so.6" in text for text in found), found
    monkeypatch.setattr(doctor.os, "confstr", lambda name: "glibc 2.17")
    found = errors(examine_library(deployed / "libexplicitU.so", ("vumat_", "vexternaldb_")))
    assert any("was built for C library 2.3" in text and "here is 2.17" in text for text in found), found


def test_environment(deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYBRIDGE_ENGINE", "onnx")
    monkeypatch.setenv("PYBRIDGE_MODEL_PATH", "/nowhere/models")
    (tmp_path / "abaqus_v6.env").write_text('usub_lib_dir = "/moved/away"\n')
    found = errors(examine(deployed))
    assert "PYBRIDGE_ENGINE: is 'onnx'; expected native or torchscript" in found
    assert "PYBRIDGE_MODEL_PATH: names /nowhere/models, which is no folder" in found
    assert any("usub_lib_dir = /moved/away, where there is no libexplicitU-D.so" in text for text in found)
    monkeypatch.setenv("PYBRIDGE_ENGINE", "torchscript")
    assert any(
        "TorchScript engine: asked for, but there is no" in text for text in errors(doctor._torch(deployed))
    )
    blas = compiled("preloaded", 'extern "C" void dgemm_() {}')
    monkeypatch.setenv("LD_PRELOAD", str(blas))
    findings = {one.check: one for one in doctor._blas()}
    assert (findings["BLAS"].state, str(blas) in findings["BLAS"].text) == ("warning", True)


def test_compilers_that_are_missing_are_no_error(deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    findings = {one.check: one for one in doctor._compilers()}
    assert {one.state for one in findings.values()} == {"note"}
    assert "only user=pybridge_shim.f" in findings["Fortran compiler"].text


def test_model_files(
    deployed: Path, tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(model_file, tmp_path / "Rod.pt")
    shutil.copy(model_file, tmp_path / "rod.pt")
    (tmp_path / "cut.pt").write_bytes(model_file.read_bytes()[:4000])
    found = errors(doctor._models(deployed, None))
    assert any("differs from Rod.pt in case only" in text for text in found)
    assert any("cut.pt" in text and "truncated" in text for text in found)
    assert len(found) == 2


# --- decks -----------------------------------------------------------------------------------------------------
@pytest.fixture
def deck_with(model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """deck_with(constants, states=..., density=..., time=..., name=..., card_density=...) -> findings about the deck."""
    schema = load_model(str(model_file), "native", "float64").state_schema
    monkeypatch.chdir(tmp_path)

    def make(
        constants,
        *,
        schema=schema,
        density=1738.0,
        time=1e-6,
        name="ROD",
        card_density: float | None = 1738.0,
    ):
        if name == "ROD":
            shutil.copy(model_file, tmp_path / "ROD.pt")
        material = user_material(name, density, constants, schema)
        path = tmp_path / "anvil.inp"
        write_deck(taylor_anvil(material, elements=100, time=time), path)
        known = read_model(model_file)
        monkeypatch.setattr(
            "pybridge.model_file.read_model",
            lambda p: replace(known, card={**known.card, "density": card_density}),
        )
        return examine_deck(path, [tmp_path])

    return make


def test_a_model_file_that_the_library_refuses_is_no_ready_machine(deployed: Path, tmp_path: Path) -> None:
    """Card, hash and tensors are sound, and it is no material: a tensor has the wrong shape."""
    card, tensors = make_yield_surface(4, 1e-6, {"bulk": 36e9, "shear": 17e9})
    folder = tmp_path / "deploy"
    shutil.copytree(deployed, folder)
    (folder / "SOUND.pt").write_bytes(archive(*packed(card, tensors)))
    assert all(f.state != ERROR for f in examine(folder) if "SOUND" in f.check)
    old = {**tensors, "scales": tensors["scales"][:4]}
    (folder / "OLD.pt").write_bytes(archive(*packed(card, old)))
    (finding,) = (f for f in examine(folder) if "OLD.pt" in f.check)
    assert finding.state == ERROR
    assert "tensor scales: expected shape (8), got (4)" in finding.text


def test_others_may_read_the_folder(deployed: Path) -> None:
    """As the umask says: a job may run under another account."""
    assert {path.stat().st_mode & 0o044 for path in deployed.iterdir()} == {0o044 & ~umask()}


def umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("constants", "density", "length"),
    [((1.0, 1.0), 1738.0, "m"), ((1e6, 1.0), 1.738e-9, "mm"), ((1e9, 1e-3), 1.738e-6, "mm"), ((1e11, 1e-6), 1.738, "cm")],
)  # fmt: skip
def test_units_of_the_deck(deck_with, constants, density, length) -> None:
    time = 1e-6 / constants[1]
    findings = deck_with(constants, density=density, time=time)
    assert errors(findings) == []
    assert f"the deck's unit of length is {length}" in findings[0].text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"constants": (1e6, 1.0)}, "make a unit of length of 1000 m, which nobody uses"),
        ({"constants": (1.0, 1.0), "time": 1e-3}, "the step ends at 0.001 s, the model at 2e-06 s"),
        ({"constants": (-1.0,)}, "constants -1; expected at most three"),
        (
            {"constants": (1.0, 1.0), "schema": []},
            "*DEPVAR 0; expected 25: pca_coefficient (24), unreliable (1)",
        ),
        ({"constants": (1.0,), "name": "NOBODY"}, "neither a built-in law nor a model file: no NOBODY.pt in"),
        ({"constants": (1.0,), "name": "PYBRIDGE_J2_X"}, "expected an even number of constants"),
        ({"constants": (2e11, 0.3, 4e8, 0.0), "name": "PYBRIDGE_J2_X"}, "*DEPVAR 25; expected 1"),
    ],
)
def test_decks_with_one_fault(deck_with, changes, expected) -> None:
    found = errors(deck_with(**changes))
    assert len(found) == 1
    assert expected in found[0]


def test_deck_without_a_density_in_the_model(deck_with) -> None:
    (finding,) = deck_with((1.0, 1.0), card_density=None)
    assert finding.state == "warning"
    assert "does not say its density" in finding.text


def test_unreadable_deck(tmp_path: Path) -> None:
    (tmp_path / "a.inp").write_text("*HEADING\n*NONSENSE\n")
    (text,) = errors(examine_deck(tmp_path / "a.inp", [tmp_path]))
    assert "NONSENSE" in text


def test_a_check_that_cannot_run_keeps_the_others_from_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """`pybridge verify all` goes on after a check that ends in an error, and fails in the end."""
    from types import SimpleNamespace

    from pybridge.commands import _reports
    from pybridge.errors import HostError
    from pybridge.report import Report

    ran = []

    def module(name: str) -> SimpleNamespace:
        def run(_options):
            ran.append(name)
            if name == "first":
                raise HostError("no gfortran on this machine")
            report = Report(name)
            report.add("figure", 1.0, "1", "<= 2")
            return report

        return SimpleNamespace(run=run)

    monkeypatch.setattr(_reports, "registered", lambda group: {"first": "first", "second": "second"})
    monkeypatch.setattr(_reports, "importlib", SimpleNamespace(import_module=module))
    assert main(["verify", "all"]) == 2
    assert ran == ["first", "second"]
    assert "verify first: error: no gfortran on this machine" in capsys.readouterr().err
    assert main(["verify", "second"]) == 0
    assert main(["verify", "first"]) == 2
