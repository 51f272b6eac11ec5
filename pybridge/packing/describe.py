"""A packing in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pybridge._core import PackingEngine
from pybridge.conventions import SYMMETRIC_NAMES, matrix_to_block
from pybridge.packing.guards import mean_pressure
from pybridge.packing.material import packing_material


def describe(packing: PackingEngine) -> str:
    """What kind of grains, how dense, under which stresses: three lines."""
    m, p = packing.measure(), packing.parameters
    stress = ", ".join(f"{m.stress[k, k]:.6g}" for k in range(packing.dim))
    kind = "disks" if packing.dim == 2 else "spheres"
    return (
        f"{packing.count} {kind}, {p.law.name} contacts, E = {p.young:g} Pa\n"
        f"friction {p.friction:g}, void ratio {m.void_ratio:.4f}, {m.coordination:.3f} contacts a grain\n"
        f"normal stresses {stress} Pa, largest overlap {m.overlap:.2%} of a radius"
    )


def describe_state(packing: PackingEngine) -> str:
    """Fabric, motion and stiffness: three lines."""
    m, dim = packing.measure(), packing.dim
    pressure = mean_pressure(m, dim)
    deviator = m.fabric[:dim, :dim] - np.eye(dim) / dim  # the trace of the fabric is 1
    order = [0, 1, 3] if dim == 2 else list(range(6))  # of the block: 33, 23, 13 are not of disks
    names = " ".join(SYMMETRIC_NAMES[k] for k in order)
    whole = np.zeros((3, 3))
    whole[:dim, :dim] = deviator
    parts = ", ".join(f"{v:.4f}" for v in matrix_to_block(whole)[order])
    lines = [f"fabric, deviator {names}: {parts} (norm {np.linalg.norm(deviator):.4f})"]
    # The rate is the mean velocity of the fluctuations, sqrt(2 E / m), over a diameter; 0 at rest.
    mass = float(np.sum(packing.mass))
    density = packing.parameters.density
    number = math.sqrt(2 * m.kinetic / mass * density / pressure) if pressure > 0 else math.inf
    lines.append(f"kinetic energy {m.kinetic:.4g} J, inertial number of the fluctuations {number:.3g}")
    if pressure > 0:
        moduli = packing_material(packing).elastic_moduli
        lines.append(
            f"contact stiffness: bulk modulus {moduli.bulk:.4g} Pa, shear modulus {moduli.shear:.4g} Pa, "
            f"{m.sliding:.1%} of the contacts slide"
        )
    return "\n".join(lines)


def describe_provenance(provenance: Mapping[str, Any]) -> str:
    """How a packing was made, a line for each stage, the last one first."""
    stages, stage = [], dict(provenance)
    while stage:
        before = stage.pop("from", None)
        stages.append(", ".join(f"{name} {value}" for name, value in stage.items()))
        stage = dict(before) if isinstance(before, Mapping) else {}
    return "\nbefore: ".join(["made with: " + stages[0], *stages[1:]]) if stages else "made with: not kept"
