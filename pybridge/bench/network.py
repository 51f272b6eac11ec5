"""Speed of the native network kernels: share of the machine's multiply-add peak, ratio to TorchScript in C++.

Everything on one core, smallest CPU time over many windows, peak and networks and TorchScript in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge._core import Network, NetworkSingle, active_isa, peak_flops, time_torch_network
from pybridge.report import Report

NBLOCK = 136
WIDE = (1000, 1000, 1000, 1000)
SMALL = (6, 40, 40, 9)
KINDS: dict[str, Any] = {"float32": NetworkSingle, "float64": Network}
SHORT = {"float32": "f32", "float64": "f64"}

Layers = list[tuple[NDArray, NDArray, str]]


def random_layers(sizes: tuple[int, ...], activation: str) -> Layers:
    """Dense layers of these widths, linear at the end, seeded."""
    rng = np.random.default_rng(0)
    pairs = list(pairwise(sizes))
    return [
        (rng.normal(size=(b, a)) / np.sqrt(a), rng.normal(size=b) * 0.1, activation if i + 1 < len(pairs) else "linear")
        for i, (a, b) in enumerate(pairs)
    ]  # fmt: skip


def flop(sizes: tuple[int, ...], points: int) -> float:
    """Two for each multiply-add of the layers; activations are not counted."""
    return 2.0 * points * sum(a * b for a, b in pairwise(sizes))


def write_torch_network(path: Path, layers: Layers, precision: str) -> None:
    """The same layers as torch.nn modules, scripted, for the TorchScript engine."""
    import torch

    modules: list[torch.nn.Module] = []
    for weight, bias, activation in layers:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data = torch.tensor(weight)
        linear.bias.data = torch.tensor(bias)
        modules.append(linear)
        if activation != "linear":
            modules.append({"relu": torch.nn.ReLU, "selu": torch.nn.SELU}[activation]())
    network = torch.nn.Sequential(*modules).to(getattr(torch, precision))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(network), str(path))


def wide_layers(report: Report, precision: str, windows: int) -> None:
    """1000-wide SELU layers at nblock 136 against the peak measured just before and after."""
    network = KINDS[precision](random_layers(WIDE, "selu"), "active")
    x = np.random.default_rng(1).normal(size=(WIDE[0], NBLOCK)).astype(precision)
    peak = peak_flops(precision, "active", windows)
    seconds = network.time_forward(x, windows, 2)
    peak = max(peak, peak_flops(precision, "active", windows))
    speed = flop(WIDE, NBLOCK) / seconds
    name = SHORT[precision]
    report.add(f"peak {name}", peak / 1e9, "GFLOP/s")
    report.add(f"1000-wide {name}", speed / 1e9, "GFLOP/s")
    report.add(f"1000-wide {name}, share of peak", speed / peak, "1", ">= 0.7")


def small_network(report: Report, precision: str, points: int, windows: int, target: str) -> None:
    """6-40-40-9 ReLU: native against TorchScript in C++, which gets its own favourite layout (points, inputs)."""
    layers = random_layers(SMALL, "relu")
    network = KINDS[precision](layers, "active")
    x = np.random.default_rng(2).normal(size=(SMALL[0], points)).astype(precision)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.pt"
        write_torch_network(path, layers, precision)
        y = np.empty((points, SMALL[-1]), precision)
        torch_seconds = time_torch_network(str(path), np.ascontiguousarray(x.T), y, windows, 200)
    native_seconds = network.time_forward(x, windows, 200)
    tolerance = 1e-4 if precision == "float32" else 1e-10
    np.testing.assert_allclose(network.forward(x), y.T, rtol=0, atol=tolerance)
    name = f"6-40-40-9 {SHORT[precision]} at nblock {points}"
    report.add(f"{name}, native", native_seconds * 1e6, "us")
    report.add(f"{name}, TorchScript in C++", torch_seconds * 1e6, "us")
    report.add(f"{name}, TorchScript / native", torch_seconds / native_seconds, "1", target)


def run(options: argparse.Namespace) -> Report:
    """See `pybridge bench network`."""
    report = Report("network")
    windows = 8 if options.quick else 40
    report.add("vector width", {"baseline": 16, "avx2": 32, "avx512": 64}[active_isa()], "byte")
    for precision in KINDS:
        wide_layers(report, precision, windows)
    small_network(report, "float32", NBLOCK, 3 * windows, ">= 3")
    small_network(report, "float64", NBLOCK, 3 * windows, "")
    small_network(report, "float32", 1, 3 * windows, "")
    small_network(report, "float64", 1, 3 * windows, "")
    return report
