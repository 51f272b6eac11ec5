"""A packing at every material point (cpp/packing/packing_material.h)."""

from __future__ import annotations

from pybridge._core import PackingEngine, PackingMaterial, PackingMaterialOptions


def packing_material(packing: PackingEngine, **options: float) -> PackingMaterial:
    """A material of the contract whose virgin state is this packing; a state of zeros is the packing as it stands.

    Options: inertial_number (1e-3) of the sub-steps, steps_min, steps_max, and the guards asymmetry_max,
    inertial_max, overlap_max. The virgin packing carries its stress: start from a host stress equal to it.
    Raises MaterialError.
    """
    chosen = PackingMaterialOptions()
    for name, value in options.items():
        setattr(chosen, name, value)
    return PackingMaterial(packing, chosen)
