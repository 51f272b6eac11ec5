"""Material points of one chunk: their history (old and new), kinematics, and the call of the material.

History is kept twice, old and new; a step writes new only and `accept` swaps them, so that a step can be repeated
with a smaller increment.
"""

from __future__ import annotations

import inspect
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import DEFGRAD_COLUMN, DEFGRAD_ROW
from pybridge.solver.algebra import adjugate_symmetric, expand, product
from pybridge.solver.model import SolverMaterial
from pybridge.solver.polar import PolarWorkspace, polar

Array = NDArray[np.float64]


class History:
    """Arrays of n points at one time; names are those of the restart file."""

    def __init__(self, n: int, state_size: int, dtype: np.dtype, full_gradient: bool) -> None:
        self.rotation = np.zeros((3, 3, n))
        self.stretch = np.zeros((6, n))
        for k in range(3):
            self.rotation[k, k] = 1.0
            self.stretch[k] = 1.0
        self.volume_ratio = np.ones(n)
        self.stress = np.zeros((6, n))  # Cauchy, in the frame of R
        self.viscous = np.zeros(n)  # bulk viscosity, added to the diagonal of the stress
        self.state = np.zeros((state_size, n), dtype)
        self.status = np.zeros(n, np.int32)
        self.defgrad = np.zeros((9, n)) if full_gradient else np.zeros((0, n))
        if full_gradient:
            self.defgrad[:3] = 1.0

    def arrays(self) -> dict[str, NDArray]:
        """All arrays by name."""
        return dict(vars(self))


class Workspace:
    """Temporaries of n points; one a thread and size."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.polar = PolarWorkspace(n)
        self.f, self.full, self.m1, self.m2, self.m3 = (np.empty((3, 3, n)) for _ in range(5))
        self.strain_inc, self.mid, self.adjugate, self.stretch_inc = (np.empty((6, n)) for _ in range(4))
        self.spin = np.empty((3, n))
        self.place = np.zeros((3, n))  # where the points are at the end of the step
        self.t = np.empty(n)
        self.dissipation = np.empty(n)
        self.status = np.empty(n, np.int32)


class Points:
    """n points of one material."""

    def __init__(
        self, n: int, material: SolverMaterial, density: Array, temperature: Array, length: Array
    ) -> None:
        self.n = n
        self.material = material
        law = material.material
        self.dtype = np.dtype(law.dtype)
        accepts = _parameters(law.update)
        self.full_gradient = "defgrad_new" in accepts
        self.spin_wanted = "rel_spin_inc" in accepts
        self.place_wanted = "coordinates" in accepts
        self.length = np.asarray(length, self.dtype) if "char_length" in accepts else None
        self.old, self.new = (
            History(n, int(law.state_size), self.dtype, self.full_gradient) for _ in range(2)
        )
        self.density0 = density
        self.temperature = temperature.astype(self.dtype)
        self.unreliable = np.zeros(n, bool)  # ever flagged

    def accept(self) -> None:
        """The new history becomes the old one."""
        self.old, self.new = self.new, self.old

    def kinematics(self, work: Workspace) -> bool:
        """From work.f: rotation, stretch, strain increment in the frame of R, relative spin. False: not decomposable.

        strain_inc = sym((U_new - U_old) U_mid^-1) is the midpoint rule for the integral of R^T D R dt, relative spin
        the skew part of the same product (W - Omega in the frame of R); U_mid is the mean of both stretches.
        """
        old, new = self.old, self.new
        if not polar(work.f, old.rotation, new.rotation, new.stretch, work.polar):
            return False
        np.subtract(new.stretch, old.stretch, out=work.stretch_inc)
        np.add(new.stretch, old.stretch, out=work.mid)
        work.mid *= 0.5
        det = adjugate_symmetric(work.mid, work.adjugate, work.t)
        inverse = np.divide(1.0, det)
        work.adjugate *= inverse
        rate = product(expand(work.stretch_inc, work.m1), expand(work.adjugate, work.m2), work.m3, work.full)
        e = work.strain_inc
        e[0], e[1], e[2] = rate[0, 0], rate[1, 1], rate[2, 2]
        for c, (i, j) in ((3, (0, 1)), (4, (1, 2)), (5, (0, 2))):
            np.add(rate[i, j], rate[j, i], out=e[c])
        e[3:] *= 0.5
        if self.spin_wanted:
            for c, (i, j) in enumerate(((1, 0), (2, 1), (0, 2))):  # the order of the shears
                np.subtract(rate[i, j], rate[j, i], out=work.spin[c])
            work.spin *= 0.5
        new.volume_ratio[:] = adjugate_symmetric(new.stretch, work.adjugate, work.t)
        # With det U > 0, U is positive definite where its trace and that of its adjugate are positive too; a turn too
        # far in one step can end on another symmetric root.
        traces = (a[0] + a[1] + a[2] for a in (new.stretch, work.adjugate))
        return all(trace.min() > 0.0 for trace in traces)

    def respond(
        self, work: Workspace, time_old: float, dt: float, pool: Executor | None, threads: int
    ) -> int:
        """Call the material block by block, several at once where a pool is given; returns the worst status.

        work.dissipation: per current volume. Materials answer alike however points are split into blocks.
        """
        old, new = self.old, self.new
        if self.full_gradient:
            for c, (i, j) in enumerate(zip(DEFGRAD_ROW, DEFGRAD_COLUMN, strict=True)):
                new.defgrad[c] = work.f[i, j]
        inputs = {
            "strain_inc": work.strain_inc,
            "stretch_old": old.stretch,
            "stretch_new": new.stretch,
            "density": self.density0 / new.volume_ratio,
            "stress_old": old.stress,
        }
        if self.full_gradient:
            inputs["defgrad_old"], inputs["defgrad_new"] = old.defgrad, new.defgrad
        if self.spin_wanted:
            inputs["rel_spin_inc"] = work.spin
        if self.place_wanted:
            inputs["coordinates"] = work.place
        stress, dissipation = new.stress, work.dissipation
        if self.dtype != np.float64:
            inputs = {name: array.astype(self.dtype) for name, array in inputs.items()}
            stress, dissipation = stress.astype(self.dtype), dissipation.astype(self.dtype)
        if self.length is not None:
            inputs["char_length"] = self.length
        inputs["temperature"], inputs["state_old"] = self.temperature, old.state
        inputs["stress_new"], inputs["state_new"] = stress, new.state
        inputs["dissipation_inc"], inputs["status"] = dissipation, work.status
        step = self.material.nblock or (-(-self.n // (4 * threads)) if pool else self.n)

        def one(start: int) -> None:
            block = {name: array[..., start : start + step] for name, array in inputs.items()}
            self.material.material.update(time_old=time_old, dt=dt, **block)

        starts = range(0, self.n, step)
        if pool:
            list(pool.map(one, starts))
        else:
            for start in starts:
                one(start)
        if self.dtype != np.float64:
            new.stress[:] = stress
            work.dissipation[:] = dissipation
        new.status[:] = work.status
        return int(work.status.max())


def _parameters(function: object) -> set[str]:
    """Names of a callable's parameters; those of a compiled one are read from its docstring."""
    try:
        return set(inspect.signature(function).parameters)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        text = getattr(function, "__doc__", None) or ""
        return {
            name
            for name in ("defgrad_old", "defgrad_new", "rel_spin_inc", "coordinates", "char_length")
            if name in text
        }
