"""`pybridge run` from the command line: what it writes, says and refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from abaqus_jobs.materials import COPPER, user_material
from abaqus_jobs.rods import taylor_anvil
from pybridge._core import make_law
from pybridge.commands import main
from pybridge.commands.run import material_switch
from pybridge.deck.writer import write_deck
from pybridge.errors import ConfigError
from pybridge.results import read_results


def _deck(folder: Path, **changes) -> Path:
    material = replace(COPPER, name="ROD")
    deck = taylor_anvil(material, elements=12, height=1e-3, time=1e-7, intervals=2)
    path = folder / "anvil.inp"
    write_deck(replace(deck, **changes), path)
    return path


def test_run_writes_results_and_says_how_it_went(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deck = _deck(tmp_path)
    assert main(["run", str(deck), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    said = capsys.readouterr().out
    for words in (
        "elements to 1e-07 s",
        "materials: ROD through bindings",
        "total energy changed by",
        "anvil.h5",
    ):
        assert words in said
    results = read_results(tmp_path / "out" / "anvil.h5")
    assert results.complete
    np.testing.assert_allclose(results.times, [0, 5e-8, 1e-7], rtol=1e-6)
    # The tail has not heard of the wall yet: it flies on at 200 m/s.
    tail = results.mesh.coordinates[:, 2] == results.mesh.coordinates[:, 2].max()
    np.testing.assert_allclose(results.node("displacement")[tail, 2], -200.0 * 1e-7, rtol=0.05)


def test_results_are_not_replaced_by_accident(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", str(_deck(tmp_path)), "--out", str(tmp_path), "--quiet"]
    assert main(command) == 0
    before = (tmp_path / "anvil.h5").read_bytes()
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "anvil.h5").read_bytes() == before
    assert main([*command, "--continue"]) == 2
    assert "no interrupted run" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


def test_the_same_deck_through_vumat_gives_the_same_answer(tmp_path: Path) -> None:
    """A built-in law of the deck, and the law as *USER MATERIAL through the compiled vumat_."""
    constants = [117e9, 0.35, 400e6, 0.0, 1400e6, 10.0]
    law = make_law("PYBRIDGE_J2", constants, "float64")
    user = user_material("PYBRIDGE_J2_ROD", 8930.0, constants, law.state_schema)
    assert main(["run", str(_deck(tmp_path)), "--out", str(tmp_path / "a"), "--quiet"]) == 0
    base = taylor_anvil(user, elements=12, height=1e-3, time=1e-7, intervals=2)
    write_deck(base, tmp_path / "anvil.inp")
    command = ["run", str(tmp_path / "anvil.inp"), "--quiet", "--out"]
    assert main([*command, str(tmp_path / "b"), "--material", "vumat", "--nblock", "5"]) == 0
    a, b = (read_results(tmp_path / name / "anvil.h5") for name in "ab")
    for name in ("mises", "equivalent_plastic_strain"):
        value = a.element(name)
        np.testing.assert_allclose(b.element(name), value, rtol=1e-9, atol=1e-9 * np.abs(value).max())


def test_model_option_names_the_file_of_the_user_material(tmp_path: Path, model_file: Path) -> None:
    user = user_material("FLUID", 1e4, (), [])
    write_deck(taylor_anvil(user, elements=12, height=1e-3, time=2e-8, intervals=1), tmp_path / "anvil.inp")
    command = ["run", str(tmp_path / "anvil.inp"), "--quiet", "--out", str(tmp_path / "out")]
    assert main([*command, "--model", str(model_file)]) == 0
    results = read_results(tmp_path / "out" / "anvil.h5")
    # A fluid: pressure, no deviator.
    assert results.element("pressure").max() > 1e8
    assert results.element("mises").max() < 1e-6 * results.element("pressure").max()


MISTAKES = {
    "missing deck": (["run", "gone.inp"], "gone.inp: cannot be read"),
    "unknown way": (["--material", "magic"], "--material magic: expected one of deck"),
    "missing vumat": (["--vumat", "gone.so"], "gone.so: no such file"),
    "contradiction": (["--engine", "torchscript", "--material", "fine-scale"], "cannot go with"),
    "no points a call": (["--nblock", "0"], "--nblock 0: expected 1 or more"),
    "model of no user material": (["--model", "x.pt"], "0 user materials"),
    "model of no material": (["--model", "STEEL=x.pt"], "no material STEEL; the deck defines ROD"),
    "model file missing": (["--model", "rod=x.pt"], "no such file x.pt"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_said(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, expected = MISTAKES[name]
    command = words if words[0] == "run" else ["run", str(_deck(tmp_path)), *words]
    assert main([*command, "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_switches() -> None:
    assert material_switch("deck", None, None, "double") == "bindings"
    assert material_switch("vumat", None, None, "single") == "vumat:single"
    assert material_switch("bindings", None, "torchscript", "double") == "torchscript"
    with pytest.raises(ConfigError, match="goes with --material vumat alone"):
        material_switch("bindings", Path("x.so"), None, "double")
