"""Fit a classical law to the fine scale: Johnson-Cook, printed as the block of a deck.

  pybridge calibrate taylor --out magnesium_jc.inp
  pybridge calibrate taylor --grains 64 --strain 0.2 --rates 1e4,1e6 --material MINE_JC

A law that has seen the same material is what a surrogate must be compared with. Elastic constants are those of the
virgin fine scale; A, B, n, C are least squares over isochoric compressions and tensions at several rates.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pybridge.errors import ConfigError
from training.calibration import RATES, calibrate_johnson_cook
from training.commands._laws import add_law_arguments, law_of

HELP = "fit a classical law (Johnson-Cook) to the fine scale: the *MATERIAL block of a deck"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `pybridge calibrate --help`."""
    add_law_arguments(parser)
    rates = ",".join(f"{rate:g}" for rate in RATES)
    parser.add_argument("--strain", type=float, default=0.3, help="largest logarithmic strain (0.3)")
    parser.add_argument("--rates", default=rates, metavar="R1,R2,…", help=f"strain rates, 1/s ({rates})")
    parser.add_argument("--material", default="JOHNSON_COOK", metavar="NAME", help="name in the deck")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the block there too")


def run(options: argparse.Namespace) -> int:
    """Fit, say how well, print the block."""
    from pybridge.deck.model import Elastic, JohnsonCook, MaterialDefinition
    from pybridge.deck.writer import material_lines
    from pybridge.report import write_text_atomic

    try:
        rates = tuple(float(part) for part in options.rates.split(","))
    except ValueError as error:
        raise ConfigError(f"--rates {options.rates}: expected numbers separated by commas") from error
    if not rates or min(rates) <= 0:
        raise ConfigError(f"--rates {options.rates}: expected strain rates above zero, 1/s")
    if not 0.02 <= options.strain <= 1.0:
        raise ConfigError(f"--strain {options.strain}: expected 0.02 to 1")
    law = law_of(options)
    fit = calibrate_johnson_cook(law, options.strain, rates)
    plastic = JohnsonCook(
        a=fit.a, b=fit.b, n=fit.n, m=1.0, melt=923.0, transition=293.0, c=fit.c, reference_rate=fit.rate_0
    )
    block = MaterialDefinition(options.material, law.density, Elastic(fit.young, fit.poisson), plastic)
    text = "\n".join(material_lines(block)) + "\n"
    if options.out:
        write_text_atomic(options.out, text)
    print(text, end="")
    print(
        f"** fitted to {law.name}: relative difference of the von Mises stress {100 * fit.error:.1f} % (rms) up to "
        f"{options.strain:g} at {options.rates} 1/s; isothermal"
    )
    return 0
