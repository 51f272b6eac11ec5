"""Fit Johnson-Cook to the fine scale: a classical law that has seen the same material, to compare with.

    Y(p, rate) = (A + B p^n) (1 + C ln max(rate / rate_0, 1)),   von Mises stress in monotone flow

A, B, n, C are fitted, by least squares, to isochoric uniaxial compressions and tensions of the fine scale at several
rates. Elastic constants are those of the virgin fine scale; the fit is isothermal, as the fine scale is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from pybridge.errors import ConfigError
from training.fine_scale import Law, drive
from training.tensors import IDENTITY, deviator, norm

RATES = (1e4, 1e5, 1e6)  # 1/s
STRAINS = 480  # steps a history: 6e-4 each, so that slow ones are integrated well


@dataclass(frozen=True)
class JohnsonCook:
    """Fitted constants: Pa, -, -, 1/s; `error` is the relative rms difference of the von Mises stress."""

    young: float
    poisson: float
    a: float
    b: float
    n: float
    c: float
    rate_0: float
    error: float

    def constants(self) -> list[float]:
        """For PYBRIDGE_JOHNSON_COOK: E, nu, A, B, n, m, T_melt, T_transition, C, rate_0, specific heat 0
        (isothermal), inelastic heat fraction 0."""
        return [
            self.young, self.poisson, self.a, self.b, self.n, 1.0, 923.0, 293.0, self.c, self.rate_0, 0.0, 0.0,
        ]  # fmt: skip


def uniaxial_histories(law: Law, strain: float, rate: float, directions: int = 3) -> tuple[NDArray, NDArray]:
    """Von Mises stress [2 directions, steps + 1] of isochoric compressions and tensions along the axes to a
    logarithmic strain, at a constant logarithmic rate; and the logarithmic strains [steps + 1]."""
    log_strain = np.linspace(0.0, strain, STRAINS + 1)
    stretch = np.zeros((2 * directions, STRAINS + 1, 6))
    for i in range(directions):
        for k, sign in enumerate((-1.0, 1.0)):
            path = np.tile(np.exp(-0.5 * sign * log_strain)[:, None], (1, 6)) * IDENTITY
            path[:, i] = np.exp(sign * log_strain)
            stretch[2 * i + k] = path
    answer = drive(law, log_strain / rate, stretch)
    return np.sqrt(1.5) * norm(deviator(answer.stress)), log_strain


def _model(p: NDArray, strain: NDArray, stress: NDArray, shear: float, rate: float, rate_0: float) -> NDArray:
    """Johnson-Cook at the plastic strain that the measured stress leaves."""
    a, b, n, c = p
    plastic = np.maximum(strain - stress / (3 * shear), 1e-9)
    return (a + b * plastic**n) * (1 + c * np.log(max(rate / rate_0, 1.0)))


def calibrate_johnson_cook(
    law: Law, strain: float = 0.3, rates: Sequence[float] = RATES, rate_0: float | None = None
) -> JohnsonCook:
    """Fit A, B, n, C to the fine scale `law`; raises ConfigError where it fails along a history.

    Points below 1 % strain, mostly elastic, are left out. `rate_0` defaults to the smallest rate.
    """
    reference = min(rates) if rate_0 is None else rate_0
    moduli = law.material().elastic_moduli
    samples = []
    for rate in rates:
        mises, log_strain = uniaxial_histories(law, strain, rate)
        if not np.isfinite(mises).all():
            raise ConfigError(
                f"{law.name} has no answer for uniaxial strain {strain} at {rate:g} 1/s; lower the strain"
            )
        chosen = log_strain > 0.01
        samples.append((rate, log_strain[chosen], mises[:, chosen].mean(axis=0)))

    def residual(p: NDArray) -> NDArray:
        return np.concatenate([
            _model(p, strain, stress, moduli.shear, rate, reference) / stress - 1.0 for rate, strain, stress in samples
        ])  # fmt: skip

    level = float(np.mean(samples[0][2]))
    fit = least_squares(
        residual,
        x0=[0.5 * level, level, 0.3, 0.05],
        bounds=([1e-3 * level, 0.0, 0.01, 0.0], [10 * level, 100 * level, 2.0, 5.0]),
        x_scale=[level, level, 0.1, 0.1],
    )
    bulk, shear = moduli.bulk, moduli.shear
    young, poisson = 9 * bulk * shear / (3 * bulk + shear), (3 * bulk - 2 * shear) / (2 * (3 * bulk + shear))
    a, b, n, c = (float(v) for v in fit.x)
    error = float(np.sqrt(np.mean(fit.fun**2)))
    return JohnsonCook(young, poisson, a, b, n, c, float(reference), error)
