"""The PCA + DNN surrogate as a TorchScript module: the graph inside a model file of kind "pca_dnn".

    E = U - I,  c_kj(t_new) = c_kj(t_old) + dE_k / (T dt) * integral of Phi_kj over the increment
    x = (c - mean) / scale,  a = (net(x) - net(x_0)) * output_scale,  x_0 = -mean / scale
    sigma_k = sum_j a_kj psi_kj(t) + (pressure polynomial in J - 1 on the diagonal)

Phi_kj(t) = integral of phi_kj from t to T: with the rest of the path held at its last strain, c_kj is the projection
of the whole history on mode j of component k, divided by T ([LIU22] section 3, continued as held). The tensors are
those of docs/model_file.md. cpp/surrogate/pca_dnn is the native twin.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "selu", "silu", "algebraic_silu")


def activate(x: Tensor, kind: str) -> Tensor:
    """One of ACTIVATIONS, elementwise."""
    if kind == "relu":
        return torch.relu(x)
    if kind == "tanh":
        return torch.tanh(x)
    if kind == "sigmoid":
        return torch.sigmoid(x)
    if kind == "selu":
        return torch.selu(x)
    if kind == "silu":
        return torch.nn.functional.silu(x)
    if kind == "algebraic_silu":  # x (1 + x / sqrt(1 + x^2)) / 2
        return 0.5 * x * (1.0 + x * torch.rsqrt(1.0 + x * x))
    return x


class DenseLayer(nn.Module):
    """y = activation(W x + b) for x of shape (in, n)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, activation: str) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, got {activation}")
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Shape (in, n) to (out, n)."""
        return activate(torch.addmm(self.bias.unsqueeze(1), self.weight, x), self.activation)


class PcaDnnMaterial(nn.Module):
    """The whole surrogate; `torch.jit.script(PcaDnnMaterial(card, tensors))` is what a model file holds.

    card: "network" [{in, out, activation}], "domain", "precision". tensors: see docs/model_file.md. Held in
    float64 whatever `card["precision"]` says, since tables of time lose digits that a later `.double()` cannot bring
    back; engines cast it to the precision they run in.
    """

    time: list[float]  # Python floats, hence float64, whatever precision the module is cast to
    horizon: float
    input_primitive: Tensor  # [N+1, 6 M_in] Phi / T; transposed so that one node is contiguous
    input_integral: Tensor  # [N+1, 6 M_in] integral of Phi from 0, / T
    input_mean: Tensor
    input_scale: Tensor
    output_scale: Tensor
    output_basis: Tensor  # [N+1, 6 M_out]
    pressure: Tensor
    net_zero: Tensor

    def __init__(self, card: Mapping[str, Any], tensors: Mapping[str, NDArray]) -> None:
        super().__init__()
        wide = {name: torch.tensor(np.asarray(value, np.float64)) for name, value in tensors.items()}
        self.net = nn.Sequential(
            *(
                DenseLayer(wide[f"layer{i}.weight"], wide[f"layer{i}.bias"], layer["activation"])
                for i, layer in enumerate(card["network"])
            )
        )
        self.time = wide["time"].tolist()
        self.horizon = self.time[-1]
        self.register_buffer("input_primitive", wide["input_primitive"].T.contiguous() / self.horizon)
        self.register_buffer("input_integral", self._cumulated(wide))
        self.register_buffer("input_mean", wide["input_mean"])
        self.register_buffer("input_scale", wide["input_scale"])
        self.register_buffer("output_scale", wide["output_scale"])
        self.register_buffer("output_basis", wide["output_basis"].T.contiguous())
        self.register_buffer(
            "pressure", wide.get("pressure_coefficients", torch.zeros(0, dtype=torch.float64))
        )
        x_zero = (-self.input_mean / self.input_scale).unsqueeze(1)
        self.register_buffer("net_zero", self.net(x_zero))
        domain = card.get("domain") or {}
        self.strain_max = float(domain.get("strain_max") or float("inf"))
        self.rate_max = float(domain.get("rate_max") or float("inf"))

    @staticmethod
    def _cumulated(wide: Mapping[str, Tensor]) -> Tensor:
        phi, time = wide["input_primitive"].T, wide["time"]
        pieces = 0.5 * (phi[1:] + phi[:-1]) * (time[1:] - time[:-1]).unsqueeze(1)
        start = torch.zeros_like(phi[:1])
        return torch.cat([start, torch.cumsum(pieces, 0)]) / time[-1]

    def _node(self, t: float) -> int:
        """Largest i < N with time[i] <= t."""
        low, high = 0, len(self.time) - 2
        while low < high:
            middle = (low + high + 1) // 2
            if self.time[middle] <= t:
                low = middle
            else:
                high = middle - 1
        return low

    def _at(self, table: Tensor, i: int, t: float) -> Tensor:
        """Row of `table` at time t, linear between nodes i and i + 1."""
        f = (t - self.time[i]) / (self.time[i + 1] - self.time[i])
        return table[i] * (1.0 - f) + table[i + 1] * f

    def mean_primitive(self, time_old: float, time_new: float) -> Tensor:
        """(1 / (T dt)) integral of Phi over the increment, shape (6 M_in,); Phi / T itself for dt = 0."""
        a, b = self._node(time_old), self._node(time_new)
        phi_old = self._at(self.input_primitive, a, time_old)
        phi_new = self._at(self.input_primitive, b, time_new)
        if a == b or time_new <= time_old:
            return 0.5 * (phi_old + phi_new)
        first = self.time[a + 1] - time_old
        last = time_new - self.time[b]
        total = 0.5 * first * (phi_old + self.input_primitive[a + 1])
        total = total + (self.input_integral[b] - self.input_integral[a + 1])
        total = total + 0.5 * last * (self.input_primitive[b] + phi_new)
        return total / (time_new - time_old)

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
        n = stretch_new.shape[1]
        time_new = min(time_old + dt, self.horizon)
        if not (time_old >= 0.0 and dt >= 0.0 and time_old + dt <= self.horizon * (1.0 + 1e-9)):
            failed = torch.full([n], 3, dtype=torch.int32)
            return torch.zeros_like(stretch_new), state_old.clone(), failed
        strain_inc = stretch_new - stretch_old
        strain = stretch_new.clone()
        strain[:3] -= 1.0
        modes = self.input_mean.shape[0] // 6
        weight = self.mean_primitive(min(time_old, self.horizon), time_new).reshape(6, modes, 1)
        old = state_old[: 6 * modes]
        c = old + (weight * strain_inc.unsqueeze(1)).reshape(6 * modes, n)
        x = (c - self.input_mean.unsqueeze(1)) / self.input_scale.unsqueeze(1)
        a = (self.net(x) - self.net_zero) * self.output_scale.unsqueeze(1)
        psi = self._at(self.output_basis, self._node(time_new), time_new)
        stress = (a * psi.unsqueeze(1)).reshape(6, -1, n).sum(1)
        stress[:3] += self._pressure(strain)
        outside = (self._norm(strain) > self.strain_max) | (self._norm(strain_inc) > self.rate_max * dt)
        flag = torch.maximum(state_old[6 * modes], outside.to(state_old.dtype))
        status = (flag > 0).to(torch.int32)
        state = torch.cat([c, flag.unsqueeze(0)])
        return stress, state, status

    def _norm(self, e: Tensor) -> Tensor:
        """Frobenius norm of a symmetric tensor in tensor components."""
        return torch.sqrt((e[:3] * e[:3]).sum(0) + 2.0 * (e[3:] * e[3:]).sum(0))

    def _pressure(self, e: Tensor) -> Tensor:
        """Sum of p_i (J - 1)^i, with J - 1 from E itself so that small strains keep their digits."""
        first = e[0] + e[1] + e[2]
        second = (e[0] * e[1] + e[1] * e[2] + e[0] * e[2]) - (e[3] * e[3] + e[4] * e[4] + e[5] * e[5])
        third = (
            e[0] * (e[1] * e[2] - e[4] * e[4])
            - e[3] * (e[3] * e[2] - e[4] * e[5])
            + e[5] * (e[3] * e[4] - e[1] * e[5])
        )
        dilation = first + second + third
        total = torch.zeros_like(dilation)
        for i in range(self.pressure.shape[0] - 1, -1, -1):
            total = (total + self.pressure[i]) * dilation
        return total
