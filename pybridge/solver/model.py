"""What the solver runs: a mesh with materials, constraints and contacts, all in one consistent system of units.

`pybridge.solver.from_deck` makes it from a deck; tests and scripts may build it directly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import SolverError
from pybridge.solver.geometry import TECHNOLOGIES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Hourglass:
    """Hourglass control of one-point elements. Q resists the hourglass displacement q (hourglass.py).

    kind: RELAX STIFFNESS, STIFFNESS, VISCOUS, COMBINED, ENHANCED as in Abaqus's section controls; scale multiplies the
    default coefficient, weight is the share of stiffness in COMBINED.
    """

    kind: str = "RELAX STIFFNESS"
    scale: float = 1.0
    weight: float = 0.5

    KINDS = ("RELAX STIFFNESS", "STIFFNESS", "VISCOUS", "COMBINED", "ENHANCED")

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS:
            raise SolverError(f"hourglass control {self.kind}: expected one of {', '.join(self.KINDS)}")
        if not self.scale >= 0.0 or not 0.0 <= self.weight <= 1.0:
            raise SolverError(
                f"hourglass control: expected scale >= 0 and weight in 0..1, got {self.scale}, {self.weight}"
            )


@dataclass(frozen=True, eq=False)
class SolverMaterial:
    """A material of the contract (pybridge/material.py) with its density and how it is called.

    nblock: points a call, 0 for as many as the solver has at hand.
    label: what it is, for messages and restart files.
    """

    name: str
    material: Any
    density: float
    nblock: int = 0
    label: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.density) and self.density > 0.0):
            raise SolverError(f"material {self.name}: the density must be positive, got {self.density}")
        if self.nblock < 0:
            raise SolverError(f"material {self.name}: points a call must be 0 or more, got {self.nblock}")


@dataclass(frozen=True, eq=False)
class ElementGroup:
    """Elements of one type, material and hourglass control. connectivity: (m, corners), Abaqus's order, from 0."""

    kind: str
    labels: NDArray[np.int64]
    connectivity: NDArray[np.int64]
    material: SolverMaterial
    hourglass: Hourglass = Hourglass()
    linear_viscosity: float = 0.06
    quadratic_viscosity: float = 1.2
    temperature: Array | None = None  # (m,) initial, K; None: 0, which materials take as unknown
    initial_stress: Array | None = None  # (m, 6) 11, 22, 33, 12, 23, 13; None: 0
    damping: float = 0.0  # force per mass and velocity, 1/s

    def __post_init__(self) -> None:
        if self.kind not in TECHNOLOGIES:
            raise SolverError(f"element type {self.kind}: expected one of {', '.join(TECHNOLOGIES)}")
        if not self.damping >= 0.0:
            raise SolverError(f"damping of elements {self.kind}: expected 0 or more, got {self.damping}")


@dataclass(frozen=True)
class Curve:
    """A factor over time, linear between its points, constant beyond them."""

    times: tuple[float, ...] = (0.0,)
    values: tuple[float, ...] = (1.0,)

    def __call__(self, time: float) -> float:
        return float(np.interp(time, self.times, self.values))


@dataclass(frozen=True, eq=False)
class SurfacePressure:
    """Pressure value * curve(time), Pa, on faces (m, k): k = 2 nodes of edges in the element's order, or 4 of faces with
    the outward normal by the right hand. It follows the surface."""

    faces: NDArray[np.int64]
    value: float
    curve: Curve = Curve()


@dataclass(frozen=True, eq=False)
class Prescribed:
    """Velocity component (0, 1, 2) of nodes: velocity * curve(time) (0: fixed).

    name: of the history of the force that moves the nodes, "" for none.
    """

    nodes: NDArray[np.int64]
    component: int
    velocity: float = 0.0
    curve: Curve = Curve()
    name: str = ""


@dataclass(frozen=True, eq=False)
class PlaneContact:
    """Nodes against an infinite rigid plane; normal points to the side where material is. velocity: of the plane."""

    nodes: NDArray[np.int64]
    point: tuple[float, float, float]
    normal: tuple[float, float, float]
    friction: float = 0.0
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mass: float = np.inf
    free: tuple[bool, bool, bool] = (False, False, False)
    name: str = "plane"


@dataclass(frozen=True, eq=False)
class CylinderContact:
    """Nodes against a rigid flat-ended cylinder: face with centre and outward normal, side of a radius, edge rounded
    with fillet_radius. mass: infinite, or finite (then it moves freely in the directions that are free)."""

    nodes: NDArray[np.int64]
    centre: tuple[float, float, float]
    normal: tuple[float, float, float]
    radius: float
    length: float = np.inf
    fillet_radius: float = 0.0
    friction: float = 0.0
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mass: float = np.inf
    free: tuple[bool, bool, bool] = (True, True, True)
    name: str = "cylinder"


@dataclass(frozen=True, eq=False)
class Model:
    """A problem. coordinates: (N, 3); flat meshes use the first two columns (r, z or x, y)."""

    node_labels: NDArray[np.int64]
    coordinates: Array
    groups: tuple[ElementGroup, ...]
    velocity: Array  # (N, 3), initial
    prescribed: tuple[Prescribed, ...] = ()
    contacts: tuple[PlaneContact | CylinderContact, ...] = ()
    title: str = ""
    node_sets: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    pressures: tuple[SurfacePressure, ...] = ()

    def __post_init__(self) -> None:
        kinds = [TECHNOLOGIES[g.kind] for g in self.groups]
        if len({(t.dimension, t.axisymmetric) for t in kinds}) != 1:
            raise SolverError(
                "a model needs elements, all of them in 3D, all axisymmetric or all in plane strain"
            )
        if not (np.isfinite(self.coordinates).all() and np.isfinite(self.velocity).all()):
            raise SolverError("coordinates and initial velocities must be finite numbers")

    @property
    def axisymmetric(self) -> bool:
        """Whether the mesh is (r, z)."""
        return TECHNOLOGIES[self.groups[0].kind].axisymmetric

    @property
    def flat(self) -> bool:
        """Whether the mesh is two-dimensional: axisymmetric or in plane strain."""
        return TECHNOLOGIES[self.groups[0].kind].dimension == 2

    @property
    def element_count(self) -> int:
        """Number of elements."""
        return sum(len(g.labels) for g in self.groups)


@dataclass(frozen=True)
class Controls:
    """How a run is stepped. increment: fixed time step, None for automatic. threads: 0 reads PYBRIDGE_NUM_THREADS."""

    end_time: float
    scale_factor: float = 0.9
    increment: float | None = None
    increment_max: float | None = None
    frames: int = 20
    history_points: int = 200
    threads: int = 0
    restart_seconds: float = 30.0
    max_cuts: int = 8
    chunk: int = 5000  # points handled at once: fewer cost calls, more do not fit the cache
    unreliable_is_fatal: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.end_time) and self.end_time > 0.0):
            raise SolverError(f"time of the step: expected a positive number, got {self.end_time}")
        if not 0.0 < self.scale_factor <= 2.0:
            raise SolverError(
                f"scale factor of the time increment: expected 0 < factor <= 2, got {self.scale_factor}"
            )
        if self.increment is not None and not self.increment > 0.0:
            raise SolverError(f"fixed time increment: expected a positive number, got {self.increment}")
