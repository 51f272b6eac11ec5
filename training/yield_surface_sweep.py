"""The loop over time of YieldSurface.forward and its gradient, in compiled code: PyTorch's own loop does the same,
several times slower (tests/yield_surface compares them)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pybridge import _core
from training.yield_surface import YieldSurface

BLOCK: int = _core.YIELD_TRAINING_BLOCK


def _run(
    model: YieldSurface, v: Tensor, moved: Tensor, h: float, parameters: tuple[Tensor, ...]
) -> tuple[tuple[Any, ...], dict[str, Tensor]]:
    """The forward sweep: its arguments, and all arrays [step, row, path] by name."""
    sizes, (steps, _, paths) = model.sizes, v.shape
    rows = {
        "strain": 5,
        "input": sizes.inputs,
        "pre1": sizes.width,
        "pre2": sizes.width,
        "out": sizes.outputs,
    }
    arrays = {name: v.new_empty(steps + (name == "strain"), count, paths) for name, count in rows.items()}
    names = ("w0", "w1", "w2", "b0", "b1", "b2", "skip")
    arrays |= {name: value.detach().contiguous() for name, value in zip(names, parameters, strict=False)}
    arrays |= {
        "speed": torch.exp(parameters[-1].detach()),
        "increment": v.contiguous(),
        "moved": moved.contiguous(),
    }
    shape = (sizes.backstresses, sizes.scalars, sizes.width, sizes.substeps)
    arguments = (*shape, steps, paths, h, model.radius_floor)
    _core.yield_surface_sweep(*arguments, {name: a.numpy() for name, a in arrays.items()}, False)
    return arguments, arrays


class _Sweep(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, model: YieldSurface, v: Tensor, moved: Tensor, h: float, *parameters: Tensor
    ) -> Tensor:
        ctx.arguments, arrays = _run(model, v, moved, h, parameters)
        ctx.arrays = arrays
        return arrays["strain"][1:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        a = ctx.arrays
        a["strain_grad"] = grads[0].contiguous()
        for name in ("pre1", "pre2", "out"):
            a[f"{name}_grad"] = torch.empty_like(a[name])
        a["skip_grad"], a["log_speed_grad"] = torch.zeros_like(a["skip"]), torch.zeros_like(a["speed"])
        _core.yield_surface_sweep(*ctx.arguments, {name: x.numpy() for name, x in a.items()}, True)
        silu = torch.nn.functional.silu
        pairs = (
            (a["pre1_grad"], a["input"]),
            (a["pre2_grad"], silu(a["pre1"])),
            (a["out_grad"], silu(a["pre2"])),
        )
        weights = [torch.bmm(grad, x.transpose(1, 2)).sum(0) for grad, x in pairs]
        biases = [grad.sum((0, 2)).unsqueeze(1) for grad, _ in pairs]
        return (None, None, None, None, *weights, *biases, a["skip_grad"], a["log_speed_grad"])


def _parameters(model: YieldSurface) -> tuple[Tensor, ...]:
    return (*model.weight, *model.bias, model.skip, model.log_speed)


def sweep(model: YieldSurface, v: Tensor, moved: Tensor, h: float) -> Tensor:
    """YieldSurface.forward with its gradient, on the CPU, for any number of paths."""
    paths = v.shape[-1]
    missing = -paths % BLOCK
    if missing:  # the first path again
        v = torch.cat([v, v[..., :1].expand(*v.shape[:-1], missing)], -1)
        moved = torch.cat([moved, moved[..., :1].expand(*moved.shape[:-1], missing)], -1)
    return _Sweep.apply(model, v, moved, h, *_parameters(model))[..., :paths]  # type: ignore[index]


def hidden_range(model: YieldSurface, v: Tensor, moved: Tensor, h: float) -> Tensor:
    """Largest magnitude of each hidden state along paths, a multiple of BLOCK: [states]."""
    _, arrays = _run(model, v, moved, h, _parameters(model))
    return arrays["input"][:, 5:-1].abs().amax((0, 2))
