"""Scalar measures of stress and strain in result files, computed in one place (schema.py says what they mean)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stress_measures(stress: NDArray) -> dict[str, NDArray]:
    """mises and pressure (n,) of Cauchy stresses (n, 6) in the order 11 22 33 12 23 13, tension positive."""
    mean = stress[:, :3].mean(axis=1)
    deviator = stress.copy()
    deviator[:, :3] -= mean[:, None]
    return {"mises": np.sqrt(1.5 * (deviator**2 @ [1.0, 1, 1, 2, 2, 2])), "pressure": -mean}


def strain_measures(gradient: NDArray, jacobian: NDArray | None = None) -> dict[str, NDArray]:
    """e_d = |F^T F / J^(2/3) - I| / 2 and e_v = J - 1 [LIU22] 4.1, (n,), of deformation gradients F, or stretches, (n, 3, 3).
    jacobian: J = det F where it is known."""
    j = np.linalg.det(gradient) if jacobian is None else jacobian
    isochoric = gradient.transpose(0, 2, 1) @ gradient / np.cbrt(j)[:, None, None] ** 2
    return {
        "deviatoric_strain": 0.5 * np.sqrt(((isochoric - np.eye(3)) ** 2).sum((1, 2))),
        "volumetric_strain": j - 1.0,
    }
