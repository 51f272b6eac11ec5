"""A VUMAT that is not pybridge's, as a material of the contract."""

from __future__ import annotations

import numpy as np
import pytest
from strangers import elastic_vumat

from pybridge._core import kinematics
from pybridge.conventions import defgrad_to_matrix, matrix_to_defgrad
from pybridge.errors import HostError
from pybridge.host import HostedVumat, load_vumat, our_library
from pybridge.host.hosted import HostedState
from pybridge.host.kinematics import defgrad_from_stretch, relative_spin

STEEL = (200e9, 0.3)
# stateNew takes over inputs, so that what the host passes can be looked at.
ECHO = (
    "for (int i = 0; i < n; ++i) for (int c = 0; c < {count}; ++c) stateNew[i + c * n] = {source}[i + c * n];"
)


def update(hosted, n=10, states=2, **extra):
    dtype = hosted.dtype
    rng = np.random.default_rng(3)
    f_old = np.eye(3)[:, :, None] + 0.1 * rng.normal(size=(3, 3, n))
    f_new = f_old + 0.02 * rng.normal(size=(3, 3, n))
    old, new = (np.ascontiguousarray(matrix_to_defgrad(f)) for f in (f_old, f_new))
    u_old, u_new, strain_inc, _ = kinematics(old, new)
    arrays = {
        "strain_inc": strain_inc.astype(dtype), "stretch_old": u_old.astype(dtype),
        "stretch_new": u_new.astype(dtype), "temperature": np.full(n, 300.0, dtype),
        "density": rng.uniform(1, 2, n).astype(dtype), "stress_old": rng.normal(size=(6, n)).astype(dtype),
        "state_old": rng.normal(size=(states, n)).astype(dtype), "stress_new": np.full((6, n), np.nan, dtype),
        "state_new": np.full((states, n), np.nan, dtype), "dissipation_inc": np.full(n, np.nan, dtype),
        "status": np.full(n, 9, np.int32),
    }  # fmt: skip
    hosted.update(time_old=1e-6, dt=1e-7, **arrays, **{k: v(old, new) for k, v in extra.items()})
    return arrays, old, new


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_contract_through_a_stranger(compile_library, guarded, threads):
    library = load_vumat(compile_library("contract", elastic_vumat()), "float64")
    hosted = HostedVumat(library, "steel", STEEL, states=2, nblock=3, guarded=guarded, threads=threads)
    assert hosted.state_size == 2
    assert [s.name for s in hosted.state_schema] == ["state_1", "state_2"]
    assert hosted.elastic_moduli.bulk == pytest.approx(STEEL[0] / (3 * 0.4), rel=1e-9)
    assert hosted.elastic_moduli.shear == pytest.approx(STEEL[0] / 2.6, rel=1e-9)
    assert hosted.domain.strain_max == np.inf
    a, _, _ = update(hosted)
    expected = a["stress_old"] + STEEL[0] / 1.3 * a["strain_inc"]
    expected[:3] += STEEL[0] / 1.3 * 0.75 * a["strain_inc"][:3].sum(0)
    np.testing.assert_allclose(a["stress_new"], expected, rtol=1e-12)
    np.testing.assert_allclose(a["state_new"], a["state_old"] + [[1], [2]], rtol=1e-14)
    np.testing.assert_allclose(a["dissipation_inc"], 2 * a["density"], rtol=1e-14)
    assert (a["status"] == 0).all()


@pytest.mark.parametrize(
    ("source", "count", "expected"),
    [
        ("defgradNew", 9, lambda a, old, new: new),
        ("defgradOld", 9, lambda a, old, new: old),
        ("stretchOld", 6, lambda a, old, new: a["stretch_old"]),
        ("stretchNew", 6, lambda a, old, new: a["stretch_new"]),
        ("tempOld", 1, lambda a, old, new: a["temperature"][None]),
        ("tempNew", 1, lambda a, old, new: a["temperature"][None]),
        ("density", 1, lambda a, old, new: a["density"][None]),
    ],
)
def test_every_input_arrives(compile_library, source, count, expected):
    path = compile_library(f"echo_{source}", elastic_vumat(fault=ECHO.format(count=count, source=source)))
    hosted = HostedVumat(load_vumat(path, "float64"), "X", STEEL, states=count, nblock=4)
    a, old, new = update(hosted, states=count, defgrad_old=lambda o, n: o, defgrad_new=lambda o, n: n)
    np.testing.assert_array_equal(a["state_new"], expected(a, old, new))


def test_gradient_and_spin_without_being_given(compile_library):
    """F = U, and the spin of the material relative to R follows from the stretches."""
    path = compile_library("echo_f", elastic_vumat(fault=ECHO.format(count=9, source="defgradNew")))
    a, _, _ = update(HostedVumat(load_vumat(path, "float64"), "X", STEEL, states=9, nblock=4), states=9)
    np.testing.assert_array_equal(a["state_new"], defgrad_from_stretch(a["stretch_new"]))
    matrix = defgrad_to_matrix(a["state_new"])
    np.testing.assert_array_equal(matrix, matrix.swapaxes(0, 1))
    path = compile_library("echo_spin", elastic_vumat(fault=ECHO.format(count=3, source="relSpinInc")))
    a, _, _ = update(HostedVumat(load_vumat(path, "float64"), "X", STEEL, states=3, nblock=4), states=3)
    np.testing.assert_array_equal(a["state_new"], relative_spin(a["stretch_old"], a["stretch_new"]))


def test_relative_spin_against_the_velocity_gradient():
    """F = R U of a motion with L constant: skew(R' L R) - R' Rdot, to the order of the step."""
    from scipy.linalg import expm, polar

    velocity = np.array([[0.3, 0.9, -0.2], [-0.1, -0.4, 0.5], [0.7, 0.2, 0.1]])
    dt, start = 1e-4, expm(velocity)
    (r_old, u_old), (r_new, u_new) = (polar(expm(velocity * t) @ start) for t in (0, dt))
    r_mid, _ = polar(expm(velocity * dt / 2) @ start)
    spin = r_mid.T @ (velocity - velocity.T) @ r_mid / 2 * dt - r_mid.T @ (r_new - r_old)
    pick = [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2)]
    old, new = (np.array([u[i, j] for i, j in pick])[:, None] for u in (u_old, u_new))
    found = relative_spin(old, new)[:, 0]
    np.testing.assert_allclose(found, [spin[1, 0], spin[2, 1], spin[0, 2]], rtol=0, atol=1e-9 * dt / 1e-4)
    assert np.abs(found).min() > 1e-6


def test_full_update_needs_the_gradients(compile_library):
    hosted = HostedVumat(
        load_vumat(compile_library("full", elastic_vumat()), "float64"), "X", STEEL, states=2
    )
    with pytest.raises(HostError, match="defgrad_old, defgrad_new, arrays"):
        hosted.update_full(time_old=0.0, dt=1.0)
    with pytest.raises(HostError, match=r"states: expected the number of state variables \(DEPVAR\)"):
        HostedVumat(hosted.library, "X", STEEL)
    with pytest.raises(HostError, match="only pybridge's own VUMAT"):
        HostedVumat(hosted.library, "X", STEEL, states=2, model_file="a.pt")
    with pytest.raises(HostError, match="at least 1, got 0 and 1"):
        HostedVumat(hosted.library, "X", STEEL, states=2, nblock=0)


def test_two_dimensional_elements_have_four_components(compile_library):
    path = compile_library("plane", elastic_vumat(fault=ECHO.format(count=5, source="defgradNew")))
    hosted = HostedVumat(
        load_vumat(path, "float64"), "X", STEEL, states=5, nblock=4, two_dimensional=True, guarded=True
    )
    a, _, new = update(hosted, states=5, defgrad_old=lambda o, n: o, defgrad_new=lambda o, n: n)
    np.testing.assert_array_equal(a["state_new"], new[[0, 1, 2, 3, 6]])
    assert (a["stress_new"][4:] == 0).all()
    assert np.abs(a["stress_new"][3]).min() > 0


def test_our_own_tells_its_schema():
    hosted = HostedVumat(load_vumat(our_library("float32")), "pybridge_j2_steel", (*STEEL, 4e8, 0.0))
    assert [s.name for s in hosted.state_schema] == ["equivalent_plastic_strain"]
    assert hosted.state_schema[0].unit == "1"
    assert "plastic strain" in hosted.state_schema[0].description
    assert hosted.dtype == np.float32
    assert hosted.elastic_moduli.shear == pytest.approx(STEEL[0] / 2.6, rel=1e-6)


# coordMp, charLength, ndir, nshr become state variables.
ECHO_PLACE = """
for (int i = 0; i < n; ++i) {
  for (int c = 0; c < 3; ++c) stateNew[i + c * n] = coordMp[i + c * n];
  stateNew[i + 3 * n] = charLength[i];
  stateNew[i + 4 * n] = *ndir;
  stateNew[i + 5 * n] = *nshr;
}
"""


def gauss_shape_functions():
    """The trilinear shape functions (points, nodes) at the eight points, in any order of points."""
    signs = np.array([(a, b, c) for c in (-1, 1) for b in (-1, 1) for a in (-1, 1)])
    nodes = signs[[0, 1, 3, 2, 4, 5, 7, 6]]
    return np.prod(1 + nodes[None] * signs[:, None] / np.sqrt(3), axis=2) / 8


@pytest.mark.parametrize("element", ["C3D8R", "C3D8", "CAX4R"])
def test_the_solver_tells_places_and_lengths(compile_library, element):
    """In the middle of a run, on cells that are no cubes: points where they are now, lengths as they were at first."""
    from abaqus_jobs.materials import user_material
    from abaqus_jobs.rods import copper_rod
    from pybridge.solver import controls_from_deck, model_from_deck
    from pybridge.solver.integrator import Integrator

    path = compile_library(f"place_{element}", elastic_vumat(fault=ECHO_PLACE))
    schema = [HostedState(f"s{k}") for k in range(6)]
    deck = copper_rod(
        element,
        across=3,
        height=6.4e-3,
        layers=5,
        material=user_material("ECHO", 8930.0, (117e9, 0.35), schema),
    )
    run = Integrator(model_from_deck(deck, f"vumat:{path}"), controls_from_deck(deck))
    for _ in range(8):
        run.step(4e-8)
    now, (cells,) = (run.x0 + run.u).T, (block.connectivity for block in deck.elements)
    size = 6.4e-3
    assert np.abs(run.u).max() > 5e-3 * size
    found = np.concatenate([c.points.old.state.reshape(6, -1, c.n) for c in run.chunks], axis=2)
    x, y = np.moveaxis(run.x0.T[cells[:, :4], :2], -1, 0)  # the lower face; layers have one height
    area = 0.5 * np.abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1))
    if element == "CAX4R":
        expected, length, kinds = now[cells].mean(1)[None], np.sqrt(area), (3, 1)
    else:
        length, kinds = np.cbrt(area * 6.4e-3 / 5), (3, 3)
        points = gauss_shape_functions() if element == "C3D8" else np.full((1, 8), 1 / 8)
        expected = np.einsum("pa,eai->pei", points, now[cells])
    apart = np.linalg.norm(found[:3].transpose(1, 2, 0)[:, None] - expected[None], axis=-1)
    assert max(apart.min(0).max(), apart.min(1).max()) < 1e-12 * size  # rounding
    for place in found.transpose(1, 0, 2):
        np.testing.assert_allclose(place[3], length, rtol=1e-12)
        assert set(place[4]) == {kinds[0]}
        assert set(place[5]) == {kinds[1]}
