"""Motion: waves, energies, momentum, order in time, and independence of blocks and threads."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge.solver import Controls, Hourglass, PlaneContact, Prescribed
from pybridge.solver.integrator import Integrator

YOUNG, POISSON = 100e9, 0.3
P_MODULUS = YOUNG * (1 - POISSON) / ((1 + POISSON) * (1 - 2 * POISSON))


def bar(lab, material, kind="C3D8R", elements=100, **rest):
    """A bar of cubes along z that cannot move sideways; its lower end is pushed."""
    points, cells = lab.box(1, 1, elements, 1e-4, 1e-4, 1e-4 * elements)
    every = np.arange(len(points))
    sides = (Prescribed(every, 0), Prescribed(every, 1))
    end = Prescribed(np.flatnonzero(points[:, 2] == 0), 2, 1.0)
    return points, lab.model(points, cells, material, kind, prescribed=(*sides, end), **rest)


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8"])
def test_a_wave_runs_at_its_speed_with_the_stress_rho_c_v(lab, kind) -> None:
    """d'Alembert: pushing at v sends sigma = -rho c v at c = sqrt((lambda + 2 mu) / rho)."""
    points, model = bar(lab, lab.elastic(YOUNG, POISSON), kind)
    speed = np.sqrt(P_MODULUS / lab.DENSITY)
    end = 60e-4 / speed  # the front stands at 6 mm
    run = Integrator(model, Controls(end_time=1.0))
    while run.time < end:
        run.step(min(0.9 * run.stable_dt, end - run.time))
    stress = np.concatenate([c.points.old.stress for c in run.chunks], 1)[2].reshape(-1, 100).mean(0)
    height = (np.arange(100) + 0.5) * 1e-4
    expected = -lab.DENSITY * speed * 1.0
    np.testing.assert_allclose(stress[5:50], expected, rtol=0.03)  # bulk viscosity leaves 3 % of ringing
    assert np.abs(stress[height > 6.8e-3]).max() < 0.02 * abs(expected)
    front = height[np.abs(stress - 0.5 * expected).argmin()]
    assert front == pytest.approx(6e-3, abs=1.5e-4)  # an element and a half
    moved = run.v[2][np.isclose(points[:, 2], 3e-3)]
    np.testing.assert_allclose(moved, 1.0, rtol=0.03)


def impact(lab, material, hourglass=None, friction=0.0, **rest):
    """A copper block of 4 x 4 x 8 elements that hits a wall at 200 m/s."""
    points, cells = lab.box(4, 4, 8, 1e-3, 1e-3, 2e-3)
    velocity = np.zeros_like(points)
    velocity[:] = (0.0, 0.0, -200.0)
    foot = np.flatnonzero(points[:, 2] == 0)
    contact = PlaneContact(foot, (0, 0, 0), (0, 0, 1), friction)
    return lab.model(
        points, cells, material, velocity=velocity, hourglass=hourglass, contacts=(contact,), **rest
    )


@pytest.mark.parametrize("control", Hourglass.KINDS)
@pytest.mark.parametrize("friction", [0.0, 0.3])
def test_energies_balance_and_hourglass_energy_is_small(lab, control, friction) -> None:
    run = Integrator(impact(lab, lab.copper(), Hourglass(control), friction), Controls(end_time=1.0))
    start = run.balance()
    while run.time < 1.5e-6:
        run.step(0.9 * run.stable_dt)
        now = run.balance()
        assert abs(now["total"] - start["total"]) < 0.01 * start["kinetic"]
    assert now["internal"] > 0.3 * start["kinetic"]
    assert (
        0.8 * now["internal"] < now["plastic"] < 1.01 * now["internal"]
    )  # backward Euler takes the last stress
    assert now["viscous"] > 0.0
    assert now["contact"] > 0.0
    assert 0.0 < now["hourglass"] < 0.2 * now["internal"]  # four elements across: coarse


def test_prescribed_velocity_does_external_work(lab) -> None:
    _, model = bar(lab, lab.elastic(YOUNG, POISSON), elements=20)
    run = Integrator(model, Controls(end_time=1.0))
    for _ in range(120):
        run.step(0.9 * run.stable_dt)
    now = run.balance()
    assert now["external"] > 0.0
    assert abs(now["total"]) < 0.01 * now["external"]


def test_free_bodies_keep_linear_and_angular_momentum(lab, rng) -> None:
    points, cells = lab.box(3, 3, 3)
    points, _ = lab.distorted(points, rng, 0.03e-3)
    velocity = 50.0 * rng.normal(size=points.shape)
    run = Integrator(lab.model(points, cells, lab.copper(), velocity=velocity), Controls(end_time=1.0))

    def momenta():
        x = run.x0 + run.u - 0.5 * run.dt_old * run.v  # where v is
        return (run.mass * run.v).sum(1), np.cross(x.T, (run.mass * run.v).T).sum(0)

    linear, angular = momenta()
    for _ in range(100):
        run.step(0.9 * run.stable_dt)
    after_linear, after_angular = momenta()
    assert np.abs(after_linear - linear).max() < 1e-13 * (run.mass * np.abs(run.v)).sum()
    # second order in dt: the force acts where the nodes are at the full step
    assert np.abs(after_angular - angular).max() < 2e-3 * np.linalg.norm(angular)


def test_second_order_in_time(lab) -> None:
    """A free bar that vibrates in its first axial mode: halving the fixed step quarters the error."""
    points, cells = lab.box(1, 1, 8, 1e-4, 1e-4, 8e-4)
    every = np.arange(len(points))
    sides = (Prescribed(every, 0), Prescribed(every, 1))
    velocity = np.zeros_like(points)
    velocity[:, 2] = 1e-3 * np.cos(np.pi * points[:, 2] / 8e-4)
    model = lab.model(
        points, cells, lab.elastic(YOUNG, POISSON), velocity=velocity, prescribed=sides, viscosity=(0.0, 0.0)
    )
    end, results = 2e-7, []
    for steps in (30, 60, 120, 480):
        run = Integrator(model, Controls(end_time=1.0))
        for _ in range(steps):
            run.step(end / steps)
        results.append(run.u.copy())
    errors = [np.abs(u - results[-1]).max() for u in results[:-1]]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.1)


def bits(run):
    """Everything that a step leaves."""
    parts = [run.u, run.v, *(a for c in run.chunks for a in c.points.old.arrays().values())]
    return b"".join(np.ascontiguousarray(a).tobytes() for a in parts)


@pytest.mark.parametrize("chunk", [50, 5000])
def test_the_same_bits_for_every_block_size_and_number_of_threads(lab, chunk) -> None:
    found = set()
    for nblock, threads in ((0, 1), (1, 1), (7, 1), (136, 1), (0, 3), (13, 4)):
        run = Integrator(
            impact(lab, lab.copper(nblock=nblock)), Controls(end_time=1.0, threads=threads, chunk=chunk)
        )
        for _ in range(12):
            run.step(0.9 * run.stable_dt)
        run.close()
        found.add(bits(run))
    assert len(found) == 1


def test_axisymmetric_and_three_dimensional_rods_agree(lab) -> None:
    """A solid rod in CAX4R against a quarter of it in C3D8R, after 4 us of plastic impact."""
    from abaqus_jobs.rods import copper_rod
    from pybridge.solver import controls_from_deck, model_from_deck

    shapes = []
    for kind in ("CAX4R", "C3D8R"):
        deck = copper_rod(kind, across=4, height=6.4e-3, layers=8, time=4e-6)
        run = Integrator(model_from_deck(deck), controls_from_deck(deck))
        while run.time < 4e-6:
            run.step(min(0.9 * run.stable_dt, 4e-6 - run.time + 1e-20))
        x = (run.x0 + run.u).T[deck.node_sets["BODY"]]
        radius, height = (x[:, 0], x[:, 1]) if kind == "CAX4R" else (np.hypot(x[:, 0], x[:, 1]), x[:, 2])
        energies = run.balance()
        whole = 4.0 if kind == "C3D8R" else 1.0
        shapes.append(
            (radius.max(), np.ptp(height), whole * energies["plastic"], whole * energies["kinetic"])
        )
    # the polygonal mesh of the quarter holds 1 % less material
    np.testing.assert_allclose(shapes[1], shapes[0], rtol=0.03)
