"""`pybridge verify soil-problems`: biaxial tests, footings and walls at the size of the papers, with a classical law.

A perfectly plastic von Mises soil (shear strength k) has closed forms in plane strain: the smooth biaxial test ends at
p + 2 k, the strip footing at q0 + (2 + pi) k (Prandtl), whatever its roughness. The explicit runs are compared with the
implicit ones on the same elements where both solvers have them, and with the closed forms; three-node triangles lock, as
those of the papers do, and are reported without a target. With --model FILE.pt the footing and the wall of [QU23A] and
[GUAN22] run with a network too: how far they come, and how many points the network flags.

Results and pictures are kept in --out (runs/verify/soil-problems); complete runs are taken again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from abaqus_jobs import soils
from abaqus_jobs.soils import Procedure
from pybridge.deck.model import Deck, PlasticTable
from pybridge.deck.writer import deck_text
from pybridge.deploy.material_block import model_material
from pybridge.errors import SolverError
from pybridge.report import Report, write_text_atomic
from pybridge.results import read_results
from pybridge.results.figures import plot_field
from pybridge.results.load_figure import plot_load
from pybridge.results.reader import Results
from pybridge.solver import run as run_explicit
from pybridge.solver.implicit import NotConvergedError, run_static

STRENGTH = 1e5 / np.sqrt(3)
# Hardly any hardening: with none at all an evenly flowing body has no stiffness left, and no one answer.
PERFECT = replace(soils.SOIL, plastic=PlasticTable(((1e5, 0.0), (1.0005e5, 0.1))))
PRANDTL = 2 + np.pi


def run(options: argparse.Namespace) -> Report:
    """Run all; --quick takes coarse meshes."""
    out = Path(options.out or Path("runs") / "verify") / "soil-problems"
    out.mkdir(parents=True, exist_ok=True)
    report = Report("soil-problems")
    _biaxial(report, out, options.quick)
    _footings(report, out, options.quick)
    _walls(report, out, options.quick)
    if options.model is not None:
        _network(report, out, options.model, options.quick)
    return report


def _biaxial(report: Report, out: Path, quick: bool) -> None:
    limit = (1e5 + 2 * STRENGTH) * 0.05
    for name, (columns, rows) in list(soils.MESHES.items())[: 1 if quick else 3]:
        deck = soils.biaxial(
            PERFECT, columns=columns, rows=rows, rough=False, strain=0.05, procedure=Procedure(steps=25)
        )
        force = _force(_kept(out, f"biaxial_{name}", deck), "top_y")
        report.add(f"smooth biaxial test, {name}: force over p + 2 k", force[-1] / limit, "1", "0.999..1.001")
        rough = soils.biaxial(PERFECT, columns=columns, rows=rows, strain=0.05, procedure=Procedure(steps=25))
        force = _force(_kept(out, f"biaxial_rough_{name}", rough), "top_y")
        report.add(f"rough biaxial test, {name}: force over p + 2 k", force[-1] / limit, "1", "1.0..1.1")
    # Finite strains: at 5 % the specimen is as much wider.
    how = Procedure(time=0.5, alpha=20.0, mass_scale=100.0)
    for element, count in (("CPE4R", 0), ("CPE3", 120 if quick else 484)):
        deck = soils.biaxial(
            PERFECT,
            columns=4,
            rows=8,
            element=element,
            triangles=count,
            rough=False,
            strain=0.05,
            procedure=how,
        )
        data = _kept(out, f"biaxial_explicit_{element}", deck)
        force = _force(data, "top_y")[-40:].mean()
        target = "1.02..1.07" if element == "CPE4R" else ""
        report.add(f"explicit, smooth, {element}: force over p + 2 k at 5 %", force / limit, "1", target)
        report.add(
            f"explicit, smooth, {element}: kinetic over internal energy", _kinetic(data), "1", "<= 0.01"
        )


def _footings(report: Report, out: Path, quick: bool) -> None:
    count = 160 if quick else 402
    for rough in (True, False):
        name = "rough" if rough else "smooth"
        deck = soils.footing(
            PERFECT,
            triangles=count,
            settlement=0.1,
            rough=rough,
            procedure=Procedure(steps=20 if quick else 58),
        )
        data = _kept(out, f"footing_{name}", deck)
        pressure = _force(data, "footing_y") / 0.5 - 2e5
        report.add(
            f"footing, {name}: final pressure over (2 + pi) k",
            pressure[-1] / (PRANDTL * STRENGTH),
            "1",
            "0.95..1.1",
        )
        report.add(
            f"footing, {name}: growth over the last tenth",
            pressure[-1] / pressure[-len(pressure) // 10] - 1,
            "1",
            "<= 0.01",
        )
    small: dict[str, Any] = {"triangles": 150, "settlement": 0.06} if quick else {}
    data = _kept(out, "footing_explicit", soils.footing_explicit(PERFECT, **small))
    pressure = _force(data, "footing_y")[-20:].mean() / 0.3 - 1e5
    report.add(
        "footing, explicit, CPE3: final pressure over (2 + pi) k", pressure / (PRANDTL * STRENGTH), "1"
    )
    report.add("footing, explicit, CPE3: kinetic over internal energy", _kinetic(data), "1", "<= 0.01")


def _walls(report: Report, out: Path, quick: bool) -> None:
    sizes: dict[str, Any] = {"columns": 8, "rows": 4} if quick else {}
    for name, way in (("into the soil", 0.2), ("away", -0.05)):
        deck = soils.wall(PERFECT, displacement=way, procedure=Procedure(steps=20 if quick else 100), **sizes)
        force = _force(_kept(out, f"wall_{name.replace(' ', '_')}", deck), "wall_x")
        change = (force[-1] - force[0]) / (2 * STRENGTH)
        # Rankine's 2 k H without friction at the foot; the fixed bottom adds to it.
        report.add(
            f"wall {name}: change of the force over 2 k H",
            change,
            "1",
            "0.9..1.8" if way > 0 else "-1.8..-0.9",
        )
    small: dict[str, Any] = {"triangles": 81, "displacement": 0.1} if quick else {}
    data = _kept(out, "wall_explicit", soils.wall_explicit(PERFECT, **small))
    report.add("wall, explicit, CPE3: final force", float(_force(data, "wall_x")[-20:].mean()) / 1e3, "kN/m")
    report.add("wall, explicit, CPE3: kinetic over internal energy", _kinetic(data), "1", "<= 0.01")


def _network(report: Report, out: Path, model: Path, quick: bool) -> None:
    """The footing and the wall with a network, as far as they come."""
    material = model_material(model)
    material = replace(material, density=material.density or 2000.0)
    steps = Procedure(steps=10 if quick else 50)
    builders: dict[str, Callable[[], Deck]] = {
        "footing": lambda: soils.footing(material, pressure=1e5, settlement=0.05, procedure=steps),
        "wall": lambda: soils.wall(material, displacement=0.1, procedure=steps),
    }
    for name, build in builders.items():
        data = _kept(out, f"{name}_network", build(), {material.name: model})
        history = data.history
        report.add(f"{name}, network: load reached", float(history["load"][-1]), "1")
        report.add(f"{name}, network: iterations a step", float(np.mean(history["iterations"][1:])), "1")
        flags = np.flatnonzero(history["unreliable_points"] > 0)
        first = float(history["load"][flags[0]]) if len(flags) else float("nan")
        report.add(f"{name}, network: load at the first flag", first, "1")
        report.add(
            f"{name}, network: points flagged at the end", float(history["unreliable_points"][-1]), "1"
        )


def _kept(out: Path, name: str, deck: Deck, models: dict[str, Path] | None = None) -> Results:
    """The results of a deck; those of an earlier call where the deck is the same and the run complete."""
    file, text = out / f"{name}.h5", deck_text(deck)
    kept = out / f"{name}.inp"
    same = file.exists() and kept.exists() and kept.read_text() == text and models is None
    if not same or not read_results(file).complete:
        print(f"{name}: {deck.element_count} {deck.elements[0].type}", flush=True)
        kept.unlink(missing_ok=True)
        file.with_name(file.name + ".restart.npz").unlink(missing_ok=True)
        try:
            if deck.static:
                run_static(deck, out=file, models=models, overwrite=True)
            else:
                run_explicit(deck, out=file, models=models, overwrite=True)
        except NotConvergedError as error:
            print(f"{name}: {error}", flush=True)
        write_text_atomic(kept, text)
    data = read_results(file)
    plot_field(data, out / f"{name}.png", "deviatoric_strain", mirror=False)
    plot_load([data], [name], out / f"{name}_load.png")
    return data


def _force(data: Results, region: str) -> np.ndarray:
    if f"force_{region}" not in data.history:
        raise SolverError(f"{data.path}: no force of {region}; run it anew")
    force = data.history[f"force_{region}"]
    return force * np.sign(force[np.abs(force).argmax()])


def _kinetic(data: Results) -> float:
    """Largest share of the kinetic energy after the ramp."""
    late = slice(len(data.history["time"]) // 5, None)
    return float((data.history["kinetic"][late] / data.history["internal"][late]).max())
