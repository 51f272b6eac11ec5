"""*STEP: *DYNAMIC, EXPLICIT or *STATIC, bulk viscosity and output requests."""

from __future__ import annotations

from dataclasses import replace

from pybridge.deck.cards import Card
from pybridge.deck.flatten import Placed
from pybridge.deck.mesh import Mesh
from pybridge.deck.model import ExplicitStep, FieldOutput, HistoryOutput, StaticStep
from pybridge.deck.supported import (
    ELEMENT_VARIABLES,
    ENERGY_VARIABLES,
    FIELD_PRESELECT,
    NODE_VARIABLES,
)

_MOST_INTERVALS = 1_000_000


def read_step(card: Card, items: list[Placed], mesh: Mesh) -> ExplicitStep | StaticStep | None:
    """The step of a deck, None where there is neither *DYNAMIC nor *STATIC. Raises DeckError."""
    procedures = [item.card for item in items if item.card.name in ("DYNAMIC", "STATIC")]
    if not procedures:
        return None
    if len(procedures) > 1:
        raise procedures[1].error("a second procedure; expected one of *DYNAMIC, EXPLICIT and *STATIC")
    name = card.text("NAME", "STEP-1")
    explicit = procedures[0].name == "DYNAMIC"
    _check_geometry(card, explicit)
    step = _dynamic(procedures[0], name) if explicit else _static(procedures[0], name)
    for item in items:
        if item.card.name == "BULK VISCOSITY":
            if isinstance(step, StaticStep):
                raise item.card.error("goes with *DYNAMIC, EXPLICIT")
            step = _bulk_viscosity(item.card, step)
    fields: list[FieldOutput] = []
    histories: list[HistoryOutput] = []
    for item in items:
        if item.card.name == "OUTPUT":
            if "FIELD" in item.card.parameters:
                fields.append(_field(item, step.time))
            else:
                histories += _history(item, step.time, mesh)
    return replace(step, field_outputs=tuple(fields), history_outputs=tuple(histories))


def _check_geometry(card: Card, explicit: bool) -> None:
    given = card.text("NLGEOM")
    if given and (given == "YES") != explicit:
        raise card.error(
            f"NLGEOM={given}: explicit steps have finite strains (YES), *STATIC has small ones (NO)"
        )


def _static(card: Card, name: str) -> StaticStep:
    if not card.data:
        return StaticStep(name)
    line = card.only_line("first increment, time, smallest, largest increment")
    parts = [*card.fields(line), "", "", "", ""][:5]
    if parts[4]:
        raise card.error("expected first increment, time, smallest, largest increment", line)
    first, time, least, most = (card.number(p, line, "time") if p else None for p in parts[:4])
    time = time or 1.0  # as in Abaqus, blank and 0 stand for the default
    first = first or time
    for value, what in (
        (time, "time"),
        (first, "first increment"),
        (least, "smallest"),
        (most, "largest increment"),
    ):
        if value is not None and not 0 < value <= time:
            raise card.error(f"{what} is {value:g}; expected above 0 and at most the time {time:g}", line)
    if least is not None and least > min(first, most or first):
        raise card.error(f"the smallest increment {least:g} is above the first or the largest", line)
    return StaticStep(name, time, first, least, most)


def _dynamic(card: Card, name: str) -> ExplicitStep:
    line = card.only_line("(increment), time, , (largest increment)")
    parts = card.fields(line)
    if len(parts) > 4 or (len(parts) > 2 and parts[2]):
        raise card.error("expected (increment), time, (blank), (largest increment)", line)
    values = [card.number(part, line, "time") if part else None for part in parts] + [None] * 3
    increment, time, largest = values[0], values[1], values[3]
    if time is None or time <= 0:
        raise card.error(
            "the time of the step is missing; expected a number above 0 as the second value", line
        )
    direct = "DIRECT USER CONTROL" in card.parameters
    if direct != (increment is not None):
        raise card.error("a fixed increment goes with DIRECT USER CONTROL, as the first value", line)
    for value, what in ((increment, "increment"), (largest, "largest increment")):
        if value is not None and not 0 < value <= time:
            raise card.error(f"{what} is {value:g}; expected above 0 and at most the time {time:g}", line)
    scale = card.number(card.text("SCALE FACTOR", "1"), card.line, "SCALE FACTOR")
    if not 0 < scale <= 1:
        raise card.error(f"SCALE FACTOR={scale:g}; expected above 0, at most 1")
    return ExplicitStep(name, time, increment, largest, scale, "ADIABATIC" in card.parameters)


def _bulk_viscosity(card: Card, step: ExplicitStep) -> ExplicitStep:
    line = card.only_line("linear, quadratic coefficient")
    linear, quadratic = (*card.numbers(line, "coefficients", 1, 2), 1.2)[:2]
    if linear < 0 or quadratic < 0:
        raise card.error(f"coefficients are {linear:g}, {quadratic:g}; expected 0 or more", line)
    return replace(step, linear_viscosity=linear, quadratic_viscosity=quadratic)


def _intervals(card: Card, time: float, default: int) -> int:
    if "NUMBER INTERVAL" in card.parameters and "TIME INTERVAL" in card.parameters:
        raise card.error("NUMBER INTERVAL and TIME INTERVAL exclude each other")
    count = default
    if "NUMBER INTERVAL" in card.parameters:
        count = card.integer(card.text("NUMBER INTERVAL"), card.line, "NUMBER INTERVAL")
    elif "TIME INTERVAL" in card.parameters:
        every = card.number(card.text("TIME INTERVAL"), card.line, "TIME INTERVAL")
        ratio = time / every if every > 0 else 0.0
        count = round(ratio) if ratio < _MOST_INTERVALS else _MOST_INTERVALS + 1
    if not 1 <= count <= _MOST_INTERVALS:
        raise card.error(f"{count} intervals asked for; expected 1 to {_MOST_INTERVALS}")
    return count


def _variables(card: Card, allowed: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for line in card.data:
        for part in card.fields(line):
            if part.upper() not in allowed:
                raise card.error(f"variable {part!r} not supported; supported: {', '.join(allowed)}", line)
            found.append(part.upper())
    if not found:
        raise card.error(f"no variables; expected some of {', '.join(allowed)}")
    return tuple(dict.fromkeys(found))


def _field(item: Placed, time: float) -> FieldOutput:
    card = item.card
    if "HISTORY" in card.parameters:
        raise card.error("FIELD and HISTORY exclude each other")
    node, element = FIELD_PRESELECT if "VARIABLE" in card.parameters else ((), ())
    for child in item.children:
        for region in ("NSET", "ELSET"):
            if region in child.parameters:
                raise child.error(f"{region} under *OUTPUT, FIELD: fields are written for the whole model")
        if child.name == "NODE OUTPUT":
            node = tuple(dict.fromkeys(node + _variables(child, NODE_VARIABLES)))
        elif child.name == "ELEMENT OUTPUT":
            element = tuple(dict.fromkeys(element + _variables(child, ELEMENT_VARIABLES)))
        else:
            raise child.error("stands under *OUTPUT, FIELD; put it under *OUTPUT, HISTORY")
    if not node and not element:
        raise card.error("asks for nothing; add *NODE OUTPUT, *ELEMENT OUTPUT or VARIABLE=PRESELECT")
    return FieldOutput(_intervals(card, time, 20), node, element)


def _history(item: Placed, time: float, mesh: Mesh) -> list[HistoryOutput]:
    card = item.card
    if "HISTORY" not in card.parameters:
        raise card.error("expected FIELD or HISTORY")
    intervals = _intervals(card, time, 200)
    found = (
        [HistoryOutput("energy", ENERGY_VARIABLES, "", intervals)] if "VARIABLE" in card.parameters else []
    )
    for child in item.children:
        if child.name == "ENERGY OUTPUT":
            found.append(HistoryOutput("energy", _variables(child, ENERGY_VARIABLES), "", intervals))
            continue
        node = child.name == "NODE OUTPUT"
        parameter = "NSET" if node else "ELSET"
        if parameter not in child.parameters:
            raise child.error(f"under *OUTPUT, HISTORY needs {parameter}=the set whose history is wanted")
        region = item.scope.qualify(child.text(parameter))
        lookup = mesh.nodes_of if node else mesh.elements_of
        lookup(child, item.scope, child.text(parameter), child.line)
        variables = _variables(child, _components(NODE_VARIABLES) if node else ELEMENT_VARIABLES)
        found.append(HistoryOutput("node" if node else "element", variables, region, intervals))
    if not found:
        raise card.error("asks for nothing; add *ENERGY OUTPUT, *NODE OUTPUT or VARIABLE=PRESELECT")
    return found


def _components(names: tuple[str, ...]) -> tuple[str, ...]:
    return names + tuple(f"{name}{i}" for name in names for i in (1, 2, 3))
