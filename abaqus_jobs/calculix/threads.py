"""Decks and readers for the question whether CalculiX with two threads gives the bits of one.

Its threads each sum the forces of their own elements, and the sums are added: at a node with elements of both, the order
of additions differs from that of one thread, and so do the last bits, whatever the material. Where a body's elements all
belong to one thread, each of its nodes gets one sum and a zero: there every bit must be the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abaqus_jobs.calculix.element import CORNERS, Material
from abaqus_jobs.calculix.rods import rod_deck
from abaqus_jobs.calculix.run import material_block
from pybridge.deck.model import Deck
from pybridge.errors import PybridgeError

ACROSS, LAYERS, SIDE = 2, 8, 1e-3  # elements; m
NODES = 2 * (ACROSS + 1) ** 2 * (LAYERS + 1)
STEP, STEPS = 3e-8, 400  # s: an elastic wave crosses an element in 2e-7 s
SPEEDS = (
    (15.0, -25.0, -120.0),
    (-40.0, 10.0, -90.0),
)  # m/s, of each body against its held foot, with a shear
SHORT = 0.1  # share of a rod's time


def bodies_deck(material: Material, library: str) -> list[str]:
    """Two bars beside each other, one for each thread, that fly against their held feet: explicit, plastic, turning."""
    line, stack = SIDE * np.arange(ACROSS + 1), SIDE * np.arange(LAYERS + 1)
    one = np.stack(np.meshgrid(stack, line, line, indexing="ij"), -1).reshape(-1, 3)[:, ::-1]
    index = np.arange(len(one)).reshape(LAYERS + 1, ACROSS + 1, ACROSS + 1)
    corners = CORNERS.astype(int)[:, ::-1]
    cells = [[index[tuple(at + c)] for c in corners] for at in np.argwhere(index[:-1, :-1, :-1] >= 0)]
    foot = (ACROSS + 1) ** 2
    lines = ["*NODE, NSET=ALL"]
    nodes = np.concatenate([one, one + np.array([10 * SIDE, 0, 0])])
    lines += [f"{i}, {x:.12e}, {y:.12e}, {z:.12e}" for i, (x, y, z) in enumerate(nodes, 1)]
    lines.append("*ELEMENT, TYPE=C3D8R, ELSET=SOLID")  # CalculiX gives each thread one half of them
    both = [[n + body * len(one) for n in cell] for body in (0, 1) for cell in cells]
    lines += [", ".join(str(v + 1) for v in (e, *cell)) for e, cell in enumerate(both)]
    for body in (0, 1):
        first, last = body * len(one) + 1, (body + 1) * len(one)
        lines += [f"*NSET, NSET=FOOT{body}, GENERATE", f"{first}, {first + foot - 1}, 1"]
        lines += [f"*NSET, NSET=FLYING{body}, GENERATE", f"{first + foot}, {last}, 1"]
    lines += material_block(library, material.name, material.constants, material.states, material.density)
    name = next(line.split("NAME=")[1] for line in lines if line.startswith("*MATERIAL"))
    lines += [f"*SOLID SECTION, ELSET=SOLID, MATERIAL={name}", "*BOUNDARY", "FOOT0, 1, 3", "FOOT1, 1, 3"]
    lines += ["*INITIAL CONDITIONS, TYPE=VELOCITY"]
    lines += [f"FLYING{b}, {i}, {v!r}" for b, speed in enumerate(SPEEDS) for i, v in enumerate(speed, 1)]
    lines += ["*STEP, NLGEOM, INC=10000000", "*DYNAMIC, EXPLICIT"]
    lines += [f"{STEP:.6e}, {STEPS * STEP:.6e}, {STEP * 1e-3:.6e}, {STEP:.6e}", "*RESTART, WRITE"]
    # Without energies 2.20 hands the material a stale stress.
    return [*lines, "*EL PRINT, ELSET=SOLID, FREQUENCY=10000000", "ENER", "*END STEP"]


def short_rod_deck(deck: Deck, library: str | None) -> list[str]:
    """The first tenth of a rod's flight; library None: by CalculiX's own *PLASTIC."""
    lines = rod_deck(replace(deck, step=replace(deck.step, time=SHORT * deck.step.time)), library)
    at = next(i for i, line in enumerate(lines) if line.startswith("*NODE PRINT"))
    return [*lines[:at], "*RESTART, WRITE", *lines[at:]]


def motion(path: Path, nodes: int) -> NDArray[np.float64]:
    """Displacements and velocities (2, nodes, 3) at the end, to the last bit, from CalculiX's restart file (.rout)."""
    data, at, found = path.read_bytes(), 0, []
    size = 4 * 8 * nodes  # temperature and three components
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        if length == size:
            found.append(np.frombuffer(data, np.float64, 4 * nodes, at + 4).reshape(nodes, 4)[:, 1:])
        at += length + 8
    if len(found) != 2:
        raise PybridgeError(
            f"{path}: expected two records of {size} bytes, found {len(found)}; is it of 2.20?"
        )
    return np.array(found)
