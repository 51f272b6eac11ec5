"""Reference of linear isotropic elasticity in rate form."""

from __future__ import annotations

import numpy as np

from pybridge.reference.law import Answer, ReferenceLaw, Step


class Elastic(ReferenceLaw):
    """sigma_new = sigma_old + C : de. Constants: E [Pa], nu."""

    def point(self, step: Step) -> Answer:
        """Hooke's law for the increment."""
        return Answer(step.stress_old + self.elastic(step.strain_inc), np.zeros(0), 0.0)
