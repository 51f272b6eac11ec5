"""Material points of an implicit run: every trial starts from the last accepted state."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

import pybridge._core as _core
from pybridge.conventions import block_to_matrix
from pybridge.errors import SolverError
from pybridge.material import Material

STIFFNESS = "contact_stiffness"  # 21 numbers of D_ijkl, upper triangle by rows, order 11 22 33 12 23 13
STIFFNESSES = ("own", "tangent", "elastic")
_UPPER = np.triu_indices(6)
_COMPONENTS = {3: np.array([0, 1, 3]), 6: np.arange(6)}  # 11, 22, 12; or all
_ARRAYS = ("stretch", "stress", "state")
PACKINGS = 16  # in a chunk: an increment of one takes up to seconds, and Ctrl-C is heard between chunks


def _nothing() -> None:
    pass


class _Chunk:
    """Some points, with arrays of their own."""

    def __init__(self, material: Material, n: int, components: NDArray, tangent: bool) -> None:
        self.material, self.n, self.components = material, n, components
        self.stretch, self.stress = self._identity(), np.zeros((6, n))
        self.state = np.zeros((material.state_size, n))
        self.trial_stretch, self.trial_stress = self._identity(), np.zeros((6, n))
        self.trial_state = np.zeros_like(self.state)
        self.status, self.dissipation = np.zeros(n, np.int32), np.zeros(n)
        self.rest = np.zeros(n), np.ones(n)
        self.tangent = np.zeros((6, 6, n)) if tangent else None

    def _identity(self) -> NDArray:
        out = np.zeros((6, self.n))
        out[:3] = 1
        return out

    def trial(self, strain: NDArray, time: float, dt: float) -> None:
        self.trial_stretch = self._identity()
        for row, c in enumerate(self.components):
            self.trial_stretch[c] += strain[row] if c < 3 else 0.5 * strain[row]
        block = {
            "time_old": time, "dt": dt, "strain_inc": self.trial_stretch - self.stretch, "stretch_old": self.stretch,
            "stretch_new": self.trial_stretch, "temperature": self.rest[0], "density": self.rest[1],
            "stress_old": self.stress, "state_old": self.state, "stress_new": self.trial_stress,
            "state_new": self.trial_state, "dissipation_inc": self.dissipation, "status": self.status,
        }  # fmt: skip
        if self.tangent is None:
            self.material.update(**block)
        else:
            self.material.update_with_tangent(tangent=self.tangent, **block)  # type: ignore[attr-defined]

    def accept(self) -> None:
        self.stretch, self.trial_stretch = self.trial_stretch, self.stretch
        self.stress, self.trial_stress = self.trial_stress, self.stress
        self.state, self.trial_state = self.trial_state, self.state


class MaterialPoints:
    """n points of one material, in chunks over threads. Strains: 11, 22, 12 (components = 3, plane strain) or all six
    in the package's order, engineering shear.

    stiffness: "own", what the state shows as contact_stiffness (packings and what was learned from them: a secant);
    "tangent", the derivative of the stress, where the material has one; "elastic", the virgin moduli. None takes the
    first of these that there is. stress: (6, n) of the start, Pa; 0 without it. packing: name and guards of a packing, as
    behind packing:, for messages.
    `check` is called before each chunk of a trial: what it raises ends the trial and leaves the accepted state as it is.
    Raises SolverError for single precision, or a stiffness that the material does not have.
    """

    def __init__(
        self, material: Material, n: int, threads: int = 1, *, components: int = 3, stiffness: str | None = None,
        stress: NDArray | None = None, packing: str = "",
    ) -> None:  # fmt: skip
        if np.dtype(material.dtype) != np.float64:
            raise SolverError("the implicit solver runs in double precision: load the material with float64")
        self.material, self.n, self.packing = material, n, packing
        self.components = _COMPONENTS[components]
        names = [v.name for v in material.state_schema]
        counts = np.cumsum([0, *(v.count for v in material.state_schema)])
        self.rows = {
            name: slice(int(a), int(b)) for name, a, b in zip(names, counts[:-1], counts[1:], strict=True)
        }
        self.kind = self._stiffness_kind(stiffness)
        pieces = 4 * threads if threads > 1 else 1
        if isinstance(material, _core.PackingMaterial):
            pieces = max(pieces, n // PACKINGS)
        bounds = np.linspace(0, n, min(n, pieces) + 1).astype(int)
        self.slices = [slice(int(a), int(b)) for a, b in itertools.pairwise(bounds)]
        tangent = self.kind == "tangent"
        self.chunks = [_Chunk(material, s.stop - s.start, self.components, tangent) for s in self.slices]
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.time = 0.0
        self.check: Callable[[], None] = _nothing
        if stress is not None:
            for chunk, where in zip(self.chunks, self.slices, strict=True):
                chunk.stress[:] = stress[:, where]

    def _stiffness_kind(self, wanted: str | None) -> str:
        there = [
            *(["own"] if STIFFNESS in self.rows else []),
            *(["tangent"] if _has_tangent(self.material) else []),
            "elastic",
        ]
        if wanted is not None and wanted not in there:
            raise SolverError(f"stiffness {wanted!r}: this material offers {', '.join(there)}")
        return wanted or there[0]

    def trial(self, strain: NDArray, dt: float = 1.0) -> None:
        """Take strains (components, n) from the last accepted state."""

        def one(job: tuple[_Chunk, slice]) -> None:
            self.check()
            job[0].trial(strain[:, job[1]], self.time, dt)

        jobs = list(zip(self.chunks, self.slices, strict=True))
        if self.pool is None:
            for job in jobs:
                one(job)
        else:
            list(self.pool.map(one, jobs))

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
        """(components, n) of the last trial, Pa."""
        return self.full_stress[self.components]

    @property
    def full_stress(self) -> NDArray:
        """(6, n) of the last trial, Pa."""
        return np.concatenate([chunk.trial_stress for chunk in self.chunks], axis=1)

    @property
    def dissipation(self) -> NDArray:
        """(n,) of the last trial, J/m3."""
        return np.concatenate([chunk.dissipation for chunk in self.chunks])

    def shown(self, name: str) -> NDArray:
        """(count, n) of a state variable, last trial."""
        rows = self.rows[name]
        return np.concatenate([chunk.trial_state[rows] for chunk in self.chunks], axis=1)

    def one(self, index: int) -> tuple[NDArray, NDArray]:
        """The accepted state (state_size,) of a point, and U (3, 3) of its last trial."""
        chunk, where = next(
            (c, w) for c, w in zip(self.chunks, self.slices, strict=True) if w.start <= index < w.stop
        )
        k = index - where.start
        return chunk.state[:, k].copy(), block_to_matrix(chunk.trial_stretch[:, k])

    def stiffness(self) -> NDArray:
        """D (components, components, n), Pa, of the kind chosen."""
        pick = np.ix_(self.components, self.components)
        if self.kind == "tangent":
            return np.concatenate(
                [chunk.tangent for chunk in self.chunks if chunk.tangent is not None], axis=2
            )[pick]
        full = np.zeros((6, 6, self.n))
        if self.kind == "own":
            full[_UPPER] = self.shown(STIFFNESS)
            full[_UPPER[1], _UPPER[0]] = full[_UPPER]
        else:
            moduli = self.material.elastic_moduli
            full[:3, :3] = moduli.bulk - 2 * moduli.shear / 3
            full[np.arange(6), np.arange(6)] += moduli.shear * np.array([2.0, 2, 2, 1, 1, 1])[:, None]
        return full[pick]

    def save(self) -> dict[str, NDArray]:
        """The accepted state as arrays, for restart()."""
        return {k: np.concatenate([getattr(c, k) for c in self.chunks], axis=1) for k in _ARRAYS} | {
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
            for name in _ARRAYS:
                setattr(chunk, name, np.ascontiguousarray(saved[name][:, where]))
        self.time = float(saved["time"])

    def close(self) -> None:
        """Stop the threads."""
        if self.pool:
            self.pool.shutdown()
            self.pool = None


def _has_tangent(material: Material) -> bool:
    """Whether update_with_tangent gives a derivative: asked once, at rest."""
    if not hasattr(material, "update_with_tangent"):
        return False
    one = np.array([1.0, 1, 1, 0, 0, 0])[:, None]
    state = np.zeros((material.state_size, 1))
    return bool(
        material.update_with_tangent(  # type: ignore[attr-defined]
            tangent=np.zeros((6, 6, 1)), time_old=0.0, dt=1.0, strain_inc=np.zeros((6, 1)), stretch_old=one,
            stretch_new=one.copy(), temperature=np.zeros(1), density=np.ones(1), stress_old=np.zeros((6, 1)),
            state_old=state, stress_new=np.zeros((6, 1)), state_new=state.copy(), dissipation_inc=np.zeros(1),
            status=np.zeros(1, np.int32),
        )
    )  # fmt: skip
