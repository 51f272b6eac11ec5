"""The derivative of native networks at one point against the chain rule in numpy, for each instruction set."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from pybridge._core import MaterialError, Network, NetworkSingle, supported_isas

KINDS = {"float64": Network, "float32": NetworkSingle}
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}  # rounding of sums of a few hundred terms
# Outputs of one panel, of some, of some and a remainder; inputs beyond one block of the sum (192); sixths of the
# outputs that end inside a panel, and of so few that they are summed up by columns.
SIZES = [(6, 6), (6, 40, 40, 6), (24, 37, 19, 54), (450, 201, 66, 96), (12, 24, 210, 18)]
SCALE, ALPHA = 1.0507009873554804934, 1.6732632423543772848


def sigmoid(x: NDArray) -> NDArray:
    return 1 / (1 + np.exp(-x))


# value and derivative
ACTIVATIONS = {
    "linear": (lambda x: x, np.ones_like),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "selu": (
        lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)),
        lambda x: SCALE * np.where(x > 0, 1, ALPHA * np.exp(x)),
    ),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
}


@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("precision", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", SIZES)
def test_derivative_is_the_chain_rule(
    sizes: tuple[int, ...], activation: str, precision: str, isa: str
) -> None:
    """Any directions and one direction for each input; of each output and of sums over sixths of them."""
    rng = np.random.default_rng(5)
    layers = [
        (rng.normal(size=(b, a)) * 1.5 / np.sqrt(a), rng.normal(size=b) * 0.3, activation if k < len(sizes) - 2 else "linear")
        for k, (a, b) in enumerate(pairwise(sizes))
    ]  # fmt: skip
    network = KINDS[precision](layers, isa)
    x, readout = (rng.normal(size=n).astype(precision) for n in (sizes[0], sizes[-1]))
    anywhere = rng.normal(size=(sizes[0], 6)).astype(precision)
    own = rng.normal(size=sizes[0]).astype(precision)
    run = np.arange(sizes[0]) // (sizes[0] // 6)
    for dx, matrix in ((anywhere, anywhere), (own, own[:, None] * (run[:, None] == np.arange(6)))):
        value, slope = x.astype(np.float64), matrix.astype(np.float64)
        for weight, bias, kind in layers:
            z = weight @ value + bias
            f, g = ACTIVATIONS[kind]
            value, slope = f(z), g(z)[:, None] * (weight @ slope)
        for factor in (np.zeros(0, precision), readout):
            y, dy = network.forward_tangent(x, dx, factor)
            expected = slope if factor.size == 0 else (factor[:, None] * slope).reshape(6, -1, 6).sum(axis=1)
            np.testing.assert_array_equal(y, network.forward(x[:, None])[:, 0])
            np.testing.assert_allclose(
                dy, expected, rtol=0, atol=2 * TOLERANCE[precision] * np.abs(expected).max()
            )


def test_answers_of_a_curved_last_layer() -> None:
    """Sums over outputs behind an activation cannot be taken of the weights."""
    rng = np.random.default_rng(6)
    weights = [rng.normal(size=(b, a)) for a, b in ((6, 30), (30, 60))]
    network = Network([(w, np.zeros(len(w)), "tanh") for w in weights], "active")
    x, dx, readout = rng.normal(size=6), rng.normal(size=(6, 6)), rng.normal(size=60)
    z = np.tanh(weights[0] @ x)
    slope = (1 - z**2)[:, None] * (weights[0] @ dx)
    slope = (1 - np.tanh(weights[1] @ z) ** 2)[:, None] * (weights[1] @ slope)
    expected = (readout[:, None] * slope).reshape(6, 10, 6).sum(axis=1)
    _, dy = network.forward_tangent(x, dx, readout)
    np.testing.assert_allclose(dy, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_shapes_that_do_not_fit_are_refused() -> None:
    network = Network([(np.ones((7, 12)), np.zeros(7), "linear")], "active")
    x, none = np.zeros(12), np.zeros(0)
    for dx in (np.zeros(11), np.zeros((12, 5)), np.zeros((11, 6))):
        with pytest.raises(MaterialError, match=r"dx \(inputs, 6\) or \(inputs,\)"):
            network.forward_tangent(x, dx, none)
    with pytest.raises(MaterialError, match="outputs a multiple of 6"):
        network.forward_tangent(x, np.zeros((12, 6)), np.zeros(7))
