"""What a deck says, after reading: frozen data for the solver, the writer and the problems.

Nodes and elements are numbered here from 0 in the order of the deck; labels are kept beside them. Sets, surfaces and
boundary conditions hold those indices, sorted and without repetition. Names are upper-cased, as Abaqus does. Units are
those of the deck, and nothing is converted. Directions (degrees of freedom) are 1, 2, 3 as in Abaqus; for CAX4R 1 is r
and 2 is z, plane-strain elements (CPE) lie in 1, 2 and are one unit of length thick. Coordinates always have three columns; the third is 0 in a two-dimensional deck.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DeckError

EXPLICIT_ELEMENTS = ("C3D8R", "C3D8", "CAX4R", "CPE3", "CPE4R")
"""What *DYNAMIC, EXPLICIT runs."""
STATIC_ELEMENTS = ("CPE4", "CPE6", "CPE8", "CPE8R", "C3D8", "C3D20", "C3D20R")
"""What *STATIC runs."""
ELEMENT_NODES = {
    "C3D8R": 8, "C3D8": 8, "C3D20": 20, "C3D20R": 20, "CAX4R": 4, "CPE3": 3, "CPE4": 4, "CPE4R": 4, "CPE6": 6,
    "CPE8": 8, "CPE8R": 8,
}  # fmt: skip
"""Continuum elements a deck may hold, and nodes of each."""


def corners_of(kind: str) -> int:
    """Corners of an element type; the nodes between them follow in the connectivity."""
    return 8 if kind.startswith("C3D") else 3 if kind in ("CPE3", "CPE6") else 4


HOURGLASS_CONTROLS = ("RELAX STIFFNESS", "STIFFNESS", "VISCOUS", "COMBINED", "ENHANCED")


@dataclass(frozen=True, eq=False)
class ElementBlock:
    """Elements of one type in the order of the deck."""

    type: str  # a key of ELEMENT_NODES
    labels: NDArray[np.int64]  # (m,)
    connectivity: NDArray[np.int64]  # (m, nodes of the type), indices of nodes in Abaqus's order


@dataclass(frozen=True, eq=False)
class ElementSurface:
    """*SURFACE, TYPE=ELEMENT: faces of elements, numbered 1..6 (1..4 in 2D) as Abaqus's S1, S2, ..."""

    name: str
    elements: NDArray[np.int64]  # (k,) indices of elements over all blocks
    faces: NDArray[np.int64]  # (k,)
    nodes: NDArray[np.int64]  # indices of all nodes on the faces


@dataclass(frozen=True, eq=False)
class NodeSurface:
    """*SURFACE, TYPE=NODE."""

    name: str
    nodes: NDArray[np.int64]


@dataclass(frozen=True)
class RigidPlane:
    """Analytical rigid plane: *SURFACE, TYPE=CYLINDER in 3D, TYPE=SEGMENTS in 2D, of one straight line.

    The solver takes it as infinite; `along` and `half_width` are the line that the deck draws, and are kept for Abaqus.
    """

    name: str
    point: tuple[float, float, float]  # middle of the line
    normal: tuple[float, float, float]  # unit vector, away from the rigid body: material stays on this side
    along: tuple[float, float, float]  # unit vector of the line
    half_width: float


@dataclass(frozen=True)
class RigidFlatCylinder:
    """Analytical rigid flat-ended cylinder: *SURFACE, TYPE=REVOLUTION (3D) or SEGMENTS (axisymmetric), side and face."""

    name: str
    centre: tuple[float, float, float]  # centre of the flat face
    normal: tuple[float, float, float]  # unit vector along the axis, out of the flat face
    radius: float
    length: float  # of the side, from the face backwards
    fillet_radius: float = 0.0  # of the edge between face and side


AnalyticalSurface = RigidPlane | RigidFlatCylinder
Surface = ElementSurface | NodeSurface | RigidPlane | RigidFlatCylinder


@dataclass(frozen=True)
class RigidBody:
    """*RIGID BODY with an analytical surface. Its motion is that of the reference node, translations only.

    `mass` is that of the element of type MASS on the reference node; 0 where there is none: then every direction in
    which the body could move is prescribed (a body of infinite mass is one whose velocity is prescribed).
    """

    surface: str
    reference_node: int  # index of the node
    mass: float = 0.0


@dataclass(frozen=True)
class Elastic:
    """*ELASTIC, isotropic."""

    young: float
    poisson: float


@dataclass(frozen=True)
class PlasticTable:
    """*PLASTIC, isotropic: (yield stress, plastic strain), strain from 0 and increasing; constant beyond the last."""

    rows: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class JohnsonCook:
    """*PLASTIC, HARDENING=JOHNSON COOK and *RATE DEPENDENT, TYPE=JOHNSON COOK.

    yield = (a + b p^n) (1 + c ln(rate / reference_rate)) (1 - theta^m), theta = (T - transition) / (melt - transition).
    """

    a: float
    b: float
    n: float
    m: float
    melt: float
    transition: float
    c: float = 0.0
    reference_rate: float = 1.0


@dataclass(frozen=True)
class StateName:
    """One data line of *DEPVAR: the state variable's number (from 1), its name and description."""

    number: int
    name: str
    description: str = ""


@dataclass(frozen=True)
class UserMaterial:
    """*USER MATERIAL and *DEPVAR."""

    constants: tuple[float, ...] = ()
    state_size: int = 0
    state_names: tuple[StateName, ...] = ()


@dataclass(frozen=True)
class MaterialDefinition:
    """*MATERIAL: either elastic (with plastic or without), or user. A density of 0: none given (*STATIC)."""

    name: str
    density: float
    elastic: Elastic | None = None
    plastic: PlasticTable | JohnsonCook | None = None
    user: UserMaterial | None = None
    specific_heat: float | None = None
    inelastic_heat_fraction: float | None = None
    damping: float = 0.0  # *DAMPING, ALPHA: force per mass and velocity, 1/time


@dataclass(frozen=True)
class SectionControls:
    """*SECTION CONTROLS. The scale factors multiply the defaults of hourglass stiffness and bulk viscosity."""

    name: str
    hourglass: str = "RELAX STIFFNESS"  # one of HOURGLASS_CONTROLS
    hourglass_scale: float = 1.0
    linear_viscosity_scale: float = 1.0
    quadratic_viscosity_scale: float = 1.0
    weight: float | None = None  # WEIGHT FACTOR of HOURGLASS=COMBINED


@dataclass(frozen=True)
class Section:
    """*SOLID SECTION: the material of an element set, and the controls of its elements."""

    element_set: str
    material: str
    controls: str | None = None  # name of SectionControls; None: Abaqus's defaults


@dataclass(frozen=True, eq=False)
class Boundary:
    """*BOUNDARY: nodes whose displacement is held at 0, or (TYPE=VELOCITY) whose velocity is given.

    `displacement`: in a *STATIC step, what it is to be at its end; it grows evenly unless an amplitude says how.
    `amplitude`: name of the factor over time, "" for none. `region` is what the deck names: a node set or a node's label. `initial` tells model data (before *STEP) from
    step data. Directions 4 to 6 (rotations) concern reference nodes alone.
    """

    region: str
    nodes: NDArray[np.int64]
    first: int
    last: int
    velocity: float = 0.0
    kind: str = "displacement"  # or "velocity"
    initial: bool = True
    displacement: float = 0.0
    amplitude: str = ""


@dataclass(frozen=True, eq=False)
class InitialVelocity:
    """*INITIAL CONDITIONS, TYPE=VELOCITY."""

    region: str
    nodes: NDArray[np.int64]
    direction: int
    value: float


@dataclass(frozen=True, eq=False)
class InitialTemperature:
    """*INITIAL CONDITIONS, TYPE=TEMPERATURE."""

    region: str
    nodes: NDArray[np.int64]
    value: float


@dataclass(frozen=True, eq=False)
class InitialStress:
    """*INITIAL CONDITIONS, TYPE=STRESS: 11, 22, 33, 12, 13, 23 in Abaqus's order, of an element set or element."""

    region: str
    elements: NDArray[np.int64]  # indices over all blocks
    stress: tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Amplitude:
    """*AMPLITUDE: a factor over the time of the step, linear between its points, constant beyond them."""

    name: str
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Pressure:
    """*DSLOAD of type P: pressure on a surface of elements. It follows the surface in an explicit step."""

    surface: str
    value: float
    amplitude: str = ""


@dataclass(frozen=True)
class ContactPair:
    """*CONTACT PAIR of a deformable surface and an analytical rigid one; `friction` is Coulomb's coefficient."""

    deformable: str
    rigid: str
    friction: float = 0.0
    constraint: str = "KINEMATIC"  # or "PENALTY": MECHANICAL CONSTRAINT of the deck
    interaction: str = "FRICTIONLESS"  # name of *SURFACE INTERACTION


@dataclass(frozen=True)
class FieldOutput:
    """*OUTPUT, FIELD: variables at nodes and elements, at `intervals` equal intervals of the step."""

    intervals: int = 20
    node_variables: tuple[str, ...] = ("U", "V")
    element_variables: tuple[str, ...] = ("S", "PEEQ")


@dataclass(frozen=True)
class HistoryOutput:
    """*OUTPUT, HISTORY. `kind`: "energy" (whole model), "node" (of a node set), "element" (of an element set)."""

    kind: str
    variables: tuple[str, ...]
    region: str = ""  # name of a set; "" for the whole model (energy)
    intervals: int = 200


@dataclass(frozen=True)
class ExplicitStep:
    """*DYNAMIC, EXPLICIT. `increment`: the fixed time increment of DIRECT USER CONTROL; None: automatic."""

    name: str
    time: float
    increment: float | None = None
    increment_max: float | None = None
    scale_factor: float = 1.0
    adiabatic: bool = False
    linear_viscosity: float = 0.06
    quadratic_viscosity: float = 1.2
    field_outputs: tuple[FieldOutput, ...] = ()
    history_outputs: tuple[HistoryOutput, ...] = ()


@dataclass(frozen=True)
class StaticStep:
    """*STATIC with small strains (NLGEOM=NO). Increments: of the first, the smallest, the largest."""

    name: str
    time: float = 1.0
    increment: float = 1.0
    increment_min: float | None = None
    increment_max: float | None = None
    field_outputs: tuple[FieldOutput, ...] = ()
    history_outputs: tuple[HistoryOutput, ...] = ()


@dataclass(frozen=True, eq=False)
class Deck:
    """One model and its step. `source` names the file, for messages."""

    node_labels: NDArray[np.int64]  # (n,)
    coordinates: NDArray[np.float64]  # (n, 3)
    elements: tuple[ElementBlock, ...]
    node_sets: dict[str, NDArray[np.int64]]
    element_sets: dict[str, NDArray[np.int64]]  # indices over all blocks
    surfaces: dict[str, Surface]
    materials: dict[str, MaterialDefinition]
    sections: tuple[Section, ...]
    step: ExplicitStep | StaticStep
    section_controls: dict[str, SectionControls] = field(default_factory=dict)
    rigid_bodies: tuple[RigidBody, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    initial_velocities: tuple[InitialVelocity, ...] = ()
    initial_temperatures: tuple[InitialTemperature, ...] = ()
    contact_pairs: tuple[ContactPair, ...] = ()
    heading: str = ""
    source: str = "deck"
    initial_stresses: tuple[InitialStress, ...] = ()
    amplitudes: dict[str, Amplitude] = field(default_factory=dict)
    pressures: tuple[Pressure, ...] = ()

    @property
    def element_count(self) -> int:
        """Number of elements over all blocks."""
        return sum(len(block.labels) for block in self.elements)

    @property
    def element_labels(self) -> NDArray[np.int64]:
        """Labels of all elements, block after block."""
        return np.concatenate([block.labels for block in self.elements] or [np.zeros(0, np.int64)])

    @property
    def axisymmetric(self) -> bool:
        """Whether the elements are axisymmetric (CAX4R)."""
        return any(block.type.startswith("CAX") for block in self.elements)

    @property
    def plane(self) -> bool:
        """Whether the elements are those of plane strain (CPE)."""
        return any(block.type.startswith("CPE") for block in self.elements)

    @property
    def static(self) -> bool:
        """Whether the step is *STATIC."""
        return isinstance(self.step, StaticStep)

    @property
    def explicit_step(self) -> ExplicitStep:
        """The step, which must be *DYNAMIC, EXPLICIT. Raises DeckError."""
        if isinstance(self.step, ExplicitStep):
            return self.step
        raise DeckError(f"{self.source}: *STATIC; expected *DYNAMIC, EXPLICIT")

    @property
    def static_step(self) -> StaticStep:
        """The step, which must be *STATIC. Raises DeckError."""
        if isinstance(self.step, StaticStep):
            return self.step
        raise DeckError(f"{self.source}: *DYNAMIC, EXPLICIT; expected *STATIC")

    def rigid_body(self, surface: str) -> RigidBody:
        """The rigid body of an analytical surface. Raises DeckError where there is none."""
        for body in self.rigid_bodies:
            if body.surface == surface:
                return body
        raise DeckError(f"{self.source}: surface {surface} belongs to no *RIGID BODY; add one that names it")

    def mesh_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest coordinates of the nodes of elements."""
        used = np.unique(np.concatenate([block.connectivity.ravel() for block in self.elements]))
        points = self.coordinates[used]
        return points.min(axis=0), points.max(axis=0)


def unit(vector: tuple[float, float, float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """The vector at length one, as plain numbers."""
    x, y, z = (float(part) for part in vector)
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length)
