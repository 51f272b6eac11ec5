"""The keywords and parameters that the reader knows. Everything else in a deck is an error.

A parameter's value is checked here: a tuple lists the values allowed, TEXT takes any, FLAG takes none. The table of
docs/decks.md is made from this one (`markdown_table`), and a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pybridge.deck.model import ELEMENT_NODES

TEXT = "text"
FLAG = "flag"
INTEGER = "integer"
NUMBER = "number"
Allowed = str | tuple[str, ...]


@dataclass(frozen=True)
class Keyword:
    """One keyword: parameters with the values allowed, those required, what the data lines hold."""

    parameters: dict[str, Allowed] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    data: str = ""  # in words; "" where the keyword takes no data lines
    note: str = ""
    without_effect: bool = False  # accepted, concerns Abaqus's own files only
    parent: tuple[str, ...] = ()  # keywords it must stand under


MATERIAL_OPTIONS = ("MATERIAL",)

SUPPORTED: dict[str, Keyword] = {
    "HEADING": Keyword(data="free text"),
    "PREPRINT": Keyword(
        {"ECHO": ("YES", "NO"), "MODEL": ("YES", "NO"), "HISTORY": ("YES", "NO"), "CONTACT": ("YES", "NO")},
        without_effect=True,
    ),
    "RESTART": Keyword(
        {"WRITE": FLAG, "NUMBER INTERVAL": INTEGER, "TIME MARKS": ("YES", "NO")},
        ("WRITE",),
        without_effect=True,
    ),
    "INCLUDE": Keyword({"INPUT": TEXT}, ("INPUT",), note="path relative to the file that includes"),
    "PART": Keyword({"NAME": TEXT}, ("NAME",)),
    "END PART": Keyword(),
    "ASSEMBLY": Keyword({"NAME": TEXT}),
    "END ASSEMBLY": Keyword(),
    "INSTANCE": Keyword(
        {"NAME": TEXT, "PART": TEXT}, ("NAME", "PART"), "translation x, y, z", "no rotation; one level"
    ),
    "END INSTANCE": Keyword(),
    "NODE": Keyword({"NSET": TEXT}, data="label, x, y[, z]"),
    "ELEMENT": Keyword(
        {"TYPE": (*ELEMENT_NODES, "MASS"), "ELSET": TEXT},
        ("TYPE",),
        "label, nodes ... (a line that ends with a comma goes on)",
        "explicit: C3D8R, C3D8, CAX4R, CPE3, CPE4R; static: CPE4, CPE6, CPE8(R), C3D8, C3D20(R)",
    ),
    "NSET": Keyword(
        {"NSET": TEXT, "GENERATE": FLAG, "INSTANCE": TEXT, "INTERNAL": FLAG, "UNSORTED": FLAG, "ELSET": TEXT},
        ("NSET",),
        "labels or sets; first, last[, increment] with GENERATE",
        "ELSET: the nodes of those elements, no data lines",
    ),
    "ELSET": Keyword(
        {"ELSET": TEXT, "GENERATE": FLAG, "INSTANCE": TEXT, "INTERNAL": FLAG, "UNSORTED": FLAG},
        ("ELSET",),
        "labels or sets; first, last[, increment] with GENERATE",
    ),
    "SURFACE": Keyword(
        {
            "NAME": TEXT,
            "TYPE": ("ELEMENT", "NODE", "SEGMENTS", "CYLINDER", "REVOLUTION"),
            "INTERNAL": FLAG,
            "FILLET RADIUS": NUMBER,
        },
        ("NAME",),
        "element or set[, S1 to S6]; node or set; START and LINE of an analytical surface",
        "analytical: one LINE is a plane; REVOLUTION, or SEGMENTS beside CAX4R, of a side and a flat face "
        "down to the axis is a flat-ended cylinder",
    ),
    "RIGID BODY": Keyword(
        {"REF NODE": TEXT, "ANALYTICAL SURFACE": TEXT},
        ("REF NODE", "ANALYTICAL SURFACE"),
        note="translations",
    ),
    "MASS": Keyword({"ELSET": TEXT}, ("ELSET",), "mass"),
    "SOLID SECTION": Keyword(
        {"ELSET": TEXT, "MATERIAL": TEXT, "CONTROLS": TEXT}, ("ELSET", "MATERIAL"), "blank, or 1."
    ),
    "SECTION CONTROLS": Keyword(
        {
            "NAME": TEXT,
            "HOURGLASS": ("RELAX STIFFNESS", "STIFFNESS", "VISCOUS", "COMBINED", "ENHANCED"),
            "KINEMATIC SPLIT": ("AVERAGE STRAIN",),
            "SECOND ORDER ACCURACY": ("NO", "YES"),
            "WEIGHT FACTOR": NUMBER,
        },
        ("NAME",),
        "hourglass scale, (rotational), (out of plane), linear, quadratic bulk viscosity scale",
    ),
    "MATERIAL": Keyword({"NAME": TEXT}, ("NAME",)),
    "DENSITY": Keyword(data="density", note="needed in an explicit step", parent=MATERIAL_OPTIONS),
    "DAMPING": Keyword({"ALPHA": NUMBER}, ("ALPHA",), note="explicit step", parent=MATERIAL_OPTIONS),
    "ELASTIC": Keyword({"TYPE": ("ISOTROPIC",)}, data="E, nu", parent=MATERIAL_OPTIONS),
    "PLASTIC": Keyword(
        {"HARDENING": ("ISOTROPIC", "JOHNSON COOK")},
        data="yield stress, plastic strain a line; or A, B, n, m, melting, transition temperature",
        parent=MATERIAL_OPTIONS,
    ),
    "RATE DEPENDENT": Keyword(
        {"TYPE": ("JOHNSON COOK",)}, ("TYPE",), "C, reference rate", parent=("PLASTIC",)
    ),
    "INELASTIC HEAT FRACTION": Keyword(data="fraction (0.9)", parent=MATERIAL_OPTIONS),
    "SPECIFIC HEAT": Keyword(data="specific heat", parent=MATERIAL_OPTIONS),
    "USER MATERIAL": Keyword(
        {"CONSTANTS": INTEGER, "TYPE": ("MECHANICAL",)},
        ("CONSTANTS",),
        "constants, 8 a line",
        parent=MATERIAL_OPTIONS,
    ),
    "DEPVAR": Keyword(
        data="number of state variables; then number, name, description", parent=MATERIAL_OPTIONS
    ),
    "SURFACE INTERACTION": Keyword({"NAME": TEXT}, ("NAME",), "blank, or 1."),
    "FRICTION": Keyword(data="coefficient", parent=("SURFACE INTERACTION",)),
    "SURFACE BEHAVIOR": Keyword({"PRESSURE-OVERCLOSURE": ("HARD",)}, parent=("SURFACE INTERACTION",)),
    "CONTACT PAIR": Keyword(
        {"INTERACTION": TEXT, "MECHANICAL CONSTRAINT": ("KINEMATIC", "PENALTY"), "CPSET": TEXT},
        ("INTERACTION",),
        "deformable surface, analytical surface (in either order)",
    ),
    "CONTACT": Keyword(note="only pairs that *CONTACT INCLUSIONS lists"),
    "CONTACT INCLUSIONS": Keyword(data="deformable surface, analytical surface", parent=("CONTACT",)),
    "CONTACT PROPERTY ASSIGNMENT": Keyword(data=", , interaction", parent=("CONTACT",)),
    "BOUNDARY": Keyword(
        {"TYPE": ("DISPLACEMENT", "VELOCITY"), "OP": ("MOD",), "AMPLITUDE": TEXT},
        data="node or set, first[, last[, value]]; or XSYMM, YSYMM, ZSYMM, PINNED, ENCASTRE",
        note="explicit: a displacement must be 0; static: it grows evenly, or as its amplitude",
    ),
    "AMPLITUDE": Keyword(
        {"NAME": TEXT, "DEFINITION": ("TABULAR",), "TIME": ("STEP TIME",)},
        ("NAME",),
        "time, value, time, value, ... (up to four pairs a line)",
    ),
    "DSLOAD": Keyword(
        {"AMPLITUDE": TEXT, "OP": ("MOD",)},
        data="surface of elements, P, pressure",
        note="explicit: at once, follows the surface; static: grows evenly, on the surface as it stood; or as its amplitude",
    ),
    "INITIAL CONDITIONS": Keyword(
        {"TYPE": ("VELOCITY", "TEMPERATURE", "STRESS")},
        ("TYPE",),
        "node or set, direction, velocity; node or set, temperature; element or set, 11, 22, 33, 12[, 13, 23]",
    ),
    "STEP": Keyword(
        {"NAME": TEXT, "NLGEOM": ("YES", "NO"), "INC": INTEGER, "UNSYMM": ("YES", "NO")},
        note="one step; explicit: NLGEOM=YES, static: not",
        data="free text",
    ),
    "STATIC": Keyword(
        {}, data="first increment, time[, smallest[, largest increment]] (1, 1)", note="small strains"
    ),
    "END STEP": Keyword(),
    "DYNAMIC": Keyword(
        {
            "EXPLICIT": FLAG,
            "ADIABATIC": FLAG,
            "DIRECT USER CONTROL": FLAG,
            "ELEMENT BY ELEMENT": FLAG,
            "SCALE FACTOR": NUMBER,
        },
        ("EXPLICIT",),
        "fixed increment (DIRECT USER CONTROL), time, , largest increment",
    ),
    "BULK VISCOSITY": Keyword(data="linear, quadratic coefficient"),
    "OUTPUT": Keyword(
        {
            "FIELD": FLAG,
            "HISTORY": FLAG,
            "NUMBER INTERVAL": INTEGER,
            "TIME INTERVAL": NUMBER,
            "VARIABLE": ("PRESELECT",),
            "TIME MARKS": ("YES", "NO"),
            "OP": ("NEW", "ADD"),
        },
        note="FIELD or HISTORY",
    ),
    "NODE OUTPUT": Keyword({"NSET": TEXT}, data="variables", parent=("OUTPUT",)),
    "ELEMENT OUTPUT": Keyword(
        {"ELSET": TEXT, "DIRECTIONS": ("YES", "NO")}, data="variables", parent=("OUTPUT",)
    ),
    "ENERGY OUTPUT": Keyword(data="variables", parent=("OUTPUT",)),
}

NODE_VARIABLES = ("U", "V", "A", "RF")
ELEMENT_VARIABLES = (
    "S", "LE", "PE", "PEEQ", "MISES", "SDV", "EVOL", "DENSITY", "STATUS", "TEMP", "ENER",
)  # fmt: skip
ENERGY_VARIABLES = (
    "ALLKE", "ALLIE", "ALLSE", "ALLPD", "ALLAE", "ALLVD", "ALLWK", "ALLFD", "ALLPW", "ALLCW", "ALLMW", "ETOTAL",
)  # fmt: skip
FIELD_PRESELECT = (("U", "V", "A", "RF"), ("S", "LE", "PE", "PEEQ"))


def parameters_in_words(keyword: Keyword) -> str:
    """The parameters and their values, as text for messages and for the table."""
    words = []
    for name, allowed in keyword.parameters.items():
        if isinstance(allowed, tuple):
            words.append(f"{name}={'/'.join(allowed)}")
        else:
            words.append(name if allowed == FLAG else f"{name}={allowed}")
    return ", ".join(words) or "none"


def markdown_table() -> str:
    """The table of docs/decks.md."""
    rows = ["| keyword | parameters | data lines | remarks |", "| --- | --- | --- | --- |"]
    for name, keyword in SUPPORTED.items():
        remarks = [f"under *{' or *'.join(keyword.parent)}"] if keyword.parent else []
        remarks += [keyword.note] if keyword.note else []
        remarks += ["accepted, without effect here"] if keyword.without_effect else []
        rows.append(
            f"| `*{name}` | {parameters_in_words(keyword)} | {keyword.data or 'none'} | {'; '.join(remarks)} |"
        )
    return "\n".join(rows) + "\n"
