"""Small meshes, models and laws that the tests of the solver share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pybridge._core import make_law
from pybridge.solver import Controls, ElementGroup, Hourglass, Model, SolverMaterial
from pybridge.solver.integrator import Integrator

DENSITY = 8930.0


def box(nx, ny, nz, lx=1e-3, ly=1e-3, lz=1e-3):
    """Nodes and C3D8 cells of a box, Abaqus's order of corners."""
    axes = [np.linspace(0, length, n + 1) for length, n in ((lx, nx), (ly, ny), (lz, nz))]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    i, j, k = (a.ravel() for a in np.meshgrid(np.arange(nx), np.arange(ny), np.arange(nz), indexing="ij"))

    def node(di, dj, dk):
        return ((i + di) * (ny + 1) + j + dj) * (nz + 1) + k + dk

    corners = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
    return points, np.stack([node(*c) for c in corners], axis=1)


def sheet(nr, nz, r0=0.0, r1=1e-3, lz=1e-3):
    """Nodes and CAX4R cells of a rectangle in (r, z)."""
    r, z = np.meshgrid(np.linspace(r0, r1, nr + 1), np.linspace(0, lz, nz + 1), indexing="ij")
    points = np.stack([r.ravel(), z.ravel(), np.zeros(r.size)], axis=1)
    i, k = (a.ravel() for a in np.meshgrid(np.arange(nr), np.arange(nz), indexing="ij"))
    first = i * (nz + 1) + k
    return points, np.stack([first, first + nz + 1, first + nz + 2, first + 1], axis=1)


def distorted(points, rng, amount, axisymmetric=False):
    """Move inner nodes at random by a share of the smallest spacing; those on the outside stay."""
    low, high = points.min(0), points.max(0)
    size = high - low
    used = size > 0
    inner = ((points > low + 1e-9 * size) & (points < high - 1e-9 * size))[:, used].all(1)
    moved = points.copy()
    moved[np.ix_(inner, np.flatnonzero(used))] += amount * rng.uniform(-1, 1, (inner.sum(), used.sum()))
    return moved, inner


def elastic(young=100e9, poisson=0.3, nblock=0):
    return SolverMaterial(
        "ELASTIC", make_law("PYBRIDGE_ELASTIC", [young, poisson], "float64"), DENSITY, nblock
    )


def copper(precision="float64", nblock=0):
    constants = [117e9, 0.35, 400e6, 0.0, 500e6, 1.0]
    return SolverMaterial("COPPER", make_law("PYBRIDGE_J2", constants, precision), DENSITY, nblock)


def model(
    points, cells, material, kind="C3D8R", velocity=None, hourglass=None, viscosity=(0.06, 1.2), **rest
):
    group = ElementGroup(
        kind, np.arange(len(cells)) + 1, cells, material, hourglass or Hourglass(), *viscosity
    )
    start = np.zeros_like(points) if velocity is None else velocity
    return Model(np.arange(len(points)) + 1, points, (group,), start, **rest)


class Statics:
    """Elements moved by hand: forces and energies of given displacements, without inertia."""

    def __init__(self, the_model, **controls):
        self.run = Integrator(the_model, Controls(end_time=1.0, **controls))

    def move(self, u, dt=1e-8):
        """Move to displacements u (N, 3); returns forces (N, 3) and the sums of the chunks' results."""
        run = self.run
        results = run._elements(np.ascontiguousarray(u.T), dt)
        force = np.zeros((3, len(u)))
        for group in run.groups:
            for i in range(run.d):
                force[i] += group.assembler.add(group.forces[i])
        for chunk in run.chunks:
            chunk.accept()
        return force.T, SimpleNamespace(
            internal=sum(r.internal for r in results),
            viscous=sum(r.viscous for r in results),
            hourglass=sum(r.hourglass for r in results),
            plastic=sum(r.plastic for r in results),
            stable_dt=min(r.stable_dt for r in results),
        )

    def stress(self):
        """Stresses in the frame of R, (6, points)."""
        return np.concatenate([c.points.old.stress for c in self.run.chunks], axis=1)


@pytest.fixture
def lab():
    """The helpers above, for tests."""
    return SimpleNamespace(
        box=box, sheet=sheet, distorted=distorted, elastic=elastic, copper=copper, model=model, Statics=Statics,
        DENSITY=DENSITY,
    )  # fmt: skip
