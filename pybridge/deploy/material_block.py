"""The *MATERIAL block that a deck needs for a model file: `pybridge inspect MODEL --deck`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pybridge.deck.model import MaterialDefinition
from pybridge.deck.user_material import user_material
from pybridge.deck.writer import material_lines
from pybridge.deploy.bundle import check_material_name
from pybridge.errors import ConfigError
from pybridge.model_file import read_model


@dataclass(frozen=True)
class Units:
    """A consistent system of units: length in m, mass in kg, time in s."""

    length: float
    mass: float
    time: float

    @property
    def stress(self) -> float:
        """Pa in a unit of stress: mass / (length time^2)."""
        return self.mass / (self.length * self.time**2)

    @property
    def density(self) -> float:
        """kg/m3 in a unit of density."""
        return self.mass / self.length**3


UNITS = {
    "m-kg-s": Units(1.0, 1.0, 1.0),
    "mm-tonne-s": Units(1e-3, 1e3, 1.0),
    "mm-kg-ms": Units(1e-3, 1.0, 1e-3),
    "mm-g-ms": Units(1e-3, 1e-3, 1e-3),
    "cm-g-us": Units(1e-2, 1e-3, 1e-6),
}


@dataclass(frozen=True)
class _State:
    name: str
    count: int
    unit: str
    description: str


def material_block(
    file: Path,
    name: str | None = None,
    units: str = "m-kg-s",
    density: float | None = None,
    stop_if_unreliable: bool = False,
) -> str:
    """Text of *MATERIAL, *DENSITY, *DEPVAR with every state variable named, and *USER MATERIAL with its constants.

    density: in the deck's units; by default that of the model's card. Raises ConfigError where there is none, or a
    name cannot be used; ModelFileError for a file that cannot be read.
    """
    if file.suffix != ".pt":
        raise ConfigError(f"{file}: --deck is for model files (.pt)")
    system = UNITS[units]
    card = read_model(file).card
    if density is None:
        if card["density"] is None:
            raise ConfigError(
                f"{file}: the model does not say its density; give it with --density, in the deck's units ({units})"
            )
        density = _round(card["density"] / system.density)
    if not density > 0:
        raise ConfigError(f"--density {density:g}: expected more than 0")
    chosen = name or file.stem
    check_material_name(chosen)
    constants = [_round(system.stress), _round(system.time), *([1.0] if stop_if_unreliable else [])]
    schema = [
        _State(**{k: s[k] for k in ("name", "count", "unit", "description")}) for s in card["state_schema"]
    ]
    limit = card["domain"]["time_max"]
    horizon = "" if limit is None else f", up to a time of {_round(limit / system.time):g}"
    lines = [
        f"** {file.name} ({card['kind']}), units {units}{horizon}. Constants: stress unit in Pa, time unit in s"
        + (", stop outside the trained range" if stop_if_unreliable else "")
    ]
    return "\n".join([*lines, *material_lines(user_material(chosen, density, constants, schema))]) + "\n"


def model_material(file: Path, name: str | None = None) -> MaterialDefinition:
    """The material of a model file in SI for a deck that is made in Python; a density of 0 where the file says none.

    Raises ConfigError where its name cannot be used; ModelFileError for a file that cannot be read.
    """
    card = read_model(file).card
    chosen = name or file.stem
    check_material_name(chosen)
    schema = [
        _State(**{k: s[k] for k in ("name", "count", "unit", "description")}) for s in card["state_schema"]
    ]
    return user_material(chosen, card["density"] or 0.0, [1.0, 1.0], schema)


def _round(value: float) -> float:
    """Without the last digits of a product: 1.738e-09, not 1.7380000000000002e-09."""
    return float(f"{value:.12g}")
