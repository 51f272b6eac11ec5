"""Long steps at low rates, where slips and twins relax many times within a step, against the equations integrated
adaptively by another code (pybridge/reference/crystal.py)."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import CrystalParameters, make_taylor_crystal, slip_systems, twin_systems
from pybridge.reference import crystal as reference

# Twins foremost, basal slip and twins, pyramidal slip. Exactly along c six equal twins would compete, a fork.
DIRECTIONS = {
    "tension near c": [-0.4, -0.65, 1.05, 0.15, 0.2, 0.05],
    "shear": [0.1, 0.2, -0.3, 0.4, 0.6, 0.3],
    "compression along c": [0.5, 0.4, -0.9, 0.05, 0.1, 0],
}
STRAIN = 0.01


@pytest.fixture(scope="module")
def exact() -> dict[tuple[str, float], np.ndarray]:
    """Deviatoric stress, Pa, (4, 6) at quarters of the path."""
    grain = reference.Grain(slip_systems(1.624), twin_systems(1.624))
    out = {}
    for name, direction in DIRECTIONS.items():
        for rate in (1e3, 1e4):
            d = to_matrix(np.array(direction))
            d /= np.linalg.norm(d)
            times = np.linspace(0, STRAIN / rate, 5)
            state = grain.integrate(lambda t, d=d, r=rate: np.eye(3) + t * r * d, times, rtol=1e-6)
            rows = []
            for t, y in zip(times[1:], state[1:], strict=True):
                sigma = reference.cauchy_stress(
                    np.eye(3) + t * rate * d, y[:9].reshape(3, 3), grain.parameters
                )
                sigma -= np.trace(sigma) / 3 * np.eye(3)
                rows.append(sigma[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]])
            out[name, rate] = np.array(rows)
    return out


def to_matrix(c: np.ndarray) -> np.ndarray:
    return np.array([[c[0], c[3], c[5]], [c[3], c[1], c[4]], [c[5], c[4], c[2]]])


def error(tools, exact: np.ndarray, direction: list[float], rate: float, steps: int, precision: str) -> float:
    """Relative to the largest stress of the path."""
    crystal = make_taylor_crystal(np.eye(3)[None], CrystalParameters(), precision)
    d = np.array(direction) / np.linalg.norm(to_matrix(np.array(direction)))
    path = np.array([1.0, 1, 1, 0, 0, 0]) + np.linspace(0, STRAIN, steps + 1)[:, None] * d
    history = tools.drive(crystal, path, STRAIN / rate / steps)
    assert history.status.max() == 0
    found = tools.deviator(history.stress)[steps // 4 :: steps // 4, :, 0]
    size = np.array([1, 1, 1, 2, 2, 2])
    return float(
        np.sqrt((size * (found - exact) ** 2).sum(1)).max() / np.sqrt((size * exact**2).sum(1)).max()
    )


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("rate", [1e3, 1e4])
@pytest.mark.parametrize("name", DIRECTIONS)
def test_long_steps_end_near_the_exact_stress(exact, tools, name: str, rate: float, precision: str) -> None:
    reached = exact[name, rate]
    # Steps of 2.5e-3 to 1e-4 of strain: 0.25 us to 10 ns, beside 0.1 us in which a twin relaxes the stress.
    found = [error(tools, reached, DIRECTIONS[name], rate, steps, precision) for steps in (4, 20, 100)]
    assert found[0] < 0.02
    assert found[1] < 0.01
    assert found[2] < 0.001
