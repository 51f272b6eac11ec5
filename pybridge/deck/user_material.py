"""*USER MATERIAL with named state variables, and its text for a deck."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pybridge.deck.model import MaterialDefinition, StateName, UserMaterial
from pybridge.material import StateVariable


def user_material(
    name: str,
    density: float,
    constants: Sequence[float] = (),
    schema: Iterable[StateVariable] = (),
) -> MaterialDefinition:
    """*USER MATERIAL with *DEPVAR from a state schema: one state variable a component, named as in the results."""
    names: list[StateName] = []
    for variable in schema:
        for component in range(variable.count):
            suffix = f"_{component + 1}" if variable.count > 1 else ""
            words = " ".join(f"{variable.description} [{variable.unit}]".split())
            text = words.replace(",", ";").replace('"', "'")
            names.append(StateName(len(names) + 1, f"{variable.name}{suffix}".upper(), text[:80]))
    user = UserMaterial(tuple(float(c) for c in constants), len(names), tuple(names))
    return MaterialDefinition(name.upper(), density, user=user)
