"""`pybridge verify calculix`: the libraries that Abaqus would load, in a third-party code.

CalculiX is built with its loader of user materials (abaqus_jobs/calculix/build.py). Then, in it: single elements under
tension, shear, rotation and load reversal, material by umat_ and by vumat_, against the package's own host, which gets
the deformation gradients alone; the stress that CalculiX itself prints; the copper rod and the Taylor anvil in its
explicit solver, and the beginning of the copper rod in its implicit dynamics, against the mini-solver, its own *PLASTIC
beside them; one thread against two.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from abaqus_jobs.calculix import element, rods, threads
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
TO_OWN = "<= 1e-3"  # of the displacements: two finite-strain formulations of one law
AS_OWN = "<= 10"  # roundings of sums in another order: of one size, not of one value
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
        materials = _materials(folder, UmatLibrary(), options)
        _elements(report, program, folder, materials)
        _threads(report, program, folder, materials)
        _implicit(report, program, folder)
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


def _elements(report: Report, program: Path, folder: Path, materials: list[element.Material]) -> None:
    library = UmatLibrary()
    hosts = {
        "umat": {"PYBRIDGE_UMAT": str(our_umat())},
        "vumat": {
            "PYBRIDGE_UMAT": str(LIBRARIES / "libpybridge_vumat_in_calculix.so"),
            "PYBRIDGE_VUMAT": str(LIBRARIES / "libexplicitU-D.so"),
        },
    }
    for material in materials:
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


def _threads(report: Report, program: Path, folder: Path, materials: list[element.Material]) -> None:
    """One thread against two, bit for bit: what CalculiX asks, what it is answered, and where its nodes end.

    A block of 27 elements whose nodes are all moved, of every material; two bodies in the explicit solver, one for each
    thread. In a rod threads share nodes, and CalculiX's own plasticity ends with other bits as well: there the difference
    must be of the size of that, the same in each run, and every answer must be the one that our own host gives.
    """
    for material in materials:
        deck = element.block_deck(material, "RECORDER")
        calls = [_calls(program, folder, f"block_{material.label}_{n}", deck, n) for n in (1, 2)]
        report.add(f"block_{material.label}_calls", len(calls[0]), "1", ">= 1000")
        report.add(
            f"block_{material.label}_calls_that_differ_with_two_threads", _different(*calls), "1", "<= 0"
        )
    for material in materials[1:3]:
        name, deck = f"bodies_{material.label}", threads.bodies_deck(material, "RECORDER")
        calls = [_calls(program, folder, f"{name}_{n}", deck, n) for n in (1, 2)]
        ends = [threads.motion(folder / f"{name}_{n}.rout", threads.NODES) for n in (1, 2)]
        report.add(f"{name}_calls", len(calls[0]), "1", ">= 10000")
        report.add(f"{name}_calls_that_differ_with_two_threads", _different(*calls), "1", "<= 0")
        report.add(f"{name}_motion_that_differs_with_two_threads", (ends[0] != ends[1]).sum(), "1", "<= 0")
    _rod_threads(report, program, folder)


def _rod_threads(report: Report, program: Path, folder: Path) -> None:
    rod = rods.rods(True)["copper_rod"]
    moved = {}
    for label, library in {"own": None, "umat": "RECORDER"}.items():
        deck, ends = threads.short_rod_deck(rod, library), []
        for run, count in enumerate((1, 2, 2)):
            job = f"rod_{label}_{run}"
            calls = _calls(program, folder, job, deck, count)
            ends.append(threads.motion(folder / f"{job}.rout", len(rod.coordinates)))
        report.add(f"rod_{label}_motion_that_differs_with_two_threads", (ends[0] != ends[1]).mean(), "1")
        report.add(
            f"rod_{label}_motion_that_differs_in_a_second_run", (ends[1] != ends[2]).sum(), "1", "<= 0"
        )
        moved[label] = max(np.abs(ends[0] - ends[1]).max(axis=(1, 2)) / np.abs(ends[0]).max(axis=(1, 2)))
        report.add(f"rod_{label}_moved_by_two_threads", moved[label], "1")
    report.add("rod_moved_by_two_threads_beside_own", moved["umat"] / moved["own"], "1", AS_OWN)
    (definition,) = rod.materials.values()
    law, constants = law_and_constants(definition)
    name = f"@ABAQUSNL_RECORDER@{law.replace('_', '-')}"
    report.add("rod_calls", len(calls), "1", ">= 1000")
    wrong = answers_that_differ(calls, UmatLibrary(), name, constants)
    report.add("rod_answers_that_differ_with_two_threads", wrong, "1", "<= 0")


def _calls(program: Path, folder: Path, job: str, deck: list[str], count: int) -> list[bytes]:
    """Run a deck with so many threads; the calls of RECORDER, none for a deck without it."""
    record = folder / f"{job}.calls"
    record.unlink(missing_ok=True)
    settings = {
        "PYBRIDGE_UMAT": str(our_umat()), "PYBRIDGE_UMAT_RECORD": str(record), "PYBRIDGE_MODEL_PATH": str(folder),
    }  # fmt: skip
    run_calculix(program, folder, job, deck, threads=count, environment=settings)
    return call_bytes(record) if record.exists() else []


def _different(one: list[bytes], two: list[bytes]) -> int:
    return len(set(one).symmetric_difference(two)) + abs(len(one) - len(two))


def _implicit(report: Report, program: Path, folder: Path) -> None:
    """The beginning of the copper rod in implicit dynamics: against the mini-solver, and CalculiX's own plasticity.

    Newton's iterations, which a wrong tangent multiplies, beside those of the own material.
    """
    deck = rods.implicit_rod()
    ours = rods.solver_shape(deck, folder, "implicit_rod")
    motions, iterations = {}, {}
    for label, library in {"own": None, "umat": "STANDARDU"}.items():
        job = f"implicit_rod_{label}"
        said = run_calculix(program, folder, job, rods.implicit_deck(deck, library))
        iterations[label] = said.count("\n iteration ")
        motions[label] = rods.read_displacements(folder / f"{job}.dat", len(deck.coordinates))
    shape = rods.shape_of(deck, motions["umat"])
    own = motions["own"]
    relative = float(np.linalg.norm(motions["umat"] - own) / np.linalg.norm(own))
    report.add("implicit_rod_umat_length_to_solver", abs(shape.length / ours.length - 1), "1", LENGTH)
    report.add(
        "implicit_rod_umat_foot_radius_to_solver", abs(shape.foot_radius / ours.foot_radius - 1), "1", RADIUS
    )
    report.add("implicit_rod_umat_to_own", relative, "1", TO_OWN)
    report.add("implicit_rod_own_iterations", iterations["own"], "1", f">= {rods.IMPLICIT_INCREMENTS}")
    report.add(
        "implicit_rod_umat_iterations_beside_own", iterations["umat"] / iterations["own"], "1", "<= 1.1"
    )


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
