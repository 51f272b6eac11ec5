"""A learned crystal in a Taylor anvil, from the first orientation to the last picture, in one command.

A magnesium polycrystal (128 grains, slip and twinning) is pulled along thousands of deformation paths; a network
learns its stress; the network becomes one model file; the compiled VUMAT loads that file; and a rod hits a rigid wall
three times on one mesh: with Johnson-Cook, with the learned material through the VUMAT, and with the polycrystal
itself at every integration point. Ends in a table, pictures and files for ParaView. An interrupted demo goes on
where it stopped with the same command.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

HELP = "the whole way in one command: crystal, network, VUMAT, rod against a wall"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge demo --help`."""
    parser.add_argument(
        "name", nargs="?", choices=("crystal", "soil"), default="crystal",
        help="crystal: a rod against a wall (default); soil: packings of grains in a biaxial test, files in DIR/soil",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), metavar="DIR", help="folder of all files (demo)"
    )
    parser.add_argument("--processes", type=int, default=2, help="worker processes and threads (2)")
    parser.add_argument("--elements", type=int, default=3200, help="elements of the rod, about (3200)")


def run(options: argparse.Namespace) -> int:
    """Run every step; each prints what it does, how far it is, and how long it took."""
    from rich.console import Console

    from abaqus_jobs import impact_pictures
    from abaqus_jobs.impact_check import compare_materials
    from abaqus_jobs.learned_magnesium import learned_magnesium
    from abaqus_jobs.rods import taylor_anvil

    begun = time.monotonic()
    out: Path = options.out
    console = Console()

    def announce(text: str) -> None:
        console.rule(f"[bold]{text}[/] ({(time.monotonic() - begun) / 60:.1f} min)", align="left")

    if options.name == "soil":
        from abaqus_jobs import soil_demo

        return soil_demo.demo(out / "soil", options.processes, announce)
    model = learned_magnesium(out, options.processes, announce)
    announce("impact: one rod, one mesh, three materials")

    def builder(material, **rest):
        return taylor_anvil(material, elements=options.elements, **rest)

    report = compare_materials(
        builder, model, out / "anvil", name="taylor-anvil", reuse=True, threads=options.processes
    )
    announce("pictures")
    for file in impact_pictures.draw(out / "anvil"):
        print(file)
    report.print(out / "anvil" / "report.json")
    announce(f"done: all files are in {out}/, those for ParaView are {out}/anvil/*_paraview/")
    return 0
