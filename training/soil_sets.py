"""Data sets of soil: histories of points with contact stiffness and the run each came from, written, read and checked."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError
from pybridge.packing import find_packing, packing_material, split_options
from training.datasets import DataSetWriter, read_dataset
from training.mlp import COMPONENTS
from training.mlp_samples import Iterations, Samples
from training.soil_scales import check_scales

TRIAL = ("path", "record", "strain", "stress", "stiffness")


def write_samples(
    out: Path, packing: str, arrays: Mapping[str, NDArray], run: NDArray, source: Mapping[str, Any]
) -> None:
    """A data set from strain (paths, times, 3) of tensor components, stress, stiffness, and iteration_... if any."""
    strain = arrays["strain"]
    stretch, stress = (np.zeros((*strain.shape[:2], 6)) for _ in range(2))
    stretch[:, :, :3] = 1
    for k, component in enumerate(COMPONENTS):
        stretch[:, :, component] += strain[:, :, k]
        stress[:, :, component] = arrays["stress"][:, :, k]
    stress[:, :, 2] = stress[:, :, :2].mean(axis=2)
    name, options = split_options(packing)
    engine = find_packing(name)
    moduli = packing_material(engine).elastic_moduli
    density = engine.parameters.density / (1 + engine.measure().void_ratio)
    provenance = {
        **source,
        "packing": name,
        "packing_options": options,
        "material": {"bulk": moduli.bulk, "shear": moduli.shear, "density": density},
    }
    writer = DataSetWriter(out, np.linspace(0, 1, strain.shape[1]), provenance)
    paths = {"stretch": stretch, "stress": stress, "stiffness": arrays["stiffness"], "run": run}
    writer.append(np.arange(len(strain)), paths, ["biaxial"] * len(strain), np.zeros(len(strain), bool))
    writer.finish({}, {name: v for name, v in arrays.items() if name.startswith("iteration_")})


def _in_band(samples: Samples) -> NDArray:
    """(paths,) whether a point stands in the shear band: at the end its deviatoric strain sqrt((eps_11 - eps_22)^2 + gamma_12^2)
    is above the mean of its run."""
    last = samples.strain[:, -1]
    size = np.sqrt((last[:, 0] - last[:, 1]) ** 2 + (2 * last[:, 2]) ** 2)
    _, of = np.unique(samples.run, return_inverse=True)
    return size > (np.bincount(of, size) / np.bincount(of))[of]


def select(out: Path, data: Path, *, in_band: bool) -> None:
    """The points of a data set that stand in the shear band, or those that do not ([GUAN22] Fig. 9, whose hybrid data are
    the former of a fine mesh and the latter of a coarse one; the paper prints no bound). Trial states are left out."""
    samples, provenance = read_samples(data)
    keep = _in_band(samples) == in_band
    arrays = {name: getattr(samples, name)[keep] for name in ("strain", "stress", "stiffness")}
    source: dict[str, Any] = {
        "packing": provenance["packing"],
        "source": "points in the band" if in_band else "points outside the band",
        "of": provenance["checksum"],
    }
    write_samples(out, provenance["packing"], arrays, samples.run[keep], source)


def read_samples(path: Path) -> tuple[Samples, dict[str, Any]]:
    """Histories for training.mlp from a data set, and its provenance with the checksum of the file; raises DataSetError
    where it has no stiffness or runs (units and conventions are checked by the reader of every data set)."""
    data = read_dataset(path)
    with h5py.File(path, "r") as file:
        if "stiffness" not in file or "run" not in file:
            raise DataSetError(
                f"{path}: expected the datasets stiffness [n_path, n_time, 6] and run [n_path]; "
                "`pybridge soil generate` writes them"
            )
        stiffness, run = np.asarray(file["stiffness"]), np.asarray(file["run"])
        trials = None
        if "iteration_path" in file:
            trials = Iterations(*(np.asarray(file[f"iteration_{name}"]) for name in TRIAL))
    if stiffness.shape != (*data.stress.shape[:2], 6) or run.shape != (len(data),):
        raise DataSetError(
            f"{path}: stiffness {stiffness.shape} and run {run.shape} do not fit {data.stress.shape[:2]} paths and times"
        )
    if not np.all(np.isfinite(stiffness)):
        raise DataSetError(f"{path}: stiffness holds numbers that are not finite")
    moduli = _moduli(path, data.provenance)
    columns = list(COMPONENTS)
    samples = Samples(data.strain[:, :, columns], data.stress[:, :, columns], stiffness, run, trials)
    check_scales(path, samples, moduli)
    return samples, {**data.provenance, "checksum": f"{zlib.crc32(path.read_bytes()):08x}"}


def read_sets(paths: Sequence[Path]) -> tuple[list[Samples], dict[str, Any]]:
    """Several data sets of one packing and the first one's provenance; raises DataSetError where they do not fit."""
    read = [read_samples(path) for path in paths]
    for path, (_, provenance) in zip(paths, read, strict=True):
        for key in ("packing", "material"):
            if provenance.get(key) != read[0][1].get(key):
                raise DataSetError(
                    f"{path}: {key} {provenance.get(key)!r}, but {paths[0]} has {read[0][1].get(key)!r}: sets of one "
                    "training must come from one packing"
                )
    checksum = "+".join(provenance["checksum"] for _, provenance in read)
    return [samples for samples, _ in read], {**read[0][1], "checksum": checksum}


def _moduli(path: Path, provenance: Mapping[str, Any]) -> Mapping[str, float]:
    """bulk, shear (Pa) and density (kg/m3) of the virgin material, from the provenance."""
    material = provenance.get("material")
    for name in ("bulk", "shear", "density"):
        value = material.get(name) if isinstance(material, dict) else None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise DataSetError(
                f"{path}: attribute provenance, material.{name}: expected a number > 0 (bulk and shear in Pa, density in kg/m3 "
                f"of the virgin material), got {value!r}"
            )
    assert isinstance(material, dict)
    return material
