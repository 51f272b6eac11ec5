"""Several surrogates of one kind, trained alike from different seeds, as one: tensors, card, TorchScript module.

The answer is the members' mean; their spread, sqrt(sum |dev sigma_m - dev mean|^2 / (M - 1)) over `stress_scale`, says
how far to trust it ([QU23A] Fig. 24). Beyond `spread_max` a point is unreliable. cpp/surrogate/committee is the native
twin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

KIND = "committee"
SPREAD_QUANTILE = 0.95  # over held-back paths, of a path's largest spread ...
SPREAD_MARGIN = 1.5  # ... times this is the largest that counts as agreement


def prefix(member: int) -> str:
    """Of the names of a member's tensors and state variables."""
    return f"member{member}."


def joined(
    members: Sequence[Mapping[str, NDArray]], stress_scale: float, spread_max: float
) -> dict[str, NDArray]:
    """Tensors of the committee from those of its members."""
    tensors = {prefix(m) + name: value for m, member in enumerate(members) for name, value in member.items()}
    return tensors | {"stress_scale": np.array([stress_scale]), "spread_max": np.array([spread_max])}


def tensors_of(tensors: Mapping[str, NDArray], member: int) -> dict[str, NDArray]:
    """Tensors of one member."""
    start = prefix(member)
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def joined_card(card: Mapping[str, Any], members: int) -> dict[str, Any]:
    """The committee's model card from that of a member, which all share but for the state."""
    rows = [
        {**row, "name": prefix(m) + row["name"], "description": f"member {m}: {row['description']}"}
        for m in range(members)
        for row in card["state_schema"]
    ]
    words = (
        ("spread", "standard deviation of the members' deviatoric stress over stress_scale"),
        ("unreliable", "1 once the spread exceeded spread_max or a member left its domain"),
    )
    rows += [{"name": name, "count": 1, "unit": "1", "description": text} for name, text in words]
    return {**card, "kind": KIND, "member_kind": card["kind"], "members": members, "state_schema": rows}


def spread_limit(largest: NDArray) -> float:
    """spread_max from the largest spread along each of the held-back paths [n]."""
    return SPREAD_MARGIN * float(np.quantile(largest, SPREAD_QUANTILE))


class CommitteeMaterial(nn.Module):
    """Modules of one kind with the forward of docs/model_file.md, each with `states` state variables."""

    def __init__(
        self, members: Sequence[nn.Module], states: int, stress_scale: float, spread_max: float
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.states, self.stress_scale, self.spread_max = states, stress_scale, spread_max

    def forward(
        self,
        time_old: float,
        dt: float,
        stretch_old: Tensor,
        stretch_new: Tensor,
        temperature: Tensor,
        state_old: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(6, n), (6, n), (n,), (S, n) -> mean stress (6, n) Pa, state (S, n), status (n,) int32."""
        mean, square = torch.zeros_like(stretch_new), torch.zeros_like(temperature)
        status = torch.zeros_like(temperature).to(torch.int32)
        states: list[Tensor] = []
        for m, member in enumerate(self.members):
            old = state_old[m * self.states : (m + 1) * self.states]
            stress, state, found = member(time_old, dt, stretch_old, stretch_new, temperature, old)
            delta = stress - mean  # Welford: single precision keeps the digits of a small spread
            mean = mean + delta / (m + 1.0)
            rest = stress - mean
            pressure = (delta[0] + delta[1] + delta[2]) / 3.0
            square = square + ((delta[:3] - pressure) * rest[:3]).sum(0) + 2.0 * (delta[3:] * rest[3:]).sum(0)
            status = torch.maximum(status, found)
            states.append(state)
        spread = torch.sqrt(torch.relu(square) / (len(self.members) - 1.0)) / self.stress_scale
        doubtful = (spread > self.spread_max) | (status == 1) | (state_old[-1] > 0)
        states.append(spread.unsqueeze(0))
        states.append(doubtful.to(spread.dtype).unsqueeze(0))
        status = torch.where(status > 1, status, doubtful.to(torch.int32))
        return mean, torch.cat(states), status
