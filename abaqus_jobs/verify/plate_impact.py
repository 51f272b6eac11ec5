"""`pybridge verify plate-impact`: a rigid cylinder on a plate, [LIU22] 4.2.

Johnson-Cook runs always. With --model FILE the learned material runs through vumat_ and the polycrystal at every point,
on the same mesh with the same time steps, and the two are compared field by field; --beside FILE, a PCA + DNN, too.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

from abaqus_jobs.impact_check import compare_materials
from abaqus_jobs.plate import plate_impact
from pybridge.report import Report

TARGETS = {
    "johnson_cook_energy_error": "<= 0.01",
    "learned_energy_error": "<= 0.01",
    "fine_scale_energy_error": "<= 0.01",
    "error_displacement": "<= 0.02",
    "error_mises": "<= 0.10",
    "time_learned_over_johnson_cook": "<= 1.2",
}
QUICK_ELEMENTS = 600


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick takes a coarser mesh and a shorter time."""
    settings = {"elements": QUICK_ELEMENTS, "time": 2e-7, "intervals": 4} if options.quick else {}
    model = getattr(options, "model", None)
    with tempfile.TemporaryDirectory() as folder:
        return compare_materials(
            partial(plate_impact, **settings),
            Path(model) if model else None,
            Path(options.out or folder),
            name="plate-impact",
            fine_scale=model is not None,
            targets=TARGETS,
            reuse=bool(options.out),
            beside={"pca_dnn": options.beside} if model and getattr(options, "beside", None) else None,
        )
