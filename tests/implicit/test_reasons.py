"""Why a run stops, in words: the element and point, the strain, the guard, and advice that suits it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pybridge._core as _core
from abaqus_jobs import soils
from abaqus_jobs.soils import Procedure
from pybridge.errors import SolverError
from pybridge.packing import load_library, open_material, packing_material
from pybridge.results.reader import read_results
from pybridge.solver.implicit import MaterialPoints, NotConvergedError, reasons, run_static
from pybridge.solver.implicit.reasons import packing_failure, singular

J2 = [1e8, 0.3, 1e5, 0.0, 2e5, 0.1]


def deck(strain=0.004, steps=2, first=1):
    """Two elements (CPE8R), whose labels begin with `first`."""
    made = soils.biaxial(columns=1, rows=2, strain=strain, procedure=Procedure(steps=steps))
    block = replace(made.elements[0], labels=made.elements[0].labels + first - 1)
    return replace(made, elements=[block])


class Spoiled:
    """J2 without a tangent; from call `calls` on, point `index` has a status, or a stress that is no number."""

    def __init__(self, index, status=2, calls=6, nan=False) -> None:
        self._law = _core.make_law("PYBRIDGE_J2", J2, "float64")
        self._index, self._status, self._left, self._nan = index, status, calls, nan
        for name in ("state_schema", "state_size", "elastic_moduli", "domain", "dtype"):
            setattr(self, name, getattr(self._law, name))

    def update(self, **block) -> None:
        self._law.update(**block)
        self._left -= 1
        if self._left < 0 and self._nan:
            block["stress_new"][0, self._index] = np.nan
        elif self._left < 0:
            block["status"][self._index] = self._status


def stopped(tmp_path, material, **deck_changes) -> str:
    with pytest.raises(NotConvergedError) as error:
        run_static(deck(**deck_changes), material=material, out=tmp_path / "a.h5", cuts_max=1)
    assert read_results(tmp_path / "a.h5").stopped == str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("status", "word"), [(2, "recoverable"), (3, "fatal")])
def test_a_point_that_fails_is_named_with_its_strain(tmp_path, status, word) -> None:
    """Point 6 of two elements of four, by its element's label in the deck; the top goes down."""
    message = stopped(tmp_path, {"SOIL": Spoiled(6, status)}, first=31)
    assert "a material point failed: element 32, integration point 3 of 4 at a strain of 11 " in message
    assert ", 22 -" in message
    assert f"(status {status}, {word}" in message
    assert "more steps, " in message.split("the same command, with")[1]
    assert "looser" not in message


def test_a_material_that_fails_at_rest_is_refused(tmp_path) -> None:
    with pytest.raises(
        SolverError, match=r"fails at rest, .*: element 2, .* point 3 of 4 \(status 3; 1 of 8 points\)"
    ):
        run_static(deck(), material={"SOIL": Spoiled(6, 3, calls=0)}, out=tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_a_stress_that_is_no_number_is_named(tmp_path) -> None:
    message = stopped(tmp_path, {"SOIL": Spoiled(1, nan=True)})
    assert "the stress of element 1, integration point 2 of 4 is not finite at a strain of 11" in message


def test_no_convergence_asks_for_steps_iterations_or_tolerance(tmp_path) -> None:
    with pytest.raises(
        NotConvergedError,
        match=r"least residual.*with more steps, more iterations or a looser tolerance .*, goes",
    ):
        run_static(
            deck(0.05, 1), material={"SOIL": _core.make_law("PYBRIDGE_J2", J2, "float64")}, out=tmp_path / "a.h5",
            cuts_max=0, iterations_max=2,
        )  # fmt: skip


def test_points_without_stiffness_are_named() -> None:
    stiffness = np.tile(np.eye(3)[:, :, None], 8)
    assert "points" not in singular(stiffness, None, 2)
    stiffness[:, :, 5:] = 0
    said = singular(stiffness, np.array([7, 9]), 2)
    assert "3 points of 8 have none, the first is element 9, integration point 2 of 4" in said


def trial(text, strain, known=True) -> tuple[str, str]:
    """What is said of a point of a packing after a trial that failed."""
    points = MaterialPoints(open_material(text), 2, packing=text if known else "")
    points.trial(np.array([[0.0, 0.0], [0.0, -strain], [0.0, 0.0]]))
    assert points.status[0] < points.status[1] == 2
    return packing_failure(points, 1)


def test_the_guard_of_a_packing_is_named_with_its_value_and_a_wider_one() -> None:
    said, advice = trial("disks100,steps_max=300", 0.02)
    assert "steps for a change of strain of 0.02, the guard steps_max is 300" in said
    wider = MaterialPoints(open_material(advice.split("packing:")[1].rstrip(")")), 1)
    wider.trial(np.array([[0.0], [-0.02], [0.0]]))
    assert wider.status[0] < 2
    _, advice = trial("disks100,steps_max=300,inertial_number=1e-7", 0.02)
    assert int(advice.split("steps_max=")[1].split(",")[0]) > 1_000_000  # written as the option takes it
    said, advice = trial("disks100,overlap_max=0.015", 0.02)
    assert said.startswith("its grains overlap by 0.0752 ")
    assert said.endswith("beyond twice the guard overlap_max=0.015")
    assert advice == "a wider guard (--material packing:disks100,overlap_max=0.08)"


def test_guards_that_are_not_known_are_asked_after() -> None:
    said, advice = trial("disks100,steps_max=300", 0.02, known=False)
    assert "one of its guards overlap_max and steps_max is less" in said
    assert "packing:NAME,overlap_max=0.3,steps_max=200000" in advice
    assert "one of its guards" in trial("disks100,overlap_max=0.015", 0.1, known=False)[0]


def test_grains_that_are_crushed_are_no_matter_of_guards() -> None:
    said, advice = trial("disks100,overlap_max=9,steps_max=2000000", 0.6)
    assert "its 100 grains are crushed to " in said
    assert "room is for 400" in said
    assert advice == "more steps"


def test_the_packing_s_own_fault_is_told(monkeypatch) -> None:
    """What the grains themselves cannot go through."""
    points = MaterialPoints(open_material("disks100"), 1, packing="disks100")
    points.trial(np.array([[0.0], [-0.99], [0.0]]))
    points.packing = "disks100,steps_max=100000000,steps_min=10"
    monkeypatch.setattr(reasons, "_substeps", lambda *_: 10.0)
    said, advice = packing_failure(points, 0)
    assert "packing: " in said
    assert advice == "more steps, or a packing of more grains"


def test_a_run_that_a_guard_has_stopped_goes_on_with_a_wider_one(tmp_path) -> None:
    """To the answer of a run with the wide guard from the start, but for where the step was cut."""
    out = tmp_path / "a.h5"
    with pytest.raises(NotConvergedError) as error:
        run_static(deck(0.02, 4), material="packing:disks100,overlap_max=0.0145", out=out, cuts_max=1)
    message = str(error.value)
    assert "a material point failed: element " in message
    assert "guard overlap_max=0.0145; the last converged state is in" in message
    assert "with a wider guard (--material packing:disks100,overlap_max=0.04), goes on from it" in message
    reached = len(read_results(out).history["load"])
    assert reached > 1
    result = run_static(deck(0.02, 4), material="packing:disks100,overlap_max=0.04", out=out)
    assert result.resumed
    assert result.load == pytest.approx(1)
    with pytest.raises(NotConvergedError):
        run_static(deck(0.02, 4), material="packing:disks100,overlap_max=0.0145", out=tmp_path / "b.h5")
    with pytest.raises(SolverError, match="another mesh, material or load"):
        run_static(deck(0.02, 4), material="packing:disks100,inertial_number=2e-3", out=tmp_path / "b.h5")


def test_points_of_a_packing_made_in_python_are_named_too() -> None:
    points = MaterialPoints(packing_material(load_library("disks100"), steps_max=10), 3, threads=2)
    points.trial(np.array([[0.0] * 3, [0.0, 0.0, -0.01], [0.0] * 3]))
    state, stretch = points.one(2)
    np.testing.assert_allclose(stretch, np.diag([1, 0.99, 1]))
    assert not state.any()
