"""The same packing in Yade, in a process of its own (Debian: apt-get install --no-install-recommends yade)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pybridge._core import ContactLaw, PackingEngine
from pybridge.errors import PackingError

PYTHON = "/usr/bin/python3"
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/yade-double/py")


@dataclass(frozen=True)
class Answer:
    """Stress (n, 3, 3) Pa and contact stiffness (n, 6, 6) Pa at each record, CPU seconds of the steps of each."""

    stress: NDArray
    stiffness: NDArray
    seconds: NDArray


def available() -> bool:
    """Whether Yade is installed where Debian puts it."""
    return LIBRARY.exists() and Path(PYTHON).exists()


def run_yade(packing: PackingEngine, gradient: NDArray, dt: float, steps: int, records: int) -> Answer:
    """Drive the packing in Yade: `records` times `steps` steps of dt under a velocity gradient (3, 3).

    The packing must be at rest without tangential forces (as `prepare` leaves it): Yade starts from positions alone.
    Raises PackingError: not so, or Yade is missing or fails.
    """
    state, p = packing.state, packing.parameters
    if np.any(state["shear"]) or np.any(state["velocity"]) or np.any(state["spin"]):
        raise PackingError(
            "run_yade: expected a packing at rest without tangential forces, as prepared frictionless"
        )
    if not available():
        raise PackingError(
            "Yade is not installed (Debian, Ubuntu: apt-get install --no-install-recommends yade, 220 MB)"
        )
    position = np.full((packing.count, 3), 0.5 * p.thickness)
    position[:, : packing.dim] = state["position"].reshape(packing.dim, -1).T
    case = {
        "dim": packing.dim, "cell": packing.cell, "position": position, "radius": packing.radius,
        "mass": packing.mass, "inertia": packing.inertia, "hertz": p.law == ContactLaw.hertz, "young": p.young,
        "poisson": p.poisson, "ratio": p.ratio, "friction": p.friction, "density": p.density, "damping": p.damping,
        "dt": dt, "gradient": gradient, "steps": steps, "records": records,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("case.npz", "answer.npz")]
        np.savez(files[0], **case)
        command = [PYTHON, str(Path(__file__).with_name("yade_script.py")), *files]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        done = subprocess.run(
            command, capture_output=True, text=True, env={**environment, "OMP_NUM_THREADS": "1"}, check=False
        )
        if not Path(files[1]).exists():
            raise PackingError(f"Yade failed (exit {done.returncode}): {done.stderr[-600:]}")
        with np.load(files[1]) as answer:
            return Answer(answer["stress"], answer["stiffness"], answer["seconds"])
