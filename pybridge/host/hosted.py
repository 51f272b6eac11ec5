"""A compiled VUMAT as a material of the contract (pybridge/material.py): called in blocks, as Abaqus does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import defgrad_to_matrix, matrix_to_defgrad
from pybridge.errors import HostError
from pybridge.host.arguments import ARGUMENTS, Sizes, default_arguments
from pybridge.host.kinematics import defgrad_from_stretch, relative_spin
from pybridge.host.library import VumatLibrary

ABAQUS_BLOCK = 136  # points in a block of Abaqus/Explicit


@dataclass(frozen=True)
class HostedState:
    """One named entry of the state."""

    name: str
    count: int = 1
    unit: str = "1"
    description: str = ""


@dataclass(frozen=True)
class HostedModuli:
    """Bulk and shear modulus of the virgin material."""

    bulk: float
    shear: float


@dataclass(frozen=True)
class HostedDomain:
    """Range the material may be trusted in; infinite where it does not say."""

    strain_max: float = float("inf")
    rate_max: float = float("inf")
    time_max: float = float("inf")


_file_bindings: WeakValueDictionary[tuple[str, str], HostedVumat] = WeakValueDictionary()


class HostedMaterial:
    """What VUMAT and UMAT as materials of the contract say of themselves, from the library where it is ours."""

    _state_schema: list[HostedState]
    _domain: HostedDomain
    _moduli: HostedModuli

    def _describe(
        self, subroutine: str, states: int | Sequence[Any] | None, described: dict[str, Any] | None
    ) -> None:
        """State and domain; raises HostError where a stranger's DEPVAR is not given."""
        self._state_schema = self._schema(subroutine, states, described)
        self._domain = HostedDomain(**{k: described[k] for k in ("strain_max", "rate_max", "time_max")}) if (
            described
        ) else HostedDomain()  # fmt: skip

    @staticmethod
    def _schema(
        subroutine: str, states: int | Sequence[Any] | None, described: dict[str, Any] | None
    ) -> list[HostedState]:
        if described is not None:
            return [HostedState(**entry) for entry in described["states"]]
        if states is None:
            raise HostError(
                f"states: expected the number of state variables (DEPVAR) of a {subroutine} that is not pybridge's"
            )
        if isinstance(states, int):
            return [HostedState(f"state_{k + 1}") for k in range(states)]
        return [HostedState(s.name, s.count, s.unit, s.description) for s in states]

    @property
    def state_schema(self) -> list[HostedState]:
        """Named entries of the state."""
        return self._state_schema

    @property
    def state_size(self) -> int:
        """Number of state variables: DEPVAR."""
        return sum(entry.count for entry in self._state_schema)

    @property
    def elastic_moduli(self) -> HostedModuli:
        """From the library where it is ours, else from a call: a VUMAT's data check, as Abaqus finds them, a UMAT's tangent
        at rest."""
        return self._moduli

    @property
    def domain(self) -> HostedDomain:
        """Range the material may be trusted in."""
        return self._domain


class HostedVumat(HostedMaterial):
    """A VUMAT, its material name and constants.

    library: opened with `load_vumat`; name, constants: as in *MATERIAL, NAME= and *USER MATERIAL; states: for a
    stranger's VUMAT, the number or the schema of its state variables (our own tells); model_file, engine: for our
    own, the file and engine of a surrogate instead of the search by name; nblock: points a call; threads: blocks
    in flight at once; guarded: canaries around every array of every call; unwritten: outputs that the VUMAT may
    leave unset (guarded only); two_dimensional: ndir = 3, nshr = 1. Raises HostError.
    """

    def __init__(
        self,
        library: VumatLibrary,
        name: str,
        constants: Sequence[float] = (),
        *,
        states: int | Sequence[Any] | None = None,
        model_file: Path | None = None,
        engine: str = "",
        nblock: int = ABAQUS_BLOCK,
        threads: int = 1,
        guarded: bool = False,
        unwritten: tuple[str, ...] = (),
        two_dimensional: bool = False,
    ) -> None:
        if nblock < 1 or threads < 1:
            raise HostError(f"expected nblock and threads of at least 1, got {nblock} and {threads}")
        self.library = library
        self.name = name
        self.constants = [float(value) for value in constants]
        self._block, self._threads = nblock, threads
        self._guarded, self._unwritten = guarded, unwritten
        self._shear = 1 if two_dimensional else 3
        if model_file is not None:
            self._bind(Path(model_file), engine)
        described = library.describe(name, self.constants) if library.ours else None
        self._describe("VUMAT", states, described)
        self._moduli = (
            HostedModuli(described["bulk"], described["shear"]) if described else self._probe_moduli()
        )
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._local = threading.local()

    def _bind(self, file: Path, engine: str) -> None:
        if not self.library.ours:
            raise HostError(f"model_file: only pybridge's own VUMAT reads one, not {self.library.path}")
        key = (str(self.library.path), self.name.upper())
        other = _file_bindings.get(key)
        if other is not None and other.model_binding != (file.resolve(), engine):
            raise HostError(
                f"material {self.name} is in use with another file or engine, {other.model_binding}; "
                "give this one another name"
            )
        self.model_binding = (file.resolve(), engine)
        self.library.use_model(self.name, file.resolve(), engine)
        _file_bindings[key] = self

    @property
    def dtype(self) -> np.dtype:
        """The library's precision."""
        return self.library.dtype

    def _arguments(self, n: int) -> dict[str, NDArray]:
        sizes = Sizes(n, shear=self._shear, states=self.state_size, constants=len(self.constants))
        return default_arguments(sizes, self.dtype, self.name, self.constants)

    def _probe_moduli(self) -> HostedModuli:
        """K and G from one data-check call with a volumetric and a deviatoric strain, at two points."""
        arguments = self._arguments(2)
        strain = arguments["strainInc"].reshape(-1, 2)
        size = 1e-4
        strain[:3, 0] = size
        strain[:3, 1] = size, -size, 0
        # Textbook subroutines answer the data check with a stress and leave the rest alone.
        rest = ("stateNew", "enerInternNew", "enerInelasNew")
        self.library.call(arguments, guarded=self._guarded, optional=rest)
        stress = arguments["stressNew"].reshape(-1, 2).astype(float)
        return HostedModuli(stress[:3, 0].mean() / (3 * size), (stress[0, 1] - stress[1, 1]) / (4 * size))

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
        defgrad_old: NDArray | None = None,
        defgrad_new: NDArray | None = None,
        rel_spin_inc: NDArray | None = None,
        coordinates: NDArray | None = None,
        char_length: NDArray | None = None,
    ) -> None:
        """The contract's update (pybridge.material), in blocks of nblock points.

        defgrad_*: (9, n), VUMAT order, for subroutines that use F; without it F = U is passed (no rotation).
        rel_spin_inc: (3, n), computed from the stretches where it is not given. coordinates: (3, n); char_length:
        (n,). A status of 1 is that of a state variable named unreliable; a failure is a HostError.
        """
        f_old = defgrad_from_stretch(stretch_old) if defgrad_old is None else defgrad_old
        f_new = defgrad_from_stretch(stretch_new) if defgrad_new is None else defgrad_new
        shear, tensor = self._shear, 3 + self._shear
        if shear == 1:
            f_old, f_new = (matrix_to_defgrad(defgrad_to_matrix(f), 5) for f in (f_old, f_new))
        inputs: dict[str, NDArray] = {
            "strainInc": strain_inc[:tensor],
            "stretchOld": stretch_old[:tensor],
            "stretchNew": stretch_new[:tensor],
            "stressOld": stress_old[:tensor],
            "tempOld": temperature,
            "tempNew": temperature,
            "density": density,
            "defgradOld": f_old,
            "defgradNew": f_new,
        }
        if self.state_size:
            inputs["stateOld"] = state_old
        if rel_spin_inc is None and not self.library.ours:
            rel_spin_inc = relative_spin(stretch_old, stretch_new)
        if rel_spin_inc is not None:
            inputs["relSpinInc"] = rel_spin_inc[:shear]
        if coordinates is not None:
            inputs["coordMp"] = coordinates
        if char_length is not None:
            inputs["charLength"] = char_length
        stress_new[tensor:] = 0
        outputs = {"stressNew": stress_new[:tensor], "enerInelasNew": dissipation_inc}
        if self.state_size:
            outputs["stateNew"] = state_new
        self._run(time_old, dt, inputs, outputs)
        dissipation_inc *= density
        self._set_status(status, state_new)

    def update_full(self, **arguments: Any) -> None:
        """`update` with the true deformation gradients required: defgrad_old, defgrad_new, (9, n)."""
        missing = [k for k in ("defgrad_old", "defgrad_new") if arguments.get(k) is None]
        if missing:
            raise HostError(f"update_full: expected {', '.join(missing)}, arrays (9, n) in VUMAT order")
        self.update(**arguments)

    def _run(
        self, time_old: float, dt: float, inputs: dict[str, NDArray], outputs: dict[str, NDArray]
    ) -> None:
        points = inputs["density"].shape[0]
        starts = range(0, points, self._block)

        def one(start: int) -> None:
            self._run_block(slice(start, min(start + self._block, points)), time_old, dt, inputs, outputs)

        if self._pool is None:
            for start in starts:
                one(start)
        else:
            list(self._pool.map(one, starts))

    def _buffers(self) -> tuple[dict[str, NDArray], list[Any]]:
        """The calling thread's arrays for a whole block, and their addresses."""
        if not hasattr(self._local, "arguments"):
            self._local.arguments = self._arguments(self._block)
            self._local.pointers = self.library.pointers(self._local.arguments)
        return self._local.arguments, self._local.pointers

    def _run_block(
        self, part: slice, time_old: float, dt: float, inputs: dict[str, NDArray], outputs: dict[str, NDArray]
    ) -> None:
        arguments, pointers = self._buffers()
        n = part.stop - part.start
        arguments["nblock"][0] = n
        end = time_old + dt
        if end == 0 and self.library.ours:
            # At time 0 VUMAT takes a call for Abaqus's data check, an elastic answer that leaves the state as it is; the
            # contract has none: a call at rest asks for stress and state of the virgin material. Strangers divide by dt.
            end = np.finfo(self.dtype).tiny
        arguments["stepTime"][0] = arguments["totalTime"][0] = end
        arguments["dt"][0] = dt

        def view(name: str, like: NDArray) -> NDArray:
            flat = arguments[name][: n * (like.shape[0] if like.ndim == 2 else 1)]
            return flat.reshape(-1, n) if like.ndim == 2 else flat

        for name, array in inputs.items():
            view(name, array)[...] = array[..., part]
        if self._guarded:
            self.library.call(self._cut(arguments, n), guarded=True, optional=self._unwritten)
        else:
            self.library.call_pointers(pointers)
        for name, array in outputs.items():
            array[..., part] = view(name, array)

    def _cut(self, arguments: dict[str, NDArray], n: int) -> dict[str, NDArray]:
        """The same memory, each array no longer than the call needs, so that canaries stand right behind."""
        sizes = Sizes(n, shear=self._shear, states=self.state_size, constants=len(self.constants))
        return {a.name: arguments[a.name][: max(a.count(sizes), 1)] for a in ARGUMENTS}

    def _set_status(self, status: NDArray, state_new: NDArray) -> None:
        status[:] = 0
        first = 0
        for entry in self._state_schema:
            if entry.name == "unreliable":
                status[:] = state_new[first] != 0
            first += entry.count
