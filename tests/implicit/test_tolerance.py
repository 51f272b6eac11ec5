"""The tolerance that is asked for is had, or it is told in how many steps it was not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abaqus_jobs import soils
from abaqus_jobs.soils import SOIL, Procedure
from pybridge.commands import main
from pybridge.deck.model import PlasticTable
from pybridge.deck.writer import deck_text
from pybridge.results.reader import read_results


@pytest.fixture
def command(tmp_path, capsys):
    """command(...): `pybridge run` of plastic soil between rough ends with its virgin moduli, five steps; what it prints
    and the residuals of its steps."""
    soil = replace(SOIL, plastic=PlasticTable(((1e5, 0.0), (2e5, 0.1))))
    made = soils.biaxial(soil, columns=1, rows=2, strain=0.01, procedure=Procedure(steps=5))
    deck = tmp_path / "a.inp"
    deck.write_text(deck_text(made))

    def run(*words: str, code: int = 0) -> tuple[str, np.ndarray]:
        given = [
            "run",
            str(deck),
            "--out",
            str(tmp_path),
            "--quiet",
            "--overwrite",
            "--stiffness",
            "elastic",
            *words,
        ]
        assert (main(given) == 0) == (code == 0)
        said = capsys.readouterr()
        data = read_results(tmp_path / "a.h5")
        return said.out + said.err, np.array(data.history["residual"][1:])

    return run


def test_the_summary_says_what_the_residuals_are(command) -> None:
    said, residual = command("--tolerance", "1e-3", "--iterations", "80")
    assert residual.max() <= 1e-3
    told = f"mean {residual.mean():.1e}, largest {residual.max():.1e}, tolerance 0.001"
    assert f"residual over the reactions: {told}\n" in said
    assert "imbalance" not in said


def test_steps_above_the_tolerance_are_counted(command) -> None:
    """Ten iterations that find no balance, with and without the leave to take what is near one."""
    words = ["--tolerance", "1e-11", "--iterations", "10"]
    said, residual = command(*words, "--loose", "0.05")
    over = int((residual > 1e-11).sum())
    assert over > 0
    assert 1e-9 < residual.max() <= 0.05
    assert f"{over} of {len(residual)} steps carried an imbalance above the tolerance: largest" in said
    assert "up to 0.05 was taken (--loose)" in said
    said, residual = command(*words)
    assert len(residual) > 5  # cut
    assert residual.max() <= 6e-11
    assert f"{(residual > 1e-11).sum()} of {len(residual)} steps carried an imbalance" in said
    said, _ = command(*words[:2], "--iterations", "2", code=1)
    assert "a looser tolerance (--steps, --iterations, --tolerance, --loose)" in said


def test_residuals_that_were_not_asked_for_are_told_so(command) -> None:
    said, residual = command("--measure", "displacement", "--tolerance", "1e-6")
    assert residual.max() > 1e-6
    assert f"{int((residual > 1e-6).sum())} of 5 steps carried" in said
    assert "--measure displacement does not ask for it" in said


def test_a_loose_limit_below_the_tolerance_is_refused(command) -> None:
    command()
    said, _ = command("--loose", "1e-4", code=1)
    assert (
        "loose 0.0001 (residual of a step that is taken without balance): expected from the tolerance, 0.01"
        in said
    )
