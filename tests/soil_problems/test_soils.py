"""Problems of soil as decks: meshes, what they hold, closed forms, and every kind of material in both solvers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import pybridge._core as _core
from abaqus_jobs import meshes, soils
from abaqus_jobs.soils import SOIL, Procedure
from pybridge.commands import main
from pybridge.deck.check import jacobians
from pybridge.deck.compare import differences
from pybridge.deck.model import PlasticTable
from pybridge.deck.reader import read_deck_text
from pybridge.deck.writer import deck_text
from pybridge.deploy.material_block import model_material
from pybridge.errors import ConfigError
from pybridge.host import HostedVumat, load_vumat, our_library
from pybridge.host.hosted_umat import HostedUmat
from pybridge.results.reader import read_results
from pybridge.solver import run
from pybridge.solver.implicit import run_static

K = 1e5 / np.sqrt(3)  # shear strength of PERFECT
PERFECT = replace(SOIL, plastic=PlasticTable(((1e5, 0.0),)))
SIZES = {
    "biaxial": (8, 0.005), "biaxial-explicit": (484, 0.005), "footing": (402, 8.0), "footing-explicit": (552, 8.0),
    "wall": (200, 2.0), "wall-explicit": (321, 7.2), "triaxial": (16, 2.5e-4),
}  # fmt: skip


@pytest.mark.parametrize("name", soils.PROBLEMS)
def test_meshes_of_the_papers(name) -> None:
    """As many elements as printed, their area, and the same deck when it is read back."""
    deck = soils.PROBLEMS[name]()
    assert (deck.element_count, float(jacobians(deck.elements[0], deck.coordinates).sum())) == (
        SIZES[name][0],
        pytest.approx(SIZES[name][1], rel=1e-9),
    )
    assert differences(deck, read_deck_text(deck_text(deck))) == []


def test_cases_of_the_paper() -> None:
    counts = {name: soils.biaxial_case(name).element_count for name in soils.CASES}
    assert counts == {"A": 8, "B": 8, "C": 8, "D": 128, "E": 128, "F": 128}
    with pytest.raises(ConfigError, match="expected one of A, B, C, D, E, F"):
        soils.biaxial_case("G")


def test_triangles_are_as_many_as_asked_and_well_shaped() -> None:
    for count in (40, 61, 150):
        points, cells = meshes.triangles(2.0, 1.0, count, {"top": [0.3]}, lambda p: 0.1 + 0.2 * p[:, 0])
        assert len(cells) == count
        assert meshes._smallest_angle(points, cells) > 15
        assert np.any((np.abs(points[:, 0] - 0.3) < 1e-9) & (points[:, 1] == 1.0))
        edges = np.sort(np.concatenate([cells[:, [0, 1]], cells[:, [1, 2]], cells[:, [2, 0]]]), axis=1)
        _, times = np.unique(edges, axis=0, return_counts=True)
        assert set(times) == {1, 2}


def test_smooth_biaxial_test_has_its_strength(tmp_path) -> None:
    """Lateral pressure and twice the shear strength under the top."""
    deck = soils.biaxial(PERFECT, rough=False, strain=0.02, procedure=Procedure(steps=10))
    result = run_static(deck, out=tmp_path / "a.h5")
    assert result.history["force_top_y"][0] == pytest.approx(1e5 * 0.05, rel=1e-9)
    # small strains: the strength acts on the width as it stood
    assert result.history["force_top_y"][-1] == pytest.approx((1e5 + 2 * K) * 0.05, rel=1e-3)


def test_lateral_pressure_follows_its_curve(tmp_path) -> None:
    """A curve of the lateral pressure over the load, as the random paths of [GUAN22] need it."""
    curve = ((0.0, 1.0), (0.5, 1.4), (1.0, 0.9))
    deck = soils.biaxial(
        PERFECT, rough=False, strain=0.02, curve=curve, procedure=Procedure(steps=10, intervals=10)
    )
    data = read_results(run_static(deck, out=tmp_path / "a.h5").path)
    for frame, factor in ((0, 1.0), (5, 1.4), (10, 0.9)):
        np.testing.assert_allclose(data.element("stress", frame)[:, 0], -1e5 * factor, rtol=1e-6)


def test_footing_has_the_strength_of_prandtl(tmp_path) -> None:
    """q = q0 + (2 + pi) k, rough or smooth; a coarse mesh stands a little above."""
    deck = soils.footing(
        PERFECT, triangles=160, width=3.0, pressure=1e5, settlement=0.06, procedure=Procedure(steps=12)
    )
    result = run_static(deck, out=tmp_path / "a.h5")
    force = np.array(result.history["force_footing_y"])
    # Half of the footing, and half of the edge beside it, whose load the outermost node carries.
    limit = 0.5 * (1e5 + (2 + np.pi) * K)
    assert force[-1] == pytest.approx(limit, rel=0.12)
    assert force[-1] > limit
    assert force[-1] / force[-4] - 1 < 0.01


def test_explicit_and_static_agree(tmp_path) -> None:
    """The smooth biaxial test: quadrilaterals with hourglass control and damping against the implicit solver."""
    static = soils.biaxial(PERFECT, rough=False, strain=0.02, procedure=Procedure(steps=10))
    explicit = soils.biaxial(
        PERFECT,
        rough=False,
        strain=0.02,
        element="CPE4R",
        procedure=Procedure(time=0.5, alpha=20, mass_scale=100),
    )
    a = run_static(static, out=tmp_path / "s.h5").history
    b = run(explicit, out=tmp_path / "e.h5")
    # the finite strains of the explicit run widen the specimen by 2 %; the top swings a little
    late = np.array(b.history["force_top_y"])[-60:].mean()
    assert late == pytest.approx(1.017 * a["force_top_y"][-1], rel=0.02)
    assert b.history["position_top_y"][-1] == pytest.approx(-0.002, rel=1e-3)
    assert b.balance_error < 1e-6
    assert b.energies["hourglass"] < 0.01 * b.energies["internal"]


@pytest.mark.parametrize("sign", [1, -1])
def test_wall_is_passive_or_active(tmp_path, sign) -> None:
    """Into the soil the force on the wall grows, away from it it falls; at rest it is pressure times height."""
    deck = soils.wall(PERFECT, columns=6, rows=3, displacement=0.02 * sign, procedure=Procedure(steps=5))
    result = run_static(deck, out=tmp_path / "a.h5")
    force = result.history["force_wall_x"]
    # but for the share of the corner that stays with the bottom
    assert force[0] == pytest.approx(1e5 * (1 - 1 / 18), rel=1e-6)
    assert (force[-1] - force[0]) * sign > 0.2 * force[0]


def test_explicit_wall_and_footing_run(tmp_path) -> None:
    how = Procedure(time=0.05, alpha=20.0, mass_scale=20.0)
    for name, region in (("wall-explicit", "wall_x"), ("footing-explicit", "footing_y")):
        key = "displacement" if name.startswith("wall") else "settlement"
        deck = soils.PROBLEMS[name](triangles=80, **{key: 0.01}, procedure=how)
        result = run(deck, out=tmp_path / f"{name}.h5")
        force = np.array(result.history[f"force_{region}"])
        assert force[-1] > 1.2 * force[1] > 0
        assert result.balance_error < 1e-4


def test_packings_in_both_solvers(tmp_path, capsys) -> None:
    """`pybridge run --material packing:disks100` on a deck of each procedure: 100 kPa at first, then more."""
    static = ["--set", "columns=1", "rows=1", "strain=0.002", "width=0.1", "--procedure", "steps=2"]
    moving = ["--set", "columns=1", "rows=1", "strain=0.002", "width=0.1", "element=CPE4R", "triangles=0"]
    moving += ["--procedure", "time=0.02", "mass_scale=100", "alpha=20"]
    for name, rest in (("biaxial", static), ("biaxial-explicit", moving)):
        deck = tmp_path / f"{name}.inp"
        assert main(["problem", name, "--out", str(deck), *rest]) == 0
        assert (
            main(["run", str(deck), "--material", "packing:disks100", "--out", str(tmp_path), "--quiet"]) == 0
        )
        data = read_results(tmp_path / f"{name}.h5")
        assert "packing_norm" in data.element_fields
        stress = data.element("stress", -1)[:, 1].mean()
        assert -2.5e5 < stress < -1.05e5
    capsys.readouterr()


def test_guards_of_packings_are_set_on_the_command_line(tmp_path, capsys) -> None:
    deck = tmp_path / "biaxial.inp"
    sizes = ["columns=1", "rows=1", "strain=0.002", "width=0.1"]
    assert main(["problem", "biaxial", "--out", str(deck), "--set", *sizes, "--procedure", "steps=1"]) == 0
    run = ["run", str(deck), "--out", str(tmp_path), "--quiet", "--overwrite", "--material"]
    assert main([*run, "packing:disks100,overlap_max=0.2,steps_max=30000"]) == 0
    (tmp_path / "biaxial.h5").unlink()
    assert main([*run, "packing:disks100,overlap_max=0.001"]) != 0
    said = capsys.readouterr().err
    assert "the material fails at rest, before any load: element 1, integration point 1 of 4" in said
    assert "its grains overlap at rest by 0.0222 of the smaller radius" in said
    assert "beyond twice the guard overlap_max=0.001; expected a wider guard" in said
    assert "packing:disks100,overlap_max=0.03" in said
    assert not (tmp_path / "biaxial.h5").exists()
    for word in ("overlap=1", "overlap_max=x", "overlap_max", "steps_max=0.5"):
        assert main([*run, f"packing:disks100,{word}"]) != 0
        message = capsys.readouterr().err
        assert f"packing option '{word}': expected NAME=NUMBER" in message
        assert "overlap_max" in message


def drive(material, path: np.ndarray, f: bool = False):
    """Stresses and states of a material along stretches (times, 6, n)."""
    n, size = path.shape[2], material.state_size
    stress, state, out = np.zeros((6, n)), np.zeros((size, n)), []
    for k in range(1, len(path)):
        new, after = np.zeros((6, n)), np.zeros((size, n))
        material.update(
            time_old=1e-3 * (k - 1), dt=1e-3, strain_inc=path[k] - path[k - 1], stretch_old=path[k - 1].copy(),
            stretch_new=path[k].copy(), temperature=np.zeros(n), density=np.full(n, 2000.0), stress_old=stress,
            state_old=state, stress_new=new, state_new=after, dissipation_inc=np.zeros(n), status=np.zeros(n, np.int32),
        )  # fmt: skip
        stress, state = new, after
        out.append((new.copy(), after.copy()))
    return out


def test_the_network_through_vumat_and_umat(network, rng) -> None:
    """mlp_history through the compiled vumat_ (blocks of 3) and umat_: stress and all states as through the bindings."""
    path = np.zeros((8, 6, 7))
    path[:, :3] = 1
    steps = rng.normal(0, 5e-4, (7, 3, 7))
    for row, c in enumerate((0, 1, 3)):
        path[1:, c] += np.cumsum(steps[:, row], axis=0)
    native = drive(_core.load_model(str(network), "native", "float64"), path)
    vumat = HostedVumat(
        load_vumat(our_library("float64")), "NET", [1.0, 1.0], model_file=network, nblock=3, guarded=True
    )
    umat = HostedUmat(None, "NET", [1.0, 1.0], model_file=network)
    assert vumat.state_size == umat.state_size == len(native[0][1])
    for other in (drive(vumat, path), drive(umat, path)):
        for (s, q), (s2, q2) in zip(native, other, strict=True):
            np.testing.assert_allclose(s2, s, rtol=1e-10, atol=1e-7)
            # DSTRAN is the difference of rounded stretches
            np.testing.assert_allclose(q2, q, rtol=1e-9, atol=1e-9 * np.abs(q).max())


def test_the_network_in_both_solvers(network, tmp_path) -> None:
    """The same deck with the network through the contract, vumat_ and umat_."""
    material = model_material(network)
    models = {"NET": network}
    how = Procedure(time=0.02, alpha=20, mass_scale=100)
    explicit = soils.biaxial(material, columns=1, rows=2, element="CPE4R", strain=0.004, procedure=how)
    static = soils.biaxial(material, columns=1, rows=2, strain=0.004, procedure=Procedure(steps=4))
    fields = {}
    for how_called in ("bindings", "vumat"):
        out = tmp_path / f"e_{how_called}.h5"
        run(explicit, material=how_called, models=models, folder=tmp_path, out=out)
        fields[how_called] = read_results(out).element("stress", -1)
    np.testing.assert_allclose(fields["vumat"], fields["bindings"], rtol=1e-7, atol=1.0)
    forces = {}
    for how_called in ("bindings", "umat", "vumat"):
        out = tmp_path / f"s_{how_called}.h5"
        result = run_static(static, material=how_called, models=models, folder=tmp_path, out=out)
        fields[how_called] = read_results(out).element("stress", -1)
        forces[how_called] = result.history["force_top_y"]
        assert forces[how_called][-1] > 1.1 * forces[how_called][0]
    for how_called in ("umat", "vumat"):
        np.testing.assert_allclose(fields[how_called], fields["bindings"], rtol=1e-7, atol=1.0)
        np.testing.assert_allclose(forces[how_called], forces["bindings"], rtol=1e-7)


def test_command_refuses_what_does_not_fit(tmp_path, capsys) -> None:
    out = ["--out", str(tmp_path / "a.inp")]
    for words, said in (
        (["problem", "tunnel", *out], "expected one of biaxial"),
        (["problem", "wall", "--set", "depth=1", *out], "unknown key 'depth'"),
        (["problem", "wall", "--set", "displacement=5", *out], "up to 0.3 widths"),
        (["problem", "footing", "--set", "element=CPE3", *out], "does not go with Procedure"),
        (["problem", "footing", "--procedure", "steps=-1", *out], "out of range"),
        (["problem", "copper-rod", "--procedure", "steps=1", *out], "goes with the problems of soil"),
        (["problem", "biaxial", "--set", "element=C3D8", *out], "element C3D8: expected one of"),
        (["problem", "footing", "--set", "triangles=3", *out], "expected 8 or more"),
    ):
        assert main(words) != 0
        assert said in capsys.readouterr().err
    assert main(["problem", "biaxial", *out]) == 0
    assert main(["problem", "biaxial", *out]) != 0
    assert "give --overwrite" in capsys.readouterr().err
