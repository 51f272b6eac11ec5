"""Contact with rigid surfaces: impulse, friction, a cylinder of finite mass, its edge."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge.errors import SolverError
from pybridge.solver import Controls, CylinderContact, PlaneContact, Prescribed
from pybridge.solver.contact import RigidContact, _cylinder_gap
from pybridge.solver.integrator import Integrator

YOUNG, POISSON = 100e9, 0.3


def thrown(lab, contact, velocity, material=None, lz=1e-3, layers=4):
    points, cells = lab.box(2, 2, layers, 1e-3, 1e-3, lz)
    start = np.zeros_like(points) + np.asarray(velocity, float)
    foot = np.flatnonzero(points[:, 2] == 0)
    model = lab.model(
        points, cells, material or lab.elastic(YOUNG, POISSON), velocity=start, contacts=(contact(foot),)
    )
    return points, Integrator(model, Controls(end_time=1.0))


def test_a_bouncing_block_takes_the_impulse_of_its_momentum(lab) -> None:
    _, run = thrown(lab, lambda foot: PlaneContact(foot, (0, 0, 0), (0, 0, 1)), (0, 0, -1.0), layers=3)
    before = (run.mass * run.v[2]).sum()
    for _ in range(120):
        run.step(0.9 * run.stable_dt)
        assert (run.x0 + run.u)[2].min() > -1e-16  # never inside the wall
        assert run.last_touches[0].force[2] <= 0.0  # the wall is pushed, never pulled
    after = (run.mass * run.v[2]).sum()
    assert -run.contacts[0].impulse[2] == pytest.approx(after - before, rel=1e-12)
    assert after > 0.6 * abs(before)  # an elastic block bounces; some energy stays in its vibrations
    assert abs(run.balance()["total"] - 0.5 * run.mass.sum()) < 0.01 * 0.5 * run.mass.sum()


def test_sliding_friction_takes_mu_times_the_normal_impulse(lab) -> None:
    friction, sideways = 0.25, 5.0
    _, run = thrown(
        lab,
        lambda foot: PlaneContact(foot, (0, 0, 0), (0, 0, 1), friction),
        (sideways, 0.0, -1.0),
        lab.elastic(YOUNG, 0.0),  # nothing spreads sideways
    )
    start = (run.mass * run.v).sum(1)
    for _ in range(60):
        run.step(0.9 * run.stable_dt)
    impulse = -run.contacts[0].impulse
    assert impulse[2] > 0.5 * run.mass.sum()
    np.testing.assert_allclose((run.mass * run.v).sum(1) - start, impulse, rtol=1e-10, atol=1e-18)
    # 1e-4: the block tilts a little, and a foot that lifts off drifts sideways
    assert impulse[0] == pytest.approx(-friction * impulse[2], rel=1e-4)
    assert run.energies.contact > friction * impulse[2] * sideways * 0.7  # what sliding takes


def test_strong_friction_sticks(lab) -> None:
    _, run = thrown(lab, lambda foot: PlaneContact(foot, (0, 0, 0), (0, 0, 1), 5.0), (0.2, 0.0, -1.0))
    for _ in range(10):
        run.step(0.9 * run.stable_dt)
    foot = run.contacts[0].nodes
    touching = run.last_touches[0].nodes
    assert touching > 0
    assert np.abs(run.v[0, foot]).max() < 1e-10  # held where it touches


def test_a_cylinder_of_finite_mass_shares_momentum_with_what_it_hits(lab) -> None:
    points, cells = lab.box(4, 4, 2, 2e-3, 2e-3, 1e-3)
    points = points - np.array([1e-3, 1e-3, 1e-3])  # the top at z = 0
    top = np.flatnonzero(points[:, 2] == 0)
    mass = 5e-6
    contact = CylinderContact(
        top, (0, 0, 0), (0, 0, -1), 0.6e-3, mass=mass, velocity=(0, 0, -100.0), free=(False, False, True)
    )
    run = Integrator(lab.model(points, cells, lab.copper(), contacts=(contact,)), Controls(end_time=1.0))
    total = mass * -100.0
    energy = 0.5 * mass * 100.0**2
    under = np.hypot(points[top, 0], points[top, 1]) < 0.6e-3
    for _ in range(60):
        run.step(0.9 * run.stable_dt)
        body = run.contacts[0]
        assert run.last_touches[0].nodes <= under.sum()  # nodes beside the face are left alone
        now = (run.mass * run.v[2]).sum() + mass * body.velocity[2]
        assert now == pytest.approx(total, rel=1e-12)
        assert abs(run.balance()["total"] - energy) < 0.01 * energy
    assert body.velocity[2] > -90.0
    assert (run.u[2, top[under]] <= body.displacement[2] + 1e-15).all()


def test_an_infinite_mass_keeps_its_velocity_and_does_work(lab) -> None:
    points, cells = lab.box(2, 2, 2)
    top = np.flatnonzero(points[:, 2] == 1e-3)
    bottom = np.flatnonzero(points[:, 2] == 0)
    contact = CylinderContact(top, (0.5e-3, 0.5e-3, 1e-3), (0, 0, -1), 1e-3, velocity=(0, 0, -50.0))
    model = lab.model(points, cells, lab.copper(), contacts=(contact,), prescribed=(Prescribed(bottom, 2),))
    run = Integrator(model, Controls(end_time=1.0))
    for _ in range(60):
        run.step(0.9 * run.stable_dt)
    now = run.balance()
    assert run.contacts[0].velocity[2] == -50.0
    assert now["external"] > 0.0
    assert abs(now["total"]) < 0.01 * now["external"]


def gap(before, after, fillet=0.0):
    s = CylinderContact(np.zeros(0, int), (0, 0, 0), (0, 0, -1.0), 2.0, length=5.0, fillet_radius=fillet)
    distance, normal = _cylinder_gap(
        s, np.array([0, 0, -1.0]), np.array([before], float), np.array([after], float)
    )
    return distance[0], normal[0]


def test_face_side_and_edge_of_the_cylinder() -> None:
    """The cylinder points down: its face is at z = 0, its side at radius 2, its body above."""
    distance, normal = gap((1, 0, -0.1), (1, 0, 0.2))
    assert distance == pytest.approx(-0.2)
    np.testing.assert_allclose(normal, (0, 0, -1))
    distance, normal = gap((2.1, 0, 1.0), (1.9, 0, 1.0))  # came from the side
    assert distance == pytest.approx(-0.1)
    np.testing.assert_allclose(normal, (1, 0, 0))
    distance, normal = gap(
        (1.95, 0, 0.0), (1.95, 0, 0.1)
    )  # lies on the face near the edge: leaves through the face
    assert distance == pytest.approx(-0.1)
    np.testing.assert_allclose(normal, (0, 0, -1))
    assert gap((2.1, 0, -0.1), (2.1, 0, 0.3))[0] >= 0.0  # beside the edge
    assert gap((0, 0, 5.5), (0, 0, 5.4))[0] >= 0.0  # behind the body
    distance, normal = gap((1.9, 0, 0.0), (1.9, 0, 0.05), fillet=0.5)  # on the rounded edge
    centre = np.array([1.5, 0.5])
    expected = np.hypot(*(np.array([1.9, 0.05]) - centre)) - 0.5
    assert distance == pytest.approx(expected)
    np.testing.assert_allclose(normal, np.array([0.4, 0, -0.45]) / np.hypot(0.4, 0.45), atol=1e-12)


def test_contact_refuses_nodes_without_mass_and_bad_numbers() -> None:
    mass = np.array([1.0, 0.0])
    with pytest.raises(SolverError, match="belong to no element"):
        RigidContact(PlaneContact(np.array([1]), (0, 0, 0), (0, 0, 1)), mass)
    with pytest.raises(SolverError, match="friction must be 0 or more"):
        RigidContact(PlaneContact(np.array([0]), (0, 0, 0), (0, 0, 1), -0.1), mass)
    with pytest.raises(SolverError, match="rigid mass must be positive"):
        RigidContact(
            PlaneContact(np.array([0]), (0, 0, 0), (0, 0, 1), mass=-1.0, free=(True, True, True)), mass
        )
