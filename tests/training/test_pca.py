"""PCA coefficients: equality of the loss, exactness for any time steps, held histories."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.pca import (
    antiderivative,
    component_modes,
    modes_of,
    primitive_of,
    project,
    reconstruction_error,
    running,
)  # fmt: skip
from training.tensors import FROBENIUS
from training.train import Held, Trainer, held_loss, history_loss, split


@pytest.fixture
def tables(j2_data):
    return primitive_of(component_modes(j2_data.strain, 8))


def test_modes_are_orthonormal_vanish_at_the_start_and_are_recovered(j2_data, tables):
    modes = component_modes(j2_data.strain, 8)
    np.testing.assert_allclose(
        modes @ modes.transpose(0, 2, 1), np.broadcast_to(np.eye(8), (6, 8, 8)), atol=1e-12
    )
    np.testing.assert_allclose(modes[..., 0], 0, atol=1e-12)
    np.testing.assert_allclose(modes_of(tables), modes, atol=1e-11)


def test_more_modes_leave_less(j2_data):
    left = [
        reconstruction_error(component_modes(j2_data.strain, m), j2_data.strain, FROBENIUS).mean()
        for m in (2, 8, 32)
    ]
    assert left[0] > 2 * left[1] > 4 * left[2]


def test_coefficients_are_the_projection_integral(j2_data):
    """c = (1/T) int phi E dt against fine quadrature of mode and strain, both linear between grid times."""
    modes = component_modes(j2_data.strain, 8)
    n = modes.shape[-1] - 1
    fine = np.linspace(0, n, 50 * n + 1)
    middle = 0.5 * (fine[1:] + fine[:-1])
    c = project(primitive_of(modes), j2_data.strain[:3]).reshape(3, 6, 8)
    for k in (0, 4):
        strain = np.interp(middle, np.arange(n + 1), j2_data.strain[1, :, k])
        for j in (0, 7):
            mode = np.interp(middle, np.arange(n + 1), modes[k, j]) * np.sqrt(n)
            # Phi is linear between grid times where the primitive of a linear mode is quadratic: O(h^2) apart.
            scale = np.abs(c[1, k]).max()
            assert c[1, k, j] == pytest.approx((mode * strain).mean(), abs=3e-3 * scale)


def test_running_ends_at_the_projection_for_any_sequence_of_steps(j2_data, tables, rng):
    time, strain = j2_data.time, j2_data.strain[:5]
    whole = project(tables, strain)
    np.testing.assert_allclose(
        running(tables, time, time, strain)[:, -1].reshape(5, -1), whole, rtol=0, atol=1e-15
    )
    # Extra times at random places on the same (piecewise linear) histories change nothing.
    extra = np.union1d(time, rng.uniform(0, time[-1], 173))
    finer = np.stack([[np.interp(extra, time, path[:, k]) for k in range(6)] for path in strain]).transpose(
        0, 2, 1
    )
    np.testing.assert_allclose(
        running(tables, time, extra, finer)[:, -1].reshape(5, -1), whole, rtol=0, atol=1e-14
    )


def test_running_coefficients_are_those_of_the_held_history(j2_data, tables):
    time, strain, at = j2_data.time, j2_data.strain[:4], 37
    held = strain.copy()
    held[:, at:] = strain[:, at : at + 1]
    c = running(tables, time, time, strain)[:, at].reshape(4, -1)
    np.testing.assert_allclose(c, project(tables, held), rtol=0, atol=1e-14)


def test_antiderivative_is_exact_between_grid_times(tables, j2_data):
    time = j2_data.time
    t = np.array([0.0, 0.3, 17.25, 99.9, 100.0]) * time[1]
    for k, j in ((0, 0), (3, 7)):
        for at, value in zip(t, antiderivative(tables, time, t)[k, j], strict=True):
            nodes = np.union1d(time[time <= at], [0.0, at])
            phi = np.interp(nodes, time, tables[k, j])
            assert value == pytest.approx(np.trapezoid(phi, nodes), abs=1e-13 * time[-1])


def test_loss_in_coefficients_is_the_error_of_the_decoded_history(j2_data, small_config):
    """|sigma - sum a psi|^2 = |a - a*|^2 + constant: exact, so that training never decodes."""
    trainer = Trainer.start(small_config, *split(j2_data, 0.1, 0))
    data, bases = trainer.training, trainer.bases
    chosen = torch.arange(20)
    a = trainer.network(data.x[0, chosen])
    fast = history_loss(a, data, chosen).item()
    training = split(j2_data, 0.1, 0)[0]
    model = trainer.surrogate({"training": {}})
    predicted = model.history(training.time, training.strain[:20])
    residual = (predicted - training.stress[:20]) ** 2 * FROBENIUS
    truth = training.stress[:20] - model.pressure_part(training.strain[:20])
    size = (truth**2 * FROBENIUS).sum(axis=(1, 2))
    slow = np.sqrt(residual.sum(axis=(1, 2)) / size).mean()
    assert fast == pytest.approx(slow, rel=1e-9)
    assert len(bases.pressure) == 3


def test_held_loss_is_the_error_in_the_solver(j2_data, small_config):
    trainer = Trainer.start(small_config, j2_data, None)
    tables = Held.of(trainer.bases, torch.float64, "cpu")
    chosen, step = torch.arange(12), torch.arange(3, 99, 8)
    fast = held_loss(trainer.network, trainer.training, tables, chosen, step).item()
    model = trainer.surrogate({"training": {}})
    strain, stress = j2_data.strain[:12], j2_data.stress[:12]
    error = (model.in_solver(j2_data.time, strain) - stress) ** 2 * FROBENIUS
    truth = ((stress - model.pressure_part(strain)) ** 2 * FROBENIUS).sum(axis=(1, 2))
    at = error[np.arange(12), step.numpy() + 1].sum(1) * 100
    assert fast == pytest.approx(np.sqrt((at / truth).mean()), rel=1e-6)
