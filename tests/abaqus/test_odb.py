"""An output database (a stand-in for Abaqus's) read into the package's result format, against a run of our own."""

from __future__ import annotations

import runpy
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from abaqus_jobs.one_element import one_element
from abaqus_jobs.soils import Procedure, biaxial
from pybridge.commands import main
from pybridge.deck.model import STATIC_ELEMENTS, Elastic, MaterialDefinition
from pybridge.deck.writer import write_deck
from pybridge.results import read_results
from pybridge.solver import run as run_explicit
from pybridge.solver.implicit import run_static
from training.soil_resample import read_paths

SCRIPT = Path(__file__).parents[2] / "abaqus_jobs" / "cae" / "read_odb.py"
GRADIENT = np.array([[200.0, 90.0, -40.0], [10.0, -120.0, 60.0], [-30.0, 20.0, 150.0]])
STRESS = ("S11", "S22", "S33", "S12", "S13", "S23")  # Abaqus's order


@dataclass
class Block:
    """One bulk data block; single precision alone, as in most databases."""

    data: np.ndarray
    nodeLabels: np.ndarray | None = None
    elementLabels: np.ndarray | None = None

    @property
    def dataDouble(self) -> np.ndarray:
        raise RuntimeError("the data are in single precision")


@dataclass
class FieldOutput:
    bulkDataBlocks: list[Block]
    componentLabels: tuple[str, ...] = ()

    def getSubset(self, region: object) -> FieldOutput:
        assert region is not None
        return self


@dataclass
class Database:
    rootAssembly: SimpleNamespace
    steps: dict = field(default_factory=dict)


@pytest.fixture
def ours(tmp_path: Path):
    """A run of one sheared element in the mini-solver."""
    material = MaterialDefinition("STEEL", 8000.0, Elastic(200e9, 0.3))
    write_deck(one_element(material, GRADIENT, 1e-4, steps=50, intervals=4), tmp_path / "one.inp")
    assert main(["run", str(tmp_path / "one.inp"), "--out", str(tmp_path), "--quiet"]) == 0
    return read_results(tmp_path / "one.h5")


def database(ours) -> Database:
    """What Abaqus would have written of it: labels in reverse order, stress in its own order, at two points."""
    nodes = [
        SimpleNamespace(label=n, coordinates=x)
        for n, x in zip(ours.mesh.node_labels, ours.mesh.coordinates, strict=True)
    ]
    ((kind, cells),) = ours.mesh.blocks
    element = SimpleNamespace(label=1, type=kind, connectivity=ours.mesh.node_labels[cells[0]])
    frames = []
    for k, time in enumerate(ours.times):
        stress = ours.element("stress", k)[:, [0, 1, 2, 3, 5, 4]]
        spread = np.array([[1.0], [-1.0]]) * 1e6
        frames.append(
            SimpleNamespace(
                frameValue=time,
                fieldOutputs={
                    "U": FieldOutput(
                        [Block(ours.node("displacement", k)[::-1], nodeLabels=ours.mesh.node_labels[::-1])]
                    ),
                    "V": FieldOutput(
                        [Block(ours.node("velocity", k)[::-1], nodeLabels=ours.mesh.node_labels[::-1])]
                    ),
                    "S": FieldOutput([Block(stress + spread, elementLabels=np.array([1, 1]))], STRESS),
                    "SDV_DAMAGE": FieldOutput([Block(np.array([[0.25]]), elementLabels=np.array([1]))]),
                    "RF": FieldOutput([]),
                },
            )
        )
    energy = {
        "ALLKE": SimpleNamespace(data=tuple(zip(ours.history["time"], ours.history["kinetic"], strict=True)))
    }
    step = SimpleNamespace(frames=frames, historyRegions={"Assembly": SimpleNamespace(historyOutputs=energy)})
    wall = SimpleNamespace(elements=[], nodes=[])
    instances = {"WALL-1": wall, "BODY-1": SimpleNamespace(elements=[element], nodes=nodes)}
    return Database(SimpleNamespace(instances=instances), OrderedValues({"IMPACT": step}))


class OrderedValues(dict):
    """As in Abaqus's Python: values() is a list."""

    def values(self):
        return list(super().values())


def test_database_becomes_a_result_that_compares(ours, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    script = runpy.run_path(str(SCRIPT), run_name="script")
    np.savez_compressed(tmp_path / "job.npz", **script["read"](database(ours)))
    assert main(["odb", str(tmp_path / "job.npz"), "--out", str(tmp_path / "abaqus.h5")]) == 0
    theirs = read_results(tmp_path / "abaqus.h5")
    assert theirs.complete
    np.testing.assert_array_equal(theirs.times, ours.times)
    for name in ("displacement", "velocity"):
        np.testing.assert_allclose(theirs.node(name), ours.node(name), rtol=1e-12)
    for name in ("stress", "mises", "pressure"):
        scale = np.abs(ours.element("stress")).max()
        np.testing.assert_allclose(theirs.element(name), ours.element(name), rtol=0, atol=1e-12 * scale)
    for name in ("deviatoric_strain", "volumetric_strain"):
        np.testing.assert_allclose(theirs.element(name), ours.element(name), rtol=1e-9)
    np.testing.assert_array_equal(theirs.element("damage"), [0.25])
    np.testing.assert_array_equal(theirs.history["kinetic"], ours.history["kinetic"])
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "abaqus.h5"), str(tmp_path / "one.h5"), "--at-most", "1e-9"]) == 0


@pytest.mark.parametrize(
    ("kind", "tolerance"), [("CPE3", 1e-9), ("CPE4R", 1e-9), ("CPE6", 2e-2), ("CPE8R", 2e-2)]
)
def test_plane_strain_of_every_element(kind: str, tolerance: float, tmp_path: Path) -> None:
    """Strains of the database's displacements, and the flags as paths of points. Static runs of ours: small strains of 1 %."""
    static = kind in STATIC_ELEMENTS
    how = Procedure(steps=4) if static else Procedure(time=0.02, mass_scale=100.0)
    count = {"triangles": 8} if kind in ("CPE3", "CPE6") else {"columns": 2, "rows": 2}
    material = MaterialDefinition("SOIL", 2000.0, Elastic(2e7, 0.3))
    deck = biaxial(material, element=kind, strain=0.01, pressure=1.0, procedure=how, **count)
    run = run_static if static else run_explicit
    run(deck, out=tmp_path / "ours.h5")
    ours = read_results(tmp_path / "ours.h5")
    ((_, cells),) = ours.mesh.blocks
    frames = range(len(ours.times))
    flags = np.zeros((len(frames), len(cells), 1))
    flags[-2:, 1] = 0.5
    arrays = {
        "node_labels": ours.mesh.node_labels, "coordinates": ours.mesh.coordinates[:, :2], "connectivity": cells,
        "element_labels": ours.mesh.element_labels, "element_type": np.array(kind), "time": ours.times,
        "U": np.array([ours.node("displacement", k)[:, :2] for k in frames]),
        "S": np.array([ours.element("stress", k) for k in frames]), "SDV_UNRELIABLE": flags,
    }  # fmt: skip
    np.savez(tmp_path / "job.npz", **arrays)
    assert main(["odb", str(tmp_path / "job.npz"), "--out", str(tmp_path / "abaqus.h5")]) == 0
    theirs = read_results(tmp_path / "abaqus.h5")
    for name in ("deviatoric_strain", "volumetric_strain"):
        scale = np.abs(ours.element(name)).max()
        np.testing.assert_allclose(theirs.element(name), ours.element(name), rtol=0, atol=tolerance * scale)
    paths = read_paths(tmp_path / "abaqus.h5")
    points = len(paths.strain) // len(cells)
    assert points == {"CPE3": 1, "CPE4R": 1, "CPE6": 3, "CPE8R": 4}[kind]
    assert list(np.flatnonzero(paths.flagged[-1])) == list(range(points, 2 * points))
    assert not paths.flagged[-3].any()


def test_what_does_not_fit_is_refused(ours, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    script = runpy.run_path(str(SCRIPT), run_name="script")
    odb = database(ours)
    with pytest.raises(ValueError, match="instance BODY-2: expected one of BODY-1, WALL-1"):
        script["read"](odb, "BODY-2")
    arrays = script["read"](odb, "BODY-1")
    for change, message in (
        ({"S": None}, "no S; ask for U and S"),
        ({"U": arrays["U"][:-1]}, "U has shape"),
        ({"connectivity": arrays["connectivity"] + 5}, "connectivity"),
        ({"element_type": np.array("CPE6")}, "does not fit 1 elements CPE6 of 6 nodes"),
        ({"element_type": np.array("S4R")}, "elements S4R; expected one of C3D8R"),
    ):
        changed = {k: v for k, v in (arrays | change).items() if v is not None}
        np.savez(tmp_path / "bad.npz", **changed)
        assert main(["odb", str(tmp_path / "bad.npz"), "--out", str(tmp_path / "bad.h5")]) == 2
        assert message in capsys.readouterr().err
    (tmp_path / "bad.npz").write_bytes(b"text")
    assert main(["odb", str(tmp_path / "bad.npz"), "--out", str(tmp_path / "bad.h5")]) == 2
    assert "expected arrays (.npz) written by read_odb.py" in capsys.readouterr().err


def test_scripts_for_the_python_of_abaqus(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["odb", "--scripts", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / "read_odb.py").read_bytes() == SCRIPT.read_bytes()
    assert (tmp_path / "new" / "impact.py").read_bytes() == (SCRIPT.parent / "impact.py").read_bytes()
    assert main(["odb", "--scripts", str(tmp_path / "new")]) != 0
    assert "read_odb.py, impact.py there already" in capsys.readouterr().err
    assert main(["odb"]) != 0
    assert "expected FILE.npz and --out FILE.h5" in capsys.readouterr().err
