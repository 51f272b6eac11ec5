"""The result file: whole or not at all, checked when read; ParaView files; comparison; pictures."""

from __future__ import annotations

import errno
import json
import os
from types import SimpleNamespace

import h5py
import meshio
import numpy as np
import pytest

from pybridge.commands import main
from pybridge.errors import SolverError
from pybridge.results import ResultWriter, read_results
from pybridge.results.compare import ComparisonError, check_comparable, difference, force_differences
from pybridge.results.load_figure import kinetic_share, upright
from pybridge.results.reader import ResultFileError
from pybridge.results.slices import axial_cut, long_axis, surface
from pybridge.results.volume import element_volumes
from pybridge.results.vtu import export_paraview
from pybridge.results.writer import FrameData, MeshData

N = 3


def block(height=2e-3):
    """A block of 3 x 3 x 6 cells, 1 x 1 x 2 mm, its axis through the corner."""
    axes = [np.linspace(0, length, n + 1) for length, n in ((1e-3, N), (1e-3, N), (height, 2 * N))]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    i, j, k = (a.ravel() for a in np.meshgrid(range(N), range(N), range(2 * N), indexing="ij"))

    def node(di, dj, dk):
        return ((i + di) * (N + 1) + j + dj) * (2 * N + 1) + k + dk

    corners = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
    cells = np.stack([node(*c) for c in corners], axis=1)
    return MeshData(points, np.arange(len(points)) + 1, np.arange(len(cells)) + 1, (("C3D8R", cells),))


def write(path, change=0.0, frames=3, height=2e-3):
    """A result file with known fields: u = t x, mises = element number."""
    mesh = block(height)
    writer = ResultWriter(path)
    writer.create(mesh, "a block", {"deck": "none"})
    count = len(mesh.element_labels)
    for k in range(frames):
        t = 1e-6 * k
        node = {"displacement": mesh.coordinates * 0.05 * k, "velocity": np.ones_like(mesh.coordinates)}
        mises = 1e6 * (np.arange(count) + 1.0)
        mises[7] += change
        element = {
            "mises": mises,
            "stress": np.ones((count, 6)),
            "unreliable_so_far": (mises > 50e6).astype(np.int32),
        }
        names = ("kinetic", "internal", "plastic", "viscous", "hourglass", "contact", "external", "total")
        rows = {n: np.full(k + 1, 1.0 + m) for m, n in enumerate(names)}
        history = {
            "time": 1e-6 * np.arange(k + 1),
            "dt": np.full(k + 1, 1e-8),
            "force_wall_z": -np.ones(k + 1),
            **rows,
        }
        writer.append(FrameData(t, node, element), history)
    writer.finish(history, complete=True)
    return path


def test_what_is_written_is_read(tmp_path) -> None:
    results = read_results(write(tmp_path / "a.h5"))
    assert results.complete
    assert results.title == "a block"
    assert results.provenance == {"deck": "none"}
    assert results.units["mises"] == "Pa"
    np.testing.assert_array_equal(results.node("displacement", 2), results.mesh.coordinates * 0.1)
    assert results.element("mises", 0)[4] == 5e6
    assert results.frame_at(1.2e-6) == 1
    with pytest.raises(ResultFileError, match="no element field strain; it holds mises"):
        results.element("strain")
    with pytest.raises(ResultFileError, match="no frame 9; it holds 3"):
        results.element("mises", 9)


def test_a_full_disk_leaves_what_was_written(tmp_path, monkeypatch) -> None:
    path = write(tmp_path / "a.h5")
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    frame = FrameData(3e-6, {"displacement": block().coordinates}, {"mises": np.zeros(54)})
    with pytest.raises(SolverError, match=r"No space left.*what was written before is whole"):
        ResultWriter(path, overwrite=True).append(frame, {})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_frames_beyond_a_restart_are_dropped(tmp_path) -> None:
    path = write(tmp_path / "a.h5")
    ResultWriter(path, overwrite=True).truncate(2)
    results = read_results(path)
    assert len(results.times) == 2
    assert not results.complete
    assert results.element("mises").shape == (54,)


def test_bad_files_are_named(tmp_path) -> None:
    with pytest.raises(ResultFileError, match="no such file"):
        read_results(tmp_path / "none.h5")
    path = write(tmp_path / "a.h5")
    for size in (0, 100, path.stat().st_size // 2):
        cut = tmp_path / "cut.h5"
        cut.write_bytes(path.read_bytes()[:size])
        with pytest.raises(ResultFileError, match=r"cut\.h5"):
            read_results(cut)
    for change, text in (
        (lambda f: f.attrs.__setitem__("format", "other"), "format other; expected pybridge-result"),
        (lambda f: f.attrs.__setitem__("format_version", 99), "use a newer one"),
        (lambda f: f.__delitem__("frames/time"), "not a readable result file"),
        (lambda f: f["frames/element/mises"].resize(2, axis=0), "expected 3 frames"),
        (lambda f: f["mesh/block_0/connectivity"].__setitem__((0, 0), 10**6), "mesh does not fit"),
    ):
        path.unlink()
        with h5py.File(write(path), "r+") as file:
            change(file)
        with pytest.raises(ResultFileError, match=text):
            read_results(path)


def test_paraview_files_hold_the_same_numbers(tmp_path) -> None:
    results = read_results(write(tmp_path / "a.h5"))
    pvd = export_paraview(results, tmp_path / "vtk")
    text = pvd.read_text()
    assert text.count("<DataSet") == 3
    assert 'timestep="2e-06"' in text
    mesh = meshio.read(tmp_path / "vtk" / "a_00002.vtu")
    np.testing.assert_array_equal(mesh.points, results.mesh.coordinates)
    np.testing.assert_array_equal(mesh.cells_dict["hexahedron"], results.mesh.blocks[0][1])
    np.testing.assert_array_equal(mesh.point_data["displacement"], results.node("displacement", 2))
    np.testing.assert_array_equal(mesh.cell_data["mises"][0], results.element("mises", 2))
    np.testing.assert_array_equal(mesh.cell_data["stress"][0], results.element("stress", 2))


def test_volumes_of_elements() -> None:
    np.testing.assert_allclose(element_volumes(block()), 1e-9 / 27, rtol=1e-12)
    ring = np.array([[1.0, 0, 0], [2.0, 0, 0], [2.5, 1.0, 0], [1.0, 1.0, 0]])
    mesh = MeshData(ring, np.arange(4), np.arange(1), (("CAX4R", np.array([[0, 1, 2, 3]])),), True)
    # outer cone frustum less the inner cylinder
    expected = np.pi * (2.0**2 + 2.0 * 2.5 + 2.5**2) / 3.0 - np.pi
    np.testing.assert_allclose(element_volumes(mesh), expected, rtol=1e-12)


def test_difference_is_the_relative_l2_norm_and_finds_the_place(tmp_path) -> None:
    a = read_results(write(tmp_path / "a.h5", change=3e6))
    b = read_results(write(tmp_path / "b.h5"))
    found = difference(a, b, "mises")
    norm = np.sqrt((b.element("mises") ** 2).sum())
    assert found.relative == pytest.approx(3e6 / norm, rel=1e-12)
    assert (found.label, found.largest, found.unreliable) == (8, pytest.approx(3e6), False)
    assert difference(a, b, "displacement").relative == 0.0


def test_forces_are_compared_over_the_time_that_both_runs_have() -> None:
    """A run twice as far with half the records, 10 % too high; a force of rounding alone is left out."""
    time = np.linspace(0, 1e-3, 11)
    there = {"time": time, "force_top_y": -200 * time / 1e-3, "force_top_x": 1e-9 * time, "kinetic": time}
    late = np.linspace(0, 2e-3, 11)
    here = {"time": late, "force_top_y": -220 * late / 1e-3, "force_top_x": late, "force_wall_y": late}
    a, b = SimpleNamespace(history=here), SimpleNamespace(history=there)
    (found,) = force_differences(a, b)
    assert found.name == "force_top_y"
    assert found.mean == pytest.approx(0.05)
    assert found.peak == pytest.approx(0.1)
    assert found.end == pytest.approx(0.1)
    (found,) = force_differences(b, a, until=0.4e-3)
    assert found.mean == pytest.approx(0.5 / 11)
    assert found.peak == pytest.approx(-1 / 11)
    assert found.end == pytest.approx(-1 / 11)
    bent = SimpleNamespace(history=there | {"force_top_y": there["force_top_y"] - 50 * (time > 0.45e-3)})
    assert force_differences(bent, b, until=0.4e-3)[0].mean == 0
    assert force_differences(bent, b)[0].end == pytest.approx(0.25)
    short = SimpleNamespace(history={name: values[:4] for name, values in there.items()})
    assert force_differences(short, b)[0].mean == 0
    assert force_differences(a, SimpleNamespace(history={"time": time, "force_top_y": 0 * time})) == []


def test_compare_prints_a_table_and_json(tmp_path, capsys) -> None:
    a, b = write(tmp_path / "a.h5", change=3e6), write(tmp_path / "b.h5")
    assert main(["compare", str(a), str(b), "--json", str(tmp_path / "c.json")]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line == json.loads((tmp_path / "c.json").read_text())
    assert line["figures"]["relative L2 of mises"]["value"] == pytest.approx(
        difference(read_results(a), read_results(b), "mises").relative
    )
    assert line["figures"]["final length, result"]["value"] == pytest.approx(2.2e-3)
    assert line["figures"]["foot radius, result"]["value"] == pytest.approx(np.sqrt(2) * 1.1e-3)
    assert main(["compare", str(a), str(b), "--at-most", "1e-6"]) == 1
    other = write(tmp_path / "short.h5", frames=2)
    assert main(["compare", str(a), str(other)]) == 2
    assert "no frame at" in capsys.readouterr().err
    with h5py.File(other, "r+") as file:
        file["mesh/coordinates"][0] = 1.0
    with pytest.raises(ComparisonError, match="different meshes"):
        check_comparable(read_results(a), read_results(other))


def test_cut_and_surface_cover_the_body() -> None:
    mesh = block()
    assert long_axis(mesh) == 2
    still = np.zeros_like(mesh.coordinates)

    def area(corners):
        full = np.zeros((*corners.shape[:2], 3))
        full[..., : corners.shape[2]] = corners
        halves = (np.cross(full[:, k] - full[:, 0], full[:, k + 1] - full[:, 0]) for k in (1, 2))
        return sum(0.5 * np.linalg.norm(half, axis=1).sum() for half in halves)

    assert area(axial_cut(mesh, still, mirror=False).corners) == pytest.approx(2e-6, rel=1e-6)
    assert area(axial_cut(mesh, still).corners) == pytest.approx(4e-6, rel=1e-6)
    assert area(surface(mesh, still).corners) == pytest.approx(10e-6, rel=1e-9)


@pytest.mark.parametrize("height", [10e-3, 0.2e-3], ids=["rod", "plate"])
def test_many_runs_and_fields_fill_a_page(tmp_path, height) -> None:
    """Rods beside each other, plates above each other: the page is no tower and little of it is blank."""
    from matplotlib.image import imread

    from pybridge.results.panel import plot_panel

    path = write(tmp_path / "a.h5", height=height)
    runs = [read_results(path)] * 3
    picture = imread(plot_panel(runs, ["one", "two", "three"], tmp_path / "p.png", ["mises", "stress[2]"]))
    assert 0.4 < picture.shape[0] / picture.shape[1] < 1.0
    drawn = (picture[..., :3].min(axis=2) < 0.99).mean()
    assert drawn > 0.3


def test_every_kind_of_picture_is_drawn(tmp_path, capsys) -> None:
    a, b = write(tmp_path / "a.h5", change=3e6), write(tmp_path / "b.h5")
    for extra in ([], ["--view", "surface"], ["--half", "--field", "displacement", "--field", "stress[2]"]):
        assert main(["plot", str(a), "--out", str(tmp_path / "p"), *extra]) == 0
    assert main(["plot", str(a), str(b), "--out", str(tmp_path / "p"), "--names", "learned", "fine"]) == 0
    written = {line for line in capsys.readouterr().out.split() if line.endswith(".png")}
    assert len(written) == 7
    from matplotlib.image import imread

    for name in written:
        picture = imread(name)
        assert picture.shape[0] > 300
        assert picture[..., :3].std() > 0.02  # not a blank page
    assert main(["plot", str(a), "--list"]) == 0
    assert "54 elements (C3D8R), 3 frames" in capsys.readouterr().out
    assert main(["plot", str(a), "--paraview", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "a_paraview" / "a.pvd").is_file()
    assert main(["plot", str(a), "--field", "nothing"]) == 2
    assert "no field nothing; it holds" in capsys.readouterr().err
    assert main(["plot", str(a), "--field", "stress[6]", "--out", str(tmp_path)]) == 2


def test_a_force_that_turns_round_is_drawn_below_zero_and_energies_are_told_by_the_largest() -> None:
    np.testing.assert_array_equal(upright(np.array([-1.0, -4.0, 2.0])), [1, 4, -2])
    np.testing.assert_array_equal(upright(np.array([1.0, 4.0, -2.0])), [1, 4, -2])
    history = {"kinetic": np.array([0.0, 1, 1, 1]), "internal": np.array([0.0, -4, 2, -8])}
    np.testing.assert_array_equal(kinetic_share(history), [np.nan, 0.25, 0.25, 0.125])
