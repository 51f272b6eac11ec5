"""From a file of histories to a data set, with the checks of training/data_check.py in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import pybridge
from pybridge.deploy.findings import ERROR, OK, WARNING, Finding, show
from pybridge.errors import ConfigError, DataSetError
from training.data_check import examine, implied_moduli, relative_noise
from training.datasets import DataSet, write_dataset
from training.histories import STRESS_UNITS, Declared, History, on_one_grid, read_histories
from training.pca_dnn import file_hash
from training.virgin_moduli import CONSTANTS, VOLUME, Elasticity, stiffness_of

RESAMPLING_MOST = 0.01  # relative change of the deviator


def import_histories(
    path: Path, declared: Declared, out: Path, *, names: Mapping[str, str] | None = None, density: float | None = None,
    moduli: str | None = None, steps: int | None = None, duration: float | None = None, force: bool = False,
) -> list[Finding]:  # fmt: skip
    """Write the data set `out`, print and return what was found in it.

    density: kg/m3; moduli: text "K,G", or the 21 constants of *ELASTIC, TYPE=ANISOTROPIC, in the file's unit of stress; the rest as in training.histories. Raises
    DataSetError where the file cannot be read or, unless `force`, where a finding is an error.
    """
    histories = read_histories(path, declared, names)
    grid = on_one_grid(path, histories, steps, duration)
    material: dict[str, Any] = {} if density is None else {"density": density}
    given = _moduli(moduli, STRESS_UNITS[declared.stress_unit])
    found = implied_moduli(grid.stretch, grid.stress)
    material |= given or {k: v for k, v in (("bulk", found.bulk), ("shear", found.shear)) if v > 0}
    provenance = {
        "source": Path(path).name, "source_sha256": file_hash(Path(path)), "declared": asdict(declared),
        "material": material, "moduli": "declared" if given else "from the first steps",
        "resampled": grid.change > 0, "left_out": grid.dropped, "code_version": pybridge.__version__,
    }  # fmt: skip
    data = DataSet(
        Path(path), grid.time, grid.stretch, grid.stress, ("import",) * len(grid.stretch), provenance
    )
    findings = [
        *_reading(grid.dropped, grid.change, len(grid.time) - 1),
        *_raw_noise(histories),
        *examine(data),
    ]
    show(findings)
    errors = [one for one in findings if one.state == ERROR]
    if errors and not force:
        raise DataSetError(
            f"{path}: {errors[0].text}; nothing was written. If the data are right in spite of it: --force"
        )
    write_dataset(out, data.time, data.stretch, data.stress, list(data.protocol), provenance)
    return findings


def names_of(text: str) -> dict[str, str]:
    """Columns by name from NAME=THEIRS,…; raises ConfigError."""
    names = {}
    for part in filter(None, text.split(",")):
        name, equals, theirs = part.partition("=")
        if not equals or not theirs.strip():
            raise ConfigError(f"--columns {part}: expected NAME=THEIRS, as s11=sigma_xx")
        names[name.strip()] = theirs.strip()
    return names


def _moduli(text: str | None, unit: float) -> dict[str, Any]:
    """K,G or the 21 constants of *ELASTIC, TYPE=ANISOTROPIC, in Pa."""
    if text is None:
        return {}
    try:
        given = [unit * float(value) for value in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"--moduli {text}: expected numbers, K,G or 21 constants") from error
    if not all(np.isfinite(given)):
        raise ConfigError(f"--moduli {text}: expected finite numbers")
    if len(given) == len(CONSTANTS):
        try:
            stiffness = stiffness_of(np.array(given))
            elasticity = Elasticity.from_stiffness(stiffness, "--moduli")
        except DataSetError as error:
            raise ConfigError(str(error)) from error
        bulk = float(VOLUME @ stiffness @ VOLUME) / 3
        return {"bulk": bulk, "shear": elasticity.shear, "stiffness": given}
    if len(given) != 2 or min(given) <= 0:
        raise ConfigError(
            f"--moduli {text}: expected K,G above 0, or the {len(CONSTANTS)} constants of *ELASTIC, TYPE=ANISOTROPIC"
        )
    return {"bulk": given[0], "shear": given[1]}


def _reading(dropped: int, change: float, steps: int) -> list[Finding]:
    found = []
    if dropped:
        found.append(
            Finding("length", WARNING, f"{dropped} histories are shorter than --duration and left out")
        )
    if change > 1e-9:
        state = WARNING if change > RESAMPLING_MOST else OK
        text = f"resampled to {steps} steps, which changes the deviators by {100 * change:.2g} %"
        found.append(Finding("grid", state, text, "more --steps" if state == WARNING else ""))
    return found


def _raw_noise(histories: Sequence[History]) -> list[Finding]:
    """Noise before resampling, which hides it; as a finding only where that matters."""
    value = float(np.mean([relative_noise(one.stress[None]) for one in histories]))
    return (
        []
        if value == 0
        else [Finding("noise in the file", OK, f"{100 * value:.2g} % of the deviatoric stress")]
    )
