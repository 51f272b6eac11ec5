"""A parametric study: table in; one data file, one table, one picture out; resumed; failures are rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from abaqus_jobs import study
from abaqus_jobs.study import read_table, run_study
from pybridge.commands import main
from pybridge.errors import ConfigError
from pybridge.results import read_results

TABLE = """\
name, problem,      velocity, height, elements, time,  intervals, material,     host
slow, taylor-anvil, 100,      2e-3,   100,      2e-7,  2,         magnesium-jc, bindings
fast, taylor-anvil, 300,      2e-3,   100,      2e-7,  2,         magnesium-jc, vumat
gone, taylor-anvil, 300,      2e-3,   100,      2e-7,  2,         broken.pt,    vumat
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "broken.pt").write_bytes(b"not a model")
    (folder / "table.csv").write_text(TABLE)
    return folder / "table.csv"


@pytest.fixture(scope="module")
def out(table: Path) -> Path:
    """A finished study, run in two processes."""
    folder = table.parent / "out"
    assert (
        main(["study", str(table), "--out", str(folder), "--processes", "2"]) == 1
    )  # one run cannot be made
    return folder


def test_table_of_results(out: Path) -> None:
    with open(out / "study.csv", newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["slow", "fast", "gone"], "in the order of the table"
    assert rows["slow"]["state"] == rows["fast"]["state"] == "complete"
    assert rows["gone"]["state"] == "failed"
    assert "broken.pt" in rows["gone"]["error"]
    for name in ("slow", "fast"):
        result = read_results(out / "runs" / f"{name}.h5")
        assert float(rows[name]["largest_mises"]) == pytest.approx(result.element("mises").max())
        assert float(rows[name]["end_time"]) == pytest.approx(2e-7)
        velocity = result.node("velocity", 0)[:, 2]
        assert velocity.min() == pytest.approx(-float(rows[name]["velocity"]), rel=1e-9)
    assert float(rows["fast"]["foot_radius"]) > float(rows["slow"]["foot_radius"]) > 0.5e-3


def test_one_data_file(out: Path) -> None:
    with h5py.File(out / "study.h5") as file:
        assert list(file) == ["fast", "gone", "slow"]
        assert "not" in json.loads(file["gone"].attrs["row"])["error"]
        assert list(file["gone"]) == []
        for name in ("slow", "fast"):
            result = read_results(out / "runs" / f"{name}.h5")
            np.testing.assert_array_equal(file[f"{name}/last/element/stress"][()], result.element("stress"))
            np.testing.assert_array_equal(file[f"{name}/history/kinetic"][()], result.history["kinetic"])
            assert file[f"{name}/last/element/stress"].attrs["unit"] == "Pa"


def test_picture_and_nothing_half_written(out: Path) -> None:
    assert (out / "study.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert sorted(path.name for path in out.iterdir()) == ["runs", "study.csv", "study.h5", "study.png"]


def test_complete_runs_are_taken_again(table: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (out / "runs" / "slow.h5").stat().st_mtime_ns
    (table.parent / "more.csv").write_text(
        TABLE.replace("gone, ", "slower, ").replace("broken.pt,   ", "magnesium-jc,")
    )
    rows = run_study(table.parent / "more.csv", out, progress=False)
    assert [row["state"] for row in rows] == ["taken again", "taken again", "complete"]
    assert (out / "runs" / "slow.h5").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no runs; expected a heading with name, problem, material, host"),
        ("name,problem\na,anvil\n", "line 2: problem 'anvil'; expected one of taylor-anvil"),
        ("problem,host\ntaylor-anvil,ansys\n", "line 2: host 'ansys'; expected one of bindings"),
        ("problem,material\ntaylor-anvil,gold\n", "line 2: material 'gold'; expected magnesium-jc, copper, or a model"),
        ("problem,speed\ntaylor-anvil,1\n", "line 2: column 'speed' is no parameter of taylor-anvil; expected height"),
        ("problem,velocity\ntaylor-anvil,quick\n", "line 2: velocity = 'quick'; expected a number"),
        ("problem,velocity\ntaylor-anvil,nan\n", "line 2: velocity = 'nan'; expected a finite number"),
        ("problem,elements\ntaylor-anvil,1.5\n", "line 2: elements = '1.5'; expected a whole number"),
        ("problem,quarter\ntaylor-anvil,maybe\n", "line 2: quarter = 'maybe'; expected true or false"),
        ("name,problem\n../a,taylor-anvil\n", "line 2: name '../a'; expected letters"),
        ("name,problem\na,taylor-anvil\na,copper-rod\n", "two runs are called a"),
        ("name,problem\na,taylor-anvil,1\n", "line 2: expected 2 values"),
        ("name,problem\na\n", "line 2: expected 2 values"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_table(tmp_path / "t.csv")
    assert message in str(caught.value)


def test_values_take_the_type_of_the_parameter(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "problem,quarter,elements,velocity\ntaylor-anvil,true,1e3,250\ncopper-rod,,,\n"
    )
    (tmp_path / "u.csv").write_text("problem,quarter\ncopper-rod,true\n")
    with pytest.raises(ConfigError, match="column 'quarter'"):
        read_table(tmp_path / "u.csv")
    first, second = read_table(tmp_path / "t.csv")
    assert dict(first.parameters) == {"quarter": True, "elements": 1000, "velocity": 250.0}
    assert (first.name, first.material, second.material) == ("run-1", "magnesium-jc", "copper")
    assert second.parameters == ()
    with pytest.raises(ConfigError, match="--processes 0"):
        study.run_study(tmp_path / "t.csv", tmp_path, processes=0)
