"""Explicit central differences: half-step velocities, lumped mass, variable time step.

    v_(n+1/2) = v_(n-1/2) + (dt_(n-1) + dt_n) / 2 * a_n,    u_(n+1) = u_n + dt_n v_(n+1/2)

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
from pybridge.solver.model import Controls, Model

Array = NDArray[np.float64]


@dataclass
class Energies:
    """Accumulated energies, J. total = kinetic + internal + viscous + hourglass + contact - external is constant."""

    internal: float = 0.0  # work of the stresses, plastic dissipation included
    plastic: float = 0.0  # the dissipated part of it, as the material reports
    viscous: float = 0.0  # bulk viscosity
    hourglass: float = 0.0
    contact: float = 0.0  # friction, and what the first touch of a node takes
    external: float = 0.0  # work of prescribed velocities and of rigid bodies of infinite mass


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
        self.d = 2 if model.axisymmetric else 3
        self._build_chunks()
        self.mass = np.zeros(count)
        for group in self.groups:
            self.mass += group.assembler.add(group.masses())
        self.used = self.mass > 0.0
        self.inverse_mass = np.where(self.used, 1.0 / np.where(self.used, self.mass, 1.0), 0.0)
        self.u = np.zeros((3, count))
        self.v = np.where(self.used, np.ascontiguousarray(model.velocity.T), 0.0)
        self.force = np.zeros((3, count))  # internal, at the nodes
        self._collect_constraints()
        self.contacts = [RigidContact(c, self.mass) for c in model.contacts]
        self.energies = Energies()
        self.time, self.dt_old, self.steps, self.cuts = 0.0, 0.0, 0, 0
        self.rows = np.arange(self.d)
        self.threads = controls.threads or _threads_from_environment()
        self.pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        self.local = threading.local()
        self.stable_dt = min(c.virgin_step(self._workspace(c)) for c in self.chunks)
        self.last_increments: StepResult | None = None
        self.last_touches = [Touch(np.zeros(3), 0.0, 0.0, 0) for _ in self.contacts]

    def _build_chunks(self) -> None:
        self.groups = [GroupChunks(self.model, k, self.controls.chunk) for k in range(len(self.model.groups))]
        self.chunks = [chunk for group in self.groups for chunk in group.chunks]

    def _collect_constraints(self) -> None:
        """Flat indices into (3, N) with their velocities; nodes on the axis of an axisymmetric mesh stay there."""
        count = self.u.shape[1]
        fixed: dict[int, float] = {}
        for item in self.model.prescribed:
            for node in np.asarray(item.nodes):
                fixed[item.component * count + int(node)] = item.velocity
        if self.d == 2:
            size = np.abs(self.x0).max()
            for node in np.flatnonzero(self.x0[0] < 1e-9 * size):
                fixed.setdefault(int(node), 0.0)
        self.fixed = np.array(sorted(fixed), np.int64)
        self.fixed_velocity = np.array([fixed[i] for i in self.fixed])

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
        v = self.v - dt_mean * self.inverse_mass * self.force
        external = self._prescribe(v, dt_mean)
        touches, bodies = [], []
        for contact in self.contacts:
            touches.append(self._touch(contact, v, dt, dt_mean, bodies))
        u = self.u + dt * v
        results = self._elements(u, dt)
        total = StepResult(
            sum(r.internal for r in results), sum(r.plastic for r in results), sum(r.viscous for r in results),
            sum(r.hourglass for r in results), sum(r.first_half for r in results),
            min(r.stable_dt for r in results), max(r.status for r in results),
        )  # fmt: skip
        outcome = StepOutcome(total.status, total.stable_dt, total, touches)
        if total.status < 2:
            self._accept(u, v, dt, total, touches, bodies, external)
        return outcome

    def _prescribe(self, v: Array, dt_mean: float) -> float:
        """Set prescribed velocities; returns the work of the reactions."""
        if self.fixed.size == 0:
            return 0.0
        flat, old = v.reshape(-1), self.v.reshape(-1)[self.fixed]
        nodes = self.fixed % self.u.shape[1]
        impulse = self.mass[nodes] * (self.fixed_velocity - flat[self.fixed])
        flat[self.fixed] = self.fixed_velocity
        del dt_mean
        return float((impulse * 0.5 * (old + self.fixed_velocity)).sum())

    def _touch(
        self, contact: RigidContact, v: Array, dt: float, dt_mean: float, bodies: list[Array]
    ) -> Touch:
        nodes = contact.nodes
        x = (self.x0[:, nodes] + self.u[:, nodes]).T
        v_new, body, touch = contact.correct(x, self.v[:, nodes].T, v[:, nodes].T, dt, dt_mean)
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
    ) -> None:
        for chunk in self.chunks:
            chunk.accept()
            if r.status:
                chunk.points.unreliable |= chunk.points.old.status == 1
        dt_mean = 0.5 * (self.dt_old + dt)
        for contact, body, touch in zip(self.contacts, bodies, touches, strict=True):
            contact.accept(body, dt, dt_mean * touch.force)
        self.u, self.v = u, v
        self.force[:] = 0.0
        for group in self.groups:
            for i in range(self.d):
                self.force[i] += group.assembler.add(group.forces[i])
        e = self.energies
        e.internal += r.internal
        e.plastic += r.plastic
        e.viscous += r.viscous
        e.hourglass += r.hourglass
        e.external += external + sum(t.external for t in touches)
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
        return parts | {"total": stored - second_half}


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
