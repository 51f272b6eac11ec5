"""`pybridge verify fuzz`: the readers of model files, decks and data sets, a million malformed inputs each.

Model files: the C++ reader and the materials made of what it accepts, under the address and undefined-behaviour
sanitizers; with libFuzzer where clang is installed, else with mutations of its own (umat/drivers/fuzz_model.cpp). Decks
and data sets: the Python readers in processes of their own. An input that ends the process, takes 30 s, raises what
is no error of pybridge's, or is read as something that it is not, is a finding; it is kept in the folder --out.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pybridge.commands import registered
from pybridge.report import Report
from pybridge.verify.drivers import build_with_clang
from pybridge.verify.fuzz_seeds import write_seeds, write_small_model

COUNT, QUICK_COUNT = 1_000_000, 5_000
LIMIT = 7200.0  # s, of each reader
ADDRESS = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick makes 5000 inputs a reader, and misses the target of a million."""
    report = Report("fuzz")
    count = QUICK_COUNT if options.quick else COUNT
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(options.out or scratch)
        out.mkdir(parents=True, exist_ok=True)
        models = [Path(options.model)] if options.model else []
        fuzz_models(report, Path(scratch), out, count, models)
        for name, module in {"deck": "pybridge.verify.fuzz_deck", **registered("pybridge.fuzz")}.items():
            fuzz_reader(report, name, module, out, count)
    return report


def fuzz_arguments(libfuzzer: bool, seeds: Path, count: int, seed: int, out: Path) -> list[object]:
    """Arguments of the driver fuzz_model, which libFuzzer runs where clang built it."""
    if not libfuzzer:
        return [seeds, count, seed, LIMIT, out / "model-found"]
    return [f"-runs={count}", f"-seed={seed}", "-max_len=60000", "-timeout=30", "-rss_limit_mb=4096",
            f"-max_total_time={int(LIMIT)}", f"-artifact_prefix={out}/model-", "-print_final_stats=1",
            seeds]  # fmt: skip


def fuzz_models(report: Report, scratch: Path, out: Path, count: int, models: list[Path]) -> None:
    """The model reader: inputs examined and findings."""
    rod = write_small_model(scratch / "small.pt")
    seeds = write_seeds(scratch / "seeds", rod, *models)
    environment = {**os.environ, **ADDRESS, **({} if models else {"FUZZ_SEED": str(rod)})}
    program, libfuzzer = build_with_clang("address", "address,undefined", "fuzz_model")
    begun = time.monotonic()
    arguments = fuzz_arguments(libfuzzer, seeds, count, 1, out)
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
    )
    # libFuzzer's statistics, or the JSON of the driver's own mutations
    counts = re.findall(r"number_of_executed_units: (\d+)", done.stderr) + re.findall(
        r'"inputs": (\d+)', done.stdout
    )
    inputs = int(counts[-1]) if counts else 0
    if done.returncode:
        print("\n".join(done.stderr.splitlines()[-60:]), flush=True)
    report.add("model_inputs", inputs, "inputs", f">= {count}")
    report.add("model_findings", done.returncode != 0, "inputs", "<= 0")
    report.add("model_seconds", time.monotonic() - begun, "s")


def fuzz_reader(report: Report, name: str, module: str, out: Path, count: int) -> None:
    """A Python reader, in as many processes as there are cores."""
    begun = time.monotonic()
    workers = os.cpu_count() or 1
    running = []
    for k in range(workers):
        folder = out / f"{name}-{k}"
        folder.mkdir(parents=True, exist_ok=True)
        share = count // workers + (k < count % workers)
        command = [sys.executable, "-X", "faulthandler", "-m", "pybridge.verify.fuzz_worker", module, str(share),
                   str(k + 1), str(folder)]  # fmt: skip
        running.append(
            (folder, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        )
    inputs = findings = 0
    for folder, process in running:
        text, errors = process.communicate()
        if process.returncode == 0:
            examined, found = map(int, text.split())
            inputs, findings = inputs + examined, findings + found
        else:
            findings += 1
            (folder / "current").rename(folder / "found-fatal")
            print(
                f"{name}: process ended with {process.returncode}; its input: {folder / 'found-fatal'}",
                flush=True,
            )
        if errors:
            print("\n".join(errors.splitlines()[-40:]), flush=True)
    report.add(f"{name}_inputs", inputs, "inputs", f">= {count}")
    report.add(f"{name}_findings", findings, "inputs", "<= 0")
    report.add(f"{name}_seconds", time.monotonic() - begun, "s")
