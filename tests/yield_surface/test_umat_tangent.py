"""The learned yield surface in umat_: its exact tangent, by the kernel's own dual numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from yield_surface_tangent import path, tangent_errors

from pybridge._core import kinematics
from pybridge.conventions import matrix_to_defgrad
from pybridge.host import HostedVumat, UmatLibrary, UmatPoint, load_vumat, our_library


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
    errors, flowed = tangent_errors(UmatPoint(library, "TRIAL"), dt)
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
