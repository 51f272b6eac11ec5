"""A packing at every material point (cpp/packing/packing_material.h)."""

from __future__ import annotations

from pathlib import Path

from pybridge._core import PackingEngine, PackingMaterial, PackingMaterialOptions
from pybridge.errors import PackingError
from pybridge.packing.files import library_file, load


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


def packing_file(name: str) -> Path:
    """The file of a packing: itself, or of one of the library by its name. Raises PackingError."""
    return Path(name) if Path(name).is_file() or Path(name).suffix else library_file(name)


def find_packing(name: str) -> PackingEngine:
    """A packing from a file, or one of the library by its name. Raises PackingError."""
    return load(packing_file(name))


def split_options(text: str) -> tuple[str, dict[str, float]]:
    """Name or file of a packing and the options of packing_material that stand behind it after commas, as in
    "disks400,steps_max=200000,overlap_max=0.5". Raises PackingError."""
    name, *words = text.split(",")
    return name, dict(_option(word) for word in words)


def open_material(text: str) -> PackingMaterial:
    """The material that split_options() reads. Raises PackingError, MaterialError."""
    name, options = split_options(text)
    return packing_material(find_packing(name), **options)


def _option(word: str) -> tuple[str, float]:
    """NAME=NUMBER of packing_material."""
    known = [name for name in dir(PackingMaterialOptions) if not name.startswith("_")]
    name, _, text = word.partition("=")
    kind = type(getattr(PackingMaterialOptions(), name, 0.0))
    try:
        value = kind(text)
    except ValueError:
        value = None
    if name not in known or value is None:
        raise PackingError(f"packing option {word!r}: expected NAME=NUMBER, NAME one of {', '.join(known)}")
    return name, value
