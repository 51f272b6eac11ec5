"""When a step is cut, when it is doubled again, and when a balance that is not quite one is taken."""

from __future__ import annotations

import numpy as np
import pytest

import pybridge._core as _core
from pybridge.errors import SolverError
from pybridge.packing import load_library, packing_material
from pybridge.solver.implicit import (
    PACKING,
    TANGENT,
    BiaxialTest,
    Controls,
    MaterialPoints,
    NotConvergedError,
    biaxial_problem,
    suggested_controls,
)
from pybridge.solver.implicit.newton import EASY_STEPS, Found, March


def march(**controls) -> March:
    problem = biaxial_problem(BiaxialTest(1, 1, strain=0.01))
    points = MaterialPoints(packing_material(load_library("disks100")), problem.mesh.points)
    one = March(problem, points, Controls(**(PACKING | {"learn": "never"} | controls)))
    one.start()
    return one


def deaf(one: March, monkeypatch) -> list[float]:
    """Points that answer with the stress of the start, whatever the strain: no balance but where nothing moves. The
    time steps of the trials."""
    asked: list[float] = []
    monkeypatch.setattr(one.points, "trial", lambda strain, dt: asked.append(dt))
    return asked


def test_iterations_that_come_no_nearer_are_given_up_after_patience(monkeypatch) -> None:
    for patience in (5, 9):
        one = march(steps=5, patience=patience, tolerance=1e-6, displacement_tolerance=1e-12)
        asked = deaf(one, monkeypatch)
        assert "no convergence" in str(one._solve(0.2, 0.2, one.controls))
        # The first iteration asks nothing; the second has the least residual there will be, and then patience begins.
        assert len(asked) == 1 + patience


def test_a_balance_that_is_not_quite_one_is_taken_from_the_second_cut_on(monkeypatch) -> None:
    """Every residual lies between the tolerance and `loose`."""
    one = march(steps=5, patience=4, tolerance=1e-12, loose=0.9, displacement_tolerance=1e-12)
    asked = deaf(one, monkeypatch)
    found = one.advance(lambda found, load: None)
    assert 1e-12 < found.residual <= 0.9
    assert one.all_cuts == 2
    assert one.load == pytest.approx(0.05)
    assert np.unique(np.round(asked, 12)).tolist() == [0.05, 0.1, 0.2]
    strict = march(
        steps=5, patience=4, tolerance=1e-12, loose=1e-12, displacement_tolerance=1e-12, cuts_max=3
    )
    deaf(strict, monkeypatch)
    with pytest.raises(NotConvergedError, match=r"after 3 cuts .* least residual .* expected 1e-12"):
        strict.advance(lambda found, load: None)


def sizes(monkeypatch, largest: float, steps: int, iterations: int = 3) -> list[float]:
    """Sizes of the trials, those that fail negative, where no step above `largest` has a balance."""
    one, tried = march(steps=10, cuts_max=20), []

    def solve(self, load, dt, controls):
        fails = dt > 1.001 * largest
        tried.append(-dt if fails else dt)
        return "too large" if fails else Found(self.u, np.zeros(1), iterations, 0.0, 0.0, self.stiffness)

    monkeypatch.setattr(March, "_solve", solve)
    monkeypatch.setattr(one.points, "accept", lambda dt: None)
    for _ in range(steps):
        one.advance(lambda found, load: None)
    return np.round(np.array(tried) * 80, 9).tolist()  # in eighths of a step


def test_doublings_in_vain_are_tried_ever_more_seldom(monkeypatch) -> None:
    tried = sizes(monkeypatch, 0.1 / 4, 39)
    assert tried[:3] == [-8, -4, 2]
    waits = [len([t for t in part if t > 0]) for part in _between_failures(tried[2:])]
    assert waits[:4] == [4, 8, 16, 16][: len(waits)]  # the first cut has doubled the two of EASY_STEPS
    assert max(waits) <= EASY_STEPS[1]


def _between_failures(tried: list[float]) -> list[list[float]]:
    """The runs of trials between failures that are over."""
    parts: list[list[float]] = [[]]
    for one in tried:
        if one < 0:
            parts.append([])
        else:
            parts[-1].append(one)
    return parts[:-1]


def test_a_step_grows_back_after_steps_without_trouble(monkeypatch) -> None:
    """Once cut, then never in trouble: back at the whole step, and there it stays."""
    one, tried = march(steps=10, cuts_max=20), []

    def solve(self, load, dt, controls):
        tried.append(dt * 80)
        return "once" if len(tried) == 1 else Found(self.u, np.zeros(1), 3, 0.0, 0.0, self.stiffness)

    monkeypatch.setattr(March, "_solve", solve)
    monkeypatch.setattr(one.points, "accept", lambda dt: None)
    for _ in range(8):
        one.advance(lambda found, load: None)
    np.testing.assert_allclose(tried, [8, 4, 4, 4, 4, 8, 8, 8, 8])
    assert one.cuts == 0


def test_a_step_with_trouble_does_not_grow(monkeypatch) -> None:
    """Half of the iterations allowed, or more, are trouble."""
    assert set(sizes(monkeypatch, 0.1 / 2, 12, iterations=Controls().iterations_max // 2)) == {-8, 4}


def test_steps_without_trouble_count_only_in_a_row() -> None:
    one = march(steps=10)
    one.part = 0.05
    for easy in (True, False) * 10:
        one._grow(easy)
    assert one.part == 0.05
    one._grow(True)
    one._grow(True)
    assert one.part == 0.1


def test_a_long_calm_forgets_doublings_in_vain() -> None:
    one = march(steps=10)
    one.wait = EASY_STEPS[1]
    for _ in range(EASY_STEPS[1]):
        assert one.wait == EASY_STEPS[1]
        one._grow(True)
    assert one.wait == EASY_STEPS[0]


def test_controls_suit_the_material() -> None:
    """Packings learn and are cut early, a tangent needs neither, a network that shows its stiffness is mixed."""
    packing = packing_material(load_library("disks100"))
    assert suggested_controls(MaterialPoints(packing, 1)) == Controls(**PACKING)
    assert suggested_controls(MaterialPoints(packing, 1, stiffness="elastic")) == Controls(**PACKING)
    law = _core.make_law("PYBRIDGE_J2", [1e8, 0.3, 1e5, 0.0, 2e5, 0.1], "float64")
    assert suggested_controls(MaterialPoints(law, 1)) == Controls(**TANGENT)
    assert suggested_controls(MaterialPoints(law, 1)).learn == "never"
    assert suggested_controls(MaterialPoints(law, 1), mixing=3).mixing == 3
    moduli = MaterialPoints(law, 1, stiffness="elastic")
    assert suggested_controls(moduli) == Controls(mixing=6, learn="last")
    chosen = suggested_controls(moduli, steps=7, tolerance=0.2)
    assert (chosen.steps, chosen.tolerance, chosen.loose) == (7, 0.2, 0.2)
    with pytest.raises(SolverError, match="controls of the implicit solver out of range"):
        suggested_controls(moduli, learn="sometimes")


def test_a_tolerance_brings_down_what_is_taken_without_balance() -> None:
    """In proportion, and no lower where a material has noise; a larger one leaves it, a given one stands."""
    law = _core.make_law("PYBRIDGE_J2", [1e8, 0.3, 1e5, 0.0, 2e5, 0.1], "float64")
    tangent, moduli = MaterialPoints(law, 1), MaterialPoints(law, 1, stiffness="elastic")
    packing = MaterialPoints(packing_material(load_library("disks100")), 1)
    for points, usual in ((tangent, Controls(**TANGENT)), (moduli, Controls())):
        for factor in (1e-4, 0.1, 1.0):
            chosen = suggested_controls(points, tolerance=factor * usual.tolerance)
            assert chosen.loose == pytest.approx(factor * usual.loose, rel=1e-12)
        assert suggested_controls(points, tolerance=2 * usual.tolerance).loose == usual.loose
    assert suggested_controls(packing, tolerance=1e-3).loose == Controls(**PACKING).loose
    assert suggested_controls(moduli, tolerance=1e-3, loose=1e-3).loose == 1e-3
    with pytest.raises(
        SolverError, match=r"loose 0\.001 .*: expected from the tolerance, 0\.01, to less than 1"
    ):
        suggested_controls(moduli, loose=1e-3)
