"""Load steps with iterations on the material's stiffness, cut back where they fail ([GUAN22] Algorithms 1 and 2).

Each iteration takes the strains of its displacements from the last converged state, so that the answer does not depend
on the way the iterations went. The stiffness of a packing is elastic-like and too stiff: corrections are then too short,
and Anderson mixing over the last few of them finds the length; where the residual grows it starts anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from pybridge.errors import SolverError
from pybridge.solver.implicit.plane import PlaneMesh
from pybridge.solver.implicit.points import MaterialPoints


@dataclass(frozen=True)
class Problem:
    """What is prescribed: at load t (0 to 1), values of the fixed degrees of freedom and nodal forces (N/m)."""

    mesh: PlaneMesh
    fixed: NDArray
    values: Callable[[float], NDArray]
    forces: Callable[[float], NDArray]


@dataclass(frozen=True)
class Controls:
    """Numbers of the iteration. `tolerance`: |residual| of the free nodes over |reactions| and |loads|, the larger. Where
    `iterations_max` do not do, the best iterate is taken if it is within `loose`: packings answer with noise."""

    steps: int = 100
    tolerance: float = 1e-2
    loose: float = 6e-2
    displacement_tolerance: float = 1e-2  # |correction| / |displacement of the step|
    iterations_max: int = 40
    mixing: int = 6
    cuts_max: int = 6

    def __post_init__(self) -> None:
        if (
            self.steps < 1
            or not 0 < self.tolerance <= self.loose < 1
            or self.iterations_max < 2
            or self.mixing < 0
        ):
            raise SolverError(f"controls of the implicit solver out of range: {self}")


@dataclass
class History:
    """Of every converged step: load, displacements, strain and stress (3, points), stiffness (6, points: 11, 12, 13,
    22, 23, 33 of the plane), forces on the fixed degrees of freedom, residual over reactions, iterations, status."""

    load: list[float] = field(default_factory=list)
    displacement: list[NDArray] = field(default_factory=list)
    strain: list[NDArray] = field(default_factory=list)
    stress: list[NDArray] = field(default_factory=list)
    stiffness: list[NDArray] = field(default_factory=list)
    reactions: list[NDArray] = field(default_factory=list)
    residual: list[float] = field(default_factory=list)
    iterations: list[int] = field(default_factory=list)
    status: list[NDArray] = field(default_factory=list)


class _Mixing:
    """Anderson mixing of corrections: x_new = the point whose combined correction is least, plus that correction."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.points: list[NDArray] = []
        self.corrections: list[NDArray] = []

    def next(self, x: NDArray, correction: NDArray) -> NDArray:
        self.points.append(x.copy())
        self.corrections.append(correction.copy())
        if len(self.points) > self.depth + 1:
            self.points.pop(0)
            self.corrections.pop(0)
        if len(self.points) < 2:
            return x + correction
        df = np.array([correction - c for c in self.corrections[:-1]]).T
        dx = np.array([x - p for p in self.points[:-1]]).T
        share, *_ = np.linalg.lstsq(df, correction, rcond=1e-8)
        return x + correction - (dx + df) @ share


def _plane_upper(d: NDArray) -> NDArray:
    return d[np.triu_indices(3)]


class _Step:
    """One attempt at a load."""

    def __init__(self, problem: Problem, points: MaterialPoints, controls: Controls) -> None:
        self.problem, self.points, self.controls = problem, points, controls
        self.free = np.setdiff1d(np.arange(problem.mesh.size), problem.fixed)

    def solve(self, u_old: NDArray, load: float, dt: float) -> tuple[NDArray, NDArray, int, float] | str:
        """Displacements, reactions, iterations and residual; or why there are none."""
        mesh, c = self.problem.mesh, self.controls
        external = self.problem.forces(load)
        target = self.problem.values(load)
        u, mixing = u_old.copy(), _Mixing(c.mixing)
        size, least, error = 1.0, math.inf, math.inf
        best: NDArray | None = None
        for iteration in range(1, c.iterations_max + 1):
            self.points.trial(mesh.strain(u), dt)
            if np.any(self.points.status >= 2):
                return "a material point failed"
            internal = mesh.internal(self.points.stress)
            residual = external - internal
            reactions = -residual[self.problem.fixed]
            scale = max(np.linalg.norm(reactions), np.linalg.norm(external), 1e-300)
            error = float(np.linalg.norm(residual[self.free]) / scale)
            at_target = bool(np.allclose(u[self.problem.fixed], target, rtol=0, atol=1e-15))
            if at_target and error <= c.tolerance and size <= c.displacement_tolerance:
                return u, reactions, iteration, error
            if not math.isfinite(error):
                return "the residual is not finite"
            if error > 10 * least:
                mixing = _Mixing(c.mixing)
            if error < least and at_target:
                least, best = error, u.copy()
            correction = self._correction(residual, target - u[self.problem.fixed])
            moved = u + correction if not at_target else mixing.next(u, correction)
            moved[self.problem.fixed] = target
            size = float(np.linalg.norm(correction) / max(np.linalg.norm(moved - u_old), 1e-300))
            u = moved
        if best is not None and least <= c.loose:
            self.points.trial(mesh.strain(best), dt)
            forces = mesh.internal(self.points.stress)[self.problem.fixed] - external[self.problem.fixed]
            return best, forces, iteration, least
        return f"no convergence in {c.iterations_max} iterations: least residual {least:.2e}, expected {c.tolerance:.0e}"

    def _correction(self, residual: NDArray, prescribed: NDArray) -> NDArray:
        k = self.problem.mesh.stiffness(self.points.stiffness()).tocsc()
        out = np.zeros(len(residual))
        out[self.problem.fixed] = prescribed
        right = residual[self.free] - k[self.free][:, self.problem.fixed] @ prescribed
        out[self.free] = splu(k[self.free][:, self.free]).solve(right)
        return out


def solve(
    problem: Problem,
    points: MaterialPoints,
    controls: Controls,
    *,
    progress: Callable[[float, int], None] | None = None,
    rescue: Path | None = None,
) -> History:
    """March the load from 0 to 1. `progress(load, iterations)` after each converged step.

    A step that fails is halved, `cuts_max` times at most; then SolverError says why, with the last converged state
    saved in `rescue` (.npz) where given. The error has it all as `history`.
    """
    step, history = _Step(problem, points, controls), History()
    u, load, part, cuts = np.zeros(problem.mesh.size), 0.0, 1.0 / controls.steps, 0
    _record(history, problem, points, u)
    while load < 1 - 1e-12:
        # Never past a whole step: records of different runs stand at the same loads.
        whole = (math.floor(load * controls.steps + 1e-9) + 1) / controls.steps
        goal = min(1.0, load + part, whole)
        found = step.solve(u, goal, goal - load)
        if isinstance(found, str):
            cuts += 1
            part /= 2
            if cuts > controls.cuts_max:
                where = _rescue(rescue, points, u, load)
                error = SolverError(
                    f"implicit run: stopped at load {load:.4f} of 1 after {controls.cuts_max} cuts of the step to "
                    f"{part * 2:.2e}: {found}{where}"
                )
                error.history = history  # type: ignore[attr-defined]
                raise error
            continue
        u, reactions, iterations, error = found
        history.residual.append(error)
        history.iterations.append(iterations)
        _append(history, problem, points, u, goal, reactions)
        points.accept(goal - load)
        load = goal
        if progress is not None:
            progress(load, iterations)
        if part < 1.0 / controls.steps and iterations < controls.iterations_max // 2:
            part, cuts = min(2 * part, 1.0 / controls.steps), max(0, cuts - 1)
    return history


def _record(history: History, problem: Problem, points: MaterialPoints, u: NDArray) -> None:
    """The virgin state: its own stress, no iteration."""
    points.trial(problem.mesh.strain(u), 0.0)
    residual = problem.forces(0.0) - problem.mesh.internal(points.stress)
    history.iterations.append(0)
    history.residual.append(0.0)
    _append(history, problem, points, u, 0.0, -residual[problem.fixed])


def _append(
    history: History, problem: Problem, points: MaterialPoints, u: NDArray, load: float, reactions: NDArray
) -> None:
    history.load.append(load)
    history.displacement.append(u.copy())
    history.strain.append(problem.mesh.strain(u))
    history.stress.append(points.stress)
    history.stiffness.append(_plane_upper(points.stiffness()))
    history.reactions.append(reactions)
    history.status.append(points.status)


def _rescue(file: Path | None, points: MaterialPoints, u: NDArray, load: float) -> str:
    if file is None:
        return ""
    temporary = file.with_name(f".{file.name}.part.npz")
    arrays: dict[str, Any] = {"displacement": u, "load": load, **points.save()}
    np.savez_compressed(temporary, **arrays)
    temporary.replace(file)
    return f"; the last converged state is saved in {file}"
