"""Flow of one grain: a closed form, and the equations of [LIU22] integrated adaptively by another code."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import (
    CrystalParameters,
    make_taylor_crystal,
    slip_systems,
    twin_systems,
    uniform_orientations,
)
from pybridge.reference import crystal as reference


def only_basal() -> CrystalParameters:
    parameters = CrystalParameters()
    parameters.twin_rate = 0.0
    for family in (parameters.prismatic, parameters.pyramidal):
        family.rate = 1e-30
        family.saturation = 0.0
    parameters.basal.saturation = 0.0
    return parameters


def test_single_slip_from_rest_follows_its_closed_form(tools) -> None:
    # Shear in the 13 plane of a crystal with c along 3: system 0 carries shear alone, 1 and 2 half of it each. At small
    # strain and u = tau / tau_0: d tau/dt = G (rate - rate_0 (tau / tau_0)^2 (1 + 2 / 8)), a hyperbolic tangent.
    parameters = only_basal()
    crystal = make_taylor_crystal(np.eye(3)[None], parameters, "float64")
    rate, steps, duration = 2e4, 400, 2e-8
    times = np.linspace(0, duration, steps + 1)
    path = np.tile([1.0, 1, 1, 0, 0, 0], (steps + 1, 1))
    path[:, 5] = rate * times / 2
    history = tools.drive(crystal, path, duration / steps)
    last = 10e6 * np.sqrt(rate / (1e5 * 1.25))
    expected = last * np.tanh(25e9 * rate * times / last)
    # Finite strain enters with the strain itself, 4e-4.
    np.testing.assert_allclose(history.stress[:, 5, 0], expected, atol=2e-3 * last)


def stretch_function(tools, times: np.ndarray, path: np.ndarray):
    """The piecewise linear path that the kernel sees, as a function of time."""

    def function(t: float) -> np.ndarray:
        return tools.to_matrix(np.array([np.interp(t, times, path[:, k]) for k in range(6)]))

    return function


CASES = {
    "table A.1": {},
    "much latent hardening": {"latent": (2e9, 10e9, 20e9)},
    "exponent 4, no coupling": {"sensitivity": 0.25, "twin_coupling": 0.0, "twin_hardening": 5e9},
}


def kernel_parameters(p: reference.Parameters) -> CrystalParameters:
    out = CrystalParameters()
    for row, family, latent in zip(
        (0, 3, 6), (out.basal, out.prismatic, out.pyramidal), p.latent, strict=True
    ):
        family.hardening, family.saturation, family.stress = (
            p.hardening[row],
            p.saturation[row],
            p.stress[row],
        )
        family.latent, family.sensitivity, family.rate = latent, p.sensitivity, p.rate
    out.twin_sensitivity, out.twin_coupling, out.twin_hardening = (
        p.sensitivity,
        p.twin_coupling,
        p.twin_hardening,
    )
    return out


def compare(
    tools, p: reference.Parameters, seed: int, lam: np.ndarray | None, twin_rate: float
) -> tuple[float, ...]:
    """Relative errors of deviatoric stress, F_in, e, lambda at the end of a path of 0.2 microseconds to 2 per cent."""
    q = uniform_orientations(1, seed)
    steps, duration = 1000, 2e-7
    times = np.linspace(0, duration, steps + 1)
    path = tools.smooth_path(steps, seed, 0.015, knots=3)
    parameters = kernel_parameters(p)
    parameters.twin_rate = twin_rate
    crystal = make_taylor_crystal(q, parameters, "float64")
    start = None
    if lam is not None:
        start = tools.join_state(np.zeros((1, 3, 3)), np.zeros((1, 12)), lam[None])
    history = tools.drive(crystal, path, duration / steps, start)
    assert history.status.max() == 0
    inverse, e, twin = (x[0] for x in tools.split_state(history.state[:, 0], 1))

    object.__setattr__(p, "twin_rate", twin_rate)
    grain = reference.Grain(slip_systems(p.c_over_a), twin_systems(p.c_over_a), p)
    stretch = stretch_function(tools, times, path)
    exact = grain.integrate(lambda t: q[0].T @ stretch(t) @ q[0], times[[0, -1]], rtol=1e-7, lam=lam)[-1]
    f_in = exact[:9].reshape(3, 3)
    sigma = q[0] @ reference.cauchy_stress(q[0].T @ stretch(duration) @ q[0], f_in, p) @ q[0].T
    error = tools.deviator(history.stress[-1:] - tools.to_components(sigma)[None, :, None])
    size = np.linalg.norm(tools.deviator(history.stress[-1:]))
    return (
        np.linalg.norm(error) / size,
        np.linalg.norm(inverse + np.eye(3) - np.linalg.inv(f_in)) / np.linalg.norm(f_in - np.eye(3)),
        np.linalg.norm(e - exact[9:21]) / np.linalg.norm(exact[9:21]),
        np.linalg.norm(twin - exact[21:]) / max(np.linalg.norm(exact[21:]), 1e-3),
    )


@pytest.mark.parametrize("case", CASES)
def test_path_agrees_with_the_equations_of_the_paper(tools, case: str) -> None:
    errors = compare(tools, reference.Parameters(**CASES[case]), seed=4, lam=None, twin_rate=1e5)
    # 1000 steps of second order; the competition of twins is the stiffest part.
    assert max(errors[:3]) < 2e-3, errors
    assert errors[3] < 1e-2, errors


def test_twinned_volume_slips_on_the_reflected_systems(tools) -> None:
    lam = np.array([0.35, 0.0, 0.1, 0.0, 0.0, 0.25])
    p = reference.Parameters()
    errors = compare(tools, p, seed=9, lam=lam, twin_rate=0.0)
    assert max(errors) < 1e-3, errors
    # The same path without twinned volume ends elsewhere: the test above does look at reflected slip.
    q = uniform_orientations(1, 9)
    parameters = CrystalParameters()
    parameters.twin_rate = 0.0
    crystal = make_taylor_crystal(q, parameters, "float64")
    path = tools.smooth_path(1000, 9, 0.015, knots=3)
    start = tools.join_state(np.zeros((1, 3, 3)), np.zeros((1, 12)), lam[None])
    plain = tools.deviator(tools.drive(crystal, path, 2e-10).stress[-1:])
    twinned = tools.deviator(tools.drive(crystal, path, 2e-10, start).stress[-1:])
    assert np.linalg.norm(plain - twinned) > 0.1 * np.linalg.norm(plain)
