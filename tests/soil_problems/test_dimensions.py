"""Materials of the plane in elements of space: refused before the run, by one rule in both solvers."""

from __future__ import annotations

import re

import pytest

import pybridge._core as _core
from abaqus_jobs import soils
from abaqus_jobs.soils import Procedure
from pybridge.commands import main
from pybridge.deck.reader import read_deck_text
from pybridge.deploy.material_block import model_material
from pybridge.errors import SolverError
from pybridge.packing import load_library, packing_material
from pybridge.solver import model_from_deck
from pybridge.solver.implicit import run_static, static_model
from pybridge.solver.materials import check_dimension

CORNERS = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
DISKS = r"material SOIL: a packing of 100 disks, which move in the plane 1, 2, and elements {} strain out of the plane"
LEARNED = (
    r"material SOIL: a network that has learned the components 11, 22, 12 alone, and elements {} strain out"
)


def deck(kind: str, static: bool) -> str:
    """One element of a unit square or cube, its top pushed down."""
    corners = CORNERS if kind.startswith("C3D") else [p[:2] for p in CORNERS[:4]]
    number = range(1, len(corners) + 1)
    nodes = "\n".join(f"{k}, {', '.join(map(str, p))}" for k, p in zip(number, corners, strict=True))
    low, high = (", ".join(str(k) for k, p in zip(number, corners, strict=True) if p[1] == y) for y in (0, 1))
    step = "*STATIC\n1., 1." if static else "*DYNAMIC, EXPLICIT\n, 1e-3"
    push = f"*BOUNDARY{'' if static else ', TYPE=VELOCITY'}\nTOP, 2, 2, -0.0001"
    return (
        f"*NODE\n{nodes}\n*ELEMENT, TYPE={kind}, ELSET=ALL\n1, {', '.join(map(str, number))}\n"
        f"*NSET, NSET=BOTTOM\n{low}\n*NSET, NSET=TOP\n{high}\n*SOLID SECTION, ELSET=ALL, MATERIAL=SOIL\n,\n"
        f"*MATERIAL, NAME=SOIL\n*DENSITY\n2000.\n*ELASTIC\n1e7, 0.3\n*BOUNDARY\nBOTTOM, 1, 2\n"
        f"*STEP\n{step}\n{push}\n*END STEP\n"
    )


def test_disks_are_refused_in_solids_by_both_solvers(tmp_path, capsys) -> None:
    for static in (True, False):
        file = tmp_path / f"cube{static:d}.inp"
        file.write_text(deck("C3D8", static))
        assert main(["run", str(file), "--material", "packing:disks100", "--out", str(tmp_path / "r")]) != 0
        said = capsys.readouterr().err
        assert re.search(DISKS.format("C3D8"), said)
        assert "expected plane strain (CPE...)" in said
        assert "take spheres" in said
    assert not (tmp_path / "r").exists()


def test_a_network_of_the_plane_is_refused_in_solids(network) -> None:
    """Through the bindings, umat_ and vumat_; explicit, and with an axis, too."""
    material = _core.load_model(str(network), "native", "float64")
    for kind, static in (("C3D8", True), ("C3D8", False), ("CAX4R", False)):
        made = read_deck_text(deck(kind, static))
        with pytest.raises(SolverError, match=LEARNED.format(kind)):
            (static_model if static else model_from_deck)(made, {"SOIL": material})
    block = model_material(network)
    text = deck("C3D8", True).replace(
        "*ELASTIC\n1e7, 0.3\n", "*USER MATERIAL, CONSTANTS=2\n1., 1.\n*DEPVAR\n26,\n"
    )
    text = text.replace("SOIL", block.name)
    for how in ("bindings", "umat", "vumat"):
        with pytest.raises(SolverError, match="a network that has learned the components 11, 22, 12 alone"):
            static_model(read_deck_text(text), how, models={block.name: network})


def test_spheres_and_laws_go_with_every_element(tmp_path) -> None:
    """Spheres run in plane strain; disks and laws are not refused where they belong."""
    spheres = packing_material(load_library("spheres500"))
    law = _core.make_law("PYBRIDGE_ELASTIC", [1e7, 0.3], "float64")
    disks = packing_material(load_library("disks100"))
    for kind in ("C3D8", "C3D20R", "CAX4R", "CPE8R", "CPE3"):
        check_dimension("SOIL", spheres, kind)
        check_dimension("SOIL", law, kind)
    for kind in ("CPE8R", "CPE6", "CPE3", "CPE4R"):
        check_dimension("SOIL", disks, kind)
    made = soils.biaxial(columns=1, rows=1, width=0.1, strain=1e-3, procedure=Procedure(steps=1))
    result = run_static(made, material="packing:spheres500", out=tmp_path / "a.h5")
    assert result.load == 1
    assert result.history["force_top_y"][-1] > 1.01e5 * 0.1
