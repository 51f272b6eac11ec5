"""The learned yield surface in umat_: its exact tangent, by the kernel's own dual numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pybridge._core import kinematics
from pybridge.conventions import matrix_to_defgrad
from pybridge.host import HostedVumat, UmatLibrary, UmatPoint, load_vumat, our_library

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
GRADIENT = np.array([[0.031, 0.052, -0.017], [-0.024, -0.037, 0.028], [0.011, -0.041, 0.009]])


def path(steps: int) -> list[NDArray]:
    """Shear, rotation and reversal; F12 != F21."""
    found = []
    for t in np.linspace(0, 1, steps + 1)[1:]:
        a, angle = np.interp(t, [0, 0.6, 1], [0, 1, 0.3]), 0.7 * t
        c, s = np.cos(angle), np.sin(angle)
        found.append(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ (np.eye(3) + a * GRADIENT))
    return found


@pytest.fixture(scope="module")
def library(model_path: Path) -> UmatLibrary:
    opened = UmatLibrary()
    opened.use_model("TRIAL", model_path)
    return opened


@pytest.fixture(scope="module")
def dt(walks: tuple[NDArray, NDArray]) -> float:
    return float(walks[0][1] - walks[0][0])


def test_tangent_is_the_derivative(library: UmatLibrary, dt: float) -> None:
    """Central differences of 1e-8 in strain, rounding 1e-16 of the stress over it; in every state of the path.

    At a kink (a step that begins to flow, a bound) a difference is no derivative: one increment in ten may be near one.
    """
    point, step = UmatPoint(library, "TRIAL"), 1e-8
    errors, flowed = [], 0
    for f in path(30):
        before = point.state.copy()
        answer = point.trial(f, dt)
        columns = []
        for m, n in PAIRS:
            d = np.zeros((3, 3))
            d[m, n] += 0.5
            d[n, m] += 0.5
            up, down = (
                np.linalg.det(g) * point.trial(g, dt).stress
                for g in ((np.eye(3) + s * step * d) @ f for s in (1, -1))
            )
            change = (up - down) / (2 * step) / np.linalg.det(f)
            columns.append([change[i, j] for i, j in PAIRS])
        expected = np.array(columns).T
        errors.append(np.abs(answer.tangent - expected).max() / np.abs(expected).max())
        point.step(f, dt)
        flowed += bool(np.abs(point.state[:6] - before[:6]).max() > 1e-6)
    assert flowed > 15
    assert np.sort(errors)[-4] < 3e-7
    assert max(errors) < 0.05


def test_flow_softens_the_tangent(library: UmatLibrary, dt: float) -> None:
    point = UmatPoint(library, "TRIAL")
    first = point.trial(np.eye(3), dt).tangent
    for f in path(30)[:10]:
        point.step(f, dt)
    late = point.trial(path(30)[10], dt).tangent
    assert np.abs(late - first).max() > 0.1 * np.abs(first).max()


def test_answer_is_that_of_the_kernel_without_derivative(
    library: UmatLibrary, model_path: Path, dt: float
) -> None:
    """UMAT's stress and state, with tangent, against VUMAT's: the same bits but for the turns of the stress."""
    material = HostedVumat(load_vumat(our_library("float64")), "TRIAL", model_file=model_path)
    point = UmatPoint(library, "TRIAL", host="calculix")
    f_old, stress, state = np.eye(3), np.zeros((6, 1)), np.zeros((material.state_size, 1))
    for k, f in enumerate(path(30)):
        old, new = (np.ascontiguousarray(matrix_to_defgrad(g[:, :, None])) for g in (f_old, f))
        u_old, u_new, strain_inc, _ = kinematics(old, new)
        stress_new, state_new = np.empty_like(stress), np.empty_like(state)
        material.update(
            time_old=k * dt, dt=dt, strain_inc=strain_inc, stretch_old=u_old, stretch_new=u_new,
            temperature=np.zeros(1), density=np.ones(1), stress_old=stress, state_old=state, stress_new=stress_new,
            state_new=state_new, dissipation_inc=np.empty(1), status=np.empty(1, np.int32),
        )  # fmt: skip
        answer = point.step(f, dt)
        largest = np.abs(stress_new).max()
        # two implementations of the polar decomposition: stretches differ by rounding, 2e-16 of 1
        np.testing.assert_allclose(answer.corotational, stress_new[:, 0], rtol=0, atol=1e-9 * largest)
        np.testing.assert_allclose(answer.state, state_new[:, 0], rtol=1e-7, atol=1e-10)
        stress, state, f_old = stress_new, state_new, f


def test_numerical_and_exact_tangent_agree(library: UmatLibrary, model_path: Path, dt: float) -> None:
    """The TorchScript engine knows no derivative: forward differences of 3e-8."""
    library.use_model("BY_TORCH", model_path, "torchscript")
    exact, numerical = UmatPoint(library, "TRIAL"), UmatPoint(library, "BY_TORCH")
    errors = []
    for f in path(12):
        a, b = exact.step(f, dt), numerical.step(f, dt)
        errors.append(np.abs(a.tangent - b.tangent).max() / np.abs(a.tangent).max())
    assert np.median(errors) < 1e-4
