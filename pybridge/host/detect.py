"""Find out the precision of a stranger's VUMAT: one data-check call in a process of its own.

Run as `python -m pybridge.host.detect LIBRARY`; it prints float64 or float32.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from pybridge.errors import HostError
from pybridge.host.arguments import Sizes, default_arguments
from pybridge.host.guards import GuardedCall

_POINTS = 4


def detect_precision(path: Path) -> str:
    """float64 or float32, from how much of its stress a data-check call writes. Raises HostError if unclear."""
    done = subprocess.run(
        [sys.executable, "-m", "pybridge.host.detect", str(path)], capture_output=True, text=True, timeout=120
    )
    answer = done.stdout.strip().splitlines()[-1:] or [""]
    if done.returncode == 0 and answer[0] in ("float64", "float32"):
        return answer[0]
    why = (done.stderr.strip().splitlines() or ["the trial call failed"])[-1]
    raise HostError(f"{path}: its precision cannot be found out ({why}); say precision=float64 or float32")


def main(argv: list[str] | None = None) -> int:
    """Print the precision of the library named on the command line."""
    from pybridge.host.library import load_vumat

    path = (argv or sys.argv[1:])[0]
    library = load_vumat(path, "float64")
    # Many constants and states of 1, so that a subroutine that reads some finds them.
    sizes = Sizes(_POINTS, states=64, constants=64)
    arguments = default_arguments(sizes, library.dtype, "PRECISION", [1.0] * sizes.constants)
    arguments["strainInc"][:] = 1e-4
    arguments["stateOld"][:] = 0
    guard = GuardedCall(arguments, sizes)
    library.call_pointers(library.pointers(guard.arrays))
    stress = guard.guarded["stressNew"]
    words = stress.array.view(np.uint32)
    marked = GuardedCall(arguments, sizes).guarded["stressNew"].array.view(np.uint32)
    written = words != marked
    half = written.size // 2
    if written[:half].all() and not written[half:].any():
        print("float32")
    elif written[half:].any():
        print("float64")
    else:
        print("vumat_ wrote no stress", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
