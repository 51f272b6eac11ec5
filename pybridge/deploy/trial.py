"""Open one library in a process of its own and call it once: `python -m pybridge.deploy.trial LIBRARY`.

Prints one line of JSON: {"real_bytes": 4 or 8, "error": relative error of an elastic answer}. A library that cannot
be loaded, or that breaks the process, harms nothing else.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_YOUNG, _POISSON = 200e9, 0.25


def try_library(path: Path) -> dict[str, Any]:
    """What the trial printed, or {"failed": reason}."""
    done = subprocess.run(
        [sys.executable, "-m", "pybridge.deploy.trial", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return {"failed": reason[0]}


def main(argv: list[str] | None = None) -> int:
    """Open the library with all its symbols bound, ask its precision, call vumat_ where it has one."""
    import numpy as np

    path = Path((argv or sys.argv[1:])[0])
    # NOW: a routine that the library needs and nobody has is seen here, not in the middle of a job.
    opened = ctypes.CDLL(str(path), mode=os.RTLD_NOW | os.RTLD_LOCAL)
    answer: dict[str, Any] = {"real_bytes": opened.pybridge_real_bytes()}
    if hasattr(opened, "vumat_"):
        from pybridge.host import load_vumat
        from pybridge.host.arguments import Sizes, default_arguments

        library = load_vumat(path)
        arguments = default_arguments(
            Sizes(1, constants=2), library.dtype, "PYBRIDGE_ELASTIC", [_YOUNG, _POISSON]
        )
        strain = np.array([3e-4, -1e-4, 2e-4, 1e-4, -2e-4, 5e-5])
        arguments["strainInc"][:] = strain
        arguments["stepTime"][0] = arguments["totalTime"][0] = arguments["dt"][0] = 1e-6
        library.call(arguments)
        shear = _YOUNG / (2 * (1 + _POISSON))
        expected = 2 * shear * strain
        expected[:3] += shear * strain[:3].sum()  # lambda = G at nu = 1/4
        answer["error"] = float(np.abs(arguments["stressNew"] - expected).max() / np.abs(expected).max())
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
