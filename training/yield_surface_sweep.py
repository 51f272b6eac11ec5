"""The loop over time of YieldSurface.forward and its gradient, in compiled code: PyTorch's own loop does the same,
several times slower (tests/yield_surface compares them)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pybridge import _core
from training.yield_surface import SPEED_MOST, YieldSurface

BLOCK: int = _core.YIELD_TRAINING_BLOCK


def _run(
    model: YieldSurface, v: Tensor, moved: Tensor, h: Tensor, parameters: tuple[Tensor, ...]
) -> tuple[tuple[Any, ...], dict[str, Tensor]]:
    """The forward sweep: its arguments, and all arrays by name."""
    sizes, (steps, _, paths) = model.sizes, v.shape
    rows = {
        "input": sizes.inputs,
        "pre1": sizes.width,
        "pre2": sizes.width,
        "out": sizes.outputs,
    }
    calls = 2 * steps  # of the network
    arrays = {name: v.new_empty(count, calls * paths) for name, count in rows.items()}
    arrays["strain"] = v.new_empty(steps + 1, 5, paths)
    names = ("w0", "w1", "w2", "b0", "b1", "b2", "skip")
    arrays |= {name: value.detach().contiguous() for name, value in zip(names, parameters, strict=False)}
    arrays |= {
        "speed": model.speed().detach(),
        "increment": v.contiguous(),
        "moved": moved.contiguous(),
        "h": h.contiguous(),
    }
    shape = (sizes.backstresses, sizes.scalars, sizes.width, sizes.substeps)
    arguments = (*shape, steps, paths, model.radius_floor, model.rest_rate, model.rate_floor)
    _core.yield_surface_sweep(
        *arguments, {name: a.numpy() for name, a in arrays.items()}, False, torch.get_num_threads()
    )
    return arguments, arrays


class _Sweep(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, model: YieldSurface, v: Tensor, moved: Tensor, h: Tensor, *parameters: Tensor
    ) -> Tensor:
        ctx.arguments, arrays = _run(model, v, moved, h, parameters)
        ctx.arrays = arrays
        ctx.save_for_backward(*parameters)
        return arrays["strain"][1:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        a = ctx.arrays
        if a is None:
            raise RuntimeError("yield surface sweep: backward() ran before, and the arrays it used are gone")
        ctx.arrays = None  # the sweep writes over what it needs
        a["strain_grad"] = grads[0].contiguous()
        for name in ("pre1", "pre2", "out"):
            a[f"{name}_grad"] = torch.empty_like(a[name])
        a["skip_grad"], a["log_speed_grad"] = torch.zeros_like(a["skip"]), torch.zeros_like(a["speed"])
        _core.yield_surface_sweep(
            *ctx.arguments, {name: x.numpy() for name, x in a.items()}, True, torch.get_num_threads()
        )
        pairs = (
            (a["pre1_grad"], a["input"]),
            (a["pre2_grad"], a["pre1"]),  # by now activations
            (a["out_grad"], a["pre2"]),
        )
        weights = [grad @ x.T for grad, x in pairs]
        biases = [grad.sum(1, keepdim=True) for grad, _ in pairs]
        # nothing where a speed stands at its bound; the clamped one may round to either side of it
        bounded = ctx.saved_tensors[-1] >= math.log(SPEED_MOST)
        log_speed = torch.where(bounded, 0.0, a["log_speed_grad"])
        return (None, None, None, None, *weights, *biases, a["skip_grad"], log_speed)


def _parameters(model: YieldSurface) -> tuple[Tensor, ...]:
    return (*model.weight, *model.bias, model.skip, model.log_speed)


def _filled(x: Tensor) -> Tensor:
    """The last axis up to a multiple of BLOCK, with the first path again."""
    missing = -x.shape[-1] % BLOCK
    return torch.cat([x, x[..., :1].expand(*x.shape[:-1], missing)], -1) if missing else x


def sweep(model: YieldSurface, v: Tensor, moved: Tensor, h: Tensor) -> Tensor:
    """YieldSurface.forward with its gradient, on the CPU, for any number of paths."""
    found = _Sweep.apply(model, _filled(v), _filled(moved), _filled(h), *_parameters(model))
    return found[..., : v.shape[-1]]  # type: ignore[index]


def ranges(model: YieldSurface, v: Tensor, moved: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Largest magnitude of each hidden state [states] and largest radius along paths."""
    _, arrays = _run(model, _filled(v), _filled(moved), _filled(h), _parameters(model))
    z = arrays["input"][5 : 5 + model.sizes.states]
    raw = arrays["out"][0] + (model.skip * z[5 * model.sizes.backstresses :]).sum(0)
    radius = model.radius_floor + torch.nn.functional.softplus(raw)
    return z.abs().amax(1), radius.max()
