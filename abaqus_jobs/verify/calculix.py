"""`pybridge verify calculix`: the libraries that Abaqus would load, in a third-party code.

CalculiX is built with its loader of user materials (abaqus_jobs/calculix/build.py). Then, in it: single elements under
tension, shear, rotation and load reversal, material by umat_ and by vumat_, against the package's own host, which gets
the deformation gradients alone; the stress that CalculiX itself prints; the copper rod and the Taylor anvil in its
explicit solver against the mini-solver, its own *PLASTIC beside them; one thread against two.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from abaqus_jobs.calculix import element, rods
from abaqus_jobs.calculix.build import calculix, fingerprint
from abaqus_jobs.calculix.run import (
    LIBRARIES,
    answers_that_differ,
    call_bytes,
    libraries_for,
    run_calculix,
)
from abaqus_jobs.calculix.surrogate import random_yield_surface, saturating_surrogate
from pybridge.host import UmatLibrary, our_umat
from pybridge.report import Report
from pybridge.solver.materials import law_and_constants

# Stress and state are carried by CalculiX as second Piola-Kirchhoff stress and turned back and forth, 20 times.
SAME = "<= 1e-8"
PRINTED = "<= 1e-6"  # CalculiX prints seven digits
LENGTH, RADIUS = "<= 0.005", "<= 0.02"
HORIZON = 1e-6


def run(options: argparse.Namespace) -> Report:
    """Build, run, compare. --quick: coarse rods, which miss targets."""
    program = calculix()
    print(f"calculix: {program} ({fingerprint(program)})", flush=True)
    report = Report("calculix")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.out or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        libraries_for(
            folder, STANDARDU=our_umat().name, RECORDER="libpybridge_umat_recorder.so",
            VUMAT="libpybridge_vumat_in_calculix.so",
        )  # fmt: skip
        _elements(report, program, folder, options)
        _threads(report, program, folder)
        _rods(report, program, folder, options.quick)
    return report


def _materials(folder: Path, library: UmatLibrary, options: argparse.Namespace) -> list[element.Material]:
    """Built-in laws, a surrogate of each kind, and --model where one is given."""
    models = {
        "SATURATING": saturating_surrogate(folder / "SATURATING.pt", HORIZON),
        "YIELDING": random_yield_surface(folder / "YIELDING.pt", HORIZON),
    }
    if options.model:
        models["GIVEN"] = folder / "GIVEN.pt"
        models["GIVEN"].write_bytes(Path(options.model).read_bytes())
    materials = list(element.BUILT_IN)
    for name, file in models.items():
        library.use_model(name, file)
        about = library.describe(name, [])
        states = sum(int(entry["count"]) for entry in about["states"])
        duration = min(about["time_max"], HORIZON)
        materials.append(element.Material(name.lower(), name, (), states, duration, 1738.0))
    return materials


def _elements(report: Report, program: Path, folder: Path, options: argparse.Namespace) -> None:
    library = UmatLibrary()
    hosts = {
        "umat": {"PYBRIDGE_UMAT": str(our_umat())},
        "vumat": {
            "PYBRIDGE_UMAT": str(LIBRARIES / "libpybridge_vumat_in_calculix.so"),
            "PYBRIDGE_VUMAT": str(LIBRARIES / "libexplicitU-D.so"),
        },
    }
    for material in _materials(folder, library, options):
        for history in element.HISTORIES:
            for host, environment in hosts.items():
                settings = {
                    **environment, "PYBRIDGE_MODEL_PATH": str(folder), "PYBRIDGE_DENSITY": str(material.density),
                }  # fmt: skip
                record = element.run_element(program, folder, material, history, settings)
                name = f"{material.label}_{history}_{host}"
                error = max(
                    element.replay_error(record, material, library),
                    element.history_error(record, material, history),
                )
                report.add(f"{name}_difference_to_our_host", error, "1", SAME)
                if host == "umat" and history == "rotation":
                    printed = element.printed_stress_error(folder, record, material, history, library)
                    report.add(f"{name}_difference_of_printed_stress", printed, "1", PRINTED)
        print(f"calculix: elements of {material.label} done", flush=True)


def _threads(report: Report, program: Path, folder: Path) -> None:
    """One thread against two: a block whose nodes are all moved, and a rod in the explicit solver.

    In the rod CalculiX's own forces are summed thread by thread, so that nodes move differently by rounding and calls
    are not the same; there every call is repeated by our own host.
    """
    environment = {"PYBRIDGE_UMAT": str(our_umat())}
    material, rod = element.BUILT_IN[2], rods.rods(True)["taylor_anvil"]
    calls: dict[str, list[bytes]] = {}
    for threads in (1, 2):
        for name in ("block", "rod"):
            record = folder / f"{name}_{threads}.calls"
            record.unlink(missing_ok=True)
            settings = {**environment, "PYBRIDGE_UMAT_RECORD": str(record)}
            job = f"{name}_{threads}"
            if name == "block":
                deck = element.block_deck(material, "RECORDER")
                run_calculix(program, folder, job, deck, threads=threads, environment=settings)
            else:
                rods.calculix_shape(
                    program, folder, job, rod, "RECORDER", threads=threads, environment=settings
                )
            calls[job] = call_bytes(record)
    report.add("block_calls", len(calls["block_1"]), "1", ">= 1000")
    report.add("block_calls_that_differ_with_two_threads", _different(calls, "block"), "1", "<= 0")
    report.add("rod_calls", len(calls["rod_2"]), "1", ">= 1000")
    report.add("rod_calls_moved_by_calculix_sums", _different(calls, "rod"), "1")
    (definition,) = rod.materials.values()
    law, constants = law_and_constants(definition)
    name = f"@ABAQUSNL_RECORDER@{law.replace('_', '-')}"
    wrong = answers_that_differ(calls["rod_2"], UmatLibrary(), name, constants)
    report.add("rod_answers_that_differ_with_two_threads", wrong, "1", "<= 0")


def _different(calls: dict[str, list[bytes]], name: str) -> int:
    one, two = calls[f"{name}_1"], calls[f"{name}_2"]
    return len(set(one).symmetric_difference(two)) + abs(len(one) - len(two))


def _rods(report: Report, program: Path, folder: Path, quick: bool) -> None:
    """Explicit: umat_, vumat_, and CalculiX's own plasticity, against the mini-solver on the same mesh."""
    environment = {"PYBRIDGE_VUMAT": str(LIBRARIES / "libexplicitU-D.so")}
    for name, deck in rods.rods(quick).items():
        print(f"calculix: {name}, {deck.element_count} elements", flush=True)
        ours = rods.solver_shape(deck, folder, name)
        (definition,) = deck.materials.values()
        settings = {**environment, "PYBRIDGE_DENSITY": str(definition.density)}
        for label, library in {"umat": "STANDARDU", "vumat": "VUMAT", "own": None}.items():
            if library is None and name != "copper_rod":  # it has no Johnson-Cook of this form
                continue
            job = f"{name}_{label}"
            shape = rods.calculix_shape(program, folder, job, deck, library, environment=settings)
            targets = (LENGTH, RADIUS) if label != "own" else ("", "")
            report.add(f"{job}_length", 1e3 * shape.length, "mm")
            report.add(f"{job}_foot_radius", 1e3 * shape.foot_radius, "mm")
            report.add(f"{job}_length_to_solver", abs(shape.length / ours.length - 1), "1", targets[0])
            radius = abs(shape.foot_radius / ours.foot_radius - 1)
            report.add(f"{job}_foot_radius_to_solver", radius, "1", targets[1])
        report.add(f"{name}_solver_length", 1e3 * ours.length, "mm")
        report.add(f"{name}_solver_foot_radius", 1e3 * ours.foot_radius, "mm")
