"""umat_ against the kernels, the VUMAT, closed forms and a superposed rotation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import polar
from umat_cases import GRADIENT, HORIZON, JOHNSON_COOK, STEEL, rotation

from pybridge._core import kinematics
from pybridge.conventions import matrix_to_block, matrix_to_defgrad
from pybridge.errors import HostError
from pybridge.host import HostedVumat, UmatPoint, load_vumat, our_library

LAME, G = STEEL[0] * STEEL[1] / 1.3 / 0.4, STEEL[0] / 2.6


def through_vumat(umat, case, history, density=7800.0):
    """Corotational stress (6,), state and energies (internal, inelastic, per current volume) of each step by vumat_."""
    file = {"model_file": umat.network_file} if case.name == "NETWORK" else {}
    material = HostedVumat(load_vumat(our_library("float64")), case.name, case.constants, **file)
    f_old, stress, state = np.eye(3), np.zeros((6, 1)), np.zeros((material.state_size, 1))
    energies, answers = np.zeros(2), []
    for k, f in enumerate(history):
        old, new = (np.ascontiguousarray(matrix_to_defgrad(g[:, :, None])) for g in (f_old, f))
        u_old, u_new, strain_inc, _ = kinematics(old, new)
        stress_new, state_new = np.empty_like(stress), np.empty_like(state)
        dissipation, status = np.empty(1), np.empty(1, np.int32)
        rho = density / np.linalg.det(f)
        material.update(
            time_old=k * case.dt, dt=case.dt, strain_inc=strain_inc, stretch_old=u_old, stretch_new=u_new,
            temperature=np.zeros(1), density=np.full(1, rho), stress_old=stress, state_old=state,
            stress_new=stress_new, state_new=state_new, dissipation_inc=dissipation, status=status,
            defgrad_old=old, defgrad_new=new,
        )  # fmt: skip
        weight = np.array([1, 1, 1, 2, 2, 2])
        work = (weight * (stress + stress_new)[:, 0] / 2 * strain_inc[:, 0]).sum()
        energies = energies + np.array([work, dissipation[0]]) / rho
        stress, state, f_old = stress_new, state_new, f
        answers.append((stress[:, 0], state[:, 0], energies * rho))
    return answers


@pytest.mark.parametrize("host", ["abaqus", "calculix"])
def test_umat_and_vumat_agree(umat, case, history, host) -> None:
    """The same deformation: both use Green and Naghdi's rate, so that rounding alone is left, times some 20 steps.

    With "abaqus" the stress comes in turned by Hughes and Winget's DROT, which is not R_new R_old^T.
    """
    path = history(20)
    point = UmatPoint(umat, case.name, case.constants, host=host, guarded=True)
    expected = through_vumat(umat, case, path)
    largest = max(np.abs(stress).max() for stress, _, _ in expected)
    tolerance = 1e-9 if case.name == "PYBRIDGE_TAYLOR_CRYSTAL" else 1e-11
    for f, (stress, state, energies) in zip(path, expected, strict=True):
        answer = point.step(f, case.dt)
        np.testing.assert_allclose(answer.corotational, stress, rtol=0, atol=tolerance * largest)
        np.testing.assert_allclose(answer.state, state, rtol=1e-8, atol=1e-11)
        if host == "abaqus":
            elastic, plastic, creep = answer.energies
            assert creep == 0
            assert elastic + plastic == pytest.approx(energies[0], rel=1e-8)
            assert plastic == pytest.approx(energies[1], rel=1e-8, abs=1e-3)


def test_stress_is_global_and_turns_with_the_body(umat, case, history) -> None:
    """A superposed rotation Q(t) turns the Cauchy stress by Q and leaves state and energies alone."""
    plain, turned = (UmatPoint(umat, case.name, case.constants) for _ in range(2))
    for k, f in enumerate(history(20, spin=0.0)):
        q = rotation((-0.3, 0.8, 0.5), 0.11 * (k + 1))
        a, b = plain.step(f, case.dt), turned.step(q @ f, case.dt)
        scale = np.abs(a.stress).max()
        np.testing.assert_allclose(b.stress, q @ a.stress @ q.T, rtol=0, atol=1e-8 * scale)
        np.testing.assert_allclose(b.state, a.state, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(b.energies, a.energies, rtol=1e-6, atol=1e-6 * scale)


def test_rows_and_columns_of_the_deformation_gradient(umat) -> None:
    """Simple shear F12 = g against F21 = g, one step from virgin, linear elasticity: by the definitions."""
    stresses = []
    for i, j in ((0, 1), (1, 0)):
        f = np.eye(3)
        f[i, j] = 0.4
        rotation_, stretch = polar(f)
        gradient = (stretch - np.eye(3)) @ np.linalg.inv((stretch + np.eye(3)) / 2)
        strain = (gradient + gradient.T) / 2
        expected = rotation_ @ (LAME * np.trace(strain) * np.eye(3) + 2 * G * strain) @ rotation_.T
        found = UmatPoint(umat, "PYBRIDGE_ELASTIC", STEEL).step(f, 1.0).stress
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
        stresses.append(found)
    # the second is the first seen with axes 1 and 2 swapped: the normal stresses change places
    assert stresses[0][0, 0] == pytest.approx(stresses[1][1, 1])
    assert abs(stresses[0][0, 0] - stresses[1][0, 0]) > 0.05 * abs(stresses[0][0, 1])


@pytest.mark.parametrize("host", ["abaqus", "calculix"])
def test_rate_is_green_and_naghdis(umat, host) -> None:
    """Elastic simple shear: the closed form of Dienes (1979, doi:10.1007/BF01379008), and not Jaumann's sine.

    400 increments of second order leave about (2 / 400)^2 / 12 of the strain.
    """
    point = UmatPoint(umat, "PYBRIDGE_ELASTIC", STEEL, host=host)
    for k, g in enumerate(np.linspace(0, 2, 401)[1:], 1):
        found = point.step(np.array([[1, g, 0], [0, 1, 0], [0, 0, 1.0]]), 1e-3).stress / G
        if k in (100, 200):
            b = np.arctan(g / 2)
            shear = 2 * np.cos(2 * b) * (2 * b - np.tan(b) - 2 * np.tan(2 * b) * np.log(np.cos(b)))
            assert found[0, 1] == pytest.approx(shear, rel=1e-5)
            normal = 4 * (np.cos(2 * b) * np.log(np.cos(b)) + b * np.sin(2 * b) - np.sin(b) ** 2)
            assert found[0, 0] == pytest.approx(normal, rel=1e-5)
    assert found[0, 1] == pytest.approx(2 * np.log(2), rel=1e-5)
    assert abs(found[0, 1] - np.sin(2)) > 0.3  # docs/umat.md: 34 % at a shear of 2


@pytest.mark.parametrize("host", ["abaqus", "calculix"])
def test_four_components_are_those_of_the_three_dimensional_answer(umat, history, host) -> None:
    """Axisymmetry: F33 moves, as plane strain's does not; both come as NDI, NSHR = 3, 1."""
    flat = np.array([[0.03, 0.05, 0], [-0.02, -0.01, 0], [0, 0, 0.004]])
    case = ("PYBRIDGE_J2", (*STEEL, 4e8, 0.0, 5e8, 0.1))
    solid, plane = (UmatPoint(umat, *case, host=host, plane=p, guarded=True) for p in (False, True))
    for v in np.linspace(0.1, 1, 10):
        f = rotation((0, 0, 1), 0.7 * v) @ (np.eye(3) + v * flat)
        a, b = solid.step(f, 1.0), plane.step(f, 1.0)
        np.testing.assert_allclose(b.stress, a.stress, rtol=0, atol=1e-13 * np.abs(a.stress).max())
        np.testing.assert_array_equal(b.tangent, a.tangent[:4, :4])
        np.testing.assert_array_equal(b.energies, a.energies)
    assert plane.state[0] > 0.01


def test_geometrically_linear_analysis(umat) -> None:
    """Where the host moves nothing (F = 1) the strains count."""
    point = UmatPoint(umat, "PYBRIDGE_ELASTIC", STEEL, guarded=True)
    arguments = point.arguments(np.eye(3), 1.0)
    strain = np.array([1e-3, -2e-3, 5e-4, 3e-3, -1e-3, 2e-3])  # engineering, 11 22 33 12 13 23
    arguments["DSTRAN"][:] = strain
    umat.call(arguments, guarded=True)
    expected = 2 * G * strain * [1, 1, 1, 0.5, 0.5, 0.5]
    expected[:3] += LAME * strain[:3].sum()
    np.testing.assert_allclose(arguments["STRESS"], expected, rtol=1e-12)
    np.testing.assert_allclose(arguments["DDSDDE"].reshape(6, 6) @ strain, expected, rtol=1e-12)


def test_surrogate_sees_the_stretch_of_a_linear_analysis(umat) -> None:
    strain = 1e-3 * np.array([1, -2, 0.5, 3, -1, 2])
    point = UmatPoint(umat, "NETWORK")
    arguments = point.arguments(np.eye(3), 1e-8)
    arguments["DSTRAN"][:] = strain
    umat.call(arguments)
    e = np.array([[1, 1.5, -0.5], [1.5, -2, 1], [-0.5, 1, 0.5]]) * 1e-3
    expected = UmatPoint(umat, "NETWORK").step(np.eye(3) + e, 1e-8)
    stress = matrix_to_block(expected.stress)[[0, 1, 2, 3, 5, 4]]
    np.testing.assert_allclose(arguments["STRESS"], stress, rtol=0, atol=1e-9 * np.abs(stress).max())


def test_units_of_the_deck(umat, history) -> None:
    """MPa and milliseconds: the same stress and stiffness, divided by 1e6."""
    si, deck = UmatPoint(umat, "NETWORK"), UmatPoint(umat, "NETWORK", (1e6, 1e-3))
    for f in history(10):
        a, b = si.step(f, 2e-8), deck.step(f, 2e-5)
        for x, y in ((a.stress, b.stress), (a.tangent, b.tangent), (a.energies, b.energies)):
            np.testing.assert_allclose(y * 1e6, x, rtol=0, atol=1e-9 * np.abs(x).max())


def test_heat_needs_the_density(umat) -> None:
    """UMAT is not told the density: constant 13; twice the density, half the heating."""
    rise = []
    for density in (7800.0, 15600.0):
        point = UmatPoint(umat, "PYBRIDGE_JOHNSON_COOK", (*JOHNSON_COOK, density))
        rise.append(point.step(np.diag([1.1, 0.95, 0.95]), 1e-4).state[2])
    assert rise[0] > 10
    assert rise[0] == pytest.approx(2 * rise[1], rel=0.05)
    with pytest.raises(HostError, match="constant 13"):
        UmatPoint(umat, "PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK).step(np.eye(3), 1e-4)


def test_temperature_of_the_host_arrives(umat) -> None:
    cold, hot = (
        UmatPoint(umat, "PYBRIDGE_JOHNSON_COOK", (*JOHNSON_COOK[:10], 0.0, 0.9), temperature=t)
        for t in (294.0, 900.0)
    )
    f = np.diag([1.1, 0.95, 0.95])
    assert hot.step(f, 1e-4).stress[0, 0] < 0.9 * cold.step(f, 1e-4).stress[0, 0]


def test_inverted_new_element_asks_for_a_smaller_increment(umat, case) -> None:
    point = UmatPoint(umat, case.name, case.constants, guarded=True)
    point.step(np.eye(3) + 0.1 * GRADIENT, case.dt)
    before = point.corotational.copy(), point.state.copy()
    for bad in (np.diag([1.0, -0.2, 1.0]), np.diag([1.0, 0.0, 1.0])):
        answer = point.trial(bad, case.dt)
        assert answer.next_dt == 0.25
        assert not answer.answered
        np.testing.assert_array_equal(answer.state, before[1])
        assert np.isfinite(answer.tangent).all()
        assert (np.linalg.eigvalsh(answer.tangent) > 1e9).all()
    with pytest.raises(HostError, match="smaller increment"):
        point.step(np.diag([1.0, -0.2, 1.0]), case.dt)
    np.testing.assert_array_equal(point.corotational, before[0])


def test_what_no_increment_can_help_is_an_error(umat) -> None:
    point = UmatPoint(umat, "NETWORK")
    with pytest.raises(HostError, match="beyond the horizon"):
        point.step(np.eye(3), 2 * HORIZON)
    point = UmatPoint(umat, "NETWORK", (1.0, 1.0, 1.0))
    with pytest.raises(HostError, match="left the domain"):
        point.step(np.diag([1.9, 1.0, 1.0]), 1e-8)
    arguments = UmatPoint(umat, "PYBRIDGE_ELASTIC", STEEL).arguments(np.eye(3), 1.0)
    for name, value, text in (
        ("STRESS", np.nan, "not-a-number"), ("DFGRD0", -1.0, "DFGRD0"), ("NSTATV", 3, "DEPVAR 0, got 3"),
        ("NDI", 2, "plane stress"), ("NTENS", 5, "NTENS = 5"), ("NTENS", 1, "NTENS = 1"),
    ):  # fmt: skip
        broken = {k: v.copy() for k, v in arguments.items()}
        broken[name][0] = value
        with pytest.raises(HostError, match=text):
            umat.call_pointers(umat.pointers(broken))
        n = int(broken["NTENS"][0])  # never a number that could be taken for an answer
        assert np.isnan(broken["STRESS"][:n]).all()
        assert np.isnan(broken["DDSDDE"][: n * n]).all()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("@ABAQUS_STANDARDU@PYBRIDGE-J2", "@ABAQUSNL_LIBRARY@NAME"),
        ("@ABAQUSNL_STANDARDU", "expected @ABAQUSNL"),
        ("NO_SUCH_FILE", "neither a built-in law"),
    ],
)
def test_names_that_mean_nothing(umat, name, text) -> None:
    point = UmatPoint(umat, "PYBRIDGE_ELASTIC", STEEL)
    arguments = point.arguments(np.eye(3), 1.0)
    arguments["CMNAME"][:] = np.frombuffer(name.ljust(80).encode(), np.uint8)
    with pytest.raises(HostError, match=text):
        umat.call(arguments)


def test_external_database_loads_nothing_without_a_job(umat) -> None:
    for operation in (0, 1, 2, 3, 4):
        umat.external_database(operation)
