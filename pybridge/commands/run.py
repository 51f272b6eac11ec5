"""Run a deck (.inp) in the mini-solver, with any material, without a licence.

The deck is the one that Abaqus gets: with *DYNAMIC, EXPLICIT, or with *STATIC for the implicit solver; docs/decks.md lists what is supported. Results go to OUT/DECK.h5, which
`pybridge plot` and `pybridge compare` read. An interrupted run goes on when the same command is given again.

  pybridge run anvil.inp                              built-in laws, and NAME.pt beside the deck for *USER MATERIAL
  pybridge run anvil.inp --material vumat             the same through the compiled vumat_, called as Abaqus does
  pybridge run anvil.inp --model magnesium.pt         the model file of the deck's user material
  pybridge run anvil.inp --vumat mine.so              somebody's own compiled VUMAT
  pybridge run anvil.inp --vumat mine.f               its source, Fortran or C++, compiled first
  pybridge run anvil.inp --material fine-scale        the polycrystal itself at every point
  pybridge run wall.inp --material packing:disks400   a packing of grains at every point
  pybridge run wall.inp --material umat               *STATIC: the compiled umat_, called as Abaqus/Standard does
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pybridge.errors import ConfigError

if TYPE_CHECKING:
    from pybridge.deck.model import Deck
    from pybridge.solver import RunResult
    from pybridge.solver.implicit import StaticResult

HELP = "run a deck in the mini-solver, with any material"
MATERIALS = ("deck", "bindings", "vumat", "umat", "torchscript", "python", "fine-scale", "packing:NAME")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge run --help`."""
    parser.add_argument("deck", type=Path, metavar="DECK", help="the deck, an Abaqus input file")
    parser.add_argument(
        "--material",
        default="deck",
        metavar="HOW",
        help="how materials are called: deck or bindings (the package's kernels, the default), vumat (the compiled "
        "vumat_), torchscript or python (surrogates through libtorch), fine-scale (the polycrystal at every point), "
        "packing:NAME or packing:FILE (a packing of grains at every point; guards after commas: packing:NAME,overlap_max=0.3), umat (*STATIC: the compiled umat_)",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="model file of the user material NAME; without NAME, of the only one",
    )
    parser.add_argument(
        "--vumat",
        type=Path,
        metavar="FILE",
        help="a VUMAT other than the package's: compiled (.so), or its source (.f, .f90, .cpp)",
    )
    parser.add_argument("--engine", choices=("native", "torchscript"), help="engine of surrogates (native)")
    parser.add_argument(
        "--precision", choices=("double", "single"), default="double", help="of the material call"
    )
    parser.add_argument("--nblock", type=int, metavar="N", help="material points a call")
    parser.add_argument("--threads", type=int, metavar="N", help="threads (PYBRIDGE_NUM_THREADS, or 1)")
    parser.add_argument(
        "--out", type=Path, default=Path("results"), metavar="DIR", help="folder of results (results)"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="start anew, replacing results that are there"
    )
    parser.add_argument(
        "--continue", dest="resume", action="store_true", help="go on; an error where nothing was interrupted"
    )
    parser.add_argument(
        "--all-state", action="store_true", help="store every component of long state variables"
    )
    parser.add_argument(
        "--stop-if-unreliable",
        action="store_true",
        help="stop where a material leaves the range it was trained on",
    )
    static = parser.add_argument_group("decks with *STATIC")
    static.add_argument("--steps", type=int, metavar="N", help="load steps, instead of the deck's")
    static.add_argument("--tolerance", type=float, metavar="X", help="of the residual over the reactions")
    static.add_argument(
        "--loose",
        type=float,
        metavar="X",
        help="largest residual with which a step is taken that finds no balance (docs/soil.md)",
    )
    static.add_argument("--iterations", type=int, metavar="N", help="at most so many a step")
    static.add_argument(
        "--measure", choices=("both", "displacement", "residual"), help="what counts as converged (both)"
    )
    static.add_argument(
        "--stiffness",
        choices=("own", "tangent", "elastic"),
        help="what iterations use: the material's own secant, the derivative of its stress, or its virgin moduli "
        "(the first of these that it has)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> int:
    """Run the deck and say how it went."""
    from pybridge.deck.reader import read_deck
    from pybridge.solver import run as run_deck

    switch = material_switch(options.material, options.vumat, options.engine, options.precision)
    deck = read_deck(options.deck)
    out = options.out / f"{options.deck.stem}.h5"
    _prepare(out, options.overwrite, options.resume)
    if deck.static:
        return _run_static(options, deck, switch, out)
    result = run_deck(
        deck,
        material=switch,
        out=out,
        folder=options.deck.resolve().parent,
        models=model_files(deck, options.model),
        nblock=_at_least_one("nblock", options.nblock),
        overwrite=options.overwrite,
        progress=not options.quiet,
        all_state=options.all_state,
        threads=_at_least_one("threads", options.threads),
        unreliable_is_fatal=True if options.stop_if_unreliable else None,
    )
    print(summary(deck, result, switch))
    return 0


def _run_static(options: argparse.Namespace, deck: Deck, switch: str, out: Path) -> int:
    from pybridge.solver.implicit import run_static

    result = run_static(
        deck,
        material=switch,
        out=out,
        folder=options.deck.resolve().parent,
        models=model_files(deck, options.model),
        overwrite=options.overwrite,
        progress=not options.quiet,
        threads=_at_least_one("threads", options.threads),
        unreliable_is_fatal=options.stop_if_unreliable,
        stiffness=options.stiffness,
        steps=_at_least_one("steps", options.steps),
        tolerance=options.tolerance,
        loose=options.loose,
        iterations_max=options.iterations,
        measure=options.measure,
    )
    print(static_summary(deck, result, switch))
    return 0


def static_summary(deck: Deck, result: StaticResult, switch: str) -> str:
    """What happened in a *STATIC run, in words: its imbalances beside the tolerance too."""
    per = result.iterations / max(1, result.steps)
    lines = [
        deck.heading.splitlines()[0] if deck.heading else deck.source,
        f"  {result.points} points, {result.steps} steps, {per:.1f} iterations a step, {result.cuts} cuts; "
        f"{result.seconds:.1f} s" + (" since it went on" if result.resumed else ""),
        f"  materials: {', '.join(sorted(deck.materials))} through {switch}",
        *_balance(result),
    ]
    if result.unreliable_points:
        share = 100 * result.unreliable_points / result.points
        lines.append(
            f"  {result.unreliable_points} points ({share:.1f} %) left the range their material was trained on"
        )
    lines.append(f"  results: {result.path}")
    return "\n".join(lines)


def _balance(result: StaticResult) -> list[str]:
    residuals, over = result.residuals, result.steps_over
    if not residuals.size:
        return []
    lines = [
        f"  residual over the reactions: mean {residuals.mean():.1e}, largest {residuals.max():.1e}, tolerance "
        f"{result.tolerance:.3g}"
    ]
    if over.size:
        why = (
            "--measure displacement does not ask for it"
            if result.measure == "displacement"
            else f"where no balance was found, up to {result.loose:.3g} was taken (--loose)"
        )
        load = result.history["load"][1:][int(residuals.argmax())]
        lines.append(
            f"  {over.size} of {result.steps} steps carried an imbalance above the tolerance: largest "
            f"{residuals.max():.1e}, at load {load:.4f}; {why}"
        )
    return lines


def material_switch(material: str, vumat: Path | None, engine: str | None, precision: str) -> str:
    """The solver's switch from the options. Raises ConfigError where they contradict each other."""
    if material not in MATERIALS and not material.startswith(("packing:", "umat:")):
        raise ConfigError(f"--material {material}: expected one of {', '.join(MATERIALS)}")
    if vumat is not None:
        return _other_vumat(material, vumat, engine, precision)
    if engine == "torchscript":
        if material not in ("deck", "bindings", "torchscript"):
            raise ConfigError(f"--engine torchscript cannot go with --material {material}")
        material = "torchscript"
    kind = "bindings" if material == "deck" else material
    if precision == "single" and kind.startswith(("packing", "umat")):
        raise ConfigError(f"--precision single cannot go with --material {material}")
    return f"{kind}:single" if precision == "single" else kind


def _other_vumat(material: str, vumat: Path, engine: str | None, precision: str) -> str:
    """The switch of somebody else's VUMAT; a source is compiled in the precision asked for."""
    from pybridge.host.compile import FORTRAN, compile_vumat, is_source

    fortran = vumat.suffix.lower() in FORTRAN
    if material not in ("deck", "vumat") or engine or (precision == "single" and not fortran):
        raise ConfigError(
            "--vumat FILE goes with --material vumat alone; a library or a C++ source itself has its precision"
        )
    if not vumat.is_file():
        raise ConfigError(
            f"--vumat {vumat}: no such file; expected a compiled library (.so) with vumat_, or its source"
        )
    if not is_source(vumat):
        return f"vumat:{vumat}"
    width = {"double": "float64", "single": "float32"}[precision]
    library = compile_vumat(vumat, width)
    return f"vumat:{library}:{width}" if fortran else f"vumat:{library}"


def model_files(deck: Deck, given: list[str]) -> dict[str, Path]:
    """Files by material name from NAME=FILE or FILE. Raises ConfigError."""
    user = [name for name, material in deck.materials.items() if material.user is not None]
    files: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals:
            if len(user) != 1:
                raise ConfigError(
                    f"--model {text}: the deck has {len(user)} user materials ({', '.join(user) or 'none'}); "
                    "expected NAME=FILE"
                )
            name, path = user[0], text
        if name.upper() not in deck.materials:
            raise ConfigError(
                f"--model {text}: no material {name}; the deck defines {', '.join(deck.materials)}"
            )
        if not Path(path).is_file():
            raise ConfigError(f"--model {text}: no such file {path}")
        files[name.upper()] = Path(path)
    return files


def _prepare(out: Path, overwrite: bool, resume: bool) -> None:
    restart = out.with_name(out.name + ".restart.npz")
    if overwrite and resume:
        raise ConfigError("--overwrite and --continue exclude each other")
    if resume and not (restart.exists() and out.exists()):
        raise ConfigError(
            f"--continue: no interrupted run in {out.parent}; expected {restart.name} beside {out.name}"
        )
    if out.exists() and not restart.exists() and not overwrite:
        raise ConfigError(f"{out} exists; give --overwrite to replace it, or another folder with --out")
    if overwrite:
        restart.unlink(missing_ok=True)


def _at_least_one(name: str, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ConfigError(f"--{name} {value}: expected 1 or more")
    return value


def summary(deck: Deck, result: RunResult, switch: str) -> str:
    """What happened, in words."""
    energies = result.energies
    rate = result.elements * result.steps / result.seconds if result.seconds > 0 else 0.0
    lines = [
        f"{deck.heading.splitlines()[0] if deck.heading else deck.source}",
        f"  {result.elements} elements to {result.time:.6g} s in {result.steps} steps"
        + (f", {result.cuts} of them cut" if result.cuts else "")
        + f"; {result.seconds:.1f} s" + (" since it went on" if result.resumed else f", {rate:.3g} element-steps a second"),
        f"  materials: {', '.join(sorted(deck.materials))} through {switch}",
        "  energies at the end: "
        + ", ".join(f"{name} {energies[name]:.4g}" for name in ("kinetic", "internal", "plastic", "hourglass", "contact"))
        + " J",
        f"  the total energy changed by {100 * result.balance_error:.3g} % of the largest",
    ]  # fmt: skip
    if result.unreliable_elements:
        share = 100 * result.unreliable_elements / result.elements
        lines.append(
            f"  {result.unreliable_elements} elements ({share:.1f} %) left the range their material was trained on: "
            "plot the field unreliable_so_far"
        )
    lines.append(f"  results: {result.path}")
    return "\n".join(lines)
