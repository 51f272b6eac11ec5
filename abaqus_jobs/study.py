"""A parametric study: a table with one run a line, and one data file, one table and one picture of all of them."""

from __future__ import annotations

import csv
import inspect
import io
import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from abaqus_jobs.cases import run_case
from abaqus_jobs.materials import COPPER, magnesium_johnson_cook
from abaqus_jobs.measures import energy_error
from abaqus_jobs.plate import plate_impact
from abaqus_jobs.rods import copper_rod, taylor_anvil
from abaqus_jobs.study_output import write_study
from pybridge.deck.model import Deck, MaterialDefinition
from pybridge.deck.user_material import user_material
from pybridge.errors import ConfigError, MaterialError, PybridgeError
from pybridge.results import read_results
from pybridge.results.compare import extent

PROBLEMS: dict[str, Callable[..., Deck]] = {
    "taylor-anvil": taylor_anvil,
    "copper-rod": copper_rod,
    "plate-impact": plate_impact,
}
MATERIALS = {"magnesium-jc": magnesium_johnson_cook, "copper": lambda: COPPER}
HOSTS = ("bindings", "vumat", "torchscript", "fine-scale", "bindings:single", "vumat:single")
FIXED = ("name", "problem", "material", "host", "density")


@dataclass(frozen=True)
class Run:
    """One line: its name, problem, material (a name or a model file), host, and parameters of the problem."""

    name: str
    problem: str
    material: str
    host: str
    parameters: tuple[tuple[str, Any], ...]
    density: float | None = None


def read_table(path: Path) -> list[Run]:
    """The runs of a CSV file with a heading. Raises ConfigError naming line and column."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as text: {error}") from error
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True, strict=True)
    try:
        runs = [_run(path, number, row) for number, row in enumerate(rows, start=2) if any(row.values())]
    except csv.Error as error:
        raise ConfigError(f"{path}: not a table of values between commas: {error}") from error
    if not runs:
        raise ConfigError(
            f"{path}: no runs; expected a heading with {', '.join(FIXED[:4])} and a line for each run"
        )
    names = [run.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: two runs are called {name}; give each its own name")
    return runs


def _run(path: Path, number: int, row: dict[Any, Any]) -> Run:
    where = f"{path}, line {number}"
    if None in row or None in row.values():
        raise ConfigError(f"{where}: expected {len([k for k in row if k])} values, as the heading has")
    values = {key.strip(): value.strip() for key, value in row.items()}
    problem = values.get("problem", "")
    if problem not in PROBLEMS:
        raise ConfigError(f"{where}: problem {problem!r}; expected one of {', '.join(PROBLEMS)}")
    name = values.get("name") or f"run-{number - 1}"
    if not all(c.isalnum() or c in "-_." for c in name) or name.startswith("."):
        raise ConfigError(
            f"{where}: name {name!r}; expected letters, digits, - and _ (it becomes a file's name)"
        )
    host = values.get("host") or "bindings"
    if host not in HOSTS:
        raise ConfigError(f"{where}: host {host!r}; expected one of {', '.join(HOSTS)}")
    material = values.get("material") or ("copper" if problem == "copper-rod" else "magnesium-jc")
    if material not in MATERIALS and not (
        Path(material).suffix == ".pt" and (path.parent / material).is_file()
    ):
        raise ConfigError(
            f"{where}: material {material!r}; expected {', '.join(MATERIALS)}, or a model file (.pt) beside the table"
        )
    if material not in MATERIALS:
        material = str((path.parent / material).resolve())
    density = _number(where, "density", values["density"]) if values.get("density") else None
    known = inspect.signature(PROBLEMS[problem]).parameters
    parameters = []
    for key, text in values.items():
        if key in FIXED or not text:
            continue
        if key not in known or key in ("material", "controls"):
            plain = ", ".join(k for k in known if k not in ("material", "controls"))
            raise ConfigError(f"{where}: column {key!r} is no parameter of {problem}; expected {plain}")
        parameters.append((key, _value(where, key, text, known[key].default)))
    return Run(name, problem, material, host, tuple(parameters), density)


def _value(where: str, key: str, text: str, default: Any) -> Any:
    """Text as what the parameter's default is."""
    if isinstance(default, bool):
        if text.lower() not in ("true", "false", "1", "0"):
            raise ConfigError(f"{where}: {key} = {text!r}; expected true or false")
        return text.lower() in ("true", "1")
    if isinstance(default, str):
        return text
    number = _number(where, key, text)
    if isinstance(default, int) or key in ("layers",):
        if number != int(number):
            raise ConfigError(f"{where}: {key} = {text!r}; expected a whole number")
        return int(number)
    return number


def _number(where: str, key: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ConfigError(f"{where}: {key} = {text!r}; expected a number") from error
    if not math.isfinite(number):
        raise ConfigError(f"{where}: {key} = {text!r}; expected a finite number")
    return number


def run_study(
    table: Path, out: Path, *, processes: int = 1, threads: int | None = None, progress: bool = True
) -> list[dict[str, Any]]:
    """Run every line (complete ones are taken again), then write study.h5, study.csv and study.png; returns the rows.

    A run that fails is a row with its error; the others go on. Raises ConfigError for a table that cannot be used.
    """
    runs = read_table(table)
    if processes < 1:
        raise ConfigError(f"--processes {processes}: expected 1 or more")
    folder = out / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, dict[str, Any]] = {}

    def done(run: Run, row: dict[str, Any]) -> None:
        rows[run.name] = row
        if progress:
            print(f"{len(rows)}/{len(runs)} {run.name}: {row['error'] or row['state']}", flush=True)

    if processes == 1:
        for run in runs:
            done(run, perform(run, folder, threads))
    else:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            waiting = {pool.submit(perform, run, folder, threads): run for run in runs}
            try:
                for future in as_completed(waiting):
                    done(waiting[future], future.result())
            except BrokenProcessPool as error:
                raise PybridgeError(
                    "a process of the study ended abruptly (memory?); fewer --processes, then the same command goes on"
                ) from error
    ordered = [rows[run.name] for run in runs]
    write_study(ordered, folder, out)
    return ordered


def perform(run: Run, folder: Path, threads: int | None = None) -> dict[str, Any]:
    """Run one line; its row of the table."""
    row: dict[str, Any] = {
        "name": run.name, "problem": run.problem, "material": Path(run.material).name, "host": run.host,
        **dict(run.parameters), "state": "failed", "error": "",
    }  # fmt: skip
    try:
        definition, models = _material(run)
        builder = PROBLEMS[run.problem]
        deck = builder(material=definition, **dict(run.parameters))
        case = run_case(
            deck, folder, run.name, run.host, models=models, threads=threads, progress=False, reuse=True
        )
    except (PybridgeError, MaterialError) as error:
        return row | {"error": str(error)}
    results = read_results(folder / f"{run.name}.h5")
    last = len(results.times) - 1
    largest = {
        f"largest_{name}": float(np.max(results.element(name)))
        for name in ("mises", "deviatoric_strain", "equivalent_plastic_strain")
        if name in results.element_fields
    }
    return row | {
        "state": "taken again" if case.reused else "complete", "seconds": round(case.seconds, 3),
        "elements": case.deck.element_count, "end_time": float(results.times[last]),
        "energy_error": energy_error(results),
        **{key.replace(" ", "_"): value for key, value in extent(results, last).items()}, **largest,
        "unreliable_elements": int(np.sum(results.element("unreliable_so_far") > 0)),
    }  # fmt: skip


def _material(run: Run) -> tuple[MaterialDefinition, dict[str, Path]]:
    """Definition and model files of a line's material."""
    if run.material in MATERIALS:
        definition = MATERIALS[run.material]()
        if run.density is not None:
            definition = replace(definition, density=run.density)
        return definition, {}
    import pybridge._core as core
    from pybridge.model_file import read_model

    file = Path(run.material)
    density = run.density or read_model(file).card["density"]
    if density is None:
        raise ConfigError(f"{file}: the model does not say its density; give the column density, in kg/m3")
    model = core.load_model(str(file), "native", "float64")  # type: ignore[attr-defined]
    name = file.stem.upper()
    return user_material(name, density, (), model.state_schema), {name: file}
