"""A rigid flat-ended cylinder hits a plate: [LIU22] 4.2."""

from __future__ import annotations

import numpy as np

from abaqus_jobs import meshes
from abaqus_jobs.decks import Mesh, Rigid, build_deck, where
from abaqus_jobs.materials import magnesium_johnson_cook
from abaqus_jobs.rods import _positive
from pybridge.deck.model import Deck, MaterialDefinition, RigidFlatCylinder, SectionControls
from pybridge.errors import ConfigError


def plate_mesh(thickness: float, half_width: float, even: float, across: int, layers: int) -> Mesh:
    """A quarter of a square plate of C3D8R, top at z = 0: across x across x layers elements.

    Cells are even up to `even` along x and y and grow from there on. Sets: X0, Y0 (symmetry), TOP, BOTTOM, SUPPORT
    (the bottom edges far away).
    """
    count_even = max(1, round(0.58 * across))
    xs = meshes.graded_after(even, count_even, half_width, across)
    flat = meshes.rectangle(xs, xs)
    points, cells = meshes.extrude(*flat, np.linspace(-thickness, 0.0, layers + 1))
    x, y, z = points.T
    edge = (x == x.max()) | (y == y.max())
    sets = {
        "TOP": where(z == 0),
        "BOTTOM": where(z == z.min()),
        "SUPPORT": where(edge & (z == z.min())),
        "X0": where(x == 0),
        "Y0": where(y == 0),
    }
    return Mesh("C3D8R", points, cells, sets)


def plate_impact(
    material: MaterialDefinition | None = None,
    *,
    thickness: float = 1e-3,
    radius: float = 2e-3,
    velocity: float = 200.0,
    half_width: float = 10e-3,
    elements: int = 11552,
    time: float = 1e-6,
    fillet_radius: float = 1e-4,
    mass: float = 0.0,
    intervals: int = 20,
    controls: SectionControls | None = None,
    increment: float | None = None,
    scale_factor: float = 1.0,
) -> Deck:
    """The plate impact of [LIU22] 4.2: a quarter, with symmetry about x = 0 and y = 0, simply supported far away.

    The paper's 11,552 elements are 38 x 38 x 8, which is the default here. It prints neither the plate's width nor the
    edge of the projectile: half_width and fillet_radius are choices. mass: of the whole projectile; 0: infinite, its
    velocity never changes (the paper's). Raises ConfigError.
    """
    _positive(
        thickness=thickness,
        radius=radius,
        velocity=velocity,
        half_width=half_width,
        elements=elements,
        time=time,
    )
    if mass < 0:
        raise ConfigError(f"mass = {mass:g}: expected 0 (infinite) or more")
    if half_width < 1.5 * radius or fillet_radius >= radius or fillet_radius < 0:
        raise ConfigError(
            f"half_width = {half_width:g}, fillet_radius = {fillet_radius:g}: expected a half width of at least 1.5 "
            f"projectile radii ({radius:g}), and a fillet between 0 and the radius"
        )
    layers = max(2, round(8 * (elements / 11552) ** (1 / 3)))
    across = max(4, round((elements / layers) ** 0.5))
    mesh = plate_mesh(thickness, half_width, 1.35 * radius, across, layers)
    surface = RigidFlatCylinder(
        "PROJECTILE", (0.0, 0.0, 0.0), (0.0, 0.0, -1.0), radius, 2 * radius, fillet_radius
    )
    return build_deck(
        heading=f"Plate impact: {thickness:g} m thick, projectile radius {radius:g} m at {velocity:g} m/s, "
        f"{len(mesh.cells)} C3D8R",
        mesh=mesh,
        material=material or magnesium_johnson_cook(),
        # A quarter of the plate meets a quarter of the projectile.
        rigid=Rigid(surface, (0.0, 0.0, 2 * radius), 3, -velocity, mass / 4),
        time=time,
        held={"X0": 1, "Y0": 2, "SUPPORT": 3},
        controls=controls,
        intervals=intervals,
        increment=increment,
        scale_factor=scale_factor,
    )
