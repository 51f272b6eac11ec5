"""Moduli of the virgin material: declared with the data, or from what the first step of every path says.

Strains and stresses in the frame of R, e the deviator of the elastic strain in 5 components, G a scale:

    J dev(sigma) = 2 G (A e + g (J - 1)),   tr(sigma) / 3 = p(J - 1) + 2 G g.e

A [5, 5] symmetric and positive, g [5]: with K = p' at 0 the 21 constants of a general linear elastic solid; A = 1 and
g = 0 where it is isotropic. G is chosen so that the largest eigenvalue of A is 1: it is the stiffest of the shears, on
which a solver's stable step depends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.errors import DataSetError
from training.datasets import DataSet
from training.tensors import deviator, to_matrix
from training.yield_surface import DEVIATORIC, MANDEL, deviatoric_components, elastic_increments

# Of *ELASTIC, TYPE=ANISOTROPIC, in the order of the keyword: D1111, D1122, D2222, …
CONSTANTS = ("1111", "1122", "2222", "1133", "2233", "3333", "1112", "2212", "3312", "1212", "1113", "2213", "3313", "1213", "1313", "1123", "2223", "3323", "1223", "1323", "2323")  # fmt: skip
COMPONENTS = ("11", "22", "33", "12", "23", "13")
UNFIT_MOST = 0.03  # relative rest of stresses that no linear law explains: the first steps flow then
VOLUME = np.array([1, 1, 1, 0, 0, 0]) / np.sqrt(3)


@dataclass(frozen=True)
class Elasticity:
    """G in Pa, A [5, 5] and g [5] of the head of this file."""

    shear: float
    matrix: NDArray
    coupling: NDArray

    @classmethod
    def isotropic(cls, shear: float) -> Elasticity:
        """A = 1, g = 0."""
        return cls(shear, np.eye(5), np.zeros(5))

    @classmethod
    def from_stiffness(cls, stiffness: NDArray, source: str) -> Elasticity:
        """From C [6, 6], Pa, Mandel components 11, 22, 33, 12, 23, 13; raises DataSetError where C is not positive."""
        stiffness = 0.5 * (stiffness + stiffness.T)
        least = float(np.linalg.eigvalsh(stiffness)[0])
        if not least > 0:
            raise DataSetError(
                f"{source}: the stiffness has the eigenvalue {least:.3g} Pa; expected all above 0: check order and unit of "
                "the constants"
            )
        block = DEVIATORIC @ stiffness @ DEVIATORIC.T
        twice = float(np.linalg.eigvalsh(block)[-1])
        return cls(0.5 * twice, block / twice, DEVIATORIC @ stiffness @ VOLUME / (np.sqrt(3) * twice))

    @property
    def tensor(self) -> NDArray:
        """A and, below it, g: [6, 5], as the model file stores them."""
        return np.vstack([self.matrix, self.coupling])

    def strain(self, stretch: NDArray, stress: NDArray) -> NDArray:
        """e of histories [..., 6] (tensor components): [..., 5]."""
        volume = np.linalg.det(to_matrix(stretch))[..., None]
        scaled = deviatoric_components(deviator(stress) * MANDEL) * volume / (2 * self.shear)
        return (scaled - self.coupling * (volume - 1)) @ np.linalg.inv(self.matrix)

    def pressure_part(self, stretch: NDArray, stress: NDArray) -> NDArray:
        """2 G g.e, the part of tr(sigma) / 3 that is no function of J: [...]."""
        return 2 * self.shear * self.strain(stretch, stress) @ self.coupling


def stiffness_of(constants: NDArray) -> NDArray:
    """CONSTANTS [21] -> C [6, 6] in Mandel components."""
    found = np.zeros((6, 6))
    for name, value in zip(CONSTANTS, constants, strict=True):
        i, j = COMPONENTS.index(name[:2]), COMPONENTS.index(name[2:])
        found[i, j] = found[j, i] = value * MANDEL[i] * MANDEL[j]
    return found


def virgin_elasticity(data: DataSet, anisotropic: bool) -> Elasticity:
    """What the data set says of its material (provenance, material: stiffness [21] or shear, Pa), else what its first
    steps say; `anisotropic`: all constants of them, else G alone. Raises DataSetError where they do not."""
    material: dict[str, Any] = data.provenance.get("material") or {}
    if "stiffness" in material:
        return Elasticity.from_stiffness(
            stiffness_of(np.asarray(material["stiffness"], float)), str(data.path)
        )
    if anisotropic:
        return Elasticity.from_stiffness(first_stiffness(data), str(data.path))
    return Elasticity.isotropic(shear_modulus(data))


def shear_modulus(data: DataSet) -> float:
    """G of the virgin material: what the data set says of its material, else the 95th percentile over the
    paths of what their first step says."""
    material = data.provenance.get("material") or {}
    if "shear" in material:
        return float(material["shear"])
    v, _ = elastic_increments(data.stretch[:, :2])
    volume = np.linalg.det(to_matrix(data.stretch[:, 1]))
    kirchhoff = deviatoric_components(deviator(data.stress[:, 1]) * MANDEL) * volume[:, None]
    size = (v[:, 0] ** 2).sum(-1)
    some = size > 1e-6 * size.max()
    ratio = (kirchhoff * v[:, 0]).sum(-1)[some] / (2 * size[some])
    # Flow within the first step only lowers the ratio, so that its largest values are elastic.
    shear = float(np.quantile(ratio, 0.95)) if size.max() > 0 else 0.0
    if not shear > 0:
        raise DataSetError(
            f"{data.path}: the shear modulus cannot be found: the first step of the paths has no shear; give it in the "
            "provenance, key material: bulk, shear in Pa"
        )
    return shear


def first_stiffness(data: DataSet) -> NDArray:
    """C [6, 6], Pa, Mandel components, by least squares over the first steps of all paths, each weighted alike."""
    first = data.stretch[:, 1]
    v, _ = elastic_increments(data.stretch[:, :2])
    volume = np.linalg.det(to_matrix(first))
    strain = v[:, 0] @ DEVIATORIC + (volume - 1)[:, None] * VOLUME / np.sqrt(3)
    stress = data.stress[:, 1] * MANDEL
    stress = stress + deviator(data.stress[:, 1]) * MANDEL * (volume - 1)[:, None]  # J times the deviator
    size = np.linalg.norm(strain, axis=1)
    some = size > 0
    strain, stress = strain[some] / size[some, None], stress[some] / size[some, None]
    remedy = "give the constants with the data: material, stiffness, 21 numbers in Pa in the order of *ELASTIC, TYPE=ANISOTROPIC"
    if len(strain) < 6 or np.linalg.cond(strain) > 1e3:
        raise DataSetError(
            f"{data.path}: the first steps of the paths do not go in all six directions, so that anisotropic moduli cannot "
            f"be found; {remedy}"
        )
    found = np.linalg.lstsq(strain, stress, rcond=None)[0].T
    found = 0.5 * (found + found.T)
    rest = float(np.linalg.norm(stress - strain @ found) / np.linalg.norm(stress))
    if rest > UNFIT_MOST:
        raise DataSetError(
            f"{data.path}: no linear law explains the first steps: {100 * rest:.2g} % of their stress remains, expected "
            f"{100 * UNFIT_MOST:.0f} % at most; they flow already, or are too long: {remedy}"
        )
    return found
