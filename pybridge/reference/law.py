"""What the reference laws share: the material contract around one point's answer in matrix form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import block_to_matrix, matrix_to_block


@dataclass(frozen=True)
class StateVariable:
    """One named entry of a material's state (cpp/core/schema.h)."""

    name: str
    count: int
    unit: str
    description: str = ""


@dataclass(frozen=True)
class ElasticModuli:
    """Bulk and shear modulus, Pa."""

    bulk: float
    shear: float


@dataclass(frozen=True)
class Domain:
    """Range the law may be trusted in; unlimited."""

    strain_max: float = float("inf")
    rate_max: float = float("inf")
    time_max: float = float("inf")


@dataclass(frozen=True)
class Step:
    """One point's increment: 3x3 tensors in the frame of R, Pa, s, K, kg/m3."""

    stress_old: NDArray
    strain_inc: NDArray
    state_old: NDArray
    dt: float
    temperature: float
    density: float


@dataclass(frozen=True)
class Answer:
    """One point's answer: stress (3, 3), state, inelastic work per volume."""

    stress: NDArray
    state: NDArray
    dissipation: float


class ReferenceLaw:
    """A law of isotropic elasticity E, nu = constants[:2]; subclasses give `point` and `state_schema`."""

    state_schema: tuple[StateVariable, ...] = ()

    def __init__(self, constants: Sequence[float]) -> None:
        young, poisson = float(constants[0]), float(constants[1])
        self.elastic_moduli = ElasticModuli(young / (3 * (1 - 2 * poisson)), young / (2 * (1 + poisson)))
        self.domain = Domain()
        self.dtype = np.dtype(np.float64)

    @property
    def state_size(self) -> int:
        """Number of state components."""
        return sum(variable.count for variable in self.state_schema)

    def elastic(self, strain: NDArray) -> NDArray:
        """Hooke's law, sigma = K tr(e) 1 + 2 G dev(e), of a (3, 3) strain."""
        mean = np.trace(strain) / 3 * np.eye(3)
        return 3 * self.elastic_moduli.bulk * mean + 2 * self.elastic_moduli.shear * (strain - mean)

    def point(self, step: Step) -> Answer:
        """The law itself, at one point."""
        raise NotImplementedError

    def update(
        self,
        *,
        time_old: float,
        dt: float,
        strain_inc: NDArray,
        stretch_old: NDArray,
        stretch_new: NDArray,
        temperature: NDArray,
        density: NDArray,
        stress_old: NDArray,
        state_old: NDArray,
        stress_new: NDArray,
        state_new: NDArray,
        dissipation_inc: NDArray,
        status: NDArray,
    ) -> None:
        """The contract's update (pybridge.material.Material), point by point."""
        del time_old, stretch_old, stretch_new
        stress, strain = block_to_matrix(stress_old), block_to_matrix(strain_inc)
        for i in range(len(temperature)):
            inputs = (stress[:, :, i], strain[:, :, i], state_old[:, i], temperature[i], density[i])
            if not all(np.all(np.isfinite(value)) for value in inputs):
                stress_new[:, i], state_new[:, i] = stress_old[:, i], state_old[:, i]
                dissipation_inc[i], status[i] = 0.0, 3
                continue
            step = Step(*inputs[:3], dt=dt, temperature=float(temperature[i]), density=float(density[i]))
            answer = self.point(step)
            stress_new[:, i], state_new[:, i] = matrix_to_block(answer.stress), answer.state
            dissipation_inc[i], status[i] = answer.dissipation, 0


def deviator(tensor: NDArray) -> NDArray:
    """tensor - tr(tensor) / 3 1, (3, 3)."""
    return tensor - np.trace(tensor) / 3 * np.eye(3)


def von_mises(stress: NDArray) -> float:
    """sqrt(3/2 s : s) of a (3, 3) stress with deviator s."""
    return float(np.sqrt(1.5 * np.sum(deviator(stress) ** 2)))
