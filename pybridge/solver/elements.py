"""A chunk of elements: from nodal displacements to nodal forces, energies and the largest stable increment.

Chunks are small enough for the cache and independent of each other: any number of threads may work on them and every
result has the same bits. Total Lagrangian: f_ia = sum_points V P_ij B_ja, P = J sigma F^-T.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.algebra import determinant, expand, product, product_nt, product_tn
from pybridge.solver.geometry import TECHNOLOGIES, reference
from pybridge.solver.hourglass import HourglassControl
from pybridge.solver.model import ElementGroup
from pybridge.solver.points import Points, Workspace
from pybridge.solver.walsh import to_corners, to_modes

Array = NDArray[np.float64]


@dataclass
class StepResult:
    """What a chunk reports after a step: increments of energy (J) and the stable increment (s) at its end."""

    internal: float
    plastic: float
    viscous: float
    hourglass: float
    first_half: (
        float  # of internal, viscous and hourglass work together: by the forces at the beginning of the step
    )
    stable_dt: float
    status: int


class ElementWorkspace:
    """Temporaries of a chunk: of its corners and of its points."""

    def __init__(self, d: int, corners: int, points: int, n: int) -> None:
        self.w, self.w2 = np.empty((d, corners, n)), np.empty((d, corners, n))
        self.grad = np.empty((d, corners, n))
        self.tmp_f = np.empty((d, d, n))
        self.tmp_c = np.empty((d, corners, n))
        self.hg, self.hg2, self.hg3 = (np.empty((d, 4 if d == 3 else 1, n)) for _ in range(3))
        self.points = Workspace(points * n)


class Chunk:
    """n elements of one group. corners (2^d, n): nodes in bit order; start: place in the array of corner forces."""

    def __init__(self, group: ElementGroup, select: slice, coordinates: Array, start: int) -> None:
        self.technology = t = TECHNOLOGIES[group.kind]
        self.group = group
        self.labels = group.labels[select]
        self.nodes = np.ascontiguousarray(group.connectivity[select].T[list(t.corner_order)])
        self.n = n = len(self.labels)
        self.start = start
        self.d = d = t.dimension
        self.ref = reference(t, np.ascontiguousarray(coordinates[:d][:, self.nodes]), self.labels)
        moduli = group.material.material.elastic_moduli
        self.bulk, self.shear = float(moduli.bulk), float(moduli.shear)
        self.lame = self.bulk - 2.0 * self.shear / 3.0
        self.p_modulus = self.lame + 2.0 * self.shear
        if not (np.isfinite(self.p_modulus) and self.p_modulus > 0.0 and self.shear >= 0.0):
            raise SolverError(
                f"material {group.material.name}: its virgin moduli (bulk {self.bulk}, shear {self.shear}) give no wave speed"
            )
        self.density = group.material.density
        self.volume = self.ref.volume.sum(0)
        self.mass = self.density * self.volume
        start_temperature = np.zeros(n) if group.temperature is None else group.temperature[select]
        self.points = Points(
            t.points * n,
            group.material,
            np.full(t.points * n, self.density),
            np.tile(start_temperature, t.points),
            np.tile(self.ref.length, t.points),
        )
        if group.initial_stress is not None:
            self.points.old.stress[:] = np.tile(group.initial_stress[select].T, t.points)
        self.point_volume = np.ascontiguousarray(self.ref.volume.reshape(-1))
        self.gradient = [np.ascontiguousarray(self.ref.gradient[p]) for p in range(t.points)]
        self.hourglass: HourglassControl | None = None
        self.q_old = self.q_new = self.hg_old = self.hg_new = np.zeros((0, n))
        if t.hourglass_modes:
            planar = sum(self.ref.gram[0, i, i] for i in range(d)) / d
            # of shape, not of volume: nearly incompressible materials must not lock in hourglass modes
            modulus = min(self.p_modulus, 4.0 * self.shear)
            omega = np.sqrt(modulus / self.density * planar)
            young = 9.0 * self.bulk * self.shear / (3.0 * self.bulk + self.shear)
            bending = young / (3.0 * modulus) if modulus > 0.0 else 0.0
            self.hourglass = HourglassControl(group.hourglass, 2**d, self.mass, omega, bending)
            rows = d * len(t.hourglass_modes)
            self.q_old, self.q_new, self.hg_old, self.hg_new = (np.zeros((rows, n)) for _ in range(4))

    def workspace(self) -> ElementWorkspace:
        """Temporaries that fit."""
        return ElementWorkspace(self.d, 2**self.d, self.technology.points, self.n)

    def accept(self) -> None:
        """The step is taken: new becomes old."""
        self.points.accept()
        self.q_old, self.q_new = self.q_new, self.q_old
        self.hg_old, self.hg_new = self.hg_new, self.hg_old

    # --- one step -----------------------------------------------------------------------------------------

    def step(
        self, u: Array, time_old: float, dt: float, forces: Array, work: ElementWorkspace,
        pool: Executor | None = None, threads: int = 1,
    ) -> StepResult:  # fmt: skip
        """Forces of displacements u (3, N) into forces[:, :, chunk].

        Raises SolverError where an element is inverted or not a number; material failures are in the status.
        """
        p = work.points
        w = self._displacement_modes(u, work)
        self._deformation(w, work)
        if self.points.place_wanted:
            self._places(w, p.place)
        self._check(p.f, u, time_old)
        ratio = self._mean_dilatation(p) if self.technology.points > 1 else None
        if not self.points.kinematics(p):
            raise SolverError(
                f"{self.group.kind} elements {self.labels[0]}..{self.labels[-1]} at time {time_old + dt:.6g}: no polar "
                "decomposition found, a deformation gradient turned too far in one step; reduce the scale factor"
            )
        status = self.points.respond(p, time_old, dt, pool, threads)
        stable = self._viscosity_and_step(p, dt)
        result = self._energies(p, stable, status)
        forces[:, :, self.start : self.start + self.n] = self._corner_forces(w, ratio, dt, work, result)
        return result

    def virgin_step(self, work: ElementWorkspace) -> float:
        """The largest stable increment of the undeformed chunk."""
        p = work.points
        p.adjugate[:3], p.adjugate[3:] = 1.0, 0.0
        self.points.new.volume_ratio[:] = 1.0
        return self._viscosity_and_step(p, 0.0)

    def initial_forces(self, forces: Array, work: ElementWorkspace) -> None:
        """Forces of the initial stress of the undeformed chunk into forces[:, :, chunk]."""
        p, old, new = work.points, self.points.old, self.points.new
        p.adjugate[:3], p.adjugate[3:] = 1.0, 0.0
        p.f[:] = np.eye(3)[:, :, None]
        new.volume_ratio[:], new.viscous[:] = 1.0, 0.0
        new.stress[:], new.rotation[:] = old.stress, old.rotation
        work.w[:] = 0.0
        ratio = np.ones(self.points.n) if self.technology.points > 1 else None
        result = StepResult(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
        forces[:, :, self.start : self.start + self.n] = self._corner_forces(work.w, ratio, 0.0, work, result)

    def _displacement_modes(self, u: Array, work: ElementWorkspace) -> Array:
        for i in range(self.d):
            np.take(u[i], self.nodes, out=work.w[i], mode="clip")
        return to_modes(work.w, work.w2)

    def _deformation(self, w: Array, work: ElementWorkspace) -> None:
        """F of every point into work.points.f (3, 3, points n)."""
        d, n, f = self.d, self.n, work.points.f
        if d == 2:
            f[0, 2] = f[1, 2] = f[2, 0] = f[2, 1] = 0.0
            f[2, 2] = 1.0
            if self.ref.hoop is not None:
                f[2, 2] += np.einsum("mn,mn->n", self.ref.hoop, w[0])
        for point, c in enumerate(self.gradient):
            target = f[:d, :d, point * n : (point + 1) * n]
            np.multiply(w[:, 1, None], c[None, :, 1], out=target)
            for m in range(2, 2**d):
                np.multiply(w[:, m, None], c[None, :, m], out=work.tmp_f)
                np.add(target, work.tmp_f, out=target)
            for i in range(d):
                target[i, i] += 1.0

    def _places(self, w: Array, place: Array) -> None:
        """Where the points are now, into place (3, points n); flat elements: (r, z, 0) or (x, y, 0)."""
        place[2] = 0.0
        moved = np.einsum("pm,dmn->dpn", self.ref.point_modes, w)
        place[: self.d] = (self.ref.place + moved).reshape(self.d, -1)

    def _check(self, f: Array, u: Array, time: float) -> None:
        det = determinant(f)
        if det.min() > 0.0:
            return
        bad = int(np.flatnonzero(~(det > 0.0))[0])
        what = "inside out" if np.isfinite(det[bad]) else "not a number"
        raise SolverError(
            f"{self.group.kind} element {self.labels[bad % self.n]} at time {time:.6g}: its deformation gradient is {what} "
            f"(det F = {det[bad]:.6g}); expected det F > 0. Refine the mesh or the time step there, or check the material"
        )

    def _mean_dilatation(self, p: Workspace) -> Array:
        """F-bar = (J-bar / J)^(1/3) F with the element's mean J: isochoric flow does not lock. Returns J-bar / J."""
        jacobian = determinant(p.f)
        mean = (jacobian * self.point_volume).reshape(8, -1).sum(0) / self.volume
        ratio = np.tile(mean, 8) / jacobian
        p.f *= np.cbrt(ratio)
        return ratio

    def _viscosity_and_step(self, p: Workspace, dt: float) -> float:
        """Bulk viscosity into new.viscous, and the smallest stable increment of the chunk.

        The largest frequency of a uniform-strain element is bounded by omega^2 <= (lambda tr H + 2 mu h) / density
        with H = sum_a B_a B_a^T V / V_a in the current configuration and h its largest eigenvalue: exact for cubes
        (3 K) and for slabs (lambda + 2 mu).
        """
        new = self.points.new
        dilatation, largest = self._gram_now(p)
        shear = 2.0 * self.shear * largest
        volumetric = self.lame * dilatation if self.lame >= 0.0 else 0.0 * dilatation
        omega2 = (volumetric + shear) / (self.density * new.volume_ratio)
        half_period = 2.0 / np.sqrt(omega2)
        if dt > 0.0:
            e = p.strain_inc
            rate = (e[0] + e[1] + e[2]) / dt
            xi = np.minimum(rate, 0.0)
            xi *= half_period
            xi *= -(self.group.quadratic_viscosity**2)
            xi += self.group.linear_viscosity
            np.multiply(rate, half_period, out=new.viscous)
            new.viscous *= xi
            new.viscous *= self.p_modulus
        else:
            new.viscous[:] = 0.0
            xi = np.full_like(half_period, self.group.linear_viscosity)
        return float((half_period * (np.sqrt(1.0 + xi * xi) - xi)).min())

    def _gram_now(self, p: Workspace) -> tuple[Array, Array]:
        """tr H and a bound of its largest eigenvalue, both times J^2; averaged over the points of an element."""
        adj = expand(p.adjugate, p.m1)
        points, n = self.technology.points, self.n
        gram = self.ref.gram[0] if points == 1 else np.concatenate(list(self.ref.gram), axis=-1)
        half = product(adj, gram, p.m2, p.full)
        h = product(half, adj, p.m3, p.full)
        if self.d == 2:
            trace, hoop = h[0, 0] + h[1, 1], h[2, 2]
            largest = 0.5 * trace + np.sqrt(0.25 * (h[0, 0] - h[1, 1]) ** 2 + h[0, 1] ** 2) + hoop
            return (np.sqrt(trace) + np.sqrt(hoop)) ** 2, largest
        trace = h[0, 0] + h[1, 1] + h[2, 2]
        square = h[0, 0] ** 2 + h[1, 1] ** 2 + h[2, 2] ** 2
        square += 2.0 * (h[0, 1] ** 2 + h[1, 2] ** 2 + h[0, 2] ** 2)
        third = trace / 3.0
        # lambda_max <= mean + sqrt(2/3) |deviator|, attained where two eigenvalues are equal and the third is larger
        largest = third + np.sqrt(np.maximum(square - trace * third, 0.0) * (2.0 / 3.0))
        if points > 1:
            weight = self.point_volume.reshape(points, n) / self.volume
            trace = np.tile((trace.reshape(points, n) * weight).sum(0), points)
            largest = np.tile((largest.reshape(points, n) * weight).sum(0), points)
        return trace, largest

    def _energies(self, p: Workspace, stable: float, status: int) -> StepResult:
        """Work of the stresses by the trapezoidal rule, per reference volume: that of the central differences."""
        old, new, e = self.points.old, self.points.new, p.strain_inc
        weight_old = old.volume_ratio * self.point_volume
        weight_new = np.multiply(new.volume_ratio, self.point_volume, out=p.t)
        trace = e[0] + e[1] + e[2]
        first = 0.5 * float((_work(old.stress, e, p.mid) * weight_old).sum())
        second = 0.5 * float((_work(new.stress, e, p.mid) * weight_new).sum())
        viscous_first = 0.5 * float((old.viscous * trace * weight_old).sum())
        viscous_second = 0.5 * float((new.viscous * trace * weight_new).sum())
        return StepResult(
            first + second, float((p.dissipation * weight_new).sum()), viscous_first + viscous_second, 0.0,
            first + viscous_first, stable, status,
        )  # fmt: skip

    def _corner_forces(
        self, w: Array, ratio: Array | None, dt: float, work: ElementWorkspace, result: StepResult
    ) -> Array:
        p, new, d, n = work.points, self.points.new, self.d, self.n
        stress = p.mid
        stress[:] = new.stress
        stress[:3] += new.viscous
        scale = self.point_volume
        if ratio is not None:
            scale = self._split_pressure(stress, ratio)
        np.multiply(stress, scale, out=stress)
        inner = product(expand(stress, p.m1), expand(p.adjugate, p.m2), p.m3, p.full)
        piola = product(new.rotation, inner, p.m1, p.full)  # V P = V R (sigma adj U)
        g = work.grad
        g[:] = 0.0
        for point, c in enumerate(self.gradient):
            here = piola[:, :, point * n : (point + 1) * n]
            if self.hourglass is not None:
                here = self._resist_hourglass(w, here, dt, work, result)
            for j in range(d):
                np.multiply(here[:d, j, None], c[None, j, 1:], out=work.tmp_c[:, 1:])
                np.add(g[:, 1:], work.tmp_c[:, 1:], out=g[:, 1:])
        if self.ref.hoop is not None:
            np.multiply(self.ref.hoop, piola[2, 2], out=work.tmp_c[0])
            g[0] += work.tmp_c[0]
        return to_corners(g, work.tmp_c)

    def _split_pressure(self, stress: Array, ratio: Array) -> Array:
        """Stress whose work is that of F-bar: P = V ((J-bar/J) dev sigma + mean pressure) J F^-T. Returns the factor."""
        pressure = (stress[0] + stress[1] + stress[2]) / 3.0
        stress[:3] -= pressure
        stress *= ratio
        mean = (pressure * self.point_volume).reshape(8, -1).sum(0) / self.volume
        stress[:3] += np.tile(mean, 8)
        return self.point_volume / np.cbrt(ratio) ** 2

    def _resist_hourglass(
        self, w: Array, piola: Array, dt: float, work: ElementWorkspace, result: StepResult
    ) -> Array:
        """Adds hourglass forces to the modes in work.grad; returns V P less their share in the linear modes."""
        d, p, rotation = self.d, work.points, self.points.new.rotation
        modes, skew = self.technology.hourglass_modes, self.ref.skew
        q, tmp, hat = work.hg, work.hg2, work.hg3
        for a, m in enumerate(modes):
            q[:, a] = w[:, m]
        for j in range(d):
            column = p.f[:d, j, None].copy()
            column[j] -= 1.0
            np.multiply(column, skew[None, j], out=tmp)
            np.subtract(q, tmp, out=q)
        turn = rotation[:d, :d]
        product_tn(turn, q, hat, tmp)
        q_new = self.q_new
        rows = q_new.shape
        q_new[:] = hat.reshape(rows)
        q_inc = np.subtract(q_new, self.q_old, out=hat.reshape(rows))
        assert self.hourglass is not None
        self.hourglass.force(
            q_new, q_inc, self.hg_old, dt if dt > 0.0 else 1.0, self.hg_new, tmp.reshape(rows)
        )
        first = 0.5 * float(np.multiply(self.hg_old, q_inc, out=tmp.reshape(rows)).sum())
        result.hourglass = first + 0.5 * float(np.multiply(self.hg_new, q_inc, out=tmp.reshape(rows)).sum())
        result.first_half += first
        global_force = product(turn, self.hg_new.reshape(hat.shape), q, tmp)
        for a, m in enumerate(modes):
            work.grad[:, m] += global_force[:, a]
        linear = product_nt(global_force, skew, work.tmp_f, p.m2[:d, :d])
        piola[:d, :d] -= linear
        return piola


def _work(stress: Array, strain_inc: Array, tmp: Array) -> Array:
    """stress : strain_inc of symmetric tensors (6, n)."""
    np.multiply(stress, strain_inc, out=tmp)
    work = tmp[3] + tmp[4]
    work += tmp[5]
    work *= 2.0
    work += tmp[0]
    work += tmp[1]
    work += tmp[2]
    return work
