"""Reference of Johnson and Cook's plasticity with strain rate and adiabatic heating."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from pybridge.reference.law import Answer, ReferenceLaw, StateVariable, Step, deviator, von_mises


class JohnsonCook(ReferenceLaw):
    """y = (A + B p^n) (1 + C ln max(1, rate / rate_0)) (1 - T*^m), solved by Brent's method in each step.

    Constants: E [Pa], nu, A [Pa], B [Pa], n, m, T_melt [K], T_transition [K], C, rate_0 [1/s], specific heat
    [J/(kg K)] (0: isothermal), inelastic heat fraction. The plastic work of a step is dp (q_start + q_new) / 2;
    q_start is the von Mises stress at the start where the point flowed in the step before, the static flow stress
    otherwise.
    """

    state_schema = (
        StateVariable("equivalent_plastic_strain", 1, "1"),
        StateVariable("equivalent_plastic_strain_rate", 1, "1/s"),
        StateVariable("temperature_rise", 1, "K"),
    )

    def __init__(self, constants: Sequence[float]) -> None:
        super().__init__(constants)
        self.a, self.b, self.n, self.m, self.t_melt, self.t_transition, self.c, self.rate_0 = constants[2:10]
        self.specific_heat, self.heat_fraction = constants[10:12]

    def flow_stress(self, p: float, rate: float, temperature: float) -> float:
        """y(p, rate, T)."""
        hotness = (temperature - self.t_transition) / (self.t_melt - self.t_transition)
        thermal = 1 - min(max(hotness, 0.0), 1.0) ** self.m
        fast = self.c > 0 and rate > self.rate_0
        return (
            (self.a + self.b * p**self.n)
            * (1 + self.c * np.log(rate / self.rate_0) if fast else 1.0)
            * thermal
        )

    def point(self, step: Step) -> Answer:
        """The return map at one point."""
        trial = step.stress_old + self.elastic(step.strain_inc)
        q, three_g = von_mises(trial), 3 * self.elastic_moduli.shear
        p_old, rate_old, rise_old = (float(value) for value in step.state_old)
        t_old = (self.t_transition if step.temperature == 0 else step.temperature) + rise_old
        static = self.flow_stress(p_old, 0.0, t_old)
        if q <= static:
            return Answer(trial, np.array([p_old, 0.0, rise_old]), 0.0)
        q_start = von_mises(step.stress_old) if rate_old * step.dt > 0 else static

        def work(dp: float) -> float:
            return dp * (q_start + q - three_g * dp) / 2

        def rise(dp: float) -> float:
            if self.specific_heat == 0:
                return 0.0
            return self.heat_fraction * work(dp) / (step.density * self.specific_heat)

        def rate(dp: float) -> float:
            return dp / step.dt if step.dt > 0 else 0.0

        def residual(dp: float) -> float:
            return q - three_g * dp - self.flow_stress(p_old + dp, rate(dp), t_old + rise(dp))

        root = brentq(residual, 0, q / three_g, xtol=1e-300, rtol=np.float64(1e-14), maxiter=1000)
        assert isinstance(root, float)
        stress = trial - deviator(trial) * (three_g * root / q)
        return Answer(stress, np.array([p_old + root, rate(root), rise_old + rise(root)]), work(root))
