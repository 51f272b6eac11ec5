"""What `pybridge bench large-packings` does, small."""

from __future__ import annotations

import pytest

from pybridge.bench.large_packings import whole_life
from pybridge.report import Report


@pytest.mark.parametrize(("dim", "name"), [(2, "120 disks"), (3, "120 spheres")])
def test_from_loose_grains_to_a_test(dim, name, tmp_path) -> None:
    report = Report("large")
    whole_life(report, dim, 120, tmp_path, strain=0.003)
    figures = {key.removeprefix(f"{name}: "): figure.value for key, figure in report.figures.items()}
    assert figures["reloaded with the same bits"] == 1
    assert figures["normal stresses over the pressure, furthest from 1"] < 2e-3
    assert figures["test: largest axial stress over the lateral"] > 1.3
    assert figures["test: lateral stress off at a record"] <= 0.01
    again = Report("again")
    whole_life(again, dim, 120, tmp_path, strain=0.003)
    assert f"{name}: preparation, CPU" not in again.figures  # taken from its file
    assert again.figures[f"{name}: void ratio"].value == figures["void ratio"]
