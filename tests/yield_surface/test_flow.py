"""The flow: relaxation to the surface, splitting of steps, dissipation, flags."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from yield_surface_stepping import IDENTITY, Points
from yield_surface_trial import surrogate_from

from pybridge import _core
from training.tensors import deviator, norm
from training.yield_surface_export import write
from training.yield_surface_train import refined

SHEAR, STRAIN_SCALE, TIME_SCALE = 25e9, 6e-3, 8e-9


def deviatoric_norm(stress: NDArray) -> NDArray:
    return norm(deviator(stress))


def test_held_strain_relaxes_and_then_stops(material, walks) -> None:
    """Flow slower than rest_rate counts as none, so that creep ends in a finite time, and to the bit."""
    time, stretch = walks
    points = Points(material, len(stretch))
    for i in range(1, 20):
        points.step(stretch[:, i].T, time[i] - time[i - 1])
    work = [points.state[-2].copy()]
    for _ in range(60):
        points.step(stretch[:, 19].T, 1e4 * TIME_SCALE)
        work.append(points.state[-2].copy())
    still = points.state.copy()
    points.step(stretch[:, 19].T, 1e4 * TIME_SCALE)
    assert (points.state == still).all()
    assert (np.abs(work[1] - work[0]) > 0).any()
    assert (points.status < 3).all()


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_relaxation_is_that_of_the_overstress_law(network, tmp_path, precision) -> None:
    """o' = -k o^2 from o_0 at held strain: o = 1 / (1 / o_0 + k t), until k o^2 is rest_rate; then nothing moves."""
    import copy

    import torch

    model = copy.deepcopy(network)
    with torch.no_grad():
        model.weight[2].zero_()
        model.bias[2].zero_()
        model.bias[2][1] = 1.0
        model.skip.zero_()
    write(surrogate_from(model), tmp_path / "simple.pt")
    material = _core.load_model(str(tmp_path / "simple.pt"), "native", precision)
    rate, radius = np.e, model.radius_floor + np.log(2.0)
    rest = np.sqrt(model.rest_rate / rate)
    points, start = Points(material, 1), 2.0
    jump = IDENTITY[:, None] + STRAIN_SCALE * start / np.sqrt(2) * np.eye(6)[3][:, None]  # |e| = start
    points.step(jump, 1e-6 * TIME_SCALE)

    def overstress() -> float:
        return float(deviatoric_norm(points.stress.T)[0]) / (2 * SHEAR * STRAIN_SCALE) - radius

    begun, time, dt = overstress(), 0.0, 0.05
    assert begun == pytest.approx(start - radius, rel=2e-2)  # the frame of U: first order in a strain of 1 %
    stops = (1 / rest - 1 / begun) / rate
    while time < 1.3 * stops:
        before = points.state.copy()
        points.step(jump, dt * TIME_SCALE)
        time += dt
        expected = max(1 / (1 / begun + rate * time), rest)
        assert overstress() == pytest.approx(expected, rel=2e-2)  # of U again, and of the steps
        if time > 1.05 * stops:
            assert (points.state == before).all()


def test_slow_loading_flows_at_the_overstress_of_rest(network, tmp_path) -> None:
    """Loaded a hundred times slower than rest_rate the stress is that of rest_rate: no rate matters there."""
    import copy

    import torch

    model = copy.deepcopy(network)
    with torch.no_grad():
        model.weight[2].zero_()
        model.bias[2].zero_()
        model.skip.zero_()
    write(surrogate_from(model), tmp_path / "simple.pt")
    material = _core.load_model(str(tmp_path / "simple.pt"), "native", "float64")
    held = model.radius_floor + np.log(2.0) + np.sqrt(model.rest_rate)  # k = 1
    for slower in (1e-1, 1e-2):
        points = Points(material, 1)
        for k in range(1, 301):
            stretch = IDENTITY[:, None] + STRAIN_SCALE * 0.01 * k / np.sqrt(2) * np.eye(6)[3][:, None]
            points.step(stretch, 0.01 * TIME_SCALE / (slower * model.rest_rate))
        size = float(deviatoric_norm(points.stress.T)[0]) / (2 * SHEAR * STRAIN_SCALE)
        assert size == pytest.approx(held, rel=2e-2)


@pytest.mark.parametrize(
    ("parts", "turn", "most"),
    # Radial flow: the integrator and the metric's frame alone. A direction correction of 0.4 that never changes,
    # far beyond what training finds, is taken once a piece: first order there.
    [(2, 0.0, 2e-3), (10, 0.0, 4e-3), (100, 0.0, 4e-3), (10, 1.0, 1.5e-2)],
)
def test_splitting_every_step_changes_little(network, tmp_path, run, parts, turn, most) -> None:
    """With the network's answer constant the integrator alone is tried, at steps longer than the yield strain."""
    import copy

    import torch

    model = copy.deepcopy(network)
    with torch.no_grad():
        model.weight[2].zero_()
        model.skip.fill_(0.05)
        model.bias[2][2:7] *= turn
    path = tmp_path / "constant.pt"
    write(surrogate_from(model), path)
    material = _core.load_model(str(path), "native", "float64")
    from training.paths import PathSpec, sample

    spec = PathSpec("R", 0.1, duration=200 * TIME_SCALE, steps=200, seed=4)
    stretch = np.stack([sample(spec, i).stretch for i in range(4)])
    coarse = deviator(run(material, spec.time(), stretch).stress)
    fine_time = np.linspace(0, spec.duration, 200 * parts + 1)
    fine = deviator(run(material, fine_time, refined(stretch, parts)).stress[:, ::parts])
    change = np.sqrt((norm(fine - coarse) ** 2).sum(1) / (norm(coarse) ** 2).sum(1))
    assert change.max() < most


def test_far_outside_the_surface_the_return_ends(model_path) -> None:
    """A jump of 100 yield strains, then a long rest: back on the surface, whatever the network says."""
    points = Points(_core.load_model(str(model_path), "native", "float64"), 7)
    rng = np.random.default_rng(3)
    jump = IDENTITY[:, None] + 0.1 * rng.normal(size=(6, points.n)) * np.array([[1, 1, 1, 0.7, 0.7, 0.7]]).T
    for dt in (1e-3 * TIME_SCALE, *[1e5 * TIME_SCALE] * 20):
        points.step(jump, dt)
        assert (points.status < 3).all()
    assert (
        deviatoric_norm(points.stress.T) < 2 * SHEAR * STRAIN_SCALE * 5
    ).all()  # R and |alpha| are below 2


@pytest.mark.parametrize("seed", range(4))
def test_stress_stays_of_the_size_of_the_data_whatever_the_network_says(tmp_path, seed, walks) -> None:
    """Weights five times too large, hidden states and radius at their bounds, directions that turn at every look."""
    import torch
    from yield_surface_trial import RADIUS

    from training.yield_surface import Sizes, YieldSurface

    model = YieldSurface(Sizes(2, 5, 18, 2), torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        for weight in model.weight:
            weight *= 5.0
        model.skip.fill_(3.0)
    write(surrogate_from(model), tmp_path / "wild.pt")
    time, stretch = walks
    points = Points(_core.load_model(str(tmp_path / "wild.pt"), "native", "float64"), len(stretch))
    most = RADIUS + 2 * 3.0 * np.sqrt(5.0)  # |x| <= R, two backstresses of five components in [-3, 3]
    for i in range(1, len(time)):
        points.step(stretch[:, i].T, time[i] - time[i - 1])
        assert (points.status < 3).all()  # a step may be refused, with the old values kept
        size = deviatoric_norm(points.stress.T) / (2 * SHEAR * STRAIN_SCALE)
        assert (size < 10 * most).all()  # backstresses may turn round within a step


def test_dissipation_is_stress_power_less_stored_energy(material) -> None:
    """Steady isochoric stretching: the elastic energy stands still, so all power is dissipated."""
    points = Points(material, 1)
    rate, lost, power = 0.2 * STRAIN_SCALE, [], []
    old = points.stretch.copy()
    for k in range(1, 1200):
        a = np.exp(rate * k)
        new = np.array([[a], [a**-0.5], [a**-0.5], [0.0], [0.0], [0.0]])
        stress_old = points.stress.copy()
        points.step(new, TIME_SCALE)
        strain = rate * np.array([1, -0.5, -0.5, 0, 0, 0])
        power.append(float((0.5 * (stress_old + points.stress))[:, 0] @ strain))
        lost.append(float(points.dissipation[0]))
        old = new
    assert (
        abs(sum(lost[-300:]) / sum(power[-300:]) - 1) < 2e-2
    )  # neo-Hookean energy, dissipation taken at the end of a step
    assert points.state[-2, 0] == pytest.approx(sum(lost), rel=1e-9)  # isochoric: both volumes are the same
    assert (points.status == 0).all()
    assert old.shape == (6, 1)


def test_outside_the_domain_it_says_so(network, tmp_path) -> None:
    path = tmp_path / "narrow.pt"
    write(surrogate_from(network, strain_max=0.02, rate_max=1e6), path)
    material = _core.load_model(str(path), "native", "float64")
    points = Points(material, 3)
    near, far = 0.01 * np.array([1.0, 0, 0, 0, 0, 0]), 0.03 * np.array([0, 0, 0, 1 / np.sqrt(2), 0, 0])
    points.step(IDENTITY[:, None] + np.stack([near, far, 0 * near], 1), 1e-6)
    assert points.status.tolist() == [0, 1, 0]
    points.step(IDENTITY[:, None] + np.stack([near, 0 * far, 0.01 * np.eye(6)[4]], 1), 1e-9)  # 1e7 1/s
    assert points.status.tolist() == [0, 1, 1]
    assert points.state[-1].tolist() == [0.0, 1.0, 1.0]  # it stays raised


def test_a_hidden_state_out_of_range_raises_the_flag(network, surrogate, tmp_path, walks) -> None:
    tight = surrogate_from(network)
    tight.tensors["hidden_bound"][3] = 1e-9
    path = tmp_path / "tight.pt"
    write(tight, path)
    time, stretch = walks
    points = Points(_core.load_model(str(path), "native", "float64"), len(stretch))
    for i in range(1, 20):
        points.step(stretch[:, i].T, time[i] - time[i - 1])
    assert (points.status == 1).all()


def test_negative_plastic_work_raises_the_flag(material) -> None:
    points = Points(material, 2)
    points.state[-2, 1] = -0.02 * SHEAR * STRAIN_SCALE**2
    points.step(points.stretch, TIME_SCALE)
    assert points.status.tolist() == [0, 1]


@pytest.mark.parametrize("engine", ["native", "torchscript"])
def test_bad_input_keeps_the_old_values(model_path, walks, engine) -> None:
    _, stretch = walks
    points = Points(_core.load_model(str(model_path), engine, "float64"), 5)
    points.step(stretch[:5, 40].T, TIME_SCALE)
    stress, state = points.stress.copy(), points.state.copy()
    new = stretch[:5, 41].T.copy()
    new[4, 1], new[0, 3] = np.nan, -0.5
    points.step(new, TIME_SCALE)
    assert points.status.tolist() == [0, 3, 0, 3, 0]
    for bad in (1, 3):
        assert (points.stress[:, bad] == stress[:, bad]).all()
        assert (points.state[:, bad] == state[:, bad]).all()
    assert (points.stress[:, 0] != stress[:, 0]).any()
