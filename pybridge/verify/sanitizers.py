"""`pybridge verify sanitizers`: kernels and vumat_ under the address, undefined-behaviour and thread sanitizers.

The drivers of `verify threads` and `verify fuzz` are built with the package's sources in them. Under address and
undefined behaviour: many threads with cold loads, bad calls, mutated model files; at the end nothing may have leaked.
Under the thread sanitizer: cold loads and many threads.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from pybridge.report import Report
from pybridge.verify.drivers import DriverError, build_sanitized, run_driver, write_models
from pybridge.verify.fuzz_seeds import write_seeds, write_small_model

THREADS, CALLS, COLD_STARTS, INPUTS = 8, 2_000, 5, 20_000
ADDRESS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
THREAD = {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick makes a tenth of the calls. A finding is printed and counted."""
    report = Report("sanitizers")
    share = 10 if options.quick else 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_models(folder)
        address = build_sanitized("address", "address,undefined", "load_driver")
        reference = folder / "reference.bin"
        run_driver(address, "reference", "linked", folder, reference, environment=ADDRESS)
        _threads(report, "address", address, folder, reference, CALLS // share, ADDRESS)
        _counted(report, "address_bad_calls", address, "abuse", "linked", folder, environment=ADDRESS)
        fuzz = build_sanitized("address", "address,undefined", "fuzz_model")
        model = write_small_model(folder / "small.pt")
        seeds = write_seeds(folder / "seeds", model)
        found = folder / "found"
        _counted(
            report, "address_model_files", fuzz, seeds, INPUTS // share, 7, 600, found,
            environment={**ADDRESS, "FUZZ_SEED": str(model)},
        )  # fmt: skip
        thread = build_sanitized("thread", "thread", "load_driver")
        prefix = [
            shutil.which("setarch") or "setarch",
            "-R",
        ]  # gcc 12's knows fewer layouts than kernels choose
        run_thread = folder / "thread_driver"
        run_thread.write_text(f'#!/bin/sh\nexec {" ".join(prefix)} "{thread}" "$@"\n')
        run_thread.chmod(0o755)
        run_driver(run_thread, "reference", "linked", folder, reference, environment=THREAD)
        _threads(report, "thread", run_thread, folder, reference, CALLS // share, THREAD)
    return report


def _threads(
    report: Report, name: str, program: Path, folder: Path, reference: Path, calls: int, environment: dict[str, str]
) -> None:  # fmt: skip
    for k in range(COLD_STARTS):
        _counted(
            report, f"{name}_cold_start_{k + 1}", program, "threads", "linked", folder, reference, THREADS, 4, k,
            environment=environment,
        )  # fmt: skip
    _counted(
        report, f"{name}_threads", program, "threads", "linked", folder, reference, THREADS, calls, 99,
        environment=environment,
    )  # fmt: skip


def _counted(
    report: Report, name: str, program: Path, *arguments: object, environment: dict[str, str]
) -> None:
    """One run of a driver: 0 where the sanitizer had nothing to say and the answers were right."""
    try:
        found = run_driver(program, *arguments, environment=environment)
        wrong = found.get("different", 0) + found.get("errors", 0)
        wrong += found.get("expected", 0) - found.get("refused", 0)
    except DriverError as error:
        print(error, flush=True)
        wrong = 1
    report.add(f"{name}_findings", wrong, "1", "<= 0")
