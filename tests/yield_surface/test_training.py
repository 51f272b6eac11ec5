"""The compiled sweeps against automatic differentiation; a whole training on a law from the textbook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pybridge.errors import ConfigError, DataSetError
from training.datasets import DataSet, read_dataset, write_dataset
from training.fine_scale import Law, drive
from training.paths import PathSpec, sample
from training.tensors import IDENTITY
from training.virgin_moduli import Elasticity, shear_modulus
from training.yield_surface import Sizes, YieldSurface, elastic_increments
from training.yield_surface_config import YieldSurfaceConfig, config_from_dict, wants
from training.yield_surface_export import answer, load
from training.yield_surface_sweep import sweep
from training.yield_surface_train import (
    CUT,
    Trainer,
    cut_steps,
    prepare,
    scales_of,
    train,
    turn5,
)

YOUNG, POISSON, YIELD = 60e9, 0.3, 300e6
SHEAR = YOUNG / 2.6


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Perfect plasticity (J2) on 64 isochoric walks of 100 steps."""
    spec = PathSpec("I", 0.05, steps=100, seed=11)
    stretch = np.stack([sample(spec, i).stretch for i in range(64)])
    stress = drive(Law("PYBRIDGE_J2", (YOUNG, POISSON, YIELD, 0.0)), spec.time(), stretch).stress
    path = tmp_path_factory.mktemp("data") / "j2.h5"
    provenance = {"material": {"bulk": YOUNG / 1.2, "shear": SHEAR, "density": 7800.0}}
    write_dataset(path, spec.time(), stretch, stress, ["I"] * len(stretch), provenance)
    return read_dataset(path)


def small(**changes: object) -> YieldSurfaceConfig:
    values = {
        "backstresses": 1,
        "scalars": 2,
        "width": 12,
        "epochs": 6,
        "batch": 8,
        "learning_rate": 1e-2,
        "checkpoint_every": 2,
    }
    return config_from_dict({**values, **changes}, "test")


@pytest.mark.parametrize("substeps", [1, 3])
def test_compiled_sweeps_equal_automatic_differentiation(data, substeps) -> None:
    generator = torch.Generator().manual_seed(2)
    model = YieldSurface(Sizes(2, 3, 9, substeps), generator).double()
    with torch.no_grad():
        model.skip.normal_(0.0, 0.4, generator=generator)
        model.log_speed[2] = 3.0  # beyond the bound: no gradient
    # every fourth point of the data, so that some intervals are cut and paths differ in their numbers of steps
    prepared = prepare(data, scales_of(data), 4.0, torch.float64)
    assert len(np.unique(prepared.at[:, -1])) > 3
    v, moved, h, target = (
        x.movedim(0, -1) for x in (prepared.v, prepared.moved, prepared.h, prepared.strain)
    )
    found = []
    for forward in (model.forward, lambda *a: sweep(model, *a)):
        model.zero_grad()
        strain = forward(v, moved, h)
        at = prepared.at.T[:, None].expand(-1, 5, -1)
        torch.sqrt(((strain.gather(0, at) - target) ** 2).sum((0, 1))).mean().backward()
        found.append((strain.detach(), [p.grad.clone() for p in model.parameters()]))
    assert torch.allclose(found[0][0], found[1][0], rtol=0, atol=1e-11)
    assert float(model.log_speed.grad[2]) == 0
    for a, b in zip(found[0][1], found[1][1], strict=True):
        assert float((a - b).abs().max()) < 1e-10 * float(
            a.abs().max()
        )  # sums of thousands of terms in another order


def test_any_number_of_paths(data) -> None:
    model = YieldSurface(Sizes(1, 2, 8, 2), torch.Generator().manual_seed(0))
    prepared = prepare(data, scales_of(data), 5.0, torch.float32)
    steps = [x.movedim(0, -1) for x in (prepared.v, prepared.moved, prepared.h)]
    part = slice(3, 30)
    whole = sweep(model, *steps)
    some = sweep(model, *(x[..., part] for x in steps))
    assert (some == whole[..., part]).all()


def test_long_intervals_are_cut_until_the_sweep_is_stable(data) -> None:
    """Every point of the path is met, at its time; no step is longer than CUT; the path ends where it ended."""
    stretch, h = data.stretch[:, ::10], 0.7
    scale = scales_of(data).strain
    steps = cut_steps(stretch, h, scale)
    met = np.take_along_axis(steps.stretch, steps.at[..., None] + 1, 1)
    assert np.abs(met - stretch[:, 1:]).max() < 1e-14
    passed = np.take_along_axis(steps.duration.cumsum(1), steps.at, 1)
    assert np.abs(passed - h * np.arange(1, stretch.shape[1])).max() < 1e-12 * passed.max()
    v, _ = elastic_increments(steps.stretch)
    assert np.sqrt((v**2).sum(-1)).max() < 1.05 * CUT * scale  # equal parts of U are nearly equal parts of v
    assert len(np.unique(steps.at[:, -1])) > 3
    assert (steps.stretch[:, -1] == stretch[:, -1]).all()


def test_elastic_increments_are_those_of_the_left_cauchy_green_tensor(data) -> None:
    """Without flow the recursion gives e = dev(b) / 2, b = U^2 / J^(2/3), but for the trace of e it leaves out."""
    stretch = IDENTITY + 0.05 * (data.stretch[:5] - IDENTITY)
    v, moved = elastic_increments(stretch)
    e = np.zeros((5, 5))
    for i in range(v.shape[1]):
        e = np.einsum("nij,nj->ni", moved[:, i], e) + v[:, i]
    from training.tensors import deviator, to_components, to_matrix
    from training.yield_surface import MANDEL, deviatoric_components

    u = to_matrix(stretch[:, -1])
    b = to_components(u @ u / np.linalg.det(u)[:, None, None] ** (2 / 3))
    exact = 0.5 * deviatoric_components(deviator(b) * MANDEL)
    assert np.abs(e - exact).max() < 5e-3 * np.abs(exact).max()  # e is 0.5 %


def test_shear_modulus_from_the_first_step_where_nothing_is_declared(data) -> None:
    silent = DataSet(data.path, data.time, data.stretch, data.stress, data.protocol, {})
    assert shear_modulus(silent) == pytest.approx(SHEAR, rel=5e-3)
    dead = DataSet(data.path, data.time, data.stretch * 0 + IDENTITY, data.stress, data.protocol, {})
    with pytest.raises(DataSetError, match="shear modulus"):
        shear_modulus(dead)


def test_a_turn_acts_on_strain_as_on_three_space(data) -> None:
    turn = turn5(torch.Generator().manual_seed(1), torch.float64).numpy()
    assert np.abs(turn @ turn.T - np.eye(5)).max() < 1e-14
    e = Elasticity.isotropic(SHEAR).strain(data.stretch[:1], data.stress[:1])[0, -1]
    from training.tensors import to_matrix
    from training.yield_surface import DEVIATORIC, MANDEL

    eigen = [np.linalg.eigvalsh(to_matrix((x @ DEVIATORIC) / MANDEL)) for x in (e, turn @ e)]
    assert np.abs(eigen[0] - eigen[1]).max() < 1e-14


def test_training_learns_perfect_plasticity_and_resumes_to_the_same_bits(data, tmp_path) -> None:
    config = small(epochs=40, steps=[1.0, 2.0, 0.5], step_weights=[0.6, 0.3, 0.1])
    whole = train(data, config, tmp_path / "whole", quiet=True)
    start = Trainer.start(config, data, None)
    start.validation = start.training
    assert whole.card["errors"]["validation"]["deviatoric"] < 0.3 * start.validation_loss()
    assert whole.card["errors"]["validation"]["deviatoric"] < 0.12
    loaded = load(tmp_path / "whole" / "surrogate.npz")
    assert loaded.card == whole.card
    found = answer(loaded, data.time, data.stretch[:2])
    assert np.isfinite(found).all()

    class Stop(Exception):
        pass

    original = Trainer.run_epoch

    def interrupted(self: Trainer) -> tuple[float, float]:
        if self.epoch == 21:
            raise Stop
        return original(self)

    Trainer.run_epoch = interrupted  # type: ignore[method-assign]
    try:
        with pytest.raises(Stop):
            train(data, config, tmp_path / "resumed", quiet=True)
    finally:
        Trainer.run_epoch = original  # type: ignore[method-assign]
    resumed = train(data, config, tmp_path / "resumed", quiet=True)
    for name, value in whole.tensors.items():
        assert (resumed.tensors[name] == value).all(), name


def test_a_folder_of_another_training_is_refused(data, tmp_path) -> None:
    train(data, small(epochs=1), tmp_path, quiet=True)
    with pytest.raises(ConfigError, match=r"learning_rate is 0\.01 there, 0\.001 here"):
        train(data, small(epochs=1, learning_rate=1e-3), tmp_path, quiet=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 3}, "did you mean width"),
        ({"width": 0}, "whole number from 4 to 128"),
        ({"steps": [1.5], "step_weights": [1]}, "whole numbers or one over them"),
        ({"steps": [1, 2]}, "one for each of steps|expected"),
        ({"backstresses": 6, "scalars": 30}, "50 hidden states"),
        ({"radius_floor": 0}, "radius_floor"),
        ({"device": "cuda"}, "cpu"),
    ],
)
def test_bad_configurations_are_refused(values, message) -> None:
    if values == {"steps": [1, 2]}:
        values = {"steps": [1, 2], "step_weights": [1]}
    with pytest.raises(ConfigError, match=message):
        config_from_dict(values, "test.toml")


def test_the_shipped_configuration_is_of_this_kind(tmp_path: Path) -> None:
    assert wants("yield_surface")
    other = tmp_path / "other.toml"
    other.write_text('name = "x"\n', encoding="utf-8")
    assert not wants(other)
    assert not wants(tmp_path / "missing.toml")


def test_a_path_that_leaves_the_stable_range_spoils_neither_the_others_nor_the_weights(data) -> None:
    trainer = Trainer.start(small(), data.subset(np.arange(32)), data.subset(np.arange(32, 40)))
    for prepared in trainer.training[0]:
        prepared.v[3] = float("nan")
        prepared.v[5] *= 1e20
    trainer.validation[0][0].v[2] = float("nan")
    before = [p.detach().clone() for p in trainer.model.parameters()]
    loss, validation = trainer.run_epoch()
    assert 0 < loss < 2
    assert 0 < validation < 2
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())
    moved = [
        (p.detach() - b).abs().max().item() for p, b in zip(trainer.model.parameters(), before, strict=True)
    ]
    assert max(moved) > 1e-3
    for levels in trainer.training:
        for prepared in levels:
            prepared.v[:] = float("nan")
    assert np.isnan(trainer.run_epoch()[0])  # `train` says that it diverged


def test_a_gradient_out_of_all_proportion_makes_no_update(data) -> None:
    trainer = Trainer.start(small(), data.subset(np.arange(16)), None)

    def update(size: float) -> float:
        before = [p.detach().clone() for p in trainer.model.parameters()]
        for p in trainer.model.parameters():
            p.grad = torch.full_like(p, size)
        trainer._update()
        return max(
            float((p.detach() - b).abs().max())
            for p, b in zip(trainer.model.parameters(), before, strict=True)
        )

    for _ in range(5):
        assert update(1e-3) > 0
    usual = trainer.usual
    assert update(1.0) == 0
    assert update(float("nan")) == 0
    assert update(1e-3) > 0
    assert trainer.usual < 1.2 * usual
    for _ in range(200):  # large for good: the new usual
        moved = update(1.0)
    assert moved > 0


def test_an_epoch_that_loses_its_paths_is_taken_back(data) -> None:
    trainer = Trainer.start(small(), data.subset(np.arange(32)), None)
    trainer.run_epoch()
    before = [p.detach().clone() for p in trainer.model.parameters()]
    kept = [prepared.v.clone() for prepared in trainer.training[0]]
    for prepared in trainer.training[0]:
        prepared.v[:8] = float("nan")
    trainer.run_epoch()
    assert trainer.epoch == 2
    assert all((p == b).all() for p, b in zip(trainer.model.parameters(), before, strict=True))
    for prepared, v in zip(trainer.training[0], kept, strict=True):
        prepared.v[:] = v
    trainer.run_epoch()
    assert any((p != b).any() for p, b in zip(trainer.model.parameters(), before, strict=True))


def test_any_number_of_threads_gives_the_same_bits(data) -> None:
    prepared = prepare(data, scales_of(data), 5.0, torch.float32)
    steps = [x.movedim(0, -1) for x in (prepared.v, prepared.moved, prepared.h)]
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            model = YieldSurface(Sizes(1, 2, 8, 2), torch.Generator().manual_seed(0))
            strain = sweep(model, *steps)
            torch.set_num_threads(1)  # products of matrices are not in question
            (strain**2).sum().backward()
            found.append((strain.detach(), model.skip.grad, model.log_speed.grad))
    finally:
        torch.set_num_threads(threads)
    assert all((a == b).all() for a, b in zip(*found, strict=True))
