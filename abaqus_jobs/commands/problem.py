"""Write a problem as a deck, for `pybridge run` and for Abaqus; its parameters by name.

  pybridge problem footing --out footing.inp                          402 CPE6, *STATIC, a von Mises soil
  pybridge problem footing --list                                     its parameters; without a name those of all
  pybridge problem wall --set columns=40 rows=20 rough=yes --out wall.inp
  pybridge problem biaxial-explicit --model soil.pt --out b.inp       *USER MATERIAL, *DEPVAR from the model file
  pybridge problem biaxial-explicit --procedure time=2 alpha=100 --out b.inp

Problems: biaxial, biaxial-explicit, footing, footing-explicit, wall, wall-explicit, triaxial, copper-rod, taylor-anvil,
plate-impact; docs/problems.md has their parameters too. --set and --procedure change what they name and nothing else. Any
deck runs with packings: `pybridge run b.inp --material packing:disks400` (spheres where it is of solids).
"""

from __future__ import annotations

import argparse
import inspect
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from abaqus_jobs.commands._values import parameters, parsed, worded
from pybridge.errors import ConfigError

HELP = "write a problem (footing, wall, biaxial or triaxial test, rods, plate) as a deck"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge problem --help`."""
    parser.add_argument("name", metavar="PROBLEM", nargs="?", help="one of the problems above")
    parser.add_argument("--out", type=Path, metavar="FILE.inp", help="the deck")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="parameters of the problem"
    )
    parser.add_argument(
        "--procedure", nargs="+", action="extend", default=[], metavar="KEY=VALUE",
        help="soil: steps (static), or time or speed, alpha, mass_scale, increment (explicit), intervals",
    )  # fmt: skip
    parser.add_argument("--model", type=Path, metavar="FILE.pt", help="the material is this model file")
    parser.add_argument("--density", type=float, metavar="KG/M3", help="of the material")
    parser.add_argument("--overwrite", action="store_true", help="replace a deck that is there")
    parser.add_argument("--list", action="store_true", help="the parameters with their defaults, and no deck")


def run(options: argparse.Namespace) -> int:
    """Write the deck, or list parameters."""
    from pybridge.deck.writer import write_deck

    problems = all_problems()
    if options.list and options.name is None:
        for name, function in problems.items():
            print("\n".join(listed(name, function)))
        return 0
    if options.name is None or options.name not in problems:
        given = "no problem named" if options.name is None else f"problem {options.name!r}"
        raise ConfigError(f"{given}: expected one of {', '.join(problems)}")
    function = problems[options.name]
    if options.list:
        print("\n".join(listed(options.name, function)))
        print(f"\n{inspect.getdoc(function)}")
        return 0
    if options.out is None:
        raise ConfigError("--out FILE.inp is missing: the deck to be written")
    if options.out.exists() and not options.overwrite:
        raise ConfigError(f"{options.out} exists; give --overwrite to replace it")
    values = parsed(function, options.set, "--set")
    if options.procedure:
        values["procedure"] = _procedure(function, options.procedure)
    if options.model is not None or options.density is not None:
        values["material"] = _material(function, options.model, options.density)
    deck = function(**values)
    write_deck(deck, options.out)
    print(f"{deck.heading.splitlines()[0]}: {options.out}")
    return 0


def all_problems() -> dict[str, Callable[..., Any]]:
    """Functions that give decks, by the names of the command line."""
    from abaqus_jobs import plate, rods, soils

    impacts = {
        "copper-rod": rods.copper_rod,
        "taylor-anvil": rods.taylor_anvil,
        "plate-impact": plate.plate_impact,
    }
    return soils.PROBLEMS | impacts


def listed(name: str, function: Callable[..., Any]) -> list[str]:
    """The problem's parameters and procedure as lines of KEY=VALUE, SI units."""
    words = [f"{key}={worded(p.default)}" for key, p in parameters(function).items()]
    lines = [name, *_wrapped("--set", words)]
    how = _own_procedure(function)
    if how is not None:
        lines += _wrapped("--procedure", [f"{key}={worded(getattr(how, key))}" for key in how.keys])
    return lines


def _wrapped(option: str, words: Iterable[str]) -> list[str]:
    return textwrap.wrap(
        " ".join(words),
        110,
        initial_indent=f"  {option:<12}",
        subsequent_indent=" " * 14,
        break_on_hyphens=False,
    )


def _own_procedure(function: Callable[..., Any]) -> Any:
    """The problem's default; None for impacts, which have none."""
    own = inspect.signature(function).parameters.get("procedure")
    return None if own is None else own.default


def _procedure(function: Callable[..., Any], words: list[str]) -> Any:
    """The problem's own procedure with the values given."""
    from abaqus_jobs import soils

    how = _own_procedure(function)
    if how is None:
        raise ConfigError(f"--procedure goes with the problems of soil: {', '.join(soils.PROBLEMS)}")
    try:
        return how.changed(**parsed(soils.Procedure, words, "--procedure"))
    except ConfigError as error:
        raise ConfigError(str(error) if str(error).startswith("--") else f"--procedure: {error}") from None


def _material(function: Callable[..., Any], model: Path | None, density: float | None) -> Any:
    """The model file's or the problem's own, with the density given, the model's or that of the problem's own."""
    from dataclasses import replace

    from abaqus_jobs.materials import magnesium_johnson_cook
    from pybridge.deploy.material_block import model_material

    if density is not None and not 0 < density < float("inf"):
        raise ConfigError(f"--density {density:g}: expected more than 0")
    # The impacts of [LIU22] make theirs when they are called.
    default = inspect.signature(function).parameters["material"].default or magnesium_johnson_cook()
    material = default if model is None else model_material(model)
    return replace(material, density=density or material.density or default.density)
