"""Implicit plane strain: patch tests, closed forms, plasticity against one point, cut-back, restart, packings."""

from __future__ import annotations

import numpy as np
import pytest
import skfem

import pybridge._core as _core
from pybridge.errors import SolverError
from pybridge.packing import load_library, packing_material
from pybridge.solver.implicit import (
    ELEMENTS,
    BiaxialTest,
    Controls,
    MaterialPoints,
    Problem,
    biaxial_problem,
    mesh_of,
    rectangle,
    solve,
)
from pybridge.solver.implicit.biaxial import axial_stress

YOUNG, POISSON = 1e8, 0.3
TIGHT = Controls(steps=1, tolerance=1e-10, loose=1e-10, displacement_tolerance=1e-8)


def elastic():
    return _core.make_law("PYBRIDGE_ELASTIC", [YOUNG, POISSON], "float64")


PLANE = [kind for kind, technology in ELEMENTS.items() if technology.mesh is not skfem.MeshHex]


def cells_of(kind, n):
    """Vertices and cells of a unit square or cube of n^dim squares or cubes, Abaqus's order."""
    flat = kind in PLANE
    x = np.linspace(0, 1, n + 1)
    points = np.stack(np.meshgrid(*[x] * (2 if flat else 3), indexing="ij"), -1).reshape(-1, 2 if flat else 3)
    i, j = (g.ravel() for g in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    if flat:
        first = i * (n + 1) + j
        quads = np.stack([first, first + n + 1, first + n + 2, first + 1], axis=1)
        triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        return points, triangles if ELEMENTS[kind].mesh is skfem.MeshTri else quads
    i, j, k = (g.ravel() for g in np.meshgrid(*[np.arange(n)] * 3, indexing="ij"))
    corners = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
    at = [((i + a) * (n + 1) + j + b) * (n + 1) + k + c for a, b, c in corners]
    return points, np.stack(at, axis=1)


def distorted(kind):
    """A mesh of 3^dim cells whose inner nodes are moved; they stay convex."""
    points, cells = cells_of(kind, 3)
    inside = np.all((points > 1e-6) & (points < 1 - 1e-6), axis=1)
    points[inside] += 0.06 * np.sin(np.arange(inside.sum() * points.shape[1]) * 2.3).reshape(inside.sum(), -1)
    return mesh_of(kind, points, cells)


@pytest.mark.parametrize("kind", list(ELEMENTS))
def test_patch_of_distorted_elements(kind) -> None:
    """A linear displacement on the boundary gives the same strain at every point, in one correction."""
    mesh = distorted(kind)
    gradient = np.array([[1e-3, 4e-4, 3e-4], [-2e-4, -7e-4, 1e-4], [5e-4, -3e-4, 2e-4]])[
        : mesh.dim, : mesh.dim
    ]
    places, dofs = mesh._places
    outside = (np.minimum(places, 1 - places) < 1e-9).any(axis=1)
    exact = np.zeros(mesh.size)
    exact[dofs] = gradient @ places.T
    fixed = np.sort(dofs[:, outside].ravel())
    problem = Problem(mesh, fixed, lambda load: load * exact[fixed], lambda load: np.zeros(mesh.size))
    history = solve(problem, MaterialPoints(elastic(), mesh.points, components=mesh.components), TIGHT)
    rows = ((0, 0), (1, 1), (0, 1)) if mesh.dim == 2 else ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))
    expected = [gradient[i, j] if i == j else gradient[i, j] + gradient[j, i] for i, j in rows]
    np.testing.assert_allclose(
        history.strain[-1], np.tile(np.array(expected)[:, None], mesh.points), atol=1e-13
    )
    assert history.iterations[-1] <= 3


@pytest.mark.parametrize("kind", PLANE)
def test_compression_under_pressure_has_its_closed_form(kind) -> None:
    """Smooth ends, lateral pressure p, axial strain: sigma_22 and the lateral strain of plane-strain elasticity."""
    mesh = rectangle(kind, 2, 3, 0.5, 1.0)
    bottom, top, left = mesh.dofs("bottom", 1), mesh.dofs("top", 1), mesh.dofs("bottom", 0)[:1]
    fixed = np.unique(np.concatenate([bottom, top, left]))
    moved = np.isin(fixed, top)
    pressure, strain = 1e4, 1e-3
    sides = mesh.pressure_load("left") + mesh.pressure_load("right")
    problem = Problem(
        mesh, fixed, lambda t: np.where(moved, -strain * t, 0.0), lambda t: pressure * t * sides
    )
    history = solve(problem, MaterialPoints(elastic(), mesh.points), TIGHT)
    # Small strains through U = 1 + eps: the elastic law answers to the logarithm of U, off by half the strain.
    lame, shear = YOUNG * POISSON / (1.3 * 0.4), YOUNG / 2.6
    lateral = (-pressure + lame * strain) / (lame + 2 * shear)
    np.testing.assert_allclose(history.strain[-1][0], lateral, rtol=2e-3)
    np.testing.assert_allclose(history.stress[-1][0], -pressure, rtol=1e-6)
    axial = -(lame + 2 * shear) * strain + lame * lateral
    np.testing.assert_allclose(history.stress[-1][1], axial, rtol=2e-3)
    assert -history.reactions[-1][moved].sum() / 0.5 == pytest.approx(-history.stress[-1][1].mean(), rel=1e-9)


@pytest.mark.parametrize("how", [{}, {"mixing": 0, "learn": "always"}])
def test_plasticity_with_the_elastic_stiffness(how) -> None:
    """J2 beyond yield with elastic corrections, mixed or on a stiffness that is learned: the uniform strain and stress of one point."""
    law = _core.make_law("PYBRIDGE_J2", [YOUNG, POISSON, 1e5, 0.0, 2e5, 0.1], "float64")
    mesh = rectangle("Q8", 2, 2, 1.0, 1.0)
    bottom, top, left = mesh.dofs("bottom", 1), mesh.dofs("top", 1), mesh.dofs("bottom", 0)[:1]
    fixed = np.unique(np.concatenate([bottom, top, left]))
    moved = np.isin(fixed, top)
    problem = Problem(mesh, fixed, lambda t: np.where(moved, -0.02 * t, 0.0), lambda t: np.zeros(mesh.size))
    controls = Controls(steps=20, tolerance=1e-8, loose=1e-8, displacement_tolerance=1e-6, **how)
    history = solve(problem, MaterialPoints(law, mesh.points, threads=2), controls)
    assert np.ptp(history.strain[-1], axis=1).max() < 1e-6
    assert abs(history.stress[-1][0]).max() < 1e-2
    # Plane strain without lateral stress: sigma_22 tends to 2 / sqrt(3) of the yield stress at this plastic strain.
    flow = 1e5 + 1e6 * 0.02 * 2 / np.sqrt(3)
    assert -history.stress[-1][1].mean() == pytest.approx(2 / np.sqrt(3) * flow, rel=0.05)


def test_a_step_that_fails_is_cut_and_then_stops_clearly(tmp_path) -> None:
    test = BiaxialTest(strain=0.02)
    problem = biaxial_problem(test)
    material = packing_material(load_library("disks100"), steps_max=60)  # allows small increments only
    points = MaterialPoints(material, problem.mesh.points)
    history = solve(biaxial_problem(BiaxialTest(strain=0.002)), points, Controls(steps=1, cuts_max=8))
    assert len(history.load) > 3
    assert history.load[-1] == 1
    material = packing_material(load_library("disks100"), steps_max=10)
    points = MaterialPoints(material, problem.mesh.points)
    file = tmp_path / "rescue.npz"
    with pytest.raises(
        SolverError, match=r"stopped at load .* after 2 cuts .* a material point failed.*rescue"
    ):
        solve(problem, points, Controls(steps=2, cuts_max=2), rescue=file)
    with np.load(file) as saved:
        again = MaterialPoints(material, problem.mesh.points)
        again.restart(dict(saved))
        other = MaterialPoints(material, 3)
        with pytest.raises(SolverError, match="another material or mesh"):
            other.restart(dict(saved))


def test_biaxial_test_with_packings(tmp_path) -> None:
    """Packings at 4 points: the pressure starts at the consolidation, rises, and the lateral load balances."""
    test = BiaxialTest(columns=1, rows=1, width=0.1, strain=0.004)
    problem = biaxial_problem(test)
    runs = []
    for threads in (1, 2):
        points = MaterialPoints(packing_material(load_library("disks100")), problem.mesh.points, threads)
        runs.append(solve(problem, points, Controls(steps=4)))
    pressure = axial_stress(test, problem, runs[0])
    assert pressure[0] == pytest.approx(1e5, rel=1e-2)
    assert np.all(np.diff(pressure) > 1e4)
    np.testing.assert_array_equal(runs[0].stress[-1], runs[1].stress[-1])
    assert max(runs[0].residual) <= 1e-2
    lateral = problem.mesh.weights @ runs[0].stress[-1][0] / problem.mesh.weights.sum()
    # Rough ends carry some of it: they hold the feet and the head of a single element.
    assert lateral == pytest.approx(-1e5, rel=0.5)


def test_bad_input() -> None:
    with pytest.raises(SolverError, match="element 'Q9': expected one of T6, Q4, Q8"):
        rectangle("Q9", 1, 1, 1, 1)
    with pytest.raises(SolverError, match="0 x 2 elements"):
        rectangle("Q4", 0, 2, 1, 1)
    with pytest.raises(SolverError, match="pressure -1"):
        BiaxialTest(pressure=-1)
    with pytest.raises(SolverError, match="out of range"):
        Controls(steps=0)
    law = _core.make_law("PYBRIDGE_ELASTIC", [1.0, 0.0], "float32")
    with pytest.raises(SolverError, match="double precision"):
        MaterialPoints(law, 3)
