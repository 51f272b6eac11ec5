"""The learned yield surface as a TorchScript module: the graph inside a model file of kind "yield_surface".

State: C = F_in^-1 F_in^-T - 1 of the mean inelastic deformation (tensor components), hidden states z, plastic strain,
plastic work, flag. While nothing flows, C does not move and the stress is a function of U alone:

    b = J^(-2/3) U (1 + C) U,  e = dev(b) / 2 / strain_scale,  J sigma = 2 G strain_scale e + J p(J - 1) 1

A step takes e along from U_old to U_new with C held, in pieces that are no longer than `piece`, lets it flow
(training/yield_surface.py has the equations), and
puts the plastic strain back into C: C_new = C + J^(2/3) U^-1 (-2 flow + mu 1) U^-1 with mu such that det(1 + C) = 1.
cpp/surrogate/yield_surface is the native twin; docs/theory/yield_surface.md gives the reasons.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.pca_dnn_script import DenseLayer


class YieldSurfaceMaterial(nn.Module):
    """The whole surrogate; `torch.jit.script(YieldSurfaceMaterial(card, tensors))` is what a model file holds."""

    skip: Tensor
    speed: Tensor
    pressure: Tensor
    hidden_bound: Tensor
    elasticity: Tensor
    strain_scale: float
    time_scale: float
    radius_floor: float
    piece: float
    ahead: float
    rest_rate: float
    rate_floor: float
    radius_most: float
    shear: float

    def __init__(self, card: Mapping[str, Any], tensors: Mapping[str, NDArray]) -> None:
        super().__init__()
        wide = {name: torch.tensor(np.asarray(value, np.float64)) for name, value in tensors.items()}
        self.net = nn.Sequential(
            *(
                DenseLayer(wide[f"layer{i}.weight"], wide[f"layer{i}.bias"], layer["activation"])
                for i, layer in enumerate(card["network"])
            )
        )
        numbers = card["yield_surface"]
        self.backstresses = int(numbers["backstresses"])
        self.scalars = int(numbers["scalars"])
        self.substeps = int(numbers["substeps"])
        scales = [float(x) for x in wide["scales"]]
        self.strain_scale, self.time_scale, self.radius_floor = scales[0], scales[1], scales[2]
        self.piece, self.ahead, self.rest_rate, self.rate_floor = scales[3], scales[4], scales[5], scales[6]
        self.radius_most = scales[7]
        self.shear = float(card["elastic_moduli"]["shear"])
        for name in ("skip", "speed", "hidden_bound"):
            self.register_buffer(name, wide[name].unsqueeze(1))
        self.register_buffer("pressure", wide["pressure_coefficients"])
        self.register_buffer("elasticity", wide["elasticity"])
        domain = card.get("domain") or {}
        self.strain_max = float(domain.get("strain_max") or float("inf"))
        self.rate_max = float(domain.get("rate_max") or float("inf"))
        if card.get("precision", "f64") == "f32":
            self.float()

    def forward(
        self,
        time_old: float,
        dt: float,
        stretch_old: Tensor,
        stretch_new: Tensor,
        temperature: Tensor,
        state_old: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(6, n), (6, n), (n,), (S, n) -> stress (6, n) Pa, state (S, n), status (n,) int32."""
        states = 5 * self.backstresses + self.scalars
        strain_old, strain_new = self._strain(stretch_old), self._strain(stretch_new)
        c, z = state_old[:6], state_old[6 : 6 + states]
        dilation = self._dilation(strain_new)
        volume = 1.0 + dilation
        e_old = self._elastic(strain_old, c)
        e_trial = self._elastic(strain_new, c)
        v = e_trial - e_old
        z_new, e = z, e_old
        flow, gamma, work_inc = torch.zeros_like(v), torch.zeros_like(dilation), torch.zeros_like(dilation)
        count = torch.clamp(torch.ceil(self._norm5(v) / self.piece), min=1.0, max=32.0)
        h = dt / self.time_scale
        inverse_h = 1.0 / h if h > 0.0 else 0.0
        u = torch.clamp(
            (v * inverse_h * (v * inverse_h)).sum(0) + self.rate_floor * self.rate_floor, max=1e12
        )
        rate = torch.log10(u) * 0.5
        looks_ahead = self._norm5(v) > self.ahead
        v = v / count
        answer = torch.zeros(7 + states, v.shape[1], dtype=v.dtype)
        for i in range(int(torch.nan_to_num(count, nan=1.0).max().item())):
            active = count > i
            n = self._middle(e, v, z_new)
            if i == 0 or not looks_ahead.any():
                answer = self.net(self._shown(n, z_new, rate))
            if looks_ahead.any():  # the middle of the piece, found with the answer from before
                half_flow, z_half, _ = self._flow(e, 0.5 * v, z_new, answer, n, 0.5 * h / count, 1)
                x = e + 0.5 * v - half_flow - self._backstress(z_half)
                x = x / self._norm5(x)
                believed = looks_ahead & ((x * n).sum(0) > 0.5)
                n = torch.where(believed, x, n)
                z_half = torch.where(believed, z_half, z_new)
                answer = self.net(self._shown(n, z_half, rate))
            piece_flow, z_piece, piece_gamma = self._flow(e, v, z_new, answer, n, h / count, self.substeps)
            # far outside the surface the backstresses may not move as the flow took for granted
            trial = e - self._backstress(z_new) + v
            near = trial - v
            end = e + v - piece_flow - self._backstress(z_piece)
            most = torch.maximum((near * near).sum(0), (trial * trial).sum(0))
            most = 1.00001 * torch.clamp(most, min=self.radius_most * self.radius_most)
            wild = ~((end * end).sum(0) < most)
            radius_most = torch.full_like(piece_gamma, self.radius_most)
            piece_flow, piece_gamma = self._returned(wild, trial, radius_most, piece_flow, piece_gamma)
            z_piece = torch.where(wild, self._moved_states(z_new, answer, piece_gamma), z_piece)
            moved = e + v - piece_flow
            work_inc = work_inc + torch.where(
                active, (self._kirchhoff(moved, dilation) * piece_flow).sum(0), torch.zeros_like(gamma)
            )
            flow = flow + torch.where(active, piece_flow, torch.zeros_like(v))
            gamma = gamma + torch.where(active, piece_gamma, torch.zeros_like(gamma))
            e = torch.where(active, moved, e)
            z_new = torch.where(active, z_piece, z_new)
        c_new = torch.where(gamma > 0, self._moved(c, strain_new, volume, flow), c)
        integrated = e
        e = self._elastic(strain_new, c_new)  # of U and C alone, whether it flowed or not
        # Flow so large that its square counts: C does not say what was integrated, and a smaller step will.
        lost = (gamma > 0) & ~(self._norm5(e - integrated) < 1.0 + 0.5 * self._norm5(e))
        shear = 2.0 * self.shear * self.strain_scale
        stress = self._expand(self._kirchhoff(e, dilation)) * (shear / volume)
        stress[:3] += self._pressure(dilation) + shear * (self.elasticity[5].unsqueeze(1) * e).sum(0)
        slip = torch.sqrt((flow * flow).sum(0))
        plastic = state_old[6 + states] + 0.81649658092772603273 * self.strain_scale * slip
        work = state_old[7 + states] + shear * self.strain_scale * work_inc
        outside = (self._norm(strain_new) > self.strain_max) | (
            self._norm(stretch_new - stretch_old) > self.rate_max * dt
        )
        outside = outside | (torch.abs(z_new) > 0.9 * self.hidden_bound).any(0)
        outside = outside | (work < -0.01 * self.shear * self.strain_scale * self.strain_scale)
        flag = torch.maximum(state_old[8 + states], outside.to(state_old.dtype))
        state = torch.cat([c_new, z_new, plastic.unsqueeze(0), work.unsqueeze(0), flag.unsqueeze(0)])
        status = torch.where(lost, torch.full_like(flag, 2.0), (flag > 0).to(flag.dtype))
        return stress, state, status.to(torch.int32)

    def _kirchhoff(self, e: Tensor, dilation: Tensor) -> Tensor:
        """J dev(sigma) / 2 G in strain_scale: A e + g (J - 1)."""
        return self.elasticity[:5] @ e + self.elasticity[5].unsqueeze(1) * (dilation / self.strain_scale)

    def _shown(self, n: Tensor, z: Tensor, rate: Tensor) -> Tensor:
        """What the network sees: direction, hidden states, rate, and the products of n with each backstress."""
        along = (z[: 5 * self.backstresses].reshape(self.backstresses, 5, -1) * n).sum(1)
        return torch.cat([n, z, rate.unsqueeze(0), along])

    def _backstress(self, z: Tensor) -> Tensor:
        return z[: 5 * self.backstresses].reshape(self.backstresses, 5, z.shape[1]).sum(0)

    def _middle(self, e: Tensor, v: Tensor, z: Tensor) -> Tensor:
        """n in the middle of a piece without flow."""
        x = e - self._backstress(z) + 0.5 * v
        return x / self._norm5(x)

    def _flow(
        self, e: Tensor, v: Tensor, z: Tensor, out: Tensor, n: Tensor, h: Tensor, substeps: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Plastic strain (5, n) along v in the time h, hidden states at its end, gamma (n,); all in scaled units. `out` is
        what the network said at the direction n."""
        back = 5 * self.backstresses
        n_points = e.shape[1]
        x = e - self._backstress(z)
        target = torch.maximum(torch.minimum(out[7:], self.hidden_bound), -self.hidden_bound)
        raw = out[0] + (self.skip * z[back:]).sum(0)
        k_h = torch.exp(torch.clamp(out[1], -8.0, 8.0)) * (h / substeps)
        rest = torch.sqrt(self.rest_rate * (h / substeps) / k_h)
        d = out[2:7] - n * (out[2:7] * n).sum(0)
        d = d / torch.sqrt(1.0 + (d * d).sum(0) / 0.64)
        y = 0.5 * self.speed * torch.relu((n * v).sum(0))
        slope = self.speed * (target - z) / (1.0 + y * (1.0 + 0.5 * y))
        q = slope[:back].reshape(self.backstresses, 5, n_points).sum(0)
        q = q * torch.clamp(0.7 / self._norm5(q), max=1.0)
        small = torch.exp(-torch.abs(raw))
        radius = torch.clamp(self.radius_floor + torch.relu(raw) + torch.log1p(small), max=self.radius_most)
        gate = torch.where(raw > 0, torch.ones_like(small), small) / (1.0 + small)
        hardening = torch.clamp(gate * (self.skip * slope[back:]).sum(0), min=-0.3)
        step = v / substeps
        trial, first, near = x + v, radius, (x * x).sum(0)
        flow, gamma = torch.zeros_like(v), torch.zeros_like(radius)
        stage = 0.29289321881345247560
        ratio = (1.0 - stage) / stage
        for _ in range(substeps):
            g1, m1 = self._stage(x + stage * step, stage * k_h, radius, hardening, d, q, rest)
            r = self._norm5(x + step)
            slack = torch.clamp(1.0 + ((x + step) / r * (d + q)).sum(0) + hardening, min=0.3)
            g1 = torch.minimum(ratio * g1, torch.relu(r - radius - rest) / slack)
            start = x + step - g1 * (m1 + q)
            between = torch.clamp(radius + hardening * g1, min=self.radius_floor)
            g2, m2 = self._stage(start, stage * k_h, between, hardening, d, q, rest)
            x = start - g2 * (m2 + q)
            flow = flow + (g1 * m1 + g2 * m2)
            gamma = gamma + (g1 + g2)
            radius = torch.clamp(radius + hardening * (g1 + g2), min=self.radius_floor)
        # Flow shortens x; where the network's directions are too wild for that, x returns along itself.
        far = (trial * trial).sum(0)
        wild = ~((x * x).sum(0) < 1.00001 * torch.maximum(near, far) + 1e-24)
        flow, gamma = self._returned(wild, trial, first, flow, gamma)
        return flow, self._moved_states(z, out, gamma), gamma

    def _returned(
        self, wild: Tensor, trial: Tensor, radius: Tensor, flow: Tensor, gamma: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Flow and gamma; where `wild`, those of the return from the trial to the radius along itself."""
        length = self._norm5(trial)
        over = torch.relu(length - radius)
        return torch.where(wild, trial * (over / length), flow), torch.where(wild, over, gamma)

    def _moved_states(self, z: Tensor, out: Tensor, gamma: Tensor) -> Tensor:
        """Hidden states after gamma (n,) towards the targets in the network's answer."""
        target = torch.maximum(torch.minimum(out[7:], self.hidden_bound), -self.hidden_bound)
        y = self.speed * gamma
        y = y * (1.0 + 0.5 * y)
        return z + (target - z) * (y / (1.0 + y))

    def _stage(
        self, x: Tensor, k_h: Tensor, radius: Tensor, hardening: Tensor, d: Tensor, q: Tensor, rest: Tensor
    ) -> tuple[Tensor, Tensor]:
        p = d + q
        guess, _ = self._overstress(x, torch.zeros_like(k_h), k_h, radius, hardening, p, rest)
        gamma, n = self._overstress(x - guess * p, guess, k_h, radius, hardening, p, rest)
        return gamma, n + d

    def _overstress(
        self,
        x: Tensor,
        before: Tensor,
        k_h: Tensor,
        radius: Tensor,
        hardening: Tensor,
        p: Tensor,
        rest: Tensor,
    ) -> tuple[Tensor, Tensor]:
        r = self._norm5(x)
        n = x / r
        along = (n * p).sum(0)
        coefficient = torch.clamp(1.0 + along + hardening, min=0.3)
        over = torch.relu(r + before * along - radius)
        o = 2.0 * over / (1.0 + torch.sqrt(1.0 + 4.0 * coefficient * k_h * over))
        return torch.minimum(k_h * o * o, torch.relu(over - rest) / coefficient), n

    def _norm5(self, x: Tensor) -> Tensor:
        return torch.sqrt((x * x).sum(0) + 1e-24)

    def _strain(self, u: Tensor) -> Tensor:
        e = u.clone()
        e[:3] -= 1.0
        return e

    def _norm(self, e: Tensor) -> Tensor:
        """Frobenius norm of a symmetric tensor in tensor components."""
        return torch.sqrt((e[:3] * e[:3]).sum(0) + 2.0 * (e[3:] * e[3:]).sum(0))

    def _dilation(self, e: Tensor) -> Tensor:
        """det(1 + e) - 1 with the digits of small e."""
        first = e[0] + e[1] + e[2]
        second = (e[0] * e[1] + e[1] * e[2] + e[0] * e[2]) - (e[3] * e[3] + e[4] * e[4] + e[5] * e[5])
        third = (
            e[0] * (e[1] * e[2] - e[4] * e[4])
            - e[3] * (e[3] * e[2] - e[4] * e[5])
            + e[5] * (e[3] * e[4] - e[1] * e[5])
        )
        return first + second + third

    def _congruence(self, a: Tensor, c: Tensor) -> Tensor:
        """A C A of symmetric tensors in tensor components."""
        row0 = (a[0] * c[0] + a[3] * c[3] + a[5] * c[5], a[0] * c[3] + a[3] * c[1] + a[5] * c[4], a[0] * c[5] + a[3] * c[4] + a[5] * c[2])  # fmt: skip
        row1 = (a[3] * c[0] + a[1] * c[3] + a[4] * c[5], a[3] * c[3] + a[1] * c[1] + a[4] * c[4], a[3] * c[5] + a[1] * c[4] + a[4] * c[2])  # fmt: skip
        row2 = (a[5] * c[0] + a[4] * c[3] + a[2] * c[5], a[5] * c[3] + a[4] * c[1] + a[2] * c[4], a[5] * c[5] + a[4] * c[4] + a[2] * c[2])  # fmt: skip
        return torch.stack([
            row0[0] * a[0] + row0[1] * a[3] + row0[2] * a[5],
            row1[0] * a[3] + row1[1] * a[1] + row1[2] * a[4],
            row2[0] * a[5] + row2[1] * a[4] + row2[2] * a[2],
            row0[0] * a[3] + row0[1] * a[1] + row0[2] * a[4],
            row1[0] * a[5] + row1[1] * a[4] + row1[2] * a[2],
            row0[0] * a[5] + row0[1] * a[4] + row0[2] * a[2],
        ])  # fmt: skip

    def _elastic(self, strain: Tensor, c: Tensor) -> Tensor:
        """e (5, n) at U = 1 + strain."""
        u = strain.clone()
        u[:3] += 1.0
        a = strain
        square = torch.stack([
            a[0] * a[0] + a[3] * a[3] + a[5] * a[5],
            a[3] * a[3] + a[1] * a[1] + a[4] * a[4],
            a[5] * a[5] + a[4] * a[4] + a[2] * a[2],
            a[0] * a[3] + a[3] * a[1] + a[5] * a[4],
            a[3] * a[5] + a[1] * a[4] + a[4] * a[2],
            a[0] * a[5] + a[3] * a[4] + a[5] * a[2],
        ])  # fmt: skip
        b = 2.0 * strain + square + self._congruence(u, c)  # U (1 + C) U - 1
        factor = torch.exp(-2.0 / 3.0 * torch.log1p(self._dilation(strain))) * (0.5 / self.strain_scale)
        return torch.stack([
            (2.0 * b[2] - b[0] - b[1]) * 0.40824829046386301637,
            (b[0] - b[1]) * 0.70710678118654752440,
            b[3] * 1.41421356237309504880,
            b[4] * 1.41421356237309504880,
            b[5] * 1.41421356237309504880,
        ]) * factor  # fmt: skip

    def _expand(self, e: Tensor) -> Tensor:
        """(5, n) -> tensor components (6, n)."""
        first, second = e[0] * 0.40824829046386301637, e[1] * 0.70710678118654752440
        half = 0.70710678118654752440
        return torch.stack(
            [second - first, -second - first, 2.0 * first, e[2] * half, e[3] * half, e[4] * half]
        )

    def _moved(self, c: Tensor, strain: Tensor, volume: Tensor, flow: Tensor) -> Tensor:
        """C after the plastic strain `flow`, det(1 + C) back at 1."""
        u = strain.clone()
        u[:3] += 1.0
        inverse = torch.stack([
            u[1] * u[2] - u[4] * u[4],
            u[0] * u[2] - u[5] * u[5],
            u[0] * u[1] - u[3] * u[3],
            u[4] * u[5] - u[3] * u[2],
            u[3] * u[5] - u[0] * u[4],
            u[3] * u[4] - u[1] * u[5],
        ]) / volume  # fmt: skip
        factor = torch.exp(2.0 / 3.0 * torch.log(volume))
        metric = self._congruence(inverse, self._expand(flow)) * (-2.0 * self.strain_scale * factor)
        moved = c + metric
        square = torch.stack([
            inverse[0] * inverse[0] + inverse[3] * inverse[3] + inverse[5] * inverse[5],
            inverse[3] * inverse[3] + inverse[1] * inverse[1] + inverse[4] * inverse[4],
            inverse[5] * inverse[5] + inverse[4] * inverse[4] + inverse[2] * inverse[2],
            inverse[0] * inverse[3] + inverse[3] * inverse[1] + inverse[5] * inverse[4],
            inverse[3] * inverse[5] + inverse[1] * inverse[4] + inverse[4] * inverse[2],
            inverse[0] * inverse[5] + inverse[3] * inverse[4] + inverse[5] * inverse[2],
        ])  # fmt: skip
        for _ in range(3):  # each leaves a ten-thousandth of what it finds
            moved = moved - square * (self._dilation(moved) / 3.0 * factor)
        return moved

    def _pressure(self, dilation: Tensor) -> Tensor:
        """Sum of p_i (J - 1)^i."""
        total = torch.zeros_like(dilation)
        for i in range(self.pressure.shape[0] - 1, -1, -1):
            total = (total + self.pressure[i]) * dilation
        return total
