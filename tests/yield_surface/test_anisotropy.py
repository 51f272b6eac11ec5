"""Anisotropic moduli of the virgin material: the elastic answer, both engines, the tangent, and how they are found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from yield_surface_stepping import IDENTITY, Points
from yield_surface_tangent import tangent_errors
from yield_surface_trial import BULK, SHEAR, TIME_SCALE, surrogate_from

from pybridge import _core
from pybridge.errors import ConfigError, DataSetError
from pybridge.host import UmatLibrary, UmatPoint
from training.data_import import _moduli
from training.datasets import DataSet
from training.fine_scale import drive_material
from training.tensors import deviator
from training.virgin_moduli import VOLUME, Elasticity, stiffness_of, virgin_elasticity
from training.yield_surface import MANDEL, deviatoric_components
from training.yield_surface_export import Surrogate, compare_engines, write

# Titanium, hexagonal about 3 (Fisher and Renken 1964), then turned out of its axes by the test: C11, C12, C13, C33, C44.
HEXAGONAL = (162.4e9, 92.0e9, 69.0e9, 180.7e9, 46.7e9)


def turned_hexagonal() -> NDArray:
    """C [6, 6] in Mandel components, no component zero."""
    c11, c12, c13, c33, c44 = HEXAGONAL
    c = np.zeros((3, 3, 3, 3))
    voigt = {(0, 0): 0, (1, 1): 1, (2, 2): 2, (1, 2): 3, (0, 2): 4, (0, 1): 5}
    v = np.zeros((6, 6))
    v[:3, :3] = [[c11, c12, c13], [c12, c11, c13], [c13, c13, c33]]
    v[3:, 3:] = np.diag([c44, c44, 0.5 * (c11 - c12)])
    for i, j, k, m in np.ndindex(3, 3, 3, 3):
        c[i, j, k, m] = v[voigt[min(i, j), max(i, j)], voigt[min(k, m), max(k, m)]]
    q, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    c = np.einsum("ai,bj,ck,dm,ijkm->abcd", q, q, q, q, c)
    pairs = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))
    return np.array(
        [[MANDEL[a] * MANDEL[b] * c[p + r] for b, r in enumerate(pairs)] for a, p in enumerate(pairs)]
    )


def constants_of(c: NDArray) -> list[float]:
    """The 21 of *ELASTIC, TYPE=ANISOTROPIC: D1111, D1122, D2222, …, engineering shears in the order 12, 13, 23."""
    order = (0, 1, 2, 3, 5, 4)
    v = (c / np.outer(MANDEL, MANDEL))[np.ix_(order, order)]
    rows = [[float(v[i, j]) for i in range(j + 1)] for j in range(6)]
    return [value for row in rows for value in row]


@pytest.fixture(scope="module")
def stiffness() -> NDArray:
    return turned_hexagonal()


@pytest.fixture(scope="module")
def surrogate(network, stiffness) -> Surrogate:
    found = surrogate_from(network)
    elasticity = Elasticity.from_stiffness(stiffness, "test")
    bulk = float(VOLUME @ stiffness @ VOLUME) / 3
    found.tensors.update(elasticity=elasticity.tensor, pressure_coefficients=np.array([bulk]))
    found.card["material"].update(shear=elasticity.shear, bulk=bulk)
    return found


@pytest.fixture(scope="module")
def path(surrogate, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("anisotropy") / "titanium.pt"
    write(surrogate, file)
    return file


def test_small_virgin_strains_meet_the_general_law(path, stiffness, rng) -> None:
    material = _core.load_model(str(path), "native", "float64")
    points = Points(material, 40)
    strain = 1e-6 * rng.normal(size=(40, 6))
    stress = points.step((IDENTITY + strain).T, TIME_SCALE).T
    assert (points.state == 0).all()
    expected = (strain * MANDEL) @ stiffness / MANDEL
    assert (
        np.abs(stress - expected).max() < 1e-4 * np.abs(expected).max()
    )  # second order in 1e-6, and eps over it
    isotropic = 2 * SHEAR * deviator(strain) + BULK * strain[:, :3].sum(1)[:, None] * IDENTITY
    assert np.abs(stress - isotropic).max() > 0.05 * np.abs(expected).max()


def test_engines_agree(path, surrogate) -> None:
    found = compare_engines(surrogate, path)
    assert len(found) == 4


def test_dissipation_is_stress_power_less_stored_energy(path, stiffness) -> None:
    """Out and back to no strain, where stress remains: what it took in and did not keep."""
    material = _core.load_model(str(path), "native", "float64")
    points = Points(material, 1)
    direction = np.array([1.0, -0.4, -0.6, 0.5, 0.3, -0.2])[:, None]
    power, steps = 0.0, 400
    for k in [*range(1, steps + 1), *range(steps - 1, 0, -1)]:
        old, stretch = points.stress.copy(), points.stretch.copy()
        points.step(IDENTITY[:, None] + 1e-5 * k * direction, 0.05 * TIME_SCALE)
        power += float(
            (0.5 * (old + points.stress) * (points.stretch - stretch) * (MANDEL**2)[:, None]).sum()
        )
    rest = points.stress[:, 0] * MANDEL
    stored = 0.5 * float(rest @ np.linalg.solve(stiffness, rest))
    dissipated = float(points.state[-2, 0])
    assert dissipated > stored > 0
    assert dissipated == pytest.approx(power - stored, rel=0.02)  # small strains: |U - 1| is 0.4 %


def test_the_tangent_is_the_derivative(path) -> None:
    library = UmatLibrary()
    library.use_model("TITANIUM", path)
    errors, flowed = tangent_errors(UmatPoint(library, "TITANIUM"), TIME_SCALE)
    assert flowed > 15
    assert np.sort(errors)[-4] < 3e-7  # as in test_umat_tangent


def test_moduli_are_found_from_the_first_steps(path, stiffness, rng) -> None:
    material = _core.load_model(str(path), "native", "float64")
    time = np.linspace(0, 1, 6) * TIME_SCALE
    stretch = IDENTITY + np.linspace(0, 1, 6)[None, :, None] * 5e-5 * rng.normal(size=(60, 1, 6))
    stress = drive_material(material, 1.0, time, stretch).stress
    data = DataSet(Path("made.h5"), time, stretch, stress, ("R",) * 60, {})
    found = virgin_elasticity(data, anisotropic=True)
    exact = Elasticity.from_stiffness(stiffness, "test")
    assert found.shear == pytest.approx(exact.shear, rel=1e-3)
    assert np.abs(found.tensor - exact.tensor).max() < 1e-3
    strain = found.strain(stretch, stress)
    assert (
        np.abs(strain[:, 1] - deviatoric(stretch[:, 1] - IDENTITY)).max()
        < 2e-3 * np.abs(stretch - IDENTITY).max()
    )
    flat = DataSet(Path("made.h5"), time, stretch[:5], stress[:5], ("R",) * 5, {})
    with pytest.raises(DataSetError, match="all six directions"):
        virgin_elasticity(flat, anisotropic=True)
    wild = DataSet(
        Path("made.h5"), time, stretch, stress * rng.uniform(0.3, 1.0, (60, 1, 1)), ("R",) * 60, {}
    )
    with pytest.raises(DataSetError, match="no linear law"):
        virgin_elasticity(wild, anisotropic=True)


def deviatoric(strain: NDArray) -> NDArray:
    return deviatoric_components(deviator(strain) * MANDEL)


def test_declared_constants_are_those_of_abaqus(stiffness) -> None:
    constants = constants_of(stiffness)
    assert np.abs(stiffness_of(np.array(constants)) - stiffness).max() < 1e-6 * stiffness.max()
    given = _moduli(",".join(repr(value / 1e9) for value in constants), 1e9)
    data = DataSet(
        Path("made.h5"), np.zeros(2), np.zeros((1, 2, 6)), np.zeros((1, 2, 6)), ("R",), {"material": given}
    )
    found = virgin_elasticity(data, anisotropic=False)
    assert np.abs(found.tensor - Elasticity.from_stiffness(stiffness, "test").tensor).max() < 1e-12
    assert json.dumps(given)
    with pytest.raises(ConfigError, match="eigenvalue"):
        _moduli(",".join(["-1e9"] + [repr(value) for value in constants[1:]]), 1.0)
    with pytest.raises(ConfigError, match="21 constants"):
        _moduli("1,2,3", 1.0)
