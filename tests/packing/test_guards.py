"""Guards while packings are prepared and loaded: the limits and measures of the material, clear stops, records kept."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import PackingMaterialOptions
from pybridge.errors import LoadingError, PackingError
from pybridge.packing import (
    Guards,
    LoadingInterrupt,
    biaxial,
    isotropic,
    packing_material,
    prepare,
    strain_path,
    uniform_radii,
)
from pybridge.packing.guards import read_guards


def test_limits_are_those_of_the_material() -> None:
    material, guards = PackingMaterialOptions(), Guards()
    for name in ("overlap_max", "asymmetry_max", "inertial_max"):
        assert getattr(guards, name) == getattr(material, name)
    assert read_guards(["overlap_max=0.3"]) == Guards(overlap_max=0.3)
    for word in ("overlap_max", "overlap_max=much", "steps_max=3"):
        with pytest.raises(
            PackingError, match=rf"guard '{word}': expected NAME=NUMBER, NAME one of overlap_max"
        ):
            read_guards([word])
    with pytest.raises(PackingError, match="inertial_max is -1, expected > 0"):
        Guards(inertial_max=-1.0)


@pytest.mark.parametrize("name", ["disks", "spheres"])
def test_records_show_what_the_material_shows(name, make) -> None:
    """Overlap, asymmetry and inertial number of one stretch, from the program and from the state of a material point."""
    packing, dim = make(name), make(name).dim
    stretch = np.eye(3) + 1e-3 * np.array([[1.0, 0.5, 0], [0.5, -2, 0], [0, 0, 0.3 * (dim == 3)]])
    material = packing_material(packing, inertial_number=2e-3, steps_min=1)
    block = np.array([1, 1, 1, 0, 0, 0.0]).reshape(6, 1)
    goal = stretch[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]].reshape(6, 1)
    state = np.zeros((material.state_size, 1))
    new, stress, status = np.zeros_like(state), np.zeros((6, 1)), np.zeros(1, np.int32)
    material.update(
        time_old=0.0, dt=1.0, strain_inc=goal - block, stretch_old=block, stretch_new=goal, temperature=np.zeros(1),
        density=np.ones(1), stress_old=np.zeros((6, 1)), state_old=state, stress_new=stress, state_new=new,
        dissipation_inc=np.zeros(1), status=status,
    )  # fmt: skip
    shown, at = {}, 0
    for variable in material.state_schema:
        shown[variable.name] = new[at, 0]
        at += variable.count
    pressure = -np.trace(make(name).measure().stress[:dim, :dim]) / dim
    history = strain_path(packing, stretch[None], pressure=pressure, inertial_number=2e-3)
    assert status[0] == 0
    for mine, its in (
        ("overlap", "overlap"),
        ("asymmetry", "stress_asymmetry"),
        ("inertial_number", "inertial_number"),
    ):
        assert shown[its] > 0
        assert getattr(history, mine)[-1] == pytest.approx(shown[its], rel=1e-6), mine


def test_preparation_refuses_what_breaks_a_guard() -> None:
    radii = uniform_radii(100, 0.003, 0.007)
    with pytest.raises(
        PackingError,
        match=r"consolidation to 1e\+08 Pa: at \S+ Pa and void ratio -0\.7.*: largest overlap 1\.\d+ of a radius, "
        r"allowed 0\.1 \(overlap_max\).*lower pressure",
    ):
        prepare(2, radii, 1e8)
    assert prepare(2, radii, 1e6, guards=Guards(overlap_max=0.5)).measure().overlap > Guards().overlap_max


def test_programs_stop_at_each_guard_and_keep_the_records(make) -> None:
    with pytest.raises(
        LoadingError, match=r"largest overlap 0\.2\d* of a radius, allowed 0\.2 \(2 overlap"
    ) as found:
        isotropic(make("disks"), [1e8])
    assert "isotropic, on the way to a pressure of 1e+08 Pa, stopped at strains -0.0" in str(found.value)
    history = found.value.history
    assert f"after {len(history.time)} records" in str(found.value)
    assert len(history.time) > 3
    assert 0.1 < history.overlap.max() <= 0.2  # soft grains are told by the records, as by the material
    with pytest.raises(LoadingError, match=r"inertial number 0\.\d+, allowed 0\.01 \(inertial_max\)"):
        biaxial(make("disks"), 1e5, [-0.05], inertial_number=0.05)
    with pytest.raises(
        LoadingError, match=r"unsymmetric by .* of the pressure, allowed 1e-08 \(asymmetry_max\)"
    ):
        biaxial(make("disks"), 1e5, [-0.01], guards=Guards(asymmetry_max=1e-8))
    with pytest.raises(PackingError, match=r"biaxial: the packing before the test: largest overlap") as found:
        biaxial(make("disks"), 1e5, [-0.01], guards=Guards(overlap_max=1e-3))
    assert not isinstance(found.value, LoadingError)


def test_a_fault_of_the_engine_names_the_program_and_the_goal(make) -> None:
    with pytest.raises(
        LoadingError, match=r"isotropic, on the way to a pressure of 1e\+11 Pa, .* too narrow"
    ) as found:
        isotropic(make("disks"), [1e11], records=1)
    assert len(found.value.history.time) == 1


def test_an_interrupt_carries_the_records(make, ctrl_c) -> None:
    """Ctrl-C, as the system sends it, after the third record."""
    shares = []

    def watch(share: float, text: str) -> None:
        assert "axial strain" in text or not shares
        shares.append(share)
        if len(shares) == 3:
            ctrl_c()

    with pytest.raises(LoadingInterrupt, match="3 records") as found:
        biaxial(make("disks"), 1e5, [-0.01], records=10, watch=watch)
    assert len(found.value.history.time) == 3
    assert shares == pytest.approx([0, 0.1, 0.2])


@pytest.mark.parametrize("creep", [None, 1e-3])
def test_progress_of_a_preparation_rises_to_1(creep) -> None:
    shares, texts = [], []

    def watch(share: float, text: str) -> None:
        shares.append(share)
        texts.append(text)

    prepare(2, uniform_radii(200, 0.003, 0.007), 1e5, preparation_creep=creep, watch=watch)
    assert texts[:2] == ["throwing the grains"] * 2
    assert "(to 2e-06)" in texts[-2]
    assert np.all(np.diff(shares) >= 0)
    assert len(set(shares)) > 5
    assert (shares[0], shares[1], shares[-1]) == (0, pytest.approx(0.05), 1)
    assert 0.1 < shares[2] < 0.5
