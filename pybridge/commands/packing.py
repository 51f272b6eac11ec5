"""Packings of grains: prepare one, load it, or look at it.

    pybridge packing prepare --dim 2 --grains 400 --radii 0.003 0.007 --pressure 1e5 --out disks.h5
    pybridge packing test disks.h5 --program biaxial --pressure 1e5 --strains -0.05 -0.045 -0.1 --out biaxial.csv
    pybridge packing show disks.h5
    pybridge packing library --out pybridge/packing/library

`disks.h5` may also be the name of a prepared packing that comes with the package. Strains are positive in tension,
pressures in compression. docs/theory/packings.md has the equations.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pybridge.errors import PackingError

HELP = "packings of grains: prepare, load, look at"
PROGRAMS = ("biaxial", "triaxial", "constant-p", "constant-b", "isotropic")

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge packing --help`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    make = actions.add_parser("prepare", help="throw grains into a cell and consolidate them")
    make.add_argument("--dim", type=int, choices=(2, 3), default=2, help="2 disks, 3 spheres")
    make.add_argument("--grains", type=int, default=400, help="100 to 20,000 (400)")
    make.add_argument("--radii", type=float, nargs=2, default=(0.003, 0.007), metavar="M", help="bounds, m")
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
    make.add_argument("--out", type=Path, required=True, metavar="FILE")
    test = actions.add_parser("test", help="a laboratory test on a packing, as a table (CSV)")
    test.add_argument("packing", metavar="FILE", help="a packing, or the name of one of the library")
    test.add_argument("--program", choices=PROGRAMS, required=True)
    test.add_argument("--pressure", type=float, default=1e5, help="lateral or mean pressure, Pa (1e5)")
    test.add_argument(
        "--strains", type=float, nargs="+", default=[-0.05], help="turning points of the axial strain"
    )
    test.add_argument(
        "--pressures", type=float, nargs="+", default=[2e5, 1e5], help="turning points, isotropic"
    )
    test.add_argument("--b", type=float, default=0.5, help="(s2 - s3) / (s1 - s3) of constant-b (0.5)")
    test.add_argument("--inertial-number", type=float, default=1e-3)
    test.add_argument("--out", type=Path, required=True, metavar="FILE")
    show = actions.add_parser("show", help="print what a packing is")
    show.add_argument("packing", metavar="FILE")
    library = actions.add_parser("library", help="prepare the packings that come with the package, anew")
    library.add_argument("--out", type=Path, required=True, metavar="DIR")


def run(options: argparse.Namespace) -> int:
    """Run the chosen action."""
    actions = {"prepare": _prepare, "test": _test, "show": _show, "library": _library}
    actions[options.action](options)
    return 0


def _describe(packing) -> None:
    m, p = packing.measure(), packing.parameters
    stress = ", ".join(f"{m.stress[k, k]:.6g}" for k in range(packing.dim))
    print(
        f"{packing.count} {'disks' if packing.dim == 2 else 'spheres'}, {p.law.name} contacts, E = {p.young:g} Pa"
    )
    print(f"friction {p.friction:g}, void ratio {m.void_ratio:.4f}, {m.coordination:.3f} contacts a grain")
    print(f"normal stresses {stress} Pa, largest overlap {m.overlap:.2%} of a radius")


def _prepare(options: argparse.Namespace) -> None:
    from pybridge._core import ContactLaw, PackingParameters
    from pybridge.packing import graded_radii, prepare, save, uniform_radii

    parameters = PackingParameters()
    parameters.law = getattr(ContactLaw, options.law)
    for name in ("young", "friction"):
        if getattr(options, name) is not None:
            setattr(parameters, name, getattr(options, name))
    if options.rolling is not None:
        parameters.rolling_stiffness, parameters.rolling_friction = options.rolling
    if options.gradation is not None:
        radii = graded_radii(
            options.grains, options.gradation[::2], options.gradation[1::2], options.dim, options.seed
        )
    else:
        radii = uniform_radii(options.grains, *options.radii, seed=options.seed)
    packing = prepare(
        options.dim, radii, options.pressure, parameters,
        preparation_friction=options.preparation_friction, preparation_creep=options.preparation_creep,
        seed=options.seed,
    )  # fmt: skip
    kept = {k: str(v) for k, v in vars(options).items() if k not in ("run", "command", "action", "out")}
    save(options.out, packing, kept)
    _describe(packing)
    print(options.out)


def _test(options: argparse.Namespace) -> None:
    import numpy as np

    from pybridge.packing import biaxial, constant_b, constant_p, find_packing, isotropic, triaxial
    from pybridge.report import write_text_atomic

    packing, pressure, number = find_packing(options.packing), options.pressure, options.inertial_number
    strains = options.strains
    if options.program == "biaxial":
        history = biaxial(packing, pressure, strains, inertial_number=number)
    elif options.program == "triaxial":
        history = triaxial(packing, pressure, strains, inertial_number=number)
    elif options.program == "constant-p":
        history = constant_p(packing, pressure, strains, inertial_number=number)
    elif options.program == "constant-b":
        history = constant_b(packing, pressure, options.b, strains, inertial_number=number)
    else:
        history = isotropic(packing, options.pressures, inertial_number=number)
    diagonal = np.diagonal(history.stress, axis1=1, axis2=2)
    rows = np.column_stack(
        [history.strain, diagonal, history.void_ratio, history.coordination, history.error]
    )
    head = "strain_11,strain_22,strain_33,stress_11,stress_22,stress_33,void_ratio,coordination,stress_error"
    lines = [head, *(",".join(f"{v:.9g}" for v in row) for row in rows)]
    write_text_atomic(options.out, "\n".join(lines) + "\n")
    print(f"{options.out}: {len(rows)} records, controlled stresses within {history.error.max():.4g} Pa")


def _show(options: argparse.Namespace) -> None:
    from pybridge.packing import find_packing

    _describe(find_packing(options.packing))


def _library(options: argparse.Namespace) -> None:
    from pybridge.packing import graded_radii, prepare, save, uniform_radii

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
        _describe(packing)
