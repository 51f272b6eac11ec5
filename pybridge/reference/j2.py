"""Reference of von Mises plasticity with tabulated isotropic hardening."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from pybridge.reference.law import Answer, ReferenceLaw, StateVariable, Step, deviator, von_mises


class J2(ReferenceLaw):
    """Radial return onto q = y(p), found by bisection on the interpolated curve.

    Constants: E [Pa], nu, then pairs of yield stress [Pa] and plastic strain; y is linear between the pairs and
    constant beyond the last.
    """

    state_schema = (StateVariable("equivalent_plastic_strain", 1, "1"),)

    def __init__(self, constants: Sequence[float]) -> None:
        super().__init__(constants)
        self.yield_stress = np.asarray(constants[2::2], dtype=float)
        self.plastic_strain = np.asarray(constants[3::2], dtype=float)

    def flow_stress(self, p: float) -> float:
        """y(p)."""
        return float(np.interp(p, self.plastic_strain, self.yield_stress))

    def work(self, p_old: float, p_new: float) -> float:
        """Integral of y over [p_old, p_new]."""
        inside = self.plastic_strain[(self.plastic_strain > p_old) & (self.plastic_strain < p_new)]
        nodes = np.concatenate([[p_old], inside, [p_new]])
        return float(np.trapezoid(np.interp(nodes, self.plastic_strain, self.yield_stress), nodes))

    def point(self, step: Step) -> Answer:
        """The return map at one point."""
        trial = step.stress_old + self.elastic(step.strain_inc)
        q, p_old = von_mises(trial), float(step.state_old[0])
        if q <= self.flow_stress(p_old):
            return Answer(trial, step.state_old.copy(), 0.0)
        three_g = 3 * self.elastic_moduli.shear
        increment = brentq(
            lambda dp: q - three_g * dp - self.flow_stress(p_old + dp), 0, q / three_g, xtol=1e-300
        )
        assert isinstance(increment, float)
        stress = trial - deviator(trial) * (three_g * increment / q)
        return Answer(stress, np.array([p_old + increment]), self.work(p_old, p_old + increment))
