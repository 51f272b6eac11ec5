"""Packings of grains: sizes, preparation, files, loading programs, and the packing as a material.

    radii = uniform_radii(400, 0.003, 0.007, seed=1)
    packing = prepare(2, radii, pressure=1e5)
    history = biaxial(packing, lateral_pressure=1e5, strains=[-0.05, -0.045, -0.1])

Strains and stresses are positive in tension, as everywhere; `pressure` arguments are positive in compression.
docs/theory/packings.md has the equations.
"""

from pybridge.packing.files import load, load_library, save
from pybridge.packing.guards import Guards
from pybridge.packing.material import find_packing, open_material, packing_material, split_options
from pybridge.packing.prepare import consolidate, prepare
from pybridge.packing.programs import (
    biaxial,
    constant_b,
    constant_p,
    isotropic,
    strain_path,
    triaxial,
)
from pybridge.packing.records import History, LoadingInterrupt
from pybridge.packing.sizes import graded_radii, uniform_radii

__all__ = [
    "Guards", "History", "LoadingInterrupt", "biaxial", "consolidate", "constant_b", "constant_p",
    "find_packing", "graded_radii", "isotropic",
    "load", "load_library", "open_material", "packing_material", "prepare", "save", "split_options", "strain_path",
    "triaxial", "uniform_radii",
]  # fmt: skip
