"""One run of a problem that is kept: its deck as a file, its results, and what they were made with.

A run that was interrupted goes on from its restart file; a complete one can be taken again. Both only where deck,
material, model files and pybridge's own code are what they were.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import pybridge
from pybridge.deck.model import Deck
from pybridge.deck.reader import read_deck
from pybridge.deck.writer import deck_text
from pybridge.report import write_text_atomic
from pybridge.results import Results, read_results
from pybridge.results.reader import ResultFileError
from pybridge.solver import run

CODE = ("solver/*.py", "deck/*.py", "host/*.py", "conventions.py", "*.so", "lib/*.so")


@dataclass(frozen=True)
class Case:
    """A finished run. seconds: wall clock, of all parts of a run that was interrupted; reused: taken again."""

    deck: Deck
    results: Results
    seconds: float
    reused: bool = False


def run_case(
    deck: Deck,
    out: Path,
    label: str,
    material: str = "bindings",
    *,
    models: Mapping[str, Path] | None = None,
    nblock: int | None = None,
    threads: int | None = None,
    progress: bool = True,
    reuse: bool = False,
) -> Case:
    """Write OUT/LABEL.inp, read it back as a user's run would, and run it to OUT/LABEL.h5.

    material, models, nblock, threads: as `pybridge.solver.run`. reuse: take complete results again. LABEL.json holds the
    key of what the results were made with, and the seconds. Raises what the solver raises.
    """
    inp, h5, about = (out / f"{label}.{kind}" for kind in ("inp", "h5", "json"))
    text = deck_text(deck)
    key = _key(text, material, models or {}, nblock)
    known = _known(about)
    same = known.get("key") == key
    if same and reuse and known.get("complete") and (results := _complete(h5)) is not None:
        return Case(read_deck(inp), results, float(known["seconds"]), reused=True)
    restart = h5.with_name(h5.name + ".restart.npz")
    if not same:  # never go on with another run
        restart.unlink(missing_ok=True)
    spent = float(known.get("seconds", 0.0)) if restart.exists() else 0.0
    write_text_atomic(inp, text)
    read = read_deck(inp)
    write_text_atomic(about, json.dumps({"key": key, "seconds": spent, "complete": False}))
    if progress:
        print(f"{label.replace('_', ' ')}: {read.element_count} elements, {material}", flush=True)
    begun = time.monotonic()
    complete = False
    try:
        run(
            read, material=material, out=h5, models=models, nblock=nblock, overwrite=True, progress=progress,
            threads=threads,
        )  # fmt: skip
        complete = True
    finally:
        seconds = spent + time.monotonic() - begun
        write_text_atomic(about, json.dumps({"key": key, "seconds": seconds, "complete": complete}))
    return Case(read, read_results(h5), seconds)


def _key(text: str, material: str, models: Mapping[str, Path], nblock: int | None) -> str:
    """Hash of all that the results depend on; the number of threads changes no bit of them."""
    files = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in sorted(models.items())}
    settings = {"material": material, "models": files, "nblock": nblock, "code": _code()}
    return hashlib.sha256((text + json.dumps(settings)).encode()).hexdigest()


@cache
def _code() -> str:
    """Hash of what computes: sources and compiled parts of pybridge, and NumPy's version."""
    digest = hashlib.sha256(np.__version__.encode())
    package = Path(pybridge.__file__).parent
    for pattern in CODE:
        for file in sorted(package.glob(pattern)):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _known(about: Path) -> dict[str, Any]:
    try:
        known = json.loads(about.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _complete(h5: Path) -> Results | None:
    try:
        results = read_results(h5)
    except (OSError, ResultFileError):
        return None
    return results if results.complete else None
