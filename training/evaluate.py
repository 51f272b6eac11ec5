"""How good a surrogate is: every protocol, with the future known and unknown; resolution, causality, isotropy.

The measures are those of [LIU22] 3.2 (Table 1, Figs. 1d, 2, 3), each for total, deviatoric and volumetric stress, and
beside them what counts in a solver. Fine-scale answers are computed by the law the surrogate was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import ModelFileError
from training.datasets import DataSet, read_dataset
from training.executor import Executor
from training.fine_scale import Law
from training.generate import Part, Plan, generate
from training.measures import errors
from training.paths import PROTOCOLS, PathSpec
from training.pca import analyse, modes_of, reconstruction_error, synthesise
from training.pca_dnn import PcaDnn
from training.tensors import FROBENIUS, IDENTITY

TEST_SEED = 1_000_003  # added to the seed of training: test paths are never training paths
RESOLUTIONS = (50, 100, 200, 250, 500, 1000)
TABLE_PROTOCOLS = ("R", "F", "I", "U", "U-iso", "L-U", "L-U-iso", "C")


@dataclass(frozen=True)
class Source:
    """The fine scale behind a surrogate: law, and the spec of its first training paths."""

    law: Law
    spec: PathSpec
    protocols: tuple[str, ...]


class HasCard(Protocol):
    """Anything with a model card."""

    @property
    def card(self) -> Mapping[str, Any]: ...


def source_of(model: HasCard) -> Source:
    """From the card; raises ModelFileError where the card does not say how the data were made."""
    data = model.card["training"].get("data", {})
    if "law" not in data or not data.get("parts"):
        raise ModelFileError(
            "the card does not say which law made the training data: evaluate on a data set of your own with --data"
        )
    law = Law(**{**data["law"], "constants": tuple(data["law"]["constants"])})
    protocols = tuple(part["spec"]["protocol"] for part in data["parts"])
    return Source(law, PathSpec(**data["parts"][0]["spec"]), protocols)


def fresh_paths(
    source: Source, protocol: str, paths: int, strain: float, out: Path, executor: Executor, stored: int = 200
) -> DataSet:
    """Fine-scale answers on fresh paths of a protocol, kept in `out` so that a second evaluation reuses them."""
    spec = PathSpec(
        protocol, strain, source.spec.duration, 1000, source.spec.intervals, source.spec.seed + TEST_SEED
    )
    path = out / f"test-{protocol}-{stored}-{paths}.h5"
    batch = max(1, min(32, -(-paths // 4)))
    generate(Plan(source.law, (Part(spec, paths),), stored, batch), path, executor, quiet=True)
    return read_dataset(path)


def on_grid(model: PcaDnn, data: DataSet) -> tuple[NDArray, NDArray]:
    """Strain and stress [n_path, N + 1, 6] at the grid times of the model, linear in between."""
    time = data.common_time()
    if len(time) == len(model.time) and np.allclose(time, model.time, rtol=1e-9, atol=0):
        return data.strain, data.stress
    found = [
        np.stack([[np.interp(model.time, time, path[:, k]) for k in range(6)] for path in histories])
        for histories in (data.strain, data.stress)
    ]
    return found[0].transpose(0, 2, 1), found[1].transpose(0, 2, 1)


def projection_errors(model: PcaDnn, data: DataSet) -> tuple[float, float]:
    """Mean relative L2 error of the PCA alone: of the strain on the input modes, of the stress on the output basis
    (the pressure polynomial, where there is one, is taken from the total stress only)."""
    strain, truth = on_grid(model, data)
    input_error = float(reconstruction_error(modes_of(model.tables()[0]), strain, FROBENIUS).mean())
    stress = truth - model.pressure_part(strain)
    basis = model.tables()[1]
    decoded = synthesise(basis, analyse(basis, stress))
    return input_error, errors(decoded + model.pressure_part(strain), truth).total


def protocol_row(model: PcaDnn, data: DataSet) -> dict[str, Any]:
    """All errors of one protocol: whole path known, in the solver held, in the solver linear, PCA alone."""
    time, strain, stress = data.common_time(), data.strain, data.stress
    held = model.in_solver(time, strain)
    linear = model.in_solver(time, strain, "linear")
    pca_in, pca_out = projection_errors(model, data)
    return {
        "paths": len(data),
        "whole": errors(model.history(time, strain), stress).to_dict(),
        "held": errors(held, stress).to_dict(),
        "linear": errors(linear, stress).to_dict(),
        "held_minus_linear": errors(linear, held).to_dict(),
        "pca_input": pca_in,
        "pca_output": pca_out,
    }


def error_in_time(model: PcaDnn, data: DataSet) -> dict[str, NDArray]:
    """Root mean square over paths of |error(t)| over that of |stress| (all times), [n_time] by continuation."""
    time, strain = data.common_time(), data.strain
    answers = {
        "whole path known": model.history(time, strain),
        "held after t": model.in_solver(time, strain),
        "linear after t": model.in_solver(time, strain, "linear"),
    }
    size = np.sqrt((data.stress**2 * FROBENIUS).sum(2).mean())
    return {
        name: np.sqrt(((answer - data.stress) ** 2 * FROBENIUS).sum(2).mean(0)) / size
        for name, answer in answers.items()
    }


def resolution(model: PcaDnn, fine: DataSet) -> dict[int, dict[str, float | None]]:
    """Errors where the same histories are given at 50 to 1000 steps, [LIU22] Fig. 1d, future known and held."""
    found = {}
    for steps in RESOLUTIONS:
        chosen = slice(None, None, (len(fine.time) - 1) // steps)
        time, strain, stress = fine.time[chosen], fine.strain[:, chosen], fine.stress[:, chosen]
        whole = errors(model.history(time, strain), stress)
        held = errors(model.in_solver(time, strain), stress)
        found[steps] = {
            "total": whole.total, "deviatoric": whole.deviatoric,
            "held_total": held.total, "held_deviatoric": held.deviatoric,
        }  # fmt: skip
    return found


@dataclass(frozen=True)
class Figure2:
    """Histories that part at some time: strain, fine-scale and learned stress [5, n_time, 6], times of parting [5]."""

    strain: NDArray
    truth: NDArray
    learned: NDArray
    parting: NDArray


def _truth(source: Source, time: NDArray, stretch: NDArray) -> NDArray:
    from training.fine_scale import drive

    fine = np.linspace(0.0, time[-1], 5 * (len(time) - 1) + 1)
    at = np.stack([[np.interp(fine, time, path[:, k]) for k in range(6)] for path in stretch]).transpose(
        0, 2, 1
    )
    return drive(source.law, fine, at, np.arange(0, len(fine), 5)).stress


def causality(model: PcaDnn, source: Source, strain: float) -> dict[str, Figure2]:
    """[LIU22] Fig. 2: (a) five walks that are one until T/2, (b) uniaxial ramps held after five different times."""
    time = model.time
    s = time / time[-1]
    draw = PROTOCOLS["F"]
    walks = (
        np.stack([draw(np.random.default_rng([TEST_SEED, i]), source.spec, s) for i in range(6)]) - IDENTITY
    )
    walks *= strain / source.spec.strain
    half = len(s) // 2
    one = np.repeat(walks[:1], 5, axis=0)
    one[:, half:] += walks[1:, : len(s) - half]
    stops = np.linspace(0.2, 1.0, 5)
    ramps = np.zeros((5, len(s), 6))
    ramps[:, :, 0] = strain * np.minimum(s[None], stops[:, None])
    found = {}
    for name, histories, parting in (("a", one, np.full(5, 0.5)), ("b", ramps, stops)):
        truth = _truth(source, time, histories + IDENTITY)
        found[name] = Figure2(histories, truth, model.history(time, histories), parting)
    return found


def causality_figures(figure: Figure2, time: NDArray) -> dict[str, float]:
    """Largest spread before the parting among the histories that are one, over the largest stress: of the learned
    material with its whole (different) futures given, and of the fine scale (0)."""
    s = time / time[-1]
    scale = np.abs(figure.truth).max()
    spread = {"learned": 0.0, "fine": 0.0}
    for i in range(4):
        before = s <= figure.parting[i] * (1 - 1e-9)
        for name, stress in (("learned", figure.learned), ("fine", figure.truth)):
            rest = stress[i + 1 :, before] - stress[i, before]
            spread[name] = max(spread[name], float(np.sqrt((rest**2).mean(axis=(1, 2))).max() / scale))
    return spread


@dataclass(frozen=True)
class Figure3:
    """Uniaxial tension along directions in the plane 1-3: strain [n_time], axial stress [n_angle, n_time]."""

    angle: NDArray
    strain: NDArray
    truth: NDArray
    learned: NDArray


def isotropy(
    answer: Callable[[NDArray, NDArray], NDArray], time: NDArray, source: Source, strain: float
) -> Figure3:
    """[LIU22] Fig. 3: isochoric uniaxial tension along directions turned about axis 2 by 0 to 360 degrees. answer(time,
    stretch) is the surrogate's stress [n, m + 1, 6]."""
    ramp = strain * time / time[-1]
    angle = np.arange(0, 361, 30)
    direction = np.stack([np.cos(np.deg2rad(angle)), np.zeros(len(angle)), np.sin(np.deg2rad(angle))], axis=1)
    dyad = np.stack(
        [direction[:, r] * direction[:, c] for r, c in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))],
        axis=1,
    )
    along, across = 1 + ramp, (1 + ramp) ** -0.5
    stretch = across[None, :, None] * IDENTITY + (along - across)[None, :, None] * dyad[:, None, :]
    truth = _truth(source, time, stretch)
    learned = answer(time, stretch)

    def axial(stress: NDArray) -> NDArray:
        mean = stress[..., :3].mean(-1)
        return (stress * dyad[:, None] * FROBENIUS).sum(-1) - mean  # the deviatoric axial stress

    return Figure3(angle, ramp, axial(truth), axial(learned))


def isotropy_figures(figure: Figure3) -> dict[str, float]:
    """Spread over the directions (largest less smallest) at the end over their mean: learned and fine scale."""
    return {
        name: float(np.ptp(values[:, -1]) / abs(values[:, -1].mean()))
        for name, values in (("learned", figure.learned), ("fine", figure.truth))
    }
