"""Turn stress-strain histories from elsewhere (CSV, HDF5) into a data set to train on, and say what they can teach.

  pybridge import tests.csv --strain log --stress-unit MPa --time-unit us --density 7800 --out mine.h5
  pybridge import grid.csv --strain F --stress pk1 --stress-unit Pa --time-unit s --out mine.h5
  pybridge import rock.csv --strain small --sign compression --stress-unit MPa --time-unit ms --out rock.h5

CSV: one line a path and time, with a heading: path, time, strain and stress components (e11, e22, e33, e12, e23, e13 and
s11 …; U11 … with --strain stretch; F11, F12, … F33 with --strain F; P11 … P33 with --stress pk1). HDF5: time
[n_path, n_time], strain (stretch, F) and stress [n_path, n_time, 6 or 9]. Each path starts in the virgin state.
docs/training.md has the measures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.histories import STRAIN_UNITS, STRAINS, STRESS_UNITS, STRESSES, TIME_UNITS

HELP = "histories from elsewhere (CSV, HDF5) as a data set (.h5)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge import --help`."""
    parser.add_argument("file", type=Path, help="the histories (.csv, .h5)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the data set to write (.h5)")
    parser.add_argument("--strain", choices=STRAINS, required=True, help="the measure of strain")
    parser.add_argument("--stress-unit", choices=tuple(STRESS_UNITS), required=True)
    parser.add_argument("--time-unit", choices=tuple(TIME_UNITS), required=True)
    parser.add_argument(
        "--stress",
        choices=STRESSES,
        default="cauchy",
        help="the measure of stress; rotated: R^T cauchy R (cauchy)",
    )
    parser.add_argument(
        "--strain-unit", choices=tuple(STRAIN_UNITS), default="1", metavar="U", help="1 or %% (1)"
    )
    parser.add_argument(
        "--shear",
        choices=("tensor", "engineering"),
        default="tensor",
        help="e12, or 2 e12, in the strains (tensor)",
    )
    parser.add_argument(
        "--sign", choices=("tension", "compression"), default="tension", help="which is positive (tension)"
    )
    parser.add_argument("--density", type=float, metavar="RHO", help="kg/m3, of the virgin material")
    parser.add_argument(
        "--moduli",
        metavar="K,G",
        help="bulk and shear modulus, or the 21 constants of *ELASTIC, TYPE=ANISOTROPIC in its order, in the unit of "
        "stress (what the first steps say)",
    )
    parser.add_argument(
        "--columns", default="", metavar="NAME=THEIRS,…", help="columns that have other names"
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="of the common time grid (the median of the file)"
    )
    parser.add_argument(
        "--duration", type=float, metavar="T", help="in s, where the histories end at different times"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace FILE; write it in spite of errors in the data"
    )


def run(options: argparse.Namespace) -> int:
    """Read, convert, check, write."""
    from pybridge.errors import ConfigError, DataSetError
    from training.data_import import import_histories, names_of
    from training.histories import Declared

    if options.out.exists() and not options.force:
        raise DataSetError(f"{options.out} exists; choose another --out, or --force to replace it")
    if options.steps is not None and options.steps < 2:
        raise ConfigError(f"--steps {options.steps}: expected 2 or more")
    for name in ("density", "duration"):
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise ConfigError(f"--{name} {value:g}: expected a number above 0")
    declared = Declared(
        options.strain, options.stress, options.stress_unit, options.time_unit, options.sign, options.shear,
        options.strain_unit,
    )  # fmt: skip
    findings = import_histories(
        options.file, declared, options.out, names=names_of(options.columns), density=options.density,
        moduli=options.moduli, steps=options.steps, duration=options.duration, force=options.force,
    )  # fmt: skip
    warnings = sum(one.state == "warning" for one in findings)
    print(
        f"{options.out}: written" + (f", with {warnings} warning{'s' * (warnings > 1)}" if warnings else "")
    )
    return 0
