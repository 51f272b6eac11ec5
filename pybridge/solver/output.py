"""Fields and histories of a run, as results store them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.conventions import SYMMETRIC_COLUMN, SYMMETRIC_ROW
from pybridge.results.measures import strain_measures, stress_measures
from pybridge.results.schema import Field
from pybridge.results.writer import FrameData, MeshData
from pybridge.solver.algebra import expand
from pybridge.solver.elements import Chunk
from pybridge.solver.integrator import GroupChunks, Integrator
from pybridge.solver.model import Model

LONG_STATE = 9  # state variables with more components are stored by their norm, unless asked for


def mesh_data(model: Model) -> MeshData:
    """The mesh with elements in the solver's order."""
    return MeshData(
        model.coordinates,
        model.node_labels,
        np.concatenate([g.labels for g in model.groups]),
        tuple((g.kind, g.connectivity) for g in model.groups),
        model.axisymmetric,
    )


def frame(run: Integrator, all_state: bool = False) -> FrameData:
    """All fields now. Elements with several points give the mean over their reference volume, the worst status.

    all_state: every component of long state variables; otherwise their Euclidean norm alone.
    """
    parts = [_group_fields(group, all_state) for group in run.groups]
    fields: dict[str, Field] = {}
    for _, known in parts:
        fields |= known
    names = dict.fromkeys(name for values, _ in parts for name in values)
    element = {
        name: np.concatenate([_or_missing(values, name, parts) for values, _ in parts]) for name in names
    }
    node = {"displacement": run.u.T.copy(), "velocity": run.v.T.copy()}
    return FrameData(run.time, node, element, fields)


def _or_missing(values: dict[str, NDArray], name: str, parts: list[Any]) -> NDArray:
    if name in values:
        return values[name]
    like = next(v[name] for v, _ in parts if name in v)
    return np.full((len(values["mises"]), *like.shape[1:]), np.nan)


def _group_fields(group: GroupChunks, all_state: bool) -> tuple[dict[str, NDArray], dict[str, Field]]:
    chunks = [_chunk_fields(chunk, all_state) for chunk in group.chunks]
    values = {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0]}
    known = {}
    for variable in group.group.material.material.state_schema:
        long = variable.count > LONG_STATE and not all_state
        known[variable.name + ("_norm" if long else "")] = Field(variable.unit, variable.description)
    return values, known


def _chunk_fields(chunk: Chunk, all_state: bool) -> dict[str, NDArray]:
    history = chunk.points.old
    rotation = np.moveaxis(history.rotation, -1, 0)
    stress = np.moveaxis(expand(history.stress, np.empty((3, 3, chunk.points.n))), -1, 0)
    cauchy = rotation @ stress @ rotation.transpose(0, 2, 1)
    cauchy = cauchy[:, SYMMETRIC_ROW, SYMMETRIC_COLUMN]
    stretch = np.moveaxis(expand(history.stretch, np.empty((3, 3, chunk.points.n))), -1, 0)
    fields = {"stress": cauchy, **stress_measures(cauchy), **strain_measures(stretch, history.volume_ratio)}
    first = 0
    for variable in chunk.group.material.material.state_schema:
        rows = history.state[first : first + variable.count].astype(float)
        first += variable.count
        if variable.count > LONG_STATE and not all_state:
            fields[variable.name + "_norm"] = np.sqrt((rows**2).sum(0))
        else:
            fields[variable.name] = rows[0] if variable.count == 1 else rows.T
    averaged = {name: _average(chunk, values) for name, values in fields.items()}
    points = chunk.technology.points
    averaged["status"] = history.status.reshape(points, -1).max(0)
    averaged["unreliable_so_far"] = chunk.points.unreliable.reshape(points, -1).max(0).astype(np.int32)
    return averaged


def _average(chunk: Chunk, values: NDArray) -> NDArray:
    points = chunk.technology.points
    if points == 1:
        return np.ascontiguousarray(values)
    weight = (chunk.point_volume.reshape(points, -1) / chunk.volume).reshape(
        points, -1, *([1] * (values.ndim - 1))
    )
    return (values.reshape(points, -1, *values.shape[1:]) * weight).sum(0)


def history_row(run: Integrator) -> dict[str, float]:
    """Energies, time increment, unreliable points, contact impulses and motion of rigid bodies now."""
    row = {
        "time": run.time,
        "dt": run.dt_old,
        **run.balance(),
        "unreliable_points": float(run.unreliable_points),
    }
    for name, impulse in run.moved_impulse.items():
        label = name.lower().replace(" ", "_").replace("-", "_")
        row |= {f"impulse_{label}_{axis}": float(x) for axis, x in zip("xyz", impulse, strict=True)}
        nodes = np.unique(run.fixed[run.moved[name][0]] % run.u.shape[1])
        place = run.u[:, nodes].mean(axis=1)
        row |= {f"position_{label}_{axis}": float(x) for axis, x in zip("xyz", place, strict=True)}
    for contact in run.contacts:
        name = contact.settings.name.lower().replace(" ", "_").replace("-", "_")
        for axis, k in zip("xyz", range(3), strict=True):
            row[f"impulse_{name}_{axis}"] = float(contact.impulse[k])
            if contact.free.any() or contact.velocity.any():
                row[f"position_{name}_{axis}"] = float(contact.displacement[k])
                row[f"speed_{name}_{axis}"] = float(contact.velocity[k])
    return row


def with_forces(row: dict[str, float], history: dict[str, list[float]]) -> dict[str, float]:
    """Add the mean contact force since the last row: the impulse of a single step says little."""
    forces = {}
    for name, value in row.items():
        if name.startswith("impulse_"):
            before = history.get(name, [0.0])[-1]
            span = row["time"] - history["time"][-1] if history.get("time") else 0.0
            forces[name.replace("impulse_", "force_", 1)] = (value - before) / span if span > 0.0 else 0.0
    return row | forces
