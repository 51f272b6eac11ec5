"""One material point driven through a history of F by a compiled UMAT, as Abaqus/Standard or CalculiX drives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge._core import kinematics
from pybridge.conventions import (
    UMAT_TO_VUMAT,
    block_to_matrix,
    matrix_to_block,
    matrix_to_defgrad,
    umat_stress_to_block,
)
from pybridge.errors import HostError
from pybridge.host.umat_arguments import UmatSizes, default_umat_arguments
from pybridge.host.umat_library import UmatLibrary

HOSTS = ("abaqus", "calculix")


@dataclass(frozen=True)
class UmatAnswer:
    """What one call answered.

    stress: Cauchy stress in the global basis, (3, 3); corotational: the same in the frame of R, (6,) in the
    package's order; state: (states,); tangent: DDSDDE as passed, (components, components); energies: SSE, SPD, SCD
    as passed; next_dt: PNEWDT, below 1 where the host is asked for a smaller increment (stress and state are then
    the old ones).
    """

    stress: NDArray
    corotational: NDArray
    state: NDArray
    tangent: NDArray
    energies: NDArray
    next_dt: float

    @property
    def answered(self) -> bool:
        """False where a smaller increment is asked for."""
        return not 0 < self.next_dt < 1


def rotation_increment(f_old: NDArray, f_new: NDArray) -> NDArray:
    """Hughes and Winget's rotation (1980, doi:10.1002/nme.1620151210), how Abaqus finds DROT, (3, 3).

    With G = (F_new - F_old) inv(F_mid), F_mid the mean, w = skew(G): inv(1 - w / 2) (1 + w / 2).
    """
    gradient = (f_new - f_old) @ np.linalg.inv((f_new + f_old) / 2)
    spin = (gradient - gradient.T) / 2
    return np.linalg.solve(np.eye(3) - spin / 2, np.eye(3) + spin / 2)


class UmatPoint:
    """A point with its stress, state and energies.

    library: opened; name, constants: as in *MATERIAL, NAME= and *USER MATERIAL; states: for a UMAT that is not
    pybridge's; host: "abaqus" (STRESS global, turned by DROT before the call) or "calculix" (STRESS is R^T sigma R;
    the name is passed as @ABAQUSNL_STANDARDU@NAME); plane: NDI, NSHR = 3, 1. Raises HostError.
    """

    def __init__(
        self,
        library: UmatLibrary,
        name: str,
        constants: Sequence[float] = (),
        *,
        states: int | None = None,
        host: str = "abaqus",
        plane: bool = False,
        guarded: bool = False,
        temperature: float = 0.0,
    ) -> None:
        if host not in HOSTS:
            raise HostError(f"host: expected one of {', '.join(HOSTS)}, got {host}")
        if states is None:
            if not library.ours:
                raise HostError("states: expected DEPVAR of a UMAT that is not pybridge's")
            described = library.describe(name, [float(c) for c in constants])
            states = sum(int(entry["count"]) for entry in described["states"])
        self.library, self._host, self._guarded = library, host, guarded
        self._name = name if host == "abaqus" else f"@ABAQUSNL_STANDARDU@{name.replace('_', '-')}"
        self._constants = [float(value) for value in constants]
        self._sizes = UmatSizes(3, 1 if plane else 3, states, len(self._constants))
        self._temperature = temperature
        self.f = np.eye(3)
        self.time = 0.0
        self.corotational = np.zeros(6)
        self.state = np.zeros(states)
        self.energies = np.zeros(3)

    def arguments(self, f_new: NDArray, dt: float) -> dict[str, NDArray]:
        """All arguments of the call that takes the point to F = f_new, (3, 3), in dt."""
        stretch_old, stretch_new, strain_inc, rotation = _motion(self.f, f_new)
        result = default_umat_arguments(self._sizes, self._name, self._constants)
        calculix = self._host == "calculix"
        turn = rotation @ _rotation(self.f).T if calculix else rotation_increment(self.f, f_new)
        order = list(UMAT_TO_VUMAT[: self._sizes.components])
        stress = self.corotational
        if not calculix:
            frame = turn @ _rotation(self.f)
            stress = matrix_to_block(frame @ block_to_matrix(stress) @ frame.T)
        result["STRESS"][:] = stress[order]
        result["STATEV"][: self.state.size] = self.state
        result["SSE"][0], result["SPD"][0], result["SCD"][0] = self.energies
        log_old, log_new = (_logarithm(u) for u in (stretch_old, stretch_new))
        # Abaqus integrates the strain in the turned basis; ours uses the deformation gradients.
        engineering = np.where(np.arange(6) < 3, 1.0, 2.0)
        result["STRAN"][:] = (engineering * matrix_to_block(log_old))[order]
        increment = matrix_to_block(log_new - log_old) if calculix else strain_inc
        result["DSTRAN"][:] = (engineering * increment)[order]
        result["TIME"][:] = self.time
        result["DTIME"][0] = dt
        result["TEMP"][0] = self._temperature
        result["DROT"][:] = turn.T.ravel()
        result["DFGRD0"][:], result["DFGRD1"][:] = self.f.T.ravel(), f_new.T.ravel()
        result["PNEWDT"][0] = -1 if calculix else 1
        return result

    def trial(self, f_new: NDArray, dt: float) -> UmatAnswer:
        """The answer for F = f_new, (3, 3), dt later; the point stays where it is."""
        arguments = self.arguments(np.asarray(f_new, float), dt)
        self.library.call(arguments, guarded=self._guarded)
        n, stress = self._sizes.components, umat_stress_to_block(arguments["STRESS"])
        rotation, answered = _rotation(f_new), not 0 < arguments["PNEWDT"][0] < 1
        if not answered:
            corotational = self.corotational
        elif self._host == "calculix":
            corotational = stress
        else:
            corotational = matrix_to_block(rotation.T @ block_to_matrix(stress) @ rotation)
        return UmatAnswer(
            stress=rotation @ block_to_matrix(corotational) @ rotation.T,
            corotational=corotational,
            state=arguments["STATEV"][: self._sizes.states].copy(),
            tangent=arguments["DDSDDE"].reshape(n, n).T.copy(),
            energies=np.array([arguments[k][0] for k in ("SSE", "SPD", "SCD")]),
            next_dt=float(arguments["PNEWDT"][0]),
        )

    def step(self, f_new: NDArray, dt: float) -> UmatAnswer:
        """The answer, and the point moved there. Raises HostError where a smaller increment is asked for."""
        answer = self.trial(f_new, dt)
        if not answer.answered:
            raise HostError(f"umat_ asks for a smaller increment: PNEWDT = {answer.next_dt}")
        self.f, self.time = np.array(f_new, float), self.time + dt
        self.corotational, self.state, self.energies = answer.corotational, answer.state, answer.energies
        return answer


def _column(f: NDArray) -> NDArray:
    return np.ascontiguousarray(matrix_to_defgrad(f[:, :, None]))


def _motion(f_old: NDArray, f_new: NDArray) -> tuple[Any, ...]:
    """U_old, U_new (3, 3), the strain increment (6,) in the frame of R, and R_new (3, 3)."""
    try:
        old, new, strain_inc, _ = kinematics(_column(f_old), _column(f_new))
    except ValueError:  # the UMAT is to say what is wrong
        return np.eye(3), np.eye(3), np.full(6, np.nan), np.eye(3)
    return (
        block_to_matrix(old[:, 0]),
        block_to_matrix(new[:, 0]),
        strain_inc[:, 0],
        f_new @ np.linalg.inv(block_to_matrix(new[:, 0])),
    )


def _rotation(f: NDArray) -> NDArray:
    return _motion(f, f)[3]


def _logarithm(u: NDArray) -> NDArray:
    value, vector = np.linalg.eigh(u)
    return vector @ np.diag(np.log(value)) @ vector.T
