"""Samplers of deformation histories U(t), 0 <= t <= T, of [LIU22] 3.2 and beside it.

A history is the right stretch in tensor components 11, 22, 33, 12, 23, 13, shape [steps + 1, 6], U(0) = I.
Path i of a seed is drawn from its own random stream: it depends on seed and i alone, never on how many paths
are drawn or by how many processes.

Random walks, [LIU22] 3.2: (U_ij)_n = (U_ij)_{n-1} + v U_max sqrt(dt_n / T) with v = +-1 (Rademacher), drawn for
each component and interval; N = 10 intervals. The nodes are joined by cubic Hermite pieces with the tangents of
Fritsch and Carlson (PCHIP; at the ends the one-sided three-point formula with the same limiter): the history
does not overshoot its nodes and rests for a moment where it turns. U_max is the standard deviation of a component
at T; a single component may reach sqrt(N) U_max. Random intervals are uniform spacings of (0, T) with no interval
below one hundredth of T, so that 1000 steps resolve every turn.

Where an eigenvalue of U falls below MIN_STRETCH the path is rejected and drawn again from the same stream; the
number of rejections is reported with the path (at U_max = 10 % below one in 100, at 50 % most).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from pybridge.errors import ConfigError
from training.tensors import IDENTITY, determinant, positive_definite, to_components

MIN_STRETCH = 0.2
MAX_REDRAWS = 10_000
MIN_INTERVAL = 0.01


@dataclass(frozen=True)
class PathSpec:
    """What to draw: protocol (see PROTOCOLS), largest strain, duration T in s, time steps, N, seed."""

    protocol: str
    strain: float
    duration: float = 1e-6
    steps: int = 1000
    intervals: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ConfigError(
                f"protocol {self.protocol!r}: no such protocol; expected one of {', '.join(PROTOCOLS)}"
            )
        for name, good, expected in (
            ("strain", 0 < self.strain <= 1, "above 0 and at most 1 (0.1 is 10 %)"),
            ("duration", 0 < self.duration < np.inf, "a time in s above 0"),
            ("steps", self.steps >= 10, "at least 10"),
            ("intervals", 1 <= self.intervals <= 90, "1 to 90"),
            ("seed", self.seed >= 0, "0 or more"),
        ):
            if not good:
                raise ConfigError(f"{name} = {getattr(self, name)}: expected {expected}")

    def time(self) -> NDArray:
        """Times of the steps, s, shape [steps + 1]."""
        return np.linspace(0.0, self.duration, self.steps + 1)


@dataclass(frozen=True)
class Path:
    """A history [steps + 1, 6] and how many draws were rejected before it."""

    stretch: NDArray
    redraws: int


def sample(spec: PathSpec, index: int) -> Path:
    """Path `index` of the stream of `spec`; raises ConfigError where nothing admissible can be drawn."""
    rng = np.random.default_rng([spec.seed, index])
    draw = PROTOCOLS[spec.protocol]
    s = np.linspace(0.0, 1.0, spec.steps + 1)
    for redraws in range(MAX_REDRAWS):
        stretch = draw(rng, spec, s)
        if positive_definite(stretch, MIN_STRETCH).all():
            stretch[0] = IDENTITY  # exactly, also where the axes are rotated
            return Path(stretch, redraws)
    raise ConfigError(
        f"protocol {spec.protocol}, strain {spec.strain}: none of {MAX_REDRAWS} draws kept every principal stretch "
        f"above {MIN_STRETCH}; lower the strain"
    )


def _nodes(rng: np.random.Generator, n: int, fixed: bool) -> NDArray:
    """Times of the nodes as fractions of T, [n + 1]."""
    if fixed:
        return np.linspace(0.0, 1.0, n + 1)
    free = rng.dirichlet(np.ones(n)) * (1.0 - n * MIN_INTERVAL)
    return np.concatenate([[0.0], np.cumsum(free + MIN_INTERVAL)[:-1], [1.0]])


def _walk(rng: np.random.Generator, spec: PathSpec, s: NDArray, fixed: bool) -> NDArray:
    nodes = _nodes(rng, spec.intervals, fixed)
    signs = rng.integers(0, 2, size=(spec.intervals, 6)) * 2 - 1
    increments = signs * spec.strain * np.sqrt(np.diff(nodes))[:, None]
    strain = np.concatenate([np.zeros((1, 6)), np.cumsum(increments, axis=0)])
    return IDENTITY + PchipInterpolator(nodes, strain, axis=0)(s)


def _random(rng: np.random.Generator, spec: PathSpec, s: NDArray) -> NDArray:
    return _walk(rng, spec, s, fixed=False)


def _fixed(rng: np.random.Generator, spec: PathSpec, s: NDArray) -> NDArray:
    return _walk(rng, spec, s, fixed=True)


def isochoric(stretch: NDArray) -> NDArray:
    """U / det(U)^(1/3); where det U <= 0 the history is left as it is, and rejected by sample()."""
    volume = determinant(stretch)
    return stretch if (volume <= 0).any() else stretch / np.cbrt(volume)[..., None]


def _random_isochoric(rng: np.random.Generator, spec: PathSpec, s: NDArray) -> NDArray:
    return isochoric(_walk(rng, spec, s, fixed=False))


def _varied_isochoric(rng: np.random.Generator, spec: PathSpec, s: NDArray) -> NDArray:
    """Isochoric walks of every size: amplitude log-uniform between strain / 100 and strain."""
    size = 10 ** rng.uniform(-2, 0)
    walk = _walk(rng, spec, s, fixed=False)
    return isochoric(IDENTITY + size * (walk - IDENTITY))


def _frame(rng: np.random.Generator) -> NDArray:
    """A rotation, uniform on the rotation group: [3, 3], columns are the axes."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def _in_frame(principal: NDArray, frame: NDArray) -> NDArray:
    """Histories of three principal stretches [n, 3] along the axes of `frame` -> components [n, 6]."""
    # I + Q (L - I) Q^T: exactly I at rest
    return IDENTITY + to_components(np.einsum("ia,na,ja->nij", frame, principal - 1.0, frame))


def _amplitude(rng: np.random.Generator, spec: PathSpec) -> float:
    """Signed final strain of a simple test: between a tenth and the whole of the largest strain."""
    return spec.strain * rng.uniform(0.1, 1.0) * rng.choice([-1.0, 1.0])


def _ramp(s: NDArray) -> NDArray:
    return s


def _there_and_back(s: NDArray) -> NDArray:
    return np.where(s < 0.5, 2 * s, 2 - 2 * s)


def _uniaxial(shape: Callable[[NDArray], NDArray], keep_volume: bool) -> Callable:
    """U = 1 + c f(t) along a random axis; across it 1 (uniaxial strain), or (1 + c f)^-1/2 (isochoric)."""

    def draw(rng: np.random.Generator, spec: PathSpec, s: NDArray) -> NDArray:
        axial = 1.0 + _amplitude(rng, spec) * shape(s)
        across = axial**-0.5 if keep_volume else np.ones_like(axial)
        return _in_frame(np.stack([axial, across, across], axis=1), _frame(rng))

    return draw


def _cavity(rng: np.random.Generator, spec: PathSpec, s: NDArray) -> NDArray:
    """U1 = 1 / U2 = 1 / sqrt(1 + c t^2), U3 = 1 along random axes; c from the final strain of U1."""
    c = (1.0 - abs(_amplitude(rng, spec))) ** -2 - 1.0
    first = 1.0 / np.sqrt(1.0 + c * s**2)
    return _in_frame(np.stack([first, 1.0 / first, np.ones_like(s)], axis=1), _frame(rng))


def _impact(rng: np.random.Generator, spec: PathSpec, s: NDArray) -> NDArray:
    """What a point of a rod against a wall, or of a struck plate, meets: rest until the wave arrives, then
    compression along axis 3 with spreading across it, more or less wavering, with shears and a little volume change.

    The final axial strain is log-uniform between strain / 300 and strain; arrivals are uniform in the first 95 % of
    the time, a quarter of them at 0. Nodes as in a random walk, at random times after the arrival.
    """
    size = spec.strain * 10 ** rng.uniform(-2.5, 0.0)
    arrival = max(0.0, rng.uniform(-0.3, 0.95))
    u = _nodes(rng, int(rng.integers(4, 11)), fixed=False)
    signs = rng.integers(0, 2, size=(len(u) - 1, 6)) * 2.0 - 1.0
    walk = np.concatenate([np.zeros((1, 6)), np.cumsum(signs * np.sqrt(np.diff(u))[:, None], axis=0)])
    waver = size * 0.6 * 10 ** rng.uniform(-1.5, 0.0)
    axial = -size * u ** rng.uniform(0.4, 1.5) + waver * walk[:, 2]
    volume = min(size, 0.08) * (
        0.6 * walk[:, 0] - np.minimum(1.0, u / rng.uniform(0.05, 1.0)) * rng.uniform(0, 1)
    )
    first = -axial * rng.uniform(0.35, 0.65) + waver * walk[:, 1]
    nodes = np.empty((len(u), 6))
    nodes[:, :3] = np.exp(np.stack([first, -axial - first, axial], axis=1) + volume[:, None] / 3)
    nodes[:, 3:] = waver * walk[:, 3:] * rng.uniform(0.3, 1.0, size=3)
    history = PchipInterpolator(u, nodes - IDENTITY, axis=0)(np.clip((s - arrival) / (1 - arrival), 0.0, 1.0))
    return IDENTITY + history


Draw = Callable[[np.random.Generator, PathSpec, NDArray], NDArray]
PROTOCOLS: dict[str, Draw] = {
    "R": _random,
    "F": _fixed,
    "I": _random_isochoric,
    "U": _uniaxial(_ramp, keep_volume=False),
    "U-iso": _uniaxial(_ramp, keep_volume=True),
    "L-U": _uniaxial(_there_and_back, keep_volume=False),
    "L-U-iso": _uniaxial(_there_and_back, keep_volume=True),
    "C": _cavity,
    "V": _varied_isochoric,
    "impact": _impact,
}
DESCRIPTIONS = {
    "R": "random walk, random intervals",
    "F": "random walk, fixed intervals",
    "I": "random walk, random intervals, isochoric (U / det(U)^(1/3))",
    "U": "uniaxial strain along a random axis",
    "U-iso": "uniaxial, isochoric",
    "L-U": "uniaxial strain, loading and unloading",
    "L-U-iso": "uniaxial, isochoric, loading and unloading",
    "C": "cavity expansion: U1 = 1/U2 = 1/sqrt(1 + c t^2), U3 = 1, random axes",
    "V": "isochoric random walk of amplitude strain/100 to strain",
    "impact": "rest, then compression along axis 3 with spreading across it, shears, little volume change",
}
