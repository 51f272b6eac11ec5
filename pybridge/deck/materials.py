"""*MATERIAL and its options; *SOLID SECTION and *SECTION CONTROLS."""

from __future__ import annotations

from pybridge.deck.cards import Card
from pybridge.deck.model import (
    Elastic,
    JohnsonCook,
    MaterialDefinition,
    PlasticTable,
    SectionControls,
    StateName,
    UserMaterial,
)


def read_material(card: Card, options: tuple[Card, ...], static: bool = False) -> MaterialDefinition:
    """One material. Raises DeckError where options are missing, given twice or contradict each other."""
    by_name: dict[str, Card] = {}
    for option in options:
        if option.name in by_name:
            raise option.error(f"given twice for material {card.text('NAME')}")
        by_name[option.name] = option
    name = card.text("NAME")
    if "DENSITY" not in by_name and not static:
        raise card.error(f"material {name} has no *DENSITY; an explicit step needs one")
    user = _user(card, by_name)
    elastic = _elastic(by_name["ELASTIC"]) if "ELASTIC" in by_name else None
    if (user is None) == (elastic is None):
        given = "both are given" if user else "neither is given"
        raise card.error(f"material {name} needs either *ELASTIC or *USER MATERIAL; {given}")
    if user and "PLASTIC" in by_name:
        raise by_name["PLASTIC"].error(f"cannot stand beside *USER MATERIAL in material {name}")
    return MaterialDefinition(
        name,
        _positive(by_name["DENSITY"], "density") if "DENSITY" in by_name else 0.0,
        elastic,
        _plastic(by_name),
        user,
        _positive(by_name["SPECIFIC HEAT"], "specific heat") if "SPECIFIC HEAT" in by_name else None,
        _heat_fraction(by_name.get("INELASTIC HEAT FRACTION")),
        _damping(by_name.get("DAMPING")),
    )


def _damping(card: Card | None) -> float:
    if card is None:
        return 0.0
    alpha = card.number(card.text("ALPHA"), card.line, "ALPHA")
    if alpha < 0:
        raise card.error(f"ALPHA={alpha:g}; expected 0 or more")
    return alpha


def _positive(card: Card, what: str) -> float:
    line = card.only_line(what)
    value = card.numbers(line, what, 1, 1)[0]
    if value <= 0:
        raise card.error(f"{what} is {value:g}; expected more than 0", line)
    return value


def _heat_fraction(card: Card | None) -> float | None:
    if card is None:
        return None
    if not card.data:
        return 0.9
    line = card.only_line("fraction")
    value = card.numbers(line, "fraction", 1, 1)[0]
    if not 0 <= value <= 1:
        raise card.error(f"fraction is {value:g}; expected 0 to 1", line)
    return value


def _elastic(card: Card) -> Elastic:
    line = card.only_line("E, nu (no dependence on temperature)")
    young, poisson = card.numbers(line, "E, nu", 2, 2)
    if young <= 0 or not -1 < poisson < 0.5:
        raise card.error(f"E = {young:g}, nu = {poisson:g}; expected E > 0 and -1 < nu < 0.5", line)
    return Elastic(young, poisson)


def _plastic(by_name: dict[str, Card]) -> PlasticTable | JohnsonCook | None:
    card = by_name.get("PLASTIC")
    if card is None:
        return None
    rate = by_name.get("RATE DEPENDENT")
    if card.text("HARDENING", "ISOTROPIC") == "JOHNSON COOK":
        return _johnson_cook(card, rate)
    if rate is not None:
        raise rate.error("TYPE=JOHNSON COOK needs *PLASTIC, HARDENING=JOHNSON COOK")
    rows: list[tuple[float, float]] = []
    for line in card.data:
        stress, strain = (*card.numbers(line, "yield stress, plastic strain", 1, 2), 0.0)[:2]
        if stress <= 0:
            raise card.error(f"yield stress is {stress:g}; expected more than 0", line)
        if strain < 0 or (rows and strain <= rows[-1][1]) or (not rows and strain != 0):
            raise card.error(f"plastic strain is {strain:g}; expected 0 first, then increasing", line)
        rows.append((stress, strain))
    if not rows:
        raise card.error("no data lines; expected yield stress, plastic strain")
    return PlasticTable(tuple(rows))


def _johnson_cook(card: Card, rate: Card | None) -> JohnsonCook:
    line = card.only_line("A, B, n, m, melting, transition temperature")
    a, b, n, m, melt, transition = card.numbers(line, "A, B, n, m, melting, transition temperature", 6, 6)
    if a <= 0 or b < 0 or n < 0 or m < 0:
        raise card.error(
            f"A = {a:g}, B = {b:g}, n = {n:g}, m = {m:g}; expected A > 0 and the others 0 or more", line
        )
    if melt < transition or (melt == transition and m > 0):
        raise card.error(f"melting {melt:g} is not above transition {transition:g}", line)
    c, reference = 0.0, 1.0
    if rate is not None:
        line = rate.only_line("C, reference rate")
        c, reference = rate.numbers(line, "C, reference rate", 2, 2)
        if c < 0 or reference <= 0:
            raise rate.error(f"C = {c:g}, rate = {reference:g}; expected C >= 0, rate > 0", line)
    return JohnsonCook(a, b, n, m, melt, transition, c, reference)


def _user(card: Card, by_name: dict[str, Card]) -> UserMaterial | None:
    option, depvar = by_name.get("USER MATERIAL"), by_name.get("DEPVAR")
    if option is None:
        if depvar is not None:
            raise depvar.error(f"material {card.text('NAME')} has no *USER MATERIAL")
        return None
    declared = option.integer(option.text("CONSTANTS"), option.line, "CONSTANTS")
    constants: list[float] = []
    for line in option.data:
        constants += option.numbers(line, "constants", 1, 8)
    if len(constants) != declared:
        raise option.error(f"CONSTANTS={declared}, but {len(constants)} values follow; make them agree")
    size, names = _depvar(depvar) if depvar is not None else (0, ())
    return UserMaterial(tuple(constants), size, names)


def _depvar(card: Card) -> tuple[int, tuple[StateName, ...]]:
    if not card.data:
        raise card.error("no data lines; expected the number of state variables")
    first = card.fields(card.data[0])
    size = card.integer(first[0], card.data[0], "number of state variables")
    if len(first) > 1 or not 1 <= size <= 100_000:
        raise card.error(
            f"{card.data[0].text.strip()!r}; expected the number of state variables, 1 to 100000",
            card.data[0],
        )
    names: list[StateName] = []
    for line in card.data[1:]:
        parts = [part.strip().strip('"') for part in line.text.split(",", 2)]
        number = card.integer(parts[0], line, "number of the state variable")
        if len(parts) < 2 or not parts[1]:
            raise card.error("expected number, name[, description]", line)
        if not 1 <= number <= size or any(number == other.number for other in names):
            raise card.error(f"state variable {number}: expected 1 to {size}, each once", line)
        names.append(StateName(number, parts[1].upper(), parts[2] if len(parts) == 3 else ""))
    return size, tuple(names)


def read_controls(card: Card) -> SectionControls:
    """*SECTION CONTROLS."""
    scales = [1.0] * 5
    if len(card.data) > 1:
        raise card.error("one data line is supported", card.data[1])
    for line in card.data:
        parts = card.fields(line)
        if len(parts) > 5:
            raise card.error(f"{len(parts)} values given; expected up to 5", line)
        for i, part in enumerate(parts):
            scales[i] = card.number(part, line, "scale") if part else 1.0
            if scales[i] < 0:
                raise card.error(f"scale is {scales[i]:g}; expected 0 or more", line)
    hourglass = card.text("HOURGLASS", "RELAX STIFFNESS")
    weight = None
    if "WEIGHT FACTOR" in card.parameters:
        weight = card.number(card.text("WEIGHT FACTOR"), card.line, "WEIGHT FACTOR")
        if hourglass != "COMBINED" or not 0 <= weight <= 1:
            raise card.error("WEIGHT FACTOR goes with HOURGLASS=COMBINED and lies between 0 and 1")
    return SectionControls(card.text("NAME"), hourglass, scales[0], scales[3], scales[4], weight)
