"""The comparison of materials on one impact: its measures, and the whole of it on a very small problem."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from abaqus_jobs.impact_check import compare_materials, fixed_increment
from abaqus_jobs.materials import magnesium_johnson_cook
from abaqus_jobs.measures import element_volumes, relative_l2, rod_shape, split_stress
from abaqus_jobs.plate import plate_impact
from abaqus_jobs.rods import taylor_anvil
from pybridge.deck.reader import read_deck
from pybridge.errors import ConfigError
from pybridge.results import read_results

SMALL = partial(taylor_anvil, elements=12, height=1e-3, time=1e-7, intervals=2)


def test_relative_error_is_weighted() -> None:
    reference = np.array([[3.0, 4.0], [0.0, 10.0]])
    value = reference + np.array([[1.0, 0.0], [0.0, 2.0]])
    assert relative_l2(value, reference, np.ones(2)) == pytest.approx(np.sqrt(5 / 125))
    assert relative_l2(value, reference, np.array([1.0, 0.0])) == pytest.approx(0.2)


def test_split_stress_keeps_the_norm(rng: np.random.Generator) -> None:
    stress = rng.normal(size=(7, 6))
    deviator, mean = split_stress(stress)
    full = (stress[:, :3] ** 2).sum(1) + 2 * (stress[:, 3:] ** 2).sum(1)
    np.testing.assert_allclose((deviator**2).sum(1) + 3 * mean**2, full, rtol=1e-13)
    np.testing.assert_allclose(deviator[:, :3].sum(1), 0.0, atol=1e-14)


def test_three_materials_on_one_mesh(tmp_path: Path, model_file: Path) -> None:
    arguments = {
        "crystal_constants": [2.0],
        "progress": False,
        "targets": {"johnson_cook_energy_error": "<= 0.03"},  # four steps in all
    }
    report = compare_materials(SMALL, model_file, tmp_path, name="small", **arguments)
    assert report.passed
    figures = {name: figure.value for name, figure in report.figures.items()}
    decks = {name: read_deck(tmp_path / f"{name}.inp") for name in ("johnson_cook", "learned", "fine_scale")}
    results = {name: read_results(tmp_path / f"{name}.h5") for name in decks}
    increments = {deck.step.increment for deck in decks.values()}
    assert increments == {fixed_increment(SMALL(magnesium_johnson_cook()))}
    assert len({tuple(r.times) for r in results.values()}) == 1
    # The learned one is a fluid without deviator, which the crystal is not: the error of its deviator is all of it.
    assert figures["error_stress_deviatoric"] == pytest.approx(1.0, abs=1e-3)
    assert figures["error_mises"] == pytest.approx(1.0, abs=1e-3)
    assert 0 < figures["error_stress_volumetric"] < 1
    a, b = results["learned"].node("displacement"), results["fine_scale"].node("displacement")
    assert figures["error_displacement"] == pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(b), rel=1e-9)
    # It says that it knows strains up to 0.2 %; the foot has more.
    flagged = results["learned"].element("unreliable_so_far")
    assert 0 < figures["share_of_points_flagged"] == flagged.mean() < 1
    assert figures["largest_mises_error_at_z"] < 1.0
    shape = rod_shape(decks["learned"], results["learned"])
    assert figures["learned_length"] == pytest.approx(1e3 * shape.length)
    assert shape.length == pytest.approx(1e-3 - 200 * 1e-7, rel=2e-3)
    stamp = (tmp_path / "fine_scale.h5").stat().st_mtime_ns
    again = compare_materials(SMALL, model_file, tmp_path, name="small", reuse=True, **arguments)
    assert (tmp_path / "fine_scale.h5").stat().st_mtime_ns == stamp
    assert again.figures == report.figures


def test_volumes_of_elements(tmp_path: Path) -> None:
    compare_materials(SMALL, None, tmp_path, fine_scale=False, progress=False)
    results = read_results(tmp_path / "johnson_cook.h5")
    corners = 4 * round(len(read_deck(tmp_path / "johnson_cook.inp").node_sets["RIM"]) / 4)
    area = 0.5 * corners * np.sin(2 * np.pi / corners) * 0.5e-3**2
    assert element_volumes(results).sum() == pytest.approx(area * 1e-3, rel=1e-9)


def test_plate_reports_its_deflection(tmp_path: Path) -> None:
    small = partial(plate_impact, elements=32, time=2e-7, intervals=2)
    report = compare_materials(small, None, tmp_path, fine_scale=False, progress=False)
    assert 0 <= report.figures["johnson_cook_deflection"].value < 0.2


def test_a_missing_model_is_said_before_anything_is_lost(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such model file"):
        compare_materials(SMALL, tmp_path / "gone.pt", tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
