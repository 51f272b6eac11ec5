"""`pybridge verify soil`: the network against packings at every point, on its own mesh and on a finer one.

[GUAN22] Table 3: case A, trained on the 2 x 4 mesh and used there; then as case E, used on the 4 x 8 mesh, where shear
bands are narrower than any that was learned. There the question is whether the committee says so: the flagged points of
the network are compared with the points where it is wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pybridge.report import Figure, Report

TARGETS = {"pressure under the top: mean error": "<= 0.05", "displacement at the end": "<= 0.05"}


def run(options: argparse.Namespace) -> Report:
    """Make the data and train (or take --model), run both meshes, report."""
    from abaqus_jobs import soil_demo
    from abaqus_jobs.soil_check import compare
    from pybridge.solver.implicit import BiaxialTest

    out: Path = (options.out or Path("runs") / "verify") / "soil"
    out.mkdir(parents=True, exist_ok=True)
    model = options.model or soil_demo.learned_soil(out, 2, print)
    report = Report("soil")
    for name, columns, rows in (("2 x 4", 2, 4), ("4 x 8", 4, 8))[: 1 if options.quick else 2]:
        test = BiaxialTest(columns=columns, rows=rows, strain=soil_demo.STRAIN)
        found = compare(soil_demo.PACKING, model, test, soil_demo.STEPS, 2, out / name.replace(" ", ""))
        for key, figure in found.figures.items():
            target = TARGETS.get(key, "") if name == "2 x 4" else ""
            report.figures[f"{name}: {key}"] = Figure(figure.value, figure.unit, target)
    return report
