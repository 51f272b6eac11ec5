"""`pybridge verify fuzz`: the readers of model files, decks and data sets, a million malformed inputs each.

Model files: the C++ reader and the materials made of what it accepts, in one process, in memory, under the address and
undefined-behaviour sanitizers; with libFuzzer where clang is installed, else with mutations of its own
(umat/drivers/fuzz_model.cpp). Decks and data sets: the Python readers, with files that hypothesis puts together and
mutations of each (pybridge/verify/fuzz_worker.py). An input that ends the process, hangs, raises what is no error of
pybridge's, or is read as something that it is not, is a finding; it is kept in the folder --out (default:
build/fuzz). There the counts stand too: an interrupted run goes on, and a complete one without findings is taken
again, unless the code has changed that it belongs to.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pybridge.commands import registered
from pybridge.report import Report
from pybridge.verify.drivers import ROOT, DriverError, build_with_clang
from pybridge.verify.fuzz_progress import Counts, Progress
from pybridge.verify.fuzz_seeds import write_seeds, write_words

COUNT, QUICK_COUNT = 1_000_000, 5_000
BATCH = 50_000  # inputs of a libFuzzer run, some ten seconds
LARGEST = 8192  # bytes of a model file: the seeds have 3 to 6 kB
MOST_FOUND = 100
ADDRESS = {
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def run(options: argparse.Namespace) -> Report:
    """Run the check; --quick makes 5000 inputs a reader, and misses the target of a million."""
    report = Report("fuzz")
    count = QUICK_COUNT if options.quick else COUNT
    with _folder(options) as folder:
        for name, module in {"deck": "pybridge.verify.fuzz_deck", **registered("pybridge.fuzz")}.items():
            _report(report, name, COUNT, fuzz_reader(name, module, folder, count))
        models = [Path(options.model)] if options.model else []
        _report(report, "model", COUNT, fuzz_models(folder, count, models))
    return report


@contextlib.contextmanager
def _folder(options: argparse.Namespace) -> Iterator[Path]:
    """Where counts and findings are kept; for --quick without --out nowhere."""
    if options.quick and not options.out:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    folder = Path(options.out or ROOT / "build" / "fuzz").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DriverError(
                f"{folder}: another `pybridge verify fuzz` counts here; wait for it, or give --out"
            ) from None
        yield folder


def _report(report: Report, name: str, goal: int, counts: Counts) -> None:
    report.add(f"{name}_inputs", counts.inputs, "inputs", f">= {goal}")
    report.add(f"{name}_findings", counts.found, "inputs", "<= 0")
    if counts.ended:
        report.add(f"{name}_refused_for_ending_their_process", counts.ended, "inputs")
    report.add(f"{name}_seconds", counts.seconds, "s")


def workers() -> int:
    """Processes that fuzz at a time: the cores that this one may use."""
    return len(os.sched_getaffinity(0))


def fuzz_models(folder: Path, count: int, models: list[Path]) -> Counts:
    """The model reader, in batches of a process each; what earlier ones visited is kept as seeds."""
    program, libfuzzer = build_with_clang("address", "address,undefined", "fuzz_model")
    seeds = write_seeds(folder / "model-seeds", *models)
    code = hashlib.sha256(program.read_bytes())
    for seed in sorted(seeds.iterdir()):
        code.update(seed.read_bytes())
    progress = Progress(folder, "model", count, code.hexdigest())
    if libfuzzer and not progress.counts.inputs:
        for old in _corpus(folder).iterdir():
            old.unlink()
    while progress.left and progress.counts.found < MOST_FOUND:
        batch = progress.counts.batch
        running = [
            _start(program, fuzz_arguments(libfuzzer, folder, min(BATCH, progress.left), batch + k), seeds)
            for k in range(workers() if progress.left > BATCH else 1)
        ]
        try:
            for k, process in enumerate(running):
                output, errors = process.communicate()
                # What a sanitizer, libFuzzer, or the driver's own handler (99) says of an input; else it did not run.
                found = process.returncode != 0 and ("SUMMARY:" in errors or process.returncode == 99)
                inputs = _executed(output, errors)
                if found:
                    print("\n".join(errors.splitlines()[-60:]), flush=True)
                elif process.returncode or not inputs:
                    raise DriverError(f"{program.name} did not run:\n{errors[-2000:]}")
                progress.add(inputs, int(found), 0, batch + k)
        finally:
            for process in running:
                process.kill()
    return progress.close()


def _corpus(folder: Path) -> Path:
    corpus = folder / "model-visited"
    corpus.mkdir(exist_ok=True)
    return corpus


def _start(program: Path, arguments: list[object], seeds: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(program), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
        env={**os.environ, **ADDRESS, "FUZZ_SEEDS": str(seeds)},
    )  # fmt: skip


def fuzz_arguments(libfuzzer: bool, folder: Path, count: int, seed: int) -> list[object]:
    """Arguments of the driver fuzz_model, which libFuzzer runs where clang built it: seeds in FOLDER/model-seeds."""
    seeds = folder / "model-seeds"
    if not libfuzzer:
        return [seeds, count, seed + 1, 3600, folder / f"model-found-{seed}"]
    corpus, words = _corpus(folder), write_words(folder / "model-words.txt")
    # Those that libFuzzer begins with are read once more: not counted, but made.
    begin = sum(1 for place in (corpus, seeds) for _ in place.iterdir())
    return [f"-runs={count + begin + 2}", f"-seed={seed + 1}", f"-max_len={LARGEST}", "-timeout=30", "-rss_limit_mb=4096",
            f"-dict={words}", f"-artifact_prefix={folder}/model-", "-print_final_stats=1", corpus, seeds]  # fmt: skip


def _executed(output: str, errors: str) -> int:
    """New inputs that a run read: libFuzzer's statistics less the files it began with; or the driver's own count."""
    own = re.findall(r'"inputs": (\d+)', output)
    if own:
        return int(own[-1])
    done = re.findall(r"number_of_executed_units: (\d+)", errors)
    began = re.findall(r"seed corpus: files: (\d+)", errors)
    return max(0, int(done[-1]) - int(began[-1])) if done and began else 0


def code_of(module: str) -> str:
    """Hash of a module and of everything of this package that it imports: what the counts of a reader belong to."""
    code = f"""
import hashlib, importlib, sys
importlib.import_module({module!r})
importlib.import_module("pybridge.verify.fuzz_worker")
digest = hashlib.sha256()
for name, found in sorted(sys.modules.items()):
    if name.split(".")[0] in ("pybridge", "training") and (getattr(found, "__file__", None) or "").endswith(".py"):
        digest.update(open(found.__file__, "rb").read())
print(digest.hexdigest())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise DriverError(f"{module} cannot be imported:\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def fuzz_reader(name: str, module: str, folder: Path, count: int) -> Counts:
    """A Python reader, in as many processes as there are cores."""
    if find_spec("hypothesis") is None:
        raise DriverError(
            "the readers are fuzzed with hypothesis, which is not installed: pip install hypothesis"
        )
    progress = Progress(folder, name, count, code_of(module))
    kept = folder / name
    kept.mkdir(exist_ok=True)
    number, first = workers(), progress.counts.batch
    share = -(-progress.left // number)
    running = [_worker(module, first + k, number, share, kept) for k in range(number if share else 0)]
    try:
        reading = [threading.Thread(target=_follow, args=(process, progress)) for process in running]
        for thread in reading:
            thread.start()
        for thread in reading:
            thread.join()
    finally:
        for process in running:
            process.terminate()
    failed = [
        process.returncode for process in running if process.wait() and progress.counts.found < MOST_FOUND
    ]
    if failed:
        raise DriverError(
            f"{name}: a process that fuzzes it ended with {failed[0]}; see what it printed above"
        )
    if progress.counts.found:
        print(f"fuzz: {name}: findings are kept in {kept}", flush=True)
    return progress.close()


def _worker(module: str, first: int, step: int, count: int, kept: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "pybridge.verify.fuzz_worker",
        module,
        *map(str, (first, step, count, kept)),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _follow(process: subprocess.Popen[str], progress: Progress) -> None:
    """Count what a worker says that it has done."""
    assert process.stdout is not None
    for line in process.stdout:
        done = json.loads(line)
        progress.add(done["inputs"], done["found"], done["ended"], done["batch"])
        if progress.counts.found >= MOST_FOUND:
            process.terminate()
