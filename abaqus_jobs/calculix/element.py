"""One C3D8 in CalculiX under prescribed histories, replayed by the package's own host."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abaqus_jobs.calculix.run import Record, material_block, read_record, run_calculix, table
from pybridge.conventions import umat_stress_to_block
from pybridge.errors import PybridgeError
from pybridge.host import UmatLibrary, UmatPoint

INCREMENTS = 20
CORNERS = np.array(
    [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], float
)
JOHNSON_COOK = (124e9, 0.34, 90e6, 292e6, 0.31, 1.09, 1356.0, 294.0, 0.025, 1.0, 383.0, 0.9, 8960.0)


@dataclass(frozen=True)
class Material:
    """Name, constants, state variables, seconds of a history."""

    label: str
    name: str
    constants: tuple[float, ...]
    states: int
    duration: float
    density: float = 8960.0


BUILT_IN = (
    Material("elastic", "PYBRIDGE_ELASTIC", (117e9, 0.35), 0, 1.0),
    Material("j2", "PYBRIDGE_J2", (117e9, 0.35, 400e6, 0.0, 500e6, 0.1, 540e6, 1.0), 1, 1.0),
    Material("johnson_cook", "PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK, 3, 1e-3),
)


def _about(axis: tuple[float, float, float], angle: float) -> NDArray:
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _shear(a: float) -> NDArray:
    return np.eye(3) + a * np.array([[0, 0.4, 0], [0, 0, 0], [0, 0, 0]])


def _rotation(a: float) -> NDArray:
    gradient = np.array([[0.05, 0.04, -0.02], [-0.01, -0.03, 0.03], [0.02, -0.01, 0.01]])
    return _about((0.48, -0.6, 0.64), 1.2 * a) @ (np.eye(3) + a * gradient)


def _reversal(a: float) -> NDArray:
    amount = np.interp(a, [0, 0.3, 0.7, 1], [0, 1, -0.6, 0.3])
    gradient = np.array([[0.03, 0.02, -0.01], [-0.015, -0.02, 0.025], [0.01, 0.0, -0.008]])
    return _about((0.6, 0.0, -0.8), -0.5 * a) @ (np.eye(3) + amount * gradient)


# F as a function of time / duration; None: tension by 6 % with free sides, whose F equilibrium decides.
HISTORIES: dict[str, Callable[[float], NDArray] | None] = {
    "tension": None,
    "shear": _shear,
    "rotation": _rotation,
    "reversal": _reversal,
}


def element_deck(material: Material, library: str, history: str) -> list[str]:
    """Deck of a unit cube: *STATIC, NLGEOM, fixed increments."""
    f = HISTORIES[history]
    nodes, cells = CORNERS, np.arange(8)[None]
    if f is not None:
        return prescribed_deck(material, library, nodes, cells, lambda a, x: x @ (f(a) - np.eye(3)).T)
    held = [(n, axis) for n, x in enumerate(CORNERS) for axis in range(3) if x[axis] == 0]
    pulled = [(n, 0) for n, x in enumerate(CORNERS) if x[0] == 1]
    return _deck(material, library, nodes, cells, held, dict.fromkeys(pulled, 0.06 * np.linspace(0, 1, 21)))


def block_deck(material: Material, library: str, side: int = 3) -> list[str]:
    """side^3 elements whose every node is moved, each point in its own way: for calls from several threads."""
    line = np.arange(side + 1)
    nodes = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3) / side
    index = np.arange((side + 1) ** 3).reshape((side + 1,) * 3)
    corners = CORNERS.astype(int)
    cells = np.array(
        [[index[tuple(np.array(at) + c)] for c in corners] for at in np.ndindex(side, side, side)]
    )

    def moved(a: float, x: NDArray) -> NDArray:
        wave = 0.02 * a * np.stack([x[:, 1] * x[:, 2], x[:, 0] ** 2, x[:, 0] * x[:, 1]], 1)
        return x @ (_reversal(a) - np.eye(3)).T + wave

    return prescribed_deck(material, library, nodes, cells, moved)


def prescribed_deck(
    material: Material,
    library: str,
    nodes: NDArray,
    cells: NDArray,
    displacement: Callable[[float, NDArray], NDArray],
) -> list[str]:
    """displacement(time / duration, nodes (n, 3)) -> (n, 3), for every node."""
    path = np.array([displacement(a, nodes) for a in np.linspace(0, 1, INCREMENTS + 1)])
    moved = {(n, axis): path[:, n, axis] for n in range(len(nodes)) for axis in range(3)}
    return _deck(material, library, nodes, cells, [], moved)


def _deck(
    material: Material,
    library: str,
    nodes: NDArray,
    cells: NDArray,
    held: list[tuple[int, int]],
    moved: dict[tuple[int, int], NDArray],
) -> list[str]:
    """held, moved: (node, axis), counted from 0; displacements at the ends of the increments."""
    times = np.linspace(0, material.duration, INCREMENTS + 1)
    lines = ["*NODE, NSET=ALL"]
    lines += [f"{i}, {x!r}, {y!r}, {z!r}" for i, (x, y, z) in enumerate(np.round(nodes, 12).tolist(), 1)]
    lines.append("*ELEMENT, TYPE=C3D8, ELSET=SOLID")
    lines += [", ".join(str(v) for v in (e, *(cell + 1))) for e, cell in enumerate(cells, 1)]
    lines += material_block(library, material.name, material.constants, material.states, material.density)
    lines += [f"*SOLID SECTION, ELSET=SOLID, MATERIAL={_name(lines)}"]
    step = [
        "*STEP, NLGEOM, INC=1000", "*STATIC, DIRECT",
        f"{material.duration / INCREMENTS!r}, {material.duration!r}",
    ]  # fmt: skip
    for node, axis in held:
        step += ["*BOUNDARY", f"{node + 1}, {axis + 1}, {axis + 1}"]
    for (node, axis), values in moved.items():
        name = f"A{node + 1}_{axis + 1}"
        lines += [f"*AMPLITUDE, NAME={name}", *table(np.column_stack([times, values]).ravel())]
        step += [f"*BOUNDARY, AMPLITUDE={name}", f"{node + 1}, {axis + 1}, {axis + 1}, 1."]
    return [*lines, *step, "*EL PRINT, ELSET=SOLID", "S, ENER", "*END STEP"]


def _name(lines: list[str]) -> str:
    return next(line.split("NAME=")[1] for line in lines if line.startswith("*MATERIAL"))


def run_element(
    program: Path, folder: Path, material: Material, history: str, environment: dict[str, str]
) -> Record:
    """Run one element and return what its first integration point went through."""
    job = f"{material.label}_{history}"
    record = folder / f"{job}.calls"
    record.unlink(missing_ok=True)
    run_calculix(
        program, folder, job, element_deck(material, "RECORDER", history),
        environment={**environment, "PYBRIDGE_UMAT_RECORD": str(record)},
    )  # fmt: skip
    return read_record(record)


def replay_error(record: Record, material: Material, library: UmatLibrary) -> float:
    """Largest difference of stress or state to our own host in Abaqus's convention, relative to the largest value.

    Our host gets the deformation gradients alone and carries its own stress, state and time. State variables are
    taken each relative to its own largest value.
    """
    point = UmatPoint(library, material.name, material.constants, host="abaqus", states=material.states)
    stress, state = [], []
    for f, dt in zip(record.f_new, record.dt, strict=True):
        answer = point.step(f, float(dt))
        stress.append(answer.corotational)
        state.append(answer.state)
    found = umat_stress_to_block(record.stress.T)
    errors = [_relative(found, np.array(stress).T)]
    for k in range(material.states):
        errors.append(_relative(record.state[:, k], np.array(state)[:, k]))
    return max(errors)


def printed_stress_error(
    folder: Path, record: Record, material: Material, history: str, library: UmatLibrary
) -> float:
    """Largest difference of the Cauchy stress that CalculiX prints to our host's global one, relative to the largest."""
    point = UmatPoint(library, material.name, material.constants, states=material.states)
    expected = np.array(
        [point.step(f, float(dt)).stress for f, dt in zip(record.f_new, record.dt, strict=True)]
    )
    text = (folder / f"{material.label}_{history}.dat").read_text()
    rows = re.findall(r"^ +1 +1((?: +[-+.\dE]+){6})$", text, re.MULTILINE)
    printed = np.array([[float(v) for v in row.split()] for row in rows])  # xx yy zz xy xz yz
    if printed.shape != (len(expected), 6):
        raise PybridgeError(
            f"{material.label}_{history}.dat: expected {len(expected)} stresses, got {len(printed)}"
        )
    i, j = (0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2)
    return _relative(printed, expected[:, i, j])


def history_error(record: Record, material: Material, history: str) -> float:
    """Largest difference of the deformation gradients to those that were prescribed."""
    f = HISTORIES[history]
    if f is None:
        return 0.0
    ends = (record.time + record.dt) / material.duration
    return float(np.abs(record.f_new - np.array([f(a) for a in ends])).max())


def _relative(found: NDArray, expected: NDArray) -> float:
    scale = float(np.abs(expected).max())
    return float(np.abs(found - expected).max()) / scale if scale else float(np.abs(found).max())
