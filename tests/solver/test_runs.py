"""Whole runs: results, interruption and going on, failures of materials, the switch of materials, threads."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from pybridge._core import make_law
from pybridge.errors import SolverError
from pybridge.results import read_results
from pybridge.solver import Controls, PlaneContact, SolverMaterial, run_model
from pybridge.solver.integrator import Integrator

END = 1.6e-6


class Wrapped:
    """A J2 law whose answer is changed from a call on: what(call number, arguments of update)."""

    def __init__(self, what):
        self.law = make_law("PYBRIDGE_J2", [117e9, 0.35, 400e6, 0.0, 500e6, 1.0], "float64")
        self.what, self.calls = what, 0
        for name in ("state_schema", "state_size", "elastic_moduli", "domain", "dtype"):
            setattr(self, name, getattr(self.law, name))

    def update(self, *, time_old, dt, status, **rest):
        self.law.update(time_old=time_old, dt=dt, status=status, **rest)
        self.calls += 1
        self.what(self.calls, SimpleNamespace(time_old=time_old, dt=dt, status=status, **rest))


def impact(lab, law=None):
    points, cells = lab.box(2, 2, 4, 1e-3, 1e-3, 2e-3)
    velocity = np.zeros_like(points)
    velocity[:, 2] = -200.0
    material = lab.copper() if law is None else SolverMaterial("COPPER", law, lab.DENSITY)
    foot = np.flatnonzero(points[:, 2] == 0)
    contact = PlaneContact(foot, (0, 0, 0), (0, 0, 1), 0.1, name="wall")
    return lab.model(points, cells, material, velocity=velocity, contacts=(contact,))


def controls(**changes):
    return Controls(end_time=END, **({"frames": 4, "history_points": 10} | changes))


def contents(path):
    """All data sets of a result file."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def test_a_run_writes_frames_at_equal_times_and_histories(lab, tmp_path) -> None:
    result = run_model(impact(lab), controls(), tmp_path / "r.h5")
    read = read_results(result.path)
    assert read.complete
    np.testing.assert_allclose(read.times, np.linspace(0, END, 5), rtol=1e-12, atol=1e-20)
    assert set(read.element_fields) >= {
        "stress", "mises", "pressure", "deviatoric_strain", "volumetric_strain", "equivalent_plastic_strain", "status",
    }  # fmt: skip
    history = read.history
    assert len(history["time"]) >= 11
    assert result.balance_error < 0.01
    assert history["force_wall_z"].min() < 0.0
    span = np.diff(history["time"])
    impulse = float((history["force_wall_z"][1:] * span).sum())
    assert impulse == pytest.approx(history["impulse_wall_z"][-1], rel=1e-9)
    stress = read.element("stress")
    mean = stress[:, :3].mean(1)
    np.testing.assert_allclose(read.element("pressure"), -mean, rtol=1e-12)
    deviator = stress[:, :3] - mean[:, None]
    mises = np.sqrt(1.5 * ((deviator**2).sum(1) + 2 * (stress[:, 3:] ** 2).sum(1)))
    np.testing.assert_allclose(read.element("mises"), mises, rtol=1e-9)
    assert not (tmp_path / "r.h5.restart.npz").exists()


def test_results_are_not_replaced_unasked(lab, tmp_path) -> None:
    run_model(impact(lab), controls(), tmp_path / "r.h5")
    with pytest.raises(SolverError, match=r"r\.h5 exists; expected a new file"):
        run_model(impact(lab), controls(), tmp_path / "r.h5")
    run_model(impact(lab), controls(), tmp_path / "r.h5", overwrite=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on_with_the_same_bits(lab, tmp_path, number) -> None:
    run_model(impact(lab), controls(), tmp_path / "whole.h5")

    def interrupt(call, _):
        if call == 17:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        run_model(impact(lab, Wrapped(interrupt)), controls(), tmp_path / "r.h5")
    half = read_results(tmp_path / "r.h5")
    assert not half.complete
    assert "interrupted" in half.stopped
    assert 1 <= len(half.times) < 5
    with pytest.raises(SolverError, match="belongs to another model"):
        run_model(impact(lab), controls(frames=5), tmp_path / "r.h5")
    file = tmp_path / "r.h5.restart.npz"
    good = file.read_bytes()
    with np.load(file) as data:
        np.savez(file, **(dict(data) | {"version": np.array(99)}))
    with pytest.raises(SolverError, match="a restart file of version 99, this program reads version"):
        run_model(impact(lab), controls(), tmp_path / "r.h5")
    file.write_bytes(good)
    result = run_model(impact(lab), controls(), tmp_path / "r.h5")
    assert result.resumed
    first, second = contents(tmp_path / "whole.h5"), contents(tmp_path / "r.h5")
    assert first.keys() == second.keys()
    for name, values in first.items():
        assert values.tobytes() == second[name].tobytes(), name


def test_replacing_results_sets_a_foreign_restart_file_aside(lab, tmp_path) -> None:
    def interrupt(call, _):
        if call == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_model(impact(lab, Wrapped(interrupt)), controls(), tmp_path / "r.h5")
    result = run_model(impact(lab), controls(frames=2), tmp_path / "r.h5", overwrite=True)
    assert not result.resumed
    assert len(read_results(tmp_path / "r.h5").times) == 3
    assert not (tmp_path / "r.h5.restart.npz").exists()


def test_a_broken_restart_file_is_named(lab, tmp_path) -> None:
    run_model(impact(lab), controls(), tmp_path / "r.h5")
    (tmp_path / "r.h5.restart.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(SolverError, match="not a readable restart file"):
        run_model(impact(lab), controls(), tmp_path / "r.h5")


def test_recoverable_failures_cut_the_step(lab, tmp_path) -> None:
    seen = []

    def refuse(call, a):
        if call in (5, 6):
            a.status[3] = 2
            a.stress_new[:, 3] = np.nan  # must not be used
        seen.append(a.dt)

    result = run_model(impact(lab, Wrapped(refuse)), controls(), tmp_path / "r.h5")
    assert result.cuts == 2
    assert seen[5] == pytest.approx(0.5 * seen[4])
    assert seen[6] == pytest.approx(0.25 * seen[4])
    assert result.balance_error < 0.01


def test_a_material_that_never_recovers_stops_the_run_and_keeps_results(lab, tmp_path) -> None:
    def refuse(call, a):
        if a.time_old > 0.5 * END:
            a.status[3] = 2

    with pytest.raises(SolverError, match=r"material COPPER of C3D8R element 4 at time .* every increment"):
        run_model(impact(lab, Wrapped(refuse)), controls(), tmp_path / "r.h5")
    read = read_results(tmp_path / "r.h5")
    assert not read.complete
    assert "element 4" in read.stopped
    assert read.times[-1] == pytest.approx(0.5 * END, rel=0.2)


def test_fatal_failures_name_element_and_time(lab, tmp_path) -> None:
    def refuse(call, a):
        if call == 9:
            a.status[6] = 3

    with pytest.raises(SolverError, match=r"element 7 at time .* failed for good"):
        run_model(impact(lab, Wrapped(refuse)), controls(), tmp_path / "r.h5")
    assert len(read_results(tmp_path / "r.h5").times) >= 2


def test_unreliable_points_are_recorded_and_counted(lab, tmp_path) -> None:
    def flag(call, a):
        if 4 <= call < 8:
            a.status[2] = 1

    result = run_model(impact(lab, Wrapped(flag)), controls(), tmp_path / "r.h5")
    read = read_results(tmp_path / "r.h5")
    assert result.unreliable_elements == 1
    assert read.element("unreliable_so_far").tolist() == [0, 0, 1] + [0] * 13
    assert read.element("status").max() == 0
    with pytest.raises(SolverError, match=r"element 3 .* is unreliable"):
        run_model(impact(lab, Wrapped(flag)), controls(unreliable_is_fatal=True), tmp_path / "s.h5")


def test_a_fixed_increment_is_kept(lab, tmp_path) -> None:
    steps = []
    run_model(
        impact(lab, Wrapped(lambda _, a: steps.append(a.dt))), controls(increment=7e-9), tmp_path / "r.h5"
    )
    assert len(steps) == np.ceil(END / 7e-9)
    np.testing.assert_allclose(steps[:-1], 7e-9)
    assert sum(steps) == pytest.approx(END)


def test_wrong_numbers_are_refused() -> None:
    for wrong, text in (({"end_time": -1.0}, "time of the step"), ({"end_time": 1.0, "scale_factor": 0.0}, "scale factor"),
                        ({"end_time": 1.0, "increment": -1.0}, "fixed time increment")):  # fmt: skip
        with pytest.raises(SolverError, match=text):
            Controls(**wrong)


def test_every_way_to_call_a_built_in_law_gives_the_same_run() -> None:
    """bindings and vumat_ in double to rounding, in single to its own."""
    from abaqus_jobs.rods import copper_rod
    from pybridge.solver import controls_from_deck, model_from_deck

    deck = copper_rod("C3D8R", across=3, height=6.4e-3, layers=6, time=1e-6)
    found = {}
    for switch in ("bindings", "bindings:float32", "vumat", "vumat:single"):
        run = Integrator(model_from_deck(deck, switch), controls_from_deck(deck))
        for _ in range(60):
            run.step(1.5e-8)
        found[switch] = run.u.copy()
    scale = np.abs(found["bindings"]).max()
    assert np.abs(found["vumat"] - found["bindings"]).max() < 1e-9 * scale
    assert np.abs(found["vumat:single"] - found["bindings"]).max() < 1e-4 * scale
    assert np.abs(found["bindings:float32"] - found["bindings"]).max() < 1e-4 * scale
    with pytest.raises(SolverError, match="expected one of bindings, vumat"):
        model_from_deck(deck, "magic")
    with pytest.raises(SolverError, match="the switch python is for model files"):
        model_from_deck(deck, "python")


def test_switches_are_parsed() -> None:
    from pathlib import Path

    from pybridge.solver.materials import MaterialSwitch

    for text, kind, library, precision in (
        ("deck", "bindings", None, "float64"), ("native:float64", "bindings", None, "float64"),
        ("vumat", "vumat", None, "float64"), ("vumat:single", "vumat", None, "float32"),
        ("vumat:double", "vumat", None, "float64"), ("vumat:a/b.so", "vumat", Path("a/b.so"), "float64"),
        ("crystal:float32", "fine-scale", None, "float32"), ("python", "python", None, "float64"),
    ):  # fmt: skip
        found = MaterialSwitch.parse(text)
        assert (found.kind, found.library, found.precision) == (kind, library, precision)
    with pytest.raises(SolverError, match="after python: expected float32 or float64"):
        MaterialSwitch.parse("python:file.so")


def test_the_increment_is_the_stable_one_and_no_larger_than_allowed(lab, tmp_path) -> None:
    """scale factor times the virgin increment at first; a largest one holds from then on."""
    stable = Integrator(impact(lab), controls()).stable_dt
    for largest in (None, 0.1 * stable):
        path = tmp_path / f"{largest}.h5"
        run_model(impact(lab), controls(scale_factor=0.5, increment_max=largest, history_points=1000), path)
        dt = read_results(path).history["dt"][1:]
        assert dt[0] == pytest.approx(0.5 * stable if largest is None else largest)
        assert dt.max() < 1.1 * (0.5 * stable if largest is None else largest)


def test_a_restart_file_is_kept_during_the_run(lab, tmp_path) -> None:
    """So that a killed run loses little; the balance that is told is that of the histories."""
    there = []

    def look(call, _):
        there.append((tmp_path / "r.h5.restart.npz").exists())

    result = run_model(impact(lab, Wrapped(look)), controls(restart_seconds=0.0), tmp_path / "r.h5")
    assert there[0] is False
    assert all(there[1:])
    history = read_results(tmp_path / "r.h5").history
    largest = max(np.abs(history[n]).max() for n in ("kinetic", "internal", "external"))
    drift = np.abs(history["total"] - history["total"][0]).max()
    assert result.balance_error == pytest.approx(drift / largest)
    assert result.energies["kinetic"] == history["kinetic"][-1]
    there.clear()
    run_model(impact(lab, Wrapped(look)), controls(), tmp_path / "s.h5")
    assert not any(there)


def test_moving_bodies_are_told(lab, tmp_path) -> None:
    """Position and speed of a plane that moves; force as the impulse of a row over its time."""
    model = impact(lab)
    wall = replace(model.contacts[0], velocity=(0.0, 0.0, 30.0))
    run_model(replace(model, contacts=(wall,)), controls(), tmp_path / "r.h5")
    history = read_results(tmp_path / "r.h5").history
    np.testing.assert_allclose(history["speed_wall_z"], 30.0)
    np.testing.assert_allclose(history["position_wall_z"], 30.0 * history["time"], rtol=1e-9)
    assert not history["position_wall_x"].any()
    forces = np.diff(history["impulse_wall_z"]) / np.diff(history["time"])
    np.testing.assert_allclose(history["force_wall_z"][1:], forces, rtol=1e-9)
