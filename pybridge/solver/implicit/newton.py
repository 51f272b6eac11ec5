"""Load steps with iterations on the material's stiffness, cut back where they fail ([GUAN22] Algorithms 1 and 2).

Each iteration takes the strains of its displacements from the last converged state, so that the answer does not depend
on the way the iterations went. The stiffness of a packing, or of a network that learned it, is elastic-like and too stiff.
With packings every point's is corrected by what its iterates answered (secant.py), and a step without balance is cut: their
noise grows with the step. With networks corrections are mixed (mixing.py), and an imbalance is rather carried over a step
than cut into many; where no balance is found so, points learn their slopes before the step is cut. A tangent needs none
of it.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from pybridge.errors import SolverError
from pybridge.solver.implicit.controls import Controls
from pybridge.solver.implicit.mesh import ImplicitMesh
from pybridge.solver.implicit.mixing import Mixing
from pybridge.solver.implicit.points import MaterialPoints
from pybridge.solver.implicit.reasons import (
    Reason,
    fails_at_rest,
    no_convergence,
    not_finite,
    point_failed,
    singular,
)
from pybridge.solver.implicit.secant import PointSecants
from pybridge.solver.progress import Interrupt


class NotConvergedError(SolverError):
    """Newton's iteration found no balance in the smallest step. advice: with what the same run may go on; `history`: of what
    converged, where it is recorded."""

    advice: str = ""


@dataclass(frozen=True)
class Problem:
    """What is prescribed: at load t (0 to 1), values of the fixed degrees of freedom and nodal forces (N, or N/m). labels:
    of the elements, for messages; None for their numbers from 1."""

    mesh: ImplicitMesh
    fixed: NDArray
    values: Callable[[float], NDArray]
    forces: Callable[[float], NDArray]
    labels: NDArray | None = None


@dataclass
class History:
    """Of every converged step: load, displacements, strain and stress (components, points), stiffness (upper triangle by
    rows, points), forces on the fixed degrees of freedom, residual over reactions, change of the displacement,
    iterations, status, CPU and wall seconds of the step."""

    load: list[float] = field(default_factory=list)
    displacement: list[NDArray] = field(default_factory=list)
    strain: list[NDArray] = field(default_factory=list)
    stress: list[NDArray] = field(default_factory=list)
    stiffness: list[NDArray] = field(default_factory=list)
    reactions: list[NDArray] = field(default_factory=list)
    residual: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    iterations: list[int] = field(default_factory=list)
    status: list[NDArray] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    """A balance: displacements, reactions of the fixed degrees of freedom, iterations, residual and change, and the
    stiffness that the next step begins with."""

    displacement: NDArray
    reactions: NDArray
    iterations: int
    residual: float
    change: float
    stiffness: NDArray


NEARER = 0.9  # of the least residual so far: what counts as coming nearer
EASY_STEPS = (
    2,
    16,
)  # without trouble before the step is doubled: at first, and at most after doublings in vain
REACH = 0.5  # of the step's displacement so far: the longest correction on what has been learned


class March:
    """The state of a run between converged steps, and its steps. Raises NotConvergedError from `advance`."""

    SAVED = ("u", "stress", "stiffness", "shown", "load", "part", "cuts", "all_cuts", "wait", "easy")

    def __init__(self, problem: Problem, points: MaterialPoints, controls: Controls) -> None:
        self.problem, self.points, self.controls = problem, points, controls
        self.free = np.setdiff1d(np.arange(problem.mesh.size), problem.fixed)
        self.u, self.load = np.zeros(problem.mesh.size), 0.0
        c = problem.mesh.components
        # Of the last converged step: stress, the stiffness that the next one begins with, and the material's own.
        self.stress = np.zeros((c, points.n))
        self.stiffness = self.shown = np.zeros((c, c, points.n))
        self.part, self.cuts, self.all_cuts = controls.first or 1.0 / controls.steps, 0, 0
        # Steps without trouble to wait for, and seen since the last change.
        self.wait, self.easy = EASY_STEPS[0], 0

    def save(self) -> dict[str, NDArray]:
        """What restart() needs, as arrays, of the points too."""
        own = {f"march/{name}": np.array(getattr(self, name)) for name in self.SAVED}
        return own | {f"point/{name}": array for name, array in self.points.save().items()}

    def restart(self, saved: Mapping[str, NDArray]) -> None:
        """Go back to what save() gave. Raises SolverError where it is of another material or mesh, KeyError where
        something is missing."""
        self.points.restart({name: saved[f"point/{name}"] for name in self.points.save()})
        for name in self.SAVED:
            value = saved[f"march/{name}"]
            setattr(self, name, value if value.ndim else value.item())

    @property
    def learned(self) -> bool:
        """Whether the next step begins with slopes that are not what the material shows."""
        return not np.array_equal(self.stiffness, self.shown)

    def start(self) -> Found:
        """The virgin state: its own stress, no iteration. The points hold it as their trial. SolverError where it fails."""
        self.points.trial(self.problem.mesh.strain(self.u), 0.0)
        if np.any(self.points.status >= 2):
            raise SolverError(f"implicit run: {fails_at_rest(self.points, *self._elements)}")
        self.stress = self.points.stress
        self.stiffness = self.shown = self.points.stiffness()
        residual = self.problem.forces(0.0) - self.problem.mesh.internal(self.stress)
        return Found(self.u, -residual[self.problem.fixed], 0, 0.0, 0.0, self.stiffness)

    def advance(self, seen: Callable[[Found, float], None]) -> Found:
        """One converged step. `seen(found, load)` while the points still hold it as their trial. After a KeyboardInterrupt
        before that the march is where it was."""
        before = {name: getattr(self, name) for name in self.SAVED}
        try:
            found, goal = self._step()
        except KeyboardInterrupt:  # cuts so far are forgotten: the step tried anew takes the same ones
            for name, value in before.items():
                setattr(self, name, value)
            raise
        seen(found, goal)
        self.stress, self.stiffness, self.shown = self.points.stress, found.stiffness, self.points.stiffness()
        self.points.accept(goal - self.load)
        self.u, self.load = found.displacement, goal
        self._grow(found.iterations < self.controls.iterations_max // 2)
        return found

    def _step(self) -> tuple[Found, float]:
        """A balance at the end of a step, cut where there is none, and its load."""
        c, in_vain = self.controls, False
        while True:
            # Never past a whole step: records of different runs stand at the same loads.
            whole = (math.floor(self.load * c.steps + 1e-9) + 1) / c.steps
            goal = min(1.0, self.load + self.part, whole)
            found = self._solve(goal, goal - self.load, c)
            if isinstance(found, str) and c.learn == "last":
                learned = self._solve(goal, goal - self.load, c.learning())
                found = learned if isinstance(learned, Found) else found
            if isinstance(found, Found):
                return found, goal
            if c.learn == "always" and self.cuts == c.cuts_max and self.learned:
                self.stiffness = self.shown  # the smallest step once more, without what was learned before it
                continue
            self.cuts += 1
            self.all_cuts += 1
            self.part /= 2
            if self.easy == 0 and not in_vain:  # right after a change: the step was doubled too early
                self.wait, in_vain = min(2 * self.wait, EASY_STEPS[1]), True
            self.easy = 0
            self.stiffness = self.shown  # what was learned may have led astray
            if self.cuts > c.cuts_max:
                stopped = NotConvergedError(
                    f"implicit run: stopped at load {self.load:.4f} of 1 after {c.cuts_max} cuts of the step to "
                    f"{self.part * 2:.2e}: {found}"
                )
                stopped.advice = getattr(found, "advice", "")
                raise stopped

    def _grow(self, easy: bool) -> None:
        """Double a step that was cut, after enough steps without trouble."""
        if not easy:
            self.easy = 0
            return
        self.easy += 1
        if self.part < 1.0 / self.controls.steps and self.easy >= self.wait:
            self.part, self.cuts = min(2 * self.part, 1.0 / self.controls.steps), max(0, self.cuts - 1)
            self.easy = 0
        elif self.easy >= EASY_STEPS[1]:
            self.wait = EASY_STEPS[0]

    @property
    def _elements(self) -> tuple[NDArray | None, int]:
        """Labels and number of the elements, for messages."""
        return self.problem.labels, int(self.problem.mesh.basis.dx.shape[0])

    def _solve(self, load: float, dt: float, c: Controls) -> Found | Reason:
        """A balance at a load, or why there is none."""
        mesh, fixed, learns = self.problem.mesh, self.problem.fixed, c.learn == "always"
        external, target = self.problem.forces(load), self.problem.values(load)
        reach = 1e-14 * max(1.0, float(np.abs(target).max(initial=0.0)))
        u, strain = self.u.copy(), mesh.strain(self.u)
        mixing = Mixing(c.mixing)
        learned = PointSecants(self.stiffness, strain, self.stress, c.noise) if learns else None
        change, least, error = math.inf, math.inf, math.inf
        nearest, since = math.inf, 0
        best: NDArray | None = None
        known = self.stiffness  # at the best iterate: what is learned in vain after it leads astray
        stress, stiffness = self.stress, self.stiffness  # of the last step, as Algorithm 2 begins
        for iteration in range(1, c.iterations_max + 1):
            if iteration > 1:
                strain = mesh.strain(u)
                self.points.trial(strain, dt)
                if np.any(self.points.status >= 2):
                    return point_failed(self.points, *self._elements, strain)
                stress = self.points.stress
                if learned is None:
                    stiffness = self.points.stiffness()
                else:
                    learned.learn(strain, stress)
                    stiffness = learned.stiffness
            residual = external - mesh.internal(stress)
            reactions = -residual[fixed]
            scale = max(np.linalg.norm(reactions), np.linalg.norm(external), 1e-300)
            error = float(np.linalg.norm(residual[self.free]) / scale)
            at_target = bool(np.abs(u[fixed] - target).max(initial=0.0) <= reach)
            small = change <= c.displacement_tolerance or (c.measure == "residual" and iteration > 1)
            if at_target and small and (error <= c.tolerance or c.measure == "displacement"):
                return Found(u, reactions, iteration, error, change, stiffness)
            if not math.isfinite(error):
                return not_finite(self.points, *self._elements, strain)
            if error > 10 * least:
                mixing = Mixing(c.mixing)
            if at_target:
                if error < NEARER * nearest:
                    nearest, since = error, 0
                since += 1
                if since > c.patience:
                    break
                if error < least:
                    least, best, known = error, u.copy(), stiffness
            correction = self._correction(stiffness, residual, target - u[fixed])
            if correction is None:
                return singular(stiffness, *self._elements)
            before, length = float(np.linalg.norm(u - self.u)), float(np.linalg.norm(correction))
            if learns and at_target and length > REACH * before > 0:
                correction *= REACH * before / length
            moved = mixing.next(u, correction) if at_target else u + correction
            moved[fixed] = target
            moves = float(np.linalg.norm(moved - u))
            change = 0.0 if moves == 0 else moves / before if before > 0 else math.inf
            u = moved
        if best is not None and least <= c.loose and self.cuts >= c.cuts_before_loose:
            self.points.trial(mesh.strain(best), dt)
            forces = mesh.internal(self.points.stress)[fixed] - external[fixed]
            return Found(best, forces, iteration, least, change, known)
        return no_convergence(iteration, least, c.tolerance)

    def _correction(self, stiffness: NDArray, residual: NDArray, prescribed: NDArray) -> NDArray | None:
        k = self.problem.mesh.stiffness(stiffness)
        out = np.zeros(len(residual))
        out[self.problem.fixed] = prescribed
        right = (residual - k @ out)[self.free] if prescribed.any() else residual[self.free]
        try:
            out[self.free] = splu(k[:, self.free].tocsr()[self.free].tocsc()).solve(right)
        except RuntimeError:
            return None
        return out if np.isfinite(out).all() else None


def solve(
    problem: Problem,
    points: MaterialPoints,
    controls: Controls,
    *,
    progress: Callable[[float, int], None] | None = None,
    rescue: Path | None = None,
    restart: tuple[Path, str] | None = None,
    restart_seconds: float = 60.0,
) -> History:
    """March the load from 0 to 1. `progress(load, iterations)` after each converged step.

    `restart`: a file (.npz) and what the run is of (mesh, material, load): the state is written there every
    `restart_seconds` and at Ctrl-C, and a call that finds the file goes on from it. It is gone in the end.

    A step that fails is halved, `cuts_max` times at most; then SolverError says why, with the last converged state
    saved in `rescue` (.npz) where given. The error has it all as `history`.
    """
    from pybridge.solver.implicit.restart import load_restart, save_restart  # it knows March

    march, saved = March(problem, points, controls), clock.monotonic()
    if restart is not None and restart[0].exists():
        history = load_restart(*restart, march)
    else:
        history = History()
        _append(history, problem, points, march.start(), 0.0)
        history.cpu.append(0.0)
        history.wall.append(0.0)
    with Interrupt() if restart is not None else nullcontext() as interrupt:
        if interrupt is not None:
            points.check = interrupt.check
        while march.load < 1 - 1e-12:
            try:
                found = _timed(march, history, problem, points, rescue)
            except KeyboardInterrupt:
                if restart is not None and interrupt is not None and interrupt.heard:
                    save_restart(*restart, march, history)
                raise
            if progress is not None:
                progress(march.load, found.iterations)
            if restart is not None and clock.monotonic() - saved >= restart_seconds:
                save_restart(*restart, march, history)
                saved = clock.monotonic()
    if restart is not None:
        restart[0].unlink(missing_ok=True)
    return history


def _timed(
    march: March, history: History, problem: Problem, points: MaterialPoints, rescue: Path | None
) -> Found:
    """One step of the march, with its seconds in the history."""
    begun = clock.process_time(), clock.monotonic()
    try:
        found = march.advance(lambda one, load: _append(history, problem, points, one, load))
    except NotConvergedError as error:
        history.cpu[-1] += clock.process_time() - begun[0]
        history.wall[-1] += clock.monotonic() - begun[1]
        stopped = NotConvergedError(f"{error}{_rescue(rescue, march)}")
        stopped.advice = error.advice
        stopped.history = history  # type: ignore[attr-defined]
        raise stopped from None
    history.cpu.append(clock.process_time() - begun[0])
    history.wall.append(clock.monotonic() - begun[1])
    return found


def _append(history: History, problem: Problem, points: MaterialPoints, found: Found, load: float) -> None:
    history.load.append(load)
    history.displacement.append(found.displacement.copy())
    history.strain.append(problem.mesh.strain(found.displacement))
    history.stress.append(points.stress)
    history.stiffness.append(points.stiffness()[np.triu_indices(problem.mesh.components)])
    history.reactions.append(found.reactions)
    history.residual.append(found.residual)
    history.change.append(found.change)
    history.iterations.append(found.iterations)
    history.status.append(points.status)


def _rescue(file: Path | None, march: March) -> str:
    if file is None:
        return ""
    temporary = file.with_name(f".{file.name}.part.npz")
    arrays: dict[str, Any] = {"displacement": march.u, "load": march.load, **march.points.save()}
    np.savez_compressed(temporary, **arrays)
    temporary.replace(file)
    return f"; the last converged state is saved in {file}"
