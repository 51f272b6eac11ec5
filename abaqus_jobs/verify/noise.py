"""`pybridge verify noise`: the Taylor anvil, learned and Johnson-Cook, its nodes perturbed, its time step divided by four.

Random moves of the nodes by 1e-6 of the shortest edge (two draws), a quarter of the time step, and single precision: length,
foot radius and profile must stay within 0.5 %, after 1 us as in [LIU22] 4.1 and after 3 us, in 300 steps. What
Johnson-Cook does beside it is the solver's part.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from pybridge.report import Report

ENDS = {"after_1us": 1e-6, "after_3us": 3e-6}


def run(options: argparse.Namespace) -> Report:
    """Train what is not given (--model), run, compare."""
    from abaqus_jobs.impact_check import LEARNED, learned_material
    from abaqus_jobs.learned_magnesium import learned_magnesium
    from abaqus_jobs.materials import MAGNESIUM_DENSITY, magnesium_johnson_cook
    from abaqus_jobs.noise_check import noise_check
    from abaqus_jobs.rods import taylor_anvil

    out = options.out or Path("runs") / "verify"
    model = options.model or learned_magnesium(out / "magnesium")
    definition = learned_material(Path(model), MAGNESIUM_DENSITY)
    report, models = Report("noise"), {LEARNED: Path(model)}
    for end, time in ENDS.items():
        builder = partial(taylor_anvil, elements=400 if options.quick else 3200, time=time)
        settings = {"threads": 2, "report": report}
        noise_check(builder, definition, out / "noise", f"learned_{end}", models=models, **settings)
        noise_check(
            builder, magnesium_johnson_cook(), out / "noise", f"johnson_cook_{end}", asked=False, **settings
        )
    return report
