"""What a material is given, of a homogeneous motion with known F, and what becomes of its answer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import polar
from scipy.spatial.transform import Rotation

from pybridge.conventions import matrix_to_block, matrix_to_defgrad
from pybridge.solver import SolverMaterial

BULK, SHEAR = 80e9, 40e9


class Spy:
    """Keeps what it is given; answers numbered stresses, states and dissipation."""

    state_schema = (SimpleNamespace(name="s", count=2, unit="1", description=""),)
    state_size = 2
    elastic_moduli = SimpleNamespace(bulk=BULK, shear=SHEAR)

    def __init__(self, dtype="float64"):
        self.dtype = np.dtype(dtype)
        self.seen = []

    def update(
        self, *, time_old, dt, strain_inc, stretch_old, stretch_new, temperature, density, stress_old, state_old,
        stress_new, state_new, dissipation_inc, status, defgrad_old, defgrad_new, rel_spin_inc, coordinates, char_length,
    ):  # fmt: skip
        given = {k: v for k, v in locals().items() if k not in ("self", "stress_new", "state_new")}
        self.seen.append(SimpleNamespace(**{k: np.array(v) for k, v in given.items()}))
        n = len(density)
        stress_new[:] = np.arange(1.0, 7.0)[:, None] * 1e6 + stress_old
        state_new[:] = state_old + np.array([[1], [2]])
        dissipation_inc[:] = 3.0
        status[:] = np.zeros(n, np.int32)


def motions():
    """F at the beginning, after one and after two steps."""
    f1 = Rotation.from_rotvec((0.3, -0.2, 0.5)).as_matrix() @ np.diag([1.1, 0.95, 1.02])
    shear = np.array([[0.02, 0.05, -0.01], [0.0, -0.03, 0.04], [0.03, 0.0, 0.01]])
    return np.eye(3), f1, Rotation.from_rotvec((-0.1, 0.4, 0.2)).as_matrix() @ (f1 + shear)


def column(matrix):
    """Components 11, 22, 33, 12, 23, 13 of one symmetric matrix."""
    return matrix_to_block(matrix[:, :, None])[:, 0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("nblock", [0, 3])
def test_a_material_is_given_the_motion(lab, rng, dtype, nblock) -> None:
    points, cells = lab.box(2, 2, 2)
    points, _ = lab.distorted(points, rng, 0.1e-3)
    spy = Spy(dtype)
    temperature = np.linspace(300.0, 370.0, 8)
    model = lab.model(points, cells, SolverMaterial("SPY", spy, lab.DENSITY, nblock), viscosity=(0.0, 0.0))
    object.__setattr__(model.groups[0], "temperature", temperature)
    statics = lab.Statics(model)
    f0, f1, f2 = motions()
    statics.move(points @ (f1 - f0).T, 2e-8)
    blocks = len(spy.seen)
    assert blocks == (3 if nblock else 1)
    spy.seen.clear()
    statics.move(points @ (f2 - f0).T, 1e-8)
    seen = {
        k: np.concatenate([np.atleast_1d(vars(s)[k]) for s in spy.seen], axis=-1)
        for k in vars(spy.seen[0])
        if k not in ("time_old", "dt")
    }
    assert {float(s.dt) for s in spy.seen} == {1e-8}
    (_, u1), (_, u2) = polar(f1), polar(f2)
    rate = (u2 - u1) @ np.linalg.inv((u1 + u2) / 2)
    skew = (rate - rate.T) / 2
    eps = 1e-12 if dtype == "float64" else 1e-6
    for name, expected in (
        ("stretch_old", column(u1)), ("stretch_new", column(u2)), ("strain_inc", column((rate + rate.T) / 2)),
        ("rel_spin_inc", np.array([skew[1, 0], skew[2, 1], skew[0, 2]])),
        ("defgrad_old", matrix_to_defgrad(f1[:, :, None])[:, 0]), ("defgrad_new", matrix_to_defgrad(f2[:, :, None])[:, 0]),
        ("density", np.array(lab.DENSITY / np.linalg.det(f2))),
        ("stress_old", np.arange(1.0, 7.0) * 1e6), ("state_old", np.array([1.0, 2.0])),
    ):  # fmt: skip
        expected = np.broadcast_to(expected[..., None], seen[name].shape)
        np.testing.assert_allclose(
            seen[name], expected, rtol=0, atol=eps * np.abs(expected).max(), err_msg=name
        )
        assert seen[name].dtype == np.dtype(dtype)
    np.testing.assert_allclose(seen["temperature"], temperature, rtol=eps)
    np.testing.assert_allclose(seen["coordinates"], (f2 @ points[cells].mean(1).T), rtol=0, atol=eps * 2e-3)


def test_an_answer_becomes_forces_energy_and_history(lab) -> None:
    """Work by the trapezoidal rule over current volumes; dissipation per current volume; f_a = V P grad N_a."""
    points, cells = lab.box(1, 1, 1)
    statics = lab.Statics(
        lab.model(points, cells, SolverMaterial("SPY", Spy(), lab.DENSITY), viscosity=(0.0, 0.0))
    )
    f0, f1, f2 = motions()
    statics.move(points @ (f1 - f0).T, 2e-8)
    force, result = statics.move(points @ (f2 - f0).T, 1e-8)
    volume, (r2, u2), (_, u1) = 1e-9, polar(f2), polar(f1)
    s1 = np.array([[1.0, 4.0, 6.0], [4.0, 2.0, 5.0], [6.0, 5.0, 3.0]]) * 1e6
    strain = (u2 - u1) @ np.linalg.inv((u1 + u2) / 2)
    work = 0.5 * (np.linalg.det(f1) * s1 + np.linalg.det(f2) * 2 * s1)
    assert result.internal == pytest.approx(volume * (work * strain).sum(), rel=1e-10)
    assert result.plastic == pytest.approx(3.0 * volume * np.linalg.det(f2), rel=1e-12)
    piola = np.linalg.det(f2) * (r2 @ (2 * s1) @ r2.T) @ np.linalg.inv(f2).T
    gradient = np.where(points > 0.5e-3, 1.0, -1.0) / 4e-3
    np.testing.assert_allclose(force, volume * gradient @ piola.T, rtol=0, atol=1e-9 * np.abs(force).max())
    np.testing.assert_array_equal(statics.run.chunks[0].points.old.state[:, 0], [2.0, 4.0])
