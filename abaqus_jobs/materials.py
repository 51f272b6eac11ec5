"""Materials of the problems, as decks define them. SI units."""

from __future__ import annotations

from pybridge.deck.model import Elastic, JohnsonCook, MaterialDefinition, PlasticTable
from pybridge.deck.user_material import user_material as user_material

# [LIU22] Table A.1: lambda_e = 24 GPa, of which Eq. A.3 makes a bulk modulus of 2 lambda_e, and G = 25 GPa. The
# density is printed as 1e4 kg/m3, five times magnesium's; the results of the paper were computed with it, so it is the
# default here.
MAGNESIUM_BULK, MAGNESIUM_SHEAR, MAGNESIUM_DENSITY = 48e9, 25e9, 1.0e4
MAGNESIUM_YOUNG = 9 * MAGNESIUM_BULK * MAGNESIUM_SHEAR / (3 * MAGNESIUM_BULK + MAGNESIUM_SHEAR)
MAGNESIUM_POISSON = MAGNESIUM_YOUNG / (2 * MAGNESIUM_SHEAR) - 1

COPPER = MaterialDefinition(
    "COPPER",
    8930.0,
    Elastic(117e9, 0.35),
    # Linear hardening of 100 MPa a unit of plastic strain; the table is constant beyond its last row.
    PlasticTable(((400e6, 0.0), (1400e6, 10.0))),
)


def magnesium_johnson_cook(density: float = MAGNESIUM_DENSITY) -> MaterialDefinition:
    """A Johnson-Cook magnesium beside the learned one, on the elastic moduli of [LIU22] Table A.1.

    A, B, n, C fit the polycrystal of 128 grains from 1e4 to 1e6 1/s and up to a strain of 0.3 within 8.7 % (rms):
    `pybridge calibrate taylor`. The constants of the paper's empirical law are not printed. Isothermal: no softening.
    """
    law = JohnsonCook(
        a=0.37e6, b=548.6e6, n=0.198, m=1.0, melt=923.0, transition=293.0, c=0.0982, reference_rate=1e4
    )
    return MaterialDefinition("MAGNESIUM_JC", density, Elastic(MAGNESIUM_YOUNG, MAGNESIUM_POISSON), law)
