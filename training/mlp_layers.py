"""Layers of small networks: made at random, taken from and put into PyTorch, rescaled, put side by side."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from training.mlp import Mlp

Layers = list[tuple[NDArray, NDArray]]
"""Weight and bias of each layer."""

_ACTIVATIONS = {
    "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid, "silu": torch.nn.SiLU,
    "selu": torch.nn.SELU,
}  # fmt: skip


def make_network(sizes: Sequence[int], activation: str, seed: int) -> torch.nn.Sequential:
    """Weights of variance 2 over the inputs of their layer, biases zero; the last layer is linear."""
    generator = torch.Generator().manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        layer = torch.nn.Linear(a, b)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(b, a, generator=generator) * (2 / a) ** 0.5)
            layer.bias.zero_()
        layers.append(layer)
        if k < len(sizes) - 2:
            layers.append(_ACTIVATIONS[activation]())
    return torch.nn.Sequential(*layers)


def set_layers(net: torch.nn.Sequential, layers: Layers) -> None:
    """Put weights and biases into a network of these sizes."""
    linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, layers, strict=True):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.copy_(torch.tensor(bias))


def layers_of(net: torch.nn.Sequential) -> Layers:
    """The weights and biases of a network, float64."""
    linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
    return [
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in linear
    ]


def rescaled(start: Mlp, member: int, input_scale: NDArray, mean: NDArray, scale: NDArray) -> Layers:
    """The layers of a member that answer the same where inputs and outputs have other scales."""
    layers = list(zip(start.weights[member], start.biases[member], strict=True))
    weight, bias = layers[0]
    layers[0] = weight * (input_scale / start.input_scale), bias
    weight, bias = layers[-1]
    ratio = start.output_scale / scale
    layers[-1] = weight * ratio[:, None], bias * ratio + (start.output_mean - mean) / scale
    return layers


def side_by_side(a: Layers, b: Layers) -> Layers:
    """Two networks of the same inputs and depth as one: answers of `a`, then of `b`. Beyond the first layer the weights
    between the two are zeros."""
    out = [(np.vstack([a[0][0], b[0][0]]), np.concatenate([a[0][1], b[0][1]]))]
    for (wa, ba), (wb, bb) in zip(a[1:], b[1:], strict=True):
        weight = np.zeros((len(wa) + len(wb), wa.shape[1] + wb.shape[1]))
        weight[: len(wa), : wa.shape[1]], weight[len(wa) :, wa.shape[1] :] = wa, wb
        out.append((weight, np.concatenate([ba, bb])))
    return out
