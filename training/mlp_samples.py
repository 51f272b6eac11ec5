"""Histories for committees with the accumulated strain ([GUAN22] Eq. 12), and their split by run.

    p_n = p_(n-1) moved by the least that brings it within `deadband` of eps_n,   phi_n = sum |p_n - p_(n-1)|

componentwise. Without a deadband p is the strain itself and phi is Eq. 12. With one, p is the play of a gear with that
backlash: what swings within the band leaves no trace in phi, a step cut into many leaves the same phi, and a turn of the
path is counted once it exceeds twice the band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError


def play(strain: NDArray, deadband: float) -> NDArray:
    """p (paths, times, n) of strains (paths, times, n), from 0."""
    if deadband == 0:
        return strain
    out, p = np.empty_like(strain), np.zeros_like(strain[:, 0])
    for t in range(strain.shape[1]):
        p = np.clip(p, strain[:, t] - deadband, strain[:, t] + deadband)
        out[:, t] = p
    return out


@dataclass(frozen=True)
class Iterations:
    """Trial states of iterations: (k,) path and record each started from, strain and stress (k, 3), stiffness (k, 6)."""

    path: NDArray
    record: NDArray
    strain: NDArray
    stress: NDArray
    stiffness: NDArray

    def of_paths(self, keep: NDArray) -> Iterations:
        """Those of the paths of a mask, numbered anew."""
        chosen = keep[self.path]
        number = np.cumsum(keep) - 1
        return Iterations(
            number[self.path[chosen]], self.record[chosen], self.strain[chosen], self.stress[chosen],
            self.stiffness[chosen],
        )  # fmt: skip


@dataclass(frozen=True)
class Samples:
    """Histories: strain (paths, times, 3), stress (paths, times, 3) Pa, stiffness (paths, times, 6) Pa, the run (paths,)
    each came from, and the trial states of the iterations where those were kept. A record that repeats the strain before it
    is not learned from: so ends the history of a run that stopped early."""

    strain: NDArray
    stress: NDArray
    stiffness: NDArray
    run: NDArray
    iterations: Iterations | None = None

    def history(self, deadband: float = 0.0) -> NDArray:
        """phi (paths, times, 3)."""
        p = play(self.strain, deadband)
        return np.cumsum(np.abs(np.diff(p, axis=1, prepend=np.zeros_like(p[:, :1]))), axis=1)

    def of_runs(self, runs: NDArray) -> Samples:
        """Those of some runs."""
        keep = np.isin(self.run, runs)
        trials = None if self.iterations is None else self.iterations.of_paths(keep)
        return Samples(self.strain[keep], self.stress[keep], self.stiffness[keep], self.run[keep], trials)

    @property
    def moved(self) -> NDArray:
        """(paths, times) records whose strain is not that of the record before; the first ones."""
        changed = np.any(np.diff(self.strain, axis=1) != 0, axis=2)
        return np.concatenate([np.ones_like(changed[:, :1]), changed], axis=1)

    def inputs(self, deadband: float = 0.0) -> NDArray:
        """(points, 6) strain and phi: every record of every path that moved, then the iterations."""
        phi = self.history(deadband)
        rows = [np.concatenate([self.strain, phi], axis=2)[self.moved]]
        if (it := self.iterations) is not None:
            before = play(self.strain, deadband)[it.path, it.record]
            after = np.clip(before, it.strain - deadband, it.strain + deadband)
            rows.append(np.hstack([it.strain, phi[it.path, it.record] + np.abs(after - before)]))
        return np.concatenate(rows)

    def outputs(self) -> NDArray:
        """(points, 9) stress and stiffness, in the order of inputs()."""
        rows = [np.concatenate([self.stress, self.stiffness], axis=2)[self.moved]]
        if (it := self.iterations) is not None:
            rows.append(np.hstack([it.stress, it.stiffness]))
        return np.concatenate(rows)


def split_runs(
    runs: NDArray, train_share: float, validation_share: float, seed: int
) -> tuple[NDArray, NDArray, NDArray]:
    """Runs to train, validate and test on, each at least one. Raises DataSetError below three."""
    known = np.unique(runs)
    if len(known) < 3:
        raise DataSetError(
            f"a committee needs three runs or more (train, validation, test), got {len(known)}: produce more"
        )
    order = np.random.default_rng([seed, 5]).permutation(known)
    validation = max(1, round(validation_share * len(known)))
    test = max(1, round((1 - train_share - validation_share) * len(known)))
    return order[validation + test :], order[:validation], order[validation : validation + test]
