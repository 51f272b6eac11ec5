"""`pybridge packing test`: a loading program on a packing, as a table; records before a stop are kept."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pybridge.errors import ConfigError, LoadingError, PackingError

if TYPE_CHECKING:
    from pybridge._core import PackingEngine
    from pybridge.packing import Guards, History

PROGRAMS = ("biaxial", "triaxial", "constant-p", "constant-b", "isotropic", "path")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge packing test --help`."""
    parser.add_argument("packing", metavar="FILE", help="a packing, or the name of one of the library")
    parser.add_argument("--program", choices=PROGRAMS, required=True)
    parser.add_argument("--pressure", type=float, default=1e5, help="lateral or mean pressure, Pa (1e5)")
    parser.add_argument(
        "--strains", type=float, nargs="+", default=[-0.05], help="turning points of the axial strain"
    )
    parser.add_argument(
        "--pressures", type=float, nargs="+", default=[2e5, 1e5], help="turning points, isotropic"
    )
    parser.add_argument("--b", type=float, default=0.5, help="(s2 - s3) / (s1 - s3) of constant-b (0.5)")
    parser.add_argument(
        "--file", type=Path, metavar="CSV",
        help="of path: columns strain_11, strain_22, ... of the logarithmic strain, one record a line",
    )  # fmt: skip
    parser.add_argument("--inertial-number", type=float, default=1e-3, help="of the loading (1e-3)")
    parser.add_argument(
        "--tolerance", type=float, default=0.01, metavar="SHARE",
        help="how far controlled stresses may be off, over the pressure (0.01)",
    )  # fmt: skip
    add_guards(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the table (CSV)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the packing as the test leaves it")
    parser.add_argument("--overwrite", action="store_true", help="replace a packing that is there")


def add_guards(parser: argparse.ArgumentParser) -> None:
    """--guards, of everything that moves grains."""
    parser.add_argument(
        "--guards", nargs="+", default=[], metavar="NAME=NUMBER",
        help="other limits than those of the packing as a material: overlap_max, asymmetry_max, inertial_max",
    )  # fmt: skip


def refuse_to_replace(path: Path, option: str, overwrite: bool) -> None:
    """Raises ConfigError where a file is there that --overwrite does not allow to replace."""
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} exists; give --overwrite to replace it, or another file with {option}")


def run(options: argparse.Namespace) -> None:
    """Load the packing; write the table, also of a test that stopped on its way."""
    from pybridge.packing import LoadingInterrupt, load, save
    from pybridge.packing.files import read_provenance
    from pybridge.packing.guards import read_guards
    from pybridge.packing.material import packing_file
    from pybridge.packing.tables import history_table
    from pybridge.report import write_text_atomic
    from pybridge.solver.progress import progress_bar

    if options.save is not None:
        refuse_to_replace(options.save, "--save", options.overwrite)
    file = packing_file(options.packing)
    packing = load(file)
    guards = read_guards(options.guards)
    program = _program(packing, options, guards)

    def keep(history: History) -> str:
        write_text_atomic(options.out, history_table(history))
        return f"the {len(history.time)} records up to there are in {options.out}"

    try:
        with progress_bar(not options.quiet, 1.0, 0.0) as bar:
            history = program(bar)
    except LoadingError as fault:
        raise LoadingError(f"{options.packing}: {fault}; {keep(fault.history)}", fault.history) from fault
    except PackingError as fault:
        raise PackingError(f"{options.packing}: {fault}") from fault
    except LoadingInterrupt as stop:
        raise KeyboardInterrupt(f"{keep(stop.history)}; the same command starts anew") from stop
    write_text_atomic(options.out, history_table(history))
    print(
        f"{options.out}: {len(history.time)} records, controlled stresses within {history.error.max():.4g} Pa"
    )
    soft, limit = history.overlap > guards.overlap_max, guards.overlap_max
    if soft.any():
        print(
            f"from record {int(soft.argmax()) + 1} on grains overlap by more than {limit:g} of a radius (overlap_max), up "
            f"to {history.overlap.max():.3g}: they are soft for this test"
        )
    if options.save is not None:
        save(options.save, packing, {**_settings(options), "from": read_provenance(file)})
        print(options.save)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """What the packing went through, for its file."""
    own = {
        "path": ("file", "pressure"),
        "isotropic": ("pressures", "tolerance"),
        "constant-b": ("pressure", "b", "strains", "tolerance"),
    }
    names = (
        "packing",
        "program",
        *own.get(options.program, ("pressure", "strains", "tolerance")),
        "inertial_number",
    )
    kept = {name: getattr(options, name) for name in names}
    return {name: str(value) if isinstance(value, Path) else value for name, value in kept.items()}


def _program(packing: PackingEngine, options: argparse.Namespace, guards: Guards) -> Callable[[Any], History]:
    """The program, called with who watches it. Raises PackingError for options that do not go together."""
    from pybridge.packing import biaxial, constant_b, constant_p, isotropic, strain_path, triaxial
    from pybridge.packing.programs import Loading
    from pybridge.packing.tables import read_stretches

    number, pressure = options.inertial_number, options.pressure
    if (options.program == "path") != (options.file is not None):
        raise PackingError(
            f"--program {options.program}: expected --file with the program path, and with no other"
        )
    if options.program == "path":
        stretches = read_stretches(options.file, packing.dim)
        return lambda bar: strain_path(
            packing, stretches, pressure=pressure, inertial_number=number, guards=guards, watch=bar
        )

    def load(bar: Any) -> History:
        loading: Loading = {
            "inertial_number": number, "tolerance": options.tolerance, "guards": guards, "watch": bar,
        }  # fmt: skip
        if options.program == "isotropic":
            return isotropic(packing, options.pressures, **loading)
        if options.program == "constant-b":
            return constant_b(packing, pressure, options.b, options.strains, **loading)
        programs = {"biaxial": biaxial, "triaxial": triaxial, "constant-p": constant_p}
        return programs[options.program](packing, pressure, options.strains, **loading)

    return load
