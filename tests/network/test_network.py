"""Native dense layers against torch in float64, and against themselves in other blocks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from pybridge._core import MaterialError, Network, NetworkSingle, peak_flops, supported_isas

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "selu": torch.selu,
    "silu": torch.nn.functional.silu,
}
KINDS = {"float64": Network, "float32": NetworkSingle}
# Against torch in float64, relative to the largest output: rounding of sums of a few hundred terms.
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}
# Odd sizes: outputs that fill no panel, and inputs beyond one block of the sum (192).
SIZES = [
    (1, 1),
    (6, 40, 40, 9),
    (7, 37, 19, 5),
    (450, 130, 66, 12),
    (3, 201, 3),
    (5, 63, 200, 2),
]


def layers_of(
    sizes: tuple[int, ...], activation: str, seed: int = 1
) -> list[tuple[np.ndarray, np.ndarray, str]]:
    rng = np.random.default_rng(seed)
    last = len(sizes) - 2
    return [
        (rng.normal(size=(b, a)) * 1.5 / np.sqrt(a), rng.normal(size=b) * 0.3, activation if i < last or i == 0 else "linear")
        for i, (a, b) in enumerate(pairwise(sizes))
    ]  # fmt: skip


def reference(layers: list[tuple[np.ndarray, np.ndarray, str]], x: np.ndarray) -> np.ndarray:
    y = torch.tensor(x, dtype=torch.float64)
    for weight, bias, activation in layers:
        y = ACTIVATIONS[activation](torch.tensor(weight) @ y + torch.tensor(bias)[:, None])
    return y.numpy()


@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("precision", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SIZES)
def test_agrees_with_torch(sizes: tuple[int, ...], activation: str, precision: str, isa: str) -> None:
    layers = layers_of(sizes, activation)
    network = KINDS[precision](layers, isa)
    assert (network.inputs, network.outputs) == (sizes[0], sizes[-1])
    x = np.random.default_rng(2).normal(size=(sizes[0], 53)).astype(precision)
    expected = reference(layers, x)
    tolerance = TOLERANCE[precision] * np.abs(expected).max()
    np.testing.assert_allclose(network.forward(x), expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(network.forward(x[:, :1].copy()), expected[:, :1], rtol=0, atol=tolerance)


@cache
def whole_block(precision: str, isa: str) -> tuple[Any, np.ndarray, np.ndarray]:
    network = KINDS[precision](layers_of((230, 70, 11), "selu"), isa)
    x = np.random.default_rng(3).normal(size=(230, 512)).astype(precision)
    return network, x, network.forward(x)


@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("precision", KINDS)
def test_same_bits_in_every_block(precision: str, isa: str) -> None:
    network, x, whole = whole_block(precision, isa)
    for n in range(1, 513):
        start = (n * 37) % (513 - n)
        part = network.forward(x[:, start : start + n])  # the stride stays 512
        assert np.array_equal(part, whole[:, start : start + n]), n


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "silu", "relu"])
@pytest.mark.parametrize("precision", KINDS)
def test_same_bits_for_every_activation(activation: str, precision: str) -> None:
    network = KINDS[precision](layers_of((6, 40, 40, 9), activation), "active")
    x = np.random.default_rng(4).normal(size=(6, 200)).astype(precision)
    whole = network.forward(x)
    for n in (1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 25, 47, 48, 49, 143, 144, 145, 199):
        assert np.array_equal(network.forward(x[:, 200 - n :]), whole[:, 200 - n :]), n


@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("precision", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_keep_relative_accuracy(activation: str, precision: str, isa: str) -> None:
    """Element by element, from 1e-30 to saturation: cancellation near zero would show."""
    magnitude = np.geomspace(1e-30, 80.0, 4000)
    x = np.concatenate([-magnitude[::-1], [0.0], magnitude])[None, :].astype(precision)
    network = KINDS[precision]([(np.ones((1, 1)), np.zeros(1), activation)], isa)
    with np.errstate(under="ignore"):
        if activation == "selu":  # torch's own loses digits near zero
            wide = x.astype(np.float64)
            expected = 1.0507009873554804934 * np.where(
                wide > 0, wide, 1.6732632423543772848 * np.expm1(wide)
            )
        else:
            expected = ACTIVATIONS[activation](torch.tensor(x, dtype=torch.float64)).numpy()
    eps = np.finfo(precision).eps
    np.testing.assert_allclose(network.forward(x), expected, rtol=6 * eps, atol=np.finfo(precision).tiny)


@pytest.mark.parametrize("precision", KINDS)
def test_far_saturation_and_not_a_number(precision: str) -> None:
    x = np.array([[-np.inf, -1e4, 1e4, np.nan]], precision)
    limits = {"tanh": (-1, 1), "sigmoid": (0, 1), "selu": (-1.7580993408473766, None), "relu": (0, None)}
    for activation, (low, high) in limits.items():
        y = KINDS[precision]([(np.ones((1, 1)), np.zeros(1), activation)], "active").forward(x)[0]
        np.testing.assert_allclose(y[:2], low, rtol=1e-6, atol=1e-30)
        if high is not None:
            assert y[2] == high
        assert np.isnan(y[3])


def test_threads_share_a_network() -> None:
    network, x, whole = whole_block("float32", "active")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: network.forward(x), range(32)))
    assert all(np.array_equal(answer, whole) for answer in answers)


def test_empty_block() -> None:
    network, x, _ = whole_block("float64", "active")
    assert network.forward(x[:, :0]).shape == (11, 0)


def test_bad_networks_are_refused() -> None:
    one = (np.ones((2, 3)), np.zeros(2), "relu")
    cases = [
        ([], "at least one layer"),
        ([one, (np.ones((1, 3)), np.zeros(1), "relu")], "layer 1: takes 3 inputs, the layer before gives 2"),
        ([(np.ones((2, 3)), np.zeros(2), "gelu")], 'activation "gelu": expected linear'),
        ([(np.full((2, 3), np.nan), np.zeros(2), "relu")], "layer 0: holds a number that is not finite"),
        ([(np.ones((0, 3)), np.zeros(0), "relu")], "must be at least 1, got 3 and 0"),
        ([(np.ones((3, 0)), np.zeros(3), "relu")], "must be at least 1, got 0 and 3"),
    ]
    for layers, message in cases:
        with pytest.raises(MaterialError, match=message):
            Network(layers, "active")
    with pytest.raises(MaterialError, match="not finite in this precision"):
        NetworkSingle([(np.full((2, 3), 1e300), np.zeros(2), "relu")], "active")
    with pytest.raises(MaterialError, match=r"expected shape \(3, points\)"):
        Network([one], "active").forward(np.zeros((4, 2)))


def test_peak_counts_multiply_adds() -> None:
    """Two FLOP a lane and multiply-add: between one lane a cycle and 2 units x 16 lanes at 6 GHz."""
    assert 1e9 < peak_flops("float32", "active", 2) < 400e9
