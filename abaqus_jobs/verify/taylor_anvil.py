"""`pybridge verify taylor-anvil`: learned magnesium against the polycrystal at every point of the same rod.

[LIU22] 4.1: rod 5 mm x 1 mm diameter, 200 m/s, rigid frictionless wall, 1 us. The paper could only estimate the
concurrent run (Table 2); here it is run on the same mesh with the same time steps. PCA + DNN and
Johnson-Cook stand beside it in the same table and picture. The targets are those of the learned yield surface.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pybridge.report import Report

TARGETS = {
    "error_displacement": "<= 0.02",
    "error_mises": "<= 0.10",
    "error_stress_total": "<= 0.10",
    "error_length": "<= 0.005",
    "error_foot_radius": "<= 0.01",
    "time_learned_over_johnson_cook": "<= 1.2",
    "learned_energy_error": "<= 0.01",
    "fine_scale_energy_error": "<= 0.01",
    "johnson_cook_energy_error": "<= 0.01",
}


def run(options: argparse.Namespace) -> Report:
    """Train what is not given (--model, --beside), run the materials, compare."""
    from abaqus_jobs import impact_pictures
    from abaqus_jobs.impact_check import compare_materials
    from abaqus_jobs.learned_magnesium import learned_magnesium
    from abaqus_jobs.rods import taylor_anvil

    out = options.out or Path("runs") / "verify"
    model = options.model or learned_magnesium(out / "magnesium")
    beside = options.beside or learned_magnesium(out / "pca_dnn", kind="pca_dnn")
    elements = 400 if options.quick else 3200

    def builder(material, **rest):
        return taylor_anvil(material, elements=elements, **rest)

    report = compare_materials(
        builder, model, out / "taylor-anvil", name="taylor-anvil", targets=TARGETS, reuse=True, threads=2,
        beside={"pca_dnn": beside},
    )  # fmt: skip
    for file in impact_pictures.draw(out / "taylor-anvil"):
        print(file)
    return report
