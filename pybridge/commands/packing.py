"""Packings of grains: prepare one, load it, or look at it.

    pybridge packing prepare --dim 2 --grains 400 --radii 0.003 0.007 --pressure 1e5 --out disks.h5
    pybridge packing test disks.h5 --program biaxial --pressure 1e5 --strains -0.05 -0.045 -0.1 --out biaxial.csv
    pybridge packing test disks.h5 --program isotropic --pressures 2e5 --save denser.h5 --out isotropic.csv
    pybridge packing show denser.h5
    pybridge packing library --out pybridge/packing/library

`disks.h5` may also be the name of a prepared packing that comes with the package. Strains are positive in tension,
pressures in compression. docs/theory/packings.md has the equations.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pybridge.commands import _packing_test
from pybridge.commands._packing_test import add_guards, refuse_to_replace
from pybridge.errors import PackingError

HELP = "packings of grains: prepare, load, look at"
GRAINS = (100, 20_000)  # fewer say little, more nobody has tried
RADII = (0.003, 0.007)

# The packings that come with the package: [GUAN22] 500 disks, [QU23A] 400 disks (here with the radii of the public
# code of the papers), denser and looser, one from a gradation curve (diameters in m, shares finer by mass), and spheres.
LIBRARY: dict[str, dict[str, Any]] = {
    "disks400": {"dim": 2, "count": 400, "radii": (0.003, 0.007), "seed": 1, "friction": 0.0},
    "disks400_loose": {"dim": 2, "count": 400, "radii": (0.003, 0.007), "seed": 1, "friction": 0.5},
    "disks100": {"dim": 2, "count": 100, "radii": (0.003, 0.007), "seed": 1, "friction": 0.0},
    "disks400_graded": {
        "dim": 2, "count": 400, "gradation": ((0.004, 0.008, 0.012, 0.016), (0.0, 0.2, 0.6, 1.0)), "seed": 1, "friction": 0.0,
    },
    "spheres500": {"dim": 3, "count": 500, "radii": (0.003, 0.007), "seed": 1, "friction": 0.0},
}  # fmt: skip
LIBRARY_PRESSURE = 1e5
# What Ctrl-C leaves: no action goes on where it stopped.
INTERRUPTED = {
    "test": "no table was written; the same command starts anew",
    "prepare": "no packing was saved; the same command starts anew",
    "library": "the packings named above are there; the same command starts anew",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge packing --help`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    make = actions.add_parser("prepare", help="throw grains into a cell and consolidate them")
    make.add_argument("--dim", type=int, choices=(2, 3), default=2, help="2 disks, 3 spheres")
    make.add_argument("--grains", type=int, default=400, help=f"{GRAINS[0]} to {GRAINS[1]:,} (400)")
    make.add_argument("--radii", type=float, nargs=2, metavar="M", help="bounds, m (0.003 0.007)")
    make.add_argument(
        "--gradation", type=float, nargs="+", metavar="X",
        help="instead of --radii: diameter (m) and share finer by mass (0 to 1), pair by pair, rising",
    )  # fmt: skip
    make.add_argument("--pressure", type=float, default=1e5, help="target, Pa (1e5)")
    make.add_argument("--law", choices=("linear", "hertz"), default="linear", help="contact law (linear)")
    make.add_argument("--young", type=float, help="modulus of the grains, Pa (6e8 linear)")
    make.add_argument("--friction", type=float, help="coefficient after consolidation (0.546)")
    make.add_argument(
        "--rolling", type=float, nargs=2, metavar=("STIFFNESS", "FRICTION"), help="rolling resistance"
    )
    make.add_argument(
        "--preparation-friction",
        type=float,
        default=0.0,
        help="coefficient while consolidating: 0 densest (0)",
    )
    make.add_argument(
        "--preparation-creep", type=float, metavar="I",
        help="give grains their friction as soon as the volume creeps by less than this inertial number (1e-4 for large "
        "packings, which rearrange for very long without friction)",
    )  # fmt: skip
    make.add_argument("--seed", type=int, default=0)
    add_guards(make)
    make.add_argument("--quiet", action="store_true", help="no progress bar")
    make.add_argument("--overwrite", action="store_true", help="replace a packing that is there")
    make.add_argument("--out", type=Path, required=True, metavar="FILE")
    _packing_test.add_arguments(
        actions.add_parser("test", help="a laboratory test on a packing, as a table (CSV)")
    )
    show = actions.add_parser("show", help="print what a packing is")
    show.add_argument("packing", metavar="FILE")
    library = actions.add_parser("library", help="prepare the packings that come with the package, anew")
    library.add_argument("--out", type=Path, required=True, metavar="DIR")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action."""
    actions = {"prepare": _prepare, "test": _packing_test.run, "show": _show, "library": _library}
    try:
        actions[options.action](options)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(str(stop) or INTERRUPTED.get(options.action, "nothing was written")) from stop
    return 0


def _radii(options: argparse.Namespace) -> Any:
    from pybridge.packing import graded_radii, uniform_radii

    if not GRAINS[0] <= options.grains <= GRAINS[1]:
        raise PackingError(f"--grains {options.grains}: expected {GRAINS[0]} to {GRAINS[1]:,}")
    if options.gradation is None:
        return uniform_radii(options.grains, *(options.radii or RADII), seed=options.seed)
    if options.radii is not None:
        raise PackingError(
            "--radii and --gradation exclude each other: the curve gives the radii; leave one of them out"
        )
    return graded_radii(
        options.grains, options.gradation[::2], options.gradation[1::2], options.dim, options.seed
    )


def _prepare(options: argparse.Namespace) -> None:
    from pybridge._core import ContactLaw, PackingParameters
    from pybridge.packing import prepare, save
    from pybridge.packing.describe import describe
    from pybridge.packing.guards import read_guards
    from pybridge.solver.progress import progress_bar

    refuse_to_replace(options.out, "--out", options.overwrite)
    parameters = PackingParameters()
    parameters.law = getattr(ContactLaw, options.law)
    for name in ("young", "friction"):
        if getattr(options, name) is not None:
            setattr(parameters, name, getattr(options, name))
    if options.rolling is not None:
        parameters.rolling_stiffness, parameters.rolling_friction = options.rolling
    radii, guards = _radii(options), read_guards(options.guards)
    with progress_bar(not options.quiet, 1.0, 0.0) as bar:
        packing = prepare(
            options.dim, radii, options.pressure, parameters,
            preparation_friction=options.preparation_friction, preparation_creep=options.preparation_creep,
            seed=options.seed, guards=guards, watch=bar,
        )  # fmt: skip
    shown = ("run", "command", "action", "out", "quiet", "overwrite")
    kept = {k: v for k, v in vars(options).items() if k not in shown and v not in (None, [])}
    if options.gradation is None:
        kept["radii"] = list(options.radii or RADII)
    save(options.out, packing, kept)
    print(describe(packing))
    print(options.out)


def _show(options: argparse.Namespace) -> None:
    from pybridge.packing import load
    from pybridge.packing.describe import describe, describe_provenance, describe_state
    from pybridge.packing.files import read_provenance
    from pybridge.packing.material import packing_file

    file = packing_file(options.packing)
    packing = load(file)
    print(describe(packing))
    print(describe_state(packing))
    print(describe_provenance(read_provenance(file)))


def _library(options: argparse.Namespace) -> None:
    from pybridge.packing import graded_radii, prepare, save, uniform_radii
    from pybridge.packing.describe import describe

    if not options.out.is_dir():
        raise PackingError(f"{options.out}: expected a folder")
    for name, entry in LIBRARY.items():
        if "gradation" in entry:
            diameters, passing = entry["gradation"]
            radii = graded_radii(entry["count"], diameters, passing, entry["dim"], entry["seed"])
        else:
            radii = uniform_radii(entry["count"], *entry["radii"], seed=entry["seed"])
        packing = prepare(
            entry["dim"], radii, LIBRARY_PRESSURE, preparation_friction=entry["friction"], seed=entry["seed"]
        )
        save(options.out / f"{name}.h5", packing, {**entry, "pressure": LIBRARY_PRESSURE})
        print(options.out / f"{name}.h5")
        print(describe(packing))
