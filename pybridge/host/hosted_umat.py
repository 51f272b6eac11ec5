"""A compiled UMAT as a material of the contract (pybridge/material.py), for solvers that iterate: with its tangent."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import UMAT_TO_VUMAT
from pybridge.errors import HostError
from pybridge.host.hosted import HostedMaterial, HostedModuli
from pybridge.host.umat_arguments import UmatSizes, default_umat_arguments
from pybridge.host.umat_library import UmatLibrary

_ORDER = np.array(UMAT_TO_VUMAT)  # UMAT's component k is the package's _ORDER[k]
_BACK = np.argsort(_ORDER)
_SHEAR = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])


class HostedUmat(HostedMaterial):
    """A UMAT, its material name and constants. Points are called one by one, as in a geometrically linear step of
    Abaqus/Standard: DFGRD0 = DFGRD1 = 1, STRAN = U_old - 1, DSTRAN = U_new - U_old.

    library: a path, or None for the package's own; name, constants: as in *MATERIAL, NAME= and *USER MATERIAL; states:
    DEPVAR, for a UMAT that is not pybridge's; model_file: for our own, the file of a surrogate instead of the search by
    name. PNEWDT below 1 is a recoverable failure. Raises HostError.
    """

    def __init__(
        self,
        library: Path | UmatLibrary | None,
        name: str,
        constants: Sequence[float] = (),
        *,
        states: int | None = None,
        model_file: Path | None = None,
    ) -> None:
        self.library = library if isinstance(library, UmatLibrary) else UmatLibrary(library)
        self.name, self.constants = name, [float(c) for c in constants]
        if model_file is not None:
            if not self.library.ours:
                raise HostError(f"model_file: only pybridge's own UMAT reads one, not {self.library.path}")
            self.library.use_model(name, Path(model_file).resolve())
        described = self.library.describe(name, self.constants) if self.library.ours else None
        self._describe("UMAT", states, described)
        self._local = threading.local()
        self._moduli = HostedModuli(described["bulk"], described["shear"]) if described else self._probe()

    @property
    def dtype(self) -> np.dtype:
        """UMAT is double precision."""
        return np.dtype(np.float64)

    def update(self, **block: Any) -> None:
        """The contract's update (pybridge.material)."""
        self._run(block, None)

    def update_with_tangent(self, *, tangent: NDArray, **block: Any) -> bool:
        """The update and DDSDDE = d(stress) / d(strain), tangent (6, 6, n), order 11, 22, 33, 12, 23, 13, engineering
        shear. True: this material has one."""
        self._run(block, tangent)
        return True

    def _buffers(self) -> tuple[dict[str, NDArray], list[Any], list[Any]]:
        if not hasattr(self._local, "arguments"):
            sizes = UmatSizes(3, 3, self.state_size, len(self.constants))
            arguments = default_umat_arguments(sizes, self.name, self.constants)
            self._local.arguments = arguments
            self._local.pointers = (
                self.library.pointers(arguments),
                self.library.pointers(arguments, tangent=not self.library.ours),
            )
        whole, bare = self._local.pointers
        return self._local.arguments, whole, bare

    def _run(self, b: dict[str, Any], tangent: NDArray | None) -> None:
        a, whole, bare = self._buffers()
        pointers = bare if tangent is None else whole
        n, size = b["status"].shape[0], self.state_size
        one = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])[:, None]
        strain = (b["strain_inc"] * _SHEAR[:, None])[_ORDER]
        total = ((b["stretch_old"] - one) * _SHEAR[:, None])[_ORDER]
        stress_old = b["stress_old"][_ORDER]
        jacobian = np.empty((n, 6, 6)) if tangent is not None else None
        a["TIME"][:], a["DTIME"][0] = b["time_old"], b["dt"]
        energies = np.zeros(n)
        for i in range(n):
            a["STRESS"][:], a["STATEV"][:size] = stress_old[:, i], b["state_old"][:, i]
            a["SSE"][0] = a["SPD"][0] = a["SCD"][0] = 0.0
            a["STRAN"][:], a["DSTRAN"][:] = total[:, i], strain[:, i]
            a["TEMP"][0] = b["temperature"][i]
            a["PNEWDT"][0], a["DDSDDE"][:] = 1.0, 0.0
            b["status"][i] = self._call(pointers)
            failed = b["status"][i] != 0 or 0 < a["PNEWDT"][0] < 1
            b["status"][i] = max(b["status"][i], 2 * failed)
            b["stress_new"][:, i] = b["stress_old"][:, i] if failed else a["STRESS"][_BACK]
            b["state_new"][:, i] = b["state_old"][:, i] if failed else a["STATEV"][:size]
            energies[i] = a["SPD"][0]
            if jacobian is not None:
                jacobian[i] = a["DDSDDE"].reshape(6, 6).T
        b["dissipation_inc"][:] = energies
        self._flag(b)
        if jacobian is not None and tangent is not None:
            tangent[:] = jacobian[:, _BACK][:, :, _BACK].transpose(1, 2, 0)

    def _call(self, pointers: list[Any]) -> int:
        """Status of the call: 3 where our own library stops at a point, which an iteration that strays may cause."""
        try:
            self.library.call_pointers(pointers)
        except HostError as error:
            if " stopped at element " not in str(error):
                raise
            return 3
        return 0

    def _flag(self, b: dict[str, Any]) -> None:
        first = 0
        for entry in self._state_schema:
            if entry.name == "unreliable":
                flagged = (b["state_new"][first] != 0) & (b["status"] == 0)
                b["status"][flagged] = 1
            first += entry.count

    def _probe(self) -> HostedModuli:
        """K and G from the tangent of a point at rest."""
        zero, one = np.zeros((6, 1)), np.array([1.0, 1, 1, 0, 0, 0])[:, None]
        tangent = np.zeros((6, 6, 1))
        self.update_with_tangent(
            tangent=tangent, time_old=0.0, dt=1.0, strain_inc=zero, stretch_old=one, stretch_new=one.copy(),
            temperature=np.zeros(1), density=np.ones(1), stress_old=zero, state_old=np.zeros((self.state_size, 1)),
            stress_new=zero.copy(), state_new=np.zeros((self.state_size, 1)), dissipation_inc=np.zeros(1),
            status=np.zeros(1, np.int32),
        )  # fmt: skip
        d = tangent[:, :, 0]
        return HostedModuli(float(d[:3, :3].mean()), float(np.diag(d)[3:].mean()))
