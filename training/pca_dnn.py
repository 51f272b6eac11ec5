"""PCA + DNN: strain history -> PCA coefficients -> SELU network -> PCA coefficients -> stress history, [LIU22].

The numbers of a trained surrogate, and its reference evaluation in NumPy: with the whole history known (the
paper's measure), and as a solver meets it, where the future of a path is unknown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import ModelFileError
from training.atomic import atomic_path
from training.pca import antiderivative, running, synthesise
from training.tensors import IDENTITY, determinant

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
CHUNK = 4096  # points evaluated at once


def selu(x: NDArray) -> NDArray:
    """Scaled exponential linear unit."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


@dataclass(frozen=True)
class PcaDnn:
    """A trained surrogate. Rows of tables run over components, then modes (6 M).

    time [N+1] s; primitive [6 M_in, N+1] Phi of training.pca; x = (c - input_mean) / input_scale;
    a = net(x) output_scale - output_offset, with the offset that makes the zero history give zero stress;
    output_basis [6 M_out, N+1]; pressure p_1.. of sum p_i (J-1)^i, empty where the network learned the pressure;
    card: what is known beside the numbers (config, moduli, domain, training, errors).
    """

    time: NDArray
    primitive: NDArray
    input_mean: NDArray
    input_scale: NDArray
    weights: tuple[NDArray, ...]
    biases: tuple[NDArray, ...]
    output_scale: NDArray
    output_offset: NDArray
    output_basis: NDArray
    pressure: NDArray
    card: Mapping[str, Any]

    @property
    def modes_in(self) -> int:
        """PCA modes of each strain component."""
        return len(self.primitive) // 6

    @property
    def modes_out(self) -> int:
        """PCA modes of each stress component."""
        return len(self.output_basis) // 6

    @property
    def multiply_adds(self) -> int:
        """Of the network, one point."""
        return sum(weight.size for weight in self.weights)

    def tables(self) -> tuple[NDArray, NDArray]:
        """primitive [6, M_in, N+1] and output basis [6, M_out, N+1]."""
        return (
            self.primitive.reshape(6, self.modes_in, -1),
            self.output_basis.reshape(6, self.modes_out, -1),
        )

    def network(self, c: NDArray) -> NDArray:
        """Output coefficients [n, 6 M_out], Pa, of input coefficients [n, 6 M_in]."""
        out = np.empty((len(c), len(self.output_basis)))
        for first in range(0, len(c), CHUNK):
            x = (c[first : first + CHUNK] - self.input_mean) / self.input_scale
            for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
                x = selu(x @ weight.T + bias)
            x = x @ self.weights[-1].T + self.biases[-1]
            out[first : first + CHUNK] = x * self.output_scale - self.output_offset
        return out

    def basis_at(self, time: NDArray) -> NDArray:
        """psi at times [n_time] of (0, T): [6, M_out, n_time]."""
        table = self.tables()[1]
        step = self.time[1] - self.time[0]
        place = np.clip((time / step).astype(int), 0, len(self.time) - 2)
        part = time / step - place
        return table[..., place] * (1 - part) + table[..., place + 1] * part

    def pressure_part(self, strain: NDArray) -> NDArray:
        """Volumetric stress of the polynomial, [..., 6], of strains [..., 6]."""
        x = determinant(strain + IDENTITY) - 1.0
        value = sum((p * x ** (i + 1) for i, p in enumerate(self.pressure)), np.zeros_like(x))
        return value[..., None] * IDENTITY

    def history(self, time: NDArray, strain: NDArray) -> NDArray:
        """Stress [n_path, n_time, 6] with the whole history E = U - I [n_path, n_time, 6] known, at any times."""
        c = running(self.tables()[0], self.time, time, strain)[:, -1]
        a = self.network(c.reshape(len(strain), -1)).reshape(len(strain), 6, -1)
        return synthesise(self.basis_at(time), a) + self.pressure_part(strain)

    def in_solver(self, time: NDArray, strain: NDArray, continuation: str = "held") -> NDArray:
        """Stress [n_path, n_time, 6] where at each time only the past is known.

        The unknown future is "held" (what the kernels do), or continued with the last rate ("linear", for
        comparison). One network evaluation a time, as in the solver.
        """
        primitive = self.tables()[0]
        c = running(primitive, self.time, time, strain)
        if continuation == "linear":
            whole = antiderivative(primitive, self.time, np.append(time, self.time[-1]))
            rate = np.diff(strain, axis=1) / np.diff(time)[:, None]
            rest = whole[..., -1:] - whole[..., 1:-1]
            c[:, 1:] += np.einsum("pmk,kjm->pmkj", rate, rest)
        basis = self.basis_at(time).transpose(2, 0, 1)
        stress = np.empty_like(strain)
        for i in range(len(strain)):
            a = self.network(c[i].reshape(len(time), -1)).reshape(len(time), 6, -1)
            stress[i] = (a * basis).sum(axis=2)
        return stress + self.pressure_part(strain)


ARRAYS = (
    "time",
    "primitive",
    "input_mean",
    "input_scale",
    "output_scale",
    "output_offset",
    "output_basis",
    "pressure",
)


def save_surrogate(model: PcaDnn, path: Path) -> None:
    """Write all numbers and the card (JSON) as one .npz, whole or not at all."""
    arrays = {name: getattr(model, name) for name in ARRAYS}
    for i, (weight, bias) in enumerate(zip(model.weights, model.biases, strict=True)):
        arrays |= {f"weight{i}": weight, f"bias{i}": bias}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, card=np.array(json.dumps(dict(model.card))), **arrays)


def load_surrogate(path: Path) -> PcaDnn:
    """Read what save_surrogate wrote; raises ModelFileError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            layers = sum(name.startswith("weight") for name in file.files)
            return PcaDnn(
                **{name: file[name] for name in ARRAYS},
                weights=tuple(file[f"weight{i}"] for i in range(layers)),
                biases=tuple(file[f"bias{i}"] for i in range(layers)),
                card=json.loads(str(file["card"])),
            )
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: no such file; `pybridge train` writes it when it ends") from error
    except (OSError, ValueError, KeyError) as error:
        raise ModelFileError(f"{path}: not a trained surrogate of this package: {error}") from error


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
