"""The tools of `pybridge verify calculix`, without CalculiX: decks, recorder, and a VUMAT behind umat_."""

from __future__ import annotations

import os

import numpy as np
import pytest
from umat_cases import GRADIENT, JOHNSON_COOK, STEEL, rotation

from abaqus_jobs.calculix import build, element, rods, threads
from abaqus_jobs.calculix.run import (
    LIBRARIES,
    answers_that_differ,
    call_bytes,
    material_block,
    read_record,
    table,
)
from abaqus_jobs.calculix.surrogate import BULK, SHEAR, random_yield_surface, saturating_surrogate
from pybridge.conventions import umat_stress_to_block
from pybridge.errors import PybridgeError
from pybridge.host import UmatLibrary, UmatPoint, our_umat


@pytest.fixture(scope="module")
def through_vumat() -> UmatLibrary:
    """libpybridge_vumat_in_calculix.so, which reads its environment once."""
    os.environ["PYBRIDGE_VUMAT"] = str(LIBRARIES / "libexplicitU-D.so")
    os.environ["PYBRIDGE_DENSITY"] = "7800"
    return UmatLibrary(LIBRARIES / "libpybridge_vumat_in_calculix.so")


@pytest.mark.parametrize(
    ("name", "constants", "states"),
    [
        ("PYBRIDGE_ELASTIC", STEEL, 0),
        ("PYBRIDGE_J2", (*STEEL, 4e8, 0.0, 5e8, 0.1), 1),
        ("PYBRIDGE_JOHNSON_COOK", (*JOHNSON_COOK, 7800.0), 3),
    ],
)
def test_a_vumat_behind_umat(umat, through_vumat, name, constants, states) -> None:
    """The same point by umat_ and by vumat_ for each call; before the first flow also the same stiffness."""
    ours, other = (
        UmatPoint(lib, name, constants, states=states, host="calculix", guarded=True)
        for lib in (umat, through_vumat)
    )
    first = [p.trial(np.eye(3), 1e-6).tangent for p in (ours, other)]
    np.testing.assert_allclose(first[1], first[0], rtol=0, atol=1e-8 * np.abs(first[0]).max())
    for a in np.linspace(0.05, 1, 20):
        f = rotation((0.48, -0.6, 0.64), a) @ (np.eye(3) + a * GRADIENT)
        x, y = ours.step(f, 1e-6), other.step(f, 1e-6)
        np.testing.assert_allclose(y.stress, x.stress, rtol=0, atol=1e-12 * np.abs(x.stress).max())
        np.testing.assert_allclose(y.state, x.state, rtol=1e-11, atol=1e-14)
    assert not states or ours.state[0] > 0.01


def test_recorded_calls_read_back(tmp_path, monkeypatch) -> None:
    """What read_record finds is what was passed: the last call of each increment of one point."""
    record = tmp_path / "calls"
    monkeypatch.setenv("PYBRIDGE_UMAT", str(our_umat()))
    monkeypatch.setenv("PYBRIDGE_UMAT_RECORD", str(record))
    library = UmatLibrary(LIBRARIES / "libpybridge_umat_recorder.so")
    point = UmatPoint(library, "PYBRIDGE_J2", (*STEEL, 4e8, 0.0), states=1, host="calculix")
    answers = []
    for k in range(1, 6):
        f = rotation((0, 0.6, 0.8), 0.2 * k) @ (np.eye(3) + k * 0.004 * GRADIENT)
        point.trial(f + 0.01, 1e-6)  # an iteration that is thrown away
        answers.append(point.step(f, 1e-6))
    found = read_record(record)
    np.testing.assert_allclose(found.dt, 1e-6)
    np.testing.assert_allclose(found.time, np.arange(5) * 1e-6, rtol=0, atol=1e-20)
    np.testing.assert_array_equal(found.f_new[-1], point.f)
    np.testing.assert_array_equal(umat_stress_to_block(found.stress.T).T, [a.corotational for a in answers])
    np.testing.assert_array_equal(found.state, [a.state for a in answers])
    calls = call_bytes(record)
    assert len(calls) == 10
    name, constants = "@ABAQUSNL_RECORDER@PYBRIDGE-J2", (*STEEL, 4e8, 0.0)
    assert answers_that_differ(calls, UmatLibrary(), name, constants) == 0
    stress_after, last_bit = 24 + 8 * (21 + 6), 1
    changed = bytearray(calls[7])
    changed[stress_after] ^= last_bit
    assert answers_that_differ([*calls[:7], bytes(changed), *calls[8:]], UmatLibrary(), name, constants) == 1
    with pytest.raises(PybridgeError, match="element 2, point 1"):
        read_record(record, 2)


def test_replay_sees_a_wrong_stress(umat) -> None:
    """The comparison of `verify calculix` fails where a stress or a state is off by 1e-7."""
    material = element.BUILT_IN[1]
    point = UmatPoint(umat, material.name, material.constants, host="calculix")
    f = [element.HISTORIES["rotation"](a) for a in np.linspace(0.05, 1, 20)]
    answers = [point.step(g, 0.05) for g in f]
    order = [0, 1, 2, 3, 5, 4]
    record = element.Record(
        0.05 * np.arange(20), np.full(20, 0.05), np.array([np.eye(3), *f[:-1]]), np.array(f),
        np.array([a.corotational[order] for a in answers]), np.array([a.state for a in answers]),
    )  # fmt: skip
    assert element.replay_error(record, material, umat) < 1e-13
    assert element.history_error(record, material, "rotation") < 1e-14
    record.stress[10, 4] += 1e-7 * np.abs(record.stress).max()
    assert element.replay_error(record, material, umat) > 9e-8
    record.stress[10, 4] -= 1e-7 * np.abs(record.stress).max()
    record.state[3] *= 1 + 1e-6
    assert element.replay_error(record, material, umat) > 1e-8


def test_material_block_follows_calculix() -> None:
    """Hyphens for underscores, eight numbers a line and one more line behind a full one, at most 21."""
    lines = material_block("STANDARDU", "PYBRIDGE_J2", range(1, 9), 1, 8000.0)
    assert lines[0] == "*MATERIAL, NAME=@ABAQUSNL_STANDARDU@PYBRIDGE-J2"
    assert lines[lines.index("*DEPVAR") + 1] == "1"
    assert lines[-3:] == ["*USER MATERIAL, CONSTANTS=8", "1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0", "0."]
    assert len(material_block("S", "N", range(9), 1, 1.0)[-1].split(",")) == 1
    with pytest.raises(PybridgeError, match="at most 21 constants, got 22"):
        material_block("STANDARDU", "PYBRIDGE_J2", range(22), 1, 1.0)


def test_numbers_fit_calculix_fields() -> None:
    """20 characters a number; longer ones lose their exponent silently."""
    deck = element.element_deck(element.BUILT_IN[2], "RECORDER", "rotation")
    deck += table([-1.23456789012345e-300])
    for line in deck:
        if line[0] != "*":
            assert all(len(part.strip()) <= 20 for part in line.split(",")), line


def test_block_moves_every_node() -> None:
    """Each of its points deforms in its own way: 27 elements, 64 nodes, an amplitude for each of 192 directions."""
    deck = element.block_deck(element.BUILT_IN[1], "RECORDER")
    assert sum(line.startswith("*AMPLITUDE") for line in deck) == 192
    assert sum(line == "*BOUNDARY" for line in deck) == 0
    first = deck.index("*ELEMENT, TYPE=C3D8, ELSET=SOLID") + 1
    cells = np.array([[int(v) for v in line.split(",")] for line in deck[first : first + 27]])
    assert (cells[:, 0] == np.arange(1, 28)).all()
    nodes = np.array([[float(v) for v in line.split(",")[1:]] for line in deck[1:65]])
    corners = nodes[cells[:, 1:] - 1]
    np.testing.assert_allclose(corners[:, 6] - corners[:, 0], 1 / 3, rtol=0, atol=1e-11)
    np.testing.assert_allclose(
        np.linalg.det(corners[:, [1, 3, 4]] - corners[:, [0]]), 1 / 27, rtol=1e-9, atol=0
    )


def test_rods_have_no_wall() -> None:
    for name, deck in rods.rods(quick=True).items():
        lines = rods.rod_deck(deck, "STANDARDU")
        text = "\n".join(lines)
        assert "FOOT, 3, 3" in text
        assert "*CONTACT" not in text.upper()
        assert text.count("*ELEMENT") == 1
        count = lines.index("*ELEMENT, TYPE=C3D8R, ELSET=SOLID") - lines.index("*NODE, NSET=ALL") - 1
        assert count == len(deck.coordinates), name
        step = lines[lines.index("*DYNAMIC, EXPLICIT") + 1].split(",")
        assert float(step[0]) == float(step[3]) < 0.2 * float(step[1])


def test_bodies_share_no_node_between_threads() -> None:
    """The first half of the elements, which the first thread gets, has other nodes than the second; none is turned inside out."""
    deck = threads.bodies_deck(element.BUILT_IN[1], "RECORDER")
    nodes = np.array([[float(v) for v in line.split(",")[1:]] for line in deck[1 : threads.NODES + 1]])
    first = deck.index("*ELEMENT, TYPE=C3D8R, ELSET=SOLID") + 1
    count = 2 * threads.ACROSS**2 * threads.LAYERS
    cells = np.array([[int(v) for v in line.split(",")] for line in deck[first : first + count]])[:, 1:] - 1
    assert not set(cells[: count // 2].ravel()) & set(cells[count // 2 :].ravel())
    assert set(cells.ravel()) == set(range(threads.NODES))
    edges = nodes[cells[:, [1, 3, 4]]] - nodes[cells[:, [0]]]
    np.testing.assert_allclose(np.linalg.det(edges), threads.SIDE**3, rtol=1e-9)


def test_motion_to_the_last_bit(tmp_path) -> None:
    """Fortran's records of four columns: temperature and displacement, then velocity; others are passed over."""
    rng = np.random.default_rng(1)
    expected = rng.normal(size=(2, 5, 4))

    def record(data: bytes) -> bytes:
        length = len(data).to_bytes(4, "little")
        return length + data + length

    file = tmp_path / "job.rout"
    whole = (
        record(b"version") + record(expected[0].tobytes()) + record(b"x" * 24) + record(expected[1].tobytes())
    )
    file.write_bytes(whole)
    np.testing.assert_array_equal(threads.motion(file, 5), expected[:, :, 1:])
    with pytest.raises(PybridgeError, match="expected two records of 128 bytes, found 0"):
        threads.motion(file, 4)


def test_implicit_deck_is_the_rod_in_another_step() -> None:
    deck = rods.implicit_rod()
    explicit, implicit = rods.rod_deck(deck, "STANDARDU"), rods.implicit_deck(deck, "STANDARDU")
    at = explicit.index("*DYNAMIC, EXPLICIT")
    assert implicit[:at] == explicit[:at]
    assert implicit[at] == "*DYNAMIC, DIRECT, ALPHA=-0.05"
    step, end = (float(v) for v in implicit[at + 1].split(","))
    assert end / step == pytest.approx(rods.IMPLICIT_INCREMENTS)
    assert implicit[at + 2 :] == explicit[at + 2 :]


def test_displacements_of_a_dat_file(tmp_path) -> None:
    file = tmp_path / "x.dat"
    head = "\n displacements (vx,vy,vz) for set ALL and time  0.1000000E+01\n\n"
    rows = "         1  1.0E-03 -2.0E-03  3.0E-04\n         2  0.0E+00  0.0E+00  5.0E-03\n"
    file.write_text(head + rows.replace("1.0E", "9.0E") + head + rows)
    np.testing.assert_allclose(rods.read_displacements(file, 2), [[1e-3, -2e-3, 3e-4], [0, 0, 5e-3]])
    with pytest.raises(PybridgeError, match="missing"):
        rods.read_displacements(file, 3)
    file.write_text(head + rows.replace("5.0E-03", "NaN"))
    with pytest.raises(PybridgeError, match="not numbers"):
        rods.read_displacements(file, 2)


def test_build_says_what_is_missing(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(build.CALCULIX, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PybridgeError, match=r"lacks apt-get, dpkg-deb.*PYBRIDGE_CALCULIX"):
        build.calculix()
    monkeypatch.setenv(build.CALCULIX, str(tmp_path / "none"))
    with pytest.raises(PybridgeError, match="no such program"):
        build.calculix()
    assert not any(tmp_path.iterdir())


def test_failed_stage_is_not_done(tmp_path) -> None:
    """A build that was interrupted goes on at the stage that failed; its log is told."""
    with pytest.raises(PybridgeError, match=r"(?s)false.*failed \(.*log\).*try again"):
        build._run(["false"], tmp_path, tmp_path / "log", "try again")
    done = []
    with pytest.raises(ZeroDivisionError):
        build._stage(tmp_path, "one", lambda folder: 1 / 0)
    for _ in range(2):
        build._stage(tmp_path, "one", done.append)
    assert done == [tmp_path]


def test_random_yield_surface_flows(tmp_path) -> None:
    """Elastic at first, less stiff in shear once it flows."""
    library = UmatLibrary()
    library.use_model("YIELDS", random_yield_surface(tmp_path / "yields.pt", 1e-6))
    point = UmatPoint(library, "YIELDS")
    assert point.trial(np.eye(3), 1e-8).tangent[3, 3] == pytest.approx(SHEAR, rel=1e-6)
    for a in np.linspace(0.005, 0.1, 20):
        f = np.eye(3)
        f[0, 1] = a
        answer = point.step(f, 5e-8)
    assert answer.tangent[3, 3] < 0.5 * SHEAR
    assert answer.stress[0, 1] < 0.5 * SHEAR * 0.1
    assert answer.energies[1] > 0


def test_saturating_surrogate_is_a_material(tmp_path) -> None:
    """Its first answer is near Hooke's; at 5 % strain the shear has saturated."""
    library = UmatLibrary()
    library.use_model("SOFT", saturating_surrogate(tmp_path / "soft.pt", 1e-6))
    point = UmatPoint(library, "SOFT")
    tangent = point.trial(np.eye(3), 1e-8).tangent
    assert tangent[3, 3] == pytest.approx(SHEAR, rel=0.2)
    assert np.linalg.eigvalsh((tangent + tangent.T) / 2).min() > 0.3 * SHEAR
    assert tangent[:3, :3].sum() / 9 == pytest.approx(BULK, rel=0.2)
    f = np.eye(3)
    f[0, 1] = 0.1
    assert point.trial(f, 1e-8).stress[0, 1] < 0.5 * SHEAR * 0.1
