"""The materials of the problems: the classical law beside the learned one has seen the same polycrystal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abaqus_jobs.materials import magnesium_johnson_cook
from pybridge._core import make_law
from pybridge.commands import main
from pybridge.deck.model import JohnsonCook
from pybridge.deck.reader import read_deck


def test_johnson_cook_has_the_moduli_of_the_crystal() -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [2.0], "float64").elastic_moduli
    young, poisson = magnesium_johnson_cook().elastic.young, magnesium_johnson_cook().elastic.poisson
    assert young / (3 * (1 - 2 * poisson)) == pytest.approx(crystal.bulk, rel=1e-12)
    assert young / (2 * (1 + poisson)) == pytest.approx(crystal.shear, rel=1e-12)


def flow_stress(law: JohnsonCook, plastic: np.ndarray, rate: float) -> np.ndarray:
    return (law.a + law.b * plastic**law.n) * (1 + law.c * np.log(max(rate / law.reference_rate, 1.0)))


def test_johnson_cook_is_what_calibrate_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = tmp_path / "jc.inp"
    assert main(["calibrate", "taylor", "--material", "FITTED", "--out", str(block)]) == 0
    assert "8.7 % (rms)" in capsys.readouterr().out
    whole = tmp_path / "deck.inp"
    whole.write_text(
        "*HEADING\na cube\n*NODE\n1,0,0,0\n2,1,0,0\n3,1,1,0\n4,0,1,0\n5,0,0,1\n6,1,0,1\n7,1,1,1\n8,0,1,1\n"
        "*ELEMENT, TYPE=C3D8R, ELSET=ALL\n1,1,2,3,4,5,6,7,8\n*SOLID SECTION, ELSET=ALL, MATERIAL=FITTED\n"
        + block.read_text()
        + "*STEP\n*DYNAMIC, EXPLICIT\n, 1e-6\n*END STEP\n"
    )
    found = read_deck(whole).materials["FITTED"]
    mine = magnesium_johnson_cook()
    assert found.density == mine.density
    assert found.elastic.young == pytest.approx(mine.elastic.young, rel=1e-6)
    # Flow stresses are what a fit fixes; the shipped constants are rounded to three digits.
    plastic = np.array([0.02, 0.1, 0.3])
    assert isinstance(found.plastic, JohnsonCook)
    assert isinstance(mine.plastic, JohnsonCook)
    for rate in (1e4, 1e5, 1e6):
        np.testing.assert_allclose(
            flow_stress(mine.plastic, plastic, rate), flow_stress(found.plastic, plastic, rate), rtol=3e-3
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--rates", "fast"], "--rates fast"),
        (["--rates", "1e4,-1"], "above zero"),
        (["--strain", "7"], "--strain 7"),
    ],
)
def test_calibrate_says_what_it_expected(
    given: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "taylor", *given]) != 0
    assert message in capsys.readouterr().err
