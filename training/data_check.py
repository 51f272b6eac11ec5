"""What a set of histories can teach, before it is trained on: amount, noise, coverage, units; and, after it, what came out.

Each check gives a figure. `warning`: train, but do not expect much; `error`: the numbers cannot be what they are said to be.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.deploy.findings import ERROR, NOTE, OK, WARNING, Finding
from training.datasets import DataSet
from training.tensors import FROBENIUS, IDENTITY, determinant, deviator, mean_part, norm

FEW = 200  # paths, below which a network of some thousand weights is told little
NOISE_MOST = 0.02  # of the deviator's root mean square
NOISE_CLEAR = 0.01  # of the stress after the first step: below it the steepest first steps are physics
GROUPS, GROUP_LEAST = 5, 20  # of paths, over which noise is averaged
DIRECTIONS_LEAST = 3.5  # of the 5 independent directions of a deviator
ONE_SIDED_MOST = 0.6  # 0: as much one way as the other, 1: one way only
REVERSALS_LEAST = 0.05  # of the paths
PARTS = 20  # of a path, between whose directions a reversal is looked for
REVERSAL = -0.5  # cosine between the strain increments of two parts
WAVE_SPEED = (100.0, 20e3)  # m/s, of solids: below the first are gels, diamond has 18 km/s
MODULUS = (1e5, 2e12)  # Pa
POISSON = (-0.3, 0.4995)
RATE = (1e-10, 1e9)  # 1/s
ELASTIC_MOST = 0.3  # |dev sigma| / 2 G
SHEAR_RATIO_MOST = 1.6  # of the shear moduli from direct and from shear strains; engineering shears make it 2
DECLARED = (0.3, 1.2)  # implied over declared moduli: flow within the first step lowers the shear modulus
SECANT_LEAST = 0.7  # of the shear moduli from the second and from the first step
LOOKED_AT = 1000  # paths at most: every so many-th of a large set
UNITS_REMEDY = "check the units and the sign convention that were declared"
FEW_RATIO, BAD_ERROR = 1.5, 0.2  # held-back over training error; training error


@dataclass(frozen=True)
class Moduli:
    """What the first steps say, Pa; nan where they do not. secant: shear modulus of the second step over that of the first,
    below 1 where they flow; shear_ratio: shear modulus of direct over that of shear strains."""

    bulk: float
    shear: float
    secant: float
    shear_ratio: float


def noise(series: NDArray) -> NDArray:
    """Standard deviation of what is not smooth in series [n, n_time, 6], by component: [n, 6].

    From fourth differences d, which a smooth history has little of and white noise of variance s2 gives the variance
    70 s2; by their median, |d| = 0.6745 sqrt(70) s, so that kinks (yielding, reversals) do not count. Steps so coarse that
    the history is not smooth look like noise, and are as bad.
    """
    difference = np.diff(series, 4, axis=1)
    if difference.shape[1] == 0:
        return np.zeros((len(series), 6))
    return np.median(np.abs(difference), axis=1) / (0.6745 * math.sqrt(70.0))


def relative_noise(series: NDArray) -> float:
    """Noise of the deviators of [n, n_time, 6] over their root mean square."""
    part = deviator(series)
    size = float(np.sqrt((norm(part) ** 2).mean()))
    return float(np.sqrt((noise(part) ** 2 * FROBENIUS).sum(1).mean())) / size if size > 0 else 0.0


def implied_moduli(stretch: NDArray, stress: NDArray) -> Moduli:
    """Elastic moduli from the first steps of stretch and stress [n, n_time, 6] (the start virgin).

    dev sigma = 2 G dev E, tr sigma / 3 = K (J - 1). Flow within the first step only lowers G, so that the 95th percentile
    over the paths counts, or, where noise blurs single paths, the least-squares value of the stiffest group.
    """
    first, rows = _first_steps(stretch), np.arange(len(stretch))
    e, s = deviator(stretch[rows, first] - IDENTITY), deviator(stress[rows, first])
    some = norm(e) > 1e-3 * norm(e).max()
    blur = (
        float(np.median(np.sqrt((noise(deviator(stress)) ** 2 * FROBENIUS).sum(1))[some]))
        if some.any()
        else 0.0
    )
    clear = some.any() and blur < NOISE_CLEAR * float(np.median(norm(s)[some]))
    shear = _shear(e[some], s[some], clear)
    second = np.minimum(first + 1, stretch.shape[1] - 1)
    later = [deviator(x)[some] for x in (stretch[rows, second] - IDENTITY, stress[rows, second])]
    volume, mean = determinant(stretch[rows, first]) - 1, mean_part(stress[rows, first])
    wide = np.abs(volume) > 1e-2 * max(float(np.abs(volume).max()), float(norm(e).max()))
    bulk = float((mean * volume)[wide].sum() / (volume[wide] ** 2).sum()) if wide.any() else float("nan")
    return Moduli(
        bulk, shear, _shear(later[0], later[1], clear) / shear if shear else float("nan"), _shear_ratio(e, s)
    )


def _shear(e: NDArray, s: NDArray, clear: bool) -> float:
    """Shear modulus from strains and stresses [n, 6]: noise is averaged over groups of paths of like strain, of which the
    stiffest counts."""
    size = (e * e * FROBENIUS).sum(1)
    work = (s * e * FROBENIUS).sum(1)
    if not len(size):
        return float("nan")
    if clear:
        return float(np.quantile(work / (2 * size), 0.95))
    groups = np.array_split(np.argsort(size), max(1, min(GROUPS, len(size) // GROUP_LEAST)))
    return max(float(work[k].sum() / (2 * size[k].sum())) for k in groups)


def _first_steps(stretch: NDArray) -> NDArray:
    """Index of the first time at which each path has left its start (paths of an impact rest for a while)."""
    strain = norm(stretch - stretch[:, :1])
    moved = (
        strain > 0.2 * np.median(strain[:, 1][strain[:, 1] > 0]) if (strain[:, 1] > 0).any() else strain > 0
    )
    return np.where(moved.any(1), moved.argmax(1), 1)


def _shear_ratio(e: NDArray, s: NDArray) -> float:
    """G from direct over G from shear strains; nan where one kind is hardly there."""
    square = [float((e[:, k] ** 2).sum()) for k in (slice(0, 3), slice(3, 6))]
    if min(square) < 1e-3 * max(square):
        return float("nan")
    work = [float((s[:, k] * e[:, k]).sum()) for k in (slice(0, 3), slice(3, 6))]
    return work[0] / square[0] * square[1] / work[1] if work[1] != 0 else float("inf")


@dataclass(frozen=True)
class Coverage:
    """directions: of the 5 of a deviator, how many the strain increments use as much as the most used (exp of the entropy of
    their second moments); one_sided: 0 to 1, whether strains prefer one sign (of direction or of the third invariant: +1
    tension, -1 compression); side: that sign in words; reversals: part of the paths that turn back; volume: least and
    largest J - 1; rate: 5th and 95th percentile of |dU/dt|, 1/s."""

    directions: float
    one_sided: float
    side: str
    reversals: float
    volume: tuple[float, float]
    rate: tuple[float, float]


def coverage(data: DataSet) -> Coverage:
    """How much of what a point in a solver may do is in the paths."""
    mandel = np.sqrt(FROBENIUS)
    strain = deviator(data.strain) * mandel
    moves = np.diff(strain, axis=1)
    length = np.linalg.norm(moves, axis=-1)
    unit = moves / np.maximum(length, 1e-300)[..., None]
    moments = np.einsum("nti,ntj,nt->ij", unit, unit, length) / max(float(length.sum()), 1e-300)
    values = np.clip(np.linalg.eigvalsh(moments), 1e-300, None)
    directions = float(np.exp(-(values * np.log(values)).sum())) if length.sum() > 0 else 0.0
    one_sided, side = _one_sided(strain / mandel)
    volume = determinant(data.stretch) - 1
    rate = norm(np.diff(data.stretch, axis=1)) / np.diff(data.time, axis=-1)
    low, high = np.quantile(rate[rate > 0], [0.05, 0.95]) if (rate > 0).any() else (0.0, 0.0)
    return Coverage(
        directions, one_sided, side, _reversals(strain), (float(volume.min()), float(volume.max())),
        (float(low), float(high)),
    )  # fmt: skip


def _one_sided(strain: NDArray) -> tuple[float, str]:
    """Mean of the strains' directions and of their third invariants 3 sqrt(6) det(e / |e|), weighted with |e|."""
    size = norm(strain)
    total = max(float(size.sum()), 1e-300)
    one_way = float(norm(strain.sum((0, 1)))) / total
    unit = strain / np.maximum(size, 1e-300)[..., None]
    third = float((3 * math.sqrt(6) * determinant(unit) * size).sum()) / total
    if abs(third) > one_way:
        return abs(third), "tension" if third > 0 else "compression"
    return one_way, "one direction of strain"


def _reversals(strain: NDArray) -> float:
    """Part of the paths [n, n_time, 6] of which two parts go against each other."""
    places = np.unique(np.linspace(0, strain.shape[1] - 1, PARTS + 1).astype(int))
    moves = np.diff(strain[:, places], axis=1)
    size = np.linalg.norm(moves, axis=-1)
    moving = size > 1e-2 * size.max(1, keepdims=True)
    unit = np.where(moving[..., None], moves / np.maximum(size, 1e-300)[..., None], 0.0)
    return float((np.einsum("nti,nsi->nts", unit, unit).min((1, 2)) < REVERSAL).mean())


def examine(data: DataSet) -> list[Finding]:
    """All checks of a data set, worst cases as warnings and errors."""
    part = data.subset(slice(None, None, -(-len(data) // LOOKED_AT)))
    covered = coverage(part)
    return [_amount(data), _noise(part), *_coverage(covered), *_units(part, covered)]


def _finding(check: str, bad: bool, text: str, remedy: str, state: str = WARNING) -> Finding:
    return Finding(check, state, text, remedy) if bad else Finding(check, OK, text)


def _amount(data: DataSet) -> Finding:
    steps = data.stretch.shape[1] - 1
    return _finding(
        "amount", len(data) < FEW, f"{len(data)} paths of {steps} steps",
        f"fewer than {FEW} paths seldom tell one yield surface from another: bring more, or see with "
        "`pybridge train --curve` what each doubling gains",
    )  # fmt: skip


def _noise(data: DataSet) -> Finding:
    stress, strain = relative_noise(data.stress), relative_noise(data.strain)
    return _finding(
        "noise", max(stress, strain) > NOISE_MOST,
        f"{100 * stress:.2g} % of the deviatoric stress, {100 * strain:.2g} % of the deviatoric strain",
        "what is not smooth from step to step cannot be learned, and no error on these data will be smaller: filter the "
        "measurements, or store steps so fine that a history is smooth",
    )  # fmt: skip


def _coverage(found: Coverage) -> list[Finding]:
    low, high = found.volume
    return [
        _finding(
            "directions", found.directions < DIRECTIONS_LEAST,
            f"the strains use {found.directions:.1f} of 5 independent directions",
            "outside them the surrogate guesses: add paths in other directions and shears or, where the material is "
            "isotropic, train with --set augment=true",
        ),
        _finding(
            "sides", found.one_sided > ONE_SIDED_MOST,
            f"the strains are {100 * found.one_sided:.0f} % one-sided" + (f": {found.side}" if found.one_sided > 0.1 else ""),
            "the other sign is not in the data, and will be guessed: add paths the other way",
        ),
        _finding(
            "reversals", found.reversals < REVERSALS_LEAST, f"{100 * found.reversals:.0f} % of the paths turn back",
            "how the material unloads and flows backwards is not in the data: add paths that load and unload",
        ),
        _finding(
            "volume", max(-low, high) < 1e-5, f"the volume changes by {100 * low:.2g} to {100 * high:.2g} %",
            "the pressure cannot be learned without a change of volume: add paths that compress and expand",
        ),
    ]  # fmt: skip


def _units(data: DataSet, covered: Coverage) -> list[Finding]:
    """Whether moduli, wave speed and rates are those of a solid."""
    moduli = implied_moduli(data.stretch, data.stress)
    bulk, shear = moduli.bulk, moduli.shear
    text = f"the first steps give G = {shear:.3g} Pa, K = {bulk:.3g} Pa"
    if not shear > 0 or bulk <= 0:
        return [Finding("moduli", ERROR, f"{text}; expected positive moduli", UNITS_REMEDY)]
    poisson = (3 * bulk - 2 * shear) / (6 * bulk + 2 * shear) if bulk == bulk else 0.25
    bad = not all(MODULUS[0] <= m <= MODULUS[1] for m in (bulk, shear) if m == m)
    bad = bad or not POISSON[0] <= poisson <= POISSON[1]
    expected = (
        f"; expected {MODULUS[0]:g} to {MODULUS[1]:g} Pa, {POISSON[0]:g} to {POISSON[1]:g}" if bad else ""
    )
    elastic = float(norm(deviator(data.stress)).max()) / (2 * shear)
    return [
        _finding("moduli", bad, f"{text}, Poisson's ratio {poisson:.3f}{expected}", UNITS_REMEDY),
        *_wave_speed(data, moduli), *_shears(moduli), *_rates(covered),
        _finding(
            "elastic strain", elastic > ELASTIC_MOST, f"at most {100 * elastic:.2g} % (deviatoric stress over 2 G)",
            "a yield surface expects elastic strains far below 1: check the units, and whether the first steps are elastic",
        ),
        *_declared(data, moduli),
    ]  # fmt: skip


def _shears(moduli: Moduli) -> list[Finding]:
    ratio = moduli.shear_ratio
    if ratio != ratio:
        return []
    return [_finding(
        "shears", not 1 / SHEAR_RATIO_MOST < ratio < SHEAR_RATIO_MOST,
        f"direct strains give {ratio:.2f} times the shear modulus of shear strains",
        "about 2: engineering shears taken for tensor components; about 0.5: the reverse (unless the material is so anisotropic)",
    )]  # fmt: skip


def _rates(covered: Coverage) -> list[Finding]:
    low, high = covered.rate
    bad = not RATE[0] <= low <= high <= RATE[1]
    expected = f"; expected {RATE[0]:g} to {RATE[1]:g}" if bad else ""
    return [_finding("rates", bad, f"{low:.2g} to {high:.2g} 1/s{expected}", "check the unit of time")]


def _wave_speed(data: DataSet, moduli: Moduli) -> list[Finding]:
    density = (data.provenance.get("material") or {}).get("density")
    if density is None or moduli.bulk != moduli.bulk:
        return [Finding("wave speed", NOTE, "unknown without density and bulk modulus")]
    speed = math.sqrt((moduli.bulk + 4 / 3 * moduli.shear) / density)
    bad = not WAVE_SPEED[0] <= speed <= WAVE_SPEED[1]
    expected = f"; expected {WAVE_SPEED[0]:g} to {WAVE_SPEED[1]:g}" if bad else ""
    text = f"{speed:.4g} m/s, with {density:g} kg/m3{expected}"
    return [_finding("wave speed", bad, text, f"{UNITS_REMEDY}, and the density", ERROR)]


def _declared(data: DataSet, moduli: Moduli) -> list[Finding]:
    """Moduli of the provenance against those of the first steps; whether the first steps are elastic at all."""
    material = data.provenance.get("material") or {}
    found = []
    for name, value in (("bulk", moduli.bulk), ("shear", moduli.shear)):
        given = material.get(name)
        if given and value == value and not DECLARED[0] < value / given < DECLARED[1]:
            text = f"the first steps give a {name} modulus of {value:.3g} Pa, declared is {given:.3g} Pa"
            found.append(Finding("declared moduli", WARNING, text, UNITS_REMEDY))
    taken = data.provenance.get("moduli") != "declared" and "law" not in data.provenance
    if taken and moduli.secant < SECANT_LEAST:
        text = f"the second step gives {moduli.secant:.2f} times the shear modulus of the first"
        remedy = "the first steps flow already, so that the modulus is too small: store finer steps, or give the moduli (import --moduli K,G)"
        found.append(Finding("first steps", WARNING, text, remedy))
    return found


def after_training(curve: Path) -> list[Finding]:
    """What the end of learning_curve.csv says: error on the training paths against that on the paths held back."""
    with curve.open(newline="", encoding="utf-8") as stream:
        last: Sequence[str] = list(csv.reader(stream))[-1]
    trained, held = float(last[1]), float(last[2])
    if not math.isfinite(held):
        text = f"error {100 * trained:.1f} % on the training paths; none were held back"
        return [
            Finding("result", WARNING, text, "its error on new paths is not known: set validation_fraction")
        ]
    text = f"error {100 * held:.1f} % on paths held back, {100 * trained:.1f} % on the training paths"
    if trained > BAD_ERROR:
        remedy = "it misses even what it was shown: noise in the data, steps beyond yield, or too few epochs"
        return [Finding("result", WARNING, text, remedy)]
    return [_finding(
        "result", held > FEW_RATIO * trained,
        text + (f", {held / trained:.1f} times as much" if held > FEW_RATIO * trained else ""),
        "too few paths for what varies in them: more paths will help, more epochs will not",
    )]  # fmt: skip


def worth_telling(findings: Sequence[Finding]) -> list[Finding]:
    """Warnings and errors."""
    return [one for one in findings if one.state in (WARNING, ERROR)]
