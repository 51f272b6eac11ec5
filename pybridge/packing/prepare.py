"""Preparation: grains thrown into a loose cell, then compressed evenly to a target pressure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pybridge._core import PackingEngine, PackingParameters, ServoControl, ServoState
from pybridge.errors import MaterialError, PackingError

LOOSE = {2: 0.5, 3: 0.3}  # solid fraction of the thrown grains
CREEP = 2e-6  # inertial number of the volume change that counts as rest
CHECK_STEPS, RENEW_STEPS = 1000, 50


def solid_volume(dim: int, radii: NDArray) -> float:
    """Area of disks, m2, or volume of spheres, m3."""
    return float(np.sum(math.pi * radii**2 if dim == 2 else 4 / 3 * math.pi * radii**3))


def throw(dim: int, radii: NDArray, side: float, seed: int) -> NDArray:
    """(count, dim) centres at random in a periodic square or cube of this side, largest first, none touching.

    Raises PackingError where a grain finds no place in 10,000 tries.
    """
    rng = np.random.default_rng([seed, 2])
    reach = 2 * float(radii.max())
    bins = max(1, int(side / reach))
    near = sorted({tuple(o % bins for o in offset) for offset in itertools.product((-1, 0, 1), repeat=dim)})
    placed: dict[tuple[int, ...], list[int]] = {}
    centres = np.zeros((len(radii), dim))
    for i in np.argsort(-radii, kind="stable"):
        for _ in range(10_000):
            x = rng.random(dim) * side
            home = tuple(min(bins - 1, int(v / side * bins)) for v in x)
            around = [
                j for o in near for j in placed.get(tuple((h + s) % bins for h, s in zip(home, o, strict=True)), [])
            ]  # fmt: skip
            d = centres[around] - x
            d -= side * np.round(d / side)
            if np.all(np.sum(d * d, axis=1) > (radii[around] + radii[i]) ** 2):
                break
        else:
            raise PackingError(
                f"a loose packing of {len(radii)} grains: no place left at {LOOSE[dim]:.0%} solids"
            )
        centres[i] = x
        placed.setdefault(home, []).append(int(i))
    return centres


def copy_parameters(parameters: PackingParameters, **changes: object) -> PackingParameters:
    """The same parameters with some changed."""
    out = PackingParameters()
    for name in PARAMETERS:
        setattr(out, name, changes.get(name, getattr(parameters, name)))
    return out


PARAMETERS = (
    "law", "young", "ratio", "poisson", "friction", "rolling_stiffness", "rolling_friction", "density", "damping",
    "thickness", "step_factor", "skin",
)  # fmt: skip


def inertial_time(packing: PackingEngine, pressure: float) -> float:
    """d sqrt(rho / p), s: the inertial number is this times the strain rate (d the mean diameter)."""
    return 2 * float(np.mean(packing.radius)) * math.sqrt(packing.parameters.density / pressure)


def consolidate(
    packing: PackingEngine,
    pressure: float,
    *,
    tolerance: float = 1e-3,
    inertial_number: float = 1e-2,
    creep: float = CREEP,
    steps_max: int = 2_000_000,
) -> int:
    """Bring every face to `pressure` (Pa, compression positive), in place, until stress and volume stand still.

    Each normal stress ends within `tolerance` of the pressure, shear stresses within it of 0 (the cell shears), and the volume creeps with an inertial number below
    `creep` (2e-6). Fluctuations are then stopped. Returns the steps taken; raises PackingError where `steps_max` do not do.
    """
    if not (math.isfinite(pressure) and pressure > 0):
        raise PackingError(f"consolidation: pressure is {pressure:g} Pa, expected > 0 (compression)")
    time = inertial_time(packing, pressure)
    control, integrals = ServoControl(), ServoState()
    control.offset = [-pressure] * 3
    control.rate_max = inertial_number / time
    control.shear_free = True
    taken = 0
    while taken < steps_max:
        before, spent, error = packing.measure().volume, 0.0, math.inf
        try:
            for _ in range(CHECK_STEPS // RENEW_STEPS):
                dt = packing.time_step  # of Hertz-Mindlin grains it falls as overlaps grow
                error = packing.servo(control, dt, RENEW_STEPS, integrals)
                spent += RENEW_STEPS * dt
        except MaterialError as fault:
            raise PackingError(f"consolidation to {pressure:g} Pa: {fault}") from fault
        taken += CHECK_STEPS
        slow = abs(packing.measure().volume / before - 1) / spent * time < creep
        if error <= tolerance * pressure and slow:
            packing.stop()
            return taken
    stress = -np.diag(packing.measure().stress)[: packing.dim]
    raise PackingError(
        f"consolidation: the faces carry {', '.join(f'{s:.4g}' for s in stress)} Pa after {taken} steps, expected "
        f"{pressure:g} within {tolerance:g} and at rest; take more steps, more damping, or another pressure"
    )


def prepare(
    dim: int,
    radii: Sequence[float] | NDArray,
    pressure: float,
    parameters: PackingParameters | None = None,
    *,
    preparation_friction: float = 0.0,
    preparation_damping: float = 0.5,
    preparation_creep: float | None = None,
    seed: int = 0,
    tolerance: float = 1e-3,
    steps_max: int = 2_000_000,
) -> PackingEngine:
    """A packing of disks (dim 2) or spheres (dim 3) at rest under an even pressure (Pa).

    The grains are consolidated with `preparation_friction`, which sets the density (0: densest), and then given the
    friction of `parameters` (default: [GUAN22] Table 2). Raises PackingError, MaterialError.

    Large frictionless packings rearrange for very long. With `preparation_creep` (an inertial number, 1e-4 say) grains get
    the friction of `parameters` as soon as the volume creeps by less and stresses are within 5 %, and come to rest with it:
    a little looser, and with tangential forces.
    """
    chosen = PackingParameters() if parameters is None else parameters
    sizes = np.asarray(radii, float)
    if dim not in (2, 3) or sizes.ndim != 1 or len(sizes) < 2 or not np.all(sizes > 0):
        raise PackingError("prepare: expected dim 2 or 3 and two radii (m, > 0) or more")
    if preparation_creep is not None and not preparation_creep > 0:
        raise PackingError(f"prepare: preparation_creep is {preparation_creep:g}, expected > 0")
    if preparation_friction < 0:
        raise PackingError(f"prepare: preparation_friction is {preparation_friction:g}, expected >= 0")
    side = (solid_volume(dim, sizes) / LOOSE[dim]) ** (1 / dim)
    cell = np.diag([side, side, side if dim == 3 else chosen.thickness])
    state = {"cell": cell, "position": throw(dim, sizes, side, seed).T.ravel()}
    soft = copy_parameters(chosen, friction=preparation_friction, damping=preparation_damping)
    packing = PackingEngine(dim, sizes, soft, state)
    if preparation_creep is not None:
        near = max(tolerance, 0.05)
        consolidate(packing, pressure, tolerance=near, creep=preparation_creep, steps_max=steps_max)
        packing.parameters = copy_parameters(chosen, damping=preparation_damping)
    consolidate(packing, pressure, tolerance=tolerance, steps_max=steps_max)
    packing.parameters = chosen
    return packing
