"""What `pybridge doctor --deck` says about a deck: materials found, constants, DEPVAR, units, horizon."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pybridge.deck.model import Deck, MaterialDefinition
from pybridge.deploy.findings import ERROR, OK, WARNING, Finding
from pybridge.errors import DeckError, MaterialError, ModelFileError

# Units of length that decks are written in, m.
LENGTHS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "in": 0.0254, "ft": 0.3048}
# How well a density must fit a unit of length: densities of one material differ by a few per cent, units by ten times.
DENSITY_RATIO = 1.15


def examine_deck(path: Path, folders: list[Path]) -> list[Finding]:
    """Findings about every user material of a deck; `folders`: where model files are looked for, in order."""
    from pybridge.deck.reader import read_deck

    try:
        deck = read_deck(path)
    except DeckError as error:
        return [
            Finding(
                str(path), ERROR, str(error), "correct the deck; docs/decks.md lists what pybridge reads. Where Abaqus "
                "takes it and pybridge does not, check the material alone with `pybridge inspect MODEL --deck`",
            )
        ]  # fmt: skip
    user = [material for material in deck.materials.values() if material.user is not None]
    if not user:
        return [Finding(str(path), OK, "no *USER MATERIAL: nothing of pybridge is called")]
    return [finding for material in user for finding in _material(deck, material, folders)]


def _material(deck: Deck, material: MaterialDefinition, folders: list[Path]) -> list[Finding]:
    import pybridge._core as core

    assert material.user is not None
    check = f"{deck.source}, material {material.name}"
    constants = list(material.user.constants)
    if core.is_built_in_law(material.name):
        try:
            law = core.make_law(material.name, constants, "float64")
        except MaterialError as error:
            return [Finding(check, ERROR, str(error), "correct *USER MATERIAL")]
        return [
            _states(check, material, law.state_schema) or Finding(check, OK, "a built-in law; constants fit")
        ]
    file = find_file(material.name, folders)
    if file is None:
        return [
            Finding(
                check, ERROR, f"neither a built-in law nor a model file: no {material.name}.pt in "
                f"{', '.join(map(str, folders))}", "put the file beside the deck, or its folder in PYBRIDGE_MODEL_PATH",
            )
        ]  # fmt: skip
    try:
        model = core.load_model(str(file), "native", "float64")  # type: ignore[attr-defined]
    except MaterialError as error:
        return [Finding(check, ERROR, str(error), "export or copy the file again")]
    if wrong := _states(check, material, model.state_schema):
        return [wrong]
    return _surrogate(check, deck, material, file, model)


def find_file(name: str, folders: list[Path]) -> Path | None:
    """NAME.pt in any case, in the first folder that has it."""
    for folder in folders:
        for path in sorted(folder.glob("*.[pP][tT]")) if folder.is_dir() else []:
            if path.stem.upper() == name.upper():
                return path
    return None


def _states(check: str, material: MaterialDefinition, schema: list[Any]) -> Finding | None:
    """DEPVAR against the material's state."""
    assert material.user is not None
    needed, given = sum(entry.count for entry in schema), material.user.state_size
    if needed == given or (needed == 0 and given == 1):
        return None
    names = ", ".join(f"{entry.name} ({entry.count})" for entry in schema) or "none"
    return Finding(
        check,
        ERROR,
        f"*DEPVAR {given}; expected {needed}: {names}",
        f"write *DEPVAR and {needed}, in the deck",
    )


def _surrogate(check: str, deck: Deck, material: MaterialDefinition, file: Path, model: Any) -> list[Finding]:
    from pybridge.model_file import read_model

    assert material.user is not None
    constants = material.user.constants
    if len(constants) > 3 or any(not value > 0 for value in constants[:2]):
        return [
            Finding(
                check, ERROR, f"constants {', '.join(f'{c:g}' for c in constants)}; expected at most three: the deck's "
                "stress unit in Pa, its time unit in s, 1 to stop outside the trained range", "correct *USER MATERIAL",
            )
        ]  # fmt: skip
    stress_unit, time_unit = (*constants[:2], *(1.0, 1.0)[len(constants[:2]) :])
    findings = []
    end, horizon = deck.step.time * time_unit, model.domain.time_max
    if end > horizon * (1 + 1e-6):
        findings.append(
            Finding(
                check, ERROR, f"the step ends at {end:.4g} s, the model at {horizon:.4g} s",
                "shorten the step, correct the time unit (constant 2), or train to a longer horizon",
            )
        )  # fmt: skip
    try:
        density = read_model(file).card["density"]
    except ModelFileError as error:
        return [Finding(check, ERROR, str(error), "export or copy the file again")]
    findings += _density(check, material.density, density, stress_unit, time_unit)
    return findings or [Finding(check, OK, f"{file}: *DEPVAR, constants and step fit")]


def _density(
    check: str, deck_density: float, density: float | None, stress_unit: float, time_unit: float
) -> list[Finding]:
    """The unit of length that density, stress and time imply: rho_SI = rho (stress unit) (time unit)^2 / length^2."""
    units = f"stress unit {stress_unit:g} Pa, time unit {time_unit:g} s"
    if density is None:
        return [
            Finding(
                check, WARNING, f"{units}: the model does not say its density, so that units cannot be checked",
                "check *DENSITY by hand",
            )
        ]  # fmt: skip
    length = math.sqrt(deck_density * stress_unit * time_unit**2 / density)
    near = [
        name for name, unit in LENGTHS.items() if 1 / DENSITY_RATIO < (length / unit) ** 2 < DENSITY_RATIO
    ]
    if near:
        return [
            Finding(check, OK, f"{units}, *DENSITY {deck_density:g}: the deck's unit of length is {near[0]}")
        ]
    return [
        Finding(
            check, ERROR, f"{units} and *DENSITY {deck_density:g} make a unit of length of {length:.4g} m, which "
            f"nobody uses; the model was made for {density:g} kg/m3", "correct the constants or *DENSITY: in mm, tonne, "
            "s: 1e6, 1 and 1e-12 times the density in kg/m3; in m, kg, s: 1, 1",
        )
    ]  # fmt: skip
