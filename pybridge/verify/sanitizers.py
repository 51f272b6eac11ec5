"""`pybridge verify sanitizers`: kernels, vumat_ and umat_ under address, undefined-behaviour and thread sanitizers.

The drivers of `verify threads` and `verify fuzz` are built with the package's sources in them, by clang++ where it is
installed (g++ leaves the kernels of the instruction sets without the thread sanitizer, which it fails on). Under address and
undefined behaviour: many threads with cold loads, bad calls, mutated model files; at the end nothing may have leaked.
Under the thread sanitizer: cold loads and many threads. The kernels of lesser instruction sets have fewer calls.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from pybridge._core import active_isa
from pybridge.report import Report
from pybridge.verify.drivers import DriverError, build_with_clang, run_driver, write_models
from pybridge.verify.fuzz import fuzz_arguments
from pybridge.verify.fuzz_seeds import write_seeds

THREADS, CALLS, COLD_STARTS, INPUTS = 8, 2_000, 5, 20_000
ISAS = ("baseline", "avx2", "avx512")
DRIVERS = {"load_driver": "vumat", "umat_driver": "umat"}
ADDRESS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
THREAD = {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick makes a tenth of the calls. A finding is printed and counted."""
    report = Report("sanitizers")
    share = 10 if options.quick else 1
    lesser = ISAS[: ISAS.index(active_isa())]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_models(folder)
        for driver, host in DRIVERS.items():
            address, _ = build_with_clang("address", "address,undefined", driver)
            _under_load(report, f"address_{host}", address, folder, CALLS // share, ADDRESS)
            for isa in lesser:
                _under_isa(
                    report, f"address_{host}_{isa}", address, folder, CALLS // share // 10, ADDRESS, isa
                )
            _counted(
                report, f"address_{host}_bad_calls", address, "abuse", "linked", folder, environment=ADDRESS
            )
        fuzz, libfuzzer = build_with_clang("address", "address,undefined", "fuzz_model")
        seeds = write_seeds(folder / "model-seeds")
        _counted(
            report, "address_model_files", fuzz, *fuzz_arguments(libfuzzer, folder, INPUTS // share, 7),
            environment={**ADDRESS, "FUZZ_SEEDS": str(seeds)},
        )  # fmt: skip
        for driver, host in DRIVERS.items():
            thread, _ = build_with_clang("thread", "thread", driver)
            _under_load(report, f"thread_{host}", _unmoved(thread, folder), folder, CALLS // share, THREAD)
            for isa in lesser:
                name = f"thread_{host}_{isa}"
                _under_isa(report, name, _unmoved(thread, folder), folder, CALLS // share // 10, THREAD, isa)
    return report


def _unmoved(program: Path, folder: Path) -> Path:
    """The program with its addresses where the thread sanitizer of older compilers can use them."""
    moved = shutil.which("setarch")
    if moved is None:
        return program
    started = folder / f"{program.name}_in_place"
    started.write_text(f'#!/bin/sh\nexec {moved} -R "{program}" "$@"\n')
    started.chmod(0o755)
    return started


def _under_load(
    report: Report, name: str, program: Path, folder: Path, calls: int, environment: dict[str, str]
) -> None:
    reference = folder / "reference.bin"
    _counted(
        report,
        f"{name}_one_thread",
        program,
        "reference",
        "linked",
        folder,
        reference,
        environment=environment,
    )
    _threads(report, name, program, folder, reference, calls, environment)


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


def _under_isa(
    report: Report, name: str, program: Path, folder: Path, calls: int, environment: dict[str, str], isa: str
) -> None:
    """The kernels that machines without this one's instructions use."""
    reference, chosen = folder / "reference.bin", {**environment, "PYBRIDGE_ISA": isa}
    _counted(
        report, f"{name}_one_thread", program, "reference", "linked", folder, reference, environment=chosen
    )
    _counted(
        report, f"{name}_threads", program, "threads", "linked", folder, reference, THREADS, calls, 5,
        environment=chosen,
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
