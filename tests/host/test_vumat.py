"""vumat_ itself: data check, energies, time, two-dimensional elements, both argument lists."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge._core import make_law

STEEL = (200e9, 0.3)
J2 = (*STEEL, 4e8, 0.0, 5e8, 0.1)
JOHNSON_COOK = (200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9)
G, K = STEEL[0] / 2.6, STEEL[0] / 1.2


def strains(n, components=6, size=1e-3, seed=5):
    return np.random.default_rng(seed).normal(size=(components, n)) * size


def hooke(strain, stress=0.0):
    result = stress + 2 * G * strain
    result[:3] += (K - 2 * G / 3) * strain[:3].sum(0)
    return result


def contraction(stress, strain):
    weight = np.array([1, 1, 1, 2, 2, 2])[: len(strain), None]
    return (weight * stress * strain).sum(0)


def rounding(library):
    return 1e-13 if library.dtype == np.float64 else 2e-6


@pytest.mark.parametrize("shear", [3, 1])
def test_data_check_is_elastic_and_leaves_the_virgin_material(library, arguments, shear):
    """Far beyond yield, yet elastic; state and energies as they were."""
    n, comp = 5, 3 + shear
    given = arguments(library, n, "PYBRIDGE_J2", J2, states=1, shear=shear, time=0.0)
    strain = strains(n, comp, size=0.1)
    given["strainInc"][:] = strain.ravel()
    given["stressOld"][:] = 1e6
    given["enerInternOld"][:], given["enerInelasOld"][:] = 3, 4
    library.call(given, guarded=True)
    found = given["stressNew"].reshape(comp, n)
    np.testing.assert_allclose(found, hooke(strain, 1e6), rtol=0, atol=rounding(library) * 1e11)
    assert (given["stateNew"] == 0).all()
    assert (given["enerInternNew"] == 3).all()
    assert (given["enerInelasNew"] == 4).all()


def test_data_check_needs_both_times_to_be_zero(library, arguments):
    """The first increments of later steps have a step time near zero but a total time."""
    for step, total, plastic in ((0.0, 1e-6, True), (1e-6, 1e-6, True), (0.0, 0.0, False)):
        given = arguments(library, 1, "PYBRIDGE_J2", J2, states=1)
        given["strainInc"][:3] = 0.02, -0.01, -0.01
        given["stepTime"][0], given["totalTime"][0] = step, total
        library.call(given, guarded=True)
        assert (given["stateNew"][0] > 0) == plastic


def test_data_check_without_kinematics(library, arguments):
    """Hosts may pass zeros for the stretches and F then."""
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL, time=0.0)
    for name in ("stretchOld", "stretchNew", "defgradOld", "defgradNew"):
        given[name][:] = 0
    given["strainInc"][:] = 1e-4
    library.call(given)
    np.testing.assert_allclose(given["stressNew"][:6], 1e-4 * 3 * K, rtol=1e-6)


@pytest.mark.parametrize("shear", [3, 1])
def test_energies_accumulate_per_mass(library, arguments, shear):
    """Internal: mean stress times strain increment over density; inelastic: flow stress times dp (perfect plasticity)."""
    n, comp, yield_stress = 6, 3 + shear, 4e8
    given = arguments(library, n, "PYBRIDGE_J2", (*STEEL, yield_stress, 0.0), states=1, shear=shear)
    strain = strains(n, comp, size=0.01)
    given["strainInc"][:] = strain.ravel()
    given["density"][:] = np.linspace(7000, 9000, n)
    given["enerInternOld"][:], given["enerInelasOld"][:] = 11, 13
    given["stateOld"][:] = 0.25
    given["stressOld"][:] = strains(n, comp, 1e8, seed=6).ravel()
    library.call(given, guarded=True)
    old, new = (given[k].reshape(comp, n).astype(float) for k in ("stressOld", "stressNew"))
    work = contraction((old + new) / 2, strain) / given["density"]
    np.testing.assert_allclose(given["enerInternNew"] - 11.0, work, rtol=1e-5, atol=1e-4)
    dp = given["stateNew"] - 0.25
    assert (dp > 1e-3).all()
    np.testing.assert_allclose(given["enerInelasNew"] - 13.0, yield_stress * dp / given["density"], rtol=1e-3)


def test_plane_strain_is_the_three_dimensional_answer(library, arguments):
    n = 5
    strain = strains(n, 4, 0.01)
    flat = arguments(library, n, "PYBRIDGE_J2", J2, states=1, shear=1)
    full = arguments(library, n, "PYBRIDGE_J2", J2, states=1)
    for given in (flat, full):
        given["stressOld"][: 4 * n] = strains(n, 4, 1e8, seed=8).ravel()
        given["strainInc"][: 4 * n] = strain.ravel()
        library.call(given, guarded=True)
    np.testing.assert_array_equal(flat["stressNew"], full["stressNew"][: 4 * n])
    np.testing.assert_array_equal(flat["stateNew"], full["stateNew"])
    np.testing.assert_array_equal(flat["enerInternNew"], full["enerInternNew"])
    assert (full["stressNew"][4 * n :] == 0).all()


def test_smaller_block_after_a_larger_one(library, arguments):
    """The scratch memory of a thread keeps nothing of an earlier call."""

    def answer():
        given = arguments(library, 2, "PYBRIDGE_J2", J2, states=1, shear=1)
        given["strainInc"][:] = strains(2, 4, 0.01).ravel()
        library.call(given, guarded=True)
        return given

    first = answer()
    large = arguments(library, 300, "PYBRIDGE_J2", J2, states=1, shear=1)
    large["strainInc"][:] = 0.02
    library.call(large, guarded=True)
    again = answer()
    for name in ("stressNew", "stateNew", "enerInternNew", "enerInelasNew"):
        np.testing.assert_array_equal(first[name], again[name])


def test_rate_and_temperature_of_the_host_arrive(library, arguments):
    """Johnson-Cook hardens with the rate and softens with the host's temperature; heat needs the density."""

    def stress(dt=1e-6, temperature=294.0, density=7800.0):
        given = arguments(library, 1, "PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK, states=3, dt=dt, time=1e-3)
        given["strainInc"][:3] = 0.04, -0.02, -0.02
        given["tempOld"][0] = temperature
        given["density"][0] = density
        library.call(given, guarded=True)
        return given["stressNew"][0], given["stateNew"]

    slow, fast, hot, light = stress(dt=1e-3), stress(), stress(temperature=900.0), stress(density=780.0)
    assert fast[0] > 1.05 * slow[0]
    assert hot[0] < 0.8 * fast[0]
    assert light[1][2] > 5 * fast[1][2]
    assert fast[1][1] == pytest.approx(fast[1][0] / 1e-6, rel=1e-5)


def test_answer_is_that_of_the_bindings_to_the_last_bit(library, arguments):
    n = 9
    constants = np.array(JOHNSON_COOK, library.dtype).tolist()  # as a deck in single precision has them
    law = make_law("PYBRIDGE_JOHNSON_COOK", constants, str(library.dtype))
    given = arguments(library, n, "PYBRIDGE_JOHNSON_COOK_STEEL", JOHNSON_COOK, states=3)
    given["strainInc"][:] = strains(n, size=0.01).ravel()
    given["stressOld"][:] = strains(n, size=1e8, seed=9).ravel()
    given["stateOld"][:n] = 0.02
    given["stateOld"][n : 2 * n : 2] = 3e3
    library.call(given, guarded=True)
    outputs = {
        "stress_new": np.empty((6, n), law.dtype), "state_new": np.empty((3, n), law.dtype),
        "dissipation_inc": np.empty(n, law.dtype), "status": np.empty(n, np.int32),
    }  # fmt: skip
    law.update(
        time_old=2e-6, dt=float(given["dt"][0]), strain_inc=given["strainInc"].reshape(6, n),
        stretch_old=given["stretchOld"].reshape(6, n), stretch_new=given["stretchNew"].reshape(6, n),
        temperature=given["tempOld"], density=given["density"], stress_old=given["stressOld"].reshape(6, n),
        state_old=given["stateOld"].reshape(3, n), **outputs,
    )  # fmt: skip
    np.testing.assert_array_equal(given["stressNew"], outputs["stress_new"].ravel())
    np.testing.assert_array_equal(given["stateNew"], outputs["state_new"].ravel())


@pytest.fixture
def arrays_passed(library):
    library.set_array_arguments(True)
    yield
    library.set_array_arguments(False)


@pytest.mark.usefixtures("arrays_passed")
@pytest.mark.parametrize("shear", [3, 1])
@pytest.mark.parametrize("time", [0.0, 3e-6])
def test_effective_moduli_are_never_less_than_the_virgin_ones(library, arguments, shear, time):
    n = 4
    given = arguments(library, n, "PYBRIDGE_J2", J2, states=1, shear=shear, time=time)
    strain = strains(n, 3 + shear, 0.02)
    given["strainInc"][:] = strain.ravel()
    given["lanneal"][4] = 1
    given["dt"][1:] = -1
    library.call(given, guarded=True)
    np.testing.assert_allclose(given["dt"][1 : n + 1], K, rtol=1e-5)
    np.testing.assert_allclose(given["dt"][n + 1 :], G, rtol=1e-5)


@pytest.mark.usefixtures("arrays_passed")
def test_effective_moduli_follow_a_stiffening_material(library, arguments):
    """A stress far off the elastic answer: the secant, here of a stress_old that the increment takes back."""
    given = arguments(library, 2, "PYBRIDGE_J2_PERFECT", (*STEEL, 1e6, 0.0), states=1)
    stress = np.zeros((6, 2))
    stress[:, 0] = 3e9, 0, 0, 1e9, 2e9, -1e9  # returns by much more than the strain increment asks for
    given["stressOld"][:] = stress.ravel()
    given["strainInc"][:] = np.outer([-1e-3, 0, 1e-3, 2e-3, -1e-3, 5e-4], [1, 0]).ravel()
    given["lanneal"][4] = 1
    library.call(given, guarded=True)
    change = (given["stressNew"] - given["stressOld"]).reshape(6, 2)[:, 0].astype(float)
    change[:3] -= change[:3].mean()
    strain = given["strainInc"].reshape(6, 2)[:, 0].astype(float)
    secant = (
        np.sqrt(contraction(change[:, None], change[:, None]) / contraction(strain[:, None], strain[:, None]))
        / 2
    )
    assert secant > 2 * G
    assert given["dt"][3] == pytest.approx(secant[0], rel=1e-4)
    assert given["dt"][4] == pytest.approx(G, rel=1e-5)  # no strain: the virgin modulus


@pytest.mark.usefixtures("arrays_passed")
def test_effective_moduli_only_where_asked_for(library, arguments):
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL)
    given["dt"][1:] = -1
    library.call(given, guarded=True)
    assert (given["dt"][1:] == -1).all()


def test_scalars_are_not_read_on(library, arguments):
    """Unless told otherwise nothing behind lanneal and dt counts: here they end where the memory does."""
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL)
    given["lanneal"][4] = 1
    given["dt"][1:] = -1
    library.call(given, guarded=True)
    assert (given["dt"][1:] == -1).all()
