"""One problem, three materials: Johnson-Cook, learned through vumat_, and the fine scale at every point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pybridge._core as _core
from abaqus_jobs.cases import Case, run_case
from abaqus_jobs.materials import magnesium_johnson_cook, user_material
from abaqus_jobs.measures import (
    deflection,
    element_volumes,
    energy_error,
    relative_l2,
    rod_shape,
    split_stress,
)
from pybridge.deck.model import Deck, MaterialDefinition
from pybridge.errors import ConfigError
from pybridge.report import Report
from pybridge.results import Results
from pybridge.solver import model_from_deck
from pybridge.solver.integrator import Integrator
from pybridge.solver.model import Controls

DeckBuilder = Callable[..., Deck]  # (material, increment=...), for instance taylor_anvil
LEARNED = "LEARNED"
CRYSTAL = "PYBRIDGE_TAYLOR_CRYSTAL"
STEP_SHARE = 0.5  # of the stable increment of the undeformed mesh: all materials take the same steps, and elements shrink


def compare_materials(
    deck_builder: DeckBuilder,
    model_file: Path | None,
    out: Path,
    *,
    name: str = "impact",
    crystal_constants: Sequence[float] = (),
    material: str = "vumat",
    nblock: int | None = None,
    density: float | None = None,
    fine_scale: bool = True,
    johnson_cook: MaterialDefinition | None = None,
    targets: Mapping[str, str] | None = None,
    progress: bool = True,
    reuse: bool = False,
    threads: int | None = None,
    beside: Mapping[str, Path] | None = None,
) -> Report:
    """Run a problem with each material on one mesh with the same time steps, and compare learned with fine scale.

    deck_builder(material, increment=dt) gives the deck. Decks and results go to `out`: johnson_cook, learned,
    fine_scale (.inp, .h5). model_file None: Johnson-Cook alone (and the fine scale where asked). material: the solver's
    switch for the learned run. targets: of figures by name. reuse: take complete results again (cases.py). beside: other
    model files by label ("pca_dnn"), run and compared in the same way.
    """
    if model_file is not None:
        _require(Path(model_file))
    jc = johnson_cook or (magnesium_johnson_cook() if density is None else magnesium_johnson_cook(density))
    increment = fixed_increment(deck_builder(jc, increment=None))
    settings = {"threads": threads, "progress": progress, "reuse": reuse}

    def run_one(label: str, definition: MaterialDefinition, switch: str, **rest: Any) -> Case:
        deck = deck_builder(definition, increment=increment)
        return run_case(deck, Path(out), label, switch, **settings, **rest)

    # Through the same interface as the learned one, so that the ratio of their times is that of the materials.
    cases = {"johnson_cook": run_one("johnson_cook", jc, material)}
    if model_file is not None:
        definition = learned_material(Path(model_file), jc.density)
        models = {LEARNED: Path(model_file)}
        cases["learned"] = run_one("learned", definition, material, models=models, nblock=nblock)
    for label, file in (beside or {}).items():
        _require(Path(file))
        definition = learned_material(Path(file), jc.density)
        cases[label] = run_one(label, definition, material, models={LEARNED: Path(file)}, nblock=nblock)
    if fine_scale:
        schema = _core.make_law(CRYSTAL, list(crystal_constants), "float64").state_schema
        definition = user_material(CRYSTAL, jc.density, crystal_constants, schema)
        cases["fine_scale"] = run_one("fine_scale", definition, "bindings")
    report = Report(name)
    wanted = dict(targets or {})
    for label, case in cases.items():
        _add_shape(report, label, case, wanted)
    if "learned" in cases and "fine_scale" in cases:
        _add_errors(report, wanted, cases["learned"], cases["fine_scale"])
        _add_where(report, wanted, cases["learned"].results, cases["fine_scale"].results)
    if "fine_scale" in cases:
        for label in ("johnson_cook", *(beside or {})):
            _add_errors(report, wanted, cases[label], cases["fine_scale"], f"{label}_")
    for label in beside or {}:
        ratio = cases[label].seconds / cases["johnson_cook"].seconds
        _add(report, wanted, f"time_{label}_over_johnson_cook", ratio, "1")
    if "learned" in cases:
        flagged = cases["learned"].results.element("unreliable_so_far") > 0
        _add(report, wanted, "share_of_points_flagged", flagged.mean(), "1")
        ratio = cases["learned"].seconds / cases["johnson_cook"].seconds
        _add(report, wanted, "time_learned_over_johnson_cook", ratio, "1")
    return report


def learned_material(model_file: Path, density: float) -> MaterialDefinition:
    """*USER MATERIAL, NAME=LEARNED with the *DEPVAR of a model file. Raises ConfigError where there is none."""
    _require(model_file)
    model = _core.load_model(str(model_file), "native", "float64")  # type: ignore[attr-defined]
    return user_material(LEARNED, density, (), model.state_schema)


def _require(model_file: Path) -> None:
    if not model_file.is_file():
        raise ConfigError(f"{model_file}: no such model file; train and export one, or give another path")


def fixed_increment(deck: Deck) -> float:
    """A time increment that all materials of a problem can take, s."""
    trial = Integrator(model_from_deck(deck), Controls(end_time=deck.step.time))
    try:
        return float(f"{STEP_SHARE * trial.stable_dt:.6g}")
    finally:
        trial.close()


def _add(report: Report, targets: dict[str, str], name: str, value: float, unit: str) -> None:
    report.add(name, float(value), unit, targets.get(name, ""))


def _add_shape(report: Report, label: str, case: Case, targets: dict[str, str]) -> None:
    if "TAIL" in case.deck.node_sets:
        shape = rod_shape(case.deck, case.results)
        _add(report, targets, f"{label}_length", 1e3 * shape.length, "mm")
        _add(report, targets, f"{label}_foot_radius", 1e3 * shape.foot_radius, "mm")
    else:
        _add(report, targets, f"{label}_deflection", 1e3 * deflection(case.deck, case.results), "mm")
    _add(report, targets, f"{label}_energy_error", energy_error(case.results), "1")
    _add(report, targets, f"{label}_seconds", case.seconds, "s")


def _add_errors(report: Report, targets: dict[str, str], case: Case, fine: Case, prefix: str = "") -> None:
    """Relative L2 errors against the fine scale at the end, and the largest of von Mises over time."""
    a, b = case.results, fine.results
    volume = element_volumes(a)
    moved = np.unique(np.concatenate([c.ravel() for _, c in a.mesh.blocks]))
    u, v = a.node("displacement")[moved], b.node("displacement")[moved]
    errors = {"displacement": relative_l2(u, v, np.ones(len(moved)))}
    errors["mises"] = relative_l2(a.element("mises"), b.element("mises"), volume)
    (dev_a, mean_a), (dev_b, mean_b) = split_stress(a.element("stress")), split_stress(b.element("stress"))
    whole_a, whole_b = (np.column_stack([d, np.sqrt(3.0) * m]) for d, m in ((dev_a, mean_a), (dev_b, mean_b)))
    for what, x, y in (
        ("total", whole_a, whole_b),
        ("deviatoric", dev_a, dev_b),
        ("volumetric", mean_a, mean_b),
    ):
        errors[f"stress_{what}"] = relative_l2(x, y, volume)
    errors["mises_largest_over_time"] = max(
        relative_l2(a.element("mises", k), b.element("mises", k), volume)
        for k in range(1, min(len(a.times), len(b.times)))
    )
    for what, error in errors.items():
        _add(report, targets, f"{prefix}error_{what}", error, "1")
    if "TAIL" in case.deck.node_sets:
        mine, true = rod_shape(case.deck, a), rod_shape(fine.deck, b)
        _add(report, targets, f"{prefix}error_length", abs(mine.length / true.length - 1), "1")
        _add(report, targets, f"{prefix}error_foot_radius", abs(mine.foot_radius / true.foot_radius - 1), "1")


def _add_where(report: Report, targets: dict[str, str], a: Results, b: Results) -> None:
    """Where the von Mises error is largest, and whether the material's own status knew."""
    volume = element_volumes(a)
    difference = np.abs(a.element("mises") - b.element("mises"))
    element = int(difference.argmax())
    centres = np.concatenate([a.mesh.coordinates[c].mean(1) for _, c in a.mesh.blocks])
    x, y, z = centres[element]
    _add(report, targets, "largest_mises_error", 1e-6 * difference[element], "MPa")
    _add(report, targets, "largest_mises_error_at_r", 1e3 * float(np.hypot(x, y)), "mm")
    _add(report, targets, "largest_mises_error_at_z", 1e3 * z, "mm")
    flagged = a.element("unreliable_so_far") > 0
    _add(report, targets, "largest_mises_error_flagged", float(flagged[element]), "1")
    worst = difference >= np.quantile(difference, 0.99)
    _add(report, targets, "flagged_share_of_worst_percent", flagged[worst].mean(), "1")
    missed = ~flagged
    if missed.any():
        error = relative_l2(a.element("mises")[missed], b.element("mises")[missed], volume[missed])
        _add(report, targets, "error_mises_where_not_flagged", error, "1")
