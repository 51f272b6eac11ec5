"""One switch for the material of a run: a Material of the contract from what the deck says.

    bindings      (default) the package's kernels through NumPy arrays: built-in laws, surrogates with the native engine
    vumat         the same through the compiled vumat_, called as Abaqus does; vumat:FILE for another library
    torchscript   surrogates through libtorch (C++)
    python        surrogates through TorchScript in Python
    fine-scale    the polycrystal itself at every point
    packing:WHAT  a packing of grains at every point: the name of a prepared one, or a file
    umat          in *STATIC steps: the compiled umat_, called as Abaqus does; umat:FILE for another library

the first five with ":float32" or ":single" behind it for single precision in the material call. A library of somebody else
is called between guards: what it writes out of bounds, changes, forgets or answers with NaN is an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pybridge._core as _core
from pybridge.deck.model import JohnsonCook, MaterialDefinition, PlasticTable
from pybridge.errors import SolverError

CHOICES = ("bindings", "vumat", "torchscript", "python", "fine-scale", "packing", "umat")
VUMAT_BLOCK = 136
FINE_SCALE_LAW = "PYBRIDGE_TAYLOR_CRYSTAL"


@dataclass(frozen=True)
class MaterialSwitch:
    """The parsed switch."""

    kind: str = "bindings"
    library: Path | None = None
    precision: str = "float64"
    known: bool = False  # whether the precision of `library` was given
    packing: str = ""

    @classmethod
    def parse(cls, text: str) -> MaterialSwitch:
        """From text such as "vumat", "bindings:float32", "vumat:./libexplicitU.so". Raises SolverError."""
        kind, _, rest = text.partition(":")
        kind = {"deck": "bindings", "native": "bindings", "crystal": "fine-scale"}.get(kind, kind)
        if kind not in CHOICES:
            raise SolverError(f"material switch {text!r}: expected one of {', '.join(CHOICES)}")
        if kind == "packing":
            if not rest:
                raise SolverError("material switch 'packing': expected packing:NAME or packing:FILE.h5")
            return cls(kind, packing=rest)
        if kind == "umat":
            return cls(kind, Path(rest) if rest else None)
        if rest in ("float32", "single"):
            return cls(kind, None, "float32")
        if rest in ("", "float64", "double"):
            return cls(kind)
        if kind != "vumat":
            raise SolverError(f"material switch {text!r}: after {kind}: expected float32 or float64")
        path, _, precision = rest.rpartition(":")
        if path and precision in ("float32", "float64"):
            return cls(kind, Path(path), precision, known=True)
        return cls(kind, Path(rest))


def law_and_constants(definition: MaterialDefinition) -> tuple[str, list[float]]:
    """Name and constants of the built-in law that a deck's material asks for; of *USER MATERIAL as they stand."""
    if definition.user is not None:
        return definition.name, list(definition.user.constants)
    if definition.elastic is None:
        raise SolverError(f"material {definition.name}: expected *ELASTIC or *USER MATERIAL")
    elastic = [definition.elastic.young, definition.elastic.poisson]
    plastic = definition.plastic
    if plastic is None:
        return "PYBRIDGE_ELASTIC", elastic
    if isinstance(plastic, PlasticTable):
        return "PYBRIDGE_J2", elastic + [value for row in plastic.rows for value in row]
    assert isinstance(plastic, JohnsonCook)
    p = plastic
    # Decks switch softening off with m = 0 and equal temperatures: then any temperature is far below melting.
    m, melt = (p.m, p.melt) if p.m > 0 else (1.0, p.transition + 1e30)
    heat = definition.specific_heat or 0.0
    fraction = 0.9 if definition.inelastic_heat_fraction is None else definition.inelastic_heat_fraction
    return "PYBRIDGE_JOHNSON_COOK", [
        *elastic, p.a, p.b, p.n, m, melt, p.transition, p.c, p.reference_rate, heat, fraction if heat else 0.0,
    ]  # fmt: skip


def make_material(
    definition: MaterialDefinition,
    switch: MaterialSwitch,
    folder: Path,
    models: Mapping[str, Path] | None = None,
    *,
    flat: bool = False,
    static: bool = False,
) -> tuple[Any, int]:
    """A material of the contract and the points a call it wants (0: any).

    folder: where NAME.pt is looked for, then on PYBRIDGE_MODEL_PATH; models: files by material name, before both.
    flat (axisymmetric, plane strain): a VUMAT is then called with ndir, nshr = 3, 1, as Abaqus does. static: of a *STATIC step.
    """
    if switch.kind == "umat" and not static:
        raise SolverError("material switch 'umat': a UMAT goes with *STATIC; in an explicit step take vumat")
    if switch.kind == "packing":
        from pybridge.packing import open_material

        return open_material(switch.packing), 0
    name, constants = law_and_constants(definition)
    if switch.kind == "fine-scale":
        crystal = constants if name.upper().startswith(FINE_SCALE_LAW) else []
        return _core.make_law(FINE_SCALE_LAW, crystal, switch.precision), 0
    built_in = _core.is_built_in_law(name)
    file = (
        None
        if built_in
        else find_model(name, folder, models or {}, required=switch.kind not in ("vumat", "umat"))
    )
    if switch.kind == "vumat":
        return _hosted(definition, name, constants, switch, file, flat), VUMAT_BLOCK
    if switch.kind == "umat":
        from pybridge.host.hosted_umat import HostedUmat

        states = definition.user.state_size if definition.user else None
        return HostedUmat(switch.library, name, constants, states=states, model_file=file), 0
    if built_in:
        if switch.kind in ("torchscript", "python"):
            raise SolverError(
                f"material {definition.name}: {name} is a built-in law; the switch {switch.kind} is for model files"
            )
        return _core.make_law(name, constants, switch.precision), 0
    assert file is not None
    if switch.kind == "python":
        from pybridge.solver.torchscript import TorchScriptMaterial

        return TorchScriptMaterial(file, switch.precision), 0
    engine = "torchscript" if switch.kind == "torchscript" else "native"
    return _core.load_model(str(file), engine, switch.precision), 0  # type: ignore[attr-defined]


def check_dimension(name: str, material: Any, kind: str) -> None:
    """Refuse a material of the plane (disks, a network over 11, 22, 12) in elements that strain out of it. Spheres, laws and
    networks of all components go with every element. Raises SolverError."""
    plane = _plane(material)
    if plane and not kind.startswith("CPE"):
        raise SolverError(
            f"material {name}: {plane}, and elements {kind} strain out of the plane; expected plane strain (CPE...): mesh the "
            "problem so, or take spheres, or a network over all six components"
        )


def _plane(material: Any) -> str:
    """What makes a material one of the plane; "" for one of space."""
    if isinstance(material, _core.PackingMaterial):
        engine = material.packing_of(np.zeros(material.state_size))
        return f"a packing of {engine.count} disks, which move in the plane 1, 2" if engine.dim == 2 else ""
    count = {v.name: v.count for v in material.state_schema}
    if "contact_stiffness" in count and count.get("accumulated_strain") == 3:
        return "a network that has learned the components 11, 22, 12 alone"
    return ""


def find_model(name: str, folder: Path, models: Mapping[str, Path], *, required: bool) -> Path | None:
    """The model file of a material. Raises SolverError where it is needed and missing."""
    given = {key.upper(): Path(path) for key, path in models.items()}
    if name.upper() in given:
        path = given[name.upper()]
        if not path.is_file():
            raise SolverError(f"material {name}: no model file {path}; check the path")
        return path
    places = [folder, *(Path(p) for p in os.environ.get("PYBRIDGE_MODEL_PATH", "").split(os.pathsep) if p)]
    for place in places:
        for candidate in (place / f"{name}.pt", place / f"{name.lower()}.pt"):
            if candidate.is_file():
                return candidate
    if not required:
        return None
    raise SolverError(
        f"material {name}: it is no built-in law and there is no model file {name}.pt in "
        f"{', '.join(str(p) for p in places)}; put it there, or set PYBRIDGE_MODEL_PATH"
    )


def _hosted(
    definition: MaterialDefinition,
    name: str,
    constants: list[float],
    switch: MaterialSwitch,
    file: Path | None,
    flat: bool,
) -> Any:
    from pybridge.host import HostedVumat, load_vumat, our_library

    if switch.library is None:
        library = load_vumat(our_library(switch.precision))
    else:
        library = load_vumat(switch.library, switch.precision if switch.known else None)
    states = definition.user.state_size if definition.user else None
    model_file = file if library.ours else None
    return HostedVumat(
        library,
        name,
        constants,
        states=None if library.ours else states or 0,
        model_file=model_file,
        nblock=VUMAT_BLOCK,
        two_dimensional=flat,
        guarded=not library.ours,
        unwritten=("enerInternNew", "enerInelasNew"),
    )
