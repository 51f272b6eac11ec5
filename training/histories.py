"""Histories from elsewhere (CSV, HDF5), with units and conventions declared, in the conventions of training/datasets.py.

CSV: a heading, then a line for each path and time, any order of columns. HDF5: arrays [n_path, n_time, …]. Names:

path                 of a history (CSV only); lines of one name belong together
time                 [n_time] or [n_path, n_time], increasing
strain components    e11 … e13 (small, log, green), U11 … U13 (stretch), F11, F12, … F33 (F, rows first)
stress components    s11 … s13 (cauchy, rotated, kirchhoff, pk2), P11, P12, … P33 (pk1)

In HDF5 the components of one quantity are one data set, named `strain` (or `stretch`, `F`) and `stress`, its last axis in
the order 11, 22, 33, 12, 23, 13 (nine: rows of the matrix).

With F = R U: U = sqrt(F^T F); Cauchy stress in the frame of R is R^T sigma R = R^T tau R / J = R^T P U / J = U S U / J.
Without F there is no R: the measures are taken in the frame of R, which for paths without rotation is the fixed one.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from pybridge.errors import ConfigError, DataSetError
from training.datasets import FORMAT
from training.foreign import read_arrays_apart
from training.tensors import IDENTITY, deviator, norm, to_components, to_matrix

STRESS_UNITS = {"Pa": 1.0, "kPa": 1e3, "MPa": 1e6, "GPa": 1e9, "psi": 6894.757293168, "ksi": 6894757.293168}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
STRAIN_UNITS = {"1": 1.0, "%": 0.01}
STRAINS = ("small", "log", "green", "stretch", "F")
STRESSES = ("cauchy", "rotated", "kirchhoff", "pk1", "pk2")
SYMMETRIC = ("11", "22", "33", "12", "23", "13")
MATRIX = ("11", "12", "13", "21", "22", "23", "31", "32", "33")
SMALL_MOST = 0.05  # of a small strain: beyond it U = I + e and exp(e) differ by more than a thousandth
START_MOST = 1e-3  # of the largest strain of all paths: a path may start no further from I
START_STRESS_MOST = 0.02  # of the largest stress, for measured histories with noise
GRID_TOLERANCE = 1e-6  # of a step, in which times that are meant to be equal may differ
SAMPLES_LEAST = 20  # steps that a history is resampled to at least


@dataclass(frozen=True)
class Declared:
    """What the numbers of a file are. sign: which is positive, "tension" or "compression"; shear: of strains, "tensor" or
    "engineering" (twice the tensor's)."""

    strain: str
    stress: str
    stress_unit: str
    time_unit: str
    sign: str = "tension"
    shear: str = "tensor"
    strain_unit: str = "1"

    def __post_init__(self) -> None:
        for name, allowed in (
            ("strain", STRAINS), ("stress", STRESSES), ("stress_unit", tuple(STRESS_UNITS)),
            ("time_unit", tuple(TIME_UNITS)), ("sign", ("tension", "compression")),
            ("shear", ("tensor", "engineering")), ("strain_unit", tuple(STRAIN_UNITS)),
        ):  # fmt: skip
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} {getattr(self, name)!r}: expected {', '.join(allowed)}")
        if self.stress == "pk1" and self.strain != "F":
            raise ConfigError("stress pk1 needs the deformation gradient: expected strain F")
        if self.strain in ("stretch", "F") and (self.shear != "tensor" or self.strain_unit != "1"):
            raise ConfigError(f"strain {self.strain}: expected shear tensor and strain_unit 1")

    @property
    def strain_names(self) -> tuple[str, ...]:
        """Columns of the strain measure."""
        if self.strain == "F":
            return tuple("F" + k for k in MATRIX)
        return tuple(("U" if self.strain == "stretch" else "e") + k for k in SYMMETRIC)

    @property
    def stress_names(self) -> tuple[str, ...]:
        """Columns of the stress measure."""
        return tuple("P" + k for k in MATRIX) if self.stress == "pk1" else tuple("s" + k for k in SYMMETRIC)


@dataclass(frozen=True)
class History:
    """One path: time [n], strain and stress [n, 6 or 9]; as in the file until `converted`, then s, U, and Pa."""

    name: str
    time: NDArray
    strain: NDArray
    stress: NDArray


def read_histories(path: Path, declared: Declared, names: Mapping[str, str] | None = None) -> list[History]:
    """All histories of a file, in SI and the package's conventions, each on its own times from 0.

    names: the file's name of a column or data set where it is another. Raises DataSetError naming path and column.
    """
    path = Path(path)
    if not path.is_file():
        raise DataSetError(f"{path}: no such file; expected histories in a .csv or .h5 file")
    hdf5 = path.suffix.lower() in (".h5", ".hdf5")
    found = _read_hdf5(path, declared, names or {}) if hdf5 else _read_csv(path, declared, names or {})
    if not found:
        raise DataSetError(f"{path}: holds no history")
    return [converted(one, declared, path) for one in found]


def _read_csv(path: Path, declared: Declared, names: Mapping[str, str]) -> list[History]:
    wanted = ("path", "time", *declared.strain_names, *declared.stress_names)
    rows: dict[str, array] = {}
    number = 1
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = _lines(stream)
            number, heading = next(lines, (1, ""))
            separator = next((c for c in ",;\t" if c in heading), ",")
            place = _places(path, [text.strip() for text in _cells(heading, separator)], wanted, names)
            for number, line in lines:
                _add_row(f"{path}, line {number}", _cells(line, separator), place, rows)
    except csv.Error as error:
        raise DataSetError(f"{path}, line {number}: not a line of values: {error}") from error
    except UnicodeDecodeError as error:
        raise DataSetError(f"{path}: not text ({error}); expected values between commas") from error
    n = len(declared.strain_names)
    table = {name: np.array(values).reshape(-1, len(wanted) - 1) for name, values in rows.items()}
    return [History(name, t[:, 0], t[:, 1 : 1 + n], t[:, 1 + n :]) for name, t in table.items()]


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _lines(stream: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without comments and empty ones."""
    for number, line in enumerate(stream, start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.rstrip("\r\n")


def _places(
    path: Path, heading: list[str], wanted: tuple[str, ...], names: Mapping[str, str]
) -> list[tuple[str, int]]:
    """Name and column of all that is wanted."""
    lower = [text.lower() for text in heading]
    for text in lower:
        if lower.count(text) > 1:
            raise DataSetError(f"{path}: two columns are called {text!r}; give each its own name")
    missing = [name for name in wanted if names.get(name, name).lower() not in lower]
    if missing:
        raise DataSetError(
            f"{path}: column {', '.join(names.get(name, name) for name in missing)} is missing; found "
            f"{', '.join(heading)}. Expected {', '.join(wanted)} (--columns NAME=THEIRS,… where yours have other names)"
        )
    return [(name, lower.index(names.get(name, name).lower())) for name in wanted]


def _add_row(where: str, cells: list[str], place: list[tuple[str, int]], rows: dict[str, array]) -> None:
    values, own = array("d"), place[0][1]
    if len(cells) <= own or not cells[own].strip():
        raise DataSetError(f"{where}, column path: expected the name of a path, got nothing")
    for name, column in place[1:]:
        try:
            values.append(float(cells[column]))
        except (ValueError, IndexError) as error:
            got = repr(cells[column]) if column < len(cells) else "nothing"
            raise DataSetError(f"{where}, column {name}: expected a number, got {got}") from error
    rows.setdefault(cells[own].strip(), array("d")).extend(values)


def _read_hdf5(path: Path, declared: Declared, names: Mapping[str, str]) -> list[History]:
    key = {"stretch": "stretch", "F": "F"}.get(declared.strain, "strain")
    arrays = read_arrays_apart(path, [names.get(name, name) for name in ("time", key, "stress")])
    time, strain, stress = arrays
    for name, values, count in (
        (key, strain, len(declared.strain_names)), ("stress", stress, len(declared.stress_names)),
    ):  # fmt: skip
        if values.ndim < 3 or int(np.prod(values.shape[2:])) != count:
            raise DataSetError(f"{path}: {name}: expected shape (paths, times, {count}), got {values.shape}")
    n = strain.shape[:2]
    if stress.shape[:2] != n or time.shape not in (n, n[1:]):
        raise DataSetError(
            f"{path}: expected as many paths and times in all of time {time.shape}, {key} {strain.shape} and "
            f"stress {stress.shape}"
        )
    time = np.broadcast_to(time, n)
    return [
        History(str(i), time[i], strain[i].reshape(n[1], -1), stress[i].reshape(n[1], -1))
        for i in range(n[0])
    ]


def hdf5_arrays(path: Path, names: Sequence[str]) -> list[NDArray]:
    """Data sets by name of a file from elsewhere; raises DataSetError. A damaged file may hang HDF5's library: see
    training/foreign.py."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") == FORMAT:
                raise DataSetError(f"{path}: is a data set of this package already: train on it")
            return [_hdf5_array(path, file, name) for name in names]
    except OSError as error:
        raise DataSetError(f"{path}: cannot be read as HDF5: {error}") from error


def _hdf5_array(path: Path, file: h5py.File, name: str) -> NDArray:
    found = file.get(name)
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iuf":
        raise DataSetError(
            f"{path}: expected real numbers in a data set {name}; found {', '.join(file) or 'none'} "
            "(--columns NAME=THEIRS,… where yours have other names)"
        )
    return np.asarray(found[()], np.float64)


def converted(history: History, declared: Declared, path: Path) -> History:
    """A history in s, U and Cauchy stress (Pa) in the frame of R. Raises DataSetError where it cannot be."""
    where = f"{path}, path {history.name}"
    for name, values in (("time", history.time), ("strain", history.strain), ("stress", history.stress)):
        if not np.isfinite(values).all():
            raise DataSetError(f"{where}: {name}: expected finite numbers")
    if len(history.time) < 3 or (np.diff(history.time) <= 0).any():
        raise DataSetError(f"{where}: expected at least 3 times, each later than the one before")
    stretch, rotation, volume = _stretch(history.strain, declared, where)
    sign = -1.0 if declared.sign == "compression" else 1.0
    stress = sign * STRESS_UNITS[declared.stress_unit] * history.stress
    u = to_matrix(stretch)
    if declared.stress == "pk1":
        turned = np.swapaxes(rotation, -1, -2) @ stress.reshape(-1, 3, 3) @ u / volume[:, None, None]
    else:
        s = to_matrix(stress)
        turned = np.swapaxes(rotation, -1, -2) @ s @ rotation
        turned = {"rotated": s, "pk2": u @ s @ u / volume[:, None, None]}.get(declared.stress, turned)
        if declared.stress == "kirchhoff":
            turned = turned / volume[:, None, None]
    time = TIME_UNITS[declared.time_unit] * (history.time - history.time[0])
    return History(history.name, time, stretch, to_components(turned))


def _stretch(strain: NDArray, declared: Declared, where: str) -> tuple[NDArray, NDArray, NDArray]:
    """U [n, 6], R [n, 3, 3] and J [n]."""
    eye = np.broadcast_to(np.eye(3), (len(strain), 3, 3))
    if declared.strain == "F":
        f = strain.reshape(-1, 3, 3)
        if (np.linalg.det(f) <= 0).any():
            raise DataSetError(f"{where}: expected det F > 0, got {np.linalg.det(f).min():g}")
        u = _function(np.swapaxes(f, -1, -2) @ f, np.sqrt)
        return to_components(u), f @ np.linalg.inv(u), np.linalg.det(u)
    if declared.strain == "stretch":
        u = to_matrix(strain)
    else:
        sign = -1.0 if declared.sign == "compression" else 1.0
        e = sign * STRAIN_UNITS[declared.strain_unit] * strain
        if declared.shear == "engineering":
            e = e * [1, 1, 1, 0.5, 0.5, 0.5]
        if declared.strain == "small" and np.abs(e).max() > SMALL_MOST:
            raise DataSetError(
                f"{where}: a small strain of {np.abs(e).max():.3g} (expected at most {SMALL_MOST:g}): is it in per cent "
                "(--strain-unit %)? Large strains need --strain log, green, stretch or F"
            )
        m = to_matrix(e)
        if declared.strain == "green" and (np.linalg.eigvalsh(m) <= -0.5).any():
            raise DataSetError(f"{where}: a Green strain below -1/2; is it in per cent (--strain-unit %)?")
        u = {
            "small": lambda: eye + m,
            "log": lambda: _function(m, np.exp),
            "green": lambda: _function(eye + 2 * m, np.sqrt),
        }[declared.strain]()
    if not np.isfinite(u).all() or (np.linalg.eigvalsh(u) <= 0).any():
        raise DataSetError(f"{where}: expected a stretch with positive eigenvalues; check measure and unit")
    return to_components(u), eye, np.linalg.det(u)


def _function(m: NDArray, what: np.ufunc) -> NDArray:
    """A function of symmetric matrices [n, 3, 3], through their eigenvalues."""
    values, vectors = np.linalg.eigh(m)
    with np.errstate(over="ignore"):
        return (vectors * what(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)


@dataclass(frozen=True)
class Gridded:
    """Histories on one grid: time [N + 1] s, stretch and stress [n, N + 1, 6]; how many were dropped for being shorter,
    and the mean relative L2 change of the deviator by resampling (0 where nothing was)."""

    time: NDArray
    stretch: NDArray
    stress: NDArray
    dropped: int
    change: float


def on_one_grid(
    path: Path, histories: list[History], steps: int | None = None, duration: float | None = None
) -> Gridded:
    """All histories on one equidistant grid, linear in between; as they are where they stand on one already.

    steps: of the grid (the median of the histories); duration: in s, where the histories end at different times: longer
    ones are cut there, shorter ones left out. Raises DataSetError.
    """
    _check_start(path, histories)
    end = np.array([one.time[-1] for one in histories])
    if duration is None:
        if np.ptp(end) > GRID_TOLERANCE * end.max():
            raise DataSetError(
                f"{path}: the histories end at different times, {end.min():g} to {end.max():g} s, and training needs one grid: "
                f"give --duration (in s): longer ones are cut there, shorter ones left out (at {np.median(end):g} s, the "
                f"median, {int((end < np.median(end)).sum())} of {len(end)} are left out)"
            )
        duration = float(end.min())
    kept = [one for one in histories if one.time[-1] >= duration * (1 - GRID_TOLERANCE)]
    if not kept:
        raise DataSetError(f"{path}: no history lasts {duration:g} s; the longest {end.max():g} s")
    counts = [int(np.searchsorted(one.time, duration * (1 - GRID_TOLERANCE))) for one in kept]
    steps = steps or max(SAMPLES_LEAST, int(np.median(counts)))
    time = np.linspace(0.0, duration, steps + 1)
    stretch, stress = (np.empty((len(kept), steps + 1, 6)) for _ in range(2))
    changes = []
    for i, one in enumerate(kept):
        for target, source in ((stretch, one.strain), (stress, one.stress)):
            target[i] = np.stack([np.interp(time, one.time, source[:, k]) for k in range(6)], axis=1)
        changes.append(_change(time, stress[i], one, duration))
    stretch[:, 0] = IDENTITY
    return Gridded(time, stretch, stress, len(histories) - len(kept), float(np.mean(changes)))


def _change(time: NDArray, stress: NDArray, one: History, duration: float) -> float:
    """Relative L2 difference of the deviator as resampled, at the history's own times."""
    inside = one.time <= duration
    back = np.stack([np.interp(one.time[inside], time, stress[:, k]) for k in range(6)], axis=1)
    size = norm(deviator(one.stress[inside]))
    return float(
        np.sqrt((norm(deviator(back - one.stress[inside])) ** 2).sum() / max((size**2).sum(), 1e-300))
    )


def _check_start(path: Path, histories: list[History]) -> None:
    """Every history starts from the virgin state."""
    strain = max(float(norm(one.strain - IDENTITY).max()) for one in histories)
    stress = max(float(norm(one.stress).max()) for one in histories)
    if strain == 0 or stress == 0:
        raise DataSetError(f"{path}: all strains or all stresses are zero")
    for one in histories:
        moved, loaded = float(norm(one.strain[0] - IDENTITY)), float(norm(one.stress[0]))
        if moved > START_MOST * strain or loaded > START_STRESS_MOST * stress:
            raise DataSetError(
                f"{path}, path {one.name}: starts with a strain of {moved:.3g} and a stress of {loaded:.3g} Pa; expected the "
                "virgin state, without either, in the first line"
            )
