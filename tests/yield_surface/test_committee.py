"""Several yield surfaces as one: mean, spread, status, tangent, model file, training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from yield_surface_stepping import Points
from yield_surface_trial import FLOOR, SHEAR, STRAIN_SCALE, surrogate_from

from pybridge import _core
from pybridge.errors import ConfigError, ModelFileError
from pybridge.model_file import read_model, write_model
from training.commands.inspect import describe
from training.datasets import read_dataset, write_dataset
from training.fine_scale import Law, drive
from training.paths import PathSpec, sample
from training.tensors import deviator, norm
from training.yield_surface import Sizes, YieldSurface
from training.yield_surface_config import config_from_dict
from training.yield_surface_export import (
    answer,
    committee_of,
    compare_engines,
    graph,
    load,
    members_of,
    save,
    write,
)
from training.yield_surface_train import train

SCALE = 2 * SHEAR * STRAIN_SCALE


@pytest.fixture(scope="module")
def members():
    """Three that differ by a tenth of their last layer."""
    found = []
    for seed in range(3):
        model = YieldSurface(Sizes(2, 3, 12, 2), torch.Generator().manual_seed(4), FLOOR).double()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            model.weight[2] += 0.1 * torch.randn(model.weight[2].shape, generator=generator).double()
        surrogate = surrogate_from(model, strain_max=0.5)
        found.append(surrogate)
    return found


@pytest.fixture(scope="module")
def committee(members, walks):
    time, stretch = walks
    return committee_of(members, time, stretch[:10])


@pytest.fixture(scope="module")
def path(committee, tmp_path_factory):
    path = tmp_path_factory.mktemp("committee") / "three.pt"
    write(committee, path)
    return path


def follow(path, walks, precision="float64", engine="native") -> tuple[NDArray, NDArray, NDArray]:
    """Stress [m, 6, n], state and status along the walks."""
    time, stretch = walks
    points = Points(_core.load_model(str(path), engine, precision), len(stretch))
    rows = []
    for i in range(1, len(time)):
        points.step(stretch[:, i].T, time[i] - time[i - 1])
        rows.append((points.stress.copy(), points.state.copy(), points.status.copy()))
    stress, state, status = (np.stack(column) for column in zip(*rows, strict=True))
    return stress, state, status


def test_it_answers_the_mean_of_its_members_and_their_spread(members, path, tmp_path, walks) -> None:
    stress, state, _ = follow(path, walks)
    alone = []
    for m, member in enumerate(members):
        write(member, tmp_path / f"{m}.pt")
        alone.append(follow(tmp_path / f"{m}.pt", walks)[0])
    apart = np.stack(alone)
    assert np.abs(stress - apart.mean(0)).max() < 1e-14 * np.abs(apart).max()
    parts = deviator(apart.swapaxes(-1, -2))
    spread = np.sqrt((norm(parts - parts.mean(0)) ** 2).sum(0) / 2) / SCALE
    assert spread.max() > 0.05
    assert np.abs(state[:, -2] - spread).max() < 1e-12


def test_single_precision_keeps_the_digits_of_the_spread(path, walks) -> None:
    wide, narrow = (follow(path, walks, precision)[1][:, -2] for precision in ("float64", "float32"))
    assert np.abs(narrow - wide).max() < 1e-4 * wide.max()


def test_a_spread_beyond_the_limit_is_unreliable_from_then_on(committee, tmp_path, walks) -> None:
    tight = type(committee)({**committee.tensors, "spread_max": np.array([0.2])}, committee.card)
    write(tight, tmp_path / "tight.pt")
    _, state, status = follow(tmp_path / "tight.pt", walks)
    met = np.maximum.accumulate(state[:, -2], 0) > 0.2
    assert met.any()
    assert not met.all()
    assert (status == met).all()
    assert (state[:, -1] == met).all()


def test_engines_and_block_sizes_agree(committee, path, walks) -> None:
    found = compare_engines(committee, path)
    assert set(found) == {f"{e} {p}" for e in ("native", "torchscript") for p in ("float64", "float32")}
    time, stretch = walks
    many = (time, np.concatenate([stretch] * 4)[:70])  # more than one part
    stress, state, _ = follow(path, many)
    few, few_state, _ = follow(path, (time, many[1][60:]))
    assert (stress[..., 60:] == few).all()
    assert (state[..., 60:] == few_state).all()


def test_a_member_that_fails_keeps_the_old_values(path, walks) -> None:
    _, stretch = walks
    points = Points(_core.load_model(str(path), "native", "float64"), 4)
    points.step(stretch[:4, 30].T, 1e-8)
    stress, state = points.stress.copy(), points.state.copy()
    new = stretch[:4, 31].T.copy()
    new[2, 1] = np.nan
    points.step(new, 1e-8)
    assert points.status[1] == 3
    assert (points.stress[:, 1] == stress[:, 1]).all()
    assert (points.state[:, 1] == state[:, 1]).all()
    assert (points.stress[:, 0] != stress[:, 0]).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"members": 1}, "from 2 to 16"),
        ({"members": 4}, "bad.pt, member 3: .* needs the tensor layer0.weight"),
        ({"member_kind": "committee"}, "member_kind"),
        ({"member_kind": "spline"}, "spline"),
        ({"members": 2}, "state_schema"),
    ],
)
def test_cards_that_do_not_fit_are_refused(path, tmp_path, change, message) -> None:
    file = read_model(path)
    card = {key: value for key, value in file.card.items() if key not in ("tensors", "weights_sha256")}
    module = torch.jit.load(str(path))
    write_model(tmp_path / "bad.pt", module, {**card, **change}, file.tensors)
    with pytest.raises(Exception, match=message) as caught:
        _core.load_model(str(tmp_path / "bad.pt"), "native", "float64")
    assert "bad.pt" in str(caught.value)


@pytest.mark.parametrize("name", ["stress_scale", "spread_max"])
def test_scales_must_be_positive(committee, path, tmp_path, name) -> None:
    file = read_model(path)
    card = {key: value for key, value in file.card.items() if key not in ("tensors", "weights_sha256")}
    write_model(tmp_path / "bad.pt", torch.jit.load(str(path)), card, {**file.tensors, name: np.zeros(1)})
    with pytest.raises(Exception, match=name):
        _core.load_model(str(tmp_path / "bad.pt"), "native", "float64")


def test_a_committee_is_trained_member_by_member(tmp_path) -> None:
    spec = PathSpec("I", 0.05, steps=50, seed=11)
    stretch = np.stack([sample(spec, i).stretch for i in range(24)])
    stress = drive(Law("PYBRIDGE_J2", (60e9, 0.3, 300e6, 0.0)), spec.time(), stretch).stress
    provenance = {"material": {"bulk": 50e9, "shear": 60e9 / 2.6, "density": 7800.0}}
    write_dataset(tmp_path / "j2.h5", spec.time(), stretch, stress, ["I"] * len(stretch), provenance)
    data = read_dataset(tmp_path / "j2.h5")
    values = {
        "backstresses": 1,
        "scalars": 2,
        "width": 8,
        "epochs": 2,
        "batch": 8,
        "steps": [1.0],
        "step_weights": [1.0],
    }
    config = config_from_dict({**values, "members": 2, "validation_fraction": 0.25}, "test")
    found = train(data, config, tmp_path / "run", quiet=True)
    again = load(tmp_path / "run" / "surrogate.npz")
    assert found.card == again.card
    first, second = members_of(again)
    assert (first.tensors["layer0.weight"] != second.tensors["layer0.weight"]).any()
    assert (first.tensors["scales"][:7] == second.tensors["scales"][:7]).all()  # of the same paths
    assert again.tensors["spread_max"][0] > 0
    stress = answer(again, data.time, data.stretch[:2])
    mean = sum(answer(member, data.time, data.stretch[:2]) for member in (first, second)) / 2
    assert np.abs(stress - mean).max() < 1e-12 * np.abs(mean).max()
    assert graph(again).states == 9 + len(first.tensors["speed"])
    with pytest.raises(ConfigError, match="validation_fraction"):
        train(
            data,
            config_from_dict({**values, "members": 2, "validation_fraction": 0.0}, "test"),
            tmp_path / "none",
            quiet=True,
        )
    assert not (tmp_path / "none").exists()
    with pytest.raises(ModelFileError, match="no such file"):
        load(tmp_path / "none" / "surrogate.npz")


def test_inspect_says_what_a_member_a_committee_and_a_training_hold(
    members, committee, path, tmp_path
) -> None:
    single = tmp_path / "one.pt"
    write(members[0], single)
    said = "\n".join(describe(single))
    network = read_model(single).card["network"]
    cost = sum(layer["in"] * layer["out"] for layer in network)
    for text in ("kind yield_surface", "pressure: polynomial in J - 1", f": {cost} multiply-adds a point"):
        assert text in said
    said = "\n".join(describe(path))
    limit = float(committee.tensors["spread_max"][0])
    for text in (
        "kind committee",
        "3 members of kind yield_surface, each with a network ",
        f": {3 * cost} multiply-adds a point",
        f"members disagree beyond a spread of {limit:.3g} times {SCALE / 1e6:.2f} MPa",
        "pressure: polynomial in J - 1",
    ):
        assert text in said
    save(committee, tmp_path / "surrogate.npz")
    assert "trained committee 'trial' of 3" in "\n".join(describe(tmp_path))
