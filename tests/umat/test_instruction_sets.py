"""The derivative of networks at one point, for each instruction set and for sizes that fill its registers or do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# Modes, width, hidden layers: one panel of outputs; a few and a remainder; wider than what stays in cache at once.
SIZES = ((1, 8, 1), (1, 40, 2), (4, 21, 2), (7, 213, 2))

CHILD = """
import sys
import numpy as np
from pathlib import Path
from pybridge.host import UmatLibrary, UmatPoint
from pybridge._core import active_isa
from test_tangent import jaumann_by_differences
from umat_cases import GRADIENT

folder, sizes = Path(sys.argv[1]), int(sys.argv[2])
umat = UmatLibrary()
for k in range(sizes):
    umat.use_model(f"SIZE{k}", folder / f"{k}.pt")
    point = UmatPoint(umat, f"SIZE{k}")
    for a in (0.5, 1.0):
        point.step(np.eye(3) + a * GRADIENT, 2e-8)
    f = np.eye(3) + 1.2 * GRADIENT
    answer = point.trial(f, 2e-8)
    np.save(folder / f"{k}-differences.npy", jaumann_by_differences(point, f, 2e-8, 1e-6))
    np.save(folder / f"{k}-tangent.npy", answer.tangent)
    arguments = point.arguments(f, 2e-8)
    umat.call_pointers(umat.pointers(arguments, tangent=False))
    with_tangent = point.arguments(f, 2e-8)
    umat.call_pointers(umat.pointers(with_tangent))
    np.save(folder / f"{k}-stress.npy", np.stack([arguments["STRESS"], with_tangent["STRESS"]]))
print(active_isa())
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pybridge.bench.random_surrogate import write_random_surrogate

    folder = tmp_path_factory.mktemp("sizes")
    for k, size in enumerate(SIZES):
        write_random_surrogate(folder / f"{k}.pt", *size, 1e-6)
    return folder


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_derivative_for_each_instruction_set(models: Path, isa: str) -> None:
    """Central differences of 1e-6: their truncation and rounding stay below 1e-7 of the tangent (test_tangent.py)."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(models), str(len(SIZES))], cwd=Path(__file__).parent,
        env={**os.environ, "PYBRIDGE_ISA": isa}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:  # a processor without it must say so
        assert f"PYBRIDGE_ISA={isa}: this processor lacks these instructions" in done.stderr
        return
    assert done.stdout.strip() == isa
    for k in range(len(SIZES)):
        tangent, differences = (np.load(models / f"{k}-{what}.npy") for what in ("tangent", "differences"))
        np.testing.assert_allclose(tangent, differences, rtol=0, atol=1e-7 * np.abs(differences).max())
        alone, beside = np.load(models / f"{k}-stress.npy")
        np.testing.assert_array_equal(alone, beside)  # the same bits, wanted or not
