"""Materials of the problems, as decks define them. SI units."""

from __future__ import annotations

from pybridge.deck.model import Elastic, JohnsonCook, MaterialDefinition, PlasticTable
from pybridge.deck.user_material import user_material as user_material

# [LIU22] Table A.1: Lame moduli 24 and 25 GPa. The density is printed as 1e4 kg/m3, five times magnesium's; the
# results of the paper were computed with it, so it is the default here.
MAGNESIUM_LAME, MAGNESIUM_SHEAR, MAGNESIUM_DENSITY = 24e9, 25e9, 1.0e4
MAGNESIUM_YOUNG = (
    MAGNESIUM_SHEAR * (3 * MAGNESIUM_LAME + 2 * MAGNESIUM_SHEAR) / (MAGNESIUM_LAME + MAGNESIUM_SHEAR)
)
MAGNESIUM_POISSON = MAGNESIUM_LAME / (2 * (MAGNESIUM_LAME + MAGNESIUM_SHEAR))

COPPER = MaterialDefinition(
    "COPPER",
    8930.0,
    Elastic(117e9, 0.35),
    # Linear hardening of 100 MPa a unit of plastic strain; the table is constant beyond its last row.
    PlasticTable(((400e6, 0.0), (1400e6, 10.0))),
)


def magnesium_johnson_cook(density: float = MAGNESIUM_DENSITY) -> MaterialDefinition:
    """A Johnson-Cook magnesium beside the learned one, on the elastic moduli of [LIU22] Table A.1.

    A, B, n, C are figures published for rolled AZ31B at high rates (order of magnitude of the paper's empirical law,
    whose constants are not printed). Isothermal: no softening.
    """
    law = JohnsonCook(
        a=153e6, b=291.8e6, n=0.1026, m=1.0, melt=923.0, transition=298.0, c=0.013, reference_rate=1.0
    )
    return MaterialDefinition("MAGNESIUM_JC", density, Elastic(MAGNESIUM_YOUNG, MAGNESIUM_POISSON), law)
