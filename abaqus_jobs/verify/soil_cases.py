"""`pybridge verify soil-cases`: the six cases of [GUAN22] Table 3, reduced; `soil-cases-full` runs them at the paper's size.

Networks trained on coupled tests on the coarse mesh, on the finer mesh, or in the hybrid way of Fig. 9 (points in the
shear band from the finer mesh, the others from the coarse mesh), each used on both meshes and compared with packings at
every point there. The lateral pressure is constant here and was random in training. Then case E with what its own run
adds. Packings run a second time with the pressure off by a millionth: what these two differ by is the least error one can
ask for. Everything stands in --out and is taken from there when the command is repeated. --quick: cases A and E, which
need no data of the finer mesh.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from abaqus_jobs.learned_magnesium import call
from abaqus_jobs.soil_sizes import (
    OWN_ROUNDS,
    Mesh,
    Sizes,
    coupled_data,
    every_point,
    network_run,
    packing_run,
    step,
    train,
)
from pybridge.report import Report

# Trained on, used on.
CASES = {
    "A": ("coarse", "coarse"), "E": ("coarse", "fine"), "B": ("fine", "coarse"), "D": ("fine", "fine"),
    "C": ("hybrid", "coarse"), "F": ("hybrid", "fine"),
}  # fmt: skip


def run(options: argparse.Namespace) -> Report:
    """The reduced size: 4 x 8 as the finer mesh, 4 % strain."""
    return cases("soil-cases", options, Sizes())


def cases(name: str, options: argparse.Namespace, sizes: Sizes) -> Report:
    """Make data, networks and runs of all cases, report, and two pictures of each mesh."""
    from abaqus_jobs.soil_check import add_comparison, add_scatter
    from abaqus_jobs.soil_pictures import curves, fields
    from pybridge.solver.implicit import BiaxialTest

    out: Path = (options.out or Path("runs") / "verify") / name
    out.mkdir(parents=True, exist_ok=True)
    report = Report(name)
    runs: dict[str, dict] = {"coarse": {}, "fine": {}}
    for case in "AE" if options.quick else CASES:
        source, used = CASES[case]
        model = network(out, source, sizes)
        test = BiaxialTest(*mesh(sizes, used), strain=sizes.strain)
        dem = packing_run(out / f"packings-{used}.npz", test, sizes)
        net = network_run(out / f"network-{case}.npz", test, model, sizes)
        add_comparison(report, dem, net, f"{case}: ")
        runs[used] |= {"packings": dem, f"{case}: {source} data": net}
    if not options.quick:
        runs["fine"] |= repaired(report, out, sizes)
    for used, of_mesh in runs.items():
        if sizes.shaken:
            test = BiaxialTest(*mesh(sizes, used), strain=sizes.strain, pressure=(1 + sizes.shaken) * 1e5)
            again = packing_run(out / f"packings-{used}-again.npz", test, sizes)
            add_scatter(report, of_mesh["packings"], again, f"packings twice, {used}: ")
        for file in (
            curves(of_mesh, out / f"{used}-curves.png"),
            fields(of_mesh, out / f"{used}-fields.png"),
        ):
            print(file)
    return report


def repaired(report: Report, out: Path, sizes: Sizes) -> dict:
    """Case E again, every point of the network's own run on the finer mesh answered by packings and learned, from the
    beginning, OWN_ROUNDS times: no run with packings at every point of that mesh is needed."""
    from abaqus_jobs.soil_check import add_comparison
    from pybridge.solver.implicit import BiaxialTest

    test, runs = BiaxialTest(*sizes.fine, strain=sizes.strain), {}
    dem, sets = packing_run(out / "packings-fine.npz", test, sizes), data_sets(out, "coarse", sizes)
    last = out / "network-E.npz"
    for k in range(1, OWN_ROUNDS + 1):
        sets = [*sets, every_point(out / f"own-E{k}.h5", last, sizes)]
        model, last = out / f"E-own{k}.pt", out / f"network-E-own{k}.npz"
        step(model, sets, lambda model=model, sets=sets: train(sets, model, sizes))
        net = network_run(last, test, model, sizes)
        label = f"E and every point of its own run, round {k}"
        add_comparison(report, dem, net, f"{label}: ")
        runs[label] = net
    return runs


def mesh(sizes: Sizes, name: str) -> Mesh:
    """Columns and rows of the "coarse" or "fine" mesh."""
    return sizes.coarse if name == "coarse" else sizes.fine


def network(out: Path, source: str, sizes: Sizes) -> Path:
    """The committee trained on "coarse", "fine" or "hybrid" data."""
    data = data_sets(out, source, sizes)
    return step(out / f"{source}.pt", data, lambda: train(data, out / f"{source}.pt", sizes))


def data_sets(out: Path, source: str, sizes: Sizes) -> list[Path]:
    """The data sets of a source, made where they are missing."""
    if source != "hybrid":
        count = sizes.coarse_runs if source == "coarse" else sizes.fine_runs
        return [coupled_data(out / f"data-{source}.h5", sizes, mesh(sizes, source), count)]
    made = []
    for name, where in (("fine", "band"), ("coarse", "rest")):
        whole = data_sets(out, name, sizes)[0]
        part = out / f"data-{name}-{where}.h5"
        arguments = ("soil", "select", str(whole), "--where", where, "--out", str(part))
        made.append(step(part, [whole], lambda arguments=arguments: call(*arguments)))
    return made
