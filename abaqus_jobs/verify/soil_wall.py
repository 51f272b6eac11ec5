"""`pybridge verify soil-wall`: what repairs a network in front of the retaining wall of [GUAN22] 4.2, and what does not.

Begins where `pybridge verify soil` ends, whose files it takes from the same --out or makes: a network of biaxial tests and
up to three rounds of flagged points, training going on each time. Compared are the same points with training from the
beginning, a wider network, then every point of the network's own run, twice (single packings answer, no coupled run is
needed), and every point of the run with packings, which is [GUAN22] FEM-ML 2 and needs that run. Packings run a second time
with the pressure off by a millionth tell the least error one can ask for. --quick: the first alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from abaqus_jobs.soil_sizes import OWN_ROUNDS, every_point, network_run, packing_run, step, train
from abaqus_jobs.verify.soil import ROUNDS, SIZES, WALL, WRONG, learned, rounds
from pybridge.report import Report

WIDE = 100


def run(options: argparse.Namespace) -> Report:
    """Data, networks and runs of all variants, the report, and a picture of the curves."""
    from abaqus_jobs.soil_check import add_comparison, add_scatter
    from abaqus_jobs.soil_pictures import curves
    from abaqus_jobs.soil_runs import wrong
    from abaqus_jobs.soil_wall import WallTest

    out: Path = (options.out or Path("runs") / "verify") / "soil"
    out.mkdir(parents=True, exist_ok=True)
    report, data = Report("soil-wall"), learned(out, options.model)
    test = WallTest(*WALL, strain=SIZES.strain)
    dem = packing_run(out / "packings-wall.npz", test, SIZES)
    runs = {"packings": dem}

    def tried(name: str, label: str, sets: list[Path], *further: str) -> Path:
        model = out / f"wall-{name}.pt"
        step(model, sets, lambda: train(sets, model, SIZES, None, *further))
        file = out / f"network-wall-{name}.npz"
        net = network_run(file, test, model, SIZES)
        add_comparison(report, dem, net, f"{label}: ")
        bad = wrong(net, SIZES.packing, SIZES.threads) > WRONG
        report.add(f"{label}: points wrong at some time", float(bad.any(axis=0).mean()), "1")
        runs[label] = net
        return file

    rounds(
        Report("rounds"),
        out,
        "wall",
        dem,
        network_run(out / "network-wall.npz", test, data["model"], SIZES),
        data,
    )
    flagged = [out / f"flagged-wall{k}.h5" for k in range(1, ROUNDS + 1)]
    sets = [data["data"], *(file for file in flagged if file.exists())]
    last = tried("flagged", "flagged points, from the beginning", sets)
    if not options.quick:
        tried("wide", f"the same, width {WIDE}", sets, "--set", f"width = {WIDE}")
        for k in range(1, OWN_ROUNDS + 1):
            sets = [*sets, every_point(out / f"own-wall{k}.h5", last, SIZES)]
            last = tried(f"own{k}", f"and every point of its own run, round {k}", sets)
        shaken = WallTest(*WALL, strain=SIZES.strain, pressure=(1 + SIZES.shaken) * test.pressure)
        again = packing_run(out / "packings-wall-again.npz", shaken, SIZES)
        add_scatter(report, dem, again, "packings twice: ")
        every = [data["data"], every_point(out / "every-wall.h5", out / "packings-wall.npz", SIZES)]
        tried("every", "every point of the packings' run", every)
    print(curves(runs, out / "wall-repair-curves.png"))
    return report
