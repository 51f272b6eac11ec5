"""Slopes that points learn from the iterations: against the slope itself, and what they are worth in a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pybridge._core as _core
from pybridge.packing import load_library, packing_material
from pybridge.solver.implicit import (
    PACKING,
    BiaxialTest,
    Controls,
    MaterialPoints,
    NotConvergedError,
    Problem,
    biaxial_problem,
    rectangle,
    solve,
)
from pybridge.solver.implicit.newton import March
from pybridge.solver.implicit.secant import PointSecants


def test_a_linear_answer_is_learned_from_as_many_changes_as_it_has_components(rng) -> None:
    """Broyden's update is exact along every direction seen, if the directions are at right angles."""
    slope = rng.normal(size=(3, 3, 4))
    zero = np.zeros((3, 4))
    learned = PointSecants(np.tile(10 * np.eye(3)[:, :, None], 4), zero, zero, noise=0.0)
    strain = zero
    for direction in np.linalg.qr(rng.normal(size=(3, 3)))[0]:
        strain = strain + 1e-3 * direction[:, None]
        learned.learn(strain, np.einsum("abn,bn->an", slope, strain))
    np.testing.assert_allclose(learned.stiffness, slope, atol=1e-12)


def test_small_changes_beside_the_step_are_believed_less(rng) -> None:
    """A change of `noise` times the step counts half, one of a tenth of that a hundredth; no change, nothing."""
    begin, zero = np.zeros((3, 3, 1)), np.zeros((3, 1))
    for change, share in ((0.1, 0.5), (0.01, 1 / 101), (0.0, 0.0)):
        learned = PointSecants(begin, zero, zero, noise=0.1)
        learned.learn(np.array([[1.0], [0], [0]]), zero)  # as stiff as believed: nothing to learn
        # At right angles to the step, so that its length stays one to the second order.
        learned.learn(np.array([[1.0], [change], [0]]), np.array([[0.0], [change], [0]]))
        assert learned.stiffness[1, 1, 0] == pytest.approx(share, rel=0.01, abs=1e-15)


def test_a_step_starts_from_what_it_was_given_and_leaves_it_alone() -> None:
    given = np.zeros((3, 3, 2))
    learned = PointSecants(given, np.zeros((3, 2)), np.zeros((3, 2)), noise=0.1)
    learned.learn(np.ones((3, 2)), np.ones((3, 2)))
    assert not given.any()
    assert learned.stiffness.any()


def squeezed(learn="always", **controls) -> tuple:
    """J2 far beyond yield between rough ends, with its virgin moduli for a stiffness: two hundred times its slope."""
    law = _core.make_law("PYBRIDGE_J2", [1e8, 0.3, 1e5, 0.0, 2e5, 0.1], "float64")
    mesh = rectangle("Q8", 2, 4, 0.5, 1.0)
    fixed = np.unique(np.concatenate([mesh.dofs(side, c) for side in ("bottom", "top") for c in (0, 1)]))
    moved = np.isin(fixed, mesh.dofs("top", 1))
    problem = Problem(mesh, fixed, lambda t: np.where(moved, -0.02 * t, 0.0), lambda t: np.zeros(mesh.size))
    points = MaterialPoints(law, mesh.points, stiffness="elastic")
    history = solve(problem, points, Controls(steps=10, cuts_max=0, mixing=0, learn=learn, **controls))
    return history, moved


def test_learned_slopes_find_the_balance_that_moduli_do_not() -> None:
    close = {"tolerance": 1e-6, "loose": 1e-6, "displacement_tolerance": 1e-5}
    history, moved = squeezed(**close)
    assert max(history.residual) <= 1e-6
    exact, _ = squeezed(iterations_max=1000, patience=1000, learn="never", **close)
    np.testing.assert_allclose(
        history.reactions[-1][moved].sum(), exact.reactions[-1][moved].sum(), rtol=1e-4
    )
    assert sum(exact.iterations) > 5 * sum(history.iterations)
    with pytest.raises(NotConvergedError):
        squeezed(learn="never", **close)


def test_a_step_that_mixing_does_not_solve_is_tried_with_learned_slopes() -> None:
    close = {"tolerance": 1e-6, "loose": 1e-6, "displacement_tolerance": 1e-5}
    history, moved = squeezed(learn="last", iterations_max=60, **close)
    always, _ = squeezed(iterations_max=60, **close)
    assert max(history.residual) <= 1e-6
    np.testing.assert_allclose(
        history.reactions[-1][moved].sum(), always.reactions[-1][moved].sum(), rtol=1e-4
    )


def test_learned_slopes_tried_last_must_come_to_a_balance(monkeypatch) -> None:
    """Slopes come last, with nothing between balance and failure; and a failure is told as the first iteration met it."""
    march, tried = softened(), []
    march.controls = Controls(steps=5, cuts_max=1)

    def fails(self, load, dt, controls):
        tried.append(controls)
        return f"{len(tried)}. trial"

    monkeypatch.setattr(March, "_solve", fails)
    with pytest.raises(NotConvergedError, match=r": 3\. trial"):
        march.advance(lambda found, load: None)
    assert [c.learn for c in tried] == ["last", "always", "last", "always"]
    assert tried[0] == march.controls
    assert tried[1].loose == tried[1].tolerance == march.controls.tolerance
    assert tried[1].mixing == 0


def test_no_second_try_where_slopes_are_never_learned(monkeypatch) -> None:
    march, tried = softened(), []
    march.controls = Controls(steps=5, cuts_max=0, learn="never")
    monkeypatch.setattr(March, "_solve", lambda self, load, dt, controls: tried.append(controls) or "no")
    with pytest.raises(NotConvergedError):
        march.advance(lambda found, load: None)
    assert tried == [march.controls]


def test_what_was_learned_in_a_step_serves_the_next() -> None:
    """In steady flow the later steps need fewer iterations than the first one beyond yield."""
    history, _ = squeezed(tolerance=1e-6, loose=1e-6, displacement_tolerance=1e-5)
    assert np.mean(history.iterations[-4:]) < 0.8 * max(history.iterations)


def softened() -> March:
    """Packings between rough ends, two steps on, so that what was learned is not what the packings show."""
    problem = biaxial_problem(BiaxialTest(1, 1, strain=0.01))
    points = MaterialPoints(packing_material(load_library("disks100")), problem.mesh.points)
    march = March(problem, points, Controls(steps=5, **PACKING))
    march.start()
    for _ in range(2):
        march.advance(lambda found, load: None)
    assert np.abs(march.stiffness - march.shown).max() > 0.1 * np.abs(march.shown).max()
    return march


def test_a_step_that_is_cut_begins_with_the_stiffness_of_the_material(monkeypatch) -> None:
    march, solve_step, begun = softened(), March._solve, []

    def fails_once(self, load, dt, controls):
        begun.append(self.stiffness)
        return "a trial" if len(begun) == 1 else solve_step(self, load, dt, controls)

    learned, shown = march.stiffness, march.shown
    monkeypatch.setattr(March, "_solve", fails_once)
    march.advance(lambda found, load: None)
    assert begun[0] is learned
    assert begun[1] is shown


def test_a_correction_reaches_no_further_than_half_the_step(monkeypatch) -> None:
    """Corrections of a kilometre: from the second on, each changes the step's displacement by a half of it."""
    march, correction, seen = softened(), March._correction, []

    def wild(self, stiffness, residual, prescribed):
        if prescribed.any():
            return correction(self, stiffness, residual, prescribed)
        out = np.full(len(residual), 1e3)
        out[self.problem.fixed] = 0
        return out

    class Watched:
        def __init__(self, mesh):
            self.mesh = mesh

        def __getattr__(self, name):
            return getattr(self.mesh, name)

        def strain(self, u):
            seen.append(np.linalg.norm(u - march.u))
            return self.mesh.strain(u)

    monkeypatch.setattr(March, "_correction", wild)
    monkeypatch.setattr(march.points, "trial", lambda strain, dt: None)
    march.problem = replace(march.problem, mesh=Watched(march.problem.mesh))
    march._solve(march.load + 1e-3, 1e-3, march.controls)
    growth = np.array(seen[3:12]) / np.array(seen[2:11])
    assert len(growth) > 8
    assert growth.max() <= 1.5 * (1 + 1e-12)


def test_a_march_goes_back_to_all_that_it_saved() -> None:
    march = softened()
    saved = march.save()
    other = March(march.problem, MaterialPoints(march.points.material, march.points.n), march.controls)
    other.restart(saved)
    for name in ("u", "stress", "stiffness", "shown", "load", "part", "cuts", "all_cuts", "wait", "easy"):
        np.testing.assert_array_equal(getattr(other, name), getattr(march, name), err_msg=name)
    assert (
        other.advance(lambda found, load: None).iterations
        == march.advance(lambda found, load: None).iterations
    )


def test_a_march_that_goes_on_knows_that_nothing_was_learned() -> None:
    """The smallest step is tried once more only where slopes had been learned: told by their values."""
    march = softened()
    assert march.learned
    march.stiffness = march.shown.copy()
    assert not march.learned
    other = March(march.problem, MaterialPoints(march.points.material, march.points.n), march.controls)
    other.restart(march.save())
    assert not other.learned
    other.restart(softened().save())
    assert other.learned


def test_the_smallest_step_is_tried_once_more_without_what_was_learned(monkeypatch) -> None:
    march, solve_step, begun = softened(), March._solve, []
    march.controls = replace(march.controls, cuts_max=0)

    def fails_on_what_was_learned(self, load, dt, controls):
        begun.append(self.stiffness)
        return solve_step(self, load, dt, controls) if self.stiffness is self.shown else "led astray"

    monkeypatch.setattr(March, "_solve", fails_on_what_was_learned)
    march.advance(lambda found, load: None)
    assert len(begun) == 2
    assert march.all_cuts == 0


def test_a_balance_that_is_not_quite_one_keeps_what_was_known_at_it(monkeypatch) -> None:
    """Points that answer nothing new: the first iterate is the best, and what is learned after it is not kept."""
    march, learn, known = softened(), PointSecants.learn, []
    march.controls = replace(march.controls, tolerance=1e-12, loose=0.9, cuts_before_loose=0)

    def watched(self, strain, stress):
        learn(self, strain, stress)
        known.append(self.stiffness.copy())

    monkeypatch.setattr(PointSecants, "learn", watched)
    monkeypatch.setattr(march.points, "trial", lambda strain, dt: None)
    found = march._solve(march.load + 0.1, 0.1, march.controls)
    assert not np.array_equal(known[0], known[-1])
    np.testing.assert_array_equal(found.stiffness, known[0])
