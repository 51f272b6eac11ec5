"""A model file run by TorchScript in Python: the slowest engine, and the one with the least between it and training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import ModelFileError


@dataclass(frozen=True)
class _State:
    name: str
    count: int
    unit: str
    description: str


@dataclass(frozen=True)
class _Moduli:
    bulk: float
    shear: float


@dataclass(frozen=True)
class _Domain:
    strain_max: float = float("inf")
    rate_max: float = float("inf")
    time_max: float = float("inf")


class TorchScriptMaterial:
    """Material of the contract from NAME.pt. Raises ModelFileError where the file cannot be read."""

    def __init__(self, path: Path, precision: str = "float64") -> None:
        import torch

        extra: dict[str, Any] = {"card.json": ""}
        try:
            self._module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra).eval()
            card = json.loads(extra["card.json"])
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelFileError(
                f"{path}: not a readable model file ({str(error).splitlines()[0]}); expected NAME.pt written by "
                "`pybridge export`"
            ) from error
        self._module = self._module.double() if precision == "float64" else self._module.float()
        self.dtype = np.dtype(precision)
        self.state_schema = [
            _State(s["name"], s["count"], s["unit"], s["description"]) for s in card["state_schema"]
        ]
        self.state_size = sum(s.count for s in self.state_schema)
        self.elastic_moduli = _Moduli(**card["elastic_moduli"])
        self.domain = _Domain(**{k: v for k, v in card.get("domain", {}).items() if v is not None})

    def update(
        self, *, time_old: float, dt: float, strain_inc: NDArray, stretch_old: NDArray, stretch_new: NDArray,
        temperature: NDArray, density: NDArray, stress_old: NDArray, state_old: NDArray, stress_new: NDArray,
        state_new: NDArray, dissipation_inc: NDArray, status: NDArray,
    ) -> None:  # fmt: skip
        """The contract's update. dissipation_inc: work less the change of the virgin moduli's elastic energy."""
        import torch

        arrays = (stretch_old, stretch_new, temperature, state_old)
        with torch.inference_mode():
            stress, state, flag = self._module(
                time_old, dt, *(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)
            )
        stress_new[:], state_new[:], status[:] = stress.numpy(), state.numpy(), flag.numpy()
        failed = status >= 2
        stress_new[:, failed], state_new[:, failed] = stress_old[:, failed], state_old[:, failed]
        twice = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0], self.dtype)[:, None]
        work = 0.5 * (twice * (stress_old + stress_new) * strain_inc).sum(0)
        dissipation_inc[:] = work - (
            self._elastic_energy(stress_new, twice) - self._elastic_energy(stress_old, twice)
        )

    def _elastic_energy(self, stress: NDArray, twice: NDArray) -> NDArray:
        mean = stress[:3].sum(0) / 3.0
        deviator = stress.copy()
        deviator[:3] -= mean
        shear = (twice * deviator**2).sum(0) / (4.0 * self.elastic_moduli.shear)
        return mean**2 / (2.0 * self.elastic_moduli.bulk) + shear
