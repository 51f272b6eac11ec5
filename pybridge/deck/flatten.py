"""Parts and instances resolved: a flat list of cards, each with the scope (instance) it stands in.

A set TOP of instance ROD-1, which the deck calls ROD-1.TOP, becomes ROD-1_TOP.
"""

from __future__ import annotations

from dataclasses import dataclass

from pybridge.deck.cards import Card
from pybridge.deck.supported import SUPPORTED

_IN_PART = {
    "NODE", "ELEMENT", "NSET", "ELSET", "SURFACE", "SOLID SECTION", "RIGID BODY", "MASS",
}  # fmt: skip
_STEP_ONLY = {
    "DYNAMIC", "STATIC", "BULK VISCOSITY", "DSLOAD", "OUTPUT", "NODE OUTPUT", "ELEMENT OUTPUT", "ENERGY OUTPUT",
}  # fmt: skip
_ANYWHERE = {
    "BOUNDARY", "AMPLITUDE", "CONTACT PAIR", "CONTACT", "CONTACT INCLUSIONS", "CONTACT PROPERTY ASSIGNMENT", "RESTART",
}  # fmt: skip
_FRAME = {
    "PART", "END PART", "ASSEMBLY", "END ASSEMBLY", "INSTANCE", "END INSTANCE", "STEP", "END STEP",
}  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """Where a card stands: the instance ("" for the model itself) and its translation."""

    name: str = ""
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def qualify(self, name: str) -> str:
        """The name in the flat model of a set or surface that a card in this scope calls `name`."""
        name = name.upper().replace(".", "_")
        return f"{self.name}_{name}" if self.name else name


@dataclass(frozen=True)
class Placed:
    """A card, its scope, whether it stands in the step, and the cards that belong to it (*MATERIAL's options)."""

    card: Card
    scope: Scope
    in_step: bool
    children: tuple[Card, ...] = ()


def flatten(cards: list[Card]) -> list[Placed]:
    """Replay every instance's part in place, group options under their parents, check where keywords stand."""
    return _grouped(_placed(cards))


def _placed(cards: list[Card]) -> list[Placed]:
    parts: dict[str, list[Card]] = {}
    used: set[str] = set()
    placed: list[Placed] = []
    place = _Place()
    for card in cards:
        if card.name in _FRAME:
            _frame(card, place, parts, used, placed)
            continue
        _check_place(card, place)
        if place.part:
            parts[place.part].append(card)
        else:
            placed.append(Placed(card, place.instance or Scope(), bool(place.step)))
    if place.open:
        raise place.open[-1].error("is never closed; add its *END line")
    for name, content in parts.items():
        if name not in used and content:
            raise content[0].error(f"part {name} is never used; add an *INSTANCE of it, or remove it")
    return placed


class _Place:
    """Where the reading stands: the frames that are open."""

    def __init__(self) -> None:
        self.part = ""
        self.instance: Scope | None = None
        self.step = False
        self.steps = 0
        self.open: list[Card] = []


def _frame(
    card: Card, place: _Place, parts: dict[str, list[Card]], used: set[str], placed: list[Placed]
) -> None:
    if card.name.startswith("END "):
        _close(card, place)
        return
    inside = {"INSTANCE": ("ASSEMBLY",)}.get(card.name, ())
    around = tuple(open_card.name for open_card in place.open)
    if around != inside:
        raise card.error(
            f"stands inside *{around[-1]}" if around else "stands outside *ASSEMBLY ... *END ASSEMBLY"
        )
    place.open.append(card)
    if card.name == "PART":
        place.part = card.text("NAME")
        if place.part in parts:
            raise card.error(f"part {place.part} is defined twice")
        parts[place.part] = []
    elif card.name == "STEP":
        place.step = True
        place.steps += 1
        if place.steps > 1:
            raise card.error("a second step; one *STEP is supported")
    elif card.name == "INSTANCE":
        _open_instance(card, place, parts, used, placed)


def _open_instance(
    card: Card, place: _Place, parts: dict[str, list[Card]], used: set[str], placed: list[Placed]
) -> None:
    part = card.text("PART")
    if part not in parts:
        raise card.error(f"PART={part}: no such part; defined: {', '.join(sorted(parts)) or 'none'}")
    used.add(part)
    if len(card.data) > 1:
        raise card.error("a rotation is given; only a translation is supported", card.data[1])
    shift = [0.0, 0.0, 0.0]
    for line in card.data:
        values = card.numbers(line, "the translation x, y, z", 1, 3)
        shift[: len(values)] = values
    scope = Scope(card.text("NAME").replace(".", "_"), (shift[0], shift[1], shift[2]))
    if any(scope.name == other.scope.name for other in placed):
        raise card.error(f"instance {scope.name} is defined twice")
    place.instance = scope
    placed.extend(Placed(inner, scope, False) for inner in parts[part])


def _close(card: Card, place: _Place) -> None:
    name = card.name.removeprefix("END ")
    if not place.open or place.open[-1].name != name:
        standing = f"*{place.open[-1].name} is open" if place.open else "nothing is open"
        raise card.error(f"closes nothing: {standing}")
    place.open.pop()
    if name == "PART":
        place.part = ""
    elif name == "INSTANCE":
        place.instance = None
    elif name == "STEP":
        place.step = False


def _check_place(card: Card, place: _Place) -> None:
    if (place.part or place.instance) and card.name not in _IN_PART:
        raise card.error("cannot stand inside a part or an instance")
    if card.name in _ANYWHERE:
        return
    if place.step and card.name not in _STEP_ONLY:
        raise card.error("is model data; move it before *STEP")
    if not place.step and card.name in _STEP_ONLY:
        raise card.error("stands outside *STEP ... *END STEP")


def _grouped(placed: list[Placed]) -> list[Placed]:
    """Options under the keyword that they belong to."""
    groups: list[tuple[Placed, list[Card]]] = []
    for item in placed:
        parents = SUPPORTED[item.card.name].parent
        if not parents:
            groups.append((item, []))
            continue
        names = {groups[-1][0].card.name, *(child.name for child in groups[-1][1])} if groups else set()
        if not names & set(parents):
            raise item.card.error(f"must stand under *{' or *'.join(parents)}")
        groups[-1][1].append(item.card)
    return [Placed(item.card, item.scope, item.in_step, tuple(children)) for item, children in groups]
