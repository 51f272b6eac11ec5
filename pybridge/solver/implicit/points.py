"""Material points of an implicit run: every trial starts from the last accepted state."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.material import Material

STIFFNESS = "contact_stiffness"  # 21 numbers of D_ijkl, upper triangle by rows, order 11 22 33 12 23 13
_UPPER = np.triu_indices(6)
_PLANE = np.array([0, 1, 3])  # 11, 22, 12
DIFFERENCE = 1e-6  # strain of the differences


class _Chunk:
    """Some points, with arrays of their own."""

    def __init__(self, material: Material, n: int) -> None:
        self.material, self.n = material, n
        self.stretch, self.stress = self._identity(), np.zeros((6, n))
        self.state = np.zeros((material.state_size, n))
        self.trial_stretch, self.trial_stress = self._identity(), np.zeros((6, n))
        self.trial_state = np.zeros_like(self.state)
        self.status, self.dissipation = np.zeros(n, np.int32), np.zeros(n)
        self.rest = np.zeros(n), np.ones(n)

    def _identity(self) -> NDArray:
        out = np.zeros((6, self.n))
        out[:3] = 1
        return out

    def trial(self, strain: NDArray, time: float, dt: float) -> None:
        self.trial_stretch = self._identity()
        self.trial_stretch[0] += strain[0]
        self.trial_stretch[1] += strain[1]
        self.trial_stretch[3] = 0.5 * strain[2]
        self.material.update(
            time_old=time, dt=dt, strain_inc=self.trial_stretch - self.stretch, stretch_old=self.stretch,
            stretch_new=self.trial_stretch, temperature=self.rest[0], density=self.rest[1], stress_old=self.stress,
            state_old=self.state, stress_new=self.trial_stress, state_new=self.trial_state,
            dissipation_inc=self.dissipation, status=self.status,
        )  # fmt: skip

    def accept(self) -> None:
        self.stretch, self.trial_stretch = self.trial_stretch, self.stretch
        self.stress, self.trial_stress = self.trial_stress, self.stress
        self.state, self.trial_state = self.trial_state, self.state


class MaterialPoints:
    """n points of one material, in chunks over threads. Strains in the plane: 11, 22, 12 (engineering)."""

    def __init__(self, material: Material, n: int, threads: int = 1) -> None:
        if np.dtype(material.dtype) != np.float64:
            raise SolverError("the implicit solver runs in double precision: load the material with float64")
        self.material, self.n = material, n
        bounds = np.linspace(0, n, min(n, max(1, 4 * threads if threads > 1 else 1)) + 1).astype(int)
        self.slices = [slice(int(a), int(b)) for a, b in itertools.pairwise(bounds)]
        self.chunks = [_Chunk(material, s.stop - s.start) for s in self.slices]
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.time = 0.0
        names = [v.name for v in material.state_schema]
        counts = np.cumsum([0, *(v.count for v in material.state_schema)])
        self.rows = {
            name: slice(int(a), int(b)) for name, a, b in zip(names, counts[:-1], counts[1:], strict=True)
        }

    def trial(self, strain: NDArray, dt: float = 1.0) -> None:
        """Take strains (3, n) from the last accepted state."""
        jobs = list(zip(self.chunks, self.slices, strict=True))
        if self.pool is None:
            for chunk, where in jobs:
                chunk.trial(strain[:, where], self.time, dt)
        else:
            list(self.pool.map(lambda job: job[0].trial(strain[:, job[1]], self.time, dt), jobs))

    def accept(self, dt: float = 1.0) -> None:
        """The trial becomes the accepted state."""
        for chunk in self.chunks:
            chunk.accept()
        self.time += dt

    @property
    def status(self) -> NDArray:
        """(n,) of the last trial."""
        return np.concatenate([chunk.status for chunk in self.chunks])

    @property
    def stress(self) -> NDArray:
        """(3, n) of the last trial, Pa."""
        return np.concatenate([chunk.trial_stress[_PLANE] for chunk in self.chunks], axis=1)

    def shown(self, name: str) -> NDArray:
        """(count, n) of a state variable, last trial."""
        rows = self.rows[name]
        return np.concatenate([chunk.trial_state[rows] for chunk in self.chunks], axis=1)

    def stiffness(self) -> NDArray:
        """D (3, 3, n), Pa: the material's own where its state shows one, isotropic and elastic otherwise."""
        if STIFFNESS not in self.rows:
            moduli = self.material.elastic_moduli
            lame = moduli.bulk - 2 * moduli.shear / 3
            d = lame * np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 0]]) + moduli.shear * np.diag([2.0, 2, 1])
            return np.repeat(d[:, :, None], self.n, axis=2)
        full = np.zeros((6, 6, self.n))
        full[_UPPER] = self.shown(STIFFNESS)
        full[_UPPER[1], _UPPER[0]] = full[_UPPER]
        return full[np.ix_(_PLANE, _PLANE)]

    def save(self) -> dict[str, NDArray]:
        """The accepted state as arrays, for restart()."""
        names = ("stretch", "stress", "state")
        return {k: np.concatenate([getattr(c, k) for c in self.chunks], axis=1) for k in names} | {
            "time": np.array(self.time)
        }

    def restart(self, saved: dict[str, NDArray]) -> None:
        """Go back to what save() gave; raises SolverError where it is of another material or mesh."""
        if saved["state"].shape != (self.material.state_size, self.n):
            raise SolverError(
                f"restart: a state of shape {saved['state'].shape}, expected {(self.material.state_size, self.n)}: "
                "another material or mesh"
            )
        for chunk, where in zip(self.chunks, self.slices, strict=True):
            for name in ("stretch", "stress", "state"):
                setattr(chunk, name, np.ascontiguousarray(saved[name][:, where]))
        self.time = float(saved["time"])
