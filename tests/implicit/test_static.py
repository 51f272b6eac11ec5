"""Decks with *STATIC: solids and plane strain, umat_ against the contract, quadratic convergence, stops and restarts."""

from __future__ import annotations

import numpy as np
import pytest

import pybridge._core as _core
from pybridge.commands import main
from pybridge.deck.compare import differences
from pybridge.deck.reader import read_deck_text
from pybridge.deck.writer import deck_text
from pybridge.errors import DeckError, SolverError
from pybridge.host.hosted_umat import HostedUmat
from pybridge.results.reader import read_results
from pybridge.solver.implicit import MaterialPoints, NotConvergedError, run_static, static_model

PLANE_NODES = {"CPE4": 4, "CPE6": 6, "CPE8": 8, "CPE8R": 8}
SOLID_NODES = {"C3D8": 8, "C3D20": 20, "C3D20R": 20}
EDGES_3D = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
ELASTIC = "*ELASTIC\n1e8, 0.3\n"
PLASTIC = ELASTIC + "*PLASTIC\n1e5, 0.\n2e5, 0.05\n"
J2 = ("*USER MATERIAL, CONSTANTS=6\n1e8, 0.3, 1e5, 0., 2e5, 0.05\n*DEPVAR\n1,\n", "PYBRIDGE_J2")


def grid(kind: str, n: int):
    """Nodes {label: place} and cells of labels of a unit square or cube, n cells along an edge, middles on edges."""
    dim = 2 if kind in PLANE_NODES else 3
    labels: dict[tuple[float, ...], int] = {}

    def node(place) -> int:
        key = tuple(float(x) for x in np.round(place, 12))
        return labels.setdefault(key, len(labels) + 1)

    cells = []
    for start in np.ndindex(*[n] * dim):
        low = np.array(start) / n
        flat = [np.array(c) / n for c in ((0, 0), (1, 0), (1, 1), (0, 1))]
        if dim == 2:
            corners = [low + c for c in flat]
            parts = [corners] if kind != "CPE6" else [[corners[i] for i in t] for t in ((0, 1, 2), (0, 2, 3))]
            for part in parts:
                ring = [(part[i], part[(i + 1) % len(part)]) for i in range(len(part))]
                middles = [(a + b) / 2 for a, b in ring] if PLANE_NODES[kind] > 4 else []
                cells.append([node(p) for p in [*part, *middles]])
            continue
        corners = [low + np.array([*c, z]) for z in (0, 1 / n) for c in flat]
        middles = [(corners[a] + corners[b]) / 2 for a, b in EDGES_3D] if SOLID_NODES[kind] > 8 else []
        cells.append([node(p) for p in [*corners, *middles]])
    return {label: place for place, label in labels.items()}, cells


def block(
    kind: str, *, n: int = 2, material: str = ELASTIC, name: str = "SOIL", push: float = -1e-3, step: str = "1., 1.", extra: str = "",
    load: str = "", rough: bool = False,
) -> str:  # fmt: skip
    """A deck: a square or cube on smooth ground, its top (y = 1) pushed down."""
    nodes, cells = grid(kind, n)
    lines = ["*NODE", *(f"{k}, {', '.join(map(str, p))}" for k, p in nodes.items())]
    lines.append(f"*ELEMENT, TYPE={kind}, ELSET=ALL")
    for e, cell in enumerate(cells, 1):
        words = [str(e), *map(str, cell)]
        rows = [", ".join(words[i : i + 12]) for i in range(0, len(words), 12)]
        lines += [row + "," for row in rows[:-1]] + [rows[-1]]
    places = {k: np.array(p) for k, p in nodes.items()}
    sides = {
        "BOTTOM": (1, 0),
        "TOP": (1, 1),
        "LEFT": (0, 0),
        **({"BACK": (2, 0)} if kind in SOLID_NODES else {}),
    }
    for side, (axis, at) in sides.items():
        lines += [f"*NSET, NSET={side}", *(f"{k}," for k, p in places.items() if p[axis] == at)]
    held = (
        "BOTTOM, 2\nLEFT, 1\n"
        + ("BACK, 3\n" if kind in SOLID_NODES else "")
        + ("TOP, 1\nBOTTOM, 1\n" if rough else "")
    )
    return (
        "\n".join(lines)
        + f"""
*SURFACE, NAME=SKIN
ALL,
*SOLID SECTION, ELSET=ALL, MATERIAL={name}
,
*MATERIAL, NAME={name}
{material}{extra}*BOUNDARY
{held}*STEP
*STATIC
{step}
*BOUNDARY
TOP, 2, 2, {push}
{load}*END STEP
"""
    )


@pytest.mark.parametrize("kind", [*PLANE_NODES, *SOLID_NODES])
def test_compression_has_its_closed_form(tmp_path, kind) -> None:
    """Free sides: E in a solid, E / (1 - nu^2) in plane strain; every field and the force under the top."""
    deck = read_deck_text(block(kind))
    assert differences(deck, read_deck_text(deck_text(deck))) == []
    result = run_static(deck, out=tmp_path / "a.h5")
    modulus = 1e8 if kind in SOLID_NODES else 1e8 / (1 - 0.09)
    assert result.history["force_top_y"][-1] == pytest.approx(1e-3 * modulus, rel=1e-9)
    assert result.history["position_top_y"][-1] == pytest.approx(-1e-3)
    data = read_results(tmp_path / "a.h5")
    stress = data.element("stress", -1)
    np.testing.assert_allclose(stress[:, 1], -1e-3 * modulus, rtol=1e-9)
    lateral = -3e4 if kind in PLANE_NODES else 0
    np.testing.assert_allclose(stress[:, 2], lateral * (1 / (1 - 0.09)), atol=1e-3)
    u = data.node("displacement", -1)
    top = data.mesh.coordinates[:, 0] == 1
    expected = 1e-3 * (0.3 / 0.7 if kind in PLANE_NODES else 0.3)
    np.testing.assert_allclose(u[top, 0], expected, rtol=1e-9)
    assert data.complete


@pytest.mark.parametrize("kind", ["CPE4", "CPE6", "C3D8", "C3D20R"])
def test_pressure_on_all_faces_compresses_evenly(tmp_path, kind) -> None:
    """*DSLOAD on the whole skin: p / (3 K) in a solid, p (1 + nu) (1 - 2 nu) / E in the plane; half of it at half time."""
    text = block(kind, load="*DSLOAD\nSKIN, P, 1e5\n", step="0.5, 1., , 0.5").replace(
        "TOP, 2, 2, -0.001\n", "LEFT, 1\n"
    )
    result = run_static(read_deck_text(text), out=tmp_path / "a.h5")
    assert max(result.history["iterations"]) <= 3  # one correction, and one look that it was enough
    data = read_results(result.path)
    volume = -1e5 * (1.2 / 1e8 if kind in SOLID_NODES else 2 * 1.3 * 0.4 / 1e8)
    for frame, share in ((-1, 1.0), (-2, 0.5)):
        np.testing.assert_allclose(data.element("volumetric_strain", frame), volume * share, rtol=2e-3)
        np.testing.assert_allclose(data.element("stress", frame)[:, 1], -1e5 * share, rtol=1e-8)


@pytest.mark.parametrize(("kind", "other", "within"), [("CPE4", "CPE8R", 0.08), ("C3D8", "C3D20R", 0.02)])
def test_flow_without_change_of_volume_does_not_lock(tmp_path, kind, other, within) -> None:
    """Hardly hardening soil between rough ends: linear elements carry about what reduced quadratic ones do.

    Without the mean volume strain CPE4 carries 3.4 times as much, C3D8 3.4 % more (its third direction is free)."""
    forces = []
    for name in (kind, other):
        text = block(
            name,
            material=ELASTIC + "*PLASTIC\n1e5, 0.\n1.001e5, 0.1\n",
            push=-0.02,
            step="0.1, 1., , 0.1",
            rough=True,
        )
        result = run_static(read_deck_text(text), out=tmp_path / f"{name}.h5")
        forces.append(result.history["force_top_y"][-1])
    assert forces[0] == pytest.approx(forces[1], rel=within)


def test_the_umat_answers_as_the_contract_does(tmp_path) -> None:
    """J2 under rough ends through umat_ and through the bindings: the same iterations, forces and fields to rounding."""
    material, name = J2
    text = block("CPE8R", material=material, name=name, push=-0.02, step="0.1, 1., , 0.1", rough=True)
    runs = {}
    for how in ("bindings", "umat"):
        result = run_static(read_deck_text(text), material=how, out=tmp_path / f"{how}.h5")
        runs[how] = result, read_results(result.path)
    a, b = runs["bindings"], runs["umat"]
    assert a[0].history["iterations"] == b[0].history["iterations"]
    for field in ("stress", "equivalent_plastic_strain"):
        x, y = (r[1].element(field, -1) for r in (a, b))
        np.testing.assert_allclose(y, x, atol=1e-11 * np.abs(x).max())
    assert a[1].element("equivalent_plastic_strain", -1).max() > 0.01


def test_iterations_are_quadratic_with_the_tangent_and_many_without(tmp_path) -> None:
    text = block("C3D8", material=PLASTIC, push=-0.02, step="0.1, 1., , 0.1", rough=True)
    tangent = run_static(read_deck_text(text), out=tmp_path / "t.h5")
    elastic = run_static(
        read_deck_text(text),
        out=tmp_path / "e.h5",
        stiffness="elastic",
        iterations_max=80,
        tolerance=1e-8,
        mixing=6,
    )
    assert max(tangent.history["iterations"]) <= 8
    assert elastic.iterations > 2 * tangent.iterations
    force = [r.history["force_top_y"][-1] for r in (tangent, elastic)]
    assert force[1] == pytest.approx(force[0], rel=1e-5)


def test_tangents_are_derivatives(rng) -> None:
    """J2 through the bindings and through umat_: d(stress) / d(strain) against central differences, all six components."""
    constants = [1e8, 0.3, 1e5, 0.0, 2e5, 0.05]
    start = rng.normal(0, 2e-3, (6, 5))
    for material in (
        _core.make_law("PYBRIDGE_J2", constants, "float64"),
        HostedUmat(None, "PYBRIDGE_J2", constants),
    ):
        points = MaterialPoints(material, 5, components=6)
        assert points.kind == "tangent"
        points.trial(start)
        points.accept()
        more, small = start + rng.normal(0, 2e-3, (6, 5)), 1e-8
        points.trial(more)
        tangent = points.stiffness().copy()
        for k in range(6):
            sides = []
            for sign in (1, -1):
                moved = more.copy()
                moved[k] += sign * small
                points.trial(moved)
                sides.append(points.stress)
            slope = (sides[0] - sides[1]) / (2 * small)
            np.testing.assert_allclose(tangent[:, k], slope, atol=1e-6 * 1e8)


def test_initial_stress_balances_a_pressure_at_once(tmp_path) -> None:
    """A consolidated square: with the amplitude that holds the pressure from the start nothing moves."""
    extra = "*AMPLITUDE, NAME=HOLD\n0., 1., 1., 1.\n*INITIAL CONDITIONS, TYPE=STRESS\nALL, -1e5, -1e5, -8e4\n"
    text = block("CPE8", extra=extra, push=0.0, load="*DSLOAD, AMPLITUDE=HOLD\nSKIN, P, 1e5\n")
    text = text.replace("TOP, 2, 2, 0.0\n", "LEFT, 1\n")
    data = read_results(run_static(read_deck_text(text), out=tmp_path / "a.h5").path)
    assert np.abs(data.node("displacement", -1)).max() < 1e-12
    np.testing.assert_allclose(
        data.element("stress", -1)[:, :4], np.tile([-1e5, -1e5, -8e4, 0], (4, 1)), atol=1e-3
    )


class Interrupted:
    """A material that asks for the end after so many calls, or fails from then on."""

    def __init__(self, law, calls, fail=False) -> None:
        self._law, self._left, self._fail = law, calls, fail
        for name in ("state_schema", "state_size", "elastic_moduli", "domain", "dtype"):
            setattr(self, name, getattr(law, name))

    def update_with_tangent(self, **block) -> bool:
        self._left -= 1
        if self._left < 0 and not self._fail:
            raise KeyboardInterrupt
        known = self._law.update_with_tangent(**block)
        if self._left < 0:
            block["status"][:] = 2
        return known


def law():
    return _core.make_law("PYBRIDGE_J2", [1e8, 0.3, 1e5, 0.0, 2e5, 0.05], "float64")


LONG = {"material": PLASTIC, "push": -0.02, "step": "0.05, 1., , 0.05", "rough": True}


def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path) -> None:
    deck = read_deck_text(block("CPE8R", **LONG))
    whole = run_static(deck, material={"SOIL": law()}, out=tmp_path / "whole.h5")
    with pytest.raises(KeyboardInterrupt):
        run_static(deck, material={"SOIL": Interrupted(law(), 40)}, out=tmp_path / "cut.h5")
    assert not read_results(tmp_path / "cut.h5").complete
    assert (tmp_path / "cut.h5.restart.npz").exists()
    rest = run_static(deck, material={"SOIL": law()}, out=tmp_path / "cut.h5")
    assert rest.resumed
    assert rest.history == whole.history
    a, b = (read_results(tmp_path / f"{name}.h5") for name in ("whole", "cut"))
    np.testing.assert_array_equal(a.times, b.times)
    np.testing.assert_array_equal(a.element("stress", -1), b.element("stress", -1))
    assert not (tmp_path / "cut.h5.restart.npz").exists()


def test_no_balance_stops_clearly_and_goes_on_from_the_last_state(tmp_path) -> None:
    """Steps are halved, then the run stops; what converged is in the results, and the same command goes on from it."""
    deck, out = read_deck_text(block("CPE8R", **LONG)), tmp_path / "a.h5"
    words = r"stopped at load 0\.[0-9]+ of 1 after 2 cuts .* a material point failed: element 1, .* the last converged state is in"
    with pytest.raises(NotConvergedError, match=words):
        run_static(deck, material={"SOIL": Interrupted(law(), 40, fail=True)}, out=out, cuts_max=2)
    stopped = read_results(out)
    assert not stopped.complete
    assert "a material point failed" in stopped.stopped
    reached = stopped.history["load"][-1]
    assert 0.1 < reached < 0.9
    rest = run_static(deck, material={"SOIL": law()}, out=out)
    assert rest.resumed
    assert rest.history["load"][: len(stopped.history["load"])] == list(stopped.history["load"])
    whole = run_static(deck, material={"SOIL": law()}, out=tmp_path / "b.h5")
    assert rest.history["force_top_y"][-1] == pytest.approx(
        whole.history["force_top_y"][-1], rel=1e-4
    )  # of the cut step


def test_restart_files_of_others_are_refused(tmp_path) -> None:
    deck, out = read_deck_text(block("CPE8R", **LONG)), tmp_path / "a.h5"
    file = tmp_path / "a.h5.restart.npz"
    with pytest.raises(KeyboardInterrupt):
        run_static(deck, material={"SOIL": Interrupted(law(), 40)}, out=out)
    good = file.read_bytes()
    with np.load(file) as data:
        arrays = dict(data)
    for key, value, words in (
        ("version", 99, "a restart file of version 99 of an static run; this program reads version 2"),
        ("kind", "explicit", "of an explicit run"),
        ("mark", "other", "belongs to another mesh, material or load"),
    ):
        np.savez(file, **(arrays | {key: np.array(value)}))
        with pytest.raises(SolverError, match=words):
            run_static(deck, material={"SOIL": law()}, out=out)
    file.write_bytes(good[:1000])
    with pytest.raises(SolverError, match="not a readable restart file"):
        run_static(deck, material={"SOIL": law()}, out=out)
    file.write_bytes(good)
    other = read_deck_text(block("CPE8R", **(LONG | {"push": -0.03})))
    with pytest.raises(SolverError, match="another mesh, material or load"):
        run_static(other, material={"SOIL": law()}, out=out)
    assert run_static(deck, material={"SOIL": law()}, out=out).resumed


def test_measures_of_the_papers(tmp_path) -> None:
    """[GUAN22] Algorithms 1 and 2 alone (displacement), the residual alone, and both."""
    text = block("CPE8R", **LONG)
    runs = {
        measure: run_static(read_deck_text(text), out=tmp_path / f"{measure}.h5", measure=measure)
        for measure in ("displacement", "residual", "both")
    }
    for measure, result in runs.items():
        rest = slice(1, None)
        if measure != "residual":
            assert max(result.history["displacement_change"][rest]) <= 1e-6
        if measure != "displacement":
            assert max(result.history["residual"][rest]) <= 1e-8
    assert runs["residual"].iterations < runs["both"].iterations


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("TYPE=CPE8R", "TYPE=CPE4R", DeckError, "given; expected 5"),
        ("*STEP", "*STEP, NLGEOM=YES", DeckError, "STATIC has small ones"),
        ("1., 1.", "2., 1.", DeckError, "first increment is 2"),
        ("TOP, 2, 2, -0.001", "TOP, 1, 2, 1\nBOTTOM, 2, 2, 1", DeckError, "given the displacements"),
        ("*STATIC", "*STATIC\n0.1, 1.\n*BULK VISCOSITY", DeckError, "goes with .DYNAMIC"),
        (
            "\n5, 0.25, 0.0\n",
            "\n5, 0.25, 0.1\n",
            SolverError,
            "node 5 stands 0.1 away from the middle of its edge",
        ),
    ],
)
def test_mistakes(tmp_path, old, new, error, words) -> None:
    text = block("CPE8R")
    assert old in text
    with pytest.raises(error, match=words):
        static_model(read_deck_text(text.replace(old, new)))


def test_command(tmp_path, capsys) -> None:
    """`pybridge run` on the deck, through umat_, and what is refused."""
    material, name = J2
    deck = tmp_path / "block.inp"
    deck.write_text(block("C3D8", material=material, name=name, push=-0.01))
    out = ["--out", str(tmp_path / "r"), "--quiet"]
    assert main(["run", str(deck), "--material", "umat", "--steps", "4", *out]) == 0
    assert "64 points, 4 steps" in capsys.readouterr().out
    assert main(["run", str(deck), *out]) != 0
    assert "exists; give --overwrite" in capsys.readouterr().err
    assert main(["run", str(deck), "--material", "packing:", *out, "--overwrite"]) != 0
    assert "expected packing:NAME" in capsys.readouterr().err
