"""Elements: patch tests, rigid motion, hourglass modes, locking, work of the nodal forces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pybridge.errors import SolverError
from pybridge.solver import Hourglass
from pybridge.solver.geometry import TECHNOLOGIES, reference

YOUNG, POISSON = 100e9, 0.3
SHEAR = YOUNG / (2 * (1 + POISSON))
LAME = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON))
EXTENT = 1e-3


def patch(lab, kind, rng):
    """A distorted patch, which of its nodes are inside, and its model."""
    if kind == "CAX4R":
        points, cells = lab.sheet(4, 3, 0.5e-3, 1.5e-3)
    else:
        points, cells = lab.box(3, 3, 3)
    points, inner = lab.distorted(points, rng, 0.05e-3)
    # no bulk viscosity: it depends on the size of elements
    return points, inner, lab.model(points, cells, lab.elastic(YOUNG, POISSON), kind, viscosity=(0.0, 0.0))


def homogeneous(points, kind, rng, steps=8):
    """Displacements of a homogeneous stretch V that grows in steps, and then of V with a rotation that grows."""
    if kind == "CAX4R":
        strain = np.diag([0.02, -0.03, 0.02])
        for k in range(1, steps + 1):
            yield (
                points @ (k / steps * strain)[:, [0, 1, 2]] * np.array([1, 1, 0]),
                np.eye(3) + k / steps * strain,
            )
        return
    strain = rng.uniform(-0.02, 0.02, (3, 3))
    strain = 0.5 * (strain + strain.T)
    axis = rng.normal(size=3)
    for k in range(1, 2 * steps + 1):
        turn = Rotation.from_rotvec(max(0, k - steps) / steps * axis).as_matrix()
        f = turn @ (np.eye(3) + min(k, steps) / steps * strain)
        yield points @ (f - np.eye(3)).T, f


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8", "CAX4R"])
def test_patch_of_distorted_elements_has_the_homogeneous_stress(lab, rng, kind) -> None:
    points, inner, model = patch(lab, kind, rng)
    statics = lab.Statics(model)
    for u, f in homogeneous(points, kind, rng):  # noqa: B007 (the last one is used below)
        force, result = statics.move(u)
    eigenvalues, vectors = np.linalg.eigh(f.T @ f)
    log_strain = vectors @ np.diag(0.5 * np.log(eigenvalues)) @ vectors.T
    expected = 2 * SHEAR * log_strain + LAME * np.trace(log_strain) * np.eye(3)
    stress = statics.stress()
    # the midpoint rule in 8 steps of 0.25 % differs from the logarithm by 1e-6 of the strain
    rows = expected[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]][:, None]
    if kind == "CAX4R":
        rows = rows[[0, 1, 2, 3, 4, 5]]
    np.testing.assert_allclose(
        stress, np.broadcast_to(rows, stress.shape), atol=1e-5 * np.abs(expected).max()
    )
    # all points alike to rounding, on a distorted mesh
    np.testing.assert_allclose(
        stress, stress[:, :1].repeat(stress.shape[1], 1), atol=1e-9 * np.abs(expected).max()
    )
    scale = np.abs(force).max()
    assert scale > 0
    assert np.abs(force[inner]).max() < 1e-9 * scale
    assert abs(result.hourglass) < 1e-15 * YOUNG * EXTENT**3


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8"])
def test_rigid_motion_gives_no_stress(lab, rng, kind) -> None:
    points, _, model = patch(lab, kind, rng)
    statics = lab.Statics(model)
    axis = rng.normal(size=3)
    for angle in np.linspace(0.1, 2.5, 25):
        turn = Rotation.from_rotvec(angle * axis).as_matrix()
        force, _ = statics.move(points @ (turn - np.eye(3)).T + angle * np.array([1e-3, 2e-3, -1e-3]))
    assert np.abs(statics.stress()).max() < 1e-12 * YOUNG
    assert np.abs(force).max() < 1e-11 * YOUNG * EXTENT**2


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8", "CAX4R"])
@pytest.mark.parametrize("control", ["STIFFNESS", "ENHANCED"])
def test_nodal_forces_do_the_work_that_is_counted(lab, rng, kind, control) -> None:
    """(f_old + f_new) / 2 . du = internal + hourglass work for any motion; the relative error is of second order in du."""
    points, cells = lab.sheet(3, 2, 0.4e-3, 1.2e-3) if kind == "CAX4R" else lab.box(2, 2, 1)
    points, _ = lab.distorted(points, rng, 0.05e-3)
    model = lab.model(points, cells, lab.elastic(), kind, hourglass=Hourglass(control), viscosity=(0.0, 0.0))
    shape = (len(points), 2 if kind == "CAX4R" else 3)
    errors = []
    for size in (0.5, 0.25):
        statics = lab.Statics(model)
        seeded = np.random.default_rng(5)
        start = np.zeros_like(points)
        for _ in range(4):  # to a strained and turned state, in small steps
            start[:, : shape[1]] += 1e-5 * seeded.uniform(-1, 1, shape)
            old, _ = statics.move(start)
        step = np.zeros_like(points)
        step[:, : shape[1]] = size * 4e-6 * seeded.uniform(-1, 1, shape)
        new, result = statics.move(start + step)
        counted = result.internal + result.hourglass
        done = 0.5 * float(((old + new) * step).sum())
        errors.append(abs(counted - done) / abs(done))
    assert errors[0] < 1e-3
    assert errors[1] < 0.35 * errors[0] + 1e-9


@pytest.mark.parametrize("kind", ["C3D8R", "CAX4R"])
@pytest.mark.parametrize("control", Hourglass.KINDS)
def test_hourglass_modes_are_resisted_and_strain_nothing(lab, kind, control) -> None:
    points, cells = lab.sheet(1, 1, 1e-3, 2e-3) if kind == "CAX4R" else lab.box(1, 1, 1)
    d = 2 if kind == "CAX4R" else 3
    sign = np.where(points > points.mean(0), 1.0, -1.0)
    patterns = [sign[:, 0] * sign[:, 1]]
    if d == 3:
        patterns += [sign[:, 1] * sign[:, 2], sign[:, 0] * sign[:, 2], sign.prod(1)]
    for pattern in patterns:
        for direction in range(d):
            statics = lab.Statics(
                lab.model(
                    points, cells, lab.elastic(), kind, hourglass=Hourglass(control), viscosity=(0.0, 0.0)
                )
            )
            u = np.zeros_like(points)
            u[:, direction] = 1e-7 * pattern
            force, result = statics.move(u)
            assert result.hourglass > 0.0
            if kind == "CAX4R":  # weighted with the radius, the mean strain of this mode is not zero
                assert result.hourglass + result.internal == pytest.approx(0.5 * (force * u).sum(), rel=1e-3)
                continue
            assert np.abs(statics.stress()).max() < 1e-12 * YOUNG
            cosine = (force * u).sum() / (np.linalg.norm(force) * np.linalg.norm(u))
            assert cosine == pytest.approx(1.0, abs=1e-9)
            assert result.hourglass == pytest.approx(0.5 * (force * u).sum(), rel=1e-9)


@pytest.mark.parametrize("kind", ["C3D8R", "CAX4R"])
def test_hourglass_control_does_not_see_linear_fields_of_distorted_elements(lab, rng, kind) -> None:
    points, _, model = patch(lab, kind, rng)
    t = TECHNOLOGIES[kind]
    cells = model.groups[0].connectivity
    d = t.dimension
    corners = np.ascontiguousarray(points[cells[:, list(t.corner_order)]].transpose(2, 1, 0)[:d])
    ref = reference(t, corners, np.arange(len(cells)))
    gradient = rng.normal(size=(d, d))
    linear = np.einsum("ij,jan->ian", gradient, corners) + rng.normal(size=(d, 1, 1))
    from pybridge.solver.walsh import to_modes

    modes = to_modes(linear.copy(), np.empty_like(linear))
    q = modes[:, list(t.hourglass_modes)] - np.einsum("ij,jhn->ihn", gradient, ref.skew)
    assert np.abs(q).max() < 1e-12 * np.abs(modes).max()
    recovered = np.einsum("jmn,imn->ijn", ref.gradient[0], modes)
    np.testing.assert_allclose(recovered, gradient[:, :, None].repeat(len(cells), 2), atol=1e-10)


def stiffness(lab, kind, poisson):
    """Stiffness of one element by differences, for displacements of 1e-9 m."""
    points, cells = lab.box(1, 1, 1)
    points = points + 1e-4 * np.random.default_rng(3).uniform(-1, 1, points.shape)
    model = lab.model(points, cells, lab.elastic(YOUNG, poisson), kind, viscosity=(0.0, 0.0))
    columns = []
    for k in range(24):
        u = np.zeros(24)
        u[k] = 1e-9
        force, _ = lab.Statics(model).move(u.reshape(8, 3))
        columns.append(force.ravel() / 1e-9)
    return np.array(columns)


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8"])
def test_one_volumetric_constraint_an_element(lab, kind) -> None:
    """Nearly incompressible: one stiff mode (the mean volume); eight would lock."""
    k = stiffness(lab, kind, 0.4999)
    assert np.abs(k - k.T).max() < 1e-5 * np.abs(k).max()
    eigenvalues = np.linalg.eigvalsh(0.5 * (k + k.T))
    scale = YOUNG / 3.0 * EXTENT  # G h
    assert (eigenvalues > 30 * scale).sum() == 1
    assert (
        np.abs(eigenvalues) < 1e-4 * scale
    ).sum() == 6  # rigid motions and no other mode without stiffness
    assert eigenvalues[6] > 1e-3 * scale


def test_fully_integrated_bending_is_soft_where_plain_integration_locks(lab) -> None:
    """A nearly incompressible element in bending: its energy stays of the order of shear, not of the bulk modulus."""
    points, cells = lab.box(1, 1, 1)
    u = np.zeros_like(points)
    centred = points - points.mean(0)
    u[:, 0] = 1e-3 * centred[:, 0] * centred[:, 1] / EXTENT
    _, soft = lab.Statics(lab.model(points, cells, lab.elastic(YOUNG, 0.4999), "C3D8")).move(u)
    _, plain = lab.Statics(lab.model(points, cells, lab.elastic(YOUNG, 0.0), "C3D8")).move(u)
    assert 0.3 * plain.internal < soft.internal < 3.0 * plain.internal


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8", "CAX4R"])
def test_stable_increment_bounds_the_largest_frequency(lab, rng, kind) -> None:
    """2 / omega_max of the assembled patch, by power iteration, is no smaller than what is said, and not far off."""
    points, _, model = patch(lab, kind, rng)
    statics = lab.Statics(model)
    run = statics.run
    run_dt = run.stable_dt
    d = run.d
    vector = np.zeros_like(points)
    vector[:, :d] = rng.normal(size=(len(points), d))
    for _ in range(25):
        vector /= np.abs(vector).max()
        fresh = lab.Statics(
            lab.model(points, model.groups[0].connectivity, lab.elastic(), kind, viscosity=(0.0, 0.0))
        )
        force, _ = fresh.move(1e-10 * vector)
        omega2 = (force * vector).sum() / 1e-10 / (run.mass[:, None] * vector**2).sum()
        vector = force / run.mass[:, None]
    critical = 2.0 / np.sqrt(omega2)
    assert run_dt <= 1.001 * critical
    assert run_dt > 0.5 * critical


def test_inverted_elements_are_named(lab) -> None:
    points, cells = lab.box(1, 1, 2)
    bad = points.copy()
    bad[points[:, 2] > 0.9e-3, 2] = 0.1e-3
    broken = lab.model(bad, cells, lab.elastic())
    with pytest.raises(SolverError, match="element 2: its volume is not positive"):
        lab.Statics(broken)
    statics = lab.Statics(lab.model(points, cells, lab.elastic()))
    u = np.zeros_like(points)
    u[points[:, 2] > 0.9e-3, 2] = -0.7e-3
    with pytest.raises(SolverError, match=r"C3D8R element 2 at time .* inside out"):
        statics.move(u)
    u[0] = np.nan
    with pytest.raises(SolverError, match=r"element 1 .* not a number"):
        statics.move(u)
