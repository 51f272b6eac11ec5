"""What the problems of soil share: how a deck runs, a body with what is held, moved and pressed, and the deck of both."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from abaqus_jobs import meshes
from abaqus_jobs.decks import skin
from abaqus_jobs.meshes import Cells, Points
from pybridge.deck.faces import faces_of
from pybridge.deck.model import (
    Amplitude,
    Boundary,
    Deck,
    ElementBlock,
    ElementSurface,
    ExplicitStep,
    FieldOutput,
    HistoryOutput,
    InitialStress,
    MaterialDefinition,
    Pressure,
    Section,
    StaticStep,
)
from pybridge.deck.supported import ENERGY_VARIABLES
from pybridge.errors import ConfigError

PLANE_STATIC = ("CPE4", "CPE6", "CPE8", "CPE8R")
PLANE_EXPLICIT = ("CPE3", "CPE4R")
PLANE = (*PLANE_STATIC, *PLANE_EXPLICIT)
SOLID_STATIC = ("C3D8", "C3D20", "C3D20R")


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


@dataclass(frozen=True)
class Body:
    """A mesh with what is held, moved and pressed."""

    heading: str
    kind: str
    points: Points  # (n, 2), or (n, 3) of a solid
    cells: Cells
    held: Sequence[tuple[str, int]]  # node set, direction
    moved: tuple[str, int, float]  # node set, direction, final displacement
    pressed: Mapping[
        str, tuple[Callable[[Points], np.ndarray], float]
    ]  # surface: edges (faces of a solid) by their middles, pressure
    sets: Mapping[str, np.ndarray]
    curve: tuple[tuple[float, float], ...] = field(
        default=((0.0, 1.0), (1.0, 1.0))
    )  # of the pressures over the load


def variant(of: Callable[..., Deck], **defaults: Any) -> Callable[[Callable[..., Deck]], Callable[..., Deck]]:
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


def check(element: str, known: Sequence[str] = PLANE, **lengths: float) -> None:
    """Raises ConfigError for an element that is not known, and lengths or pressures that are not above 0."""
    if element not in known:
        raise ConfigError(f"element {element}: expected one of {', '.join(known)}")
    for name, value in lengths.items():
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{name} = {value:g}: expected more than 0")


def rectangle(
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
        xs = positions(width, columns, breaks.get("top", ()))
        ys = positions(height, rows, breaks.get("right", ()))
        points, cells = meshes.rectangle(xs, ys)
    quadratic = element in ("CPE6", "CPE8", "CPE8R")
    return meshes.with_middles(points, cells) if quadratic else (points, cells)


def positions(length: float, count: int, marks: Sequence[float]) -> Points:
    """count + 1 positions, the nearest inner ones moved to the marks."""
    if count < 1 + len(marks):
        raise ConfigError(f"{count} elements along {length:g} m: expected {1 + len(marks)} or more")
    at = np.linspace(0.0, length, count + 1)
    for mark in marks:
        at[1 + int(np.abs(at[1:-1] - mark).argmin())] = mark
    return at


def deck_of(body: Body, material: MaterialDefinition, pressure: float, how: Procedure) -> Deck:
    n, m = len(body.points), len(body.cells)
    static = how.steps > 0
    if (body.kind in (*PLANE_STATIC, *SOLID_STATIC)) != static:
        kinds = PLANE_STATIC if static else PLANE_EXPLICIT
        others = "a number of steps" if body.kind in SOLID_STATIC else f"one of {', '.join(kinds)}"
        raise ConfigError(f"element {body.kind} does not go with {how}; expected {others}")
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
        coordinates=np.column_stack([body.points, np.zeros((n, 3 - body.points.shape[1]))]),
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


def _surface(name: str, body: Body, pick: Callable[[Points], np.ndarray]) -> ElementSurface:
    """Outer edges, or faces of a solid, whose middle is picked."""
    whole = skin(body.kind, body.cells)
    table = np.array(faces_of(body.kind))
    corners = 2 if body.points.shape[1] == 2 else 4
    ends = body.cells[whole.elements[:, None], table[whole.faces - 1][:, :corners]]
    chosen = pick(body.points[ends].mean(axis=1))
    nodes = body.cells[whole.elements[chosen, None], table[whole.faces[chosen] - 1]]
    return ElementSurface(name, whole.elements[chosen], whole.faces[chosen], np.unique(nodes))
