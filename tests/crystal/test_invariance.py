"""What must not change the answer: the frame, the split into blocks, the instruction set, the precision."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from pybridge._core import CrystalParameters, active_isa, make_law, make_taylor_crystal, uniform_orientations


def rotated(tools, path: np.ndarray, q: np.ndarray) -> np.ndarray:
    return tools.to_components(q @ tools.to_matrix(path.T) @ q.T).T


def test_turning_crystals_and_stretch_turns_the_stress(tools) -> None:
    grains = uniform_orientations(3, 21)
    q = uniform_orientations(1, 5)[0]
    path = tools.smooth_path(300, 6, 0.05)
    stress = tools.drive(make_taylor_crystal(grains, CrystalParameters(), "float64"), path, 1e-9)
    turned = tools.drive(
        make_taylor_crystal(q @ grains, CrystalParameters(), "float64"), rotated(tools, path, q), 1e-9
    )
    np.testing.assert_allclose(
        turned.stress[:, :, 0], rotated(tools, stress.stress[:, :, 0], q), atol=1.0
    )  # Pa
    np.testing.assert_allclose(turned.state, stress.state, atol=1e-10)
    assert np.abs(tools.deviator(stress.stress)).max() > 50e6


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_blocks_of_any_size_give_the_same_bits(tools, precision: str) -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [3, 1], precision)
    n, steps = 37, 12
    # Points differ in strain by orders of magnitude, so that iterations and internal steps differ between lanes.
    path = np.stack([tools.smooth_path(steps, s, 10.0 ** (-4 + 3 * (s % 7) / 6)) for s in range(n)], axis=2)
    whole = tools.drive(crystal, path, 5e-9)
    assert whole.status.max() == 0
    for size in (1, 2, 3, 5, 8, 16, 17):
        for first in range(0, n, size):
            part = tools.drive(crystal, path[:, :, first : first + size], 5e-9)
            assert np.array_equal(part.stress, whole.stress[:, :, first : first + size])
            assert np.array_equal(part.state, whole.state[:, first : first + size])
            assert np.array_equal(part.work, whole.work[:, first : first + size])


CHILD = """
import sys, numpy as np
from pybridge._core import make_law, active_isa
path, out = np.load(sys.argv[1]), sys.argv[2]
for precision in ("float64", "float32"):
    law = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [4, 9], precision)
    dtype, n = law.dtype, path.shape[2]
    stretch = np.ascontiguousarray(path.astype(dtype))
    old = np.zeros((law.state_size, n), dtype)
    stress = np.zeros((len(stretch), 6, n), dtype)
    status = np.zeros(n, np.int32)
    for k in range(len(stretch) - 1):
        new = np.zeros_like(old)
        law.update(time_old=k * 1e-9, dt=1e-9, strain_inc=np.zeros((6, n), dtype), stretch_old=stretch[k],
                   stretch_new=stretch[k + 1], temperature=np.zeros(n, dtype), density=np.ones(n, dtype),
                   stress_old=stress[k], state_old=old, stress_new=stress[k + 1], state_new=new,
                   dissipation_inc=np.zeros(n, dtype), status=status)
        assert status.max() == 0
        old = new
    np.save(f"{out}-{precision}.npy", stress)
print(active_isa())
"""


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_instruction_sets_agree(tools, tmp_path, isa: str) -> None:
    path = np.stack([tools.smooth_path(200, s, 0.05) for s in (1, 2, 3)], axis=2)
    np.save(tmp_path / "path.npy", path)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "path.npy"), str(tmp_path / "out")],
        env={**os.environ, "PYBRIDGE_ISA": isa}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:  # a processor without it must say so
        assert "this processor lacks these instructions" in done.stderr
        assert isa != "baseline"
        return
    assert done.stdout.strip() == isa
    for precision, tolerance in (("float64", 1.0), ("float32", 0.3e6)):
        law = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [4, 9], precision)
        here = tools.drive(law, path, 1e-9).stress
        # Fused multiply-adds round differently: Pa, against 150 MPa.
        np.testing.assert_allclose(np.load(tmp_path / f"out-{precision}.npy"), here, atol=tolerance)
    assert active_isa() in {"baseline", "avx2", "avx512"}


def test_single_precision_follows_double(tools) -> None:
    path = tools.smooth_path(1000, 12, 0.05)
    double = tools.drive(make_law("PYBRIDGE_TAYLOR_CRYSTAL", [16, 1], "float64"), path, 1e-9)
    single = tools.drive(
        make_law("PYBRIDGE_TAYLOR_CRYSTAL", [16, 1], "float32"), path.astype(np.float32), 1e-9
    )
    error = tools.deviator(single.stress) - tools.deviator(double.stress)
    # U itself is rounded to 6e-8: 3 kPa of stress each step; twins that compete amplify a little of it.
    assert np.linalg.norm(error) < 1e-3 * np.linalg.norm(tools.deviator(double.stress))


def test_128_grains_are_nearly_isotropic(tools) -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [], "float64")
    steps = 100
    path = np.tile([1.0, 1, 1, 0, 0, 0], (steps + 1, 1))
    path[:, 2] = np.linspace(1, 1.03, steps + 1)
    path[:, 0] = path[:, 1] = path[:, 2] ** -0.5
    turns = uniform_orientations(8, 77)
    paths = np.stack([rotated(tools, path, q) for q in turns], axis=2)
    stress = tools.drive(crystal, paths, 3e-9).stress[-1]
    back = np.stack([rotated(tools, stress[:, k][None], q.T)[0] for k, q in enumerate(turns)])
    mises = np.linalg.norm(tools.deviator(back[:, :, None])[:, :, 0] * np.sqrt([1, 1, 1, 2, 2, 2]), axis=1)
    spread = mises.std() / mises.mean()
    # 128 random grains leave a few per cent; half of it would be a texture, a tenth more than chance allows.
    assert 0.002 < spread < 0.06
