"""Runs a model from its beginning, or from where it was interrupted, to its end, and writes the results."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import pybridge
from pybridge.deck.model import Deck
from pybridge.errors import SolverError
from pybridge.results.writer import ResultWriter
from pybridge.solver import output, restart
from pybridge.solver.from_deck import controls_from_deck, model_from_deck
from pybridge.solver.integrator import Integrator
from pybridge.solver.model import Controls, Model
from pybridge.solver.progress import Interrupt, progress_bar


@dataclass
class RunResult:
    """What a run tells: where its results are and how it went. energies: at the end, J."""

    path: Path
    time: float
    steps: int
    elements: int
    seconds: float  # wall clock of this call
    cuts: int
    energies: dict[str, float]
    balance_error: float  # largest change of the total energy so far, relative to the largest energy
    unreliable_elements: int  # elements that were unreliable at any time
    resumed: bool = False
    history: dict[str, list[float]] = field(default_factory=dict)


def run(
    deck: Deck, *, material: str | Mapping[str, Any] = "deck", out: Path, folder: Path | None = None,
    models: Mapping[str, Path] | None = None, nblock: int | None = None, overwrite: bool = False,
    progress: bool = False, all_state: bool = False, label: str = "", **controls: Any,
) -> RunResult:  # fmt: skip
    """Run a deck; results go to `out` (.h5). See `model_from_deck`, `Controls` and `run_model` for the rest.

    Raises SolverError where the run cannot go on, after saving what there is; KeyboardInterrupt after Ctrl-C, with a
    restart file beside `out` from which the same call goes on.
    """
    model = model_from_deck(deck, material, folder, models, nblock)
    said = label or (material if isinstance(material, str) else ", ".join(sorted(material)))
    return run_model(
        model, controls_from_deck(deck, **controls), Path(out), overwrite=overwrite, progress=progress,
        all_state=all_state, provenance={"deck": deck.source, "material": said},
    )  # fmt: skip


def run_model(
    model: Model, controls: Controls, out: Path, *, overwrite: bool = False, progress: bool = False,
    all_state: bool = False, provenance: dict[str, Any] | None = None,
) -> RunResult:  # fmt: skip
    """Run a model. A restart file OUT.restart.npz is kept beside `out` until the run is complete."""
    job = _Job(model, controls, Path(out), all_state)
    try:
        job.start(overwrite, provenance or {})
        with Interrupt() as interrupt, progress_bar(progress, controls.end_time, job.run.time) as bar:
            job.go(interrupt, bar)
        return job.result()
    finally:
        job.run.close()


class _Job:
    def __init__(self, model: Model, controls: Controls, out: Path, all_state: bool) -> None:
        self.model, self.controls, self.out, self.all_state = model, controls, out, all_state
        self.run = Integrator(model, controls)
        self.restart_file = out.with_name(out.name + ".restart.npz")
        self.mark = restart.fingerprint(model, controls)
        self.history: dict[str, list[float]] = {}
        self.frames, self.resumed = 0, False
        self.begun = clock.monotonic()

    def start(self, overwrite: bool, provenance: dict[str, Any]) -> None:
        resume = self.restart_file.exists() and self.out.exists()
        self.writer = ResultWriter(self.out, overwrite=overwrite or resume)
        if resume and self._resume(overwrite):
            return
        about = {
            "pybridge": pybridge.__version__, "numpy": np.__version__, "elements": self.model.element_count,
            "materials": {g.material.name: str(g.material.material.dtype) for g in self.model.groups}, **provenance,
        }  # fmt: skip
        self.writer.create(output.mesh_data(self.model), self.model.title, about)
        self._row()
        self._frame()

    def _resume(self, overwrite: bool) -> bool:
        """Go on from the restart file; where results may be replaced, one of another model is set aside instead."""
        try:
            self.frames, self.history = restart.load(self.restart_file, self.run, self.mark)
        except restart.ForeignRestartError:
            if not overwrite:
                raise
            self.restart_file.unlink()
            return False
        self.writer.truncate(self.frames)
        self.resumed = True
        return True

    def go(self, interrupt: Interrupt, bar: Any) -> None:
        run, controls = self.run, self.controls
        saved = clock.monotonic()
        try:
            while run.time < controls.end_time * (1.0 - 1e-12):
                self._step()
                self._write_due()
                bar(run.time, f"step {run.steps}, time {run.time:.3e}, increment {run.dt_old:.2e}")
                if interrupt.wanted:
                    raise KeyboardInterrupt
                if clock.monotonic() - saved > controls.restart_seconds:
                    self._save()
                    saved = clock.monotonic()
        except KeyboardInterrupt:
            self._save()
            self.writer.finish(self._arrays(), complete=False, stopped=f"interrupted at {run.time:.6g}")
            raise
        except Exception as error:
            self._row()
            self._frame()
            self.writer.finish(self._arrays(), complete=False, stopped=str(error))
            self.restart_file.unlink(missing_ok=True)
            raise
        self.writer.finish(self._arrays(), complete=True)
        self.restart_file.unlink(missing_ok=True)

    def _next_dt(self) -> float:
        run, controls = self.run, self.controls
        remaining = controls.end_time - run.time
        if controls.increment is not None:
            return min(controls.increment, remaining)
        dt = controls.scale_factor * run.stable_dt
        if controls.increment_max is not None:
            dt = min(dt, controls.increment_max)
        mark = controls.end_time * self.frames / controls.frames  # the next frame's time is met exactly
        remaining = min(remaining, mark - run.time) if mark > run.time else remaining
        return remaining if remaining <= dt else min(dt, 0.5 * remaining) if remaining < 2.0 * dt else dt

    def _step(self) -> None:
        run = self.run
        dt = self._next_dt()
        for _ in range(self.controls.max_cuts + 1):
            outcome = run.step(dt)
            if outcome.status == 1 and self.controls.unreliable_is_fatal:
                raise SolverError(
                    f"{run.worst_point(1, run.time)} is unreliable: outside the domain of its material"
                )
            if outcome.status < 2:
                return
            if outcome.status >= 3:
                raise SolverError(
                    f"{run.worst_point(3, run.time + dt)} failed for good: an input that is not a number, an inverted "
                    "element, or the end of the time its material was trained for; shorten the step of the deck, or "
                    "train the material further"
                )
            dt *= 0.5
            run.cuts += 1
        raise SolverError(
            f"{run.worst_point(2, run.time + dt)} failed at every increment down to {2.0 * dt:.3g} s; refine the mesh "
            "there, or check the material's constants"
        )

    def _write_due(self) -> None:
        run, controls = self.run, self.controls
        slack = 1e-9 * controls.end_time
        rows = len(self.history["time"])
        if run.time >= controls.end_time * rows / controls.history_points - slack:
            self._row()
        if run.time >= controls.end_time * self.frames / controls.frames - slack:
            self._frame()

    def _row(self) -> None:
        row = output.history_row(self.run)
        for name, value in output.with_forces(row, self.history).items():
            self.history.setdefault(name, []).append(value)

    def _frame(self) -> None:
        self.writer.append(output.frame(self.run, self.all_state), self._arrays())
        self.frames += 1

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: np.array(values) for name, values in self.history.items()}

    def _save(self) -> None:
        restart.save(self.restart_file, self.run, self.mark, self.frames, self.history)

    def result(self) -> RunResult:
        run = self.run
        total = np.array(self.history["total"])
        names = ("kinetic", "internal", "external")
        scale = max(float(np.abs(self.history[n]).max()) for n in names) or 1.0
        flagged = sum(
            int(c.points.unreliable.reshape(c.technology.points, -1).any(0).sum()) for c in run.chunks
        )
        return RunResult(
            self.out, run.time, run.steps, self.model.element_count, clock.monotonic() - self.begun, run.cuts,
            run.balance(), float(np.abs(total - total[0]).max()) / scale, flagged, self.resumed, self.history,
        )  # fmt: skip
