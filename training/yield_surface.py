"""The learned dynamic yield surface, as it is trained: PyTorch, many paths at once, points fastest.

Everything here is deviatoric, in 5 components of an orthonormal basis (DEVIATORIC) and in units of `strain_scale`;
time in units of `time_scale`. e is the elastic strain, half the deviator of the isochoric elastic left Cauchy-Green
tensor seen in the frame of R; 2 G e is the deviator of the Kirchhoff stress J sigma. See docs/theory/yield_surface.md.

One piece of a step, with v the elastic increment of e along it (plastic state held) and h = dt:

    x = e - alpha,  alpha = sum of the backstress states,  n = (x + v / 2) / |x + v / 2|
    R, k, d, t = network(n, z, log10 sqrt(|v|^2 / h^2 + rate_floor^2), n.alpha_b);  d is orthogonal to n, |d| < 0.8;  R >= radius_floor;  k > 0;  |t| <= 3
    x' = v / h - g (m + q),   g = k <|x| - R>^2,   m = x / |x| + d,   q = d alpha / d gamma
    z' = g beta (t - z),   gamma' = g

so that nothing but e moves while |x| <= R. Flow slower than `rest_rate` counts as none: at the overstress
o_rest = sqrt(rest_rate / k) which would drive it, g takes whatever value from 0 to rest_rate keeps x there, as in a law
without rate; so creep ends, and in a finite time. The equation for x is stiff and is integrated, with the network's answer
held, by `substeps` steps of the L-stable, second-order two-stage method of Alexander (1977); each stage is a
quadratic equation for the overstress. z follows from gamma: its distance from t is
multiplied by 1 / (1 + y + y^2 / 2), y = beta gamma. The network is asked twice: at the beginning, to find n and z in the
middle of the step, and there. The evaluation cuts a step whose v is longer than `piece` into equal pieces, of which all
but the first ask once, since the answer in the middle of the last one finds the middle of the next; a step whose v is
shorter than `ahead` asks at its beginning only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.pca_dnn_script import activate
from training.tensors import to_matrix

SQRT2 = math.sqrt(2.0)
# Rows: an orthonormal basis of deviatoric tensors in Mandel components 11, 22, 33, 12, 23, 13.
DEVIATORIC = np.array([
    [-1 / math.sqrt(6), -1 / math.sqrt(6), 2 / math.sqrt(6), 0, 0, 0],
    [1 / SQRT2, -1 / SQRT2, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 1],
])  # fmt: skip
MANDEL = np.array([1, 1, 1, SQRT2, SQRT2, SQRT2])
STAGE = 1.0 - 1.0 / SQRT2  # of Alexander's method
SOFTENING_MOST = 0.3  # of -dR/dgamma
TURN_MOST = 0.8  # of |d|
BACKSTRESS_MOST = 0.7  # of |q|: a backstress may run away, but not faster than x follows
LEAST_HARDENING = 0.3  # of 1 + n.(d + q) + dR/dgamma, so that each stage has one root
HIDDEN_MOST = 3.0  # of a hidden state
# Of beta. Over the longest piece, gamma about 0.2, a faster state would end where the held answer of the network sends it:
# a loop through the network, and no step resolves it, but may make it grow.
SPEED_MOST = 4.0
LOG_RATE_MOST = 8.0  # of ln k
TRUSTED_TURN = 0.5  # least cosine between n with and without flow in half a step; one that turned further is not believed
TINY = 1e-12


@dataclass(frozen=True)
class Sizes:
    """Numbers of the surrogate: `backstresses` tensors of 5 and `scalars` hidden states, hidden width, sub-steps."""

    backstresses: int = 2
    scalars: int = 10
    width: int = 48
    substeps: int = 2

    @property
    def states(self) -> int:
        """Hidden states in all."""
        return 5 * self.backstresses + self.scalars

    @property
    def inputs(self) -> int:
        """Of the network: direction, hidden states, logarithm of the rate, n.alpha of each backstress."""
        return 5 + self.states + 1 + self.backstresses

    @property
    def outputs(self) -> int:
        """Of the network: radius, rate coefficient, direction correction, targets."""
        return 7 + self.states

    @property
    def multiply_adds(self) -> int:
        """Of one evaluation of the network at one point."""
        return self.width * (self.inputs + self.width + self.outputs)


def deviatoric_components(mandel: NDArray) -> NDArray:
    """[..., 6] Mandel components -> [..., 5]."""
    return mandel @ DEVIATORIC.T


def elastic_increments(stretch: NDArray) -> tuple[NDArray, NDArray]:
    """What a path does to e while nothing flows: e_new = L e + v, from stretch [..., n + 1, 6] (tensor components).

    With A = U_new U_old^-1 / det^(1/3): v = dev(A A^T) / 2 [..., n, 5], L [..., n, 5, 5]: e -> dev(A e A^T). The
    trace of the elastic strain, of second order in e, is left out here (not in the evaluation).
    """
    u = to_matrix(stretch)
    u = u / np.cbrt(np.linalg.det(u))[..., None, None]
    a = np.linalg.solve(u[..., :-1, :, :], u[..., 1:, :, :]).swapaxes(-1, -2)  # (U_old^-1 U_new)^T
    basis = to_matrix(DEVIATORIC / MANDEL)
    v = 0.5 * np.einsum("iab,...ab->...i", basis, a @ a.swapaxes(-1, -2))
    moved = a[..., None, :, :] @ basis @ a[..., None, :, :].swapaxes(-1, -2)
    return v, np.einsum("iab,...jab->...ij", basis, moved)


class YieldSurface(torch.nn.Module):
    """Network and constants of the surrogate; see the head of this file. Tensors are [features, points]."""

    def __init__(
        self,
        sizes: Sizes,
        generator: torch.Generator,
        radius_floor: float = 0.01,
        rest_rate: float = 0.01,
        rate_floor: float = 0.1,
    ) -> None:
        super().__init__()
        self.sizes, self.radius_floor, self.rest_rate, self.rate_floor = (
            sizes,
            radius_floor,
            rest_rate,
            rate_floor,
        )
        shape = [(sizes.width, sizes.inputs), (sizes.width, sizes.width), (sizes.outputs, sizes.width)]
        gains = (1.5, 1.5, 0.3)  # a small last layer: the start is a round surface

        def normal(rows: int, columns: int, gain: float) -> torch.nn.Parameter:
            return torch.nn.Parameter(
                torch.randn(rows, columns, generator=generator) * gain / math.sqrt(columns)
            )

        self.weight = torch.nn.ParameterList(normal(*s, g) for s, g in zip(shape, gains, strict=True))
        self.bias = torch.nn.ParameterList(torch.nn.Parameter(torch.zeros(s[0], 1)) for s in shape)
        self.skip = torch.nn.Parameter(torch.zeros(sizes.scalars, 1))  # of the radius on the scalar states
        spread = torch.linspace(-1.0, 1.5, sizes.states).reshape(-1, 1)
        self.log_speed = torch.nn.Parameter(spread[torch.randperm(sizes.states, generator=generator)].clone())
        with torch.no_grad():
            self.bias[2][0] = -1.0  # radius about 0.3 ...
            self.bias[2][1] = 1.0  # ... and k about 3 to begin with

    def speed(self) -> Tensor:
        """beta [states, 1], at most SPEED_MOST."""
        return torch.exp(torch.clamp(self.log_speed, max=math.log(SPEED_MOST)))

    def network(self, x: Tensor) -> Tensor:
        """Two hidden layers."""
        x = algebraic_silu(torch.addmm(self.bias[0], self.weight[0], x))
        x = algebraic_silu(torch.addmm(self.bias[1], self.weight[1], x))
        return torch.addmm(self.bias[2], self.weight[2], x)

    def step(self, e: Tensor, z: Tensor, v: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """e [5, n], z [states, n], elastic increment v [5, n], time h [n] -> e, z, gamma [1, n] at the end."""
        back = 5 * self.sizes.backstresses

        def direction(x: Tensor, z: Tensor) -> Tensor:
            x = x - z[:back].reshape(self.sizes.backstresses, 5, -1).sum(0)
            return x / (_norm(x) + TINY)

        def shown(n: Tensor, z: Tensor, rate: Tensor) -> Tensor:
            along = (z[:back].reshape(self.sizes.backstresses, 5, -1) * n).sum(1)
            return torch.cat([n, z, rate, along])

        n = direction(e + 0.5 * v, z)
        rate = 0.5 * torch.log10((v * v).sum(0, keepdim=True) / (h * h) + self.rate_floor**2)
        begun = self.network(shown(n, z, rate))
        flow, z_half, _ = self._flow(e, z, 0.5 * v, 0.5 * h, n, begun, 1)
        n_half = direction(e + 0.5 * v - flow, z_half)
        believed = (n_half * n).sum(0) > TRUSTED_TURN
        n, z_half = torch.where(believed, n_half, n), torch.where(believed, z_half, z)
        middle = self.network(shown(n, z_half, rate))
        flow, z, gamma = self._flow(e, z, v, h, n, middle, self.sizes.substeps)
        return e + v - flow, z, gamma

    def _flow(
        self, e: Tensor, z: Tensor, v: Tensor, h: Tensor, n: Tensor, out: Tensor, substeps: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Plastic strain [5, n] along v in the time h, z at its end, gamma [1, n]; `out` is what the network said at n."""
        back = 5 * self.sizes.backstresses
        x = e - z[:back].reshape(self.sizes.backstresses, 5, -1).sum(0)
        speed = self.speed()
        expected = torch.relu((n * v).sum(0, keepdim=True))  # gamma of perfect flow
        half = kept(0.5 * speed * expected)
        target = torch.clamp(out[7:], -HIDDEN_MOST, HIDDEN_MOST)
        raw = out[:1] + (self.skip * z[back:]).sum(0, keepdim=True)
        k_h = torch.exp(torch.clamp(out[1:2], -LOG_RATE_MOST, LOG_RATE_MOST)) * (h / substeps)
        d = out[2:7] - n * (out[2:7] * n).sum(0, keepdim=True)
        d = d / torch.sqrt(1.0 + (d * d).sum(0, keepdim=True) / TURN_MOST**2)
        slope = speed * (target - z) * half
        q = slope[:back].reshape(self.sizes.backstresses, 5, -1).sum(0)
        q = q * torch.clamp(BACKSTRESS_MOST / _norm(q), max=1.0)
        radius = self.radius_floor + torch.nn.functional.softplus(raw)
        hardening = torch.sigmoid(raw) * (self.skip * slope[back:]).sum(0, keepdim=True)
        hardening = torch.clamp(hardening, min=-SOFTENING_MOST)
        rest = torch.sqrt(self.rest_rate * (h / substeps) / k_h)
        flow, gamma = self._integrate(x, v, k_h, radius, hardening, d, q, rest, substeps)
        return flow, target + (z - target) * kept(speed * gamma), gamma

    def _integrate(
        self,
        x: Tensor,
        v: Tensor,
        k_h: Tensor,
        radius: Tensor,
        hardening: Tensor,
        d: Tensor,
        q: Tensor,
        rest: Tensor,
        substeps: int,
    ) -> tuple[Tensor, Tensor]:
        """Plastic strain [5, n] and gamma [1, n] along v; k_h and rest are those of one sub-step."""
        v = v / substeps
        flow, gamma = torch.zeros_like(x), torch.zeros_like(k_h)
        ratio = (1.0 - STAGE) / STAGE
        for _ in range(substeps):
            g1, m1 = _stage(x + STAGE * v, STAGE * k_h, radius, hardening, d, q, rest)
            g1 = torch.minimum(ratio * g1, _whole(x + v, radius + rest, hardening, d + q))
            start = x + v - g1 * (m1 + q)
            g2, m2 = _stage(
                start,
                STAGE * k_h,
                torch.clamp(radius + hardening * g1, min=self.radius_floor),
                hardening,
                d,
                q,
                rest,
            )
            x = start - g2 * (m2 + q)
            flow = flow + g1 * m1 + g2 * m2
            gamma = gamma + g1 + g2
            radius = torch.clamp(radius + hardening * (g1 + g2), min=self.radius_floor)
        return flow, gamma

    def forward(self, v: Tensor, moved: Tensor, h: Tensor) -> Tensor:
        """Histories of e from the virgin state: v [T, 5, n], L - 1 as moved [T, 5, 5, n], h [T, n] -> e [T, 5, n]."""
        e = torch.zeros_like(v[0])
        z = torch.zeros(self.sizes.states, v.shape[-1], dtype=v.dtype, device=v.device)
        history = []
        for t in range(v.shape[0]):
            increment = v[t] + (moved[t] * e).sum(1)
            e, z, _ = self.step(e, z, increment, h[t])
            history.append(e)
        return torch.stack(history)


def algebraic_silu(x: Tensor) -> Tensor:
    """x (1 + x / sqrt(1 + x^2)) / 2: as smooth and as near to a ramp as SiLU, without its exponential."""
    return activate(x, "algebraic_silu")


def kept(y: Tensor) -> Tensor:
    """exp(-y) to second order, without overshoot: what is left of the distance from a target."""
    return 1.0 / (1.0 + y * (1.0 + 0.5 * y))


def _norm(x: Tensor) -> Tensor:
    return torch.sqrt((x * x).sum(0, keepdim=True) + TINY * TINY)


def _overstress(
    x: Tensor,
    before: Tensor | float,
    k_h: Tensor,
    radius: Tensor,
    hardening: Tensor,
    p: Tensor,
    rest: Tensor,
) -> tuple[Tensor, Tensor]:
    """gamma = k h o^2 with o + (1 + n.p + H) k h o^2 = <|x| + before n.p - R>, but not beyond what ends at the overstress
    `rest`; and n = x / |x|."""
    r = _norm(x)
    n = x / r
    along = (n * p).sum(0, keepdim=True)
    coefficient = torch.clamp(1.0 + along + hardening, min=LEAST_HARDENING)
    over = torch.relu(r + before * along - radius)
    o = 2.0 * over / (1.0 + torch.sqrt(1.0 + 4.0 * coefficient * k_h * over))
    return torch.minimum(k_h * o * o, torch.relu(over - rest) / coefficient), n


def _whole(x: Tensor, radius: Tensor, hardening: Tensor, p: Tensor) -> Tensor:
    """gamma of the return from x to the surface at once, what no part of a sub-step may exceed: where k is large the
    first part alone, scaled to the sub-step, would carry x to the other side."""
    r = _norm(x)
    slack = 1.0 + (x / r * p).sum(0, keepdim=True) + hardening
    return torch.relu(r - radius) / torch.clamp(slack, min=LEAST_HARDENING)


def _stage(
    x: Tensor, k_h: Tensor, radius: Tensor, hardening: Tensor, d: Tensor, q: Tensor, rest: Tensor
) -> tuple[Tensor, Tensor]:
    """Backward Euler from the trial x: gamma and m = n + d. Without p = d + q the return is radial; with it n is first
    that of the trial, then that of the trial less gamma p, the right one to second order."""
    p = d + q
    guess, _ = _overstress(x, 0.0, k_h, radius, hardening, p, rest)
    gamma, n = _overstress(x - guess * p, guess, k_h, radius, hardening, p, rest)
    return gamma, n + d
