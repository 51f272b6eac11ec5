"""Inside the surface nothing moves but the stress, and that is a function of U alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from yield_surface_stepping import IDENTITY, Points

from pybridge import _core
from training.tensors import deviator, to_components, to_matrix

SHEAR, BULK, STRAIN_SCALE, TIME_SCALE = 25e9, 48e9, 6e-3, 8e-9


def neo_hooke(stretch: NDArray, metric: NDArray) -> NDArray:
    """Cauchy stress of W = G/2 (tr b - 3) + pressure, b = J^(-2/3) U (1 + C) U: [n, 6] from U [n, 6], C [n, 6]."""
    u, c = to_matrix(stretch), to_matrix(metric)
    volume = np.linalg.det(u)
    b = u @ (np.eye(3) + c) @ u * volume[:, None, None] ** (-2 / 3)
    pressure = BULK * (volume - 1) - 0.3 * BULK * (volume - 1) ** 2
    return SHEAR * deviator(to_components(b)) / volume[:, None] + pressure[:, None] * IDENTITY


def flowed(material: object, n: int = 7) -> Points:
    """Points that have flowed in different directions, then gone back until they are inside the surface."""
    rng = np.random.default_rng(0)
    points = Points(material, n)
    direction = rng.normal(size=(6, n))
    direction /= np.sqrt((direction**2).sum(0))
    for k in range(1, 21):
        points.step(IDENTITY[:, None] + 3e-3 * k * direction, TIME_SCALE)
    moved = points.state[6:].copy()
    for k in range(1, 41):
        before = points.state.copy()
        points.step(IDENTITY[:, None] + (0.06 - 3e-5 * k) * direction, 1e3 * TIME_SCALE)
        if (points.state == before).all():
            break
    assert (np.abs(moved) > 0).any()
    assert (points.state == before).all()
    return points


def test_small_virgin_strains_meet_hooke_and_neo_hooke(material: object, rng: np.random.Generator) -> None:
    points = Points(material, 9)
    stretch = IDENTITY[:, None] + 1e-5 * rng.normal(size=(6, 9))
    stress = points.step(stretch, TIME_SCALE)
    assert (points.state == 0).all()
    assert (points.dissipation == 0).all()
    strain = (stretch - IDENTITY[:, None]).T
    hooke = 2 * SHEAR * deviator(strain) + BULK * strain[:, :3].sum(1)[:, None] * IDENTITY
    assert np.abs(stress.T - hooke).max() < 2e-4 * np.abs(hooke).max()  # second order in a strain of 1e-5
    exact = neo_hooke(stretch.T, np.zeros((9, 6)))
    assert np.abs(stress.T - exact).max() < 1e-9 * np.abs(exact).max()  # eps over a strain of 1e-5


def test_stress_is_that_of_the_inelastic_metric_along_any_path(material, walks, rng) -> None:
    time, stretch = walks
    points = Points(material, len(stretch))
    for i in range(1, len(time)):
        points.step(stretch[:, i].T, time[i] - time[i - 1])
        exact = neo_hooke(stretch[:, i], points.state[:6].T)
        assert np.abs(points.stress.T - exact).max() < 1e-11 * np.abs(exact).max()
    assert points.state[-3].min() > 0.01  # plastic strain: it did flow
    assert np.abs(np.linalg.det(to_matrix(points.state[:6].T + IDENTITY)) - 1).max() < 1e-13


def test_cycles_inside_the_surface_move_nothing(material) -> None:
    points = flowed(material)
    state, stress, centre = points.state.copy(), points.stress.copy(), points.stretch.copy()
    rng = np.random.default_rng(1)
    direction = 1e-6 * rng.normal(size=(6, points.n))  # the smallest surfaces here are 6e-5 wide
    for _ in range(2000):
        points.step(centre + direction, TIME_SCALE)
        points.step(centre - direction, TIME_SCALE)
    points.step(centre, TIME_SCALE)
    assert (points.state == state).all()
    assert (points.stress == stress).all()


def test_single_precision_keeps_the_same_promise(model_path) -> None:
    points = flowed(_core.load_model(str(model_path), "native", "float32"))
    state, stress, centre = points.state.copy(), points.stress.copy(), points.stretch.copy()
    for sign in (1, -1) * 500:
        points.step(centre + sign * np.float32(1e-6), TIME_SCALE)
    points.step(centre, TIME_SCALE)
    assert (points.state == state).all()
    assert (points.stress == stress).all()


def test_no_time_no_flow(material, walks) -> None:
    _, stretch = walks
    points = Points(material, len(stretch))
    points.step(stretch[:, 30].T, TIME_SCALE)
    state = points.state.copy()
    points.step(stretch[:, 31].T, 0.0)
    assert (points.state == state).all()
    assert (points.dissipation == 0).all()


def test_pressure_depends_on_volume_alone(material, walks) -> None:
    time, stretch = walks
    points = Points(material, len(stretch))
    for i in range(1, 30):
        points.step(stretch[:, i].T, time[i] - time[i - 1])
    j = np.linalg.det(to_matrix(stretch[:, 29])) - 1
    expected = BULK * j - 0.3 * BULK * j**2
    assert np.abs(points.stress[:3].mean(0) - expected).max() < 1e-12 * np.abs(points.stress).max()
