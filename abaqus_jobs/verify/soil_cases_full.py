"""`pybridge verify soil-cases-full`: [GUAN22] Table 3 at the paper's size, 8 x 16 elements and 10 % strain in 100 steps.

A coupled test on the finer mesh takes most of an hour on two cores: --quick runs cases A and E, with one such test.
"""

from __future__ import annotations

import argparse

from abaqus_jobs.soil_sizes import Sizes
from abaqus_jobs.verify.soil_cases import cases
from pybridge.report import Report

# Strains of more than one stand in the band: overlaps of a tenth and 20,000 steps an increment do not carry it.
FULL = Sizes(
    packing="disks400,overlap_max=0.5,steps_max=200000", fine=(8, 16), strain=0.1, steps=100, shaken=0.0
)


def run(options: argparse.Namespace) -> Report:
    """The paper's size."""
    return cases("soil-cases-full", options, FULL)
