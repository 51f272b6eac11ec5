"""Parameters of the grains in these tests."""

from __future__ import annotations

from pybridge._core import ContactLaw, PackingParameters

# Hertz-Mindlin grains: as stiff as the linear ones at this pressure, roughly.
HERTZ = {"law": ContactLaw.hertz, "young": 7e9, "poisson": 0.2, "friction": 0.5}


def parameters(**changes) -> PackingParameters:
    out = PackingParameters()
    for name, value in changes.items():
        setattr(out, name, value)
    return out
