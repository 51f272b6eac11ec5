"""Problems of soil mechanics as decks: biaxial test, strip footing, retaining wall (plane strain), triaxial test (a solid).
SI units, tension positive.

Soil is consolidated under `pressure` before the test (*INITIAL CONDITIONS, TYPE=STRESS), which the free surfaces keep up
from the start; there is no gravity, as in the papers. `steps` makes a *STATIC step of so many increments; an explicit
deck moves at constant velocity after a ramp over a tenth of the time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from abaqus_jobs import meshes
from abaqus_jobs.decks import where
from abaqus_jobs.meshes import Points
from abaqus_jobs.soil_bodies import (
    SOLID_STATIC,
    Body,
    Procedure,
    check,
    deck_of,
    positions,
    rectangle,
    variant,
)
from pybridge.deck.model import Deck, Elastic, MaterialDefinition, PlasticTable
from pybridge.errors import ConfigError

SOIL = MaterialDefinition("SOIL", 2000.0, Elastic(4e7, 0.25), PlasticTable(((1.6e5, 0.0), (2.4e5, 0.1))))
"""A soil that flows at constant strength (von Mises), about as stiff and strong as a packing at 100 kPa."""
MESHES = {"coarse": (2, 4), "medium": (4, 8), "fine": (8, 16)}
"""Columns and rows of [GUAN22] Fig. 6."""
CASES = {
    "A": ("coarse", "coarse"), "B": ("fine", "coarse"), "C": ("hybrid", "coarse"),
    "D": ("fine", "fine"), "E": ("coarse", "fine"), "F": ("hybrid", "fine"),
}  # fmt: skip
"""[GUAN22] Table 3: the mesh that the training data come from, and the mesh of the run."""
HUNDRED, FIFTY_EIGHT = Procedure(steps=100), Procedure(steps=58)


def biaxial(
    material: MaterialDefinition = SOIL, *, columns: int = 2, rows: int = 4, triangles: int = 0, element: str = "CPE8R",
    width: float = 0.05, height: float = 0.1, pressure: float = 1e5, strain: float = 0.1, rough: bool = True,
    curve: tuple[tuple[float, float], ...] = ((0.0, 1.0), (1.0, 1.0)), procedure: Procedure = HUNDRED,
) -> Deck:  # fmt: skip
    """[GUAN22] 4.1, Fig. 6: lateral pressure, the top pressed down to an axial strain; rough or smooth ends.

    columns x rows quadrilaterals, or as many `triangles`. curve: factor of the lateral pressure over the load (0 to 1),
    for the paper's random paths. [WANG26] 4.1 is biaxial_explicit(). Raises ConfigError.
    """
    check(element, width=width, height=height, pressure=pressure, strain=strain)
    if not strain < 0.5:
        raise ConfigError(f"strain {strain:g}: expected less than 0.5")
    times = [t for t, _ in curve]
    if len(times) < 2 or (times[0], times[-1]) != (0, 1) or any(a >= b for a, b in itertools.pairwise(times)):
        raise ConfigError(f"curve {curve}: expected pairs of load and factor, the load growing from 0 to 1")
    points, cells = rectangle(element, width, height, columns, rows, triangles)
    x, y = points.T
    body = Body(
        f"Biaxial test: {width:g} x {height:g} m, {pressure / 1e3:g} kPa, {len(cells)} {element}",
        element,
        points,
        cells,
        (("BOTTOM", 2), *((("BOTTOM", 1), ("TOP", 1)) if rough else (("CORNER", 1),))),
        ("TOP", 2, -strain * height),
        {"SIDES": (lambda p: (p[:, 0] < 1e-9 * width) | (p[:, 0] > width * (1 - 1e-9)), pressure)},
        {"BOTTOM": where(y == 0), "TOP": where(y == y.max()), "CORNER": where((x == 0) & (y == 0))},
        curve,
    )
    return deck_of(body, material, pressure, procedure)


def biaxial_case(name: str, material: MaterialDefinition = SOIL, **rest) -> Deck:
    """The run of [GUAN22] case A to F: 2 x 4 or 8 x 16 elements; CASES tells what the network is trained on."""
    if name not in CASES:
        raise ConfigError(f"case {name!r}: expected one of {', '.join(CASES)}")
    columns, rows = MESHES[CASES[name][1]]
    return biaxial(material, columns=columns, rows=rows, **rest)


@variant(biaxial, triangles=484, element="CPE3", procedure=Procedure(time=1.0, alpha=20.0, mass_scale=100.0))
def biaxial_explicit(material: MaterialDefinition = SOIL, **rest) -> Deck:
    """[WANG26] 4.1: the same specimen with 484 triangles in an explicit run, 10 % in 1 s.

    The paper's increment of 0.2 ms with elements of 5 mm means scaled mass; here the density is 100 times that of soil.
    Damping proportional to mass also resists the motion that is asked for: at 20 1/s by half a per cent of the force.
    """
    return biaxial(material, **rest)


def footing(
    material: MaterialDefinition = SOIL, *, triangles: int = 402, columns: int = 24, rows: int = 12, element: str = "CPE6",
    width: float = 4.0, depth: float = 2.0, half_footing: float = 0.5, pressure: float = 2e5, settlement: float = 0.1,
    rough: bool = True, procedure: Procedure = FIFTY_EIGHT,
) -> Deck:  # fmt: skip
    """[QU23A] 5.3, Fig. 21: half of a rigid strip footing; sides on rollers, bottom fixed, surcharge `pressure` beside the
    footing, 402 six-node triangles.

    The paper prints neither the final settlement (here 0.1 m, 10 % of the width of the footing, in its 58 steps) nor
    whether the footing is rough (here it is). Raises ConfigError.
    """
    check(
        element, width=width, depth=depth, half_footing=half_footing, pressure=pressure, settlement=settlement
    )
    if not half_footing < width:
        raise ConfigError(f"half_footing {half_footing:g}: expected less than the width {width:g}")
    edge = half_footing

    def size(p: Points) -> np.ndarray:
        away = np.hypot(np.maximum(p[:, 0] - edge, 0), depth - p[:, 1])
        return 0.2 + 0.5 * away / depth

    points, cells = rectangle(element, width, depth, columns, rows, triangles, {"top": [edge]}, size)
    x, y = points.T
    low = 1e-9 * width
    body = Body(
        f"Strip footing: half width {edge:g} m on {width:g} x {depth:g} m, {pressure / 1e3:g} kPa, {len(cells)} {element}",
        element,
        points,
        cells,
        (("BOTTOM", 1), ("BOTTOM", 2), ("SIDES", 1), *((("FOOTING", 1),) if rough else ())),
        ("FOOTING", 2, -settlement),
        {"GROUND": (lambda p: (p[:, 1] > depth - low) & (p[:, 0] > edge), pressure)},
        {
            "BOTTOM": where(y == 0), "SIDES": where((x == 0) | (x == x.max())),
            "FOOTING": where((y == y.max()) & (x <= edge + low)),
        },
    )  # fmt: skip
    return deck_of(body, material, pressure, procedure)


@variant(
    footing,
    triangles=552,
    settlement=0.15,
    half_footing=0.3,
    pressure=1e5,
    element="CPE3",
    procedure=Procedure(speed=0.1, alpha=30.0),
)
def footing_explicit(material: MaterialDefinition = SOIL, **rest) -> Deck:  # fmt: skip
    """[WANG26] 3.1: 4 x 2 m, footing of 0.3 m at the top left, 552 triangles, 100 kPa, 0.1 m/s to a settlement of 7.5 % of
    the depth, 1.5 s, explicit.

    The paper puts the surcharge on the footing; a packing at 100 kPa needs it on the ground beside it too, which it has
    here. Its increment of 0.2 ms is about that of 2000 kg/m3.
    """
    return footing(material, **rest)


def wall(
    material: MaterialDefinition = SOIL, *, columns: int = 20, rows: int = 10, triangles: int = 0, element: str = "CPE8R",
    width: float = 2.0, height: float = 1.0, foot: float = 0.0, pressure: float = 1e5, displacement: float = 0.2,
    rough: bool = False, procedure: Procedure = HUNDRED,
) -> Deck:  # fmt: skip
    """[GUAN22] 4.2, Fig. 14: a wall on the right, from `foot` up, is pushed into the soil by `displacement` (away from it
    where negative); left side on rollers, bottom fixed, `pressure` on top.

    The paper prints no lengths; its points up to number 580 ask for 146 quadrilaterals or more. Here 2 x 1 m, 200
    elements, 10 % of the width in 100 steps. smooth: the wall moves its nodes horizontally only. Below the foot the right
    side is fixed. Raises ConfigError.
    """
    check(element, width=width, height=height, pressure=pressure)
    if not 0 <= foot < height or not 0 < abs(displacement) <= 0.3 * width:
        raise ConfigError(
            f"foot {foot:g}, displacement {displacement:g}: expected 0 up to the height {height:g}, and up to 0.3 widths"
        )
    breaks = {"right": [foot]} if foot > 0 else {}
    points, cells = rectangle(element, width, height, columns, rows, triangles, breaks)
    x, y = points.T
    low = 1e-9 * width
    right = x == x.max()
    below = right & (y < foot - low) & (y > 0)
    body = Body(
        f"Retaining wall: {width:g} x {height:g} m, {pressure / 1e3:g} kPa, {len(cells)} {element}",
        element,
        points,
        cells,
        (
            ("BOTTOM", 1), ("BOTTOM", 2), ("LEFT", 1), *((("WALL", 2),) if rough else ()),
            *((("BELOW", 1), ("BELOW", 2)) if below.any() else ()),
        ),
        ("WALL", 1, -displacement),
        {"GROUND": (lambda p: p[:, 1] > height - low, pressure)},
        {
            # The bottom is fixed; its corner at the wall stays with it.
            "BOTTOM": where(y == 0), "LEFT": where(x == 0), "WALL": where(right & (y > 0) & ~below),
            **({"BELOW": where(below)} if below.any() else {}),
        },
    )  # fmt: skip
    return deck_of(body, material, pressure, procedure)


@variant(
    wall,
    triangles=321,
    displacement=0.26,
    width=3.6,
    height=2.0,
    foot=0.5,
    element="CPE3",
    rough=True,
    procedure=Procedure(speed=0.1, alpha=20.0),
)
def wall_explicit(material: MaterialDefinition = SOIL, **rest) -> Deck:  # fmt: skip
    """[WANG26] 4.2: 3.6 x 2 m, 321 triangles, a rough wall over the upper 1.5 m of the right side, to 0.26 m, explicit.

    The paper calls the motion active and draws its force as a loading curve; here the wall goes into the soil, and a
    negative displacement moves it away. The top has the surcharge that a packing at 100 kPa needs. 0.1 m/s.
    """
    return wall(material, **rest)


def triaxial(
    material: MaterialDefinition = SOIL, *, columns: int = 2, rows: int = 4, element: str = "C3D20R", width: float = 0.05,
    height: float = 0.1, pressure: float = 1e5, strain: float = 0.1, rough: bool = True, procedure: Procedure = HUNDRED,
) -> Deck:  # fmt: skip
    """The laboratory's compression test as a box, width x width x height, in columns x columns x rows solids, static.

    Lateral pressure on the four sides, the top (z = height) pressed down to an axial strain; rough or smooth ends. The
    box is whole: a packing is as symmetric as it is. Raises ConfigError.
    """
    check(element, SOLID_STATIC, width=width, height=height, pressure=pressure, strain=strain)
    if not strain < 0.5:
        raise ConfigError(f"strain {strain:g}: expected less than 0.5")
    side, levels = positions(width, columns, ()), positions(height, rows, ())
    points, cells = meshes.extrude(*meshes.rectangle(side, side), levels)
    if element != "C3D8":
        points, cells = meshes.with_middles(points, cells)
    x, y, z = points.T
    low, high = 1e-9 * width, width * (1 - 1e-9)
    ends = [(name, axis) for name in ("BOTTOM", "TOP") for axis in (1, 2)]
    body = Body(
        f"Triaxial test: {width:g} x {width:g} x {height:g} m, {pressure / 1e3:g} kPa, {len(cells)} {element}",
        element,
        points,
        cells,
        # Smooth ends leave a shift and a turn about the axis, which two corners take away.
        (("BOTTOM", 3), *(ends if rough else (("CORNER", 1), ("CORNER", 2), ("BESIDE", 2)))),
        ("TOP", 3, -strain * height),
        {"SIDES": (lambda p: np.any((p[:, :2] < low) | (p[:, :2] > high), axis=1), pressure)},
        {
            "BOTTOM": where(z == 0), "TOP": where(z == z.max()), "CORNER": where((x == 0) & (y == 0) & (z == 0)),
            "BESIDE": where((x == x.max()) & (y == 0) & (z == 0)),
        },
    )  # fmt: skip
    return deck_of(body, material, pressure, procedure)


PROBLEMS: dict[str, Callable[..., Deck]] = {
    "biaxial": biaxial, "biaxial-explicit": biaxial_explicit, "footing": footing, "footing-explicit": footing_explicit,
    "wall": wall, "wall-explicit": wall_explicit, "triaxial": triaxial,
}  # fmt: skip
