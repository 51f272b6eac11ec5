"""Force over displacement of what a run moves, and how an implicit run converged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge.results import figures
from pybridge.results.reader import Results


def moved_regions(results: Results) -> list[str]:
    """NAME_AXIS of the regions that a run moves and whose force it records, those that move most first."""
    h = results.history
    names = [n.removeprefix("force_") for n in h if n.startswith("force_") and f"position_{n[6:]}" in h]
    size = {n: float(np.abs(h[f"position_{n}"]).max()) for n in names}
    largest = max(size.values(), default=0.0)
    return sorted((n for n in names if size[n] > 0.5 * largest > 0), key=lambda n: -size[n])


def upright(force: NDArray) -> NDArray:
    """A force with the sign that makes its largest value positive; what has turned round stays below zero."""
    return force * np.sign(force[np.abs(force).argmax()])


def kinetic_share(history: Mapping[str, NDArray]) -> NDArray:
    """Kinetic energy over the largest internal energy so far: a body under stress from the start has given some of its
    own away where it unloads, and may have less than none."""
    largest = np.maximum.accumulate(np.abs(history["internal"]))
    return np.divide(history["kinetic"], largest, out=np.full(len(largest), np.nan), where=largest > 0)


def plot_load(runs: list[Results], names: list[str], path: Path) -> Path:
    """The force of the moved region over its displacement, all runs in one; below, iterations and residuals of implicit
    runs, or kinetic over internal energy (the largest so far) of explicit ones."""
    plt = figures._pyplot()
    with plt.rc_context(figures._STYLE | {"axes.grid": True, "grid.alpha": 0.25}):
        figure, (force, work) = plt.subplots(2, 1, figsize=(6.0, 6.4), layout="constrained")
        for results, name in zip(runs, names, strict=True):
            h, region = results.history, moved_regions(results)[0]
            way = np.abs(h[f"position_{region}"]) * 1e3
            # The first row of an explicit run has no force: it is a mean since the row before.
            start = 0 if "load" in h else 1
            force.plot(way[start:], upright(h[f"force_{region}"][start:]) / 1e3, lw=1.2, label=name)
            if "load" in h:
                (line,) = work.semilogy(
                    way[1:], np.maximum(h["residual"][1:], 1e-16), lw=0.9, label=f"{name}: residual"
                )
                colour = line.get_color()
                work.semilogy(
                    way[1:], h["iterations"][1:], ".", ms=3, color=colour, label=f"{name}: iterations"
                )
            else:
                work.semilogy(
                    way[1:], kinetic_share(h)[1:], lw=0.9, label=f"{name}: kinetic over internal energy"
                )
            work.set_xlabel(f"displacement of {region.rpartition('_')[0].replace('_', ' ')} (mm)")
        force.set_ylabel("force (kN, or kN per m)")
        force.set_ylim(bottom=min(0.0, force.get_ylim()[0]))
        force.legend()
        work.legend()
        figure.suptitle(figures._short(runs[0]), fontsize=10)
        return figures._save(plt, figure, path)
