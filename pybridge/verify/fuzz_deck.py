"""The deck reader under mutated decks: DeckError, or a deck of finite numbers that can be written and read back."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from pybridge.deck.reader import read_deck_text
from pybridge.deck.supported import SUPPORTED
from pybridge.deck.writer import deck_text
from pybridge.errors import DeckError
from pybridge.verify.mutate import NUMBERS, mutate_lines

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
SEEDS = (_AXISYMMETRIC, _SOLID)
_WORDS = (*NUMBERS, *(b"\n*" + name.encode() + b"\n" for name in SUPPORTED), b"1", b"2", b"S1", b"ROD", b"ALL", b"NAME=M",
          b"ELSET=E", b"*", b"**", b"=", b", GENERATE", b"*INCLUDE, INPUT=nowhere.inp\n")  # fmt: skip


def make(source: random.Random) -> bytes:
    """A mutated deck."""
    return mutate_lines(source.choice(SEEDS), SEEDS, _WORDS, source)


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
