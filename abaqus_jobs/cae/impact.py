"""The impact problems of this package built in Abaqus/CAE, written as a deck, and submitted. Runs in Abaqus's Python:

    abaqus cae noGUI=impact.py -- taylor-anvil
    abaqus cae noGUI=impact.py -- copper-rod --parameters mine.json --submit --cpus 8
    abaqus cae noGUI=impact.py -- taylor-anvil --user pybridge_shim.f --submit

or, with abqpy, `python impact.py taylor-anvil`. --parameters: JSON with entries that replace those of PROBLEMS below;
"material": {"name", "density", "elastic": [E, nu]} with "plastic" [[stress, strain], ...], or "johnson_cook" [A, B, n,
m, melting, transition] and "rate" [C, reference], or instead of "elastic" "user": {"constants", "states"}.

The decks that `pybridge` writes itself say the same (abaqus_jobs/rods.py, plate.py): node sets, sections, steps,
materials, contact, conditions; the meshes are CAE's own. Units: m, kg, s.
"""

import json
import math
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # for pyright with abqpy; Abaqus's Python 2.7 has no such names
    from typing import Any, Dict  # noqa: F401

    from abaqus.Mdb.Mdb import Mdb  # noqa: F401
    from abaqus.Model.Model import Model  # noqa: F401
    from abaqus.Part.Part import Part  # noqa: F401
    from abaqus.Region.Region import Region  # noqa: F401

# [LIU22] Table A.1 gives the elastic moduli; see abaqus_jobs/materials.py for all figures.
_BULK, _SHEAR = 48e9, 25e9
_YOUNG = 9 * _BULK * _SHEAR / (3 * _BULK + _SHEAR)
MAGNESIUM_JC = {
    "name": "MAGNESIUM_JC",
    "density": 1.0e4,
    "elastic": [_YOUNG, _YOUNG / (2 * _SHEAR) - 1],
    "johnson_cook": [0.37e6, 548.6e6, 0.198, 1.0, 923.0, 293.0],
    "rate": [0.0982, 1e4],
}
COPPER = {
    "name": "COPPER",
    "density": 8930.0,
    "elastic": [117e9, 0.35],
    "plastic": [[400e6, 0.0], [1400e6, 10.0]],
}
PROBLEMS = {
    "taylor-anvil": {
        "height": 5e-3,
        "radius": 0.5e-3,
        "velocity": 200.0,
        "time": 1e-6,
        "element_size": 1.05e-4,
        "quarter": False,
        "foot": "contact",
        "friction": 0.0,
        "intervals": 20,
        "material": MAGNESIUM_JC,
    },
    "copper-rod": {
        "height": 32.4e-3,
        "radius": 3.2e-3,
        "velocity": 227.0,
        "time": 80e-6,
        "element_size": 4e-4,
        "quarter": True,
        "foot": "held",
        "friction": 0.0,
        "intervals": 20,
        "material": COPPER,
    },
    "plate-impact": {
        "thickness": 1e-3,
        "half_width": 10e-3,
        "radius": 2e-3,
        "fillet_radius": 1e-4,
        "velocity": 200.0,
        "time": 1e-6,
        "element_size": 2.6e-4,
        "layers": 8,
        "friction": 0.0,
        "intervals": 20,
        "material": MAGNESIUM_JC,
    },
}
ENERGIES = (
    "ALLKE", "ALLIE", "ALLSE", "ALLPD", "ALLAE", "ALLVD", "ALLWK", "ALLFD", "ALLPW", "ALLCW", "ALLMW", "ETOTAL",
)  # fmt: skip
STEP = "IMPACT"


def build(mdb, name, p):
    # type: (Mdb, str, dict) -> Model
    """The model of a problem in the model database; p: its parameters."""
    model = mdb.Model(name=name.upper())
    add_material(model, p["material"])
    if name == "plate-impact":
        part, lift = plate_part(model, p), -p["thickness"]
        sets, held, flying = plate_sets(p), (("X0", 1), ("Y0", 2), ("SUPPORT", 3)), None
    else:
        part, lift = rod_part(model, p), 0.0
        sets, held, flying = rod_sets(p)
    add_sets_and_section(part, sets)
    assembly = model.rootAssembly
    body = assembly.Instance(name="BODY-1", part=part, dependent=True)
    if lift:
        assembly.translate(instanceList=("BODY-1",), vector=(0.0, 0.0, lift))
    add_step(model, p)
    for region, axis in held:
        add_displacement(model, region, body.sets[region], (axis,))
    if flying:
        add_velocity(model, "FLIGHT", body.sets[flying], (0.0, 0.0, -p["velocity"]))
    if name == "plate-impact":
        surface = "PROJECTILE"
        add_rigid_body(model, surface, projectile_part(model, p), 2 * p["radius"], -p["velocity"])
    else:
        surface = "WALL"
        add_rigid_body(model, surface, wall_part(model, p), 0.0, 0.0)
    add_contact(model, body.surfaces["SKIN"], surface, p["friction"])
    return model


# --- parts -------------------------------------------------------------------------------------------------------
def rod_part(model, p):
    # type: (Model, dict) -> Part
    """A rod along z with its foot at z = 0; a quarter, or whole and cut in four for the mesh."""
    from abaqusConstants import DEFORMABLE_BODY, THREE_D

    radius = p["radius"]
    sketch = model.ConstrainedSketch(name="SECTION", sheetSize=10 * radius)
    if p["quarter"]:
        sketch.Line(point1=(0.0, 0.0), point2=(radius, 0.0))
        sketch.ArcByCenterEnds(center=(0.0, 0.0), point1=(radius, 0.0), point2=(0.0, radius))
        sketch.Line(point1=(0.0, radius), point2=(0.0, 0.0))
    else:
        sketch.CircleByCenterPerimeter(center=(0.0, 0.0), point1=(radius, 0.0))
    part = model.Part(name="BODY", dimensionality=THREE_D, type=DEFORMABLE_BODY)
    part.BaseSolidExtrude(sketch=sketch, depth=p["height"])
    if not p["quarter"]:
        from abaqusConstants import XZPLANE, YZPLANE

        for plane in (XZPLANE, YZPLANE):
            datum = part.DatumPlaneByPrincipalPlane(principalPlane=plane, offset=0.0)
            part.PartitionCellByDatumPlane(cells=part.cells, datumPlane=part.datums[datum.id])
    mesh_part(part, p["element_size"])
    return part


def plate_part(model, p):
    # type: (Model, dict) -> Part
    """A quarter of a square plate, from z = 0 to its thickness; the assembly moves its top to z = 0."""
    from abaqusConstants import DEFORMABLE_BODY, FINER, THREE_D

    sketch = model.ConstrainedSketch(name="SECTION", sheetSize=4 * p["half_width"])
    sketch.rectangle(point1=(0.0, 0.0), point2=(p["half_width"], p["half_width"]))
    part = model.Part(name="BODY", dimensionality=THREE_D, type=DEFORMABLE_BODY)
    part.BaseSolidExtrude(sketch=sketch, depth=p["thickness"])
    width, middle = p["half_width"], p["thickness"] / 2
    corners = ((0.0, 0.0), (width, 0.0), (width, width), (0.0, width))
    edges = part.edges.findAt(*[((x, y, middle),) for x, y in corners])
    part.seedEdgeByNumber(edges=edges, number=p["layers"], constraint=FINER)
    mesh_part(part, p["element_size"])
    return part


def mesh_part(part, size):
    # type: (Part, float) -> None
    """C3D8R of about that size, with Abaqus's default hourglass control."""
    import mesh
    from abaqusConstants import AVERAGE_STRAIN, C3D8R, EXPLICIT, HEX, RELAX_STIFFNESS

    part.seedPart(size=size)
    part.setMeshControls(regions=part.cells, elemShape=HEX)
    kind = mesh.ElemType(
        elemCode=C3D8R, elemLibrary=EXPLICIT, kinematicSplit=AVERAGE_STRAIN, hourglassControl=RELAX_STIFFNESS
    )
    part.setElementType(regions=(part.cells,), elemTypes=(kind,))
    part.generateMesh()


def wall_part(model, p):
    # type: (Model, dict) -> Part
    """A rigid plane z = 0 whose normal points up the rod."""
    from abaqusConstants import ANALYTIC_RIGID_SURFACE, THREE_D

    sketch = model.ConstrainedSketch(name="WALL", sheetSize=10 * p["radius"])
    sketch.Line(point1=(-3 * p["radius"], 0.0), point2=(3 * p["radius"], 0.0))
    part = model.Part(name="WALL", dimensionality=THREE_D, type=ANALYTIC_RIGID_SURFACE)
    part.AnalyticRigidSurfExtrude(sketch=sketch, depth=6 * p["radius"])
    return part


def projectile_part(model, p):
    # type: (Model, dict) -> Part
    """A rigid flat-ended cylinder about y, its face at y = 0 and its side above; turned about x when it is placed."""
    from abaqusConstants import ANALYTIC_RIGID_SURFACE, THREE_D

    radius, length, fillet = p["radius"], 2 * p["radius"], p["fillet_radius"]
    sketch = model.ConstrainedSketch(name="PROJECTILE", sheetSize=10 * radius)
    sketch.ConstructionLine(point1=(0.0, -radius), point2=(0.0, radius))
    sketch.Line(point1=(radius, length), point2=(radius, fillet))
    if fillet:
        sketch.ArcByCenterEnds(
            center=(radius - fillet, fillet), point1=(radius, fillet), point2=(radius - fillet, 0.0)
        )
    sketch.Line(point1=(radius - fillet, 0.0), point2=(0.0, 0.0))
    part = model.Part(name="PROJECTILE", dimensionality=THREE_D, type=ANALYTIC_RIGID_SURFACE)
    part.AnalyticRigidSurfRevolve(sketch=sketch)
    return part


# --- sets and section --------------------------------------------------------------------------------------------
def rod_sets(p):
    # type: (dict) -> tuple
    """Node sets as conditions on coordinates, what is held, and the set that flies."""
    tiny = 1e-6 * p["radius"]
    sets = {
        "BODY": lambda x, y, z: True,
        "FOOT": lambda x, y, z: z < tiny,
        "TAIL": lambda x, y, z: z > p["height"] - tiny,
        "RIM": lambda x, y, z: z < tiny and math.hypot(x, y) > p["radius"] - tiny,
        "AXIS": lambda x, y, z: math.hypot(x, y) < tiny,
    }
    held, flying = [], "BODY"
    if p["quarter"]:
        sets["X0"] = lambda x, y, z: x < tiny
        sets["Y0"] = lambda x, y, z: y < tiny
        held = [("X0", 1), ("Y0", 2)]
    if p["foot"] == "held":
        sets["FLYING"] = lambda x, y, z: z > tiny
        held.append(("FOOT", 3))
        flying = "FLYING"
    return sets, tuple(held), flying


def plate_sets(p):
    # type: (dict) -> dict
    """Node sets of the plate, in the part's coordinates: bottom at z = 0, top at its thickness."""
    tiny, width, top = 1e-6 * p["half_width"], p["half_width"], p["thickness"]
    return {
        "BODY": lambda x, y, z: True,
        "TOP": lambda x, y, z: z > top - tiny,
        "BOTTOM": lambda x, y, z: z < tiny,
        "SUPPORT": lambda x, y, z: z < tiny and max(x, y) > width - tiny,
        "X0": lambda x, y, z: x < tiny,
        "Y0": lambda x, y, z: y < tiny,
    }


def add_sets_and_section(part, sets):
    # type: (Part, dict) -> None
    """Node sets, the element set ALL with its section, and the surface SKIN of all outer faces."""
    for name in sorted(sets):
        labels = [node.label for node in part.nodes if sets[name](*node.coordinates)]
        part.Set(name=name, nodes=part.nodes.sequenceFromLabels(labels=tuple(labels)))
    part.Set(name="ALL", cells=part.cells)
    outer = [face for face in part.faces if len(face.getAdjacentFaces()) and len(face.getCells()) == 1]
    part.Surface(name="SKIN", side1Faces=tuple(outer))
    part.SectionAssignment(region=part.sets["ALL"], sectionName="SOLID")


def add_material(model, p):
    # type: (Model, dict) -> None
    """*MATERIAL with its section; built-in of Abaqus, or a user material (VUMAT)."""
    from abaqusConstants import JOHNSON_COOK

    material = model.Material(name=p["name"])
    material.Density(table=((p["density"],),))
    if "user" in p:
        material.UserMaterial(mechanicalConstants=tuple(p["user"]["constants"]))
        if p["user"]["states"]:
            material.Depvar(n=p["user"]["states"])
    else:
        material.Elastic(table=(tuple(p["elastic"]),))
    if "plastic" in p:
        material.Plastic(table=tuple(tuple(row) for row in p["plastic"]))
    elif "johnson_cook" in p:
        plastic = material.Plastic(hardening=JOHNSON_COOK, table=(tuple(p["johnson_cook"]),))
        # abqpy knows RateDependent of other plasticity models alone.
        plastic.RateDependent(type=JOHNSON_COOK, table=(tuple(p["rate"]),))  # pyright: ignore
    model.HomogeneousSolidSection(name="SOLID", material=p["name"], thickness=None)


# --- step, conditions, contact -----------------------------------------------------------------------------------
def add_step(model, p):
    # type: (Model, dict) -> None
    """The explicit step and what it writes."""
    model.ExplicitDynamicsStep(
        name=STEP, previous="Initial", timePeriod=p["time"], linearBulkViscosity=0.06, quadBulkViscosity=1.2
    )
    model.FieldOutputRequest(
        name="FIELDS",
        createStepName=STEP,
        variables=("U", "V", "S", "PEEQ", "SDV"),
        numIntervals=p["intervals"],
    )
    model.HistoryOutputRequest(
        name="ENERGIES", createStepName=STEP, variables=ENERGIES, numIntervals=10 * p["intervals"]
    )


def add_displacement(model, name, region, axes):
    # type: (Model, str, Region, tuple) -> None
    """Directions of a set held at 0 from the beginning."""
    values = {}  # type: Dict[str, Any]
    for axis in axes:
        values["u%d" % axis if axis < 4 else "ur%d" % (axis - 3)] = 0.0
    model.DisplacementBC(name=name, createStepName="Initial", region=region, **values)


def add_velocity(model, name, region, velocity):
    # type: (Model, str, Region, tuple) -> None
    """An initial velocity."""
    from abaqusConstants import MAGNITUDE

    model.Velocity(
        name=name,
        region=region,
        velocity1=velocity[0],
        velocity2=velocity[1],
        velocity3=velocity[2],
        omega=0.0,
        axisBegin=(0.0, 0.0, 0.0),
        axisEnd=(0.0, 0.0, 1.0),
        distributionType=MAGNITUDE,
    )


def add_rigid_body(model, name, part, height, velocity):
    # type: (Model, str, Part, float, float) -> None
    """The analytical surface tied to the reference point RIGID_NODE at that height, held, or driven along z."""
    import regionToolset

    assembly = model.rootAssembly
    instance = assembly.Instance(name=name + "-1", part=part, dependent=True)
    # Sketch plane to x-z, so that what is up in the sketch is +z.
    assembly.rotate(
        instanceList=(name + "-1",), axisPoint=(0.0, 0.0, 0.0), axisDirection=(1.0, 0.0, 0.0), angle=90.0
    )
    point = assembly.ReferencePoint(point=(0.0, 0.0, height))
    # abqpy types the repository's keys as text; reference points have numbers.
    handle = assembly.referencePoints[point.id]  # pyright: ignore[reportArgumentType]
    assembly.Set(name="RIGID_NODE", referencePoints=(handle,))
    surface = assembly.Surface(name=name, side1Faces=instance.faces)
    model.RigidBody(
        name=name,
        refPointRegion=regionToolset.Region(referencePoints=(handle,)),
        surfaceRegion=surface,
    )
    axes = (1, 2, 3, 4, 5, 6) if not velocity else (1, 2, 4, 5, 6)
    add_displacement(model, "RIGID_NODE", assembly.sets["RIGID_NODE"], axes)
    if velocity:
        model.VelocityBC(name="DRIVE", createStepName=STEP, region=assembly.sets["RIGID_NODE"], v3=velocity)


def add_contact(model, skin, rigid, friction):
    # type: (Model, Region, str, float) -> None
    """Kinematic contact of the skin with the rigid surface."""
    from abaqusConstants import FINITE, FRICTIONLESS, HARD, KINEMATIC, OFF, PENALTY

    contact = model.ContactProperty("WALL_CONTACT")
    contact.NormalBehavior(pressureOverclosure=HARD)
    if friction:
        contact.TangentialBehavior(formulation=PENALTY, table=((friction,),), fraction=0.005)
    else:
        contact.TangentialBehavior(formulation=FRICTIONLESS)
    model.SurfaceToSurfaceContactExp(
        name=rigid,
        createStepName=STEP,
        main=model.rootAssembly.surfaces[rigid],
        secondary=skin,
        sliding=FINITE,
        interactionProperty="WALL_CONTACT",
        mechanicalConstraint=KINEMATIC,
        useReverseDatumAxis=OFF,
    )


def make_job(mdb, name, user="", cpus=1):
    """A job in double precision; user: the shim, where abaqus_v6.env names no usub_lib_dir."""
    from abaqusConstants import DOMAIN, DOUBLE, FULL

    return mdb.Job(
        name=name.replace("-", "_"),
        model=name.upper(),
        userSubroutine=user,
        numCpus=cpus,
        numDomains=cpus,
        parallelizationMethodExplicit=DOMAIN,
        explicitPrecision=DOUBLE,
        nodalOutputPrecision=FULL,
    )


def read_arguments(words):
    """Problem, parameters, and what to do with the job, from the words behind `--`."""
    import argparse

    parser = argparse.ArgumentParser(prog="impact.py")
    parser.add_argument("problem", choices=sorted(PROBLEMS))
    parser.add_argument("--parameters", help="JSON file with entries that replace the problem's own")
    parser.add_argument("--user", default="", help="source or object of user subroutines (a shim)")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument(
        "--submit", action="store_true", help="submit the job and wait; else write its deck only"
    )
    return parser.parse_args(words)


def parameters(name, path=None):
    """The problem's parameters, with those of a JSON file in their places. Raises ValueError for unknown ones."""
    p = dict(PROBLEMS[name])
    if path:
        with open(path) as stream:
            given = json.load(stream)
        unknown = sorted(set(given) - set(p))
        if unknown:
            raise ValueError(
                "%s: unknown parameters %s; expected %s" % (path, ", ".join(unknown), ", ".join(sorted(p)))
            )
        p.update(given)
    return p


def main(words=None):
    """Build, and write or submit."""
    from abaqus import mdb

    if words is None:
        words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    options = read_arguments(words)
    build(mdb, options.problem, parameters(options.problem, options.parameters))
    job = make_job(mdb, options.problem, options.user, options.cpus)
    if options.submit:
        job.submit()
        job.waitForCompletion()
    else:
        job.writeInput()


if __name__ == "__main__":
    main()
