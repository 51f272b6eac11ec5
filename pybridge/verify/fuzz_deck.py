"""The deck reader under mutated decks: DeckError, or a deck of finite numbers that can be written and read back.

hypothesis puts decks together from the cards of three sound ones and from cards that it makes of the reader's own table
of keywords; each is then varied line by line and byte by byte.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pybridge.deck.reader import read_deck_text
from pybridge.deck.supported import FLAG, INTEGER, NUMBER, SUPPORTED, Keyword
from pybridge.deck.writer import deck_text
from pybridge.errors import DeckError
from pybridge.verify.mutate import NUMBERS, mutate_lines

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_AXISYMMETRIC = b"""*HEADING
 a rod against a wall
*NODE, NSET=ALL
1, 0., 0.
2, 1.e-3, 0.
3, 1.D-3, 1e-3
4, 0., 1e-3
9, 3e-3, 0.
*ELEMENT, TYPE=CAX4R, ELSET=ROD
1, 1, 2, 3, 4
*NSET, NSET=AXIS
1, 4
*SURFACE, NAME=SKIN
ROD, S1
*SURFACE, TYPE=SEGMENTS, NAME=WALL
START, -1e-3, 0.
LINE, 5e-3, 0.
*RIGID BODY, REF NODE=9, ANALYTICAL SURFACE=WALL
*SOLID SECTION, ELSET=ROD, MATERIAL=STEEL
,
*MATERIAL, NAME=STEEL
*DENSITY
7800.,
*ELASTIC
2e11, .3
*PLASTIC, HARDENING=JOHNSON COOK
8e8, 5e8, .26, 1., 1793., 294.
*RATE DEPENDENT, TYPE=JOHNSON COOK
.014, 1.
*INITIAL CONDITIONS, TYPE=VELOCITY
ALL, 2, -100.
*BOUNDARY
AXIS, 1
9, 1, 6
*SURFACE INTERACTION, NAME=SLIDE
*FRICTION
0.1,
*STEP, NLGEOM=YES
*DYNAMIC, EXPLICIT
, 1e-6
*CONTACT PAIR, INTERACTION=SLIDE
SKIN, WALL
*OUTPUT, FIELD, NUMBER INTERVAL=5
*ELEMENT OUTPUT
S, PEEQ
*END STEP
"""
_SOLID = b"""*PART, NAME=BOX
*NODE
1, 0, 0, 0
2, 1, 0, 0
3, 1, 1, 0
4, 0, 1, 0
5, 0, 0, 1
6, 1, 0, 1
7, 1, 1, 1
8, 0, 1, 1
*ELEMENT, TYPE=C3D8R
1, 1, 2, 3, 4,
5, 6, 7, 8
*ELSET, ELSET=E, GENERATE
1, 1, 1
*NSET, NSET=N, GENERATE
1, 4
*SOLID SECTION, ELSET=E, MATERIAL=M
*END PART
*ASSEMBLY, NAME=A
*INSTANCE, NAME=BOX-1, PART=BOX
0., 0., 2.
*END INSTANCE
*END ASSEMBLY
*MATERIAL, NAME=M
*DENSITY
1.,
*USER MATERIAL, CONSTANTS=2
1., 2.
*DEPVAR
2
1, A, "first"
*STEP
*DYNAMIC, EXPLICIT, DIRECT USER CONTROL
1e-3, 1.
*BOUNDARY, TYPE=VELOCITY
BOX-1.N, 3, 3, 2.5
*END STEP
"""
_STATIC = b"""*NODE
1, 0, 0
2, 1, 0
3, 1, 1
4, 0, 1
*ELEMENT, TYPE=CPE4, ELSET=SOIL
1, 1, 2, 3, 4
*NSET, NSET=BOTTOM, GENERATE
1, 2
*SURFACE, NAME=TOP
SOIL, S3
*SOLID SECTION, ELSET=SOIL, MATERIAL=SAND
,
*MATERIAL, NAME=SAND
*ELASTIC
3e7, 0.3
*AMPLITUDE, NAME=RAMP
0., 0., 0.5, 1., 1., .25
*INITIAL CONDITIONS, TYPE=STRESS
SOIL, -1e4, -1e4, -1e4, 0.
*STEP, NLGEOM=NO, INC=50
*STATIC
0.1, 1., 1e-5, 0.2
*BOUNDARY
BOTTOM, ENCASTRE
*DSLOAD, AMPLITUDE=RAMP
TOP, P, 1e5
*OUTPUT, FIELD, TIME INTERVAL=0.5
*NODE OUTPUT
U, RF
*ELEMENT OUTPUT
S, LE
*END STEP
"""
SEEDS = (_AXISYMMETRIC, _SOLID, _STATIC)
_WORDS = (*NUMBERS, *(b"\n*" + name.encode() + b"\n" for name in SUPPORTED), b"1", b"2", b"S1", b"ROD", b"ALL", b"NAME=M",
          b"ELSET=E", b"*", b"**", b"=", b", GENERATE", b"*INCLUDE, INPUT=nowhere.inp\n")  # fmt: skip
_NAMES = (
    "ALL",
    "ROD",
    "AXIS",
    "SKIN",
    "WALL",
    "STEEL",
    "SOIL",
    "TOP",
    "SAND",
    "RAMP",
    "BOX",
    "BOX-1.N",
    "E",
    "N",
    "M",
    "SLIDE",
)
_SECONDS = 10.0  # a read takes some 0.2 ms


def bases() -> SearchStrategy[bytes]:
    """Decks: the cards of a sound one, with some left out, doubled, moved, taken from another or made up."""
    from hypothesis import strategies as st

    cards = [["*" + card.rstrip("\n") for card in seed.decode().split("*")[1:]] for seed in SEEDS]
    pool = [card for deck in cards for card in deck]
    number = st.one_of(
        st.floats().map(repr), st.integers(-3, 12).map(str), st.sampled_from([w.decode("latin-1") for w in NUMBERS])
    )  # fmt: skip
    name = st.one_of(st.sampled_from(_NAMES), st.text(max_size=5))
    values = st.lists(st.one_of(number, name), max_size=9).map(", ".join)

    @st.composite
    def card(draw: DrawFn) -> str:
        keyword = draw(st.sampled_from(sorted(SUPPORTED)))
        head = f"*{keyword}{_parameters(draw, SUPPORTED[keyword], name, number)}"
        return "\n".join([head, *draw(st.lists(values, max_size=3))])

    @st.composite
    def deck(draw: DrawFn) -> bytes:
        found = list(draw(st.sampled_from(cards)))
        for kind in draw(st.lists(st.integers(0, 4), max_size=5)):
            at = draw(st.integers(0, len(found)))
            if kind == 0:
                del found[at : at + 1]
            elif kind == 1:
                found.insert(at, draw(st.sampled_from(pool)))
            elif kind == 2:
                found.insert(at, draw(card()))
            elif kind == 3:
                found[at : at + 1] = [draw(card())]
            elif found:
                found.insert(at, found.pop(draw(st.integers(0, len(found) - 1))))
        return ("\n".join(found) + "\n").encode("utf-8", "replace")

    return deck()


def _parameters(
    draw: DrawFn, keyword: Keyword, name: SearchStrategy[str], number: SearchStrategy[str]
) -> str:
    """Parameters that the keyword has, with values of their kind."""
    from hypothesis import strategies as st

    texts = []
    for parameter, allowed in keyword.parameters.items():
        if parameter not in keyword.required and draw(st.booleans()):
            continue
        if allowed == FLAG:
            texts.append(parameter)
        elif isinstance(allowed, tuple):
            texts.append(f"{parameter}={draw(st.sampled_from(allowed))}")
        else:
            texts.append(f"{parameter}={draw(number if allowed in (INTEGER, NUMBER) else name)}")
    return "".join(f", {text}" for text in texts)


def vary(base: bytes, count: int, source: random.Random) -> Iterator[bytes]:
    """The deck, and mutations of it."""
    yield base
    for _ in range(count - 1):
        yield mutate_lines(base, SEEDS, _WORDS, source)


def seconds(_data: bytes) -> float:
    """Processor time that a read may take."""
    return _SECONDS


def may_end(_data: bytes) -> bool:
    """No deck may end the process."""
    return False


def examine(data: bytes, _scratch: Path) -> None:
    """Raise AssertionError, or whatever the reader lets through, where the reader is wrong."""
    text = data.decode("utf-8", errors="replace")
    try:
        deck = read_deck_text(text, "fuzz.inp")
    except DeckError:
        return
    assert np.isfinite(deck.coordinates).all()
    assert deck.element_count > 0
    for material in deck.materials.values():
        assert np.isfinite(material.density)
        assert material.user is None or np.isfinite(material.user.constants).all()
    again = read_deck_text(deck_text(deck), "again.inp")
    assert np.array_equal(again.node_labels, deck.node_labels)
