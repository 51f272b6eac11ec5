"""Rods of abaqus_jobs.rods in CalculiX's explicit solver, with a held foot and no contact, and in the mini-solver.

CalculiX has neither analytical rigid surfaces nor Abaqus's kinematic contact; so both codes hold the foot on the wall,
free to slide, and let the side pass the wall.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abaqus_jobs.calculix.run import material_block, run_calculix, table
from abaqus_jobs.impact_check import fixed_increment
from abaqus_jobs.measures import rod_shape
from abaqus_jobs.rods import copper_rod, taylor_anvil
from pybridge.deck.model import Boundary, Deck, InitialVelocity, MaterialDefinition, SectionControls
from pybridge.errors import PybridgeError
from pybridge.results import read_results
from pybridge.solver import run as run_deck
from pybridge.solver.materials import law_and_constants

# CalculiX resists hourglass modes by a stiffness of 0.0005 (lambda + 2 mu) (its shape8hr.f), which is a quarter of what
# the mini-solver's STIFFNESS has. The foot of a coarse rod depends on it: by relaxing control it is 6 % wider.
CONTROLS = SectionControls("CALCULIX", "STIFFNESS", 0.25)
# Largest share of the undeformed mesh's stable increment: the elements at the foot are flattened several times, and
# CalculiX computes its increment once, from the mesh as it was.
SHARE = 0.15
# Implicit: the first tenth of the copper rod, in increments of eight stable ones.
IMPLICIT_TIME, IMPLICIT_INCREMENTS = 8e-6, 80


@dataclass(frozen=True)
class Shape:
    """Of a rod at the end, m."""

    length: float
    foot_radius: float


def held_rod(deck: Deck) -> Deck:
    """The deck with its foot held on the wall, everything above flying, and neither wall nor contact."""
    body, foot = deck.node_sets["BODY"], deck.node_sets["FOOT"]
    count = len(body)
    above = np.setdiff1d(body, foot)
    velocity = deck.initial_velocities[0]
    sides = [b for b in deck.boundaries if b.region in ("X0", "Y0")]
    sets = {k: v for k, v in deck.node_sets.items() if k != "RIGID_NODE"}
    return replace(
        deck,
        node_labels=deck.node_labels[:count],
        coordinates=deck.coordinates[:count],
        node_sets={**sets, "FLYING": above},
        surfaces={},
        rigid_bodies=(),
        contact_pairs=(),
        boundaries=(*sides, Boundary("FOOT", foot, 3, 3)),
        initial_velocities=(InitialVelocity("FLYING", above, velocity.direction, velocity.value),),
    )


def rods(quick: bool) -> dict[str, Deck]:
    """The copper rod of 80 us and the Taylor anvil of 1 us, quarters of C3D8R."""
    copper = copper_rod(
        "C3D8R", across=4 if quick else 6, layers=20 if quick else 40, foot="held", controls=CONTROLS
    )
    anvil = taylor_anvil(elements=200 if quick else 1500, quarter=True, controls=CONTROLS)
    return {"copper_rod": held_rod(copper), "taylor_anvil": held_rod(anvil)}


def implicit_rod() -> Deck:
    """The beginning of the copper rod."""
    deck = held_rod(copper_rod("C3D8R", across=4, layers=20, foot="held", controls=CONTROLS))
    return replace(deck, step=replace(deck.step, time=IMPLICIT_TIME))


def implicit_deck(deck: Deck, library: str | None) -> list[str]:
    """rod_deck in CalculiX's implicit dynamics (HHT), by fixed increments."""
    lines = rod_deck(deck, library)
    at = lines.index("*DYNAMIC, EXPLICIT")
    step = f"{deck.step.time / IMPLICIT_INCREMENTS:.6e}, {deck.step.time:.6e}"
    return [*lines[:at], "*DYNAMIC, DIRECT, ALPHA=-0.05", step, *lines[at + 2 :]]


def solver_shape(deck: Deck, folder: Path, name: str) -> Shape:
    """The rod in the mini-solver, through the compiled vumat_."""
    result = run_deck(deck, material="vumat", out=folder / f"{name}.h5", overwrite=True)
    shape = rod_shape(deck, read_results(result.path))
    return Shape(shape.length, shape.foot_radius)


def rod_deck(deck: Deck, library: str | None) -> list[str]:
    """CalculiX's deck: material through lib`library`.so, or by its own *PLASTIC where that is None."""
    (block,) = deck.elements
    (definition,) = deck.materials.values()
    lines = ["*NODE, NSET=ALL"]
    lines += [
        f"{n}, {x:.12e}, {y:.12e}, {z:.12e}"
        for n, (x, y, z) in zip(deck.node_labels, deck.coordinates, strict=True)
    ]
    lines.append(f"*ELEMENT, TYPE={block.type}, ELSET=SOLID")
    lines += [
        ", ".join(str(v) for v in (e, *deck.node_labels[nodes]))
        for e, nodes in zip(block.labels, block.connectivity, strict=True)
    ]
    for name in ("FOOT", "FLYING", *(b.region for b in deck.boundaries)):
        lines += [f"*NSET, NSET={name}", *(f"{n}," for n in deck.node_labels[deck.node_sets[name]])]
    lines += _own_material(definition) if library is None else _user_material(definition, library)
    lines += [
        f"*SOLID SECTION, ELSET=SOLID, MATERIAL={next(x.split('NAME=')[1] for x in lines if '*MATERIAL' in x)}"
    ]
    for b in deck.boundaries:
        lines += ["*BOUNDARY", f"{b.region}, {b.first}, {b.last}"]
    (velocity,) = deck.initial_velocities
    lines += ["*INITIAL CONDITIONS, TYPE=VELOCITY", f"FLYING, {velocity.direction}, {velocity.value!r}"]
    step = SHARE / 0.5 * fixed_increment(deck)
    end = deck.step.time
    lines += ["*STEP, NLGEOM, INC=10000000", "*DYNAMIC, EXPLICIT"]
    lines += [f"{step:.6e}, {end:.6e}, {step * 1e-3:.6e}, {step:.6e}"]
    # Without energies 2.20 hands the material a stale stress.
    rare = 10_000_000
    lines += [f"*NODE PRINT, NSET=ALL, FREQUENCY={rare}", "U"]
    lines += [f"*EL PRINT, ELSET=SOLID, FREQUENCY={rare}", "ENER", "*END STEP"]
    return lines


def _user_material(definition: MaterialDefinition, library: str) -> list[str]:
    name, constants = law_and_constants(definition)
    states = {"PYBRIDGE_J2": 1, "PYBRIDGE_JOHNSON_COOK": 3}[name]
    return material_block(library, name, constants, states, definition.density)


def _own_material(definition: MaterialDefinition) -> list[str]:
    """*ELASTIC and *PLASTIC: its own finite-strain plasticity."""
    from pybridge.deck.model import PlasticTable

    assert definition.elastic is not None
    assert isinstance(definition.plastic, PlasticTable)
    rows = [line for row in definition.plastic.rows for line in table(row)]
    return [
        "*MATERIAL, NAME=OWN", "*DENSITY", f"{definition.density!r}", "*ELASTIC",
        f"{definition.elastic.young!r}, {definition.elastic.poisson!r}", "*PLASTIC", *rows,
    ]  # fmt: skip


def calculix_shape(
    program: Path,
    folder: Path,
    job: str,
    deck: Deck,
    library: str | None,
    *,
    threads: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Shape:
    """The rod in CalculiX. Raises PybridgeError where a displacement is missing or absurd."""
    run_calculix(program, folder, job, rod_deck(deck, library), threads=threads, environment=environment)
    return shape_of(deck, read_displacements(folder / f"{job}.dat", len(deck.coordinates)))


def shape_of(deck: Deck, displacement: NDArray[np.float64]) -> Shape:
    """The rod's shape, from displacements (nodes, 3)."""
    x = deck.coordinates + displacement
    foot = x[deck.node_sets["FOOT"]]
    length = x[deck.node_sets["TAIL"], 2].mean() - x[:, 2].min()
    return Shape(float(length), float(np.hypot(foot[:, 0], foot[:, 1]).max()))


def read_displacements(path: Path, nodes: int) -> NDArray[np.float64]:
    """The last block of displacements of a .dat file, (nodes, 3), nodes labelled from 1."""
    blocks = re.split(r"displacements \(vx,vy,vz\)[^\n]*\n", path.read_text())[1:]
    if not blocks:
        raise PybridgeError(f"{path}: no displacements; expected *NODE PRINT of U")
    rows = re.findall(r"^ +(\d+)((?: +\S+){3})$", blocks[-1], re.MULTILINE)
    result = np.full((nodes, 3), np.nan)
    for label, values in rows:
        result[int(label) - 1] = [float(v) for v in values.split()]
    if not np.isfinite(result).all() or np.abs(result).max() > 1:
        raise PybridgeError(f"{path}: displacements are missing, not numbers or absurd; lower the increment")
    return result
