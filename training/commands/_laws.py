"""The fine-scale law that a sub-command works on, as its options name it."""

from __future__ import annotations

import argparse

from pybridge.errors import ConfigError
from training.fine_scale import Law

TAYLOR = "PYBRIDGE_TAYLOR_CRYSTAL"


def add_law_arguments(parser: argparse.ArgumentParser) -> None:
    """`taylor` or `law NAME`, and their constants."""
    parser.add_argument(
        "source", choices=["taylor", "law"], help="taylor: the polycrystal; law: a built-in law"
    )
    parser.add_argument("name", nargs="?", help="with `law`: its name, as PYBRIDGE_J2")
    parser.add_argument("--grains", type=int, default=128, help="taylor: orientations (128)")
    parser.add_argument("--texture-seed", type=int, default=0, help="taylor: seed of the orientations (0)")
    parser.add_argument(
        "--constants", default="", metavar="C1,C2,…",
        help="law: its constants (SI); taylor: constants after grains and seed",
    )  # fmt: skip
    parser.add_argument(
        "--density", type=float, default=1.0e4, help="reference density kg/m3 (1e4, [LIU22] A.1)"
    )
    parser.add_argument(
        "--precision", choices=["float64", "float32"], default="float64", help="of the fine scale"
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ConfigError(f"--constants {text}: expected numbers separated by commas") from error


def law_of(options: argparse.Namespace) -> Law:
    """The law that the options name; raises ConfigError."""
    constants = _numbers(options.constants)
    if options.source == "taylor":
        if options.name:
            raise ConfigError(f"taylor: no name expected, got {options.name!r}")
        constants = (float(options.grains), float(options.texture_seed), *constants)
        return Law(TAYLOR, constants, options.density, options.precision)
    if not options.name:
        raise ConfigError("law: expected the name of a built-in law, as `law PYBRIDGE_J2`")
    return Law(options.name, constants, options.density, options.precision)
