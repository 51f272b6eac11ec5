"""Problems of soil mechanics as decks: biaxial test, strip footing, retaining wall. SI units, plane strain, tension positive.

Soil is consolidated under `pressure` before the test (*INITIAL CONDITIONS, TYPE=STRESS), which the free surfaces keep up
from the start; there is no gravity, as in the papers. `steps` makes a *STATIC step of so many increments; an explicit
deck moves at constant velocity after a ramp over a tenth of the time.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from abaqus_jobs import meshes
from abaqus_jobs.decks import skin, where
from abaqus_jobs.meshes import Cells, Points
from pybridge.deck.model import (
    Amplitude,
    Boundary,
    Deck,
    Elastic,
    ElementBlock,
    ElementSurface,
    ExplicitStep,
    FieldOutput,
    HistoryOutput,
    InitialStress,
    MaterialDefinition,
    PlasticTable,
    Pressure,
    Section,
    StaticStep,
)
from pybridge.deck.supported import ENERGY_VARIABLES
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
PLANE_STATIC = ("CPE4", "CPE6", "CPE8", "CPE8R")
PLANE_EXPLICIT = ("CPE3", "CPE4R")


@dataclass(frozen=True)
class Procedure:
    """How a deck runs. static: increments of the load (`steps`). explicit: time (s) of the step or speed (m/s) of what is
    moved (neither: 1 s), alpha (1/s) of the damping, mass_scale (factor on the density, so that slow tests take fewer
    steps), increment (s) or None for automatic. intervals: of the fields."""

    steps: int = 0
    time: float | None = None
    speed: float | None = None
    alpha: float = 0.0
    mass_scale: float = 1.0
    increment: float | None = None
    intervals: int = 20

    def __post_init__(self) -> None:
        given = [v for v in (self.time, self.speed, self.increment) if v is not None]
        good = self.steps >= 0 and self.intervals >= 1 and 0 <= self.alpha < math.inf
        if not good or not all(0 < v < math.inf for v in (*given, self.mass_scale)):
            raise ConfigError(f"procedure of a soil problem out of range: {self}")
        if self.time is not None and self.speed is not None:
            raise ConfigError(f"time={self.time:g}, speed={self.speed:g}: expected one of the two")

    @property
    def keys(self) -> tuple[str, ...]:
        """The values that this procedure makes use of."""
        explicit = ("time", "speed", "alpha", "mass_scale", "increment")
        return ("steps", "intervals") if self.steps else (*explicit, "intervals")

    def changed(self, **values: Any) -> Procedure:
        """With these values and all others as they are; a time takes the place of a speed. Raises ConfigError."""
        instead = {"time": "speed", "speed": "time"}
        new = replace(
            self, **({instead[k]: None for k, v in values.items() if k in instead and v is not None} | values)
        )
        if unused := [key for key in values if key not in (*new.keys, "steps")]:
            kind = "static" if new.steps else "explicit"
            raise ConfigError(
                f"{', '.join(unused)}: of no use in a step that is {kind}; expected {', '.join(new.keys)}"
            )
        return new

    def duration(self, way: float) -> float:
        """Seconds of the step, in which something is moved so far (m); a static one goes from 0 to 1."""
        if self.steps:
            return 1.0
        return self.time or (abs(way) / self.speed if self.speed else 1.0)


HUNDRED, FIFTY_EIGHT = Procedure(steps=100), Procedure(steps=58)


@dataclass(frozen=True)
class _Body:
    """A mesh with what is held, moved and pressed."""

    heading: str
    kind: str
    points: Points  # (n, 2)
    cells: Cells
    held: Sequence[tuple[str, int]]  # node set, direction
    moved: tuple[str, int, float]  # node set, direction, final displacement
    pressed: Mapping[
        str, tuple[Callable[[Points], np.ndarray], float]
    ]  # surface: edges by their middles, pressure
    sets: Mapping[str, np.ndarray]
    curve: tuple[tuple[float, float], ...] = field(
        default=((0.0, 1.0), (1.0, 1.0))
    )  # of the pressures over the load


def _variant(
    of: Callable[..., Deck], **defaults: Any
) -> Callable[[Callable[..., Deck]], Callable[..., Deck]]:
    """The parameters of another problem with other defaults, for a function that hands them on."""

    def decorate(function: Callable[..., Deck]) -> Callable[..., Deck]:
        @functools.wraps(function)
        def called(*args: Any, **given: Any) -> Deck:
            return function(*args, **(defaults | given))

        own = inspect.signature(of, eval_str=True)
        known = [p.replace(default=defaults.get(p.name, p.default)) for p in own.parameters.values()]
        called.__signature__ = own.replace(parameters=known)  # type: ignore[attr-defined]
        return called

    return decorate


def biaxial(
    material: MaterialDefinition = SOIL, *, columns: int = 2, rows: int = 4, triangles: int = 0, element: str = "CPE8R",
    width: float = 0.05, height: float = 0.1, pressure: float = 1e5, strain: float = 0.1, rough: bool = True,
    curve: tuple[tuple[float, float], ...] = ((0.0, 1.0), (1.0, 1.0)), procedure: Procedure = HUNDRED,
) -> Deck:  # fmt: skip
    """[GUAN22] 4.1, Fig. 6: lateral pressure, the top pressed down to an axial strain; rough or smooth ends.

    columns x rows quadrilaterals, or as many `triangles`. curve: factor of the lateral pressure over the load (0 to 1),
    for the paper's random paths. [WANG26] 4.1 is biaxial_explicit(). Raises ConfigError.
    """
    _check(element, width=width, height=height, pressure=pressure, strain=strain)
    if not strain < 0.5:
        raise ConfigError(f"strain {strain:g}: expected less than 0.5")
    times = [t for t, _ in curve]
    if len(times) < 2 or (times[0], times[-1]) != (0, 1) or any(a >= b for a, b in itertools.pairwise(times)):
        raise ConfigError(f"curve {curve}: expected pairs of load and factor, the load growing from 0 to 1")
    points, cells = _rectangle(element, width, height, columns, rows, triangles)
    x, y = points.T
    body = _Body(
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
    return _deck(body, material, pressure, procedure)


def biaxial_case(name: str, material: MaterialDefinition = SOIL, **rest) -> Deck:
    """The run of [GUAN22] case A to F: 2 x 4 or 8 x 16 elements; CASES tells what the network is trained on."""
    if name not in CASES:
        raise ConfigError(f"case {name!r}: expected one of {', '.join(CASES)}")
    columns, rows = MESHES[CASES[name][1]]
    return biaxial(material, columns=columns, rows=rows, **rest)


@_variant(biaxial, triangles=484, element="CPE3", procedure=Procedure(time=1.0, alpha=20.0, mass_scale=100.0))
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
    _check(
        element, width=width, depth=depth, half_footing=half_footing, pressure=pressure, settlement=settlement
    )
    if not half_footing < width:
        raise ConfigError(f"half_footing {half_footing:g}: expected less than the width {width:g}")
    edge = half_footing

    def size(p: Points) -> np.ndarray:
        away = np.hypot(np.maximum(p[:, 0] - edge, 0), depth - p[:, 1])
        return 0.2 + 0.5 * away / depth

    points, cells = _rectangle(element, width, depth, columns, rows, triangles, {"top": [edge]}, size)
    x, y = points.T
    low = 1e-9 * width
    body = _Body(
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
    return _deck(body, material, pressure, procedure)


@_variant(
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
    _check(element, width=width, height=height, pressure=pressure)
    if not 0 <= foot < height or not 0 < abs(displacement) <= 0.3 * width:
        raise ConfigError(
            f"foot {foot:g}, displacement {displacement:g}: expected 0 up to the height {height:g}, and up to 0.3 widths"
        )
    breaks = {"right": [foot]} if foot > 0 else {}
    points, cells = _rectangle(element, width, height, columns, rows, triangles, breaks)
    x, y = points.T
    low = 1e-9 * width
    right = x == x.max()
    below = right & (y < foot - low) & (y > 0)
    body = _Body(
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
    return _deck(body, material, pressure, procedure)


@_variant(
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


PROBLEMS: dict[str, Callable[..., Deck]] = {
    "biaxial": biaxial, "biaxial-explicit": biaxial_explicit, "footing": footing, "footing-explicit": footing_explicit,
    "wall": wall, "wall-explicit": wall_explicit,
}  # fmt: skip


def _check(element: str, **lengths: float) -> None:
    if element not in (*PLANE_STATIC, *PLANE_EXPLICIT):
        raise ConfigError(f"element {element}: expected one of {', '.join((*PLANE_STATIC, *PLANE_EXPLICIT))}")
    for name, value in lengths.items():
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{name} = {value:g}: expected more than 0")


def _rectangle(
    element: str, width: float, height: float, columns: int, rows: int, triangles: int,
    breaks: Mapping[str, Sequence[float]] | None = None, size: Callable[[Points], np.ndarray] | None = None,
) -> tuple[Points, Cells]:  # fmt: skip
    """Nodes and cells of an element type; a grid of quadrilaterals has lines at the breaks."""
    breaks = breaks or {}
    if element in ("CPE3", "CPE6"):
        number = triangles or 2 * columns * rows
        try:
            points, cells = meshes.triangles(width, height, number, breaks, size)
        except ValueError as error:
            raise ConfigError(f"triangles={number}: {error}") from None
    else:
        xs = _positions(width, columns, breaks.get("top", ()))
        ys = _positions(height, rows, breaks.get("right", ()))
        points, cells = meshes.rectangle(xs, ys)
    quadratic = element in ("CPE6", "CPE8", "CPE8R")
    return meshes.with_middles(points, cells) if quadratic else (points, cells)


def _positions(length: float, count: int, marks: Sequence[float]) -> Points:
    """count + 1 positions, the nearest inner ones moved to the marks."""
    if count < 1 + len(marks):
        raise ConfigError(f"{count} elements along {length:g} m: expected {1 + len(marks)} or more")
    at = np.linspace(0.0, length, count + 1)
    for mark in marks:
        at[1 + int(np.abs(at[1:-1] - mark).argmin())] = mark
    return at


def _deck(body: _Body, material: MaterialDefinition, pressure: float, how: Procedure) -> Deck:
    n, m = len(body.points), len(body.cells)
    static = how.steps > 0
    if (body.kind in PLANE_STATIC) != static:
        kinds = PLANE_STATIC if static else PLANE_EXPLICIT
        raise ConfigError(f"element {body.kind} does not go with {how}; expected one of {', '.join(kinds)}")
    if not static:
        material = replace(material, density=material.density * how.mass_scale, damping=how.alpha)
    region, direction, reach = body.moved
    end = how.duration(reach)
    amplitudes = {
        "HOLD": Amplitude(
            "HOLD", tuple(float(t * end) for t, _ in body.curve), tuple(float(v) for _, v in body.curve)
        )
    }
    boundaries = [Boundary(name, body.sets[name], axis, axis) for name, axis in body.held]
    if static:
        motion = Boundary(region, body.sets[region], direction, direction, initial=False, displacement=reach)
        step: StaticStep | ExplicitStep = StaticStep(
            "LOAD", 1.0, 1.0 / how.steps, None, 1.0 / how.steps, (FieldOutput(how.intervals),)
        )
    else:
        # The velocity grows over a tenth of the time, so that 0.95 of it make the way.
        amplitudes["RAMP"] = Amplitude("RAMP", (0.0, 0.1 * end), (0.0, 1.0))
        motion = Boundary(
            region,
            body.sets[region],
            direction,
            direction,
            reach / (0.95 * end),
            "velocity",
            False,
            amplitude="RAMP",
        )
        step = ExplicitStep(
            "LOAD",
            end,
            increment=how.increment,
            field_outputs=(FieldOutput(how.intervals, ("U", "V"), ("S", "SDV")),),
            history_outputs=(HistoryOutput("energy", ENERGY_VARIABLES, "", 10 * how.intervals),),
        )
    stress = InitialStress("ALL", np.arange(m), (-pressure, -pressure, -pressure, 0.0, 0.0, 0.0))
    surfaces = {name: _surface(name, body, pick) for name, (pick, _) in body.pressed.items()}
    return Deck(
        node_labels=np.arange(1, n + 1),
        coordinates=np.column_stack([body.points, np.zeros(n)]),
        elements=(ElementBlock(body.kind, np.arange(1, m + 1), body.cells),),
        node_sets={name: np.unique(nodes) for name, nodes in body.sets.items()},
        element_sets={"ALL": np.arange(m)},
        surfaces=dict(surfaces),
        materials={material.name: material},
        sections=(Section("ALL", material.name, None),),
        step=step,
        boundaries=(*boundaries, motion),
        heading=body.heading,
        source=body.heading,
        initial_stresses=(stress,),
        amplitudes=amplitudes,
        pressures=tuple(Pressure(name, value, "HOLD") for name, (_, value) in body.pressed.items()),
    )


def _surface(name: str, body: _Body, pick: Callable[[Points], np.ndarray]) -> ElementSurface:
    """Outer edges whose middle is picked."""
    from pybridge.deck.faces import faces_of

    whole = skin(body.kind, body.cells)
    table = np.array(faces_of(body.kind))
    ends = body.cells[whole.elements[:, None], table[whole.faces - 1][:, :2]]
    chosen = pick(body.points[ends].mean(axis=1))
    nodes = body.cells[whole.elements[chosen, None], table[whole.faces[chosen] - 1]]
    return ElementSurface(name, whole.elements[chosen], whole.faces[chosen], np.unique(nodes))
