"""Reading and converting: one deformation in every measure; files that cannot be used."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textbook import DURATION

from pybridge.commands import main
from pybridge.errors import ConfigError, DataSetError
from training.data_import import import_histories, names_of
from training.datasets import read_dataset
from training.histories import Declared, History, converted, on_one_grid, read_histories
from training.tensors import IDENTITY, to_components, to_matrix

N = 7


def function(m, what):
    values, vectors = np.linalg.eigh(m)
    return (vectors * what(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)


@pytest.fixture
def motion(rng):
    """Rotation, stretch and Cauchy stress in the frame of R [N, 3, 3] of one path, all unsymmetric in their numbers."""
    u = function(to_matrix(0.2 * rng.normal(size=(N, 6))), np.exp)
    r = np.linalg.qr(rng.normal(size=(N, 3, 3)))[0]
    r *= np.sign(np.linalg.det(r))[:, None, None]
    return r, u, to_matrix(1e8 * rng.normal(size=(N, 6)))


@pytest.mark.parametrize("stress", ["cauchy", "rotated", "kirchhoff", "pk1", "pk2"])
@pytest.mark.parametrize("strain", ["log", "green", "stretch", "F"])
def test_one_motion_in_every_measure(motion, strain, stress) -> None:
    r, u, s = motion
    if stress == "pk1" and strain != "F":
        with pytest.raises(ConfigError, match="pk1 needs the deformation gradient"):
            Declared(strain, stress, "MPa", "ms")
        return
    if strain != "F":
        r = np.broadcast_to(np.eye(3), (N, 3, 3))  # no rotation is known then
    f, j = r @ u, np.linalg.det(u)[:, None, None]
    sigma = r @ s @ np.swapaxes(r, 1, 2)
    inverse = np.linalg.inv(f)
    strains = {
        "log": to_components(function(u, np.log)),
        "green": to_components(0.5 * (u @ u - np.eye(3))),
        "stretch": to_components(u),
        "F": f.reshape(N, 9),
    }
    stresses = {
        "cauchy": to_components(sigma),
        "rotated": to_components(s),
        "kirchhoff": to_components(j * sigma),
        "pk1": (j * sigma @ np.swapaxes(inverse, 1, 2)).reshape(N, 9),
        "pk2": to_components(j * inverse @ sigma @ np.swapaxes(inverse, 1, 2)),
    }
    history = History("a", np.arange(3.0, 3 + N), strains[strain], 1e-6 * stresses[stress])
    found = converted(history, Declared(strain, stress, "MPa", "ms"), Path("x"))
    np.testing.assert_allclose(found.strain, to_components(u), rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.stress, to_components(s), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.time, 1e-3 * np.arange(N), rtol=1e-12)


def test_shears_signs_and_per_cent(rng) -> None:
    strain, stress = 0.01 * rng.normal(size=(N, 6)), rng.normal(size=(N, 6))
    plain = converted(
        History("a", np.arange(N), strain, stress), Declared("small", "cauchy", "psi", "ns"), Path("x")
    )
    np.testing.assert_allclose(plain.strain, IDENTITY + strain, atol=1e-15)
    np.testing.assert_allclose(plain.stress, 6894.757293168 * stress, rtol=1e-15)
    np.testing.assert_allclose(plain.time, 1e-9 * np.arange(N), rtol=1e-15)
    given = History("a", np.arange(N), -100 * strain * [1, 1, 1, 2, 2, 2], -stress)
    declared = Declared("small", "cauchy", "psi", "ns", "compression", "engineering", "%")
    found = converted(given, declared, Path("x"))
    np.testing.assert_allclose(found.strain, plain.strain, atol=1e-15)
    np.testing.assert_allclose(found.stress, plain.stress, rtol=1e-15)


def one(strain, stress, time):
    return History("a", time, IDENTITY + strain, stress)


def test_uneven_times_are_resampled() -> None:
    time = np.linspace(0, 1, 101) ** 1.5
    strain, stress = (np.sin(3 * time)[:, None] * np.arange(1, 7) * a for a in (1e-3, 1e6))
    grid = on_one_grid(Path("x"), [one(strain, stress, time)] * 2, steps=40)
    even = np.linspace(0, 1, 41)
    np.testing.assert_allclose(grid.time, even)
    np.testing.assert_allclose(
        grid.stress[1], np.sin(3 * even)[:, None] * np.arange(1, 7) * 1e6, atol=6e6 * 2e-3
    )
    assert 1e-5 < grid.change < 2e-3
    same = on_one_grid(Path("x"), [one(strain, stress, np.linspace(0, 1, 101))] * 2)
    np.testing.assert_allclose(same.stress[0], stress, rtol=1e-12)
    assert same.change < 1e-12
    assert len(same.time) == 101


def test_histories_that_end_at_different_times() -> None:
    time = np.linspace(0, 1, 51)
    strain, stress = time[:, None] * np.arange(1, 7) * 1e-3, time[:, None] * np.arange(1, 7) * 1e6
    histories = [one(strain, stress, time * end) for end in (1.0, 2.0, 3.0)]
    with pytest.raises(
        DataSetError, match=r"end at different times, 1 to 3 s, .* give --duration .* 2 s, the median, 1 of 3"
    ):
        on_one_grid(Path("x"), histories)
    grid = on_one_grid(Path("x"), histories, duration=2.0)
    assert (len(grid.stress), grid.dropped, grid.time[-1]) == (2, 1, 2.0)
    np.testing.assert_allclose(grid.stress[:, -1, 0], [1e6, 2 / 3 * 1e6])
    with pytest.raises(DataSetError, match="no history lasts 5 s; the longest 3 s"):
        on_one_grid(Path("x"), histories, duration=5.0)


def test_a_path_must_start_virgin() -> None:
    time = np.linspace(0, 1, 51)
    strain, stress = time[:, None] * np.arange(1, 7) * 1e-3, time[:, None] * np.arange(1, 7) * 1e6
    for a, b in ((1e-4, 0), (0, 1e6)):
        with pytest.raises(
            DataSetError, match=r"path a: starts with a strain of .* expected the virgin state"
        ):
            on_one_grid(Path("x"), [one(strain + a, stress + b, time)])
    with pytest.raises(DataSetError, match="all strains or all stresses are zero"):
        on_one_grid(Path("x"), [one(strain, 0 * stress, time)])


HEAD = "path,time,e11,e22,e33,e12,e23,e13,s11,s22,s33,s12,s23,s13"
ROW = "a,{},0,0,0,0,0,0,0,0,0,0,0,0"
GOOD = "\n".join([HEAD, *(ROW.format(t) for t in range(4))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column path, time, e11"),
        (GOOD.replace("e12", "gamma"), r"column e12 is missing; found path, time.*gamma.*\(--columns NAME=THEIRS"),
        (GOOD.replace("e12", "e22"), "two columns are called 'e22'"),
        (GOOD.replace("a,2,0", "a,2,x"), "line 4, column e11: expected a number, got 'x'"),
        (GOOD + "\na,4,1", "line 6, column e22: expected a number, got nothing"),
        (GOOD.replace("a,2,", "a,1,"), "path a: expected at least 3 times, each later than the one before"),
        (GOOD.replace("a,2,0", "a,2,nan"), "path a: strain: expected finite numbers"),
        (GOOD.replace("a,2,0", "a,2,0.3"), "a small strain of 0.3 .*--strain-unit %"),
        (HEAD, "holds no history"),
        (GOOD.replace("a,2,", ",2,"), "line 4, column path: expected the name of a path, got nothing"),
        (GOOD + "\n" + "9" * 200_000, "line 6: not a line of values: field larger"),
        (HEAD[5:] + ",path\n0,0", "line 2, column path: expected the name of a path"),
    ],
)  # fmt: skip
def test_csv_files_that_cannot_be_used(tmp_path, text, message) -> None:
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(DataSetError, match=message):
        read_histories(tmp_path / "h.csv", Declared("small", "cauchy", "MPa", "us"))


def test_csv_with_other_names_separators_comments_and_order(tmp_path, many, write) -> None:
    declared = Declared("log", "cauchy", "MPa", "us", shear="engineering")
    plain = read_histories(write(tmp_path / "h.csv", *(x[:3] for x in many[1:])), declared)
    head, *rows = (tmp_path / "h.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows]
    names = head.replace("s11", "sigma_xx").replace("path", "ID").split(",")
    mixed = [[*row[7:], *row[:7]] for row in (names, *cells[::3], *cells[1::3], *cells[2::3])]
    mixed[1:] = sorted(mixed[1:], key=lambda row: float(row[8]))  # paths interleaved, by time
    text = "# a laboratory\n" + "\n".join(";".join(row) for row in mixed) + "\n\n"
    (tmp_path / "o.csv").write_text(text)
    other = read_histories(tmp_path / "o.csv", declared, names_of("path=id,s11=sigma_xx"))
    for a in plain:
        b = next(x for x in other if x.name == a.name)
        np.testing.assert_array_equal(a.time, b.time)
        np.testing.assert_array_equal(a.stress, b.stress)
        np.testing.assert_array_equal(a.strain, b.strain)
    for bad in ("path", "path="):
        with pytest.raises(ConfigError, match="expected NAME=THEIRS"):
            names_of(bad)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_altered_csv_is_read_or_refused(data) -> None:
    """Histories of finite numbers, or DataSetError: nothing else."""
    text = bytearray(GOOD.replace("a,1,0,0", "b,1,0.01,-0.02").encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text) - 1))
        piece = data.draw(
            st.sampled_from([b"", b",", b"\n", b'"', b"e", b"-", b"\x00", b"\xff", b";", b"1e400", b"#"])
        )
        text[place : place + data.draw(st.integers(0, 3))] = piece
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "h.csv"
        path.write_bytes(bytes(text))
        found, refused = [], str(path)
        try:
            found = read_histories(path, Declared("small", "cauchy", "MPa", "us"))
        except DataSetError as error:
            refused = str(error)
    assert str(path) in refused
    for one in found:
        assert np.isfinite(one.stress).all()
        assert one.strain.shape == one.stress.shape == (len(one.time), 6)


def test_hdf5(tmp_path, many) -> None:
    stretch, _, stress = many
    time = np.linspace(0, DURATION, stretch.shape[1])
    with h5py.File(tmp_path / "h.h5", "w") as file:
        file["t"], file["stretch"] = (
            1e3 * time,
            to_matrix(stretch)[..., [0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]],
        )
        file["stress"] = 1e-9 * stress
        file["short"] = 1e-9 * stress[:, 1:]
    declared = Declared("stretch", "rotated", "GPa", "ms")
    with pytest.raises(
        DataSetError, match="expected real numbers in a data set time; found short, stress, stretch, t"
    ):
        read_histories(tmp_path / "h.h5", declared)
    with pytest.raises(DataSetError, match="expected as many paths and times"):
        read_histories(tmp_path / "h.h5", declared, {"time": "t", "stress": "short"})
    with pytest.raises(DataSetError, match=r"stress: expected shape \(paths, times, 6\)"):
        read_histories(tmp_path / "h.h5", declared, {"time": "t", "stress": "t"})
    import_histories(tmp_path / "h.h5", declared, tmp_path / "d.h5", names={"time": "t"}, moduli="170,80")
    data = read_dataset(tmp_path / "d.h5")
    np.testing.assert_allclose(data.stretch, stretch, atol=1e-14)
    np.testing.assert_allclose(data.stress, stress, atol=1)
    assert data.provenance["material"] == {"bulk": 170e9, "shear": 80e9}
    with pytest.raises(DataSetError, match="is a data set of this package already"):
        read_histories(tmp_path / "d.h5", declared)
    (tmp_path / "n.h5").write_bytes(b"nothing")
    with pytest.raises(DataSetError, match="cannot be read as HDF5"):
        read_histories(tmp_path / "n.h5", declared)
    with pytest.raises(DataSetError, match="no such file"):
        read_histories(tmp_path / "gone.csv", declared)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--density", "-1"], "--density -1: expected a number above 0"),
        (["--steps", "1"], "--steps 1: expected 2 or more"),
        (["--moduli", "5"], "--moduli 5: expected K,G above 0"),
        (["--moduli", "5,-1"], "--moduli 5,-1: expected K,G above 0"),
        (["--strain-unit", "%"], "expected shear tensor and strain_unit 1"),
    ],
)  # fmt: skip
def test_options_out_of_range(tmp_path, many, write, capsys, more, message) -> None:
    csv = write(tmp_path / "h.csv", *(x[:2] for x in many[1:]))
    strain = "stretch" if "--strain-unit" in more else "log"
    words = ["--strain", strain, "--stress-unit", "MPa", "--time-unit", "us", "--out", str(tmp_path / "d.h5")]
    assert main(["import", str(csv), *words, *more]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "d.h5").exists()


def test_a_data_set_is_not_replaced_unasked(tmp_path, many, write, capsys) -> None:
    csv = write(tmp_path / "h.csv", *(x[:2] for x in many[1:]))
    words = ["import", str(csv), "--strain", "log", "--shear", "engineering", "--stress-unit", "MPa",
             "--time-unit", "us", "--out", str(tmp_path / "d.h5")]  # fmt: skip
    assert main(words) == 0
    assert main(words) == 2
    assert "exists; choose another --out, or --force" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0
