"""A learned crystal in a Taylor anvil, from the first orientation to the last picture, in one command.

A magnesium polycrystal (128 grains, slip and twinning) is pulled along thousands of deformation paths; a network
learns its stress; the network becomes one model file; the compiled VUMAT loads that file; and a rod hits a rigid wall
three times on one mesh: with Johnson-Cook, with the learned material through the VUMAT, and with the polycrystal
itself at every integration point. Ends in a table, pictures and files for ParaView. An interrupted demo goes on
where it stopped with the same command. About 10 minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

HELP = "the whole way in one command: crystal, network, VUMAT, rod against a wall"

# What the paths of the data set are: random walks for coverage, and paths like those that the rod meets.
PROTOCOLS = "R:1500:0.25,impact:2500:0.5"
CONFIG = "pca_dnn_impact"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge demo --help`."""
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder of all files (demo)")
    parser.add_argument("--processes", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--elements", type=int, default=3200, help="elements of the rod, about (3200)")


def run(options: argparse.Namespace) -> int:
    """Run every step; each prints what it does, how far it is, and how long it took."""
    from abaqus_jobs.impact_check import compare_materials
    from abaqus_jobs.rods import taylor_anvil

    begun = time.monotonic()
    out: Path = options.out
    data, training, model = out / "histories.h5", out / "training", out / "MAGNESIUM.pt"
    _step(1, "fine scale: a polycrystal of 128 grains along thousands of paths")
    _call(
        "generate", "taylor", "--protocol", PROTOCOLS, "--precision", "float32",
        "--processes", str(options.processes), "--out", str(data),
    )  # fmt: skip
    _step(2, "training: a network learns the stress of the polycrystal")
    _call("train", str(data), "--config", CONFIG, "--out", str(training), "--threads", str(options.processes))
    _step(3, "export: one model file, compared in both engines")
    if not model.exists() or model.stat().st_mtime < (training / "surrogate.npz").stat().st_mtime:
        _call("export", str(training), "--out", str(model), "--force")
    _call("inspect", str(model))
    _step(4, "impact: one rod, one mesh, three materials")
    report = compare_materials(
        lambda material, **rest: taylor_anvil(material, elements=options.elements, **rest), model, out / "anvil",
        name="taylor-anvil",
    )  # fmt: skip
    report.print(out / "anvil" / "report.json")
    print(f"\nall files are in {out}/ ; pictures: {out}/anvil/*.png ; for ParaView: {out}/anvil/*.pvd")
    print(f"the demo took {(time.monotonic() - begun) / 60:.1f} minutes")
    return 0


def _step(number: int, text: str) -> None:
    from rich.console import Console

    Console().rule(f"[bold]{number}/4  {text}", align="left")


def _call(*arguments: str) -> None:
    """Another sub-command, found by its name so that this folder depends on pybridge alone."""
    from pybridge.commands import main
    from pybridge.errors import PybridgeError

    print("pybridge " + " ".join(arguments), flush=True)
    code = main(list(arguments))
    if code == 130:
        raise KeyboardInterrupt
    if code != 0:
        raise PybridgeError(f"pybridge {arguments[0]} ended with code {code}; its message stands above")
