"""What `pybridge soil train` leaves in the file for `pybridge inspect`."""

from __future__ import annotations

import re

from pybridge.commands import main
from training.commands.inspect import describe


def test_a_trained_committee_names_its_packing_and_its_runs(data, tmp_path, capsys) -> None:
    out = tmp_path / "soil.pt"
    command = [
        "soil",
        "train",
        str(data),
        "--epochs",
        "2",
        "--members",
        "2",
        "--processes",
        "0",
        "--out",
        str(out),
    ]
    assert main([*command, "--set", "width=6"]) == 0
    capsys.readouterr()
    words = "\n".join(describe(out))
    assert ", packing disks100\n  set 1: train on run" in words
    assert "committee of 2 with networks 6 - 6 - 6 - 9" in words
    assert main(["inspect", str(data)]) == 0
    said = capsys.readouterr().out
    assert "packing: disks100" in said
    assert re.search(r"stress up to \d{3}\.\d\d kPa, deviator up to ", said)
