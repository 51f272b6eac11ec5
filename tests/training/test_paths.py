"""Path samplers: the recursion of [LIU22] 3.2, invariants of each protocol, seeds, rejections."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge.errors import ConfigError
from training.paths import MIN_STRETCH, PROTOCOLS, PathSpec, sample
from training.tensors import IDENTITY, determinant, positive_definite, to_matrix


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_starts_at_rest_stays_admissible_and_depends_on_seed_and_index_only(protocol):
    spec = PathSpec(protocol, 0.3, steps=100, seed=5)
    path = sample(spec, 7).stretch
    assert path.shape == (101, 6)
    assert (path[0] == IDENTITY).all()
    assert np.linalg.eigvalsh(to_matrix(path)).min() > MIN_STRETCH
    np.testing.assert_array_equal(path, sample(spec, 7).stretch)
    assert np.abs(path - sample(spec, 8).stretch).max() > 1e-6
    assert np.abs(path - sample(PathSpec(protocol, 0.3, steps=100, seed=6), 7).stretch).max() > 1e-6


def test_fixed_walk_takes_rademacher_steps_and_does_not_overshoot():
    spec = PathSpec("F", 0.1, steps=1000)
    strain = sample(spec, 3).stretch - IDENTITY
    nodes = strain[::100]
    steps = np.diff(nodes, axis=0)
    np.testing.assert_allclose(np.abs(steps), 0.1 * np.sqrt(0.1), rtol=1e-12)
    assert len(np.unique(np.sign(steps[:, 0]))) == 2  # both signs drawn, components independently
    assert (np.sign(steps[:, 0]) != np.sign(steps[:, 3])).any()
    for k in range(10):  # monotone between nodes
        pieces = np.diff(strain[100 * k : 100 * (k + 1) + 1], axis=0) * np.sign(steps[k])
        assert pieces.min() > -1e-15


def test_interpolation_is_smooth_in_time():
    strain = sample(PathSpec("F", 0.1, steps=10_000), 1).stretch - IDENTITY
    rate = np.diff(strain, axis=0) * 10_000
    # Slopes are continuous: between neighbouring steps they change by O(h), also across the nodes.
    assert np.abs(np.diff(rate, axis=0)).max() < 0.02 * np.abs(rate).max()


def test_random_intervals_spread_as_the_root_of_time():
    ends = np.array([sample(PathSpec("R", 0.1, steps=10), i).stretch[-1] - IDENTITY for i in range(400)])
    # The variance of a component at T is U_max^2 sum dt/T = U_max^2; 2400 draws give it to about 3 %.
    assert ends.std() == pytest.approx(0.1, rel=0.08)
    assert abs(ends.mean()) < 0.01


@pytest.mark.parametrize("protocol", ["I", "V", "U-iso", "L-U-iso", "C"])
def test_isochoric_protocols_keep_the_volume(protocol):
    path = sample(PathSpec(protocol, 0.3, steps=50), 2).stretch
    np.testing.assert_allclose(determinant(path), 1.0, atol=1e-12)


def test_uniaxial_has_one_principal_stretch_and_unloads_to_nothing():
    loaded = np.sort(
        np.abs(np.linalg.eigvalsh(to_matrix(sample(PathSpec("U", 0.2, steps=50), 4).stretch)) - 1), -1
    )
    np.testing.assert_allclose(loaded[:, :2], 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(loaded[:, 2]), loaded[-1, 2] / 50, rtol=1e-9)
    back = sample(PathSpec("L-U", 0.2, steps=50), 4).stretch - IDENTITY
    np.testing.assert_allclose(back[-1], 0, atol=1e-12)
    np.testing.assert_allclose(back[25] * 0.4, back[10], atol=1e-12)


def test_cavity_expansion_follows_its_formula():
    stretch = np.linalg.eigvalsh(to_matrix(sample(PathSpec("C", 0.2, steps=40), 9).stretch))
    c = stretch[-1, 0] ** -2 - 1
    t = np.linspace(0, 1, 41)
    np.testing.assert_allclose(stretch[:, 0], 1 / np.sqrt(1 + c * t**2), rtol=1e-12)
    np.testing.assert_allclose(stretch[:, 2], np.sqrt(1 + c * t**2), rtol=1e-12)
    np.testing.assert_allclose(stretch[:, 1], 1, rtol=1e-12)


def test_impact_waits_then_compresses_axis_three_and_spreads():
    paths = np.array([sample(PathSpec("impact", 0.3, steps=100), i).stretch for i in range(200)])
    end = paths[:, -1] - IDENTITY
    assert (end[:, 2] < 0).mean() > 0.9
    assert np.mean(end[:, 0] + end[:, 1]) > 0.7 * -np.mean(end[:, 2])
    assert np.abs(determinant(paths) - 1).max() < 0.25
    waiting = (np.abs(paths[:, 10] - IDENTITY).max(1) == 0).mean()
    assert 0.5 < waiting < 0.85  # arrivals uniform on 0 to 0.95, a quarter at 0
    size = np.abs(end[:, 2])
    assert np.quantile(size, 0.1) < 0.003
    assert 0.15 < size.max() < 0.7


def test_large_strain_rejects_and_says_how_often():
    paths = [sample(PathSpec("R", 0.5, steps=50), i) for i in range(40)]
    assert sum(path.redraws for path in paths) > 10
    assert all(positive_definite(path.stretch, MIN_STRETCH).all() for path in paths)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"protocol": "X"}, "no such protocol; expected one of R, F"),
        ({"strain": 0.0}, "strain = 0.0: expected above 0"),
        ({"duration": -1.0}, "expected a time in s"),
        ({"steps": 3}, "steps = 3: expected at least 10"),
        ({"intervals": 0}, "intervals = 0"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_bad_specs_say_what_was_expected(change, text):
    with pytest.raises(ConfigError, match=text):
        PathSpec(**{"protocol": "R", "strain": 0.1, **change})
