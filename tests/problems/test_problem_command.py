"""`pybridge problem`: values by name and type, the problem's own procedure, what it lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from abaqus_jobs import soils
from abaqus_jobs.commands._values import parameters, parsed, worded
from abaqus_jobs.commands.problem import all_problems, listed
from abaqus_jobs.soils import Procedure
from pybridge.commands import main
from pybridge.deck.compare import differences
from pybridge.deck.model import Deck, StaticStep
from pybridge.deck.reader import read_deck
from pybridge.errors import ConfigError


def deck(folder: Path, *words: str) -> Deck:
    """The deck that `pybridge problem` writes with these words."""
    path = folder / "problem.inp"
    assert main(["problem", *words, "--out", str(path), "--overwrite"]) == 0
    return read_deck(path)


def held(written: Deck, region: str) -> set[int]:
    """Directions in which a node set does not move."""
    own = [
        b for b in written.boundaries if b.region == region and not b.displacement and b.kind != "velocity"
    ]
    return {axis for b in own for axis in range(b.first, b.last + 1)}


def test_words_are_read_by_the_type_of_the_parameter() -> None:
    def function(
        flag: bool = True, whole: int = 1, number: float = 1.0, word: str = "a", perhaps: int | None = None,
        pairs: tuple[tuple[float, float], ...] = (), other: dict | None = None,
    ) -> None:  # fmt: skip
        """`other` cannot be given as a word."""

    for text in ("false", "no", "OFF", "0"):
        assert parsed(function, [f"flag={text}"], "--set") == {"flag": False}
    for text in ("true", "Yes", "on", "1"):
        assert parsed(function, [f"flag={text}"], "--set") == {"flag": True}
    words = ["whole=3", "number=4", "word=5", "perhaps=6", "pairs=0:1,1:2.5"]
    values = parsed(function, words, "--set")
    assert values == {"whole": 3, "number": 4.0, "word": "5", "perhaps": 6, "pairs": ((0.0, 1.0), (1.0, 2.5))}
    assert [type(v) for v in values.values()] == [int, float, str, int, tuple]
    assert parsed(function, ["perhaps=none"], "--set") == {"perhaps": None}
    assert [f"{key}={worded(value)}" for key, value in values.items()] == words
    assert worded(True) == "true"
    assert worded(None) == "none"
    assert "other" not in parameters(function)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wall", "--set", "rough=maybe"], "--set rough=maybe: expected true or false"),
        (["footing", "--set", "triangles=abc"], "--set triangles=abc: expected a whole number"),
        (["wall", "--set", "columns=2.5"], "--set columns=2.5: expected a whole number"),
        (["biaxial", "--set", "pressure=abc"], "--set pressure=abc: expected a number"),
        (["biaxial", "--set", "pressure=nan"], "--set pressure=nan: expected a number"),
        (["biaxial", "--set", "element="], "--set element=: expected a word"),
        (["biaxial", "--set", "curve=0:1:2"], "--set curve=0:1:2: expected pairs of numbers"),
        (["biaxial", "--set", "curve=0:1,0.5:2"], "the load growing from 0 to 1"),
        (["copper-rod", "--set", "layers=x"], "--set layers=x: expected a whole number or none"),
        (["copper-rod", "--set", "layers=-1"], "layers = -1: expected a number above 0"),
        (["copper-rod", "--set", "radius=300"], "height over width"),
        (["plate-impact", "--set", "mass=-1"], "mass = -1: expected 0 (infinite) or more"),
        (["taylor-anvil", "--set", "intervals=0"], "expected 1 or more intervals"),
        (["biaxial-explicit", "--set", "height=1e9"], "up to 1000 times each other"),
        (["wall", "--set", "rough"], "--set rough: expected KEY=VALUE with a key of columns, rows"),
        (["wall", "--set", "colums=4"], "unknown key 'colums'; did you mean columns? expected one of columns, rows"),
        (["wall-explicit", "--set", "xyz=1"], "unknown key 'xyz'; expected one of columns, rows"),
        (["wall", "--set", "material=SOIL"], "unknown key 'material'"),
        (["wall", "--set", "rows=4", "--set", "rows=5"], "--set rows=5: rows is given twice"),
        (["wall", "--procedure", "steps=few"], "--procedure steps=few: expected a whole number"),
        (["wall", "--procedure", "step=5"], "unknown key 'step'; did you mean steps?"),
        (["wall", "--density", "0"], "--density 0: expected more than 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(words, said, tmp_path, capsys) -> None:
    path = tmp_path / "a.inp"
    assert main(["problem", *words, "--out", str(path)]) == 2
    assert said in capsys.readouterr().err
    assert not path.exists()


def test_rough_and_smooth(tmp_path) -> None:
    """Whether what is moved holds the soil along itself, asked for either way; the defaults are the papers'."""
    regions = {"biaxial": ("TOP", 1), "footing": ("FOOTING", 1), "wall": ("WALL", 2), "triaxial": ("TOP", 1)}
    defaults = {"wall": False}
    for name in soils.PROBLEMS:
        base = name.removesuffix("-explicit")
        region, along = regions[base]
        size = ["triangles=80"] if name.endswith("explicit") else []
        for text, rough in (("no", False), ("false", False), ("yes", True), ("true", True)):
            assert (along in held(deck(tmp_path, name, "--set", f"rough={text}", *size), region)) is rough
        rough = along in held(deck(tmp_path, name), region)
        assert rough is defaults.get(name, True)
    smooth = deck(tmp_path, "biaxial", "--set", "rough=no")
    # one corner stays, so that the body cannot move away
    assert held(smooth, "BOTTOM") == {2}
    assert held(smooth, "CORNER") == {1}


def test_a_wall_with_no_node_below_its_foot(tmp_path) -> None:
    """The only one there is the corner, which the bottom holds: nothing names a set that is not there."""
    assert "BELOW" not in deck(tmp_path, "wall-explicit", "--set", "triangles=80").node_sets
    assert held(deck(tmp_path, "wall-explicit"), "BELOW") == {1, 2}


def test_several_set_options_add_up(tmp_path) -> None:
    assert deck(tmp_path, "wall", "--set", "columns=4", "--set", "rows=3").element_count == 12


def test_values_of_the_explicit_problems(tmp_path) -> None:
    """They take the parameters of the problem that they vary."""
    assert (
        "half width 0.4 m on 4 x 2 m"
        in deck(tmp_path, "footing-explicit", "--set", "half_footing=0.4").heading
    )
    curve = deck(tmp_path, "biaxial", "--set", "curve=0:1,0.5:1.4,1:0.9").amplitudes["HOLD"]
    assert (curve.times, curve.values) == ((0.0, 0.5, 1.0), (1.0, 1.4, 0.9))


def test_a_density_keeps_the_material_of_the_problem(tmp_path) -> None:
    for name, material in (("taylor-anvil", "MAGNESIUM"), ("copper-rod", "COPPER"), ("wall", "SOIL")):
        size = ["--set", "elements=12"] if name == "taylor-anvil" else []
        (found,) = deck(tmp_path, name, "--density", "1738", *size).materials.values()
        assert found.name.startswith(material)
        assert found.density == 1738
    with pytest.raises(ConfigError, match="x: expected KEY=VALUE"):
        parsed(soils.wall, ["x"], "--set")


OWN = {
    "biaxial": Procedure(steps=100),
    "biaxial-explicit": Procedure(time=1.0, alpha=20.0, mass_scale=100.0),
    "footing": Procedure(steps=58),
    "footing-explicit": Procedure(speed=0.1, alpha=30.0),
    "wall": Procedure(steps=100),
    "wall-explicit": Procedure(speed=0.1, alpha=20.0),
    "triaxial": Procedure(steps=100),
}
CHANGES = {
    "steps": 7, "time": 0.2, "speed": 0.05, "alpha": 3.0, "mass_scale": 5.0, "increment": 2e-5, "intervals": 9,
}  # fmt: skip


def how_it_runs(written: Deck) -> dict[str, float | None]:
    """What a deck says of its procedure."""
    (material,) = written.materials.values()
    step = written.step
    found: dict[str, float | None] = {"intervals": step.field_outputs[0].intervals}
    if isinstance(step, StaticStep):
        return found | {"steps": round(1 / step.increment)}
    found |= {"alpha": material.damping, "mass_scale": material.density / soils.SOIL.density}
    return found | {"time": step.time, "increment": step.increment}


@pytest.mark.parametrize(("name", "key"), [(n, k) for n in OWN for k in (*OWN[n].keys, "")])
def test_a_procedure_changes_what_is_named_and_nothing_else(name, key, tmp_path) -> None:
    ways = {"biaxial-explicit": 0.01, "footing-explicit": 0.15, "wall-explicit": 0.26}
    own = OWN[name]
    words = ["--procedure", f"{key}={CHANGES[key]}"] if key else []
    if name.endswith("explicit"):
        words += ["--set", "triangles=80"]
        time = own.time or ways[name] / 0.1
        own_values = {"time": time, "alpha": own.alpha, "mass_scale": own.mass_scale, "increment": None}
    else:
        own_values = {"steps": own.steps}
    change = {"time": ways[name] / 0.05} if key == "speed" else {key: CHANGES[key]} if key else {}
    expected = own_values | {"intervals": 20} | change
    assert how_it_runs(deck(tmp_path, name, *words)) == pytest.approx(expected)


def test_every_problem_of_soil_is_among_these() -> None:
    assert set(OWN) == set(soils.PROBLEMS)


def test_a_procedure_that_does_not_fit_is_said(tmp_path, capsys) -> None:
    for name, words, said in (
        ("footing", ["alpha=5"], "--procedure: alpha: of no use in a step that is static; expected steps, intervals"),
        ("footing-explicit", ["time=1", "speed=1"], "expected one of the two"),
        ("wall-explicit", ["increment=-1"], "out of range"),
        ("wall", ["intervals=0"], "out of range"),
        ("plate-impact", ["time=1"], "--procedure goes with the problems of soil: biaxial"),
    ):  # fmt: skip
        assert main(["problem", name, "--procedure", *words, "--out", str(tmp_path / "a.inp")]) == 2
        assert said in capsys.readouterr().err


def test_list_says_parameters_and_defaults(tmp_path, capsys) -> None:
    assert main(["problem", "footing-explicit", "--list"]) == 0
    said = capsys.readouterr().out
    for words in (
        "footing-explicit\n  --set",
        " half_footing=0.3 ",
        " pressure=100000\n",
        " rough=true",
        "[WANG26] 3.1",
    ):
        assert words in said
    assert "--procedure time=none speed=0.1 alpha=30 mass_scale=1 increment=none intervals=20" in said
    assert main(["problem", "--list"]) == 0
    everything = capsys.readouterr().out
    for name in all_problems():
        assert f"{name}\n" in everything
    assert main(["problem", "wall"]) == 2
    assert "--out FILE.inp is missing" in capsys.readouterr().err
    assert main(["problem", "--out", str(tmp_path / "a.inp")]) == 2
    assert "no problem named: expected one of biaxial" in capsys.readouterr().err


@pytest.mark.parametrize("name", all_problems())
def test_what_is_listed_gives_the_same_deck(name, tmp_path) -> None:
    """Every listed word can be given back, and the deck is that of the defaults."""
    lines = " ".join(listed(name, all_problems()[name])[1:]).split()
    again = deck(tmp_path, name, *lines)
    assert differences(deck(tmp_path, name), again) == []


def test_docs_have_what_is_listed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "problems.md").read_text()
    assert "\n".join(line for n, f in all_problems().items() for line in listed(n, f)) in page
