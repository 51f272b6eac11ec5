"""One block of a material at a time, with its memory in plain sight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

IDENTITY = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])


class Points:
    """n points of a material from the virgin state; step() moves all of them to a stretch [6, n]."""

    def __init__(self, material: Any, n: int) -> None:
        self.material, self.n, dtype = material, n, material.dtype
        self.stretch = np.repeat(IDENTITY[:, None], n, axis=1).astype(dtype)
        self.state = np.zeros((material.state_size, n), dtype)
        self.stress = np.zeros((6, n), dtype)
        self.dissipation = np.zeros(n, dtype)
        self.status = np.zeros(n, np.int32)
        self.time = 0.0

    def step(self, stretch: NDArray, dt: float, strain_inc: NDArray | None = None) -> NDArray:
        dtype = self.material.dtype
        new = np.ascontiguousarray(stretch, dtype)
        stress, state = np.empty_like(self.stress), np.empty_like(self.state)
        self.material.update(
            time_old=self.time, dt=dt, strain_inc=np.zeros((6, self.n), dtype) if strain_inc is None else strain_inc,
            stretch_old=self.stretch, stretch_new=new, temperature=np.zeros(self.n, dtype),
            density=np.ones(self.n, dtype), stress_old=self.stress, state_old=self.state, stress_new=stress,
            state_new=state, dissipation_inc=self.dissipation, status=self.status,
        )  # fmt: skip
        self.stretch, self.stress, self.state, self.time = new, stress, state, self.time + dt
        return stress
