"""One process that fuzzes a reader: `python -m pybridge.verify.fuzz_worker MODULE COUNT SEED FOLDER`.

MODULE has make(random) -> bytes and examine(bytes, folder). The input under examination stands in FOLDER/current, so
that it is there when the process dies or hangs; inputs that break a promise are kept as FOLDER/found-N. Prints the
number of inputs and of those found.
"""

from __future__ import annotations

import importlib
import random
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path

HANG = 30  # s
MEMORY = 4 << 30  # bytes: an input that asks for more has found something


def main(argv: list[str] | None = None) -> int:
    """Examine COUNT inputs."""
    name, count, seed, folder = argv or sys.argv[1:]
    module = importlib.import_module(name)
    scratch = Path(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    source = random.Random(int(seed))
    found = 0
    with open(scratch / "current", "wb", buffering=0) as current:
        for _ in range(int(count)):
            data = module.make(source)
            current.seek(0)
            current.write(data)
            current.truncate(len(data))
            signal.alarm(HANG)
            try:
                module.examine(data, scratch)
            except Exception:
                found += 1
                (scratch / f"found-{found}").write_bytes(data)
                if found <= 3:
                    traceback.print_exc()
                if found == 100:
                    break
    signal.alarm(0)
    print(count, found)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
