"""`pybridge verify threads`: eight threads, random blocks, two materials at once, against one thread, bit for bit.

In each precision a C++ host calls the library's vumat_ 1e5 times from each of 8 threads with blocks of 1 to 512 points
of Johnson-Cook and of a surrogate, chosen at random; every stress, state and energy must have the bits that one thread
found in another process. So must umat_, point by point, with its tangents. The first calls of all threads come together, before anything is loaded, and that moment is
repeated in processes of their own. Memory must not grow in the second half of the calls.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from pybridge.host import our_library, our_umat
from pybridge.report import Report
from pybridge.verify.drivers import compile_plain, run_driver, write_models

THREADS, CALLS, COLD_STARTS = 8, 100_000, 40
QUICK_CALLS, QUICK_COLD_STARTS = 2_000, 5
CASES = {
    "float64": ("float64", "load_driver", lambda: our_library("float64")),
    "float32": ("float32", "load_driver", lambda: our_library("float32")),
    "umat": ("float64", "umat_driver", our_umat),
}
GROWTH_KIB = 1024  # of some 10 MiB: a leak of 3 bytes a call in 4e5 calls would show


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick makes 2000 calls a thread."""
    report = Report("threads")
    calls = QUICK_CALLS if options.quick else CALLS
    starts = QUICK_COLD_STARTS if options.quick else COLD_STARTS
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_models(folder)
        for label, (precision, driver, library) in CASES.items():
            program = compile_plain(folder, precision, driver)
            reference = folder / f"{label}.bin"
            run_driver(program, "reference", library(), folder, reference)
            cold = {"calls": 0, "different": 0, "errors": 0}
            for seed in range(starts):
                found = run_driver(program, "threads", library(), folder, reference, THREADS, 4, seed)
                cold = {key: value + found[key] for key, value in cold.items()}
            report.add(
                f"{label}_cold_starts_different", cold["different"] + cold["errors"], "answers", "<= 0"
            )
            found = run_driver(program, "threads", library(), folder, reference, THREADS, calls, 1000)
            report.add(f"{label}_calls", found["calls"], "calls", f">= {THREADS * calls}")
            report.add(f"{label}_different", found["different"], "answers", "<= 0")
            report.add(f"{label}_errors", found["errors"], "calls", "<= 0")
            report.add(f"{label}_memory_growth", found["growth_kib"], "KiB", f"<= {GROWTH_KIB}")
            abuse = run_driver(program, "abuse", library(), folder)
            report.add(f"{label}_bad_calls_refused", abuse["refused"], "calls", f">= {abuse['expected']}")
            report.add(f"{label}_sound_after_them", abuse["sound"], "1", ">= 1")
    return report
