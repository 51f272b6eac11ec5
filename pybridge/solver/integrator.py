"""Explicit central differences: half-step velocities, lumped mass, variable time step.

    v_(n+1/2) = v_(n-1/2) + (dt_(n-1) + dt_n) / 2 * a_n,    u_(n+1) = u_n + dt_n v_(n+1/2)

Damping proportional to mass, -alpha m v, takes the mean of both velocities: stable at any increment.

A step is tried, and taken only if every element and point succeeds; otherwise nothing has changed.
"""

from __future__ import annotations

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.assembly import Assembler
from pybridge.solver.contact import RigidContact, Touch
from pybridge.solver.elements import Chunk, ElementWorkspace, StepResult
from pybridge.solver.model import Controls, Curve, Model
from pybridge.solver.pressure import PressureLoads

Array = NDArray[np.float64]


@dataclass
class Energies:
    """Accumulated energies, J. total = kinetic + internal + viscous + hourglass + contact - external is constant."""

    internal: float = 0.0  # work of the stresses, plastic dissipation included
    plastic: float = 0.0  # the dissipated part of it, as the material reports
    viscous: float = 0.0  # bulk viscosity, and damping proportional to mass
    hourglass: float = 0.0
    contact: float = 0.0  # friction, and what the first touch of a node takes
    external: float = 0.0  # work of prescribed velocities, pressures, rigid bodies of infinite mass


@dataclass
class StepOutcome:
    """What a tried step found."""

    status: int  # worst status of a material point
    stable_dt: float
    increments: StepResult
    touches: list[Touch] = field(default_factory=list)


class Integrator:
    """State of a run and its steps. Arrays over nodes are (3, N)."""

    def __init__(self, model: Model, controls: Controls) -> None:
        self.model, self.controls = model, controls
        count = len(model.coordinates)
        self.x0 = np.ascontiguousarray(model.coordinates.T)
        self.d = 2 if model.flat else 3
        self._build_chunks()
        self.mass = np.zeros(count)
        damping = np.zeros(count)
        for group in self.groups:
            mass = group.assembler.add(group.masses())
            self.mass += mass
            damping += group.group.damping * mass
        self.used = self.mass > 0.0
        self.inverse_mass = np.where(self.used, 1.0 / np.where(self.used, self.mass, 1.0), 0.0)
        self.damping = damping * self.inverse_mass if damping.any() else None
        self.pressures = PressureLoads(model) if model.pressures else None
        self.u = np.zeros((3, count))
        self.v = np.where(self.used, np.ascontiguousarray(model.velocity.T), 0.0)
        self.force = np.zeros((3, count))  # internal, at the nodes
        self.load = np.zeros((3, count))  # external
        self._collect_constraints()
        self.contacts = [RigidContact(c, self.mass) for c in model.contacts]
        self.energies = Energies()
        self.time, self.dt_old, self.steps, self.cuts = 0.0, 0.0, 0, 0
        self.rows = np.arange(self.d)
        self.threads = controls.threads or _threads_from_environment()
        self.pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        self.local = threading.local()
        self.stable_dt = min(c.virgin_step(self._workspace(c)) for c in self.chunks)
        stressed = any(group.group.initial_stress is not None for group in self.groups)
        self.started = stressed or self.pressures is not None  # with forces at t = 0
        if stressed:
            self._initial_forces()
        if self.pressures:
            self.load = self.pressures.force(self.x0, 0.0)
        self.last_load_work = 0.0
        self.last_increments: StepResult | None = None
        self.last_touches = [Touch(np.zeros(3), 0.0, 0.0, 0) for _ in self.contacts]

    def _build_chunks(self) -> None:
        self.groups = [GroupChunks(self.model, k, self.controls.chunk) for k in range(len(self.model.groups))]
        self.chunks = [chunk for group in self.groups for chunk in group.chunks]

    def _collect_constraints(self) -> None:
        """Flat indices into (3, N) with their velocities; nodes on the axis of an axisymmetric mesh stay there."""
        count = self.u.shape[1]
        fixed: dict[int, float] = {}
        curves: dict[int, Curve] = {}
        for item in self.model.prescribed:
            for node in np.asarray(item.nodes):
                fixed[item.component * count + int(node)] = item.velocity
                curves[item.component * count + int(node)] = item.curve
        if self.model.axisymmetric:
            size = np.abs(self.x0).max()
            for node in np.flatnonzero(self.x0[0] < 1e-9 * size):
                fixed.setdefault(int(node), 0.0)
        self.fixed = np.array(sorted(fixed), np.int64)
        self.fixed_value = np.array([fixed[i] for i in self.fixed])
        self.fixed_velocity = self.fixed_value
        found = [curves.get(int(i), Curve()) for i in self.fixed]
        self.curves = {
            curve: np.array([c == curve for c in found]) for curve in dict.fromkeys(found) if curve != Curve()
        }
        moved = {p.name: np.isin(self.fixed % count, p.nodes) for p in self.model.prescribed if p.name}
        self.moved = {name: (rows, self.fixed[rows] // count) for name, rows in moved.items()}
        self.moved_impulse = {name: np.zeros(3) for name in moved}  # of the nodes on what moves them, N s

    def _initial_forces(self) -> None:
        for group in self.groups:
            for chunk in group.chunks:
                chunk.initial_forces(group.forces, self._workspace(chunk))
            for i in range(self.d):
                self.force[i] += group.assembler.add(group.forces[i])

    def kinetic(self, v: Array) -> float:
        """Kinetic energy of nodes and of rigid bodies of finite mass, J."""
        nodes = 0.5 * float((self.mass * (v * v).sum(0)).sum())
        return nodes + sum(c.kinetic for c in getattr(self, "contacts", []))

    def _workspace(self, chunk: Chunk) -> ElementWorkspace:
        spaces = self.local.__dict__.setdefault("spaces", {})
        key = (chunk.technology.name, chunk.n)
        if key not in spaces:
            spaces[key] = chunk.workspace()
        return spaces[key]

    # --- one step -----------------------------------------------------------------------------------------

    def step(self, dt: float) -> StepOutcome:
        """Try a step; it is taken if the status is below 2 (recoverable). Raises SolverError from the elements."""
        dt_mean = 0.5 * (self.dt_old + dt)
        force = self.force - self.load if self.pressures else self.force
        v = self.v - dt_mean * self.inverse_mass * force
        # Damping takes the velocity after the step too: to move a node it feels like more mass.
        half = None if self.damping is None else 0.5 * dt_mean * self.damping
        mass = self.mass if half is None else self.mass * (1.0 + half)
        if half is not None:
            v = (v - half * self.v) / (1.0 + half)
        external, impulse = self._prescribe(v, dt, mass)
        touches, bodies = [], []
        for contact in self.contacts:
            touches.append(self._touch(contact, v, dt, dt_mean, bodies, mass))
        u = self.u + dt * v
        results = self._elements(u, dt)
        total = StepResult(
            sum(r.internal for r in results), sum(r.plastic for r in results), sum(r.viscous for r in results),
            sum(r.hourglass for r in results), sum(r.first_half for r in results),
            min(r.stable_dt for r in results), max(r.status for r in results),
        )  # fmt: skip
        outcome = StepOutcome(total.status, total.stable_dt, total, touches)
        if total.status < 2:
            damped = 0.0 if half is None else float((self.mass * half * (0.5 * (self.v + v) ** 2)).sum())
            self._accept(u, v, dt, total, touches, bodies, external, damped, impulse)
        return outcome

    def _prescribe(self, v: Array, dt: float, mass: Array) -> tuple[float, Array]:
        """Set prescribed velocities; returns the work of the reactions, and their impulses."""
        if self.fixed.size == 0:
            return 0.0, np.zeros(0)
        if self.curves:
            self.fixed_velocity = self.fixed_value.copy()
            for curve, rows in self.curves.items():
                self.fixed_velocity[rows] *= curve(self.time + 0.5 * dt)
        flat, old = v.reshape(-1), self.v.reshape(-1)[self.fixed]
        nodes = self.fixed % self.u.shape[1]
        impulse = mass[nodes] * (self.fixed_velocity - flat[self.fixed])
        flat[self.fixed] = self.fixed_velocity
        return float((impulse * 0.5 * (old + self.fixed_velocity)).sum()), impulse

    def _touch(
        self, contact: RigidContact, v: Array, dt: float, dt_mean: float, bodies: list[Array], mass: Array
    ) -> Touch:
        nodes = contact.nodes
        x = (self.x0[:, nodes] + self.u[:, nodes]).T
        v_new, body, touch = contact.correct(x, self.v[:, nodes].T, v[:, nodes].T, dt, dt_mean, mass[nodes])
        if touch.nodes:
            v[:, nodes] = v_new.T
            if self.fixed.size:
                v.reshape(-1)[self.fixed] = self.fixed_velocity
        bodies.append(body)
        return touch

    def _elements(self, u: Array, dt: float) -> list[StepResult]:
        jobs = [(group, chunk) for group in self.groups for chunk in group.chunks]

        many = len(jobs) >= self.threads  # otherwise the blocks of material points go to the threads
        inner = None if many else self.pool

        def work(job: tuple[GroupChunks, Chunk]) -> StepResult:
            group, chunk = job
            space = self._workspace(chunk)
            return chunk.step(u, self.time, dt, group.forces, space, inner, self.threads)

        return list(self.pool.map(work, jobs)) if self.pool and many else [work(job) for job in jobs]

    def _accept(
        self,
        u: Array,
        v: Array,
        dt: float,
        r: StepResult,
        touches: list[Touch],
        bodies: list[Array],
        external: float,
        damped: float,
        impulse: Array,
    ) -> None:
        for chunk in self.chunks:
            chunk.accept()
            if r.status:
                chunk.points.unreliable |= chunk.points.old.status == 1
        dt_mean = 0.5 * (self.dt_old + dt)
        for contact, body, touch in zip(self.contacts, bodies, touches, strict=True):
            contact.accept(body, dt, dt_mean * touch.force)
        moved = u - self.u if self.pressures else None
        if self.dt_old == 0.0 and self.started:
            # The first half step is taken from rest at t = 0, where the forces counted on half of the whole step.
            half = 0.5 * (u - self.u) - dt_mean * 0.5 * (self.v + v)
            self.energies.external += float(((self.force - self.load) * half).sum())
        self.u, self.v = u, v
        self.force[:] = 0.0
        for group in self.groups:
            for i in range(self.d):
                self.force[i] += group.assembler.add(group.forces[i])
        e = self.energies
        e.internal += r.internal
        e.plastic += r.plastic
        e.viscous += r.viscous + damped
        e.hourglass += r.hourglass
        e.external += external + sum(t.external for t in touches)
        if self.pressures and moved is not None:
            load = self.pressures.force(self.x0 + u, self.time + dt)
            self.last_load_work = 0.5 * float((load * moved).sum())
            e.external += 0.5 * float((self.load * moved).sum()) + self.last_load_work
            self.load = load
        for name, (rows, component) in self.moved.items():
            self.moved_impulse[name] -= np.bincount(component, impulse[rows], 3)
        e.contact += sum(t.dissipated for t in touches)
        self.last_increments, self.last_touches = r, touches
        self.time += dt
        self.dt_old = dt
        self.steps += 1
        self.stable_dt = r.stable_dt

    def worst_point(self, status: int, time: float) -> str:
        """The first element with a point of that status or worse, in words: of the step just tried or taken."""
        for chunk in self.chunks:
            found = chunk.points.old.status if status == 1 else chunk.points.new.status
            bad = np.flatnonzero(found >= status)
            if bad.size:
                name, label = chunk.group.material.name, chunk.labels[bad[0] % chunk.n]
                return f"material {name} of {chunk.group.kind} element {label} at time {time:.6g}"
        return f"a material at time {time:.6g}"

    @property
    def unreliable_points(self) -> int:
        """Points whose material says now that it is unreliable."""
        return sum(int(np.count_nonzero(c.points.old.status == 1)) for c in self.chunks)

    def close(self) -> None:
        """Stop the threads."""
        if self.pool:
            self.pool.shutdown()
            self.pool = None

    def balance(self) -> dict[str, float]:
        """Energies now; kinetic energy and `total` at the middle of the last step, where the velocities are known.

        There the identity of the central differences holds exactly, so that `total` is constant.
        """
        e, r = self.energies, self.last_increments
        parts = {"kinetic": self.kinetic(self.v), **vars(e)}
        stored = (
            sum(parts[n] for n in ("kinetic", "internal", "viscous", "hourglass", "contact")) - e.external
        )
        second_half = r.internal + r.viscous + r.hourglass - r.first_half if r else 0.0
        return parts | {"total": stored - (second_half - self.last_load_work)}


class GroupChunks:
    """Chunks of one group, with the array of their corner forces."""

    def __init__(self, model: Model, index: int, size: int) -> None:
        group = model.groups[index]
        m = len(group.labels)
        if m == 0 or group.connectivity.min() < 0 or group.connectivity.max() >= len(model.coordinates):
            raise SolverError(
                f"element group {index} ({group.kind}): no elements, or nodes that are not in the mesh"
            )
        coordinates = np.ascontiguousarray(model.coordinates.T)
        points = 8 if group.kind == "C3D8" else 1
        count = -(-m * points // size)
        bounds = [m * k // count for k in range(count + 1)]
        self.chunks = [
            Chunk(group, slice(a, b), coordinates, a) for a, b in itertools.pairwise(bounds) if b > a
        ]
        self.group = group
        nodes = np.concatenate([c.nodes for c in self.chunks], axis=1)
        self.forces = np.zeros((self.chunks[0].d, len(nodes), m))
        self.assembler = Assembler(nodes, len(model.coordinates))

    def masses(self) -> Array:
        """Corner masses (2^d, m)."""
        return np.concatenate([c.mass * c.ref.corner_share for c in self.chunks], axis=1)


def _threads_from_environment() -> int:
    text = os.environ.get("PYBRIDGE_NUM_THREADS", "").strip()
    if not text:
        return 1
    if not text.isdigit() or int(text) < 1:
        raise SolverError(f"PYBRIDGE_NUM_THREADS={text}: expected a whole number of threads, 1 or more")
    return int(text)
