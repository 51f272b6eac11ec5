"""Ctrl-C in the middle of a step: told at once, heard before the next points, and the rerun has the same bits."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

import pybridge._core as _core
from abaqus_jobs import soils
from abaqus_jobs.soils import Procedure
from pybridge.packing import load_library, packing_material
from pybridge.results.reader import read_results
from pybridge.solver.implicit import BiaxialTest, Controls, MaterialPoints, biaxial_problem, run_static
from pybridge.solver.implicit.newton import March

FEW = {"stiffness": "elastic", "iterations_max": 8, "tolerance": 1e-3, "mixing": 0, "learn": "never"}


class Struck:
    """J2 that is called `calls` times until Ctrl-C comes, during the call."""

    def __init__(self, calls: int | None = None) -> None:
        self._law = _core.make_law("PYBRIDGE_J2", [1e8, 0.3, 1e5, 0.0, 2e5, 0.1], "float64")
        self._calls, self.count = calls, 0
        for name in ("state_schema", "state_size", "elastic_moduli", "domain", "dtype"):
            setattr(self, name, getattr(self._law, name))

    def update(self, **block) -> None:
        self.count += 1
        if self.count == self._calls:
            os.kill(os.getpid(), signal.SIGINT)
        self._law.update(**block)


def deck(**changes):
    made = soils.biaxial(columns=1, rows=2, strain=2.5e-3, procedure=Procedure(steps=3, intervals=3))
    return replace(made, **changes)


def test_an_interrupt_within_a_step_is_heard_and_the_rerun_has_the_same_bits(tmp_path, capfd) -> None:
    """At many places of a run whose steps are cut, some of them between two cuts of a step."""
    whole = Struck()
    result = run_static(deck(), material={"SOIL": whole}, out=tmp_path / "whole.h5", **FEW)
    assert result.cuts >= 2
    expected = read_results(result.path)
    for calls in range(4, whole.count, 5):
        out, struck = tmp_path / f"{calls}.h5", Struck(calls)
        with pytest.raises(KeyboardInterrupt):
            run_static(deck(), material={"SOIL": struck}, out=out, **FEW)
        assert struck.count == calls  # none after it
        assert "stopping after the points in progress" in capfd.readouterr().err
        assert "interrupted at load" in read_results(out).stopped
        rest = run_static(deck(), material={"SOIL": Struck()}, out=out, **FEW)
        assert rest.resumed
        assert rest.history == result.history
        np.testing.assert_array_equal(read_results(out).element("stress", -1), expected.element("stress", -1))


def test_packings_hear_an_interrupt_between_few_points() -> None:
    """Whatever the number of threads; and chunks change no bit."""
    packing = packing_material(load_library("disks100"))
    strain = np.zeros((3, 40))
    strain[1] = np.linspace(0, -1e-3, 40)
    found = []
    for threads in (1, 2):
        points, seen = MaterialPoints(packing, 40, threads), []
        assert max(chunk.n for chunk in points.chunks) <= 20
        points.trial(strain)
        found.append(points.stress)

        def stop(seen=seen) -> None:
            seen.append(1)
            if len(seen) == 2:
                raise KeyboardInterrupt

        points.check = stop
        with pytest.raises(KeyboardInterrupt):
            points.trial(2 * strain)
        assert not points.save()["state"].any()
        points.close()
    np.testing.assert_array_equal(*found)
    one = MaterialPoints(packing, 1)
    one.trial(strain[:, 39:])
    np.testing.assert_array_equal(one.stress[:, 0], found[0][:, 39])


def test_a_march_interrupted_between_cuts_is_where_it_was(monkeypatch) -> None:
    """Else the cuts so far would count twice in how long a step waits until it is doubled."""
    problem = biaxial_problem(BiaxialTest(1, 1, strain=0.01))
    march = March(problem, MaterialPoints(Struck(), problem.mesh.points), Controls(steps=4, learn="never"))
    march.start()
    march.advance(lambda found, load: None)
    before, tried = march.save(), []

    def solve(self, load, dt, controls):
        tried.append(dt)
        if len(tried) == 3:
            raise KeyboardInterrupt
        return "no balance"

    monkeypatch.setattr(March, "_solve", solve)
    with pytest.raises(KeyboardInterrupt):
        march.advance(lambda found, load: None)
    assert tried == [0.25, 0.125, 0.0625]
    for name, value in march.save().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
