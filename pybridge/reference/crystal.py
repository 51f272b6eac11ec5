"""The crystal of [LIU22] Appendix written straight from its equations, float64, one grain: slow, and made to judge.

Independent of cpp/crystal: no scaled stresses, no vectors of five components, reflected systems formed one by one, an
adaptive integrator of SciPy. Differences of reading that the package declares are marked "declared".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Path = Callable[[float], Array]


@dataclass(frozen=True)
class Parameters:
    """[LIU22] Table A.1, SI units; one entry a slip system (3 basal, 3 prismatic, 6 pyramidal)."""

    hardening: Array = field(default_factory=lambda: np.repeat([7.1e9, 40e9, 30e9], [3, 3, 6]))
    saturation: Array = field(default_factory=lambda: np.repeat([0.7e6, 170e6, 200e6], [3, 3, 6]))
    stress: Array = field(default_factory=lambda: np.repeat([10e6, 40e6, 50.5e6], [3, 3, 6]))
    latent: tuple[float, float, float] = (0.0, 20e6, 25e6)  # declared: inside a family, off the diagonal
    sensitivity: float = 0.5
    rate: float = 1e5
    twin_hardening: float = 7e6
    twin_coupling: float = 40e9  # declared: off the diagonal
    twin_stress: float = 20e6
    twin_shear: float = 0.129
    twin_rate: float = 1e5
    c_over_a: float = 1.624
    lame: float = 24e9
    shear: float = 25e9

    @property
    def latent_matrix(self) -> Array:
        """H of A.4, (12, 12)."""
        matrix = np.zeros((12, 12))
        for value, begin, end in zip(self.latent, (0, 3, 6), (3, 6, 12), strict=True):
            matrix[begin:end, begin:end] = value
        return matrix - np.diag(np.diag(matrix))

    @property
    def coupling_matrix(self) -> Array:
        """K of A.5, (6, 6)."""
        return self.twin_coupling * (np.ones((6, 6)) - np.eye(6))


def from_miller_bravais(
    plane: tuple[int, ...], direction: tuple[int, ...], c_over_a: float
) -> tuple[Array, Array]:
    """Unit direction and normal of (hkil)[uvtw], Cartesian: a1 along x, c along z.

    Plane normal h a1* + k a2* + l c*; direction u a1 + v a2 + t a3 + w c.
    """
    a1 = np.array([1.0, 0, 0])
    a2 = np.array([-0.5, np.sqrt(3) / 2, 0])
    c = np.array([0, 0, c_over_a])
    volume = a1 @ np.cross(a2, c)
    reciprocal = np.array([np.cross(a2, c), np.cross(c, a1), np.cross(a1, a2)]) / volume
    h, k, _, el = plane
    u, v, t, w = direction
    normal = h * reciprocal[0] + k * reciprocal[1] + el * reciprocal[2]
    line = u * a1 + v * a2 - t * (a1 + a2) + w * c
    return line / np.linalg.norm(line), normal / np.linalg.norm(normal)


def elastic_energy(a: Array, p: Parameters) -> float:
    """W_e of A.3, J/m3; a = F F_in^-1."""
    det = np.linalg.det(a)
    return p.shear / 2 * (np.trace(a.T @ a) / det ** (2 / 3) - 3) + p.lame * (det - 1) ** 2


def slip_energy(e: Array, p: Parameters) -> float:
    """W_p of A.4, J/m3."""
    length = p.saturation / p.hardening
    return float(0.5 * e @ p.latent_matrix @ e + np.sum(p.saturation * (e + length * np.exp(-e / length))))


def twin_energy(lam: Array, p: Parameters) -> float:
    """W_t of A.5, J/m3."""
    return float(lam @ p.coupling_matrix @ lam + 0.5 * p.twin_hardening * lam @ lam)


def elastic_stress(a: Array, p: Parameters) -> Array:
    """dW_e/dA, Pa, (3, 3)."""
    det = np.linalg.det(a)
    inverse_t = np.linalg.inv(a).T
    shear = p.shear * det ** (-2 / 3) * (a - np.trace(a.T @ a) / 3 * inverse_t)
    return shear + 2 * p.lame * (det - 1) * det * inverse_t


def cauchy_stress(f: Array, f_in: Array, p: Parameters) -> Array:
    """(dW/dF) F^T / det F with A.8, Pa, in the frame of the crystal."""
    first = elastic_stress(f @ np.linalg.inv(f_in), p) @ np.linalg.inv(f_in).T
    return first @ f.T / np.linalg.det(f)


@dataclass
class Grain:
    """Rates of one grain: `slips` (12, 2, 3) and `twins` (6, 2, 3) hold unit direction and normal of the systems."""

    slips: Array
    twins: Array
    parameters: Parameters = field(default_factory=Parameters)

    def __post_init__(self) -> None:
        mirrors = [np.eye(3) - 2 * np.outer(n, n) for _, n in self.twins]
        self._parents = np.array([np.outer(s, m) for s, m in self.slips])
        self._mirrored = np.array([[np.outer(q @ s, q @ m) for s, m in self.slips] for q in mirrors])
        self._twinning = np.array([np.outer(s, m) for s, m in self.twins])

    def schmid(self, lam: Array) -> Array:
        """The bracket of A.10, (12, 3, 3)."""
        return (1 - lam.sum()) * self._parents + np.einsum("b,baij->aij", lam, self._mirrored)

    def forces(self, f: Array, f_in: Array, e: Array, lam: Array) -> tuple[Array, Array, Array]:
        """Resolved shear stress and resistance of the slips, driving force of the twins, Pa."""
        p = self.parameters
        a = f @ np.linalg.inv(f_in)
        mandel = a.T @ elastic_stress(a, p)
        tau = np.einsum("ij,aij->a", mandel, self.schmid(lam))
        resistance = p.latent_matrix @ e + p.saturation * (1 - np.exp(-p.hardening * e / p.saturation))
        resolved = np.einsum("ij,bij->b", mandel, self._twinning)
        drive = p.twin_shear * resolved - 2 * p.coupling_matrix @ lam - p.twin_hardening * lam
        return tau, resistance, drive

    def rates(self, f: Array, f_in: Array, e: Array, lam: Array) -> tuple[Array, Array, Array]:
        """Rates of F_in (with the inverse that A.9 misses), e, lambda, 1/s."""
        p = self.parameters
        tau, resistance, drive = self.forces(f, f_in, e, lam)
        power = 1 / p.sensitivity
        speed = p.rate * (np.maximum(np.abs(tau) - resistance, 0) / p.stress) ** power
        growth = p.twin_rate * np.sign(drive) * (np.abs(drive) / p.twin_stress) ** power
        growth[(lam <= 0) & (growth < 0)] = 0
        if lam.sum() >= 1:
            growth[growth > 0] = 0
        flow = np.einsum("a,aij->ij", speed * np.sign(tau), self.schmid(lam))
        flow += p.twin_shear * np.einsum("b,bij->ij", growth, self._twinning)
        return flow @ f_in, speed, growth

    def integrate(self, path: Path, times: Array, *, rtol: float = 1e-9, lam: Array | None = None) -> Array:
        """State (len(times), 27), rows F_in (9), e (12), lambda (6), for F = path(t); virgin at times[0] but for `lam`.

        An adaptive Runge-Kutta method; a twin that has shrunk to zero is held there by the rates.
        """
        from scipy.integrate import solve_ivp

        def rhs(t: float, y: Array) -> Array:
            d_in, d_e, d_lam = self.rates(path(t), y[:9].reshape(3, 3), y[9:21], np.maximum(y[21:], 0))
            return np.concatenate([d_in.ravel(), d_e, d_lam])

        start = np.concatenate([np.eye(3).ravel(), np.zeros(12), np.zeros(6) if lam is None else lam])
        span = float(times[-1] - times[0])
        answer = solve_ivp(
            rhs, (times[0], times[-1]), start, method="RK45", t_eval=times, rtol=rtol, atol=1e-12,
            max_step=span / 200,
        )  # fmt: skip
        if not answer.success:
            raise RuntimeError(f"crystal reference: the integrator gave up: {answer.message}")
        return answer.y.T
