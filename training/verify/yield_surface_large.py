"""`pybridge verify yield-surface-large`: the learned yield surface at 50 % strain, from 4000 paths of the crystal."""

from __future__ import annotations

import argparse

from pybridge.report import Report
from training.verify.yield_surface import Case, measure

LARGE = Case(
    name="yield-surface-large",
    strain=0.5,
    protocols="R:2900:0.5,I:500:0.5,U:100:0.5,L-U:200:0.5,C:100:0.5,F:410:0.5",  # 4000 to learn from
    stored=1000,  # as many elastic strains a step as at 10 %
    settings=("steps=[1.0, 0.5]", "epochs=100"),
    deviatoric=dict.fromkeys(("R", "F", "I", "U", "L-U", "C"), 0.12),
    total=None,
)


def run(options: argparse.Namespace) -> Report:
    """Train (or take --model) and measure."""
    return measure(options, LARGE)
