"""Runs a deck with *STATIC: progress, results, a restart file, and a clear stop where Newton finds no balance."""

from __future__ import annotations

import hashlib
import time as clock
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pybridge
from pybridge.deck.model import Deck
from pybridge.errors import SolverError
from pybridge.packing import split_options
from pybridge.results.measures import strain_measures, stress_measures
from pybridge.results.schema import Field
from pybridge.results.writer import FrameData, MeshData, ResultWriter
from pybridge.solver.implicit.from_deck import StaticModel, static_model
from pybridge.solver.implicit.newton import Found, March, NotConvergedError
from pybridge.solver.progress import Interrupt, progress_bar
from pybridge.solver.restart_file import write_arrays

VERSION = 2
STOPPING = "stopping after the points in progress, at the last converged state; Ctrl-C again: at once"
LONG_STATE = 9  # state variables with more components are stored by their norm


@dataclass
class StaticResult:
    """What a run tells: where its results are and how it went. tolerance: what was asked for, of `measure`; loose: up to which
    residual a step without balance was taken."""

    path: Path
    load: float
    steps: int
    points: int
    iterations: int
    cuts: int
    seconds: float
    unreliable_points: int
    resumed: bool
    history: dict[str, list[float]] = field(default_factory=dict)
    tolerance: float = 0.0
    loose: float = 0.0
    measure: str = "both"

    @property
    def residuals(self) -> NDArray:
        """(steps,) residual over the reactions of every step."""
        return np.array(self.history["residual"][1:])

    @property
    def steps_over(self) -> NDArray:
        """Which steps carried a residual above the tolerance, from 0."""
        return np.flatnonzero(self.residuals > self.tolerance)


def run_static(
    deck: Deck, *, material: str | Mapping[str, Any] = "deck", out: Path, folder: Path | None = None,
    models: Mapping[str, Path] | None = None, overwrite: bool = False, progress: bool = False, threads: int | None = None,
    restart_seconds: float = 30.0, stiffness: str | None = None, unreliable_is_fatal: bool = False, **controls: Any,
) -> StaticResult:  # fmt: skip
    """Run a deck with *STATIC; results go to `out` (.h5), a restart file OUT.restart.npz beside it while it runs.

    The same call goes on from the restart file: after Ctrl-C, a kill, or a Newton iteration that did not converge (then
    from the last converged state, perhaps with other controls: steps, tolerance, iterations_max). Raises
    NotConvergedError, SolverError, DeckError; KeyboardInterrupt after Ctrl-C.
    """
    model = static_model(deck, material, folder, models, threads or 1, stiffness, **controls)
    job = _Job(model, Path(out), unreliable_is_fatal)
    try:
        job.start(overwrite)
        with Interrupt(STOPPING) as interrupt, progress_bar(progress, 1.0, job.march.load) as bar:
            model.points.check = interrupt.check
            job.go(interrupt, bar, restart_seconds)
        return job.result()
    finally:
        model.points.close()


class _Job:
    def __init__(self, model: StaticModel, out: Path, unreliable_is_fatal: bool) -> None:
        self.model, self.out, self.fatal = model, out, unreliable_is_fatal
        self.march = March(model.problem, model.points, model.controls)
        self.restart_file = out.with_name(out.name + ".restart.npz")
        self.mark = fingerprint(model)
        self.history: dict[str, list[float]] = {}
        self.unreliable = np.zeros(model.points.n, bool)
        self.frames, self.due, self.resumed = 0, 0.0, False
        self.frame: FrameData | None = None
        self.intervals = max([o.intervals for o in model.deck.static_step.field_outputs], default=20)
        self.begun = clock.monotonic()

    def start(self, overwrite: bool) -> None:
        resume = self.restart_file.exists() and self.out.exists()
        self.writer = ResultWriter(self.out, overwrite=overwrite or resume)
        if resume:
            try:
                self._load()
                self.writer.truncate(self.frames)
                self.resumed = True
                return
            except _ForeignError:
                if not overwrite:
                    raise
                self.restart_file.unlink()
        deck, block = self.model.deck, self.model.deck.elements[0]
        mesh = MeshData(deck.coordinates, deck.node_labels, block.labels, ((block.type, block.connectivity),))
        about = {
            "pybridge": pybridge.__version__, "numpy": np.__version__, "elements": deck.element_count, "deck": deck.source,
            "material": self.model.material, "stiffness": self.model.points.kind, "procedure": "static",
            "controls": str(self.model.controls),
        }  # fmt: skip
        found = self.march.start()  # one that fails leaves no results
        self.writer.create(mesh, deck.heading, about)
        self._seen(found, 0.0)
        self._write(0.0)

    def go(self, interrupt: Interrupt, bar: Any, restart_seconds: float) -> None:
        march, saved = self.march, clock.monotonic()
        try:
            while march.load < 1 - 1e-12:
                found = march.advance(self._seen)
                self._write(march.load)
                text = f"load {march.load:.4f}, {found.iterations} iterations, residual {found.residual:.1e}"
                bar(march.load, text)
                interrupt.check()
                if clock.monotonic() - saved > restart_seconds:
                    self._save()
                    saved = clock.monotonic()
        except KeyboardInterrupt:
            self._stop(f"interrupted at load {march.load:.4f}")
            raise
        except NotConvergedError as error:
            where = f"{error}; the last converged state is in {self.out} and {self.restart_file}: the same command, with "
            where += f"{error.advice or 'other controls'}, goes on from it"
            self._stop(where)
            stopped = NotConvergedError(where)
            stopped.advice = error.advice
            raise stopped from None
        except Exception as error:
            self._stop(str(error))
            raise
        self.writer.finish(self._arrays(), complete=True)
        self.restart_file.unlink(missing_ok=True)

    def _stop(self, why: str) -> None:
        self._save()
        self.writer.finish(self._arrays(), complete=False, stopped=why)

    def _seen(self, found: Found, load: float) -> None:
        """While the points hold a converged step as their trial: histories, and the frame that may be written."""
        points, model = self.model.points, self.model
        self.unreliable |= points.status == 1
        if self.fatal and self.unreliable.any():
            element = int(np.flatnonzero(self.unreliable)[0]) // (points.n // model.deck.element_count)
            label = model.deck.elements[0].labels[element]
            raise SolverError(
                f"element {label} at load {load:.4f} is unreliable: outside the domain of its material"
            )
        row: dict[str, float] = {
            "time": load * model.time, "load": load, "iterations": float(found.iterations), "residual": found.residual,
            "displacement_change": found.change, "cuts": float(self.march.all_cuts),
            "unreliable_points": float((points.status == 1).sum()),
        }  # fmt: skip
        fixed = model.problem.fixed
        for name, rows in model.moved.items():
            label = name.lower().replace(" ", "_").replace("-", "_")
            for axis, which in zip("xyz", rows, strict=False):
                row[f"force_{label}_{axis}"] = -float(found.reactions[which].sum())
                place = found.displacement[fixed[which]]
                row[f"position_{label}_{axis}"] = float(place.mean()) if len(which) else 0.0
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)
        self.frame = self._fields(found, load)

    def _fields(self, found: Found, load: float) -> FrameData | None:
        if load < min(self.due, 1.0) - 1e-9:
            return None
        return frame(self.model, found.displacement, load, self.unreliable)

    def _write(self, load: float) -> None:
        if self.frame is not None:
            self.writer.append(self.frame, self._arrays())
            self.frames, self.frame = self.frames + 1, None
            self.due = (np.floor(load * self.intervals + 1e-9) + 1) / self.intervals

    def _arrays(self) -> dict[str, NDArray]:
        return {name: np.array(values) for name, values in self.history.items()}

    def _save(self) -> None:
        march = self.march
        rows = sum(load <= march.load + 1e-12 for load in self.history["load"])
        arrays: dict[str, Any] = {
            "kind": np.array("static"), "version": np.array(VERSION), "mark": np.array(self.mark),
            "frames": np.array([self.frames, self.due]), "unreliable": self.unreliable, **march.save(),
            **{f"history/{name}": np.array(values[:rows]) for name, values in self.history.items()},
        }  # fmt: skip
        write_arrays(self.restart_file, arrays)

    def _load(self) -> None:
        path, march = self.restart_file, self.march
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                kind, version = (
                    str(file["kind"]) if "kind" in file.files else "explicit",
                    int(file["version"]),
                )
                if kind != "static" or version != VERSION:
                    raise _ForeignError(
                        f"{path}: a restart file of version {version} of an {kind} run; this program reads version "
                        f"{VERSION} of static runs: finish the run with the program that wrote it, or remove the file "
                        "to start afresh"
                    )
                if str(file["mark"]) != self.mark:
                    raise _ForeignError(
                        f"{path}: it belongs to another mesh, material or load than this command's; remove it to start "
                        "afresh, or repeat the command that wrote it"
                    )
                part, cuts = march.part, march.cuts
                march.restart(file)
                # The step in progress goes on as it was, but for one that was cut until it failed.
                if march.cuts > march.controls.cuts_max or march.part > 1.0 / march.controls.steps:
                    march.part, march.cuts = part, cuts
                self.frames, self.due = int(file["frames"][0]), float(file["frames"][1])
                self.unreliable = file["unreliable"]
                self.history = {
                    n.removeprefix("history/"): list(file[n]) for n in file.files if n.startswith("history/")
                }
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            if isinstance(error, SolverError):
                raise
            raise SolverError(
                f"{path}: not a readable restart file ({error}); remove it to start afresh"
            ) from error

    def result(self) -> StaticResult:
        history, controls = self.history, self.march.controls
        return StaticResult(
            self.out, self.march.load, len(history["load"]) - 1, self.model.points.n, int(sum(history["iterations"])),
            self.march.all_cuts, clock.monotonic() - self.begun, int(self.unreliable.sum()), self.resumed, history,
            controls.tolerance, controls.loose, controls.measure,
        )  # fmt: skip


class _ForeignError(SolverError):
    """A restart file of another version, mesh, material or load."""


def fingerprint(model: StaticModel) -> str:
    """Hash of what must be equal for a run to go on: mesh, material, what is held and loaded. Not the controls."""
    digest = hashlib.sha256()
    problem, material = model.problem, model.points.material
    block = model.deck.elements[0]
    moduli = material.elastic_moduli
    said = (
        block.type, _material_said(model.material), sorted(model.deck.materials), int(material.state_size), float(moduli.bulk),
        float(moduli.shear), [repr(m) for m in model.deck.materials.values()],
    )  # fmt: skip
    digest.update(repr(said).encode())
    for array in (block.connectivity, model.deck.coordinates, problem.fixed):
        digest.update(np.ascontiguousarray(array).tobytes())
    for load in (0.0, 0.37, 1.0):
        digest.update(problem.values(load).tobytes() + problem.forces(load).tobytes())
    return digest.hexdigest()


def _material_said(switch: str) -> str:
    """The switch of the material but for guards of a packing: they change no answer, and a run that one of them has stopped
    goes on with a wider one."""
    kind, colon, rest = switch.partition(":")
    if kind != "packing":
        return switch
    name, options = split_options(rest)
    kept = [f"{k}={v!r}" for k, v in options.items() if not k.endswith("_max")]
    return kind + colon + ",".join([name, *kept])


def frame(model: StaticModel, u: NDArray, load: float, unreliable: NDArray) -> FrameData:
    """Fields of the points' trial: means over the volume of an element, the worst status."""
    mesh, points, deck = model.problem.mesh, model.points, model.deck
    elements = deck.element_count
    weight = mesh.weights.reshape(elements, -1)
    weight = weight / weight.sum(axis=1, keepdims=True)

    def mean(values: NDArray) -> NDArray:
        """(elements[, k]) of (points) or (k, points)."""
        return np.einsum("...eq,eq->e...", values.reshape(*values.shape[:-1], elements, -1), weight)

    displacement = np.zeros((len(deck.coordinates), 3))
    displacement[model.nodes, : mesh.dim] = u[model.node_dofs].T
    stress = points.full_stress
    measures = stress_measures(stress.T) | strain_measures(np.eye(3) + _full(mesh.strain(u)))
    element = {
        "stress": mean(stress), **{name: mean(values) for name, values in measures.items()},
        "status": points.status.reshape(elements, -1).max(axis=1),
        "unreliable_so_far": unreliable.reshape(elements, -1).max(axis=1).astype(np.int32),
    }  # fmt: skip
    known = {}
    for variable in points.material.state_schema:
        values, long = points.shown(variable.name), variable.count > LONG_STATE
        name = variable.name + ("_norm" if long else "")
        element[name] = mean(
            np.sqrt((values**2).sum(axis=0)) if long else values[0] if variable.count == 1 else values
        )
        known[name] = Field(variable.unit, variable.description)
    return FrameData(load * model.time, {"displacement": displacement}, element, known)


def _full(strain: NDArray) -> NDArray:
    """(points, 3, 3) of strains (3 or 6, points), engineering shear."""
    out = np.zeros((strain.shape[1], 3, 3))
    pairs = ((0, 0), (1, 1), (0, 1)) if len(strain) == 3 else ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))
    for row, (i, j) in zip(strain, pairs, strict=True):
        out[:, i, j] = out[:, j, i] = row if i == j else 0.5 * row
    return out
