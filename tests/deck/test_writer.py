"""Write, read, compare; and decks broken at random: an error of the reader's own, or a deck, never anything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abaqus_jobs.materials import user_material
from abaqus_jobs.plate import plate_impact
from abaqus_jobs.rods import copper_rod, taylor_anvil
from pybridge.deck.compare import differences
from pybridge.deck.model import (
    Deck,
    Elastic,
    ExplicitStep,
    FieldOutput,
    HistoryOutput,
    InitialTemperature,
    JohnsonCook,
    MaterialDefinition,
    NodeSurface,
    PlasticTable,
    RigidPlane,
    SectionControls,
    StateName,
    UserMaterial,
    unit,
)
from pybridge.deck.reader import read_deck, read_deck_text
from pybridge.deck.supported import SUPPORTED
from pybridge.deck.writer import deck_text, number, write_deck
from pybridge.errors import DeckError

SMALL = {
    "solid": lambda: taylor_anvil(elements=8, height=1e-3, controls=SectionControls("EC", "COMBINED", 0.7, 1.0, 0.5, 0.3)),
    "axisymmetric": lambda: copper_rod("CAX4R", across=2, layers=4),
    "driven cylinder": lambda: plate_impact(elements=12),
    "free cylinder": lambda: plate_impact(elements=12, mass=0.02),
}  # fmt: skip

positive = st.floats(1e-12, 1e12, allow_subnormal=False)
unsigned = st.floats(0.0, 1e12, allow_subnormal=False)
signed = st.floats(-1e12, 1e12, allow_subnormal=False)
names = st.from_regex(r"[A-Z][A-Z0-9_\-]{0,20}", fullmatch=True)


@pytest.mark.parametrize("name", SMALL)
def test_problems_read_back_equal(name: str, tmp_path: Path) -> None:
    deck = SMALL[name]()
    write_deck(deck, tmp_path / "deck.inp")
    assert differences(deck, read_deck(tmp_path / "deck.inp")) == []


def test_differences_notices_what_changes() -> None:
    deck = SMALL["solid"]()
    moved = deck.coordinates.copy()
    moved[3, 2] += 1e-12
    for other in (
        replace(deck, coordinates=moved),
        replace(deck, step=replace(deck.step, time=2e-6)),
        replace(deck, boundaries=deck.boundaries[1:]),
        replace(deck, node_sets=dict(list(deck.node_sets.items())[1:])),
        replace(deck, materials={}),
    ):
        assert differences(deck, other)


@given(signed)
def test_numbers_fit_abaqus_fields(value: float) -> None:
    text = number(value)
    assert len(text) <= 20
    assert float(text) == pytest.approx(value, rel=1e-12)


@st.composite
def materials(draw: st.DrawFn) -> MaterialDefinition:
    name, density = draw(names), draw(positive)
    if draw(st.booleans()):
        constants = tuple(draw(st.lists(signed, max_size=20)))
        size = draw(st.integers(0, 12))
        numbers = draw(st.lists(st.integers(1, size), unique=True, max_size=size)) if size else []
        text = st.text("abc ,/[]=*xyz", max_size=12).map(str.strip)
        states = tuple(StateName(i, draw(names), draw(text)) for i in numbers)
        return MaterialDefinition(name, density, user=UserMaterial(constants, size, states))
    elastic = Elastic(draw(positive), draw(st.floats(-0.9, 0.49)))
    heat = draw(st.none() | positive)
    fraction = draw(st.none() | st.floats(0.0, 1.0, allow_subnormal=False))
    kind = draw(st.sampled_from(["none", "table", "jc"]))
    if kind == "none":
        return MaterialDefinition(name, density, elastic, None, None, heat, fraction)
    if kind == "table":
        strains = [0.0, *np.cumsum(draw(st.lists(st.floats(1e-3, 1.0), max_size=4))).tolist()]
        rows = tuple((draw(positive), strain) for strain in strains)
        return MaterialDefinition(name, density, elastic, PlasticTable(rows), None, heat, fraction)
    a, b, n, m, t, c = (draw(st.floats(1e-3, 1e6)) for _ in range(6))
    c = draw(st.sampled_from([0.0, c]))
    law = JohnsonCook(a, b, n, m, t + 1.0, t, c, draw(positive) if c else 1.0)
    return MaterialDefinition(name, density, elastic, law, None, heat, fraction)


@st.composite
def steps(draw: st.DrawFn) -> ExplicitStep:
    time = draw(positive)
    inside = st.none() | st.floats(1e-3, 1.0).map(lambda share: share * time)
    fields = st.builds(
        FieldOutput,
        st.integers(1, 999),
        st.lists(st.sampled_from(["U", "V", "A"]), min_size=1, unique=True).map(tuple),
        st.lists(st.sampled_from(["S", "SDV", "PEEQ"]), unique=True).map(tuple),
    )
    histories = st.one_of(
        st.builds(
            HistoryOutput, st.just("energy"), st.just(("ALLKE", "ETOTAL")), st.just(""), st.integers(1, 999)
        ),
        st.builds(
            HistoryOutput, st.just("node"), st.just(("U1", "V")), st.just("RIGID_NODE"), st.integers(1, 999)
        ),
        st.builds(
            HistoryOutput, st.just("element"), st.just(("MISES",)), st.just("ALL"), st.integers(1, 999)
        ),
    )
    return ExplicitStep(
        draw(names), time, draw(inside), draw(inside), draw(st.floats(0.1, 1.0)), draw(st.booleans()),
        draw(st.floats(0.0, 2.0)), draw(st.floats(0.0, 2.0)),
        tuple(draw(st.lists(fields, max_size=2))), tuple(draw(st.lists(histories, max_size=3))),
    )  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(materials(), steps(), st.sampled_from(sorted(SMALL)), st.data())
def test_any_deck_reads_back_equal(
    material: MaterialDefinition, step: ExplicitStep, base: str, data: st.DataObject
) -> None:
    deck = _base(base)
    nodes = np.array(sorted(data.draw(st.sets(st.integers(0, 8), min_size=1))))
    surfaces = {**deck.surfaces, "SOME": NodeSurface("SOME", nodes)}
    if base == "solid":
        surfaces["WALL"] = _tilted(data.draw(st.floats(0.0, 6.0)), data.draw(st.floats(0.1, 3.0)))
    deck = replace(
        deck,
        materials={material.name: material},
        sections=(replace(deck.sections[0], material=material.name),),
        step=step,
        surfaces=surfaces,
        node_sets={**deck.node_sets, "DRAWN": nodes},
        initial_temperatures=(InitialTemperature("DRAWN", nodes, data.draw(signed)),),
        heading=data.draw(st.text("abc 123", max_size=20)).strip(),
    )
    # 1e-9: the frame of a tilted plane is written as three points of 13 digits.
    assert differences(deck, read_deck_text(deck_text(deck)), rtol=1e-9) == []


def _tilted(angle: float, tilt: float) -> RigidPlane:
    normal = unit((np.sin(tilt) * np.cos(angle), np.sin(tilt) * np.sin(angle), np.cos(tilt)))
    along = unit(np.cross(normal, (0.3, 0.5, 0.8123)))
    return RigidPlane("WALL", (0.1, -0.2, 0.3), normal, along, 0.7)


_BASES: dict[str, Deck] = {}


def _base(name: str) -> Deck:
    return _BASES.setdefault(name, SMALL[name]())


WORDS = [
    "*", "**", ",", ", ,", "=", "1", "-1", "0", "1e308", "1e999", "nan", "1.D-3", "99999999999999999999", "²", "\x00", "é",
    '"', "FOOT", "ALL", "WALL", "START", "LINE", "GENERATE", "*NODE", "*END STEP", "*ELEMENT, TYPE=MASS", "*INCLUDE, INPUT=.",
    "\n", " ",
]  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A written deck with a few lines dropped, doubled, swapped, cut or spoiled."""
    lines = deck_text(_base(draw(st.sampled_from(sorted(SMALL))))).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(lines) - 1))
        j = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["drop", "double", "swap", "cut", "spoil", "keyword"]))
        if how == "drop" and len(lines) > 1:
            del lines[i]
        elif how == "double":
            lines.insert(j, lines[i])
        elif how == "swap":
            lines[i], lines[j] = lines[j], lines[i]
        elif how == "cut":
            lines[i] = lines[i][: draw(st.integers(0, len(lines[i])))]
        elif how == "spoil":
            parts = lines[i].split(",")
            parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from(WORDS))
            lines[i] = ",".join(parts)
        else:
            lines.insert(i, "*" + draw(st.sampled_from(sorted(SUPPORTED))))
    return "\n".join(lines)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken())
def test_a_broken_deck_is_a_deck_error_or_a_deck(text: str) -> None:
    try:
        deck = read_deck_text(text, "broken.inp")
    except DeckError:
        return
    assert np.isfinite(deck.coordinates).all()
    assert deck.element_count > 0
    assert differences(deck, read_deck_text(deck_text(deck)), rtol=1e-9) == []


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_a_deck_error(text: str) -> None:
    with pytest.raises(DeckError):
        read_deck_text(text)


def test_state_schema_becomes_depvar() -> None:
    class Variable:
        def __init__(self, name: str, count: int) -> None:
            self.name, self.count, self.unit, self.description = name, count, "1", "of a, test"

    material = user_material("net", 1e4, [1.0] * 9, [Variable("pca", 2), Variable("flag", 1)])
    deck = replace(
        _base("solid"),
        materials={"NET": material},
        sections=(replace(_base("solid").sections[0], material="NET"),),
    )
    user = read_deck_text(deck_text(deck)).materials["NET"].user
    assert user is not None
    assert user.state_size == 3
    assert len(user.constants) == 9
    assert [s.name for s in user.state_names] == ["PCA_1", "PCA_2", "FLAG"]
