"""`pybridge packing`: what is refused, what is kept of a test that stops, chains of tests, what `show` tells."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from pybridge.commands import main
from pybridge.packing import load, load_library, save
from pybridge.packing.files import read_provenance


def table(file: Path) -> np.ndarray:
    return np.genfromtxt(file, delimiter=",", names=True)


def packing(*words: object) -> int:
    return main(["packing", *map(str, words)])


@pytest.fixture
def interrupted(monkeypatch, ctrl_c):
    """Ctrl-C once the progress bar has come to this share."""

    def at(share: float) -> None:
        def bar(done: float, text: str) -> None:
            if done >= share:
                ctrl_c()

        monkeypatch.setattr(
            "pybridge.solver.progress.progress_bar", lambda show, end, begin: contextlib.nullcontext(bar)
        )

    return at


def test_prepare_saves_nothing_that_breaks_a_guard(tmp_path, capsys) -> None:
    out = tmp_path / "new" / "a.h5"
    assert packing("prepare", "--grains", 100, "--pressure", 1e8, "--out", out) == 2
    assert "largest overlap 1.56 of a radius, allowed 0.1" in capsys.readouterr().err
    assert not out.exists()
    assert (
        packing("prepare", "--grains", 100, "--pressure", 1e6, "--guards", "overlap_max=0.5", "--out", out)
        == 0
    )
    assert load(out).measure().overlap > 0.1


def test_prepare_replaces_a_file_only_where_asked(tmp_path, capsys) -> None:
    out = tmp_path / "a.h5"
    out.write_text("mine")
    assert packing("prepare", "--grains", 100, "--out", out) == 2
    assert (
        f"{out} exists; give --overwrite to replace it, or another file with --out" in capsys.readouterr().err
    )
    assert out.read_text() == "mine"
    assert packing("prepare", "--grains", 100, "--overwrite", "--out", out) == 0
    assert load(out).count == 100


def test_prepare_refuses_sizes_out_of_range_or_given_twice(tmp_path, capsys) -> None:
    out = tmp_path / "a.h5"
    for grains in (99, 20_001):
        assert packing("prepare", "--grains", grains, "--out", out) == 2
        assert f"--grains {grains}: expected 100 to 20,000" in capsys.readouterr().err
    twice = ("--radii", 0.001, 0.002, "--gradation", 0.004, 0, 0.01, 1)
    assert packing("prepare", "--grains", 100, *twice, "--out", out) == 2
    assert "--radii and --gradation exclude each other" in capsys.readouterr().err
    assert packing("prepare", "--grains", 100, *twice[3:], "--out", out) == 0
    assert 0.002 <= load(out).radius.min() <= load(out).radius.max() <= 0.005
    assert read_provenance(out)["gradation"] == [0.004, 0, 0.01, 1]
    assert "radii" not in read_provenance(out)


def test_an_interrupted_preparation_says_that_nothing_is_there(tmp_path, capsys, interrupted) -> None:
    interrupted(0.3)
    assert packing("prepare", "--grains", 100, "--out", tmp_path / "a.h5") == 130
    said = capsys.readouterr().err
    assert "interrupted; no packing was saved; the same command starts anew" in said
    assert "goes on where it stopped" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_failing_test_keeps_its_records(tmp_path, capsys) -> None:
    out, kept = tmp_path / "i.csv", tmp_path / "kept.h5"
    words = ("test", "disks100", "--program", "isotropic", "--pressures", 1e9, "--out", out, "--save", kept)
    assert packing(*words) == 2
    said = capsys.readouterr().err
    records = table(out)
    assert "disks100: isotropic, on the way to a pressure of 1e+09 Pa, stopped at strains -0.0" in said
    assert "largest overlap 0.2" in said
    assert f"the {len(records)} records up to there are in {out}" in said
    assert np.all(records["overlap"] <= 0.2)
    assert -records["stress_11"][-1] > 2e5
    assert not kept.exists()


def test_soft_grains_are_told(tmp_path, capsys) -> None:
    out = tmp_path / "i.csv"
    words = ("test", "disks100", "--program", "isotropic", "--out", out)
    assert packing(*words, "--pressures", 1.2e6) == 0
    overlap = table(out)["overlap"]
    soft = int(np.argmax(overlap > 0.1)) + 1
    said = f"from record {soft} on grains overlap by more than 0.1 of a radius (overlap_max), up to {overlap.max():.3g}"
    assert soft > 1
    assert said in capsys.readouterr().out
    assert packing(*words, "--pressures", 2e5) == 0
    assert "overlap" not in capsys.readouterr().out


def test_an_interrupted_test_keeps_its_records(tmp_path, capsys, interrupted) -> None:
    interrupted(0.25)
    out = tmp_path / "b.csv"
    assert packing("test", "disks100", "--program", "biaxial", "--strains", -0.004, "--out", out) == 130
    assert (
        f"interrupted; the 26 records up to there are in {out}; the same command starts anew"
        in capsys.readouterr().err
    )
    assert table(out)["strain_22"][-1] == pytest.approx(-0.001, rel=1e-6)


def test_a_test_interrupted_before_it_begins_says_so(tmp_path, capsys, interrupted) -> None:
    interrupted(0.0)
    out = tmp_path / "b.csv"
    assert packing("test", "disks100", "--program", "biaxial", "--out", out) == 130
    assert "interrupted; no table was written; the same command starts anew" in capsys.readouterr().err
    assert not out.exists()


def test_tests_in_a_chain_go_on_from_the_state(tmp_path, capsys) -> None:
    """Two tests through a file leave the packing where one test with both parts does, but for the stress control's memory."""
    first, second, whole = (tmp_path / f"{name}.h5" for name in ("first", "second", "whole"))
    biaxial = ("--program", "biaxial", "--quiet")
    assert (
        packing(
            "test", "disks100", *biaxial, "--strains", -0.004, "--out", tmp_path / "1.csv", "--save", first
        )
        == 0
    )
    assert (
        packing("test", first, *biaxial, "--strains", -0.002, "--out", tmp_path / "2.csv", "--save", second)
        == 0
    )
    assert (
        packing(
            "test", "disks100", *biaxial, "--strains", -0.006, "--out", tmp_path / "3.csv", "--save", whole
        )
        == 0
    )
    one, two = table(tmp_path / "1.csv"), table(tmp_path / "2.csv")
    assert two["stress_22"][0] == one["stress_22"][-1]
    np.testing.assert_allclose(
        load(second).measure().stress[1, 1], load(whole).measure().stress[1, 1], rtol=0.05
    )
    assert -load(second).measure().stress[1, 1] > 1.2e5
    capsys.readouterr()
    assert packing("test", first, *biaxial, "--out", tmp_path / "4.csv", "--save", second) == 2
    assert (
        f"{second} exists; give --overwrite to replace it, or another file with --save"
        in capsys.readouterr().err
    )
    assert packing("show", second) == 0
    shown = capsys.readouterr().out
    assert "made with: version" in shown
    assert "strains [-0.002]" in shown.splitlines()[-3]
    assert shown.splitlines()[-2].startswith("before: version")
    assert "strains [-0.004]" in shown.splitlines()[-2]
    assert "count 100" in shown.splitlines()[-1]


def test_a_path_of_strains_comes_back_in_the_table(tmp_path, capsys) -> None:
    """With shear, so that the logarithm of the tensor and that of its diagonal differ; stress is that of the packing."""
    path, out, kept = tmp_path / "path.csv", tmp_path / "out.csv", tmp_path / "kept.h5"
    path.write_text("strain_12, strain_11, note\n0.01,0.002,a\n0.03,-0.001,b\n")
    words = ("test", "disks100", "--program", "path", "--file", path, "--out", out)
    assert packing(*words, "--save", kept, "--guards", "overlap_max=0.2") == 0
    records = table(out)
    np.testing.assert_allclose(records["strain_12"], [0, 0.01, 0.03], atol=1e-9)
    np.testing.assert_allclose(records["strain_11"], [0, 0.002, -0.001], atol=1e-9)
    np.testing.assert_allclose(records["strain_22"], 0, atol=1e-9)
    stress = load(kept).measure().stress
    assert records["stress_12"][-1] == pytest.approx(0.5 * (stress[0, 1] + stress[1, 0]), rel=1e-8)
    assert abs(records["stress_12"][-1]) > 1e3
    assert records["stress_22"][-1] == pytest.approx(stress[1, 1], rel=1e-8)
    stretch = load(kept).cell @ np.linalg.inv(load_library("disks100").cell)
    assert stretch[0, 1] == pytest.approx(0.03, rel=1e-2)
    assert 0 < records["inertial_number"][-1] < 2e-3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strain_11\n", "expected a line of names, some of strain_11, strain_22, strain_12"),
        ("stress_11\n1\n", "expected a line of names"),
        ("strain_11,strain_21\n0,0\n", "got strain_11, strain_21"),
        ("strain_11\n0.1\nmuch\n", "line 3: strain_11 is 'much', expected a finite number"),
        ("strain_11,strain_22\n0.1\n", "line 2: strain_22 is None, expected a finite number"),
        (
            "strain_33\n0.1\n",
            "line 2: strain_33 is '0.1', expected 0: disks know strain_11, strain_22, strain_12",
        ),
    ],
)
def test_paths_that_cannot_be_read(tmp_path, capsys, text, said) -> None:
    path = tmp_path / "path.csv"
    path.write_text(text)
    words = ("test", "disks100", "--program", "path", "--out", tmp_path / "out.csv")
    assert packing(*words, "--file", path) == 2
    error = capsys.readouterr().err
    assert said in error
    assert str(path) in error
    assert packing(*words) == 2
    assert "--program path: expected --file with the program path" in capsys.readouterr().err


def test_tolerance_of_the_stress_control(tmp_path, capsys) -> None:
    out = tmp_path / "b.csv"
    words = ("test", "disks100", "--program", "biaxial", "--strains", -0.005, "--out", out)
    assert packing(*words, "--tolerance", 0.001) == 0
    assert table(out)["stress_error"].max() <= 100
    assert packing(*words) == 0
    assert 100 < table(out)["stress_error"].max() <= 1000
    assert packing(*words, "--tolerance", 0) == 2
    assert "tolerance is 0, expected a share of the pressure between 0 and 1" in capsys.readouterr().err


def test_show_tells_the_state(make, tmp_path, capsys) -> None:
    loaded = make("disks")
    loaded.drive(np.diag([0.6, -1.0, 0.0]), loaded.time_step, 2000)
    file = tmp_path / "a.h5"
    save(file, loaded)
    assert packing("show", file) == 0
    shown, m = capsys.readouterr().out, loaded.measure()
    deviator = m.fabric[:2, :2] - np.eye(2) / 2
    assert np.linalg.norm(deviator) > 0.01
    assert (
        f"{deviator[0, 0]:.4f}, {deviator[1, 1]:.4f}, {deviator[0, 1]:.4f} (norm {np.linalg.norm(deviator):.4f})"
        in shown
    )
    assert f"kinetic energy {m.kinetic:.4g} J" in shown
    speed = np.sqrt(2 * m.kinetic / loaded.mass.sum())
    pressure = -np.trace(m.stress) / 2
    assert f"inertial number of the fluctuations {speed * np.sqrt(2650 / pressure):.3g}" in shown
    d = loaded.stiffness()
    assert f"shear modulus {d[3, 3]:.4g} Pa" in shown
    assert f"bulk modulus {(d[0, 0] + d[1, 1]) / 2 - 4 * d[3, 3] / 3:.4g} Pa" in shown
    assert "made with: version" in shown
