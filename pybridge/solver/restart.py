"""The restart file of a run: everything the next step needs, so that a resumed run has the same bits."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.integrator import Energies, Integrator
from pybridge.solver.model import Controls, Model
from pybridge.solver.restart_file import write_arrays

VERSION = 2


class ForeignRestartError(SolverError):
    """A restart file of another model, material or step control."""


def fingerprint(model: Model, controls: Controls) -> str:
    """Hash of what must be equal for a run to go on: mesh, materials by name, constraints, step control."""
    digest = hashlib.sha256()
    for group in model.groups:
        digest.update(np.ascontiguousarray(group.connectivity).tobytes())
        material = group.material
        text = (
            group.kind, group.hourglass, group.linear_viscosity, group.quadratic_viscosity, material.name,
            material.density, group.damping, material.label, str(material.material.dtype), int(material.material.state_size),
            float(material.material.elastic_moduli.bulk), float(material.material.elastic_moduli.shear),
        )  # fmt: skip
        digest.update(repr(text).encode())
        if group.initial_stress is not None:
            digest.update(np.ascontiguousarray(group.initial_stress).tobytes())
    digest.update(np.ascontiguousarray(model.coordinates).tobytes())
    digest.update(np.ascontiguousarray(model.velocity).tobytes())
    for item in model.prescribed:
        said = repr((item.component, item.velocity, item.curve))
        digest.update(said.encode() + np.asarray(item.nodes).tobytes())
    for load in model.pressures:
        digest.update(repr((load.value, load.curve)).encode() + np.asarray(load.faces).tobytes())
    for contact in model.contacts:
        values = {k: v for k, v in vars(contact).items() if k != "nodes"}
        digest.update(repr(values).encode() + np.asarray(contact.nodes).tobytes())
    step = (controls.end_time, controls.scale_factor, controls.increment, controls.increment_max, controls.frames,
            controls.history_points, controls.chunk)  # fmt: skip
    digest.update(repr(step).encode())
    return digest.hexdigest()


def save(path: Path, run: Integrator, mark: str, frames: int, history: dict[str, list[float]]) -> None:
    """Write the restart file, whole or not at all."""
    arrays: dict[str, NDArray] = {
        "version": np.array(VERSION), "mark": np.array(mark), "frames": np.array(frames),
        "clock": np.array([run.time, run.dt_old, run.stable_dt]), "counts": np.array([run.steps, run.cuts]),
        "energies": np.array(list(vars(run.energies).values())), "u": run.u, "v": run.v, "force": run.force,
        "load": run.load, "load_work": np.array(run.last_load_work),
    }  # fmt: skip
    for name, values in history.items():
        arrays[f"history/{name}"] = np.array(values)
    for name, array in _views(run).items():
        arrays[name] = array
    write_arrays(path, arrays)


def load(path: Path, run: Integrator, mark: str) -> tuple[int, dict[str, list[float]]]:
    """Put a run where the restart file left it; returns the number of frames written and the histories."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            if int(file["version"]) != VERSION:
                raise ForeignRestartError(
                    f"{path}: a restart file of version {int(file['version'])}, this program reads version {VERSION}; "
                    "finish the run with the program that wrote it, or remove the file to start afresh"
                )
            if str(file["mark"]) != mark:
                raise ForeignRestartError(
                    f"{path}: it belongs to another model, material or step control than this command's; "
                    "remove it to start afresh, or repeat the command that wrote it"
                )
            run.time, run.dt_old, run.stable_dt = (float(x) for x in file["clock"])
            run.steps, run.cuts = (int(x) for x in file["counts"])
            run.energies = Energies(*(float(x) for x in file["energies"]))
            run.u, run.v, run.force, run.load = (file[name] for name in ("u", "v", "force", "load"))
            run.last_load_work = float(file["load_work"])
            for name, array in _views(run).items():
                array[...] = file[name]
            history = {
                n.removeprefix("history/"): list(file[n]) for n in file.files if n.startswith("history/")
            }
            return int(file["frames"]), history
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, SolverError):
            raise
        raise SolverError(
            f"{path}: not a readable restart file ({error}); remove it to start afresh"
        ) from error


def _views(run: Integrator) -> dict[str, NDArray]:
    """All arrays of chunks and contacts by name; written to in place when loading."""
    views: dict[str, NDArray] = {}
    for k, chunk in enumerate(run.chunks):
        points = chunk.points
        named = {
            **points.old.arrays(),
            "q": chunk.q_old,
            "hourglass": chunk.hg_old,
            "unreliable": points.unreliable,
        }
        views |= {f"chunk{k}/{name}": array for name, array in named.items()}
    views |= {f"moved/{name}": array for name, array in run.moved_impulse.items()}
    for k, contact in enumerate(run.contacts):
        views |= {f"contact{k}/{name}": array for name, array in contact.state().items()}
    return views
