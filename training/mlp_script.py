"""A committee of networks with accumulated strain as a TorchScript module: the graph in a file of kind "mlp_history".

cpp/surrogate/mlp_history is the native twin; docs/model_file.md lists the tensors.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.pca_dnn_script import DenseLayer


class MlpHistoryMaterial(nn.Module):
    """The whole surrogate; `torch.jit.script(MlpHistoryMaterial(card, tensors))` is what a model file holds."""

    component: list[int]
    upper: list[int]
    input_scale: Tensor
    output_scale: Tensor
    output_mean: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, card: Mapping[str, Any], tensors: Mapping[str, NDArray]) -> None:
        super().__init__()
        wide = {name: torch.tensor(np.asarray(value, np.float64)) for name, value in tensors.items()}
        members = 0
        nets = []
        while f"member{members}.layer0.weight" in wide:
            nets.append(
                nn.Sequential(
                    *(
                        DenseLayer(
                            wide[f"member{members}.layer{i}.weight"],
                            wide[f"member{members}.layer{i}.bias"],
                            layer["activation"],
                        )
                        for i, layer in enumerate(card["network"])
                    )
                )
            )
            members += 1
        self.members = nn.ModuleList(nets)
        self.component = [int(c) for c in wide["component"]]
        self.upper = upper_indices(self.component)
        for name in ("input_scale", "output_scale", "output_mean"):
            self.register_buffer(name, wide[name].unsqueeze(1))
        self.register_buffer("lowest", wide["input_lowest"].unsqueeze(1))
        self.register_buffer("highest", wide["input_highest"].unsqueeze(1))
        self.stress_scale = float(wide["stress_scale"][0])
        self.spread_max = float(wide["spread_max"][0])
        self.deadband = float(wide["deadband"][0]) if "deadband" in wide else 0.0

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
        n, count = stretch_new.shape[1], len(self.component)
        strain = stretch_new.clone()
        strain[:3] -= 1.0
        own = strain[self.component]
        change = (stretch_new - stretch_old)[self.component]
        lag = own
        if self.deadband > 0:
            before = state_old[count + 23 :]
            lag = torch.minimum(torch.maximum(before, own - self.deadband), own + self.deadband)
            change = lag - before
        history = state_old[:count] + change.abs()
        inputs = torch.cat([own, history])
        x = inputs / self.input_scale
        answers: list[Tensor] = []
        for member in self.members:
            answers.append(member(x))
        y = torch.stack(answers)
        mean = y.mean(0)
        spread = torch.zeros_like(mean[0])
        if len(answers) > 1:
            apart = ((y[:, :count] - mean[:count]) ** 2).sum(0) / (len(answers) - 1)
            spread = (torch.sqrt(apart) * self.output_scale[:count]).amax(0) / self.stress_scale
        out = mean * self.output_scale + self.output_mean
        stress = torch.zeros_like(stretch_new)
        stress[self.component] = out[:count]
        if count == 3:
            stress[2] = 0.5 * (stress[0] + stress[1])
        stiffness = torch.zeros([21, n], dtype=stretch_new.dtype)
        stiffness[self.upper] = out[count:]
        slack = 0.1 * (self.highest - self.lowest)
        inside = ((inputs >= self.lowest - slack) & (inputs <= self.highest + slack)).all(0)
        outside = ~inside | (spread > self.spread_max)
        flag = torch.maximum(state_old[count + 22], outside.to(state_old.dtype))
        rows = [history, stiffness, spread.unsqueeze(0), flag.unsqueeze(0)]
        if self.deadband > 0:
            rows.append(lag)
        state = torch.cat(rows)
        return stress, state, (flag > 0).to(torch.int32)


def upper_indices(component: list[int]) -> list[int]:
    """Places of D over some components in the upper triangle by rows over all six."""
    out = []
    for k, a in enumerate(component):
        for b in component[k:]:
            out.append(6 * a - a * (a - 1) // 2 + (b - a))
    return out
