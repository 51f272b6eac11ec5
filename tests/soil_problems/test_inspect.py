"""`pybridge inspect` of a learned soil."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pybridge.commands import main
from pybridge.model_file import read_model
from training.commands.inspect import describe
from training.mlp_export import export_mlp, read_mlp


def test_a_committee_of_soil_in_words(network, capsys) -> None:
    """Members, sizes, limits, what it was trained on, errors: as the file has them."""
    assert main(["inspect", str(network)]) == 0
    said = capsys.readouterr().out
    model, errors = read_mlp(network), read_model(network).card["errors"]
    for text in (
        "kind mlp_history",
        "bulk 20.00 MPa, shear 10.00 MPa; density 2000.0",
        "accumulated_strain[3]",
        "committee of 2 with networks 6 - 20 - 20 - 9, relu: 1400 multiply-adds a point",
        "no deadband",
        f"members disagree beyond a spread of {model.spread_max:.3g} times {model.stress_scale / 1e3:.2f} kPa",
        f"  strain 11 {model.lowest[0]:.3g} to {model.highest[0]:.3g}, 22 {model.lowest[1]:.3g} to",
        f"  accumulated strain 11 0 to {model.highest[3]:.3g}, 22 0 to",
        "best epochs of the members: ",
        "data of checksum not recorded, packing not recorded",
        f"  test: stress {100 * errors['stress_test']:.2f} %, stiffness {100 * errors['stiffness_test']:.2f} %",
        f"  train: stress {100 * errors['stress_train']:.2f} %, ",
        f"  validation: stress {100 * errors['stress_validation']:.2f} %, ",
    ):
        assert text in said
    at_rest = model.answer(np.zeros((1, 6)))[0][0]
    assert f"stress at rest: 11 {at_rest[0] / 1e3:.2f} kPa, 22 {at_rest[1] / 1e3:.2f} kPa" in said


def test_the_runs_of_each_part(network) -> None:
    """Eight runs, each for one part: the file says which; many are counted."""
    runs = read_model(network).card["training"]["runs"]
    assert sorted(runs["train"] + runs["validation"] + runs["test"]) == list(range(8))
    (line,) = [line for line in describe(network) if line.startswith("  set 1: ")]
    assert f"train on runs {' '.join(map(str, runs['train']))}, validation on run" in line
    assert line.endswith(f"test on run {runs['test'][0]}")


@pytest.fixture
def changed(network, tmp_path):
    """changed(training, **fields): the same committee with another record of its training, as a model file."""

    def made(training: dict, **fields):
        model = read_mlp(network)
        path = tmp_path / "OTHER.pt"
        export_mlp(replace(model, card={**model.card, "training": training}, **fields), path)
        return "\n".join(describe(path))

    return made


def test_files_with_more_and_with_less_of_a_record(network, changed) -> None:
    old = dict(read_model(network).card["training"])
    old["data"] = "9358bc81"
    runs = {"train": list(range(20)), "validation": [], "test": [21, 22]}
    config = {**old["config"], "width": 12, "stiffness_width": 8}
    said = changed({**old, "packing": "disks400", "added": [runs], "config": config}, deadband=1e-4)
    for text in (
        "data of checksum 9358bc81, packing disks400",
        "  set 2: train on 20 runs, validation on none, test on runs 21 22",
        "deadband of the accumulated strain: 0.0001",
        "  two side by side in each: width 12 for stresses, 8 for stiffness",
    ):
        assert text in said
    # Earlier files tell the shares alone, and the least tells nothing.
    del old["runs"]
    assert "  of the runs of each set: train on 70 %, validation on 15 %, test on 15 %" in changed(old)
    assert "data of checksum not recorded" in changed({})
