"""Error measures, always for total, deviatoric and volumetric stress."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.tensors import FROBENIUS, deviator, mean_part

PARTS = ("total", "deviatoric", "volumetric")


@dataclass(frozen=True)
class Errors:
    """Mean over paths of the relative L2 error in time: |error| / |truth| of the whole stress, its deviator, its
    mean; [LIU22]'s measure is `total`. `volumetric` is nan where the truth has no mean stress. Also the deviatoric
    error relative to the whole stress (`deviatoric_of_total`)."""

    total: float
    deviatoric: float
    volumetric: float
    deviatoric_of_total: float

    def to_dict(self) -> dict[str, float | None]:
        """For JSON: nan becomes null."""
        return {name: (value if np.isfinite(value) else None) for name, value in vars(self).items()}


def l2(history: NDArray) -> NDArray:
    """Frobenius norm over components, root of the sum over times: [n, n_time, 6] -> [n]."""
    return np.sqrt((history**2 * FROBENIUS).sum(axis=(1, 2)))


def path_errors(predicted: NDArray, truth: NDArray) -> dict[str, NDArray]:
    """Relative L2 errors of each path, [n] each: total, deviatoric, volumetric, deviatoric_of_total.

    A path whose reference is below 1e-3 of its total stress (an isochoric path has no pressure) is nan there.
    """
    error = predicted - truth
    size = l2(truth)
    volumetric_size = np.sqrt(3 * (mean_part(truth) ** 2).sum(axis=1))
    volumetric = np.sqrt(3 * (mean_part(error) ** 2).sum(axis=1))
    pairs = {
        "total": (l2(error), size),
        "deviatoric": (l2(deviator(error)), l2(deviator(truth))),
        "volumetric": (volumetric, volumetric_size),
        "deviatoric_of_total": (l2(deviator(error)), size),
    }
    return {
        name: np.divide(
            top, bottom, out=np.full_like(top, np.nan), where=bottom > 1e-3 * np.maximum(size, 1e-300)
        )
        for name, (top, bottom) in pairs.items()
    }


def errors(predicted: NDArray, truth: NDArray) -> Errors:
    """Mean of path_errors over the paths where it is defined."""
    means = {}
    for name, values in path_errors(predicted, truth).items():
        good = values[np.isfinite(values)]
        means[name] = float(good.mean()) if len(good) else float("nan")
    return Errors(**means)
