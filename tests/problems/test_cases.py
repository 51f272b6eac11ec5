"""Runs that are kept: taken again only where nothing has changed, gone on with where they were interrupted."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from abaqus_jobs import cases
from abaqus_jobs.cases import run_case
from abaqus_jobs.materials import COPPER
from abaqus_jobs.rods import copper_rod
from pybridge.deck.model import PlasticTable
from pybridge.results import read_results
from pybridge.solver.integrator import Integrator

DECK = copper_rod("CAX4R", across=2, height=6.4e-3, layers=4, time=2e-6, intervals=4)
SOFTER = replace(COPPER, plastic=PlasticTable(((100e6, 0.0), (1100e6, 10.0))))
SOFT_DECK = copper_rod("CAX4R", across=2, height=6.4e-3, layers=4, time=2e-6, intervals=4, material=SOFTER)


def one(folder: Path, deck=DECK, **rest):
    return run_case(deck, folder, "rod", progress=False, **{"reuse": True, **rest})


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Ctrl-C in a step, once."""
    right = Integrator.step

    def stepping(self, dt):
        if self.steps == step:
            monkeypatch.setattr(Integrator, "step", right)
            os.kill(os.getpid(), signal.SIGINT)
        return right(self, dt)

    monkeypatch.setattr(Integrator, "step", stepping)


def test_a_complete_run_is_taken_again(tmp_path: Path) -> None:
    first = one(tmp_path)
    assert not first.reused
    assert first.results.complete
    assert first.seconds > 0
    stamp = (tmp_path / "rod.h5").stat().st_mtime_ns
    again = one(tmp_path)
    assert again.reused
    assert again.seconds == first.seconds
    assert (tmp_path / "rod.h5").stat().st_mtime_ns == stamp
    assert not one(tmp_path, reuse=False).reused


@pytest.mark.parametrize("change", ["deck", "material", "nblock", "code", "file", "record"])
def test_nothing_of_another_run_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    one(tmp_path)
    rest = {}
    if change == "deck":
        rest = {"deck": SOFT_DECK}
    elif change == "material":
        rest = {"material": "bindings:float32"}
    elif change == "nblock":
        rest = {"nblock": 3}
    elif change == "code":
        monkeypatch.setattr(cases, "_code", lambda: "another")
    elif change == "file":
        (tmp_path / "rod.h5").write_bytes(b"not HDF5")
    else:
        (tmp_path / "rod.json").write_text("{")
    again = one(tmp_path, **rest)
    assert not again.reused
    assert again.results.complete


def test_a_changed_model_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "m.pt"
    marks = set()
    for content in (b"one", b"two"):
        file.write_bytes(content)
        marks.add(cases._key("deck", "vumat", {"M": file}, None))
    assert len(marks) == 2


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = one(tmp_path / "whole")
    interrupt_at(monkeypatch, 6)
    with pytest.raises(KeyboardInterrupt):
        one(tmp_path)
    record = json.loads((tmp_path / "rod.json").read_text())
    assert not record["complete"]
    assert record["seconds"] > 0
    (tmp_path / "rod.json").write_text(json.dumps(record | {"seconds": 1000.0}))
    begun = read_results(tmp_path / "rod.h5").times
    case = one(tmp_path)
    assert not case.reused
    assert len(begun) < len(case.results.times)
    assert case.seconds > 1000.0
    for name in whole.results.element_fields:
        np.testing.assert_array_equal(case.results.element(name), whole.results.element(name))


def test_an_interrupted_run_of_another_material_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same mesh and moduli: the restart file alone would not know."""
    interrupt_at(monkeypatch, 6)
    with pytest.raises(KeyboardInterrupt):
        one(tmp_path)
    assert (tmp_path / "rod.h5.restart.npz").exists()
    case = one(tmp_path, SOFT_DECK)
    alone = one(tmp_path / "alone", SOFT_DECK)
    name = "equivalent_plastic_strain"
    np.testing.assert_array_equal(case.results.element(name), alone.results.element(name))


def test_results_of_before_are_not_those_of_a_run_that_never_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one(tmp_path)

    def fail(*_, **__):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(cases, "run", fail)
        with pytest.raises(OSError, match="no space"):
            one(tmp_path, SOFT_DECK)
    assert read_results(tmp_path / "rod.h5").complete
    assert not one(tmp_path, SOFT_DECK).reused
