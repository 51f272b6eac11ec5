"""`pybridge bench generate`: seconds a path and core of the fine scale (the paper's offline cost is 5.9e6 s).

A path is 1000 steps of 128 grains. Minimum of the CPU time over several batches, so that other programs on the
machine do not count.
"""

from __future__ import annotations

import argparse
import time

from pybridge.report import Report
from training.commands._laws import TAYLOR
from training.fine_scale import Law, Task, run_task
from training.paths import PathSpec

PAPER_SECONDS = 5.9e6  # [LIU22] Table 2, off-line data, 30,000 paths
PAPER_PATHS = 30_000


def run(options: argparse.Namespace) -> Report:
    """Time the generation in both precisions."""
    report = Report("generate")
    paths, windows = (2, 2) if options.quick else (8, 5)
    for precision in ("float64", "float32"):
        law = Law(TAYLOR, (128.0, 0.0), precision=precision)
        run_task(Task(law, PathSpec("R", 0.1), (0,), 200))
        best = float("inf")
        for window in range(windows):
            indices = tuple(range(window * paths, (window + 1) * paths))
            start = time.process_time()
            run_task(Task(law, PathSpec("R", 0.1), indices, 200))
            best = min(best, time.process_time() - start)
        seconds = best / paths
        report.add(f"{precision}: path and core", seconds, "s")
        report.add(f"{precision}: grain and step", seconds / 128e3 * 1e6, "us")
        # The task: 3200 paths in 5 minutes on 2 cores.
        report.add(f"{precision}: 3200 paths on 2 cores", seconds * 1600, "s", "<= 300")
        report.add(f"{precision}: paper's cost a path over ours", PAPER_SECONDS / PAPER_PATHS / seconds, "1")
    return report
