"""Plane strain in the explicit solver: CPE3 and CPE4R, damping, pressures that follow, initial stress, what is moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pybridge._core import make_law
from pybridge.deck.reader import read_deck_text
from pybridge.errors import DeckError, SolverError
from pybridge.packing import load_library, packing_material
from pybridge.solver import Controls, SolverMaterial
from pybridge.solver.from_deck import model_from_deck
from pybridge.solver.integrator import Integrator
from pybridge.solver.model import Curve, Prescribed, SurfacePressure
from pybridge.solver.pressure import edges, faces

CPE = ("CPE3", "CPE4R")


def sheet(lab, kind, nx=3, ny=3, size=1.0):
    """Points and cells of a square."""
    points, quads = lab.sheet(nx, ny, 0.0, size, size)
    if kind == "CPE4R":
        return points, quads
    flip = (np.arange(len(quads)) % 2 == 0)[:, None]
    one = np.where(flip, quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    two = np.where(flip, quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return points, np.concatenate([one, two])


def outline(points, size=1.0):
    """Edges of a square around, body to the left."""
    x, y = points[:, 0], points[:, 1]
    sides = []
    for at, along, sign in ((y == 0, x, 1), (x == size, y, 1), (y == size, x, -1), (x == 0, y, -1)):
        nodes = np.flatnonzero(at)
        nodes = nodes[np.argsort(sign * along[nodes])]
        sides.append(np.stack([nodes[:-1], nodes[1:]], axis=1))
    return np.concatenate(sides)


@pytest.mark.parametrize("kind", CPE)
def test_patch_and_mass(lab, rng, kind) -> None:
    """A linear field on a distorted mesh: one stress everywhere, no force inside, the stress vector outside, the mass."""
    points, cells = sheet(lab, kind)
    points, inner = lab.distorted(points, rng, 0.08)
    young, poisson, size = 2e9, 0.3, 1e-6
    bench = lab.Statics(lab.model(points, cells, lab.elastic(young, poisson), kind, viscosity=(0.0, 0.0)))
    assert bench.run.mass.sum() == pytest.approx(lab.DENSITY, rel=1e-13)
    gradient = size * np.array([[1.0, 0.4, 0], [-0.3, -0.5, 0], [0, 0, 0]])
    force, result = bench.move(points @ gradient.T)
    e = 0.5 * (gradient + gradient.T)
    lame, shear = young * poisson / ((1 + poisson) * (1 - 2 * poisson)), young / (2 * (1 + poisson))
    expected = lame * np.trace(e) * np.eye(3) + 2 * shear * e
    rows = expected[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]]
    scale = young * size
    # of second order in the strain of 1e-6
    np.testing.assert_allclose(
        bench.stress(), np.repeat(rows[:, None], len(cells), axis=1), atol=1e-5 * scale
    )
    assert np.abs(force[inner]).max() < 1e-12 * scale
    assert result.hourglass < 1e-20 * scale
    edge = outline(points)
    x = points.T[:, edge.T]
    outward = np.zeros((3, len(points)))
    np.add.at(outward, (slice(None), edge.T), np.concatenate([edges(x, False), np.zeros((1, 2, len(edge)))]))
    np.testing.assert_allclose(force, (expected @ outward).T, atol=1e-5 * scale)


def test_hourglass_is_resisted_in_quadrilaterals(lab) -> None:
    points, cells = sheet(lab, "CPE4R", 1, 1)
    u = np.zeros_like(points)
    u[:, 0] = 1e-4 * np.where(points[:, 0] == points[:, 1], 1, -1)
    force, result = lab.Statics(lab.model(points, cells, lab.elastic(), "CPE4R")).move(u)
    assert result.hourglass > 0
    assert (force * u).sum() > 0
    assert abs(result.internal) < 1e-6 * result.hourglass


@pytest.mark.parametrize("kind", CPE)
def test_stable_increment_is_a_bound(lab, rng, kind) -> None:
    """The largest frequency of the mesh, by eigenvalues of its linear stiffness, over the bound of the elements."""
    points, _ = lab.distorted(sheet(lab, kind, 2, 2)[0], rng, 0.1)
    cells = sheet(lab, kind, 2, 2)[1]
    model = lab.model(points, cells, lab.elastic(), kind, viscosity=(0.0, 0.0))
    n, small = len(points), 1e-7
    columns = []
    for j in range(2 * n):
        u = np.zeros((n, 3))
        u[j // 2, j % 2] = small
        columns.append(lab.Statics(model).move(u)[0][:, :2].ravel() / small)
    run = Integrator(model, Controls(end_time=1.0))
    root = np.repeat(np.sqrt(run.mass), 2)
    k = np.array(columns)
    largest = np.linalg.eigvalsh(0.5 * (k + k.T) / np.outer(root, root)).max()
    exact = 2 / np.sqrt(largest)
    assert 0.5 * exact < run.stable_dt <= exact * 1.001


def column(lab, damping=0.0, kind="CPE4R"):
    """One element that can only move along y, feet held: mass rho / 2 on a spring of E."""
    points, cells = sheet(lab, kind, 1, 1)
    law = SolverMaterial("E", make_law("PYBRIDGE_ELASTIC", [1e6, 0.0], "float64"), 1000.0)
    held = (
        Prescribed(np.arange(4), 0), Prescribed(np.flatnonzero(points[:, 1] == 0), 1),
    )  # fmt: skip
    velocity = np.where(points[:, 1:2] > 0, 1e-6, 0.0) * np.array([0.0, 1, 0])
    model = lab.model(points, cells, law, kind, velocity=velocity, viscosity=(0.0, 0.0), prescribed=held)
    return replace(model, groups=(replace(model.groups[0], damping=damping),))


def test_damped_oscillator(lab) -> None:
    """u = v0 / w e^(-a t / 2) sin(w t), w^2 = 2 E / rho - a^2 / 4; and the energy is all there."""
    alpha = 6.0
    run = Integrator(column(lab, alpha), Controls(end_time=1.0))
    w = np.sqrt(2 * 1e6 / 1000.0 - alpha**2 / 4)
    dt, top = 2e-4, int(np.argmax(run.x0[1]))
    for _ in range(2500):
        run.step(dt)
        expected = 1e-6 / w * np.exp(-alpha * run.time / 2) * np.sin(w * run.time)
        # second order in the increment: w dt = 0.009, and a few periods of phase error
        assert run.u[1, top] == pytest.approx(expected, abs=3e-3 * 1e-6 / w)
    balance = run.balance()
    first = 0.5 * 500 * 1e-12
    assert balance["viscous"] == pytest.approx(first, rel=0.06)  # e^(-3) of it is left
    assert balance["total"] == pytest.approx(first, rel=1e-9)


def test_overdamped_is_stable(lab) -> None:
    run = Integrator(column(lab, 1e5), Controls(end_time=1.0))
    for _ in range(200):
        run.step(0.9 * run.stable_dt)
    assert np.abs(run.v).max() <= 1e-6
    assert np.abs(run.u).max() < 1e-9


def test_pressure_turns_with_the_surface_and_balances(rng) -> None:
    """A closed outline and a closed box give no net force; turned, the forces turn."""
    points = np.array([[0.0, 0], [1, 0.1], [1.2, 1], [0.1, 0.9]])
    x = np.zeros((3, 4))
    x[:2] = points.T
    ring = np.stack([np.arange(4), np.roll(np.arange(4), -1)])
    force = edges(x[:, ring], False)
    np.testing.assert_allclose(force.sum((1, 2)), 0, atol=1e-15)
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    np.testing.assert_allclose(
        edges((turn @ x)[:, ring], False), np.einsum("ij,jkm->ikm", turn[:2, :2], force)
    )
    cube = np.array(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float
    )
    cube += 0.2 * rng.uniform(-1, 1, cube.shape)
    sides = np.array([(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]).T
    np.testing.assert_allclose(faces(cube.T[:, sides]).sum((1, 2)), 0, atol=1e-14)
    flat = np.array([[0.0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]]).T[:, :, None]
    np.testing.assert_allclose(faces(flat)[2, :, 0], 1.5)
    cone = np.array([[2.0, 3.0], [0.0, 0.0], [0.0, 0.0]])[:, :, None]  # an annulus, body above
    assert edges(cone, True)[1].sum() == pytest.approx(-np.pi * (9 - 4))


def ring_model(lab, pressure, kind, alpha=1.2e3):
    """A quarter of a thick ring, radii 1 and 2, pressure inside, planes of symmetry."""
    points, cells = sheet(lab, kind, 8, 16)
    radius, angle = 1 + points[:, 0], points[:, 1] * np.pi / 2
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * radius], axis=1)
    x[np.abs(x) < 1e-12] = 0
    inside = np.flatnonzero(points[:, 0] == 0)
    inside = inside[np.argsort(-points[inside, 1])]
    load = SurfacePressure(
        np.stack([inside[:-1], inside[1:]], axis=1), pressure, Curve((0.0, 1e-3), (0.0, 1.0))
    )
    held = Prescribed(np.flatnonzero(x[:, 0] == 0), 0), Prescribed(np.flatnonzero(x[:, 1] == 0), 1)
    law = SolverMaterial("E", make_law("PYBRIDGE_ELASTIC", [1e9, 0.3], "float64"), 1000.0)
    model = lab.model(x, cells, law, kind, prescribed=held, pressures=(load,))
    return replace(model, groups=(replace(model.groups[0], damping=alpha),)), inside


@pytest.mark.parametrize("kind", CPE)
def test_ring_under_pressure(lab, kind) -> None:
    """Lame: u_r(a) = (1 + nu) p a / E ((1 - 2 nu) a^2 + b^2) / (b^2 - a^2); and the work of the pressure is p dV."""
    pressure = 1e5
    model, inside = ring_model(lab, pressure, kind)
    run = Integrator(model, Controls(end_time=1.0))
    while run.time < 1.2e-2:
        run.step(0.9 * run.stable_dt)
    u = np.hypot(run.u[0, inside], run.u[1, inside])
    expected = 1.3 * pressure / 1e9 * (0.4 + 4) / 3
    np.testing.assert_allclose(
        u, expected, rtol=0.015
    )  # 8 elements over the thickness; triangles are stiffer
    balance = run.balance()
    # strain increments are of second order in the strain of 1e-4
    assert balance["total"] == pytest.approx(0, abs=1e-6 * balance["internal"])
    assert balance["external"] > balance["internal"] > 0.4 * pressure * expected * np.pi / 2


def test_initial_stress_in_balance_stays_at_rest(lab) -> None:
    """A square under its own initial stress and the pressure that belongs to it; without the pressure it moves."""
    points, cells = sheet(lab, "CPE3")
    stress = np.tile([-1e5, -1e5, -6e4, 0, 0, 0], (len(cells), 1))
    moves = []
    for pressure in (1e5, 0.0):
        model = lab.model(
            points, cells, lab.elastic(), "CPE3", pressures=(SurfacePressure(outline(points), pressure),)
        )
        model = replace(model, groups=(replace(model.groups[0], initial_stress=stress),))
        run = Integrator(model, Controls(end_time=1.0))
        for _ in range(50):
            run.step(0.5 * run.stable_dt)
        moves.append(np.abs(run.u).max())
    assert moves[0] < 1e-12 * moves[1]


def test_force_that_moves_a_side(lab) -> None:
    """Slow compression of a square at constant velocity: the impulse on the moved side is that of its stress."""
    points, cells = sheet(lab, "CPE4R")
    top, bottom = (np.flatnonzero(points[:, 1] == y) for y in (1.0, 0.0))
    law = SolverMaterial("E", make_law("PYBRIDGE_ELASTIC", [1e6, 0.0], "float64"), 1000.0)
    held = (Prescribed(top, 1, -1e-3, Curve((0.0, 1.0), (0.0, 1.0)), "TOP"), Prescribed(bottom, 1))
    model = lab.model(points, cells, law, "CPE4R", prescribed=held)
    model = replace(model, groups=(replace(model.groups[0], damping=30.0),))
    run = Integrator(model, Controls(end_time=2.0))
    marks = []
    while run.time < 2.0:
        run.step(1 / 128)
        marks.append((run.time, run.moved_impulse["TOP"][1], run.u[1, top[0]]))
    late = [m for m in marks if m[0] > 1.75]
    force = (late[-1][1] - late[0][1]) / (late[-1][0] - late[0][0])
    strain = 0.5 * (late[-1][2] + late[0][2])
    assert late[-1][2] == pytest.approx(-1.5e-3, rel=1e-3)  # the ramp takes half of the first second
    # the side pushes back with -sigma = E |strain| up, less what inertia and damping take
    assert force == pytest.approx(-1e6 * strain, rel=0.03)


def test_packings_at_every_point(lab) -> None:
    """A packing at each of two triangles: at rest under its own pressure, then as the packing alone on the same path."""
    points, cells = sheet(lab, "CPE3", 1, 1, 0.1)
    law = packing_material(load_library("disks100"))
    p0 = 1e5
    one = np.array([1.0, 1, 1, 0, 0, 0])[:, None]
    virgin = drive(law, one, one, np.zeros((6, 1)), np.zeros((law.state_size, 1)))[0][:, 0]
    assert -virgin[:2].mean() == pytest.approx(p0, rel=0.02)
    stress = np.tile(virgin, (2, 1))
    moved = tuple(
        Prescribed(np.flatnonzero(points[:, k] == at), k, v) for k in (0, 1) for at, v in ((0.0, 0.0), (0.1, -0.01 if k else 0.0))
    )  # fmt: skip
    model = lab.model(points, cells, SolverMaterial("PACKING", law, 2000.0), "CPE3", prescribed=moved)
    model = replace(model, groups=(replace(model.groups[0], initial_stress=stress),))
    run = Integrator(model, Controls(end_time=1.0))
    state, before, s = np.zeros((law.state_size, 1)), one.copy(), virgin[:, None].copy()
    for _ in range(20):
        run.step(1e-3)
        after = before.copy()
        after[1] -= 1e-4
        s, state = drive(law, before, after, s, state)
        before = after
    got = run.chunks[0].points.old.stress
    # the packing's own sum of steps; rounding of U grows with its contacts
    np.testing.assert_allclose(got, np.repeat(s, 2, axis=1), rtol=1e-6)
    assert -got[1, 0] > 1.5 * p0


def drive(law, old, new, stress, state):
    """One increment of one point."""
    out, after = np.zeros((6, 1)), np.zeros((law.state_size, 1))
    status = np.zeros(1, np.int32)
    law.update(
        time_old=0.0, dt=1e-3, strain_inc=new - old, stretch_old=old, stretch_new=new, temperature=np.zeros(1),
        density=np.ones(1), stress_old=stress, state_old=state, stress_new=out, state_new=after,
        dissipation_inc=np.zeros(1), status=status,
    )  # fmt: skip
    assert status[0] <= 1
    return out, after


DECK = """*NODE
1, 0, 0
2, 1, 0
3, 1, 1
4, 0, 1
*ELEMENT, TYPE=CPE3, ELSET=ALL
1, 1, 2, 3
2, 1, 3, 4
*NSET, NSET=TOP
3, 4
*SURFACE, NAME=SIDE
1, S2
*SOLID SECTION, ELSET=ALL, MATERIAL=SOIL
,
*MATERIAL, NAME=SOIL
*DENSITY
2000.,
*DAMPING, ALPHA=12.
*ELASTIC
1e7, 0.3
*AMPLITUDE, NAME=RAMP
0., 0., 1., 1.
*INITIAL CONDITIONS, TYPE=STRESS
ALL, -1e5, -2e5, -3e5, 4e4
*BOUNDARY
1, ENCASTRE
*STEP, NLGEOM=YES
*DYNAMIC, EXPLICIT
, 1.
*BOUNDARY, TYPE=VELOCITY, AMPLITUDE=RAMP
TOP, 2, 2, -0.1
*DSLOAD, AMPLITUDE=RAMP
SIDE, P, 1e5
*END STEP
"""


def test_a_deck_says_all_of_it() -> None:
    model = model_from_deck(read_deck_text(DECK))
    group, load = model.groups[0], model.pressures[0]
    assert (group.kind, group.damping, model.flat, model.axisymmetric) == ("CPE3", 12.0, True, False)
    assert group.initial_stress is not None
    np.testing.assert_array_equal(group.initial_stress[1], [-1e5, -2e5, -3e5, 4e4, 0, 0])
    np.testing.assert_array_equal(load.faces, [[1, 2]])
    assert (load.value, load.curve(0.25)) == (1e5, 0.25)
    moved = [p for p in model.prescribed if p.name]
    assert [(p.name, p.component, p.velocity, p.curve(0.5)) for p in moved] == [("TOP", 1, -0.1, 0.5)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("*DSLOAD, AMPLITUDE=RAMP", "*DSLOAD, AMPLITUDE=OTHER", "amplitude OTHER does not exist"),
        ("SIDE, P, 1e5", "OTHER, P, 1e5", "DSLOAD on OTHER: expected a surface of elements"),
        ("SIDE, P, 1e5", "SIDE, TRVEC, 1e5", "expected surface, P, pressure"),
        ("ALPHA=12.", "ALPHA=-1.", "ALPHA=-1; expected 0 or more"),
        ("0., 0., 1., 1.", "0., 0., 0., 1.", "expected pairs time, value with increasing times"),
        ("TYPE=CPE3", "TYPE=CPE6", "given; expected 7"),
        ("NLGEOM=YES", "NLGEOM=NO", "explicit steps have finite strains"),
        ("ALL, -1e5, -2e5, -3e5, 4e4", "ALL, x", "stress is 'x'"),
    ],
)
def test_mistakes_in_a_deck(old, new, words) -> None:
    with pytest.raises(DeckError, match=words.replace("*", "\\*")):
        read_deck_text(DECK.replace(old, new))


def test_bad_models(lab) -> None:
    points, cells = sheet(lab, "CPE3")
    with pytest.raises(SolverError, match="its volume is not positive"):
        Integrator(lab.model(points, cells[:, ::-1], lab.elastic(), "CPE3"), Controls(end_time=1.0))
    one = lab.model(points, cells, lab.elastic(), "CPE3")
    with pytest.raises(SolverError, match="expected 0 or more, got -1"):
        replace(one.groups[0], damping=-1.0)
    with pytest.raises(SolverError, match="all in plane strain"):
        replace(one, groups=(one.groups[0], replace(one.groups[0], kind="CAX4R", connectivity=cells)))
