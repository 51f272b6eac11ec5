"""Preparation, stress control within its tolerance, loading programs, files."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from pybridge._core import MaterialError, PackingEngine
from pybridge.errors import PackingError
from pybridge.packing import (
    biaxial,
    constant_b,
    constant_p,
    graded_radii,
    isotropic,
    load,
    load_library,
    prepare,
    save,
    strain_path,
    triaxial,
    uniform_radii,
)


@pytest.mark.parametrize("name", ["disks", "spheres"])
def test_prepared_packings_carry_the_pressure_at_rest(name, make) -> None:
    packing = make(name)
    m = packing.measure()
    np.testing.assert_allclose(-np.diag(m.stress)[: packing.dim], 1e5, rtol=2e-3)
    np.testing.assert_allclose(m.stress - np.diag(np.diag(m.stress)), 0, atol=200)  # no shear stress is left
    assert m.kinetic == 0
    # Frictionless grains are isostatic near the least pressure: 4 contacts a disk, 6 a sphere, rattlers aside.
    assert {2: 3.6, 3: 4.8}[packing.dim] < m.coordination < {2: 4.6, 3: 6.6}[packing.dim]
    packing.drive(np.zeros((3, 3)), packing.time_step, 2000)
    np.testing.assert_allclose(-np.diag(packing.measure().stress)[: packing.dim], 1e5, rtol=1e-2)


def test_friction_of_the_preparation_sets_the_density() -> None:
    radii = uniform_radii(120, 0.003, 0.007, 1)
    loose = prepare(2, radii, 1e5, preparation_friction=0.5)
    dense = prepare(2, radii, 1e5)
    assert loose.measure().void_ratio > dense.measure().void_ratio + 0.005
    assert loose.measure().coordination < dense.measure().coordination - 0.2


def test_friction_at_slow_creep_ends_the_rearrangement_early(make) -> None:
    """At rest as ever, under the pressure, with the friction asked for; a little looser than what rearranges to its end."""
    radii = uniform_radii(150, 0.003, 0.007, 1)
    whole, early = (prepare(3, radii, 1e5, preparation_creep=creep) for creep in (None, 1e-3))
    m = early.measure()
    np.testing.assert_allclose(-np.diag(m.stress), 1e5, rtol=2e-3)
    assert m.kinetic == 0
    assert early.parameters.friction == whole.parameters.friction
    assert early.parameters.damping == whole.parameters.damping
    assert 0.002 < m.void_ratio - whole.measure().void_ratio < 0.1
    early.drive(np.zeros((3, 3)), early.time_step, 2000)
    np.testing.assert_allclose(-np.diag(early.measure().stress), 1e5, rtol=1e-2)
    with pytest.raises(PackingError, match="preparation_creep is -1, expected > 0"):
        prepare(3, radii, 1e5, preparation_creep=-1)


def test_biaxial_with_unloading(make) -> None:
    packing = make("disks")
    history = biaxial(packing, 1e5, [-0.02, -0.018, -0.03], records=40)
    np.testing.assert_allclose(history.stress[:, 0, 0], -1e5, atol=1e3)  # the stated 1 %
    turning = np.argmin(np.abs(history.strain[:, 1] + 0.02))
    assert history.strain[-1, 1] == pytest.approx(-0.03, rel=1e-6)
    assert history.strain[turning + 3, 1] > history.strain[turning, 1]
    axial = -history.stress[:, 1, 1]
    assert axial[turning] > 1.5e5
    assert axial[turning + 3] < axial[turning]
    assert np.all(history.error <= 1e3)


def test_triaxial_constant_p_and_b(make) -> None:
    history = triaxial(make("spheres"), 1e5, [-0.01], records=5)
    np.testing.assert_allclose(history.stress[1:, [0, 1], [0, 1]], -1e5, atol=1e3)
    assert -history.stress[-1, 2, 2] > 1.5e5
    history = constant_p(make("spheres"), 1e5, [-0.01], records=5)
    np.testing.assert_allclose(np.trace(history.stress[1:], axis1=1, axis2=2), -3e5, atol=2.1e3)
    history = constant_b(make("spheres"), 1e5, 0.5, [-0.01], records=5)
    s3, s2, s1 = (-history.stress[1:, k, k] for k in range(3))
    np.testing.assert_allclose(s1 + s2 + s3, 3e5, atol=2.1e3)
    np.testing.assert_allclose(s2 - s3, 0.5 * (s1 - s3), atol=2e3)
    assert s1[-1] > s2[-1] > s3[-1]
    history = constant_p(make("disks"), 1e5, [-0.01], records=5)
    np.testing.assert_allclose(history.stress[1:, 0, 0] + history.stress[1:, 1, 1], -2e5, atol=1.1e3)


@pytest.mark.parametrize("b", [0.0, 0.3, 1.0])
def test_constant_b_holds_in_extension(make, b) -> None:
    """Through the isotropic state and back: b and p are those asked for on both sides, index 1 between the others."""
    history = constant_b(make("spheres"), 1e5, b, [-0.006, 0.004, -0.002], records=24)
    s = -np.diagonal(history.stress, axis1=1, axis2=2)[1:]
    s3, s2, s1 = np.sort(s, axis=1).T
    np.testing.assert_allclose(s.sum(axis=1), 3e5, atol=2.1e3)
    # A face may be 1 % of p off, so that 1 kPa moves b by 1e3 / (s1 - s3).
    np.testing.assert_allclose(s2 - s3, b * (s1 - s3), atol=2.1e3)
    compressed, extended = s[:, 2] > 1.1e5, s[:, 2] < 0.9e5
    assert compressed.sum() >= 3
    assert extended.sum() >= 3
    assert b == 1 or np.all(s[extended, 0] == s1[extended])
    if b == 0.3:
        for side in (compressed, extended):
            np.testing.assert_allclose(s[side, 1], s2[side])


def test_constant_b_changes_sides_between_records(make) -> None:
    """Faces move apart in extension, also where the only record on the way lies in compression."""
    few, many = (
        constant_b(make("spheres"), 1e5, 0.3, [-0.006, 0.004], records=records) for records in (2, 50)
    )
    assert len(few.time) == 3
    for history in (few, many):
        assert history.strain[-1, 0] < -2.5e-3
        assert history.strain[-1, 1] > 1e-3  # below 0 where the law of compression is followed to the record


def test_isotropic_up_and_down(make) -> None:
    history = isotropic(make("disks"), [2e5, 1e5], records=3)
    np.testing.assert_allclose(-history.stress[3, [0, 1], [0, 1]], 2e5, rtol=1e-2)
    np.testing.assert_allclose(-history.stress[6, [0, 1], [0, 1]], 1e5, rtol=1e-2)
    assert history.void_ratio[3] < history.void_ratio[6]


def test_strain_path_ends_on_the_cell(make) -> None:
    packing = make("disks")
    start = packing.cell.copy()
    stretch = np.array([[1.002, 0.001, 0], [0.001, 0.997, 0], [0, 0, 1]])
    history = strain_path(packing, np.array([stretch, np.eye(3)]), pressure=1e5)
    np.testing.assert_allclose(packing.cell, start, atol=1e-15)
    assert history.stress.shape == (3, 3, 3)


def test_saved_packing_goes_on_with_the_same_bits(make, tmp_path) -> None:
    gradient = np.diag([0.5, -1.0, 0.0])
    for name in ("disks rolling", "spheres"):
        packing = make(name)
        packing.drive(gradient, packing.time_step, 333)
        save(tmp_path / "a.h5", packing, {"made": "by a test"})
        copy = load(tmp_path / "a.h5")
        for engine in (packing, copy):
            engine.drive(gradient, engine.time_step, 444)
        for key, value in packing.state.items():
            np.testing.assert_array_equal(value, copy.state[key], err_msg=key)
        assert copy.measure().stress[0, 0] != make(name).measure().stress[0, 0]


def test_library() -> None:
    packing = load_library("disks400")
    assert (packing.dim, packing.count) == (2, 400)
    np.testing.assert_allclose(-np.diag(packing.measure().stress)[:2], 1e5, rtol=2e-3)
    with pytest.raises(PackingError, match=r"no prepared packing 'gravel'; expected one of .*disks400"):
        load_library("gravel")


def test_files_that_are_not_packings(make, tmp_path) -> None:
    file = tmp_path / "p.h5"
    with pytest.raises(PackingError, match="no such packing"):
        load(file)
    file.write_bytes(b"not HDF5")
    with pytest.raises(PackingError, match="not a packing, or damaged"):
        load(file)
    save(file, make("disks"))
    with h5py.File(file, "a") as f:
        f.attrs["format_version"] = 9
    with pytest.raises(PackingError, match=r"version 1, got 'pybridge-packing' version 9"):
        load(file)
    save(file, make("disks"))
    with h5py.File(file, "a") as f:
        second = f["state/second"]
        second[3] = 100000
    with pytest.raises(PackingError, match="pair 3 of the neighbour list is out of range"):
        load(file)
    save(file, make("disks"))
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(PackingError, match="not a packing, or damaged"):
        load(file)


def test_gradation_curve() -> None:
    """The mass finer than each diameter of the curve comes out as asked for."""
    diameters, passing = [0.002, 0.004, 0.01], [0.0, 0.6, 1.0]
    for dim in (2, 3):
        radii = graded_radii(20000, diameters, passing, dim)
        mass = radii**dim
        assert mass[2 * radii <= 0.004].sum() / mass.sum() == pytest.approx(0.6, abs=0.01)
        assert mass[2 * radii <= 0.003].sum() / mass.sum() == pytest.approx(0.3, abs=0.01)
    with pytest.raises(PackingError, match="gradation: expected rising diameters"):
        graded_radii(100, [0.002, 0.001], [0, 1])
    radii = uniform_radii(1000, 0.003, 0.007)
    assert np.sort(radii)[[249, 499, 749]] == pytest.approx([0.004, 0.005, 0.006], abs=1e-5)


def test_bad_input_says_what_was_expected(make) -> None:
    packing = make("disks")
    with pytest.raises(PackingError, match="grains carry no tension"):
        biaxial(packing, -1e5, [-0.1])
    with pytest.raises(PackingError, match=r"expected a packing of spheres \(dim 3\), got dim 2"):
        triaxial(packing, 1e5, [-0.1])
    with pytest.raises(PackingError, match=r"b is 1\.5, expected 0 to 1"):
        constant_b(make("spheres"), 1e5, 1.5, [-0.1])
    with pytest.raises(PackingError, match="radii: got 1 grains"):
        uniform_radii(1, 0.1, 0.2)
    frictionless = packing.parameters
    frictionless.friction = -1.0
    with pytest.raises(MaterialError, match=r"friction .coefficient. is -1, expected >= 0"):
        packing.parameters = frictionless
    with pytest.raises(PackingError, match=r"consolidation to 1e\+11 Pa: .* too narrow"):
        prepare(2, uniform_radii(100, 0.003, 0.007), 1e11)
    with pytest.raises(PackingError, match=r"carry .* Pa after 2000 steps, expected 100000 within 0.001"):
        prepare(2, uniform_radii(100, 0.003, 0.007), 1e5, steps_max=2000)
    with pytest.raises(MaterialError, match="take more grains"):
        PackingEngine(
            2, [0.005, 0.005], packing.parameters, {"cell": np.diag([0.02, 0.02, 0.1]), "position": [0.0] * 4}
        )


def test_impossible_paths_stop_clearly_and_leave_the_packing(make) -> None:
    packing = make("disks")
    with pytest.raises(PackingError, match="the stress path cannot be followed"):
        biaxial(packing, 1e5, [-0.01], records=4, tolerance=1e-14)  # finer than the noise of the contacts
    packing = make("disks")
    before = packing.state
    with pytest.raises(MaterialError, match="exploded"):
        packing.drive(np.diag([0.0, -5.0, 0.0]), 30 * packing.time_step, 500)  # far too large a step
    for key, value in before.items():
        np.testing.assert_array_equal(packing.state[key], value)
    with pytest.raises(MaterialError, match="too narrow"):
        packing.drive(np.diag([2.0, -2.0, 0.0]), packing.time_step, 200000)


@pytest.mark.parametrize("rate", [1e4, 1e6, 1e9])
def test_a_cell_that_blows_up_is_an_error_or_a_vacuum(make, rate) -> None:
    """No crash, whatever the size of the cell: grains apart carry nothing, or the run says what happened."""
    packing, said = make("disks"), ""
    try:
        for _ in range(30):
            packing.drive(np.diag([rate, rate, 0.0]), packing.time_step, 200)
    except MaterialError as error:
        said = str(error)
    assert "exploded" in said or "narrow" in said or packing.measure().contacts == 0
