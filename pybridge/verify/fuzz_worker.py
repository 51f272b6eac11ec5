"""One process that fuzzes a Python reader: `python -m pybridge.verify.fuzz_worker MODULE FIRST STEP COUNT FOLDER`.

MODULE has `bases()`, a strategy of hypothesis for whole files; `vary(base, count, random)`, which gives that many altered
ones; `examine(data, folder)`, which raises where the reader breaks a promise; `seconds(data)`, the processor time that a
read may take; and `may_end(data)`: whether the reader has its own process for such a file, so that the read may hang or
crash here. Of those that do, the first few go through `examine_apart(data, folder)`, the reader with its process.

Batches FIRST, FIRST + STEP, … are examined in forked processes. Input and counters stand in memory that is shared with
them, so that the input is known when one dies. Inputs that break a promise are kept as FOLDER/found-N. A line of JSON
follows each batch.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import traceback
import warnings
from itertools import count as count_from
from pathlib import Path
from types import ModuleType

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

BATCH, VARIATIONS = 6400, 64  # inputs of a batch, and of one base
PARTS = 100_000  # more than a batch has processes
MEMORY = 4 << 30  # bytes: an input that asks for more has found something
REPLAYS = 3  # of those that ended a process, read again as the program reads them
LARGEST = 1 << 20  # bytes of an input


class Shared:
    """Counters and the input under examination, in memory that outlives the process that reads it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 24 + LARGEST)

    @property
    def examined(self) -> int:
        """Inputs whose examination has come to an end."""
        return struct.unpack_from("<q", self._memory, 0)[0]

    @property
    def found(self) -> int:
        """Those of them that broke a promise."""
        return struct.unpack_from("<q", self._memory, 8)[0]

    @property
    def current(self) -> bytes:
        """The last input."""
        (length,) = struct.unpack_from("<q", self._memory, 16)
        return self._memory[24 : 24 + length]

    def begin(self, data: bytes) -> None:
        """An input comes under examination."""
        struct.pack_into("<q", self._memory, 16, len(data))
        self._memory[24 : 24 + len(data)] = data

    def end(self, found: bool) -> None:
        """Its examination is over."""
        struct.pack_into("<qq", self._memory, 0, self.examined + 1, self.found + found)


def main(argv: list[str] | None = None) -> int:
    """Examine COUNT inputs or a few more, in whole batches."""
    name, *numbers, folder = argv or sys.argv[1:]
    first, step, count = map(int, numbers)
    module, kept = importlib.import_module(name), Path(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    replays, total = REPLAYS, 0
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        for number in count_from(first, step):
            if total >= count:
                return 0
            done = batch(module, number, kept, Path(scratch), replays)
            replays, total = max(0, replays - done["ended"]), total + done["inputs"]
            print(json.dumps({"batch": number, **done}), flush=True)
    raise AssertionError("unreachable")


def batch(module: ModuleType, number: int, kept: Path, scratch: Path, replays: int) -> dict[str, int]:
    """Examine BATCH inputs: how many, how many were found, how many ended their process where they may."""
    shared, ended = Shared(), 0
    for part in range(PARTS):
        before = shared.examined
        if before >= BATCH:
            break
        child = os.fork()
        if child == 0:
            _examine_and_leave(module, number * PARTS + part, BATCH - before, shared, kept, scratch)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            data, found = shared.current, True
            if module.may_end(data):
                ended += 1
                found = ended <= replays and not _sound_apart(module, data, scratch)
            if found:
                _keep(kept, number, data)
                print(f"ended by signal {os.WTERMSIG(status)}", file=sys.stderr, flush=True)
            shared.end(found)
        elif status or shared.examined == before:
            raise RuntimeError(f"batch {number}, part {part}: the fuzzer itself failed")
    return {"inputs": shared.examined, "found": shared.found, "ended": ended}


def _examine_and_leave(module: ModuleType, seed: int, count: int, shared: Shared, kept: Path, scratch: Path) -> None:  # fmt: skip
    """What a forked process does: bases by hypothesis, each varied; it never returns."""
    source = random.Random(seed)

    @seeded(seed)
    @settings(
        max_examples=-(-count // VARIATIONS), database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )  # fmt: skip
    @given(module.bases())
    def look(base: bytes) -> None:
        for data in module.vary(base, VARIATIONS, source):
            shared.begin(data)
            signal.setitimer(signal.ITIMER_PROF, module.seconds(data))
            try:
                module.examine(data, scratch)
            except Exception:
                signal.setitimer(signal.ITIMER_PROF, 0)
                if shared.found < 3:
                    traceback.print_exc()
                _keep(kept, seed // PARTS, data)
                shared.end(True)
            else:
                shared.end(False)
        signal.setitimer(signal.ITIMER_PROF, 0)

    try:
        look()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stderr.flush()
    os._exit(0)


def _sound_apart(module: ModuleType, data: bytes, scratch: Path) -> bool:
    try:
        module.examine_apart(data, scratch)
    except Exception:
        traceback.print_exc()
        return False
    return True


def _keep(folder: Path, number: int, data: bytes) -> None:
    """As FOLDER/found-BATCH-N; the first hundred of a batch."""
    for n in range(100):
        path = folder / f"found-{number}-{n}"
        if not path.exists():
            path.write_bytes(data)
            return


if __name__ == "__main__":
    raise SystemExit(main())
