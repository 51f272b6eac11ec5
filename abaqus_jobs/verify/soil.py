"""`pybridge verify soil`: networks against packings at every point, on the mesh they learned on and on a finer one.

[GUAN22] Table 3. Case A: trained on the coarse mesh and used there. Case E: the same network on a finer mesh (4 x 8; the
paper's is 8 x 16), whose shear bands it has not seen. Its committee says where it does not know: the paths of flagged
points are answered by packings, added to the training set ([GUAN22] 3.4.2), and the test is run again, up to ROUNDS times.
Whether flagged points are the wrong ones is measured: every point's strain path is also answered by a packing. The same
with the retaining wall of [GUAN22] 4.2, where a network that knows biaxial tests alone breaks down (FEM-ML 1).

Everything stands in --out and is taken from there when the command is repeated. --quick: case A alone, with --model that network and no data.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from abaqus_jobs.learned_magnesium import call
from abaqus_jobs.soil_sizes import Sizes, coupled_data, network_run, packing_run, step, train
from pybridge.report import Report

SIZES = Sizes()
WALL = (8, 4)
ROUNDS, POINTS = 3, 32
WRONG = 0.15  # |stress - the packing's| / |the packing's|
TARGETS = {"pressure under the top: mean error": "<= 0.05", "displacement at the end": "<= 0.05"}


def run(options: argparse.Namespace) -> Report:
    """Make the data and train (or take --model), run both meshes, resample, report."""
    from abaqus_jobs.soil_check import add_comparison
    from abaqus_jobs.soil_pictures import curves, fields
    from abaqus_jobs.soil_wall import WallTest
    from pybridge.solver.implicit import BiaxialTest

    out: Path = (options.out or Path("runs") / "verify") / "soil"
    out.mkdir(parents=True, exist_ok=True)
    alone = options.quick and options.model is not None  # a given network in case A needs no data
    data: dict[str, Any] = {"model": options.model} if alone else learned(out, options.model)
    report = Report("soil")
    tests: dict[str, Any] = {"A": BiaxialTest(*SIZES.coarse, strain=SIZES.strain)}
    if not options.quick:
        tests["E"] = BiaxialTest(*SIZES.fine, strain=SIZES.strain)
        tests["wall"] = WallTest(*WALL, strain=SIZES.strain)
    for case, test in tests.items():
        dem = packing_run(out / f"packings-{case}.npz", test, SIZES)
        net = network_run(out / f"network-{case}.npz", test, data["model"], SIZES)
        add_comparison(report, dem, net, f"{case}: ", TARGETS if case == "A" else None)
        runs = {"packings": dem, "network" if case == "A" else "network, coarse data": net}
        if case != "A":
            flags(report, f"{case}: ", dem, net, data["model"])
            runs |= rounds(report, out, case, dem, net, data)
        for file in (curves(runs, out / f"{case}-curves.png"), fields(runs, out / f"{case}-fields.png")):
            print(file)
    return report


def learned(out: Path, model: Path | None) -> dict[str, Any]:
    """Coupled tests on the coarse mesh and the committee trained on them, going on where an earlier call stopped."""
    data = coupled_data(out / "coarse.h5", SIZES, SIZES.coarse, SIZES.coarse_runs)
    made = model or out / "coarse.pt"
    if not made.exists():
        train([data], made, SIZES)
    return {"data": data, "model": made}


def flags(report: Report, prefix: str, dem: Any, net: Any, model: Path) -> None:
    """Whether the flagged points are the wrong ones, and which came first."""
    from abaqus_jobs.soil_check import departure
    from abaqus_jobs.soil_runs import reasons, wrong

    for name, found in zip(("members apart", "outside the trained box"), reasons(net, model), strict=True):
        report.add(prefix + f"points {name} at some time", float(found.any(axis=0).mean()), "1")
        if found.any():
            first = net.load[int(found.any(axis=1).argmax())] * net.test.strain
            report.add(prefix + f"axial strain at the first point {name}", float(first), "1")
    error = wrong(net, SIZES.packing, SIZES.threads)
    keep = [net.at(k / net.steps) for k in range(len(error))]
    flagged = net.flagged[keep]
    bad = np.maximum.accumulate(error > WRONG, axis=0)
    report.add(
        prefix + f"points wrong (by {WRONG:.0%} of the stress) at some time", float(bad[-1].mean()), "1"
    )
    if bad[-1].any():
        late = flagged[:, bad[-1]].argmax(axis=0) <= bad[:, bad[-1]].argmax(axis=0)
        seen = flagged[-1][bad[-1]]
        report.add(prefix + "of the wrong points flagged", float(seen.mean()), "1")
        report.add(
            prefix + "of the wrong points flagged no later than wrong", float((late & seen).mean()), "1"
        )
    if flagged[-1].any():
        report.add(prefix + "of the flagged points wrong", float(bad[-1][flagged[-1]].mean()), "1")
    left = departure(dem, net)
    if np.isfinite(left):
        record = net.at(left / net.test.strain)
        report.add(prefix + "points flagged where the curve departs", float(net.flagged[record].mean()), "1")


def rounds(report: Report, out: Path, case: str, dem: Any, net: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Flagged points into the training set, again and again; the runs by name."""
    from abaqus_jobs.soil_check import add_comparison
    from abaqus_jobs.soil_runs import wrong

    sets, runs, added = [data["data"]], {}, 0
    last, before = out / f"network-{case}.npz", data["model"]
    for k in range(1, ROUNDS + 1):
        if not net.flagged[-1].any():
            break
        found, model = out / f"flagged-{case}{k}.h5", out / f"{case}{k}.pt"
        step(found, [last], lambda last=last, found=found: call(
            "soil", "resample", str(last), "--packing", SIZES.packing, "--points", str(POINTS), "--out", str(found)
        ))  # fmt: skip
        sets.append(found)
        step(model, [found], lambda model=model, before=before: train(sets, model, SIZES, before))
        added += count_paths(found)
        last, before = out / f"network-{case}{k}.npz", model
        net = network_run(last, dem.test, model, SIZES)
        prefix = f"{case} with {added} flagged points added: "
        add_comparison(report, dem, net, prefix)
        bad = wrong(net, SIZES.packing, SIZES.threads) > WRONG
        report.add(prefix + "points wrong at some time", float(bad.any(axis=0).mean()), "1")
        runs[f"{added} points added"] = net
    return runs


def count_paths(file: Path) -> int:
    """Paths of a data set."""
    import h5py

    with h5py.File(file, "r") as data:
        return len(np.asarray(data["run"]))
