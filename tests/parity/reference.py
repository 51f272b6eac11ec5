"""The built-in laws once more, in plain Python: scalar root finding by bracketing instead of the kernels' own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq


def mises(stress: NDArray) -> float:
    """Von Mises stress of six tensor components."""
    deviator = stress.copy()
    deviator[:3] -= stress[:3].mean()
    return float(np.sqrt(1.5 * (deviator[:3] @ deviator[:3] + 2 * deviator[3:] @ deviator[3:])))


@dataclass
class Point:
    """Stress and state of one point."""

    stress: NDArray
    state: NDArray
    dissipation: float = 0.0


class Law:
    """Radial return around `hardening`: s_new = s_trial (q - 3 G dp) / q."""

    states = 0

    def __init__(self, young: float, poisson: float) -> None:
        self.shear = young / (2 * (1 + poisson))
        self.lam = young * poisson / ((1 + poisson) * (1 - 2 * poisson))

    def trial(self, stress: NDArray, strain_inc: NDArray) -> NDArray:
        """sigma + lambda tr(de) 1 + 2 G de."""
        result = stress + 2 * self.shear * strain_inc
        result[:3] += self.lam * strain_inc[:3].sum()
        return result

    def step(self, point: Point, strain_inc: NDArray, dt: float, density: float) -> Point:
        """One increment."""
        return Point(self.trial(point.stress, strain_inc), point.state.copy())

    def returned(self, trial: NDArray, dp: float) -> NDArray:
        """The trial stress with its deviator scaled."""
        mean = np.zeros(6)
        mean[:3] = trial[:3].mean()
        return mean + (trial - mean) * (1 - 3 * self.shear * dp / mises(trial))


class J2(Law):
    """Tabulated isotropic hardening; state: equivalent plastic strain."""

    states = 1

    def __init__(self, young: float, poisson: float, *table: float) -> None:
        super().__init__(young, poisson)
        self.stress, self.strain = np.array(table[::2]), np.array(table[1::2])

    def flow(self, p: float) -> float:
        """Yield stress, constant beyond the last point."""
        return float(np.interp(p, self.strain, self.stress))

    def step(self, point: Point, strain_inc: NDArray, dt: float, density: float) -> Point:
        """One increment; the dissipation integrates the yield stress over dp by many trapezoids."""
        trial = self.trial(point.stress, strain_inc)
        q, p = mises(trial), point.state[0]
        if q <= self.flow(p):
            return Point(trial, point.state.copy())
        dp = brentq(lambda x: q - 3 * self.shear * x - self.flow(p + x), 0, q / (3 * self.shear), xtol=1e-17)
        inside = self.strain[(self.strain > p) & (self.strain < p + dp)]
        path = np.concatenate([[p], inside, [p + dp]])
        work = np.trapezoid([self.flow(x) for x in path], path)
        return Point(self.returned(trial, dp), np.array([p + dp]), float(work))


class JohnsonCook(Law):
    """Rate and adiabatic heating; state: equivalent plastic strain, its rate, temperature rise."""

    states = 3

    def __init__(self, young, poisson, a, b, n, m, melt, transition, c, rate_0, specific_heat, fraction) -> None:
        super().__init__(young, poisson)
        self.a, self.b, self.n, self.m, self.melt, self.transition = a, b, n, m, melt, transition
        self.c, self.rate_0, self.specific_heat, self.fraction = c, rate_0, specific_heat, fraction

    def flow(self, p: float, rate: float, temperature: float) -> float:
        """(A + B p^n) (1 + C ln rate*) (1 - T*^m)."""
        homologous = np.clip((temperature - self.transition) / (self.melt - self.transition), 0, 1)
        logarithm = np.log(max(1.0, rate / self.rate_0))
        return float((self.a + self.b * p**self.n) * (1 + self.c * logarithm) * (1 - homologous**self.m))

    def step(self, point: Point, strain_inc: NDArray, dt: float, density: float) -> Point:
        """One increment; heated by the mean of the flow stresses at its start and end."""
        trial = self.trial(point.stress, strain_inc)
        q, (p, rate, rise) = mises(trial), point.state
        heat = self.fraction / (density * self.specific_heat)
        start = mises(point.stress) if rate > 0 else self.flow(p, 0.0, self.transition + rise)
        if q <= self.flow(p, 0.0, self.transition + rise):
            return Point(trial, np.array([p, 0.0, rise]))

        def work(x: float) -> float:
            return x * (start + q - 3 * self.shear * x) / 2

        def residual(x: float) -> float:
            return q - 3 * self.shear * x - self.flow(p + x, x / dt, self.transition + rise + heat * work(x))

        dp = brentq(residual, 0, q / (3 * self.shear), xtol=1e-17)
        state = np.array([p + dp, dp / dt, rise + heat * work(dp)])
        return Point(self.returned(trial, dp), state, work(dp))
