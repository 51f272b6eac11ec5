"""PCA + DNN in the solver, native engine: against an independent evaluation of the whole history."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from pybridge._core import load_model

HORIZON = 2e-6
KNOTS = np.array([0.0, 0.23, 0.5, 0.61, 1.0]) * HORIZON


def native(surrogate: Any, precision: str = "float64") -> Any:
    return load_model(str(surrogate.path), "native", precision)


def path_at(t: float) -> np.ndarray:
    """An asymmetric stretch history, linear between KNOTS."""
    amplitude = np.array([0.03, -0.021, 0.012, 0.017, -0.008, 0.005])
    shape = np.array([[0, 1.0, 0.2, -0.5, 0.7], [0, -0.3, 1.0, 0.4, 0.1], [0, 0.5, 0.6, -1.0, -0.2],
                      [0, 0.9, -0.9, 0.3, 0.3], [0, -1.0, 0.1, 0.6, 1.0], [0, 0.4, 0.8, 0.2, -0.6]])  # fmt: skip
    e = amplitude * np.array([np.interp(t, KNOTS, row) for row in shape])
    return e + np.array([1, 1, 1, 0, 0, 0])


def projected_history(tensors: dict[str, np.ndarray], t_end: float) -> np.ndarray:
    """(1/T) integral of phi_kj E_k over [0, T], the path held after t_end: piece by piece, phi constant, E linear."""
    time = tensors["time"]
    phi = -np.diff(tensors["input_primitive"], axis=1) / np.diff(time)
    rows = len(phi)
    total = np.zeros(rows)
    breaks = np.unique(np.concatenate([time, KNOTS, [t_end]]))
    for a, b in pairwise(breaks):
        i = np.searchsorted(time, 0.5 * (a + b)) - 1
        e = 0.5 * (path_at(min(a, t_end)) + path_at(min(b, t_end))) - np.array([1, 1, 1, 0, 0, 0])
        total += phi[:, i] * np.repeat(e, rows // 6) * (b - a)
    return total / HORIZON


def selu(x: np.ndarray) -> np.ndarray:
    return 1.0507009873554804934 * np.where(x > 0, x, 1.6732632423543772848 * np.expm1(np.minimum(x, 0)))


def network_at(surrogate: Any, x: np.ndarray) -> np.ndarray:
    for i, layer in enumerate(surrogate.card["network"]):
        x = surrogate.tensors[f"layer{i}.weight"] @ x + surrogate.tensors[f"layer{i}.bias"]
        x = selu(x) if layer["activation"] == "selu" else x
    return x


def stress_at(surrogate: Any, t: float) -> np.ndarray:
    tensors = surrogate.tensors
    mean, scale = tensors["input_mean"], tensors["input_scale"]
    x = (projected_history(tensors, t) - mean) / scale
    a = (network_at(surrogate, x) - network_at(surrogate, -mean / scale)) * tensors["output_scale"]
    psi = np.array([np.interp(t, tensors["time"], row) for row in tensors["output_basis"]])
    stress = (a * psi).reshape(6, -1).sum(1)
    u = path_at(t)
    volume = np.linalg.det([[u[0], u[3], u[5]], [u[3], u[1], u[4]], [u[5], u[4], u[2]]]) - 1
    stress[:3] += sum(p * volume ** (i + 1) for i, p in enumerate(tensors["pressure_coefficients"]))
    return stress


@pytest.mark.parametrize("t_end", np.array([0.004, 0.05, 0.31, 0.5, 0.777, 1.0]) * HORIZON)
def test_state_is_the_projection_of_the_whole_held_history(surrogate: Any, tools: Any, t_end: float) -> None:
    times = np.unique(np.concatenate([np.linspace(0, t_end, 57), KNOTS[t_end > KNOTS]]))
    answer = tools.run_path(native(surrogate), times, path_at)
    expected = projected_history(surrogate.tensors, t_end)
    np.testing.assert_allclose(answer.state[:-1, 0], expected, rtol=0, atol=1e-13 * np.abs(expected).max())
    stress = stress_at(surrogate, t_end)
    np.testing.assert_allclose(answer.stress[:, 0], stress, rtol=0, atol=1e-11 * np.abs(stress).max())
    assert answer.status[0] == 0


def test_steps_of_any_length_give_the_same_coefficients(
    surrogate: Any, tools: Any, rng: np.random.Generator
) -> None:
    material = native(surrogate)
    t_end = 0.93 * HORIZON
    knots = KNOTS[t_end > KNOTS]
    sequences = [
        np.append(knots, t_end),
        np.unique(np.concatenate([np.linspace(0, t_end, 700), knots])),
        np.unique(np.concatenate([rng.uniform(0, t_end, 300), knots, [t_end]])),
        np.unique(
            np.concatenate([surrogate.tensors["time"][surrogate.tensors["time"] < t_end], knots, [t_end]])
        ),
    ]
    answers = [tools.run_path(material, times, path_at) for times in sequences]
    scale = np.abs(answers[0].state).max()
    for answer in answers[1:]:
        # 700 additions of rounding
        np.testing.assert_allclose(answer.state, answers[0].state, rtol=0, atol=1e-14 * scale)


@pytest.mark.parametrize("steady", [False, True])
def test_single_precision_does_not_drift(make_surrogate: Any, steady: bool) -> None:
    """5000 steps of steady loading at 64 rates: float against double on the same rounded stretches.

    `steady`: modes that live in the last interval alone, so that equal increments get equal weights before it.
    Rounded to nearest, each step would err the same way: 5e-5 of the coefficients here, 1e-3 after 100,000 steps.
    """

    def change(card: dict, tensors: dict) -> None:
        if steady:
            tensors["input_primitive"][:, :-1] = tensors["input_primitive"][:, -2:-1]

    surrogate = make_surrogate(change)
    single, double = native(surrogate, "float32"), native(surrogate)
    n, steps = 64, 5000
    rate = np.geomspace(0.02, 0.09, n) * np.array([1, -0.5, 0.3, 0.2, -0.25, 0.15])[:, None] / HORIZON
    times = np.linspace(0, 0.97 * HORIZON, steps + 1)
    arrays = {}
    for material in (single, double):
        size, t = material.state_size, material.dtype
        arrays[t] = [np.zeros((6, n), t), np.zeros((6, n), t), np.zeros((size, n), t), np.zeros((size, n), t)]
    stretch = [np.zeros((6, n)), np.zeros((6, n))]
    virgin = np.repeat(np.array([1.0, 1, 1, 0, 0, 0])[:, None], n, 1)
    stretch[0][:] = virgin
    scale = np.zeros((double.state_size - 1, 1))
    for old, new in pairwise(times):
        stretch[1] = (virgin + rate * new).astype(np.float32).astype(np.float64)
        for material in (single, double):
            t = material.dtype
            stress_old, stress_new, state_old, state_new = arrays[t]
            material.update(
                time_old=old, dt=new - old, strain_inc=(stretch[1] - stretch[0]).astype(t),
                stretch_old=stretch[0].astype(t), stretch_new=stretch[1].astype(t), temperature=np.zeros(n, t),
                density=np.ones(n, t), stress_old=stress_old, state_old=state_old, stress_new=stress_new,
                state_new=state_new, dissipation_inc=np.empty(n, t), status=np.empty(n, np.int32),
            )  # fmt: skip
            arrays[t] = [stress_new, stress_old, state_new, state_old]
        stretch = [stretch[1], stretch[0]]
        scale = np.maximum(scale, np.abs(arrays[double.dtype][2][:-1]).max(1, keepdims=True))
    state, exact = (arrays[m.dtype][2].astype(np.float64) for m in (single, double))
    # Each rounding errs by up to 1.2e-7 of the value, independently of the others: sqrt(5000) / 2 of them.
    assert np.abs((state - exact)[:-1] / scale).max() < 3 * 1.2e-7 * np.sqrt(steps) / 2
    assert np.abs(((state - exact)[:-1] / scale).mean()) < 2e-7
    stress, expected = (arrays[m.dtype][0] for m in (single, double))
    np.testing.assert_allclose(stress, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("n", [1, 2, 150])
def test_virgin_material_has_exactly_no_stress(surrogate: Any, tools: Any, precision: str, n: int) -> None:
    material = native(surrogate, precision)
    u = tools.identity(n)
    for t in (0.0, 0.37 * HORIZON, 0.999 * HORIZON):
        answer = tools.step(material, t, 1e-9, u, u)
        assert (answer.stress == 0).all()
        assert (answer.state == 0).all()
        assert (answer.dissipation == 0).all()
        assert (answer.status == 0).all()


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_same_bits_for_every_block_and_stride(
    surrogate: Any, tools: Any, precision: str, rng: np.random.Generator
) -> None:
    material = native(surrogate, precision)
    n = 512
    old = (tools.identity(n) + rng.normal(size=(6, n)) * 0.02).astype(precision)
    new = (old + rng.normal(size=(6, n)) * 0.001).astype(precision)
    state = (rng.normal(size=(material.state_size, n)) * 0.01).astype(precision)
    state[-1] = rng.integers(0, 2, n)
    stress = (rng.normal(size=(6, n)) * 1e8).astype(precision)
    args = (0.42 * HORIZON, 0.13 * HORIZON)
    whole = tools.step(material, *args, old, new, state, stress)
    assert set(whole.status) == {0, 1}
    for size in [*range(1, 30), 47, 48, 49, 95, 96, 97, 143, 144, 145, 288, 300, 511]:
        cut = slice((size * 31) % (513 - size), None)
        cut = slice(cut.start, cut.start + size)
        part = tools.step(material, *args, *(a[:, cut] for a in (old, new, state, stress)), stride=size + 3)
        for name in ("stress", "state", "dissipation", "status"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[..., cut]), (size, name)


def test_pressure_is_the_polynomial_of_the_volume(
    make_surrogate: Any, tools: Any, rng: np.random.Generator
) -> None:
    def only_pressure(card: dict, tensors: dict) -> None:
        tensors["output_scale"] = np.full(len(tensors["output_scale"]), 1e-30)

    material = native(make_surrogate(only_pressure))
    n = 40
    u = tools.identity(n) + rng.normal(size=(6, n)) * 0.03
    answer = tools.step(material, 0.0, 1e-7, tools.identity(n), u)
    full = np.moveaxis(np.array([[u[0], u[3], u[5]], [u[3], u[1], u[4]], [u[5], u[4], u[2]]]), 2, 0)
    v = np.linalg.det(full) - 1
    expected = 36e9 * v - 70e9 * v**2 + 110e9 * v**3
    np.testing.assert_allclose(answer.stress[:3], np.tile(expected, (3, 1)), rtol=1e-12, atol=1e-3)
    np.testing.assert_allclose(answer.stress[3:], 0, atol=1e-3)


def test_no_pressure_tensor_means_no_polynomial(make_surrogate: Any, tools: Any) -> None:
    both = make_surrogate()
    bare = make_surrogate(lambda card, tensors: tensors.pop("pressure_coefficients"))
    u = tools.identity(1) + np.array([[0.01, 0.02, -0.005, 0.004, 0.003, -0.002]]).T
    difference = [tools.step(native(s), 0.0, 1e-7, tools.identity(1), u).stress[:, 0] for s in (both, bare)]
    volume = np.linalg.det([[1.01, 0.004, -0.002], [0.004, 1.02, 0.003], [-0.002, 0.003, 0.995]]) - 1
    pressure = 36e9 * volume - 70e9 * volume**2 + 110e9 * volume**3
    np.testing.assert_allclose(difference[0] - difference[1], [pressure] * 3 + [0] * 3, rtol=1e-9, atol=1)


def test_dissipation_is_work_less_elastic_energy(
    surrogate: Any, tools: Any, rng: np.random.Generator
) -> None:
    n = 7
    old, new = (tools.identity(n) + rng.normal(size=(6, n)) * 0.01 for _ in range(2))
    stress_old = rng.normal(size=(6, n)) * 3e8
    answer = tools.step(native(surrogate), 1e-7, 1e-7, old, new, stress_old=stress_old)

    def matrix(v: np.ndarray) -> np.ndarray:
        return np.array([[v[0], v[3], v[5]], [v[3], v[1], v[4]], [v[5], v[4], v[2]]])

    for i in range(n):
        s_old, s_new, d = (matrix(a[:, i]) for a in (stress_old, answer.stress, new - old))

        def energy(s: np.ndarray) -> float:
            mean = np.trace(s) / 3
            return mean**2 / (2 * 36e9) + np.sum((s - mean * np.eye(3)) ** 2) / (4 * 17e9)

        expected = np.sum(0.5 * (s_old + s_new) * d) - energy(s_new) + energy(s_old)
        assert answer.dissipation[i] == pytest.approx(expected, rel=1e-11)


def test_domain_is_flagged_and_remembered(surrogate: Any, tools: Any) -> None:
    material = native(surrogate)
    assert material.domain.strain_max == 0.1
    assert material.domain.time_max == HORIZON
    cases = {
        "inside": (0.099 / np.sqrt(2), 1e-7, 0),
        "strain": (0.101 / np.sqrt(2), 1e-7, 1),
        "rate below": (0.0399 / np.sqrt(2), 1e-8, 0),
        "rate above": (0.0401 / np.sqrt(2), 1e-8, 1),
    }
    for name, (shear, dt, flag) in cases.items():
        u = tools.identity(1)
        for component in (3, 4, 5):
            v = u.copy()
            v[component] = shear  # counts twice in the norm
            answer = tools.step(material, 0.0, dt, u, v)
            assert (answer.status[0], answer.state[-1, 0]) == (flag, flag), name
        v = u.copy()
        v[:2] += [[shear], [-shear]]
        assert tools.step(material, 0.0, dt, u, v).status[0] == flag, name
    back = tools.step(material, 1e-7, 1e-7, u, u, np.vstack([np.zeros((30, 1)), [[1.0]]]))
    assert (back.status[0], back.state[-1, 0]) == (1, 1)


def test_unlimited_domain(make_surrogate: Any, tools: Any) -> None:
    def unlimited(card: dict, tensors: dict) -> None:
        card["domain"] = {"strain_max": None, "rate_max": None, "time_max": None}

    material = native(make_surrogate(unlimited))
    assert np.isinf(material.domain.strain_max)
    assert material.domain.time_max == HORIZON  # the bases end there
    u = tools.identity(1)
    assert tools.step(material, 0.0, 1e-12, u, u * 1.5).status[0] == 0


@pytest.mark.parametrize("engine", ["native", "torchscript"])
@pytest.mark.parametrize(
    ("time_old", "dt"),
    [
        (HORIZON, 1e-9),
        (0.9 * HORIZON, 0.1001 * HORIZON),
        (0.0, -1e-9),
        (-1e-9, 1e-9),
        (np.nan, 1e-9),
        (0.0, np.inf),
    ],
)
def test_beyond_the_horizon_is_fatal_and_changes_nothing(
    surrogate: Any, tools: Any, engine: str, time_old: float, dt: float, rng: np.random.Generator
) -> None:
    material = load_model(str(surrogate.path), engine, "float64")
    state, stress = rng.normal(size=(31, 3)), rng.normal(size=(6, 3))
    answer = tools.step(material, time_old, dt, tools.identity(3), tools.identity(3), state, stress)
    assert (answer.status == 3).all()
    assert np.array_equal(answer.state, state)
    assert np.array_equal(answer.stress, stress)
    assert (answer.dissipation == 0).all()


@pytest.mark.parametrize("engine", ["native", "torchscript"])
def test_rounding_at_the_horizon_is_forgiven(surrogate: Any, tools: Any, engine: str) -> None:
    material = load_model(str(surrogate.path), engine, "float64")
    u = tools.identity(1) * 1.001
    exact = tools.step(material, 0.9 * HORIZON, 0.1 * HORIZON, tools.identity(1), u)
    over = tools.step(material, 0.9 * HORIZON, 0.1 * HORIZON * (1 + 5e-9), tools.identity(1), u)
    assert over.status[0] == 0
    np.testing.assert_allclose(over.stress, exact.stress, rtol=1e-6)
    last = tools.step(material, HORIZON * (1 + 5e-10), 0.0, u, u, exact.state)
    assert last.status[0] == 0
    np.testing.assert_allclose(last.stress, exact.stress, rtol=1e-9)


@pytest.mark.parametrize("engine", ["native", "torchscript"])
def test_bad_stretch_is_fatal_at_its_own_point_alone(surrogate: Any, tools: Any, engine: str) -> None:
    material = load_model(str(surrogate.path), engine, "float64")
    n = 8
    new = tools.identity(n) * 1.01
    clean = tools.step(material, 0.0, 1e-7, tools.identity(n), new)
    bad = new.copy()
    bad[4, 1] = np.nan
    bad[0, 2] = np.inf
    bad[2, 3] = -0.5  # inverted
    bad[3, 5] = 1.02  # det < 0 by shear
    old = tools.identity(n)
    old[1, 6] = np.nan
    old[0, 7] = -1.0
    stress = np.full((6, n), 5e6)
    answer = tools.step(material, 0.0, 1e-7, old, bad, stress_old=stress)
    assert answer.status.tolist() == [0, 3, 3, 3, 0, 3, 3, 3]
    for i in (1, 2, 3, 5, 6, 7):
        assert (answer.stress[:, i] == 5e6).all()
        assert (answer.state[:, i] == 0).all()
        assert answer.dissipation[i] == 0
    for i in (0, 4):
        np.testing.assert_allclose(answer.stress[:, i], clean.stress[:, i], rtol=1e-12)


@pytest.mark.parametrize("engine", ["native", "torchscript"])
def test_a_step_of_no_length_is_a_jump(surrogate: Any, tools: Any, engine: str) -> None:
    """dt = 0: the strain jumps at t, and the whole rest of the path is at the new value."""
    material = load_model(str(surrogate.path), engine, "float64")
    t, e = 0.3 * HORIZON, np.array([0.01, -0.02, 0.005, 0.003, 0.004, -0.006])
    u = tools.identity(1)
    answer = tools.step(material, t, 0.0, u, u + e[:, None])
    rest = [np.interp(t, surrogate.tensors["time"], row) for row in surrogate.tensors["input_primitive"]]
    expected = np.repeat(e, 5) * rest / HORIZON
    np.testing.assert_allclose(answer.state[:-1, 0], expected, rtol=1e-12, atol=1e-18)
    assert answer.status[0] == 1  # an infinite rate


@pytest.mark.parametrize("component", range(6))
@pytest.mark.parametrize("engine", ["native", "torchscript"])
def test_overflow_is_reported_not_returned(
    make_surrogate: Any, tools: Any, engine: str, component: int
) -> None:
    def huge(card: dict, tensors: dict) -> None:
        rows = slice(4 * component, 4 * component + 4)
        tensors["output_scale"][rows] = 1e300
        tensors["output_basis"][rows] *= 1e20

    material = load_model(str(make_surrogate(huge).path), engine, "float64")
    answer = tools.step(
        material, 0.0, 1e-7, tools.identity(2), tools.identity(2) * 1.01, stress_old=np.ones((6, 2))
    )
    assert (answer.status == 3).all()
    assert (answer.stress == 1).all()
    assert (answer.state == 0).all()


def test_nodes_need_not_be_equidistant(make_surrogate: Any, tools: Any) -> None:
    def uneven(card: dict, tensors: dict) -> None:
        time = HORIZON * np.linspace(0, 1, len(tensors["time"])) ** 1.7
        phi = np.random.default_rng(5).normal(size=(len(tensors["input_primitive"]), len(time) - 1))
        tensors["time"] = time
        tensors["input_primitive"][:, :-1] = np.cumsum((phi * np.diff(time))[:, ::-1], axis=1)[:, ::-1]

    surrogate = make_surrogate(uneven)
    t_end = 0.83 * HORIZON
    times = np.unique(np.concatenate([np.linspace(0, t_end, 31), KNOTS[t_end > KNOTS]]))
    answer = tools.run_path(native(surrogate), times, path_at)
    expected = projected_history(surrogate.tensors, t_end)
    np.testing.assert_allclose(answer.state[:-1, 0], expected, rtol=0, atol=1e-13 * np.abs(expected).max())
