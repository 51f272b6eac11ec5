"""One step of a packing in plain NumPy: all pairs, vectors of three components, exact rotations of contact forces."""

from __future__ import annotations

import numpy as np


def vectors(flat, count, dim):
    """(count, 3) from (dim * count), the rest zero."""
    out = np.zeros((count, 3))
    out[:, :dim] = np.reshape(flat, (dim, count)).T
    return out


def turns(flat, count, dim):
    """(count, 3): spins of disks about axis 3."""
    out = np.zeros((count, 3))
    out[:, 3 - len(flat) // count :] = np.reshape(flat, (-1, count)).T
    return out


def rotated(v, axis):
    """v turned by the rotation vector `axis`."""
    angle = np.linalg.norm(axis)
    if angle == 0:
        return v
    k = axis / angle
    return v * np.cos(angle) + np.cross(k, v) * np.sin(angle) + k * (k @ v) * (1 - np.cos(angle))


class Reference:
    """Starts where a packing stands; step() moves it under a velocity gradient."""

    def __init__(self, packing):
        s, p = packing.state, packing.parameters
        self.dim, self.n, self.p = packing.dim, packing.count, p
        self.r, self.mass, self.inertia = packing.radius, packing.mass, packing.inertia
        self.cell = s["cell"].copy()
        self.x = vectors(s["position"], self.n, self.dim)
        self.w = vectors(s["velocity"], self.n, self.dim)
        self.spin = turns(s["spin"], self.n, self.dim)
        self.shear, self.roll, self.normal = {}, {}, {}
        pairs = len(s["first"])
        for k, (i, j) in enumerate(zip(s["first"], s["second"], strict=True)):
            d = self.branch(i, j)
            n = d / np.linalg.norm(d)
            self.normal[i, j] = n
            if self.dim == 2:
                self.shear[i, j] = s["shear"][k] * np.array([-n[1], n[0], 0])
                self.roll[i, j] = np.array([0, 0, s["rolling"][k] if len(s["rolling"]) else 0.0])
            else:
                self.shear[i, j] = s["shear"][k::pairs].copy()
                self.roll[i, j] = s["rolling"][k::pairs].copy() if len(s["rolling"]) else np.zeros(3)

    def branch(self, i, j):
        d = self.x[j] - self.x[i]
        return d - self.cell @ np.round(np.linalg.solve(self.cell, d))

    def pairs(self):
        d = self.x[None] - self.x[:, None]  # [i, j]: from i to j
        d = d - np.round(d @ np.linalg.inv(self.cell).T) @ self.cell.T
        u = self.r[:, None] + self.r[None] - np.linalg.norm(d, axis=2)
        for i, j in zip(*np.nonzero(np.triu(u > 0, 1)), strict=True):
            yield i, j, d[i, j], u[i, j]

    def law(self, i, j, u):
        """Normal force and tangential stiffness."""
        p, reduced = self.p, self.r[i] * self.r[j] / (self.r[i] + self.r[j])
        if p.law.name == "linear":
            return 2 * p.young * reduced * u, p.ratio * 2 * p.young * reduced
        shear_modulus = p.young / (2 * (1 + p.poisson))
        slope = (
            shear_modulus * np.sqrt(2 * (2 * reduced) * u) / (1 - p.poisson)
        )  # [GUAN22] Eq. 9, r* = 2 reduced
        kt = 2 * shear_modulus / (2 - p.poisson) * np.sqrt(2 * (2 * reduced) * u)
        return 2 / 3 * slope * u, kt

    def forces(self, gradient, dt):
        """Forces, torques on the grains and the stress, after the contacts have slid for dt."""
        force, torque = np.zeros((self.n, 3)), np.zeros((self.n, 3))
        stress, touching, rolling = np.zeros((3, 3)), {}, {}
        omega = 0.5 * np.array(
            [
                gradient[2, 1] - gradient[1, 2],
                gradient[0, 2] - gradient[2, 0],
                gradient[1, 0] - gradient[0, 1],
            ]
        )
        normals = {}
        for i, j, d, u in self.pairs():
            n = d / np.linalg.norm(d)
            fn, kt = self.law(i, j, u)
            arm_i, arm_j = self.r[i] - u / 2, self.r[j] - u / 2
            total_i, total_j = self.spin[i] + omega, self.spin[j] + omega
            v = self.w[j] - self.w[i] + gradient @ d
            v = (
                v - np.cross(total_i, arm_i * n) - np.cross(total_j, arm_j * n)
            )  # of the surfaces at the contact
            slide = v - n * (n @ v)
            old = self.normal.get((i, j), n)
            axis = np.cross(old, n)
            turn = np.arcsin(min(1.0, np.linalg.norm(axis))) * axis / max(np.linalg.norm(axis), 1e-300)
            twist = 0.5 * dt * (n @ (total_i + total_j)) * n
            ft = rotated(rotated(self.shear.get((i, j), np.zeros(3)), turn), twist) - kt * dt * slide
            size, cap = np.linalg.norm(ft), self.p.friction * fn
            if size > cap:
                ft *= cap / size
            moment = rotated(rotated(self.roll.get((i, j), np.zeros(3)), turn), twist)
            if self.p.rolling_friction > 0:
                relative = self.spin[i] - self.spin[j]
                if self.dim == 3:
                    relative = relative - n * (n @ relative)
                moment = moment - self.p.rolling_stiffness * self.r[i] * self.r[j] * kt * dt * relative
                size, cap = np.linalg.norm(moment), self.p.rolling_friction * min(self.r[i], self.r[j]) * fn
                if size > cap:
                    moment *= cap / size
            touching[i, j], rolling[i, j], normals[i, j] = ft, moment, n
            f = fn * n + ft
            force[j] += f
            force[i] -= f
            torque[i] += np.cross(arm_i * n, -f) + moment
            torque[j] += np.cross(-arm_j * n, f) - moment
            stress -= np.outer(f, d)
        self.shear, self.roll, self.normal = touching, rolling, normals
        volume = np.linalg.det(self.cell) * (self.p.thickness / self.cell[2, 2] if self.dim == 2 else 1)
        return force, torque, stress / volume

    def step(self, gradient, dt):
        """One step; the stress at its end."""

        def damped(a, v):
            return a * (1 - self.p.damping * np.sign(a * (v + 0.5 * dt * a)))

        spin = 0.5 * (gradient - gradient.T)
        self.w = self.w + dt * (damped(self.force / self.mass[:, None], self.w) + self.w @ spin.T)
        self.spin = self.spin + dt * (
            damped(self.torque / self.inertia[:, None], self.spin) + self.spin @ spin.T
        )
        self.x = self.x + dt * (self.x @ gradient.T + self.w)
        self.cell = self.cell + dt * gradient @ self.cell
        self.force, self.torque, stress = self.forces(gradient, dt)
        return stress

    def start(self):
        """Forces of the state as it stands."""
        self.force, self.torque, stress = self.forces(np.zeros((3, 3)), 0.0)
        return stress
