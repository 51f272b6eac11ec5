"""`pybridge inspect MODEL --deck`: the block is what our own reader reads back, and what vumat_ asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from abaqus_jobs.rods import taylor_anvil
from pybridge.commands import main
from pybridge.deck.reader import read_deck_text
from pybridge.deck.writer import deck_text, material_lines
from pybridge.deploy.material_block import UNITS
from pybridge.host import HostedVumat, load_vumat, our_library


def block(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    assert main(["inspect", *arguments, "--deck"]) == 0
    return capsys.readouterr().out


def read_back(text: str):
    """The one material of a deck into which the block was pasted in the place of its own."""
    deck = taylor_anvil(elements=100)
    (own,) = deck.materials.values()
    pasted = deck_text(deck).replace("\n".join(material_lines(own)) + "\n", text)
    name = text.split("NAME=")[1].splitlines()[0]
    pasted = pasted.replace(f"MATERIAL={own.name}", f"MATERIAL={name}")
    return read_deck_text(pasted).materials[name]


@pytest.mark.parametrize("units", sorted(UNITS))
def test_block_is_read_back(units: str, model_file: Path, capsys: pytest.CaptureFixture) -> None:
    system = UNITS[units]
    density = 1738.0 / system.density
    text = block(capsys, str(model_file), "--units", units, "--density", repr(density), "--name", "rod")
    material = read_back(text)
    assert material.name == "ROD"
    assert material.density == pytest.approx(density, rel=1e-12)
    assert material.user.constants == pytest.approx((system.stress, system.time), rel=1e-12)
    assert material.user.state_size == 25
    assert [s.number for s in material.user.state_names] == list(range(1, 26))
    assert material.user.state_names[0].name == "PCA_COEFFICIENT_1"
    assert (material.user.state_names[24].name, material.user.state_names[24].description) == (
        "UNRELIABLE", "1 once outside the domain [1]",
    )  # fmt: skip


def test_vumat_takes_the_block(model_file: Path, capsys: pytest.CaptureFixture) -> None:
    material = read_back(
        block(capsys, str(model_file), "--density", "1738.", "--units", "mm-tonne-s", "--name", "BLOCK")
    )
    hosted = HostedVumat(
        load_vumat(our_library("float64")), material.name, material.user.constants, model_file=model_file
    )
    assert hosted.state_size == material.user.state_size
    assert hosted.elastic_moduli.bulk == pytest.approx(36e9 / 1e6)  # the card's 36 GPa in MPa


def test_units_are_consistent() -> None:
    """Newton's law in each system: a stress over a density is a speed squared."""
    for system in UNITS.values():
        assert system.stress / system.density == pytest.approx((system.length / system.time) ** 2)
    assert (UNITS["mm-tonne-s"].stress, UNITS["cm-g-us"].stress) == pytest.approx((1e6, 1e11))


def test_third_constant_and_errors(model_file: Path, capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    text = block(capsys, str(model_file), "--density", "1738.", "--stop-if-unreliable")
    assert read_back(text).user.constants == (1.0, 1.0, 1.0)
    for arguments, message in (
        ([str(model_file)], "does not say its density; give it with --density"),
        ([str(model_file), "--density", "-1"], "--density -1: expected more than 0"),
        ([str(model_file), "--density", "1", "--name", "ABQ_X"], "not beginning with ABQ_"),
        ([str(tmp_path / "data.h5")], "--deck is for model files"),
    ):
        assert main(["inspect", *arguments, "--deck"]) == 2
        assert message in capsys.readouterr().err
