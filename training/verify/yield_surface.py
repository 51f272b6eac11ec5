"""`pybridge verify yield-surface`: the learned yield surface against the crystal it learned, and what a solver asks.

10 % strain, 3200 paths of mixed protocols; yield-surface-large (yield_surface_large.py): 50 % and 4000 paths. The targets
are those of the project's plan, not of a paper: [LIU22]'s network has 5 % (17 %) of the whole stress on R, and its errors
of the deviator are not printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pybridge.report import Report


@dataclass(frozen=True)
class Case:
    """What is learned from, `training` of its paths after those held back, and what must be reached."""

    name: str
    strain: float
    protocols: str  # of `pybridge generate`
    stored: int  # points of a path
    settings: tuple[str, ...]  # of `pybridge train`, KEY=VALUE
    deviatoric: Mapping[str, float]  # largest relative error by protocol
    total: float | None  # of the whole stress


SMALL = Case(
    name="yield-surface",
    strain=0.1,
    protocols="R:2700:0.1,I:150:0.1,U:40:0.1,L-U:90:0.1,C:40:0.1,impact:300:0.5",  # 3154 to learn from
    stored=200,
    settings=(),
    deviatoric={"R": 0.06, "F": 0.06, "I": 0.08, "U": 0.08, "L-U": 0.08, "C": 0.08},
    total=0.005,
)
PATHS = 200  # of each protocol: the error of a path R scatters by 2.5 %, their mean by 0.2 %
ISOCHORIC = ("I", "C")  # the whole stress is the deviator


def trained(folder: Path, case: Case) -> Path:
    """Generate, train and export into `folder`, going on where an earlier call stopped; the model file."""
    from pybridge.commands import main
    from pybridge.errors import PybridgeError

    data, training, model = folder / "histories.h5", folder / "training", folder / "MAGNESIUM.pt"
    for arguments in (
        [
            "generate",
            "taylor",
            "--protocol",
            case.protocols,
            "--stored",
            str(case.stored),
            "--precision",
            "float32",
            "--out",
            str(data),
        ],
        [
            "train",
            str(data),
            "--config",
            "yield_surface",
            "--out",
            str(training),
            *(word for setting in case.settings for word in ("--set", setting)),
        ],
        ["export", str(training), "--out", str(model), "--force"],
    ):
        print("pybridge " + " ".join(arguments), flush=True)
        code = main(arguments)
        if code == 130:
            raise KeyboardInterrupt
        if code != 0:
            raise PybridgeError(f"pybridge {arguments[0]} ended with code {code}; its message stands above")
    return model


def run(options: argparse.Namespace) -> Report:
    """Train (or take --model) and measure."""
    return measure(options, SMALL)


def measure(options: argparse.Namespace, case: Case) -> Report:
    """The report of one case."""
    from training.evaluate import fresh_paths, source_of
    from training.executor import make_executor
    from training.yield_surface_measure import error_along, learned, protocol_errors

    out = options.out or Path("runs") / "verify"
    model = learned(options.model or trained(out / case.name.replace("-", "_"), case))
    source = source_of(model)
    report = Report(case.name)
    paths = 10 if options.quick else PATHS
    walks = None
    for name, most in case.deviatoric.items():
        data = fresh_paths(source, name, paths, case.strain, out / case.name, make_executor(2), case.stored)
        found = protocol_errors(model, data)
        whole = "" if case.total is None or name in ISOCHORIC else f"<= {case.total}"
        report.add(f"deviatoric error {name}", found["deviatoric"], "1", f"<= {most}")
        report.add(f"total error {name}", found["total"], "1", whole)
        walks = data if name == "R" else walks
    assert walks is not None
    along = error_along(model, walks)
    report.add("deviatoric error R, first fifth of the path", float(along[0]), "1")
    report.add("deviatoric error R, last fifth of the path", float(along[-1]), "1")
    add_other_grains(report, source, walks, out / case.name)
    few = walks.subset(slice(0, 10))
    add_isotropy(report, model, source, case.strain)
    add_splitting(report, model, few.common_time(), few.stretch)
    add_cycles(report, model, source, case.strain, 1000 if options.quick else 100_000)
    add_long_run(report, model, source, case.strain, 2000 if options.quick else 100_000)
    states = sum(entry.count for entry in model.double.state_schema)
    report.add("state variables", states, "1", "<= 64")
    return report


def add_other_grains(report: Report, source, walks, out: Path) -> None:
    """How far another draw of as many grains of the same crystal is off on the same walks: what a surrogate of one draw
    may be measured against."""
    from dataclasses import replace

    from training.evaluate import fresh_paths
    from training.executor import make_executor
    from training.measures import errors

    if source.law.name != "PYBRIDGE_TAYLOR_CRYSTAL":
        return
    grains, seed = (*source.law.constants, 0.0)[:2]
    other = replace(source, law=replace(source.law, constants=(grains, seed + 1)))
    stored, strain = walks.stretch.shape[1] - 1, walks.provenance["parts"][0]["spec"]["strain"]
    found = fresh_paths(other, "R", len(walks), strain, out / "other-grains", make_executor(2), stored)
    report.add(
        "deviatoric difference R, another draw of the grains",
        errors(found.stress, walks.stress).deviatoric,
        "1",
    )


def add_isotropy(report: Report, model, source, strain: float) -> None:
    """Tension along 13 directions ([LIU22] Fig. 3): spread of the stress over its mean, the grains' own beside it."""
    from training.evaluate import isotropy, isotropy_figures
    from training.fine_scale import drive_material

    def answer(time, stretch):
        return drive_material(model.double, model.density, time, stretch).stress

    time = np.linspace(0, source.spec.duration, 201)
    found = isotropy_figures(isotropy(answer, time, source, strain))
    report.add("spread over directions of tension, fine scale", found["fine"], "1")
    report.add("spread over directions of tension", found["learned"], "1")


def add_splitting(report: Report, model, time, stretch) -> None:
    """Every step of the data cut into 2, 10 and 100: change of the answer, whole and deviator."""
    from training.yield_surface_measure import change_by_splitting

    for parts in (2, 10, 100):
        few = slice(0, 10 if parts < 100 else 4)
        change = change_by_splitting(model, time, stretch[few], parts)
        report.add(f"steps cut into {parts}: change of the stress", change.total, "1", "<= 0.005")
        report.add(f"steps cut into {parts}: change of the deviator", change.deviatoric, "1", "<= 0.005")


def add_cycles(report: Report, model, source, strain: float, rest: int) -> None:
    """Cycles of 1e-5 about the virgin state and two that flowed and were unloaded by a tenth and a half of their elastic
    strain; the fine scale, which relaxes in time, beside them (its rest: 1000 cycles at most)."""
    from training.yield_surface_measure import small_cycles

    dt = source.spec.duration / 200
    crystal = source.law.material()
    for unload, label in ((None, "virgin"), (0.1, "unloaded by 0.1"), (0.5, "unloaded by 0.5")):
        fine = small_cycles(crystal, source.law.density, dt, strain, unload, min(rest, 1000))
        double = small_cycles(model.double, model.density, dt, strain, unload, rest)
        single = small_cycles(model.single, model.density, dt, strain, unload, rest)
        report.add(f"{label}: first ten cycles, fine scale", fine.first, "1")
        report.add(
            f"{label}: first ten cycles beyond the fine scale", double.first - fine.first, "1", "<= 0.02"
        )
        report.add(f"{label}: next {min(rest, 1000)} cycles, fine scale", fine.rest, "1")
        report.add(f"{label}: next {rest} cycles, f64", double.rest, "1", "<= 1e-6")
        report.add(f"{label}: next {rest} cycles, f32", single.rest, "1", "<= 1e-3")


def add_long_run(report: Report, model, source, strain: float, steps: int) -> None:
    """One random walk in `steps` steps: single against double precision."""
    from dataclasses import replace

    from training.paths import sample
    from training.yield_surface_measure import single_against_double

    spec = replace(source.spec, protocol="R", strain=strain, steps=steps, seed=source.spec.seed + 77)
    stretch = np.stack([sample(spec, i).stretch for i in range(2)])
    found = single_against_double(model, spec.time(), stretch)
    report.add(f"{steps} steps, f32 against f64", found, "1", "<= 0.01")
