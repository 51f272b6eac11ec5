"""Contact of nodes with rigid surfaces: a plane and a flat-ended cylinder, of infinite or finite mass.

Kinematic predictor and corrector: nodes that would end a step inside the body get the impulse J_i n_i that ends them on
its surface. With a body of mass M that moves by V,

    J_i = m_i (-gap_i / dt + n_i . D),   D = V - V_predicted = -A sum_k J_k n_k,   A = diag(free / M),

solved for D (3 x 3) with the set of nodes that are pushed, never pulled. Linear momentum is conserved to rounding, and
the work of the impulses, with mean velocities, is the exact change of kinetic energy of the central differences. What
the first touch of a node takes (its velocity jumps to the body's) is counted as contact energy, with that of friction.
Coulomb friction stops the tangential motion relative to the body with an impulse of at most mu J_i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.model import CylinderContact, PlaneContact

Array = NDArray[np.float64]


@dataclass
class Touch:
    """Outcome of a step: force on the body (3,), N; energy dissipated and external work of the step, J."""

    force: Array
    dissipated: float
    external: float
    nodes: int


class RigidContact:
    """One rigid body and the nodes that may touch it. Positions are (n, 3); axisymmetric ones have a zero third."""

    def __init__(self, settings: PlaneContact | CylinderContact, mass: Array) -> None:
        self.settings = settings
        self.nodes = np.unique(np.asarray(settings.nodes, np.int64))
        self.node_mass = mass[self.nodes]
        if (self.node_mass <= 0.0).any():
            raise SolverError(
                f"contact {settings.name}: some of its nodes belong to no element and have no mass"
            )
        normal = np.asarray(settings.normal, float)
        self.normal = normal / np.linalg.norm(normal)
        self.free = np.asarray(settings.free, bool) & np.isfinite(settings.mass)
        if self.free.any() and not settings.mass > 0.0:
            raise SolverError(
                f"contact {settings.name}: the rigid mass must be positive, got {settings.mass}"
            )
        self.compliance = np.where(self.free, 1.0 / settings.mass, 0.0)
        self.velocity = np.asarray(settings.velocity, float).copy()
        self.displacement = np.zeros(3)
        self.impulse = np.zeros(3)  # of the contact forces on the body since the start, N s
        if settings.friction < 0.0:
            raise SolverError(f"contact {settings.name}: friction must be 0 or more, got {settings.friction}")

    @property
    def kinetic(self) -> float:
        """Kinetic energy of a body of finite mass in the directions it is free in, J."""
        return (
            0.5 * self.settings.mass * float((self.velocity[self.free] ** 2).sum())
            if self.free.any()
            else 0.0
        )

    def state(self) -> dict[str, Array]:
        """What a restart needs."""
        return {"velocity": self.velocity, "displacement": self.displacement, "impulse": self.impulse}

    def correct(
        self, x: Array, v_old: Array, v: Array, dt: float, dt_mean: float, mass: Array | None = None
    ) -> tuple[Array, Array, Touch]:
        """Velocities after contact and the body's own, for nodes at x (n, 3) with v_old before and v predicted.

        mass: of the nodes (n,) where it is not their own: damped nodes resist like heavier ones. Returns (v_new (n, 3), V_new (3,), Touch); nothing of the body is changed before `accept`.
        """
        start = self.displacement
        gap, normal = self._gap(x - start, x + dt * v - (start + dt * self.velocity))
        candidate = np.flatnonzero(gap < 0.0)
        v_new, body = v.copy(), self.velocity.copy()
        if candidate.size == 0:
            return v_new, body, Touch(np.zeros(3), 0.0, 0.0, 0)
        m = (self.node_mass if mass is None else mass)[candidate]
        gap, normal = gap[candidate], normal[candidate]
        push, shift = self._impulses(gap / dt, normal, m)
        impulse = push[:, None] * normal
        impulse += self._friction(v[candidate] + impulse / m[:, None] - (body + shift), normal, push, m)
        v_new[candidate] += impulse / m[:, None]
        total = impulse.sum(0)
        body = body - self.compliance * total
        work = float((impulse * (0.5 * (v_old[candidate] + v_new[candidate]))).sum())
        given = float(total @ (0.5 * (self.velocity + body)))
        external = float(total[~self.free] @ body[~self.free])
        return v_new, body, Touch(-total / dt_mean, given - work, external, int((push > 0.0).sum()))

    def accept(self, body: Array, dt: float, impulse: Array) -> None:
        """The step is taken."""
        self.velocity[:] = body
        self.displacement += dt * body
        self.impulse += impulse

    def _impulses(self, closing: Array, normal: Array, m: Array) -> tuple[Array, Array]:
        active = np.ones(len(m), bool)
        shift = np.zeros(3)
        for _ in range(20):
            if self.free.any():
                n, mass = normal[active], m[active]
                matrix = np.eye(3) + self.compliance[:, None] * np.einsum("ki,kj,k->ij", n, n, mass)
                right = self.compliance * np.einsum("ki,k->i", n, mass * closing[active])
                shift = np.linalg.solve(matrix, right)
            push = m * (-closing + normal @ shift)
            wanted = push > 0.0
            if (wanted == active).all():
                break
            active = wanted
        return np.where(active, np.maximum(push, 0.0), 0.0), shift

    def _friction(self, slip: Array, normal: Array, push: Array, m: Array) -> Array:
        mu = self.settings.friction
        if mu == 0.0:
            return np.zeros_like(slip)
        slip = slip - (slip * normal).sum(1)[:, None] * normal
        stick = m * np.linalg.norm(slip, axis=1)
        factor = np.minimum(1.0, mu * push / np.where(stick > 0.0, stick, 1.0))
        return -(factor * m)[:, None] * slip

    def _gap(self, before: Array, after: Array) -> tuple[Array, Array]:
        """Signed distance of the positions after the step to the surface, and its normal there."""
        s = self.settings
        if isinstance(s, PlaneContact):
            return (after - np.asarray(s.point)) @ self.normal, np.broadcast_to(self.normal, after.shape)
        return _cylinder_gap(s, self.normal, before, after)


def _cylinder_gap(s: CylinderContact, axis: Array, before: Array, after: Array) -> tuple[Array, Array]:
    """Signed distance to a flat-ended cylinder whose edge has the fillet radius r.

    In the plane of axis and radius, (p, q) = (radius - (R - r), height + r): the face where p <= 0, the side where
    q <= 0, the rounded edge where both are positive. A node inside a sharp edge leaves through the surface that it was
    nearest to before the step.
    """
    fillet = s.fillet_radius
    p0, q0, _ = _cylinder_coordinates(s, axis, before)
    p, q, radial = _cylinder_coordinates(s, axis, after)
    side = np.where((p <= 0.0) & (q <= 0.0), p0 > q0, p > q)
    gap = np.where(side, p, q) - fillet
    along = np.where(side, 0.0, 1.0)
    across = np.where(side, 1.0, 0.0)
    if fillet > 0.0:
        edge = (p > 0.0) & (q > 0.0)
        length = np.where(edge, np.hypot(p, q), 1.0)
        gap = np.where(edge, length - fillet, gap)
        along, across = np.where(edge, q / length, along), np.where(edge, p / length, across)
    outside = (p > fillet) | (q > fillet) | (q < fillet - s.length)
    gap = np.where(outside & (gap < 0.0), 0.0, gap)
    return gap, along[:, None] * axis + across[:, None] * radial


def _cylinder_coordinates(s: CylinderContact, axis: Array, x: Array) -> tuple[Array, Array, Array]:
    offset = x - np.asarray(s.centre)
    height = offset @ axis
    radial = offset - height[:, None] * axis
    radius = np.linalg.norm(radial, axis=1)
    unit = radial / np.where(radius > 0.0, radius, 1.0)[:, None]
    return radius - (s.radius - s.fillet_radius), height + s.fillet_radius, unit
