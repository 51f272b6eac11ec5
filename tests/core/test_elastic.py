"""The chain from a law's name to a stress, through the bindings."""

from __future__ import annotations

import numpy as np

from pybridge._core import make_law


def test_elastic_law_answers_hooke(rng: np.random.Generator) -> None:
    law = make_law("PYBRIDGE_ELASTIC_STEEL", [200e9, 0.3], "float64")
    n = 5
    strain = rng.normal(size=(6, n)) * 1e-3
    stress_old = rng.normal(size=(6, n)) * 1e6
    stress = np.empty((6, n))
    zeros = np.zeros((6, n))
    law.update(
        time_old=0.0, dt=1e-6, strain_inc=strain, stretch_old=zeros, stretch_new=zeros, temperature=np.zeros(n),
        density=np.ones(n), stress_old=stress_old, state_old=np.zeros((0, n)), stress_new=stress,
        state_new=np.zeros((0, n)), dissipation_inc=np.empty(n), status=np.empty(n, np.int32),
    )  # fmt: skip
    shear = 200e9 / 2.6
    lam = 200e9 * 0.3 / (1.3 * 0.4)
    expected = stress_old + 2 * shear * strain
    expected[:3] += lam * strain[:3].sum(0)
    np.testing.assert_allclose(stress, expected, rtol=1e-13, atol=1e-3)
