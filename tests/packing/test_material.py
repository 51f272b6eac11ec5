"""The packing as a material of the contract: state, restart, threads, guards, rejection of what cannot be."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pybridge._core import MaterialError
from pybridge.packing import packing_material


class Points:
    """n points of a material, stretched together or each by its own U."""

    def __init__(self, material, n=1):
        self.material, self.n = material, n
        self.stretch = np.zeros((6, n))
        self.stretch[:3] = 1
        self.stress = np.zeros((6, n))
        self.state = np.zeros((material.state_size, n))
        self.status = np.zeros(n, np.int32)
        self.dissipation = np.zeros(n)

    def step(self, stretch):
        stretch = np.ascontiguousarray(
            np.broadcast_to(np.reshape(stretch, (6, -1)), (6, self.n)).astype(float)
        )
        stress, state = np.empty_like(self.stress), np.empty_like(self.state)
        self.material.update(
            time_old=0.0, dt=1.0, strain_inc=stretch - self.stretch, stretch_old=self.stretch, stretch_new=stretch,
            temperature=np.zeros(self.n), density=np.ones(self.n), stress_old=self.stress, state_old=self.state,
            stress_new=stress, state_new=state, dissipation_inc=self.dissipation, status=self.status,
        )  # fmt: skip
        self.stretch, self.stress, self.state = stretch, stress, state
        return self.status.copy()

    def shown(self, name):
        at = 0
        for variable in self.material.state_schema:
            if variable.name == name:
                return self.state[at : at + variable.count]
            at += variable.count
        raise KeyError(name)


IDENTITY = np.array([1.0, 1, 1, 0, 0, 0])


def stretch(e11, e22, e12=0.0, e33=0.0):
    return IDENTITY + np.array([e11, e22, e33, e12, 0, 0])


def test_virgin_state_carries_the_stress_of_the_packing(make) -> None:
    for name in ("disks", "spheres"):
        packing = make(name)
        points = Points(packing_material(packing))
        assert points.step(IDENTITY)[0] == 0
        stress = packing.measure().stress
        np.testing.assert_allclose(points.stress[:2, 0], np.diag(stress)[:2], rtol=1e-12)
        assert points.stress[3, 0] == pytest.approx(0.5 * (stress[0, 1] + stress[1, 0]), abs=1e-6)
        if name == "disks":
            assert points.stress[2, 0] == pytest.approx(points.stress[:2, 0].mean())
        upper = packing.stiffness()[np.triu_indices(6)]
        np.testing.assert_array_equal(points.shown("contact_stiffness")[:, 0], upper)
        assert points.shown("void_ratio")[0, 0] == packing.measure().void_ratio


def test_material_goes_where_the_packing_goes(make) -> None:
    """One increment equals the packing deformed with the same number of steps, and comes back out of the state."""
    packing = make("disks")
    material = packing_material(packing, steps_min=64, inertial_number=0.5)
    points = Points(material)
    points.step(stretch(0.001, -0.002, 0.0005))
    target = np.array([[1.001, 0.0005, 0], [0.0005, 0.998, 0], [0, 0, 1]]) @ packing.cell
    packing.deform(target, packing.time_step, 64)
    np.testing.assert_array_equal(points.stress[0, 0], packing.measure().stress[0, 0])
    inside = material.packing_of(np.ascontiguousarray(points.state[:, 0]))
    for key, value in packing.state.items():
        np.testing.assert_array_equal(value, inside.state[key], err_msg=key)


@pytest.mark.parametrize("name", ["disks", "spheres rolling, Hertz"])
def test_same_bits_in_any_blocks_and_threads(name, make) -> None:
    material = packing_material(make(name), inertial_number=5e-3)
    n = 6
    rng = np.random.default_rng(3)
    paths = np.cumsum(rng.normal(0, 3e-4, (4, 6, n)), axis=0) + IDENTITY[:, None]
    if name == "disks":
        paths[:, 2], paths[:, 4:] = 1, 0
    together, alone = Points(material, n), [Points(material) for _ in range(n)]
    for path in paths:
        assert np.all(together.step(path) == 0)

    def run(i):
        for path in paths:
            alone[i].step(path[:, i])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(n)))
    for i in range(n):
        np.testing.assert_array_equal(together.stress[:, i], alone[i].stress[:, 0])
        np.testing.assert_array_equal(together.state[:, i], alone[i].state[:, 0])
    assert len({together.stress[0, i] for i in range(n)}) == n


def test_old_state_is_left_alone_and_can_be_repeated(make) -> None:
    points = Points(packing_material(make("disks")))
    points.step(stretch(0, -0.001))
    old = points.state.copy()
    first, before = points.state, points.stress
    points.step(stretch(0, -0.002))
    np.testing.assert_array_equal(first, old)
    again = Points(points.material)
    again.state, again.stretch, again.stress = old, np.reshape(stretch(0, -0.001), (6, 1)), before
    again.step(stretch(0, -0.002))
    np.testing.assert_array_equal(again.state, points.state)


def test_rotation_of_the_path_turns_the_stress(make) -> None:
    """Two perpendicular directions of one packing differ (finite packing), a half turn gives the same."""
    a, b = Points(packing_material(make("disks"))), Points(packing_material(make("disks")))
    a.step(stretch(0.0005, -0.001, 0.0003))
    b.step(stretch(0.0005, -0.001, -0.0003))
    assert a.stress[3, 0] > 0 > b.stress[3, 0]


def test_dissipation_is_work_less_stored_energy(make) -> None:
    """A closed strain cycle: what was put in and not stored was lost; losses are positive, elastic ones small."""
    points = Points(packing_material(make("disks")))
    lost, volume = 0.0, make("disks").measure().volume
    work = 0.0
    for axial in [-0.002, -0.004, -0.006, -0.004, -0.002, 0.0]:
        before, old = points.stress.copy(), points.stretch.copy()
        points.step(stretch(0.0, axial))
        lost += points.dissipation[0]
        if before[1, 0] == 0:
            before[:2] = -1e5
        work += 0.5 * (before[1, 0] + points.stress[1, 0]) * (points.stretch[1, 0] - old[1, 0])
    first = make("disks").measure()
    last = points.material.packing_of(np.ascontiguousarray(points.state[:, 0])).measure()
    stored = (last.elastic + last.kinetic - first.elastic - first.kinetic) / volume
    assert lost > 20.0  # J/m3, of a work of some 100
    assert lost == pytest.approx(work - stored, rel=0.15)  # the trapezoid over six coarse increments


def test_asymmetry_of_the_stress_is_told(make, rng) -> None:
    """The largest |sigma_ij - sigma_ji| over the pressure; in spheres each of the three pairs is the largest in turn."""
    for name in ("disks", "spheres"):
        points, largest = Points(packing_material(make(name), steps_min=8, inertial_number=0.05)), set()
        points.step(IDENTITY)
        for _ in range(12):
            change = 4e-4 * rng.normal(size=6)
            if name == "disks":
                change[[2, 4, 5]] = 0
            assert points.step(points.stretch[:, 0] + change)[0] < 2
            stress = points.material.packing_of(np.ascontiguousarray(points.state[:, 0])).measure().stress
            skewed = np.abs(stress - stress.T)
            largest.add(tuple(int(k) for k in np.unravel_index(np.argmax(np.triu(skewed)), (3, 3))))
            pressure = -np.trace(stress) / (2 if name == "disks" else 3)
            told = points.shown("stress_asymmetry")[0, 0]
            assert told == pytest.approx(skewed.max() / pressure, rel=1e-9)
        assert largest == ({(0, 1)} if name == "disks" else {(0, 1), (0, 2), (1, 2)})


def test_guards_report(make) -> None:
    """Each guard alone makes the point unreliable, and stays so; the answer is given."""
    for option, bit in (("asymmetry_max", 1), ("inertial_max", 2), ("overlap_max", 4)):
        limit = 0.7 * make("disks").measure().overlap if option == "overlap_max" else 1e-9
        points = Points(packing_material(make("disks"), **{option: limit}))
        points.step(IDENTITY)
        assert points.step(stretch(0, -0.002))[0] == 1
        assert points.shown("unreliable")[0, 0] == bit
        assert points.step(stretch(0, -0.002))[0] == 1
        assert points.stress[1, 0] < -1.1e5
    points = Points(packing_material(make("disks")))
    assert points.step(stretch(0, -0.002))[0] == 0
    assert 0 < points.shown("inertial_number")[0, 0] < 2e-3


def test_too_large_a_step_is_recoverable_and_keeps_the_old(make) -> None:
    points = Points(packing_material(make("disks"), steps_max=100))
    points.step(stretch(0, -1e-4))
    stress, state = points.stress, points.state
    assert points.step(stretch(0, -0.05))[0] == 2
    np.testing.assert_array_equal(points.stress, stress)
    np.testing.assert_array_equal(points.state, state)
    assert points.step(IDENTITY - [0.3, 0.3, 0, 0, 0, 0])[0] == 2  # jammed: overlaps beyond twice the limit
    points = Points(packing_material(make("disks"), inertial_number=0.9))
    assert points.step(IDENTITY - [0.2, 0.2, 0, 0, 0, 0])[0] == 2


def test_what_cannot_be_is_fatal(make) -> None:
    material = packing_material(make("disks"))
    for bad in (
        stretch(np.nan, 0),
        stretch(-2.0, 0),
        stretch(0, 0, 0, 1e-3),
        IDENTITY + 1e-3 * np.eye(6)[4],
    ):
        assert Points(material).step(bad)[0] == 3
    damaged = Points(material)
    damaged.step(stretch(0, -1e-4))
    damaged.state[1, 0] = 1e9
    assert damaged.step(stretch(0, -2e-4))[0] == 3
    with pytest.raises(MaterialError, match="inertial_number is 2"):
        packing_material(make("disks"), inertial_number=2.0)


def test_a_clone_takes_microseconds(make) -> None:
    """The state of a point is one array: copying it is all a clone takes."""
    state = np.zeros(packing_material(make("disks")).state_size)
    begin = time.perf_counter()
    for _ in range(200):
        state.copy()
    assert (time.perf_counter() - begin) / 200 < 2e-4  # 8 us alone; the machine may be busy
