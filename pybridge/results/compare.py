"""How far one run is from another on the same mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import PybridgeError
from pybridge.results.reader import Results
from pybridge.results.volume import element_volumes


class ComparisonError(PybridgeError):
    """Two result files that cannot be compared."""


@dataclass(frozen=True)
class Difference:
    """A field's relative L2 difference, sqrt(sum w |a - b|^2 / sum w |b|^2), and where the difference is largest.

    Weights w: reference volumes for element fields, 1 for node fields.
    """

    name: str
    relative: float
    largest: float  # |a - b| there, in the field's unit
    label: int  # of the node or element
    place: tuple[float, float, float]  # its reference position, m
    unreliable: bool  # whether a material flagged it in either run (elements)


def check_comparable(a: Results, b: Results) -> None:
    """Raise ComparisonError unless both have the same mesh and at least one frame."""
    for results in (a, b):
        if not len(results.times):
            raise ComparisonError(f"{results.path}: it holds no frame yet")
    same = a.mesh.coordinates.shape == b.mesh.coordinates.shape and np.array_equal(
        a.mesh.element_labels, b.mesh.element_labels
    )
    if not same or not np.allclose(
        a.mesh.coordinates, b.mesh.coordinates, rtol=0, atol=1e-9 * np.ptp(b.mesh.coordinates)
    ):
        raise ComparisonError(
            f"{a.path} and {b.path}: different meshes ({len(a.mesh.element_labels)} and {len(b.mesh.element_labels)} "
            "elements); expected two runs of one deck"
        )


def matching_frames(a: Results, b: Results, frame: int = -1) -> tuple[int, int]:
    """The frame of a, and that of b at the same time. Raises ComparisonError where there is none."""
    index = frame % len(a.times)
    other = b.frame_at(a.times[index])
    if abs(b.times[other] - a.times[index]) > 1e-6 * max(abs(a.times[-1]), abs(b.times[-1])):
        raise ComparisonError(
            f"{b.path}: no frame at {a.times[index]:.6g} s (nearest {b.times[other]:.6g} s); run both with equal output"
        )
    return index, other


def difference(a: Results, b: Results, name: str, frame: int = -1) -> Difference:
    """Difference of one node or element field of a from that of b."""
    fa, fb = matching_frames(a, b, frame)
    flagged = False
    if name in b.node_fields:
        va, vb, weight = a.node(name, fa), b.node(name, fb), np.ones(len(b.mesh.coordinates))
        places, labels = b.mesh.coordinates, b.mesh.node_labels
    else:
        va, vb, weight = a.element(name, fa), b.element(name, fb), element_volumes(b.mesh)
        places, labels = _centres(b), b.mesh.element_labels
    va, vb = va.reshape(len(va), -1), vb.reshape(len(vb), -1)
    size = np.sqrt(((va - vb) ** 2).sum(1))
    worst = int(np.nanargmax(size))
    if name not in b.node_fields and "unreliable_so_far" in a.element_fields:
        flagged = bool(a.element("unreliable_so_far", fa)[worst] or b.element("unreliable_so_far", fb)[worst])
    norm = float((weight * (vb**2).sum(1)).sum())
    relative = (
        float(np.sqrt((weight * size**2).sum() / norm)) if norm > 0 else float(np.nan if size.any() else 0.0)
    )
    x, y, z = (float(c) for c in places[worst])
    return Difference(name, relative, float(size[worst]), int(labels[worst]), (x, y, z), flagged)


@dataclass(frozen=True)
class CurveDifference:
    """A force over the time that both runs have, on the reference's times; each over the reference's largest value there.

    mean: of |a - b|. peak: largest |a| less largest |b|. end: a - b at the last time, with the sign of b's largest value.
    """

    name: str
    mean: float
    peak: float
    end: float


def force_differences(a: Results, b: Results, until: float = np.inf) -> list[CurveDifference]:
    """How far the forces in both histories are apart up to a time, s. Forces below a thousandth of the largest are left out:
    they are zero but for rounding or noise."""
    end = min(a.history["time"][-1], b.history["time"][-1], until)
    keep = b.history["time"] <= end * (1 + 1e-9)
    time = b.history["time"][keep]
    names = [n for n in b.history if n.startswith("force_") and n in a.history]
    curves = {n: (np.interp(time, a.history["time"], a.history[n]), b.history[n][keep]) for n in names}
    largest = max((float(np.abs(there).max()) for _, there in curves.values()), default=0.0)
    found = []
    for name, (here, there) in curves.items():
        top = float(np.abs(there).max())
        if top == 0 or top <= 1e-3 * largest:
            continue
        sign = float(np.sign(there[np.abs(there).argmax()]))
        mean, last = float(np.abs(here - there).mean()), float(here[-1] - there[-1]) * sign
        found.append(CurveDifference(name, mean / top, float(np.abs(here).max()) / top - 1, last / top))
    return found


def _centres(results: Results) -> NDArray[np.float64]:
    return np.concatenate([results.mesh.coordinates[c].mean(1) for _, c in results.mesh.blocks])


def extent(results: Results, frame: int = -1) -> dict[str, float]:
    """Final length along the longest direction of the undeformed body, and the largest radius about that axis in the
    tenth of the length nearest the foot (the lower end), m."""
    used = np.unique(np.concatenate([c.reshape(-1) for _, c in results.mesh.blocks]))
    x0 = results.mesh.coordinates[used]
    x = x0 + results.node("displacement", frame)[used]
    axis = 1 if results.mesh.axisymmetric else int(np.ptp(x0, axis=0).argmax())
    others = [k for k in range(3) if k != axis and not (results.mesh.flat and k == 2)]
    foot = x0[:, axis] <= x0[:, axis].min() + 0.1 * np.ptp(x0[:, axis])
    radius = np.sqrt((x[:, others] ** 2).sum(1))
    return {"final length": float(np.ptp(x[:, axis])), "foot radius": float(radius[foot].max())}
