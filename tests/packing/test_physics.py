"""Closed forms of two grains, energy, and indifference to rotation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from grain_cases import parameters

from pybridge._core import ContactLaw, PackingEngine

R = 0.005
OVERLAP = 2e-5


def two_grains(dim: int, direction=(1.0, 0.0, 0.0), **changes) -> PackingEngine:
    """Two grains overlapping by OVERLAP along a direction, at rest, in a wide cell."""
    p = parameters(**{"damping": 0.0, **changes})
    n = np.array(direction) / np.linalg.norm(direction)
    x = np.zeros((3, 2))
    x[:, 0] = 0.04 - n * (R - OVERLAP / 2)
    x[:, 1] = 0.04 + n * (R - OVERLAP / 2)
    cell = np.diag([0.08, 0.08, 0.08 if dim == 3 else 0.1])
    return PackingEngine(dim, [R, R], p, {"cell": cell, "position": x[:dim].ravel()})


def with_velocity(packing: PackingEngine, velocity=None, spin=None) -> PackingEngine:
    state = packing.state
    if velocity is not None:
        state["velocity"] = np.asarray(velocity, float).ravel()
    if spin is not None:
        state["spin"] = np.asarray(spin, float).ravel()
    return PackingEngine(packing.dim, packing.radius, packing.parameters, state)


REST = np.zeros((3, 3))


@pytest.mark.parametrize("dim", [2, 3])
def test_two_grains_part_like_a_spring(dim) -> None:
    """Undamped: they part with the speed u sqrt(k / m*), m* = m / 2; kn = E r for two equal grains."""
    packing = two_grains(dim, (1.0, 0.7, 0.0), step_factor=0.01)
    k = packing.parameters.young * R
    reduced = packing.mass[0] / 2
    quarter = 0.5 * math.pi * math.sqrt(reduced / k)
    packing.drive(REST, packing.time_step, math.ceil(1.2 * quarter / packing.time_step))
    w = packing.state["velocity"].reshape(dim, 2)
    # Leapfrog loses nothing but the last partial step of contact, of second order in step / period.
    assert np.linalg.norm(w[:, 1] - w[:, 0]) == pytest.approx(OVERLAP * math.sqrt(k / reduced), rel=1e-3)
    assert packing.measure().contacts == 0


def test_hertz_force_and_parting_speed() -> None:
    """F = 4/3 E* sqrt(R*) u^1.5; the energy 2/5 F u becomes kinetic."""
    packing = two_grains(3, law=ContactLaw.hertz, young=7e9, poisson=0.3, step_factor=0.02)
    modulus = 7e9 / (2 * (1 - 0.3**2))
    force = 4 / 3 * modulus * math.sqrt(R / 2) * OVERLAP**1.5
    volume = np.linalg.det(packing.cell)
    assert -packing.measure().stress[0, 0] * volume / (2 * R - OVERLAP) == pytest.approx(force, rel=1e-9)
    assert packing.measure().elastic == pytest.approx(0.4 * force * OVERLAP, rel=1e-9)
    energy = packing.measure().elastic
    packing.drive(REST, packing.time_step, 2000)
    assert packing.measure().contacts == 0
    assert packing.measure().kinetic == pytest.approx(energy, rel=1e-3)


@pytest.mark.parametrize("dim", [2, 3])
def test_first_step_is_damped(dim) -> None:
    """From rest the force speeds the grain up, so Cundall's damping takes its share of it."""
    packing = two_grains(dim, damping=0.3)
    dt = packing.time_step
    packing.drive(REST, dt, 1)
    expected = (1 - 0.3) * packing.parameters.young * R * OVERLAP / packing.mass[1] * dt
    assert packing.state["velocity"].reshape(dim, 2)[0, 1] == pytest.approx(expected, rel=1e-9)


def test_damping_slows_an_outward_force_less_motion() -> None:
    """A grain that moves against its force is slowed by (1 + damping) times the force."""
    packing = two_grains(2, damping=0.3)
    packing = with_velocity(packing, [[1.0, -1.0], [0, 0]])  # into each other
    dt = packing.time_step * 0.01
    packing.drive(REST, dt, 1)
    gained = packing.state["velocity"].reshape(2, 2)[0, 1] + 1.0
    assert gained == pytest.approx(
        1.3 * packing.parameters.young * R * OVERLAP / packing.mass[1] * dt, rel=1e-6
    )


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("law", ["linear", "hertz"])
def test_stick_then_slip(dim, law) -> None:
    """Sticking: ft = kt x slide; slipping: ft = mu fn, against the motion."""
    young = 6e8 if law == "linear" else 7e9
    packing = two_grains(dim, law=getattr(ContactLaw, law), young=young, friction=0.4, ratio=0.7, poisson=0.2)
    v = 1e-3
    velocity = np.zeros((dim, 2))
    velocity[1] = [-v / 2, v / 2]
    dt = packing.time_step * 1e-3  # so short that forces change no velocity
    packing = with_velocity(packing, velocity)
    packing.drive(REST, dt, 5)
    if law == "linear":
        kt, fn = 0.7 * young * R, young * R * OVERLAP
    else:
        root = math.sqrt(R / 2 * OVERLAP)
        kt = 8 * young / (4 * 1.2 * 1.8) * root
        fn = 4 / 3 * young / (2 * 0.96) * root * OVERLAP
    along = dim - 2  # of the tangential force stored with the pair: disks along (-n_y, n_x)
    assert packing.state["shear"][along] == pytest.approx(-kt * v * 5 * dt, rel=1e-5)
    fast = np.zeros((dim, 2))
    fast[1] = [-500.0, 500.0]
    packing = with_velocity(packing, fast)
    packing.drive(REST, 2 * 0.4 * fn / kt / 1000.0, 1)  # twice the slide that friction allows
    # The grains pass each other by that slide, and overlap by (slide)^2 / 4 r less: 2e-3 of u.
    assert packing.state["shear"][along] == pytest.approx(-0.4 * fn, rel=5e-3)
    assert packing.measure().sliding == 1


def test_rolling_moment_grows_and_is_capped() -> None:
    """M = alpha r1 r2 kt x relative turn, at most mu_r r fn: seen in what brakes the spins."""
    packing = two_grains(2, friction=0.0, rolling_stiffness=0.5, rolling_friction=0.05, ratio=0.7)
    kt, fn = 0.7 * 6e8 * R, 6e8 * R * OVERLAP
    dt = packing.time_step * 1e-3
    slow = 1e-3
    packing = with_velocity(packing, spin=[slow, -slow])
    packing.drive(REST, dt, 4)
    assert packing.state["rolling"][0] == pytest.approx(-0.5 * R * R * kt * 2 * slow * 4 * dt, rel=1e-5)
    packing = with_velocity(packing, spin=[500.0, -500.0])
    packing.drive(REST, packing.time_step * 0.1, 1)
    # The grains part a little in this step: u falls by (step / sqrt(m / k))^2, below 1e-2.
    assert packing.state["rolling"][0] == pytest.approx(-0.05 * R * fn, rel=1e-2)


def test_tangential_force_brakes_spins_together() -> None:
    """Two grains that spin alike rub: both torques are -arm ft; momentum of the pair is kept."""
    packing = two_grains(2, friction=10.0)
    dt = packing.time_step * 0.01
    packing = with_velocity(packing, spin=[1.0, 1.0])
    packing.drive(REST, dt, 50)
    w, spin = packing.state["velocity"].reshape(2, 2), packing.state["spin"]
    assert spin[0] == pytest.approx(spin[1], rel=1e-12)
    assert spin[0] < 1
    x = packing.state["position"].reshape(2, 2)
    orbit = sum(packing.mass[k] * (x[0, k] * w[1, k] - x[1, k] * w[0, k]) for k in range(2))
    total = orbit + packing.inertia @ spin
    # Contact arms are r - u/2 and the forces meet at one point: angular momentum is kept to rounding.
    assert total == pytest.approx(float(np.sum(packing.inertia)), rel=1e-6)


@pytest.mark.parametrize("name", ["disks", "spheres", "disks, Hertz"])
def test_work_becomes_energy(name, make) -> None:
    """No friction limit, no damping, compression so that no contact opens: work = elastic and kinetic energy."""
    packing = make(name)
    p = packing.parameters
    p.friction, p.damping, p.step_factor = 1e6, 0.0, 0.05
    packing.parameters = p
    gradient = np.array([[-1.0, 0.3, 0], [0.1, -1.2, 0], [0, 0, -1.0 if packing.dim == 3 else 0.0]])
    before, work = packing.measure(), 0.0
    for _ in range(20):
        work += packing.drive(gradient, packing.time_step, 16)
    after = packing.measure()
    assert work > 0.05 * before.elastic
    # Hertz-Mindlin: tangential energy is counted at today's stiffness, which grew with the overlap; it is small.
    share = 1e-3 if packing.parameters.law == ContactLaw.linear else 1e-2
    assert after.elastic + after.kinetic - before.elastic - before.kinetic == pytest.approx(work, rel=share)


@pytest.mark.parametrize("name", ["disks", "spheres", "disks rolling"])
def test_friction_and_damping_only_lose_energy(name, make) -> None:
    packing = make(name)
    gradient = np.diag([0.5, -1.0, 0.5 if packing.dim == 3 else 0.0])
    for _ in range(10):
        before = packing.measure()
        work = packing.drive(gradient, packing.time_step, 100)
        after = packing.measure()
        lost = work - (after.elastic + after.kinetic - before.elastic - before.kinetic)
        assert lost > -2e-3 * abs(work)


@pytest.mark.parametrize("name", ["disks", "spheres", "disks rolling", "spheres rolling, Hertz"])
def test_rotation_turns_the_stress_and_nothing_else(name, make) -> None:
    """A pure spin turns a sheared packing: stress becomes Q sigma Q^T; measures stay."""
    packing = make(name)
    dim = packing.dim
    shear = np.diag([0.5, -0.5, 0.0])
    packing.drive(shear, packing.time_step, 500)
    packing.drive(REST, packing.time_step, 4000 if dim == 2 else 2000)  # at rest: what moves then is rotation
    packing.stop()
    still = packing.clone()
    axis = np.array([0, 0, 1.0]) if dim == 2 else np.array([1.0, 2.0, -2.0]) / 3
    spin = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle, steps = 0.5, 4000
    dt, step = packing.time_step, angle / steps
    rotation = np.eye(3) + np.sin(step) * spin + (1 - np.cos(step)) * spin @ spin  # of one step, exactly
    packing.drive((rotation - np.eye(3)) / dt, dt, steps)
    still.drive(REST, dt, steps)
    q = np.eye(3) + np.sin(angle) * spin + (1 - np.cos(angle)) * spin @ spin
    a, b = packing.measure(), still.measure()
    # The velocity gradient of a finite rotation step has a symmetric part of step^2 / 2, which slides contacts.
    allowed = angle * step / 2 * packing.stiffness().max()
    np.testing.assert_allclose(a.stress, q @ b.stress @ q.T, atol=allowed)
    assert np.abs(a.stress - b.stress).max() > 3 * allowed
    assert a.void_ratio == pytest.approx(b.void_ratio, rel=1e-9)
