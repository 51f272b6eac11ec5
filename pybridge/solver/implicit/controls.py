"""Numbers of the implicit iteration, and those that suit a material."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pybridge._core as _core
from pybridge.errors import SolverError
from pybridge.solver.implicit.points import MaterialPoints

MEASURES = ("both", "displacement", "residual")
LEARN = ("never", "last", "always")


@dataclass(frozen=True)
class Controls:
    """Numbers of the iteration.

    tolerance: |residual| of the free nodes over |reactions| and |loads|, the larger. displacement_tolerance: of [GUAN22]
    Algorithms 1 and 2, |du_m - du_(m-1)| / |du_(m-1)| with du the displacement of the step. measure: which of them count.
    A step is cut where `iterations_max` do not do, or `patience` of them in a row come no nearer. Unless its best iterate is
    taken: where the residual is within `loose` and the step has been cut `cuts_before_loose` times. mixing: how many
    corrections are mixed. learn: when points learn their slopes from the iterations instead (changes of strain of the size
    `noise` beside the step count half): "never", "last" (in a step that would be cut otherwise) or "always". steps: of the
    load; first: the first one, 0 for the same. cuts_max: how often a step is halved.
    """

    steps: int = 100
    tolerance: float = 1e-2
    loose: float = 6e-2
    displacement_tolerance: float = 1e-2
    iterations_max: int = 40
    patience: int = 40
    cuts_before_loose: int = 0
    mixing: int = 6
    learn: str = "last"
    noise: float = 0.1
    cuts_max: int = 6
    measure: str = "both"
    first: float = 0.0

    def __post_init__(self) -> None:
        if (
            self.steps < 1
            or not 0 < self.tolerance <= self.loose < 1
            or not 0 < self.displacement_tolerance < 1
            or min(self.iterations_max, self.patience) < 2
            or min(self.mixing, self.cuts_max, self.cuts_before_loose) < 0
            or not (0 <= self.first <= 1 and 0 <= self.noise < 1)
            or self.measure not in MEASURES
            or self.learn not in LEARN
        ):
            raise SolverError(f"controls of the implicit solver out of range: {self}")

    def learning(self) -> Controls:
        """These, for the one iteration with learned slopes in which a step is tried before it is cut. It has to come to a
        balance: what is nearly one has led astray (docs/results/granular.md)."""
        return replace(self, learn="always", mixing=0, patience=LEARNING_PATIENCE, loose=self.tolerance)


LEARNING_PATIENCE = 12  # with learned slopes: what comes no nearer in so many has not been seen to later

TANGENT = {
    "tolerance": 1e-8,
    "loose": 1e-5,
    "displacement_tolerance": 1e-6,
    "iterations_max": 25,
    "mixing": 0,
    "learn": "never",
}
"""Values of Controls for a material with a tangent and no noise; perfect plasticity in even flow stagnates before 1e-8."""

PACKING = {"mixing": 0, "learn": "always", "patience": LEARNING_PATIENCE, "cuts_before_loose": 2}
"""Values of Controls for packings: their answer is the noisier the larger the increment, so a step is cut early."""


def suggested_controls(points: MaterialPoints, **given: Any) -> Controls:
    """Controls that suit a material, but for the values that are given.

    A tolerance below the suggested one brings `loose` down in the same proportion, so that it is not had in name only. Not
    with packings: what their noise leaves above it is no matter of more iterations. Raises SolverError.
    """
    packing = isinstance(points.material, _core.PackingMaterial)
    suggested = TANGENT if points.kind == "tangent" else PACKING if packing else {}
    usual = Controls(**suggested)
    tolerance = given.get("tolerance", usual.tolerance)
    if "tolerance" in given:
        share = 1.0 if packing else min(1.0, tolerance / usual.tolerance)
        given = {"loose": max(tolerance, share * usual.loose)} | given
    if not tolerance <= given.get("loose", usual.loose) < 1:
        raise SolverError(
            f"loose {given.get('loose', usual.loose):g} (residual of a step that is taken without balance): expected from the "
            f"tolerance, {tolerance:g}, to less than 1; give a smaller --tolerance, or a larger --loose"
        )
    return Controls(**(suggested | given))
