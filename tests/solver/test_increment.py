"""The stable increment and the bulk viscosity of single elements against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

YOUNG, POISSON = 100e9, 0.3
SHEAR = YOUNG / (2 * (1 + POISSON))
LAME = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON))
BULK = LAME + 2 * SHEAR / 3
B1, B2 = 0.06, 1.2
CUBE, SLAB = (1e-3, 1e-3, 1e-3), (1e-3, 1e-3, 0.2e-3)
INNER = 0.4e-3  # radius of the annulus


def one(lab, kind, size, turn=None):
    """One box, turned so that no tensor is diagonal, or one ring."""
    if kind == "CAX4R":
        points, cells = lab.sheet(1, 1, INNER, INNER + size[0], size[1])
    else:
        points, cells = lab.box(1, 1, 1, *size)
        points = points @ (np.eye(3) if turn is None else turn).T
    return points, lab.Statics(
        lab.model(points, cells, lab.elastic(YOUNG, POISSON), kind, viscosity=(B1, B2))
    )


def half_period(lab, kind, size, stretch=(1.0, 1.0, 1.0)):
    """2 / omega, of a box with two equal edges and a third no longer (there the bound is exact), or of a ring."""
    s = np.array(stretch)
    if kind == "CAX4R":
        width, length = size[:2]
        middle = INNER + width / 2
        outer, inner = (INNER / 2 + width / 3) / middle, (INNER / 2 + width / 6) / middle
        spread = 1 / outer + 1 / inner
        radial, axial = spread / width**2 / s[0] ** 2, 4 / length**2 / s[1] ** 2
        hoop = spread / (2 * middle) ** 2 / s[2] ** 2
        trace, largest = (np.sqrt(radial + axial) + np.sqrt(hoop)) ** 2, max(radial, axial) + hoop
    elif kind == "C3D8":  # a cube; at a Gauss point H_ii = 64 / 9, H_ij = 16 / 9 times the same signs
        trace, largest = 64 / 3 / (size[0] * s[0]) ** 2, 32 / 3 / (size[0] * s[0]) ** 2
    else:
        h = 4 / (np.array(size) * s) ** 2
        trace, largest = h.sum(), h.max()
    return 2 * np.sqrt(lab.DENSITY / s.prod() / (LAME * trace + 2 * SHEAR * largest))


@pytest.mark.parametrize(
    ("kind", "size"),
    [("C3D8R", CUBE), ("C3D8R", SLAB), ("C3D8", CUBE), ("CAX4R", CUBE[1:]), ("CAX4R", SLAB[1:])],
)
def test_increment_of_an_undeformed_element(lab, kind, size) -> None:
    """2 / omega (sqrt(1 + b1^2) - b1); omega is that of 3 K for a cube, of lambda + 2 mu for a thin slab."""
    _, statics = one(lab, kind, size, Rotation.from_rotvec((0.4, 0.7, -0.2)).as_matrix())
    expected = half_period(lab, kind, size) * (np.sqrt(1 + B1**2) - B1)
    assert statics.run.stable_dt == pytest.approx(expected, rel=1e-9)
    if kind == "C3D8R" and size == CUBE:
        assert half_period(lab, kind, size) == pytest.approx(
            1e-3 * np.sqrt(lab.DENSITY / (3 * BULK)), rel=1e-12
        )


@pytest.mark.parametrize("kind", ["C3D8R", "C3D8", "CAX4R"])
@pytest.mark.parametrize("rate", [-4e5, 3e5])
def test_increment_and_viscosity_of_a_deformed_element(lab, kind, rate) -> None:
    """From the element as it is now; compressing adds b2^2 (2 / omega) |rate| to the share of the viscosity."""
    turn = np.eye(3) if kind == "CAX4R" else Rotation.from_rotvec((0.4, 0.7, -0.2)).as_matrix()
    size = CUBE[:2] if kind == "CAX4R" else CUBE
    points, statics = one(lab, kind, size, turn)
    used = (1, 1, 0) if kind == "CAX4R" else (1, 1, 1)

    def displacement(stretch):
        """Along the edges; a ring's radius grows with its width."""
        return points @ (turn @ np.diag(np.array(stretch) - 1) @ turn.T) * used

    def at(growth):
        thin = 1 - 3 * growth
        shapes = {"CAX4R": (1 + growth, thin, 1 + growth), "C3D8": (thin, thin, thin)}
        return shapes.get(kind, (1 + growth, 1 + growth, thin))

    virgin, start, end = np.ones(3), np.array(at(0.05)), np.array(at(0.03 if rate > 0 else 0.07))

    def strain(old, new):
        """Trace of the strain increment by the midpoint rule."""
        return (2 * (new - old) / (new + old)).sum()

    def viscosity(stretch, rate):
        period = half_period(lab, kind, size, stretch)
        xi = B1 - B2**2 * period * min(rate, 0.0)
        return period, xi, (LAME + 2 * SHEAR) * period * rate * xi

    statics.move(displacement(start), 1e-6)
    dt = strain(start, end) / rate
    _, result = statics.move(displacement(end), dt)
    period, xi, stress = viscosity(end, rate)
    assert result.stable_dt == pytest.approx(period * (np.sqrt(1 + xi**2) - xi), rel=1e-9)
    np.testing.assert_allclose(statics.run.chunks[0].points.old.viscous, stress, rtol=1e-9)
    before = viscosity(start, strain(virgin, start) / 1e-6)[2]
    volume = statics.run.chunks[0].volume[0]
    work = 0.5 * (before * start.prod() + stress * end.prod()) * volume * rate * dt
    assert result.viscous == pytest.approx(work, rel=1e-9)
