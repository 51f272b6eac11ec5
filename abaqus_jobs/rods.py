"""Rods that hit a rigid frictionless wall: the Taylor anvil of [LIU22] 4.1 and the copper rod."""

from __future__ import annotations

import numpy as np

from abaqus_jobs import meshes
from abaqus_jobs.decks import Mesh, Rigid, build_deck, where
from abaqus_jobs.materials import COPPER, magnesium_johnson_cook
from pybridge.deck.model import Deck, MaterialDefinition, RigidPlane, SectionControls
from pybridge.errors import ConfigError


def rod_mesh(
    height: float, radius: float, core: int, rings: int, layers: int, *, quarter: bool, ratio: float = 1.0
) -> Mesh:
    """A rod of C3D8R along z, foot at z = 0; `ratio`: each layer so many times as high as the one below.

    Sets: FOOT (z = 0), TAIL (z = height), RIM (the foot's edge), AXIS, and X0, Y0 (planes of symmetry) of a quarter.
    """
    flat = meshes.quarter_disc(radius, core, rings) if quarter else meshes.disc(radius, core, rings)
    points, cells = meshes.extrude(*flat, meshes.graded(0.0, height, layers, ratio))
    x, y, z = points.T
    distance = np.hypot(x, y)
    sets = {
        "FOOT": where(z == 0),
        "TAIL": where(z == z.max()),
        "RIM": where((z == 0) & (distance > radius * (1 - 1e-6))),
        "AXIS": where(distance == 0),
    }
    if quarter:
        sets |= {"X0": where(x == 0), "Y0": where(y == 0)}
    return Mesh("C3D8R", points, cells, sets)


def axisymmetric_rod_mesh(height: float, radius: float, across: int, layers: int, ratio: float = 1.0) -> Mesh:
    """A rod of CAX4R along z (direction 2), foot at z = 0. Sets: FOOT, TAIL, RIM, AXIS."""
    flat, cells = meshes.rectangle(
        np.linspace(0.0, radius, across + 1), meshes.graded(0.0, height, layers, ratio)
    )
    r, z = flat.T
    sets = {
        "FOOT": where(z == 0),
        "TAIL": where(z == z.max()),
        "RIM": where((z == 0) & (r == r.max())),
        "AXIS": where(r == 0),
    }
    return Mesh("CAX4R", np.column_stack([flat, np.zeros(len(flat))]), cells, sets)


def _wall(radius: float, axisymmetric: bool) -> Rigid:
    """A plane at the foot whose normal points up the rod; drawn three radii wide, infinite for the solver."""
    up = (0.0, 1.0, 0.0) if axisymmetric else (0.0, 0.0, 1.0)
    point = (3 * radius, 0.0, 0.0) if axisymmetric else (0.0, 0.0, 0.0)
    return Rigid(RigidPlane("WALL", point, up, (1.0, 0.0, 0.0), 3.0 * radius), (0.0, 0.0, 0.0))


def taylor_anvil(
    material: MaterialDefinition | None = None,
    *,
    height: float = 5e-3,
    diameter: float = 1e-3,
    velocity: float = 200.0,
    elements: int = 3200,
    time: float = 1e-6,
    quarter: bool = False,
    intervals: int = 20,
    controls: SectionControls | None = None,
    increment: float | None = None,
    scale_factor: float = 1.0,
) -> Deck:
    """The Taylor anvil of [LIU22] 4.1: a rod hits a rigid frictionless wall at t = 0; snapshots of the paper at 1 us.

    elements: about so many, cells near cubes. quarter: two planes of symmetry (the same count then makes a finer mesh);
    the default is the whole rod, since a learned material need not be isotropic. Raises ConfigError.
    """
    _positive(height=height, diameter=diameter, velocity=velocity, elements=elements, time=time)
    _slender(height / diameter)
    core, rings, layers = _divisions(height / diameter, elements, 1 if quarter else 4)
    mesh = rod_mesh(height, diameter / 2, core, rings, layers, quarter=quarter)
    return build_deck(
        heading=f"Taylor anvil: rod {height:g} x {diameter:g} m at {velocity:g} m/s, {len(mesh.cells)} C3D8R",
        mesh=mesh,
        material=material or magnesium_johnson_cook(),
        rigid=_wall(diameter / 2, False),
        time=time,
        held={"X0": 1, "Y0": 2} if quarter else {},
        velocity=("BODY", 3, -velocity),
        controls=controls,
        intervals=intervals,
        increment=increment,
        scale_factor=scale_factor,
    )


def _divisions(aspect: float, elements: int, quarters: int) -> tuple[int, int, int]:
    """core, rings, layers of near-cubic cells whose number is closest to `elements`."""
    best: tuple[float, tuple[int, int, int]] | None = None
    for across in range(2, 200):
        core = max(1, round(0.4 * across))
        rings = across - core
        layers = max(1, round(2 * aspect * across))
        count = quarters * (core * core + 2 * core * rings) * layers
        miss = abs(count - elements)
        if best is None or miss < best[0]:
            best = (miss, (core, rings, layers))
        if count > 2 * elements:
            break
    assert best is not None
    return best[1]


def copper_rod(
    element: str = "C3D8R",
    *,
    across: int = 8,
    material: MaterialDefinition = COPPER,
    foot: str = "held",
    height: float = 32.4e-3,
    radius: float = 3.2e-3,
    velocity: float = 227.0,
    time: float = 80e-6,
    layers: int | None = None,
    ratio: float = 1.0,
    intervals: int = 20,
    controls: SectionControls | None = None,
    scale_factor: float = 1.0,
) -> Deck:
    """The copper rod that every code is tried on: 32.4 mm x 3.2 mm radius, 227 m/s, 80 us, frictionless wall.

    element: C3D8R (a quarter) or CAX4R; across: elements along the radius; layers along the height, by default such
    that cells start as cubes. foot: "held" keeps the foot on the wall, free to slide, as Abaqus's Benchmarks Guide does
    for this rod (the side meets the wall by contact); "contact" lets it lift off. Raises ConfigError.
    """
    _positive(across=across, height=height, radius=radius, velocity=velocity, time=time, ratio=ratio)
    _slender(height / radius)
    layers = round(height / radius * across) if layers is None else layers
    _positive(layers=layers)
    if element not in ("C3D8R", "C3D8", "CAX4R"):
        raise ConfigError(f"element {element}: expected C3D8R, C3D8 or CAX4R")
    if foot not in ("held", "contact"):
        raise ConfigError(f"foot = {foot}: expected held or contact")
    flat = element == "CAX4R"
    core = max(1, round(0.4 * across))
    if flat:
        mesh = axisymmetric_rod_mesh(height, radius, across, layers, ratio)
    else:
        mesh = rod_mesh(height, radius, core, across - core, layers, quarter=True, ratio=ratio)
        mesh = Mesh(element, mesh.points, mesh.cells, mesh.node_sets)
    up = 2 if flat else 3
    held = {"AXIS": 1} if flat else {"X0": 1, "Y0": 2}
    flying = "BODY"
    if foot == "held":
        held["FOOT"], flying = up, "FLYING"
        above = where(mesh.points[:, up - 1] > 0)
        mesh = Mesh(mesh.kind, mesh.points, mesh.cells, {**mesh.node_sets, flying: above})
    return build_deck(
        heading=f"Copper rod: {height:g} x {radius:g} m at {velocity:g} m/s, {len(mesh.cells)} {element}, foot {foot}",
        mesh=mesh,
        material=material,
        rigid=_wall(radius, flat),
        time=time,
        held=held,
        velocity=(flying, up, -velocity),
        controls=controls,
        intervals=intervals,
        scale_factor=scale_factor,
    )


def _slender(ratio: float) -> None:
    if not 1e-3 <= ratio <= 1e3:
        raise ConfigError(f"height over width = {ratio:g}: expected 0.001 to 1000")


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise ConfigError(f"{name} = {value:g}: expected a number above 0")
