"""`pybridge verify copper-rod`: the rod that every code is tried on, against the range of published answers.

Copper, 32.4 mm x 3.2 mm radius, 227 m/s against a rigid frictionless wall, 80 us. C3D8R and CAX4R, each through the
built-in law and through vumat_, and once more with elements of half the size. The foot is held on the wall, free to
slide, as published codes do it; figures with a foot that may lift off are reported beside them, without targets.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from abaqus_jobs.measures import RodShape, rod_shape
from abaqus_jobs.rods import copper_rod
from pybridge.deck.reader import read_deck
from pybridge.deck.writer import write_deck
from pybridge.report import Report
from pybridge.results import read_results
from pybridge.solver import run as run_deck

LENGTH, RADIUS, STRAIN = "21.26..21.49", "6.97..7.24", "2.75..3.25"  # mm, mm, 1: where published codes end
ACROSS = 8  # elements along the radius; cells start as cubes


@dataclass(frozen=True)
class Outcome:
    """Shape at the end and how far the total energy drifted, relative to the largest energy."""

    shape: RodShape
    balance: float


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick takes a coarse mesh, which misses targets."""
    across = 4 if options.quick else ACROSS
    report = Report("copper-rod")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(options.out or folder)
        for element in ("CAX4R", "C3D8R"):
            base = _run(out, element, across, "bindings")
            _add(report, f"{element}_built_in", base, targets=True)
            hosted = _run(out, element, across, "vumat")
            _add(report, f"{element}_vumat", hosted, targets=True)
            half = _run(out, element, 2 * across, "bindings")
            _add(report, f"{element}_half_size", half, targets=False)
            _add_changes(report, element, base.shape, half.shape)
        _add(report, "CAX4R_lifting_foot", _run(out, "CAX4R", across, "bindings", "contact"), targets=False)
    return report


def _run(out: Path, element: str, across: int, material: str, foot: str = "held") -> Outcome:
    """One run, from a deck written to a file and read back."""
    name = f"copper-rod-{element}-{across}-{material}-{foot}"
    write_deck(copper_rod(element, across=across, foot=foot, intervals=8), out / f"{name}.inp")
    deck = read_deck(out / f"{name}.inp")
    print(f"{name}: {deck.element_count} elements", flush=True)
    threads = 1 if deck.axisymmetric else os.cpu_count() or 1
    result = run_deck(
        deck, material=material, out=out / f"{name}.h5", overwrite=True, progress=True, threads=threads
    )
    return Outcome(rod_shape(deck, read_results(result.path)), result.balance_error)


def _add(report: Report, name: str, outcome: Outcome, *, targets: bool) -> None:
    shape = outcome.shape
    for what, value, unit, target in (
        ("length", 1e3 * shape.length, "mm", LENGTH),
        ("mushroom_radius", 1e3 * shape.foot_radius, "mm", RADIUS),
        ("largest_plastic_strain", shape.plastic_strain, "1", STRAIN),
    ):
        report.add(f"{name}_{what}", value, unit, target if targets else "")
    report.add(f"{name}_energy_error", outcome.balance, "1", "<= 0.01")


def _add_changes(report: Report, element: str, base: RodShape, half: RodShape) -> None:
    """What halving the element size moves."""
    for what, a, b, target in (
        ("length", base.length, half.length, "<= 0.01"),
        ("mushroom_radius", base.foot_radius, half.foot_radius, "<= 0.01"),
        ("largest_plastic_strain", base.plastic_strain, half.plastic_strain, "<= 0.05"),
    ):
        report.add(f"{element}_change_of_{what}", abs(b / a - 1), "1", target)
