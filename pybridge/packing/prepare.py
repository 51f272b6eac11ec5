"""Preparation: grains thrown into a loose cell, then compressed evenly to a target pressure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pybridge._core import PackingEngine, PackingMeasures, PackingParameters, ServoControl, ServoState
from pybridge.errors import MaterialError, PackingError
from pybridge.packing.guards import Guards, asymmetry, inertial_time, mean_pressure
from pybridge.packing.records import Watch

LOOSE = {2: 0.5, 3: 0.3}  # solid fraction of the thrown grains
CREEP = 2e-6  # inertial number of the volume change that counts as rest
CHECK_STEPS, RENEW_STEPS = 1000, 50
# For the progress shown alone: solid fractions where grains begin to carry, shares of the work in throwing the grains and
# then in bringing them together; the rest goes by the logarithms of stress error and creep.
DENSE = {2: 0.83, 3: 0.64}
THROWN, TOGETHER = 0.1, 0.3


def solid_volume(dim: int, radii: NDArray) -> float:
    """Area of disks, m2, or volume of spheres, m3."""
    return float(np.sum(math.pi * radii**2 if dim == 2 else 4 / 3 * math.pi * radii**3))


def throw(dim: int, radii: NDArray, side: float, seed: int, watch: Watch | None = None) -> NDArray:
    """(count, dim) centres at random in a periodic square or cube of this side, largest first, none touching.

    Raises PackingError where a grain finds no place in 10,000 tries.
    """
    rng = np.random.default_rng([seed, 2])
    reach = 2 * float(radii.max())
    bins = max(1, int(side / reach))
    near = sorted({tuple(o % bins for o in offset) for offset in itertools.product((-1, 0, 1), repeat=dim)})
    placed: dict[tuple[int, ...], list[int]] = {}
    centres = np.zeros((len(radii), dim))
    for done, i in enumerate(np.argsort(-radii, kind="stable")):
        if watch is not None and done % 100 == 0:
            watch(done / len(radii), "throwing the grains")
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


def consolidate(
    packing: PackingEngine,
    pressure: float,
    *,
    tolerance: float = 1e-3,
    inertial_number: float = 1e-2,
    creep: float = CREEP,
    steps_max: int = 2_000_000,
    guards: Guards | None = None,
    watch: Watch | None = None,
) -> int:
    """Bring every face to `pressure` (Pa, compression positive), in place, until stress and volume stand still.

    Each normal stress ends within `tolerance` of the pressure, shear stresses within it of 0 (the cell shears),
    and the volume creeps with an inertial number below `creep` (2e-6). Fluctuations are then stopped. `watch` is
    told from time to time how far it is. Returns the steps taken; raises PackingError where `steps_max` do not do,
    or a guard does not hold.
    """
    guards = guards or Guards()
    if not (math.isfinite(pressure) and pressure > 0):
        raise PackingError(f"consolidation: pressure is {pressure:g} Pa, expected > 0 (compression)")
    time = inertial_time(packing, pressure)
    control, integrals = ServoControl(), ServoState()
    control.offset = [-pressure] * 3
    control.rate_max = inertial_number / time
    control.shear_free = True
    taken, share = 0, 0.0
    first = packing.measure().volume
    last = first / (1 + packing.measure().void_ratio) / DENSE[packing.dim]
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
        m = packing.measure()
        number = abs(m.volume / before - 1) / spent * time
        at_rest = error <= tolerance * pressure and number < creep
        if at_rest:
            _check(m, packing.dim, pressure, number, guards)
            packing.stop()
            if watch is not None:
                watch(1.0, "at rest")
            return taken
        if watch is not None:
            together = min((first - m.volume) / (first - last), 1.0) if first > last else 1.0
            calm = min(_share(error / pressure, 1.0, tolerance), _share(number, inertial_number, creep))
            share = max(share, TOGETHER * together + (1 - TOGETHER) * calm)
            watch(
                share,
                f"stress off {error / pressure:.1e} (to {tolerance:g}), creep {number:.1e} (to {creep:g})",
            )
    stress = -np.diag(packing.measure().stress)[: packing.dim]
    raise PackingError(
        f"consolidation: the faces carry {', '.join(f'{s:.4g}' for s in stress)} Pa after {taken} steps, expected "
        f"{pressure:g} within {tolerance:g} and at rest; take more steps, more damping, or another pressure"
    )


def _check(m: PackingMeasures, dim: int, pressure: float, inertial: float, guards: Guards) -> None:
    try:
        guards.check(m.overlap, asymmetry(m, dim, pressure), inertial)
    except PackingError as fault:
        raise PackingError(
            f"consolidation to {pressure:g} Pa: at {mean_pressure(m, dim):.4g} Pa and void ratio "
            f"{m.void_ratio:.3g}: {fault}"
        ) from fault


def _share(value: float, begin: float, end: float) -> float:
    """How far a falling value has come from `begin` to `end`, by its logarithm: so do stress and creep die away."""
    return (
        min(max(math.log(begin / max(value, end)) / math.log(begin / end), 0.0), 1.0) if begin > end else 0.0
    )


def _part(watch: Watch | None, begin: float, end: float) -> Watch | None:
    """For a part of the work: its shares from 0 to 1 are those from `begin` to `end` of the whole."""
    if watch is None:
        return None
    return lambda share, text: watch(begin + (end - begin) * share, text)


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
    guards: Guards | None = None,
    watch: Watch | None = None,
) -> PackingEngine:
    """A packing of disks (dim 2) or spheres (dim 3) at rest under an even pressure (Pa).

    The grains are consolidated with `preparation_friction`, which sets the density (0: densest), and then given the
    friction of `parameters` (default: [GUAN22] Table 2). Raises PackingError, also where the packing at rest does
    not keep to `guards` (pybridge/packing/guards.py: the limits of the packing as a material); MaterialError.

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
    thrown = throw(dim, sizes, side, seed, _part(watch, 0.0, THROWN))
    state = {"cell": cell, "position": thrown.T.ravel()}
    soft = copy_parameters(chosen, friction=preparation_friction, damping=preparation_damping)
    packing = PackingEngine(dim, sizes, soft, state)
    begin = THROWN
    if preparation_creep is not None:
        near, middle = max(tolerance, 0.05), 0.5 * (1 + THROWN)
        consolidate(
            packing, pressure, tolerance=near, creep=preparation_creep, steps_max=steps_max, guards=guards,
            watch=_part(watch, begin, middle),
        )  # fmt: skip
        packing.parameters, begin = copy_parameters(chosen, damping=preparation_damping), middle
    consolidate(
        packing,
        pressure,
        tolerance=tolerance,
        steps_max=steps_max,
        guards=guards,
        watch=_part(watch, begin, 1.0),
    )
    packing.parameters = chosen
    return packing
