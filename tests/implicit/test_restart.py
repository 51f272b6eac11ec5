"""A run of solve() that is interrupted goes on to the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge.errors import SolverError
from pybridge.packing import load_library, packing_material
from pybridge.solver.implicit import BiaxialTest, Controls, History, MaterialPoints, biaxial_problem, solve


def march(restart=None, stop_at=2.0) -> History:
    problem = biaxial_problem(BiaxialTest(1, 1, strain=0.004))
    points = MaterialPoints(packing_material(load_library("disks100")), problem.mesh.points)

    def progress(load: float, iterations: int) -> None:
        if load > stop_at:
            raise KeyboardInterrupt

    return solve(problem, points, Controls(steps=6), progress=progress, restart=restart, restart_seconds=0.0)


def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path) -> None:
    whole = march()
    file = tmp_path / "run.restart.npz"
    with pytest.raises(KeyboardInterrupt):
        march((file, "a test"), stop_at=0.6)
    assert np.load(file)["march/load"] == pytest.approx(0.5)  # the last step before the one interrupted
    with pytest.raises(SolverError, match="a restart file of another run"):
        march((file, "another test"))
    on = march((file, "a test"))
    assert on.load == whole.load
    assert on.iterations == whole.iterations
    np.testing.assert_array_equal(np.array(on.stress), np.array(whole.stress))
    np.testing.assert_array_equal(np.array(on.displacement), np.array(whole.displacement))
    assert len(on.cpu) == len(on.load)
    assert not file.exists()
    file.write_bytes(b"nothing")
    with pytest.raises(SolverError, match="not a readable restart file"):
        march((file, "a test"))
