"""Any rate and step, unloading, the second law, and input that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from pybridge._core import (
    CrystalParameters,
    MaterialError,
    make_law,
    make_taylor_crystal,
    uniform_orientations,
)

from pybridge.reference import crystal as reference

P = reference.Parameters()


def shear_path(steps: int, strain: float) -> np.ndarray:
    path = np.tile([1.0, 1, 1, 0, 0, 0], (steps + 1, 1))
    path += np.linspace(0, strain, steps + 1)[:, None] * np.array([0.5, -0.3, -0.2, 0.4, -0.6, 0.3])
    return path


@pytest.mark.parametrize("rate", [1e3, 1e4, 1e5, 1e6, 1e7])
def test_every_rate_at_every_step(tools, rate: float) -> None:
    crystal = make_taylor_crystal(uniform_orientations(4, 3), CrystalParameters(), "float64")
    strain = min(0.1, rate * 5e-6)
    last = []
    for dt in (1e-9, 1e-8, 3e-8):
        steps = int(np.clip(strain / rate / dt, 2, 600))
        history = tools.drive(crystal, shear_path(steps, rate * dt * steps), dt)
        assert history.status.max() == 0
        assert np.isfinite(history.stress).all()
        assert np.isfinite(history.state).all()
        last.append(np.abs(tools.deviator(history.stress)).max())
    # The strength is that of the rate: between the softest system alone and all of them with full hardening.
    viscous = np.sqrt(max(rate, 1e3) / 1e5)
    for stress in last:
        assert 1e6 * viscous < stress < 400e6 + 120e6 * viscous


@pytest.mark.parametrize("sensitivity", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_very_stiff_steps_converge_or_say_so(tools, precision: str, sensitivity: float) -> None:
    parameters = CrystalParameters()
    for family in (parameters.basal, parameters.prismatic, parameters.pyramidal):
        family.sensitivity = sensitivity
    crystal = make_taylor_crystal(uniform_orientations(4, 3), parameters, precision)
    for dt in (1e-8, 1e-7, 1e-6, 1e-5, 1e-4):
        history = tools.drive(crystal, shear_path(5, 0.015), dt)
        assert np.isfinite(history.stress).all()
        assert np.isfinite(history.state).all()
        assert np.isfinite(history.work).all()
        assert history.status.max() == 0 or sensitivity == 0.1
        if history.status.max() == 0:  # flow at 3e3 /s and less: far below an elastic answer, 150 MPa
            assert np.abs(tools.deviator(history.stress)).max() < 110e6


def test_stress_hardly_depends_on_the_step(tools) -> None:
    crystal = make_taylor_crystal(uniform_orientations(8, 3), CrystalParameters(), "float64")
    ends = [tools.drive(crystal, shear_path(n, 0.06), 6e-7 / n).stress[-1, :, 0] for n in (20, 60, 600, 2400)]
    size = np.linalg.norm(tools.deviator(ends[-1][None]))
    for end, limit in zip(ends[:-1], (0.04, 0.02, 0.002), strict=True):
        assert np.linalg.norm(tools.deviator((end - ends[-1])[None])) < limit * size


def test_fast_unloading_is_elastic(tools) -> None:
    crystal = make_taylor_crystal(uniform_orientations(8, 3), CrystalParameters(), "float64")
    loaded = tools.drive(crystal, shear_path(200, 0.03), 1e-9)
    here = shear_path(1, 0.03)[1]
    back = 1e-5 * np.array([-0.3, 0.7, -0.4, 0.2, 0.9, -0.5])
    # In a hundredth of a picosecond nothing flows: F_in is what it was.
    stress = tools.drive(crystal, np.array([here, here + back]), 1e-14, loaded.state).stress[1, :, 0]
    change = stress - loaded.stress[-1, :, 0]
    inverse = tools.split_state(loaded.state[:, 0], 8)[0] + np.eye(3)
    expected = np.zeros((3, 3))
    for q, b in zip(uniform_orientations(8, 3), inverse, strict=True):
        f = q.T @ tools.to_matrix(here + back) @ q
        expected += q @ reference.cauchy_stress(f, np.linalg.inv(b), P) @ q.T / 8
    expected = tools.to_components(expected) - loaded.stress[-1, :, 0]
    np.testing.assert_allclose(change, expected, atol=1e-4 * np.abs(expected).max())
    # The slope is that of the elastic law, to the order of the strains.
    slope = 2 * P.shear * back[3:]
    np.testing.assert_allclose(change[3:], slope, atol=0.1 * np.abs(slope).max())


def stored(tools, state: np.ndarray, stretch: np.ndarray, q: np.ndarray) -> tuple[float, float]:
    """Elastic and other stored energy of one grain's state, J/m3 of the reference volume."""
    inverse, e, lam = (x[0] for x in tools.split_state(state[:, 0], 1))
    a = q.T @ tools.to_matrix(stretch) @ q @ (inverse + np.eye(3))
    start = reference.slip_energy(np.zeros(12), P)
    return reference.elastic_energy(a, P), reference.slip_energy(e, P) - start + reference.twin_energy(lam, P)


def test_energy_balance_and_second_law(tools) -> None:
    q = uniform_orientations(1, 13)
    crystal = make_taylor_crystal(q, CrystalParameters(), "float64")
    steps, dt = 1200, 5e-10
    there = tools.smooth_path(steps // 2, 5, 0.03, knots=4)
    path = np.concatenate([there, there[::-1][1:]])
    state, total, inelastic, dissipated = np.zeros((crystal.state_size, 1)), 0.0, 0.0, []
    elastic = kept = 0.0
    stress = np.zeros(6)
    weights = np.array([1.0, 1, 1, 2, 2, 2])
    for k in range(steps):
        history = tools.drive(crystal, path[k : k + 2], dt, state)
        state, new = history.state, history.stress[1, :, 0]
        u = tools.to_matrix((path[k] + path[k + 1]) / 2)
        rate = (tools.to_matrix(path[k + 1]) - tools.to_matrix(path[k])) @ np.linalg.inv(u)
        rate = tools.to_components((rate + rate.T) / 2)
        work = np.linalg.det(u) * np.sum(weights * (stress + new) / 2 * rate)
        stress = new
        next_elastic, next_kept = stored(tools, state, path[k + 1], q[0])
        # The stress of each end belongs to its own stretch; the trapezoid is of second order.
        dissipated.append(work - (next_elastic - elastic) - (next_kept - kept))
        total += work - (next_elastic - elastic)
        inelastic += history.work[0, 0] * np.linalg.det(tools.to_matrix(path[k + 1]))
        elastic, kept = next_elastic, next_kept
    assert inelastic == pytest.approx(total, rel=5e-3)
    assert min(dissipated) > -1e-3 * max(dissipated)
    assert kept > 0.02 * total


def wrong_stretches() -> dict[str, np.ndarray]:
    good = np.array([1.0, 1, 1, 0, 0, 0])
    nan, inverted, indefinite, flat = good.copy(), good.copy(), good.copy(), good.copy()
    nan[4] = np.nan
    inverted[0] = -1.0
    indefinite[:2] = -1.0  # determinant +1
    flat[2] = 0.0
    return {
        "nan": nan,
        "inverted": inverted,
        "indefinite": indefinite,
        "flat": flat,
        "infinite": np.full(6, np.inf),
    }


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_bad_stretch_is_fatal_for_its_point_alone(tools, precision: str) -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [2], precision)
    good = np.array([1.001, 1, 1, 0, 0, 0])
    ends = np.stack([good, *wrong_stretches().values(), good], axis=1)
    starts = np.tile(np.array([1.0, 1, 1, 0, 0, 0])[:, None], ends.shape[1])
    n = ends.shape[1]
    dtype = crystal.dtype
    for old_end, new_end in ((starts, ends), (ends, starts)):
        state = np.full((crystal.state_size, n), 1e-4, dtype)
        new = np.full_like(state, np.nan)
        stress, work, status = (
            np.full((6, n), np.nan, dtype),
            np.full(n, np.nan, dtype),
            np.full(n, -1, np.int32),
        )
        crystal.update(
            time_old=0.0, dt=1e-9, strain_inc=np.zeros((6, n), dtype), stretch_old=old_end.astype(dtype),
            stretch_new=new_end.astype(dtype), temperature=np.zeros(n, dtype), density=np.ones(n, dtype),
            stress_old=np.full((6, n), 5.0, dtype), state_old=state, stress_new=stress, state_new=new,
            dissipation_inc=work, status=status,
        )  # fmt: skip
        assert status.tolist() == [0, 3, 3, 3, 3, 3, 0]
        assert (stress[:, 1:-1] == 5).all()
        assert (new[:, 1:-1] == state[:, 1:-1]).all()
        assert (work[1:-1] == 0).all()
        assert np.array_equal(new[:, 0], new[:, -1])


@pytest.mark.parametrize(("strain", "pieces"), [(0.0035, 1), (0.02, 6), (0.505, 128)])
def test_long_increments_are_cut_into_internal_steps(tools, strain: float, pieces: int) -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [2], "float64")
    leap = tools.drive(crystal, shear_path(1, strain), 1e-7)
    steps = tools.drive(crystal, shear_path(pieces, strain), 1e-7 / pieces)
    assert leap.status[0] == 0
    np.testing.assert_allclose(leap.stress[-1], steps.stress[-1], rtol=1e-9, atol=1.0)
    np.testing.assert_allclose(leap.state, steps.state, atol=1e-12)
    work = np.linalg.det(tools.to_matrix(shear_path(pieces, strain).T))[1:] * steps.work[:, 0]
    assert leap.work[0, 0] * np.linalg.det(tools.to_matrix(shear_path(1, strain).T))[1] == pytest.approx(
        work.sum()
    )


def test_a_leap_asks_for_a_smaller_step(tools) -> None:
    crystal = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [2], "float64")
    history = tools.drive(crystal, shear_path(1, 0.51), 1e-8)
    assert history.status[0] == 2
    assert np.abs(history.state).max() == 0


def test_no_convergence_asks_for_a_smaller_step(tools) -> None:
    parameters = CrystalParameters()
    parameters.iterations_max = 1
    parameters.tolerance = 1e-6
    crystal = make_taylor_crystal(uniform_orientations(2, 1), parameters, "float64")
    history = tools.drive(crystal, shear_path(1, 0.004), 1e-8)
    assert history.status[0] == 2
    assert np.abs(history.state).max() == 0
    assert np.abs(history.stress).max() == 0


@pytest.mark.parametrize(
    ("constants", "message"),
    [([0.5], "number of grains must be a whole number from 1"), ([0], "from 1 to 100000, got 0"), ([4, -1], "seed"),
     ([4, 0, -1.0], "basal tau_0 must be positive"), ([4, 0, 1e6, 0.0], "prismatic tau_0"),
     ([4, 0, 1e6, 1e6, np.nan], "pyramidal tau_0"), ([4, 0, 1e6, 1e6, 1e6, -2], "twin tau_0"),
     ([1] * 7, "at most 6 constants")],
)  # fmt: skip
def test_wrong_constants_are_explained(constants: list[float], message: str) -> None:
    with pytest.raises(MaterialError, match=message):
        make_law("PYBRIDGE_TAYLOR_CRYSTAL", constants, "float64")


BAD = {
    "hardening": -1.0, "twin_hardening": -1.0, "twin_coupling": -1.0, "twin_stress": 0.0, "twin_sensitivity": 1.5, "twin_rate": -1.0,
    "c_over_a": 0.0, "twin_shear": -0.1, "lame": 0.0, "shear": np.inf, "strain_step": 0.0, "implicitness": 0.4,
    "tolerance": 0.0, "iterations_max": 0, "saturation": -1.0, "latent": np.nan, "stress": 0.0, "sensitivity": 0.0, "rate": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_wrong_parameters_are_explained(name: str) -> None:
    parameters = CrystalParameters()
    setattr(parameters.prismatic if hasattr(parameters.prismatic, name) else parameters, name, BAD[name])
    with pytest.raises(MaterialError, match=r"crystal: .* must be"):
        make_taylor_crystal(np.eye(3)[None], parameters, "float64")


def test_wrong_orientations_are_explained() -> None:
    for bad, message in (
        (np.eye(3), r"shape \(N, 3, 3\)"), (np.zeros((0, 3, 3)), "N from 1"), (2 * np.eye(3)[None], "not a rotation"),
        (-np.eye(3)[None], "not a rotation"), (np.full((1, 3, 3), np.nan), "not a rotation"),
    ):  # fmt: skip
        with pytest.raises(MaterialError, match=message):
            make_taylor_crystal(bad, CrystalParameters(), "float64")
    with pytest.raises(MaterialError, match="precision"):
        make_taylor_crystal(np.eye(3)[None], CrystalParameters(), "float16")


def test_law_is_the_class_with_its_defaults(tools) -> None:
    path = shear_path(20, 0.01)
    law = tools.drive(make_law("PYBRIDGE_TAYLOR_CRYSTAL_MG", [3, 6], "float64"), path, 1e-9)
    plain = make_taylor_crystal(uniform_orientations(3, 6), CrystalParameters(), "float64")
    assert np.array_equal(law.stress, tools.drive(plain, path, 1e-9).stress)
    other = make_law("PYBRIDGE_TAYLOR_CRYSTAL", [3, 6, 11e6, 41e6, 51e6, 21e6], "float64")
    parameters = CrystalParameters()
    parameters.basal.stress, parameters.prismatic.stress = 11e6, 41e6
    parameters.pyramidal.stress, parameters.twin_stress = 51e6, 21e6
    same = make_taylor_crystal(uniform_orientations(3, 6), parameters, "float64")
    assert np.array_equal(tools.drive(other, path, 1e-9).stress, tools.drive(same, path, 1e-9).stress)
    assert {v.name: v.count for v in plain.state_schema} == {
        "inelastic_inverse": 27, "slip": 36, "twin": 18, "mean_slip": 1, "twin_fraction": 1
    }  # fmt: skip
