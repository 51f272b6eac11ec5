"""The checks of noise and of the parametric study, on very small rods."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from abaqus_jobs import parametric_pictures
from abaqus_jobs.cases import run_case
from abaqus_jobs.impact_check import LEARNED, learned_material
from abaqus_jobs.materials import magnesium_johnson_cook
from abaqus_jobs.measures import rod_shape
from abaqus_jobs.noise_check import (
    PERTURBATION,
    change_of_shape,
    noise_check,
    outline,
    perturbed,
    shortest_edge,
)
from abaqus_jobs.parametric import Series, largest_strain, run_series
from abaqus_jobs.rods import taylor_anvil
from pybridge.errors import ConfigError, SolverError
from pybridge.results import read_results

SMALL = partial(taylor_anvil, elements=60, height=2e-3, time=4e-7, intervals=2)


def test_nodes_are_moved_at_random_by_a_part_of_an_edge() -> None:
    deck = SMALL()
    edge = shortest_edge(deck)
    assert 1e-4 < edge < 5e-4
    moved = perturbed(deck, 1e-3, 1).coordinates - deck.coordinates
    assert np.abs(moved[-1]).max() == 0  # the wall's node stays
    assert 0.9e-3 * edge < np.abs(moved).max() <= 1e-3 * edge
    assert np.abs(moved[:-1].mean()) < 2e-4 * edge
    assert np.abs(perturbed(deck, 1e-3, 2).coordinates - deck.coordinates - moved).max() > 1e-4 * edge


def test_the_outline_is_the_outer_surface() -> None:
    deck = SMALL()
    nodes = outline(deck)
    radius = np.hypot(*deck.coordinates[nodes, :2].T)
    np.testing.assert_allclose(radius, 0.5e-3, rtol=1e-9)
    layers = len(np.unique(deck.coordinates[deck.node_sets["BODY"], 2].round(9)))
    assert len(nodes) == layers * len(deck.node_sets["RIM"])


def test_changes_of_shape_are_measured(tmp_path: Path) -> None:
    """Another velocity changes the shape by what the two results say."""
    cases = [run_case(SMALL(velocity=v), tmp_path, f"v{v:g}", progress=False) for v in (200.0, 210.0)]
    found = change_of_shape(*cases)
    ends = [c.results.mesh.coordinates + c.results.node("displacement") for c in cases]
    tail = cases[0].deck.node_sets["TAIL"]
    assert found["length"] == pytest.approx(10 * 4e-7 / (2e-3 - 200 * 4e-7), rel=0.05)
    rim = cases[0].deck.node_sets["FOOT"]
    radii = [np.hypot(x[rim, 0], x[rim, 1]).max() for x in ends]
    assert found["foot_radius"] == pytest.approx(radii[1] / radii[0] - 1, rel=1e-9)
    assert found["foot_radius"] > 1e-3
    nodes = np.intersect1d(tail, outline(cases[0].deck))
    apart = np.abs(ends[0][nodes, 2] - ends[1][nodes, 2]).max() / 0.5e-3
    assert found["profile"] >= apart * (1 - 1e-9)
    assert found["profile"] == pytest.approx(10 * 4e-7 / 0.5e-3, rel=0.2)
    assert found["turn"] < 1e-2 * found["profile"]


def test_a_turn_about_the_axis_is_no_change_of_shape(tmp_path: Path) -> None:
    case = run_case(SMALL(), tmp_path, "plain", progress=False)
    angle = 0.02
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])

    class Turned:
        mesh, element_fields = case.results.mesh, ()

        def node(self, name: str, frame: int = -1) -> np.ndarray:
            now = self.mesh.coordinates + case.results.node(name, frame)
            return now @ turn.T - self.mesh.coordinates

    found = change_of_shape(case, replace(case, results=Turned()))  # type: ignore[arg-type]
    assert found["profile"] < 1e-12
    assert found["length"] < 1e-12
    foot = rod_shape(case.deck, case.results).foot_radius
    assert found["turn"] == pytest.approx(angle * foot / 0.5e-3, rel=1e-3)


def test_every_variant_runs_and_is_compared(tmp_path: Path) -> None:
    report = noise_check(SMALL, magnesium_johnson_cook(), tmp_path, "jc", progress=False)
    figures = {name: figure.value for name, figure in report.figures.items()}
    names = [
        f"{v}_{q}"
        for v in ("nodes1", "nodes2", "quarter_step", "single")
        for q in ("length", "foot_radius", "profile", "turn")
    ]
    assert set(figures) == {"jc_length", "jc_foot_radius", *(f"jc_{name}" for name in names)}
    assert 0 < figures["jc_nodes1_profile"] < 1e3 * PERTURBATION
    assert figures["jc_nodes1_profile"] != figures["jc_nodes2_profile"]
    assert 1e-5 < figures["jc_quarter_step_profile"] < 0.02  # the scheme's own error
    assert 0 < figures["jc_single_profile"] < 1e-4
    steps = {
        name: len(read_results(tmp_path / f"jc_{name}.h5").history["time"])
        for name in ("plain", "quarter_step")
    }
    assert steps["quarter_step"] > steps["plain"]
    assert report.figures["jc_single_length"].target == "<= 0.005"
    with pytest.raises(ConfigError, match="double precision"):
        noise_check(SMALL, magnesium_johnson_cook(), tmp_path, "jc", host="vumat:single")


def test_largest_strain_of_a_stretched_rod(tmp_path: Path) -> None:
    case = run_case(SMALL(), tmp_path, "plain", progress=False)
    results = case.results
    h = np.diag([0.02, 0.0, -0.1]) + 0.05 * np.eye(3)[[1, 2, 0]]

    class Homogeneous:
        mesh, times = results.mesh, [0.0, 1.0]

        def node(self, name: str, frame: int) -> np.ndarray:
            assert name == "displacement"
            return frame * results.mesh.coordinates @ h.T

    values = np.linalg.svd(np.eye(3) + h, compute_uv=False) - 1
    assert largest_strain(Homogeneous()) == pytest.approx(np.linalg.norm(values), rel=1e-9)  # type: ignore[arg-type]
    assert 0.01 < largest_strain(results) < 1


def test_a_series_is_a_study_and_a_picture(tmp_path: Path, model_file: Path) -> None:
    series = (
        Series("rod", "(a)", "taylor-anvil", "velocity", (100, 300), "V = %g m/s"),
        Series("plate", "(b)", "plate-impact", "thickness", (1e-3,), "H = %g mm", 1e3),
    )
    density = {"density": "1e4"}
    fixed = {"elements": "32", "time": "1e-7", "intervals": "2", **density}
    found = run_series(model_file, tmp_path, series, fixed, progress=False)
    assert list(found) == ["rod-100", "rod-300", "plate-1"]
    speeds = [found[name].node("velocity", 0)[:, 2].min() for name in ("rod-100", "rod-300")]
    np.testing.assert_allclose(speeds, [-100, -300])
    for file in ("rods.png", "plates.png", "study.png"):
        assert (tmp_path / file).read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(SolverError, match=r"rod-100: .*density"):
        run_series(model_file, tmp_path, series[:1], {**fixed, "density": ""}, progress=False)
    rows = [dict.fromkeys((*parametric_pictures.ERRORS, "share_of_points_flagged"), x) for x in (0.1, 0.3)]
    parametric_pictures.plot_errors(["slow", "fast"], rows, [0.5, 1.5], tmp_path / "e.png")
    assert (tmp_path / "e.png").read_bytes()[:4] == b"\x89PNG"


def test_noise_with_a_learned_material(tmp_path: Path, model_file: Path) -> None:
    definition = learned_material(model_file, 1e4)
    builder = partial(SMALL, elements=30)
    report = noise_check(
        builder, definition, tmp_path, "learned", models={LEARNED: model_file}, progress=False
    )
    assert report.figures["learned_nodes1_length"].value < 1e-6
