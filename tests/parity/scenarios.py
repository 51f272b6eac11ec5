"""Scenarios as data: deformation gradients of several points over time, asymmetric in sign and component.

F_i(t) = R(angle a(t)) (1 + a(t) w_i G_i), with a(t) piecewise linear through `profile`, w_i the point's weight and G_i
the gradient, turned over between points so that no two components or points are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge._core import kinematics
from pybridge.conventions import matrix_to_defgrad


@dataclass(frozen=True)
class Scenario:
    """One named history. gradient: F - 1 at a = 1, 3 x 3; profile: (time in units of `duration`, a)."""

    name: str
    gradient: tuple[tuple[float, float, float], ...]
    profile: tuple[tuple[float, float], ...]
    steps: int = 60
    points: int = 7
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    angle: float = 0.0  # of the rotation at a = 1, rad
    plane: bool = False  # only 11, 22, 33, 12: fits two-dimensional elements


SCENARIOS = (
    Scenario("tension", ((0.06, 0, 0), (0, -0.021, 0), (0, 0, -0.013)), ((0, 0), (1, 1))),
    Scenario(
        "shear", ((0.002, 0.07, 0.011), (-0.009, -0.004, 0.031), (0.023, -0.017, 0.005)), ((0, 0), (1, 1))
    ),
    Scenario(
        "rotation",
        ((0.03, 0.021, -0.008), (0.005, -0.025, 0.012), (-0.019, 0.007, 0.006)),
        ((0, 0), (1, 1)),
        axis=(0.48, -0.6, 0.64),
        angle=1.3,
    ),
    Scenario(
        "reversal",
        ((0.02, 0.013, -0.006), (-0.011, -0.027, 0.017), (0.008, 0.003, 0.009)),
        ((0, 0), (0.3, 1), (0.7, -0.6), (1, 0.4)),
        axis=(0.6, 0.0, -0.8),
        angle=-0.4,
    ),
    Scenario(
        "plane",
        ((-0.034, 0.026, 0), (-0.011, 0.019, 0), (0, 0, 0.007)),
        ((0, 0), (0.6, 1), (1, 0.7)),
        angle=0.5,
        plane=True,
    ),
)


def rotation_matrix(axis: tuple[float, float, float], angle: float) -> NDArray:
    """Rodrigues' formula."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def gradients(scenario: Scenario) -> NDArray:
    """Each point's w_i G_i, (n, 3, 3): weights of both signs; directions 1, 2, 3 permuted unless plane."""
    base = np.array(scenario.gradient)
    weights = np.linspace(1.0, -0.7, scenario.points)
    orders = [(0, 1, 2)] if scenario.plane else [(0, 1, 2), (1, 2, 0), (2, 0, 1), (1, 0, 2)]
    return np.array([w * base[np.ix_(o := orders[i % len(orders)], o)] for i, w in enumerate(weights)])


def deformation(scenario: Scenario, step: int) -> NDArray:
    """F of all points after `step` steps, (9, n) in VUMAT's order."""
    at, value = zip(*scenario.profile, strict=True)
    a = np.interp(step / scenario.steps, at, value)
    f = rotation_matrix(scenario.axis, scenario.angle * a) @ (np.eye(3) + a * gradients(scenario))
    return np.ascontiguousarray(matrix_to_defgrad(np.moveaxis(f, 0, -1)))


@dataclass(frozen=True)
class Increment:
    """What a material gets in one step, float64."""

    time_old: float
    dt: float
    defgrad_old: NDArray
    defgrad_new: NDArray
    stretch_old: NDArray
    stretch_new: NDArray
    strain_inc: NDArray


def increments(scenario: Scenario, duration: float) -> list[Increment]:
    """All steps; their lengths differ from each other."""
    pace = 1 + 0.3 * np.sin(np.arange(scenario.steps))
    times = np.concatenate([[0], np.cumsum(pace) / pace.sum()]) * duration
    result = []
    for k in range(scenario.steps):
        old, new = deformation(scenario, k), deformation(scenario, k + 1)
        stretch_old, stretch_new, strain_inc, _ = kinematics(old, new)
        result.append(
            Increment(times[k], times[k + 1] - times[k], old, new, stretch_old, stretch_new, strain_inc)
        )
    return result
