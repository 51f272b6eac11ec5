"""One rod with a surrogate that was really trained, through every switch of the material."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from abaqus_jobs.impact_check import learned_material
from abaqus_jobs.materials import MAGNESIUM_DENSITY, user_material
from abaqus_jobs.measures import relative_l2
from abaqus_jobs.rods import taylor_anvil
from pybridge._core import make_law
from pybridge.results import Results, read_results
from pybridge.solver import run
from training.config import TrainConfig
from training.datasets import read_dataset
from training.executor import Serial
from training.export import export
from training.fine_scale import Law
from training.generate import Part, Plan, generate
from training.paths import PathSpec
from training.train import train

ROD = partial(
    taylor_anvil, elements=12, height=1e-3, velocity=100.0, time=1.5e-7, intervals=1, increment=2.5e-9
)
CRYSTAL = "PYBRIDGE_TAYLOR_CRYSTAL"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PCA + DNN of the default crystal: 100 random walks to 3 %, a few seconds of training."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trained")
    plan = Plan(Law(CRYSTAL), (Part(PathSpec("R", 0.03, steps=100), 100),), stored=50)
    generate(plan, folder / "crystal.h5", Serial(), quiet=True)
    config = TrainConfig(
        name="switches", modes_in=8, modes_out=8, width=32, hidden_layers=2, epochs=30, batch=16, learning_rate=3e-3,
        pressure="polynomial", precision="float64",
    )  # fmt: skip
    model = train(read_dataset(folder / "crystal.h5"), config, folder / "train", quiet=True)
    export(model, folder / "LEARNED.pt")
    return folder / "LEARNED.pt"


def final(folder: Path, deck, switch: str, models: dict[str, Path] | None = None) -> Results:
    result = run(deck, material=switch, out=folder / f"{switch.replace(':', '-')}.h5", models=models)
    assert result.balance_error < 0.02
    return read_results(result.path)


def fields(results: Results) -> dict[str, np.ndarray]:
    """Displacement, dissipation, stress and all of the state at the end."""
    known = ("status", "unreliable_so_far")
    return {
        "displacement": results.node("displacement"),
        "dissipation": results.history["plastic"],
        **{n: results.element(n) for n in results.element_fields if n not in known},
    }


def assert_alike(one: Results, other: Results, tolerance: float) -> None:
    a, b = fields(one), fields(other)
    assert a.keys() == b.keys()
    for name, values in b.items():
        scale = np.abs(values).max()
        assert scale > 0 or name == "unreliable"
        np.testing.assert_allclose(a[name], values, rtol=0, atol=tolerance * scale, err_msg=name)


def test_every_switch_runs_the_trained_model_alike(trained: Path, tmp_path: Path) -> None:
    """To the rounding of each precision, grown over 60 steps; the fine scale to the error of a small network."""
    deck = ROD(learned_material(trained, MAGNESIUM_DENSITY))
    models = {"LEARNED": trained}
    native = final(tmp_path, deck, "bindings", models)
    assert np.abs(native.element("volumetric_strain")).max() > 3e-3
    for switch in ("vumat", "torchscript", "python"):
        assert_alike(final(tmp_path, deck, switch, models), native, 1e-12)
        assert_alike(final(tmp_path, deck, f"{switch}:float32", models), native, 3e-5)
    assert_alike(final(tmp_path, deck, "bindings:float32", models), native, 3e-5)
    fine = final(tmp_path, deck, "fine-scale")
    for name, bound in (("displacement", 0.05), ("pressure", 0.15), ("stress", 0.2)):
        a, b = fields(native)[name], fields(fine)[name]
        error = relative_l2(a, b, np.ones(len(b)))
        assert 1e-4 < error < bound, (name, error)


def test_every_way_to_the_fine_scale_gives_the_same_run(tmp_path: Path) -> None:
    """By its name through bindings and vumat_, and by the switch."""
    constants = (6.0, 2.0)
    schema = make_law(CRYSTAL, list(constants), "float64").state_schema
    deck = ROD(user_material(CRYSTAL, MAGNESIUM_DENSITY, constants, schema))
    by_name = final(tmp_path, deck, "bindings")
    assert_alike(final(tmp_path, deck, "fine-scale"), by_name, 0.0)
    assert_alike(final(tmp_path, deck, "vumat"), by_name, 1e-12)
    assert_alike(final(tmp_path, deck, "vumat:single"), by_name, 2e-4)


def test_points_without_an_answer_keep_what_they_had(trained: Path, rng: np.random.Generator) -> None:
    """In Python as in the compiled engines: after the trained horizon every point fails for good."""
    from pybridge.solver.torchscript import TorchScriptMaterial

    material = TorchScriptMaterial(trained)
    n, size = 3, material.state_size
    block = {
        "strain_inc": 1e-4 * rng.normal(size=(6, n)), "stretch_old": np.ones((6, n)), "stretch_new": np.ones((6, n)),
        "temperature": np.zeros(n), "density": np.ones(n), "stress_old": rng.normal(size=(6, n)),
        "state_old": rng.normal(size=(size, n)), "stress_new": np.zeros((6, n)), "state_new": np.zeros((size, n)),
        "dissipation_inc": np.zeros(n), "status": np.zeros(n, np.int32),
    }  # fmt: skip
    block["stretch_old"][3:] = block["stretch_new"][3:] = 0.0
    before = {name: block[name].copy() for name in ("stress_old", "state_old")}
    material.update(time_old=material.domain.time_max, dt=1e-9, **block)
    assert (block["status"] >= 2).all()
    for name, values in before.items():
        np.testing.assert_array_equal(block[name], values)
        np.testing.assert_array_equal(block[name.replace("old", "new")], values)
