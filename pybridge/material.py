"""The material contract as Python sees it: what the solver, the host and the training code pass to each other.

Arrays of a block have shape (components, points) in C order, so that points run fastest as in VUMAT's
(nblock, component) arrays. Symmetric tensors: tensor components 11, 22, 33, 12, 23, 13, in the frame of R, F = R U.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class StateVariable(Protocol):
    """One named entry of a material's state (cpp/core/schema.h)."""

    @property
    def name(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def description(self) -> str: ...


class ElasticModuli(Protocol):
    """Bulk and shear modulus of the virgin material, Pa."""

    @property
    def bulk(self) -> float: ...
    @property
    def shear(self) -> float: ...


class Domain(Protocol):
    """Range the material may be trusted in: strain |U - I|, rate |dU/dt| (1/s), time (s); inf if unlimited."""

    @property
    def strain_max(self) -> float: ...
    @property
    def rate_max(self) -> float: ...
    @property
    def time_max(self) -> float: ...


class Material(Protocol):
    """What every material offers: built-in laws and surrogates (pybridge._core), hosted VUMATs, Python laws.

    A state of zeros is the virgin material. `update` writes stress_new (6, n), state_new (state_size, n),
    dissipation_inc (n,) [J/m3] and status (n,) int32 [0 ok, 1 unreliable, 2 recoverable, 3 fatal] in place.
    """

    @property
    def state_schema(self) -> list[StateVariable]: ...
    @property
    def state_size(self) -> int: ...
    @property
    def elastic_moduli(self) -> ElasticModuli: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def dtype(self) -> np.dtype: ...

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
    ) -> None: ...
