"""One answer in every engine, precision, block and instruction set; what a file must hold."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from yield_surface_stepping import Points
from yield_surface_trial import surrogate_from

from pybridge import _core
from pybridge.errors import MaterialError, ModelFileError
from training.yield_surface_export import Surrogate, answer, compare_engines, write


def states_and_stress(material, walks) -> tuple[np.ndarray, np.ndarray]:
    time, stretch = walks
    points = Points(material, len(stretch))
    found = []
    for i in range(1, len(time)):
        points.step(stretch[:, i].T, time[i] - time[i - 1])
        found.append(points.stress)
    return np.stack(found), points.state


@pytest.mark.parametrize("engine", ["native", "torchscript"])
def test_engines_agree_with_the_graph(model_path, surrogate, walks, engine) -> None:
    time, stretch = walks
    truth = answer(surrogate, time, stretch)[:, 1:].transpose(1, 2, 0)
    deviator_size = np.abs(
        truth - truth[:, :3].mean(1, keepdims=True) * np.array([1, 1, 1, 0, 0, 0])[:, None]
    ).max()
    state = answer(surrogate, time, stretch, states=True)[:, -1].T
    scale = np.maximum(np.abs(state).max(1, keepdims=True), 1e-3)
    for precision, tolerance in (
        ("float64", 1e-12),
        ("float32", 3e-3),
    ):  # f32: 60 steps that are not contractions
        stress, found = states_and_stress(_core.load_model(str(model_path), engine, precision), walks)
        assert np.abs(stress - truth).max() < tolerance * deviator_size
        assert (np.abs(found - state) / scale).max() < 30 * tolerance


@pytest.mark.parametrize("ahead", [1e-6, 0.25, 1e6])
def test_pieces_and_asking_ahead_converge_to_one_answer(surrogate, tmp_path, walks, ahead) -> None:
    """Short pieces, the network asked in the middle of all, of some or of none: nearly the same deviator, in the graph
    and in the native engine. With ahead = 0.25 some points of a block ask ahead and others do not."""
    time, stretch = walks
    scales = surrogate.tensors["scales"]
    found = {}
    for piece, asked in ((0.05, ahead), (0.02, 1e-6)):
        own = Surrogate(
            {**surrogate.tensors, "scales": np.array([*scales[:3], piece, asked, *scales[5:]])},
            surrogate.card,
        )
        write(own, tmp_path / "own.pt")
        material = _core.load_model(str(tmp_path / "own.pt"), "native", "float64")
        found[piece], _ = states_and_stress(material, walks)
        truth = answer(own, time, stretch)[:, 1:].transpose(1, 2, 0)
        assert np.abs(found[piece] - truth).max() < 1e-10 * np.abs(truth).max()
    change = [
        x - x[:, :3].mean(1, keepdims=True) * np.array([1, 1, 1, 0, 0, 0])[:, None] for x in found.values()
    ]
    # second order with asking ahead, first without
    assert np.abs(change[0] - change[1]).max() < (0.01 if ahead < 1 else 0.05) * np.abs(change[1]).max()


def test_blocks_and_strides_do_not_matter(model_path, walks) -> None:
    time, stretch = walks
    n = len(stretch)
    for precision in ("float64", "float32"):
        material = _core.load_model(str(model_path), "native", precision)
        whole, whole_state = states_and_stress(material, walks)
        for cut in (1, 4, 13):
            parts = [states_and_stress(material, (time, stretch[a:b])) for a, b in ((0, cut), (cut, n))]
            assert (np.concatenate([p[0] for p in parts], axis=2) == whole).all()
            assert (np.concatenate([p[1] for p in parts], axis=1) == whole_state).all()


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_points_that_ask_often_are_put_together_and_answer_as_alone(
    model_path, walks, rng, precision
) -> None:
    """A block in which one point in three stands still, one creeps and one takes several pieces at once: as when every
    point is a block of its own, to the last bit."""
    material = _core.load_model(str(model_path), "native", precision)
    time, stretch = walks
    n = 1100  # more than are put in order at a time
    origin, ends = rng.integers(len(stretch), size=n), rng.integers(1, 30, size=n)
    kind = rng.integers(3, size=n)
    before = stretch[origin, np.where(kind == 0, 0, ends)].T
    after = stretch[origin, np.where(kind == 0, 0, np.where(kind == 1, ends, ends + 1))].T
    after = np.where(kind == 1, before + 0.01 * (stretch[origin, ends + 1].T - before), after)
    together = Points(material, n)
    for stop in (before, after):
        together.step(stop, time[1])
    state_norm = np.abs(together.state).sum(0)
    assert (state_norm[kind == 0] == 0).all()
    assert (state_norm[kind == 2] > 0).all()
    for i in range(0, n, 7):
        alone = Points(material, 1)
        for stop in (before, after):
            alone.step(stop[:, i : i + 1], time[1])
        assert (alone.stress[:, 0] == together.stress[:, i]).all()
        assert (alone.state[:, 0] == together.state[:, i]).all()
        assert alone.status[0] == together.status[i]
        assert alone.dissipation[0] == together.dissipation[i]


def test_only_the_stretch_and_the_state_count(material, walks, rng) -> None:
    """Objectivity: neither strain increment nor old stress enters, so a rotation cannot."""
    _, stretch = walks
    plain, disturbed = Points(material, len(stretch)), Points(material, len(stretch))
    for i in range(1, 10):
        disturbed.stress = rng.normal(size=disturbed.stress.shape)
        plain.step(stretch[:, i].T, 8e-9)
        disturbed.step(stretch[:, i].T, 8e-9, rng.normal(size=plain.stress.shape))
    assert (plain.stress == disturbed.stress).all()
    assert (plain.state == disturbed.state).all()


def test_a_shear_and_its_mirror_image_differ_by_the_sign_of_the_shear(network, walks, tmp_path) -> None:
    """Order 11, 22, 33, 12, 23, 13: with the network's answer constant the surrogate is isotropic, so turning the path
    by 90 degrees about axis 3 turns the stress."""
    import copy

    import torch

    model = copy.deepcopy(network)
    with torch.no_grad():
        model.weight[2].zero_()
        model.bias[2][2:].zero_()
    path = tmp_path / "isotropic.pt"
    write(surrogate_from(model), path)
    material = _core.load_model(str(path), "native", "float64")
    time, stretch = walks
    order, sign = [1, 0, 2, 3, 5, 4], np.array([1, 1, 1, -1, -1, 1.0])
    turned = stretch[..., order] * sign
    stress, _ = states_and_stress(material, (time, stretch))
    expected = stress[:, order] * sign[:, None]
    found, _ = states_and_stress(material, (time, turned))
    assert np.abs(found - expected).max() < 1e-10 * np.abs(stress).max()


def test_instruction_sets_agree(model_path, walks, tmp_path) -> None:
    time, stretch = walks
    np.savez(tmp_path / "walks.npz", time=time, stretch=stretch)
    program = (
        "import sys, numpy as np; sys.path[:0] = sys.argv[3:]; from pybridge import _core\n"
        "from test_engines import states_and_stress\n"
        "w = np.load(sys.argv[1]); m = _core.load_model(sys.argv[2], 'native', 'float64')\n"
        "np.save(sys.argv[1] + '.npy', states_and_stress(m, (w['time'], w['stretch']))[0])"
    )
    folder = os.path.dirname(__file__)
    arguments = [
        str(tmp_path / "walks.npz"),
        str(model_path),
        folder,
        os.path.dirname(os.path.dirname(folder)),
    ]
    environment = {**os.environ, "PYBRIDGE_ISA": "baseline"}
    subprocess.run([sys.executable, "-c", program, *arguments], env=environment, check=True)
    baseline = np.load(str(tmp_path / "walks.npz") + ".npy")
    here, _ = states_and_stress(_core.load_model(str(model_path), "native", "float64"), walks)
    assert np.abs(baseline - here).max() < 1e-12 * np.abs(here).max()  # fused multiply-add or not


def changed(surrogate: Surrogate, tensors: dict | None = None, sizes: dict | None = None) -> Surrogate:
    card = {**surrogate.card, "sizes": {**surrogate.card["sizes"], **(sizes or {})}}
    return Surrogate({**surrogate.tensors, **(tensors or {})}, card)


def test_files_that_do_not_fit_together_are_refused(surrogate, tmp_path) -> None:
    """The graph is left alone: only card and tensors are read by the native engine."""
    import torch

    from pybridge.model_file import write_model
    from training.yield_surface_export import model_card

    class Empty(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    empty = torch.jit.script(Empty())
    trials = (
        ("speed", {"speed": -surrogate.tensors["speed"]}, "positive"),
        ("scales", {"scales": np.array([1.0, 0.0, 1.0, 1.0])}, "scales"),
        ("skip", {"skip": np.ones(3)}, "skip"),
        ("layer", {"layer1.weight": np.ones((18, 17))}, "layer1.weight"),
    )
    for name, tensors, message in trials:
        path = tmp_path / f"{name}.pt"
        bad = changed(surrogate, tensors)
        write_model(path, empty, {**model_card(surrogate, name)}, bad.tensors)
        with pytest.raises(MaterialError, match=message):
            _core.load_model(str(path), "native", "float64")
    for key, value in (("backstresses", 0), ("scalars", 2.5), ("substeps", 99)):
        path = tmp_path / f"{key}.pt"
        card = model_card(surrogate, key)
        card["yield_surface"] = {**card["yield_surface"], key: value}
        write_model(path, empty, card, surrogate.tensors)
        with pytest.raises(MaterialError, match=key):
            _core.load_model(str(path), "native", "float64")


def test_export_compares_before_it_says_done(surrogate, model_path) -> None:
    found = compare_engines(surrogate, model_path, paths=3, steps=20)
    assert set(found) == {f"{e} {p}" for e in ("native", "torchscript") for p in ("float64", "float32")}
    wrong = changed(surrogate, {"pressure_coefficients": surrogate.tensors["pressure_coefficients"] * 1.01})
    with pytest.raises(ModelFileError, match="differs from the trained surrogate"):
        compare_engines(wrong, model_path, paths=2, steps=5)
