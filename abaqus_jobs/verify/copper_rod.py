"""`pybridge verify copper-rod`: the rod that every code is tried on, against the range of published answers.

Copper, 32.4 mm x 3.2 mm radius, 227 m/s against a rigid frictionless wall, 80 us. C3D8R and CAX4R, each through the
built-in law and through vumat_, and once more with elements of half the size. The foot is held on the wall, free to
slide, as published codes do it; figures with a foot that may lift off are reported beside them, without targets.

Runs are kept in --out (runs/verify/copper-rod): the same command goes on where it was interrupted, and takes complete
ones again as long as decks and pybridge are what they were.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from abaqus_jobs.cases import run_case
from abaqus_jobs.measures import RodShape, energy_error, rod_shape
from abaqus_jobs.rods import copper_rod
from pybridge.report import Report

LENGTH, RADIUS, STRAIN = "21.26..21.49", "6.97..7.24", "2.75..3.25"  # mm, mm, 1: where published codes end
# Elements along the radius and the height. Cells start taller than wide: they end twenty times flatter at the foot, and
# flat cells cost steps.
ACROSS = {"CAX4R": 8, "C3D8R": 10}
LAYERS = 60


@dataclass(frozen=True)
class Plan:
    """One run: `size` 1 or 2 for elements of half the size; targets: whether its shape must lie in the ranges."""

    name: str
    element: str
    material: str = "bindings"
    size: int = 1
    foot: str = "held"
    targets: bool = True


PLANS = (
    Plan("CAX4R_built_in", "CAX4R"),
    Plan("CAX4R_vumat", "CAX4R", "vumat"),
    Plan("C3D8R_built_in", "C3D8R"),
    Plan("C3D8R_vumat", "C3D8R", "vumat"),
    Plan("CAX4R_lifting_foot", "CAX4R", foot="contact", targets=False),
    Plan("CAX4R_half_size", "CAX4R", size=2, targets=False),
    Plan("C3D8R_half_size", "C3D8R", size=2, targets=False),
)


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick takes a coarse mesh, which misses targets."""
    coarse = 2 if options.quick else 1
    out = Path(options.out or Path("runs") / "verify") / "copper-rod"
    report = Report("copper-rod")
    shapes: dict[str, RodShape] = {}
    spent = work = 0.0
    for number, plan in enumerate(PLANS):
        across, layers = (plan.size * n // coarse for n in (ACROSS[plan.element], LAYERS))
        deck = copper_rod(plan.element, across=across, layers=layers, foot=plan.foot, intervals=8)
        left = sum(_work(p, coarse) for p in PLANS[number:])
        say = f"; about {spent / work * left / 60:.0f} min left in all" if spent else ""
        print(f"run {number + 1} of {len(PLANS)}, {plan.name}{say}", flush=True)
        threads = (os.cpu_count() or 1) if deck.element_count > 10_000 else 1
        label = f"{plan.name}_quick" if options.quick else plan.name
        case = run_case(deck, out, label, plan.material, threads=threads, reuse=True)
        spent, work = spent + case.seconds, work + _work(plan, coarse)
        shapes[plan.name] = rod_shape(case.deck, case.results)
        _add(report, plan, shapes[plan.name], energy_error(case.results), case.seconds)
    for element in ("CAX4R", "C3D8R"):
        _add_changes(report, element, shapes[f"{element}_built_in"], shapes[f"{element}_half_size"])
    return report


def _work(plan: Plan, coarse: int) -> float:
    """Cost of a run, for the time left: steps grow with the layers; a step costs calls and elements."""
    across, layers = (plan.size * n / coarse for n in (ACROSS[plan.element], LAYERS))
    elements = layers * across * (1.0 if plan.element == "CAX4R" else 1.3 * across / 2)
    return layers * (600.0 + elements) * (1.5 if plan.material == "vumat" else 1.0)


def _add(report: Report, plan: Plan, shape: RodShape, drift: float, seconds: float) -> None:
    for what, value, unit, target in (
        ("length", 1e3 * shape.length, "mm", LENGTH),
        ("mushroom_radius", 1e3 * shape.foot_radius, "mm", RADIUS),
        ("largest_plastic_strain", shape.plastic_strain, "1", STRAIN),
    ):
        report.add(f"{plan.name}_{what}", value, unit, target if plan.targets else "")
    report.add(f"{plan.name}_energy_error", drift, "1", "<= 0.01")
    report.add(f"{plan.name}_seconds", seconds, "s")


def _add_changes(report: Report, element: str, base: RodShape, half: RodShape) -> None:
    """What halving the element size moves."""
    for what, a, b, target in (
        ("length", base.length, half.length, "<= 0.01"),
        ("mushroom_radius", base.foot_radius, half.foot_radius, "<= 0.01"),
        ("largest_plastic_strain", base.plastic_strain, half.plastic_strain, "<= 0.05"),
    ):
        report.add(f"{element}_change_of_{what}", abs(b / a - 1), "1", target)
