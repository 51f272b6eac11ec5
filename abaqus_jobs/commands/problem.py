"""Write a problem as a deck, for `pybridge run` and for Abaqus; its parameters by name.

  pybridge problem footing --out footing.inp                          402 CPE6, *STATIC, a von Mises soil
  pybridge problem wall --set columns=40 rows=20 --out wall.inp
  pybridge problem biaxial-explicit --model soil.pt --out b.inp       *USER MATERIAL, *DEPVAR from the model file
  pybridge problem biaxial-explicit --procedure time=2 alpha=100 --out b.inp

Problems: biaxial, biaxial-explicit, footing, footing-explicit, wall, wall-explicit, copper-rod, taylor-anvil, plate-impact;
docs/problems.md has their parameters. Any deck runs with packings too: `pybridge run b.inp --material packing:disks400`.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pybridge.errors import ConfigError

HELP = "write a problem (footing, wall, biaxial test, rods, plate) as a deck"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge problem --help`."""
    parser.add_argument("name", metavar="PROBLEM", help="one of the problems above")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.inp", help="the deck")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="parameters of the problem")
    parser.add_argument(
        "--procedure", nargs="+", default=[], metavar="KEY=VALUE",
        help="soil: steps (static), or time, alpha, mass_scale, increment (explicit), intervals",
    )  # fmt: skip
    parser.add_argument("--model", type=Path, metavar="FILE.pt", help="the material is this model file")
    parser.add_argument("--density", type=float, metavar="KG/M3", help="of the material")
    parser.add_argument("--overwrite", action="store_true", help="replace a deck that is there")


def run(options: argparse.Namespace) -> int:
    """Write the deck."""
    from abaqus_jobs import plate, rods, soils
    from pybridge.deck.writer import write_deck

    impacts = {
        "copper-rod": rods.copper_rod,
        "taylor-anvil": rods.taylor_anvil,
        "plate-impact": plate.plate_impact,
    }
    problems: dict[str, Callable[..., Any]] = soils.PROBLEMS | impacts
    if options.name not in problems:
        raise ConfigError(f"problem {options.name!r}: expected one of {', '.join(problems)}")
    if options.out.exists() and not options.overwrite:
        raise ConfigError(f"{options.out} exists; give --overwrite to replace it")
    function = problems[options.name]
    values = parameters(function, options.set)
    if options.procedure:
        if options.name not in soils.PROBLEMS:
            raise ConfigError(f"--procedure goes with the problems of soil: {', '.join(soils.PROBLEMS)}")
        given = parameters(soils.Procedure, options.procedure)
        base = {"steps": 100} if options.name in ("biaxial", "footing", "wall") else {"time": 1.0}
        values["procedure"] = soils.Procedure(**(base | given))
    if options.model is not None or options.density is not None:
        default = soils.SOIL if options.name in soils.PROBLEMS else rods.COPPER
        values["material"] = _material(default, options.model, options.density)
    deck = function(**values)
    write_deck(deck, options.out)
    print(f"{deck.heading.splitlines()[0]}: {options.out}")
    return 0


def _material(default: Any, model: Path | None, density: float | None) -> Any:
    from dataclasses import replace

    from pybridge.deploy.material_block import model_material

    material = default if model is None else model_material(model)
    return replace(material, density=density or material.density or default.density)


def parameters(function: Callable[..., Any], given: list[str]) -> dict[str, Any]:
    """KEY=VALUE by the function's own parameters. Raises ConfigError for a name or value that does not fit."""
    known = inspect.signature(function).parameters
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    values: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        names = [n for n in known if n not in ("material", "procedure", "curve", "rest", "controls")]
        if not equals or (key not in names and not open_ended):
            raise ConfigError(f"{text!r}: expected KEY=VALUE with one of {', '.join(names)}")
        values[key] = _value(key, value)
    return values


def _value(key: str, text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if not text:
        raise ConfigError(f"{key}=: expected a value")
    return text
