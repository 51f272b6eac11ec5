"""Names, units and meaning of what a result file holds. Version 1.

    /            attributes: format, format_version, title, axisymmetric, complete, stopped (reason), provenance (JSON)
    /mesh        coordinates (N, 3), node_labels (N,), element_labels (E,), block_0..: connectivity (m, corners)
                 with attribute type; elements are numbered over the blocks
    /frames      time (F,), node/NAME (F, N, components), element/NAME (F, E[, components])
    /history     time (H,), NAME (H,)

Every data set has attributes unit and description. Values are in the units of the deck (Pa, m, s for the shipped ones).
"""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = "pybridge-result"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Field:
    """Unit and meaning of a data set."""

    unit: str
    description: str


NODE_FIELDS = {
    "displacement": Field("m", "displacement"),
    "velocity": Field("m/s", "velocity at the middle of the last step"),
}
ELEMENT_FIELDS = {
    "stress": Field(
        "Pa", "Cauchy stress, global axes, 11 22 33 12 23 13, tension positive, without bulk viscosity"
    ),
    "mises": Field("Pa", "von Mises stress"),
    "pressure": Field("Pa", "-tr(stress) / 3"),
    "deviatoric_strain": Field("1", "e_d = |F^T F / (det F)^(2/3) - I| / 2 [LIU22] 4.1"),
    "volumetric_strain": Field("1", "e_v = det F - 1 [LIU22] 4.1"),
    "status": Field("1", "material: 0 ok, 1 unreliable at this time"),
    "unreliable_so_far": Field("1", "1 where the material was unreliable at any time until now"),
}
HISTORIES = {
    "time": Field("s", "time (energies belong to the middle of the last step)"),
    "dt": Field("s", "time increment"),
    "kinetic": Field("J", "kinetic energy, rigid bodies of finite mass included"),
    "internal": Field("J", "work of the stresses"),
    "plastic": Field("J", "part of it that the materials dissipated"),
    "viscous": Field("J", "work of the bulk viscosity, and of damping proportional to mass"),
    "hourglass": Field("J", "work of the hourglass control"),
    "contact": Field("J", "friction, and what the first touch of nodes takes"),
    "external": Field("J", "work of prescribed velocities, pressures and moving rigid bodies"),
    "total": Field("J", "kinetic + internal + viscous + hourglass + contact - external: constant"),
    "load": Field("1", "load factor of a static run, 0 to 1"),
    "iterations": Field("1", "of the step"),
    "residual": Field("1", "|residual| of the free nodes over |reactions| and |loads|, the larger"),
    "displacement_change": Field(
        "1", "|du_m - du_(m-1)| / |du_(m-1)| of the last iteration [GUAN22] Algorithm 2"
    ),
    "cuts": Field("1", "steps halved so far"),
    "unreliable_points": Field("1", "material points that say they are unreliable"),
}


def describe(name: str) -> Field:
    """Field of a name; state variables and contact histories describe themselves elsewhere."""
    for table in (NODE_FIELDS, ELEMENT_FIELDS, HISTORIES):
        if name in table:
            return table[name]
    return Field("", "")
