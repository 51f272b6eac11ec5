"""The TorchScript engine against the native one, and its behaviour as a guest in a host's process."""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pybridge._core import MaterialError, load_model, time_torch_network
from pybridge.model_file import write_model

HORIZON = 2e-6


def random_steps(tools: Any, n: int, dtype: str, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    old = (tools.identity(n) + rng.normal(size=(6, n)) * 0.02).astype(dtype)
    new = (old + rng.normal(size=(6, n)) * 0.01).astype(dtype)
    state = (rng.normal(size=(31, n)) * 0.01).astype(dtype)
    state[-1] = 0
    return old, new, state, (rng.normal(size=(6, n)) * 1e8).astype(dtype)


# float32: the strain's own rounding, 6e-8, is divided by input_scale (0.005) and multiplied by the layers' gain.
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
@pytest.mark.parametrize("activation", ["selu", "relu", "tanh", "sigmoid", "silu"])
def test_engines_agree(
    make_surrogate: Any,
    tools: Any,
    activation: str,
    precision: str,
    tolerance: float,
    rng: np.random.Generator,
) -> None:
    surrogate = make_surrogate(activation=activation)
    native, torched = (
        load_model(str(surrogate.path), engine, precision) for engine in ("native", "torchscript")
    )
    old, new, state, stress = random_steps(tools, 137, precision, rng)
    for t, dt in (
        (0.0, 1e-8),
        (0.2 * HORIZON, 0.5 * HORIZON),
        (0.41 * HORIZON, 1e-12),
        (0.97 * HORIZON, 0.03 * HORIZON),
    ):
        a, b = (tools.step(m, t, dt, old, new, state, stress, stride=150) for m in (native, torched))
        assert np.array_equal(a.status, b.status)
        assert set(a.status) <= {0, 1}
        scale = np.abs(a.stress).max()
        np.testing.assert_allclose(b.stress, a.stress, rtol=0, atol=tolerance * scale)
        np.testing.assert_allclose(b.state, a.state, rtol=0, atol=tolerance * np.abs(a.state).max())
        np.testing.assert_allclose(b.dissipation, a.dissipation, rtol=0, atol=tolerance * scale)


def test_both_engines_say_the_same_about_the_material(surrogate: Any) -> None:
    for precision, dtype in (("float64", np.float64), ("float32", np.float32)):
        for engine in ("native", "torchscript"):
            material = load_model(str(surrogate.path), engine, precision)
            assert [(v.name, v.count, v.unit) for v in material.state_schema] == [
                ("pca_coefficient", 30, "1"),
                ("unreliable", 1, "1"),
            ]
            assert material.state_schema[0].description == surrogate.card["state_schema"][0]["description"]
            assert material.state_size == 31
            assert (material.elastic_moduli.bulk, material.elastic_moduli.shear) == (36e9, 17e9)
            assert (material.domain.strain_max, material.domain.rate_max) == (0.1, 4e6)
            assert material.dtype == dtype


def test_file_in_single_precision(make_surrogate: Any, tools: Any, rng: np.random.Generator) -> None:
    def single(card: dict, tensors: dict) -> None:
        card["precision"] = "f32"
        for name in list(tensors):
            if name.startswith("layer"):
                tensors[name] = tensors[name].astype(np.float32)

    surrogate = make_surrogate(single)
    old, new, state, stress = random_steps(tools, 20, "float32", rng)
    a, b = (
        tools.step(load_model(str(surrogate.path), engine, "float32"), 0.0, 1e-7, old, new, state, stress)
        for engine in ("native", "torchscript")
    )
    np.testing.assert_allclose(b.stress, a.stress, rtol=0, atol=2e-5 * np.abs(a.stress).max())


def test_threads_and_the_setting_of_torch(surrogate: Any, tools: Any, rng: np.random.Generator) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        material = load_model(str(surrogate.path), "torchscript", "float64")
        args = (0.0, 1e-7, *random_steps(tools, 64, "float64", rng))
        whole = tools.step(material, *args)
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda _: tools.step(material, *args), range(12)):
                assert np.array_equal(answer.stress, whole.stress)
    finally:
        torch.set_num_threads(before)


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


STRESS = """
import ctypes, sys
import numpy as np
if {blas!r}:
    ctypes.CDLL({blas!r}, ctypes.RTLD_GLOBAL)
from pybridge._core import load_model
assert "torch" not in sys.modules
material = load_model({path!r}, "torchscript", "float64")
n = 16
u = np.zeros((6, n)); u[:3] = 1
new = u * 1.004; new[3] = 0.002
stress, state = np.empty((6, n)), np.empty((31, n))
material.update(time_old=0.0, dt=1e-7, strain_inc=new - u, stretch_old=u, stretch_new=new, temperature=np.zeros(n),
    density=np.ones(n), stress_old=np.zeros((6, n)), state_old=np.zeros((31, n)), stress_new=stress, state_new=state,
    dissipation_inc=np.empty(n), status=np.empty(n, np.int32))
print(*stress[:, 5].tolist())
"""


def test_a_foreign_blas_in_the_process_changes_nothing(surrogate: Any, tools: Any, tmp_path: Path) -> None:
    """Abaqus has its own BLAS under the same names; libtorch must still find its own."""
    source = tmp_path / "blas.c"
    names = ["dgemm_", "sgemm_", "dgemv_", "sgemv_", "dgemm", "sgemm", "cblas_dgemm", "cblas_sgemm"]
    source.write_text("".join(f"void {name}(void) {{}}\n" for name in names))  # answers nothing
    library = tmp_path / "libforeign.so"
    subprocess.run(["c++", "-x", "c", "-shared", "-fPIC", "-o", library, source], check=True)
    outcome = run_python(STRESS.format(blas=str(library), path=str(surrogate.path)))
    assert outcome.returncode == 0, outcome.stderr
    u = tools.identity(1)
    new = u * 1.004
    new[3] = 0.002
    expected = tools.step(load_model(str(surrogate.path), "native", "float64"), 0.0, 1e-7, u, new).stress[
        :, 0
    ]
    found = np.array([float(v) for v in outcome.stdout.split()])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_missing_engine_is_named(surrogate: Any, tmp_path: Path) -> None:
    load = f"from pybridge._core import load_model; load_model({str(surrogate.path)!r}, 'torchscript', 'float64')"
    for path in (tmp_path / "nowhere.so", Path(ctypes.util.find_library("m") or "libm.so.6")):
        outcome = run_python(load, PYBRIDGE_TORCH_ENGINE=str(path))
        assert outcome.returncode == 1
        assert "the TorchScript engine cannot be loaded; install torch" in outcome.stderr
        assert str(path) in outcome.stderr
        assert "small.pt" in outcome.stderr


class WrongGraph(torch.nn.Module):
    """Answers something else than the contract; `kind` says what."""

    def __init__(self, kind: int) -> None:
        super().__init__()
        self.kind = kind

    def forward(
        self,
        time_old: float,
        dt: float,
        stretch_old: torch.Tensor,
        stretch_new: torch.Tensor,
        temperature: torch.Tensor,
        state_old: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        n = stretch_new.shape[1]
        status = torch.zeros([n], dtype=torch.int32)
        if self.kind == 0:
            return stretch_new[:5], state_old, status
        if self.kind == 1:
            return stretch_new, state_old[1:], status
        if self.kind == 2:
            return stretch_new, state_old, torch.zeros([n + 1], dtype=torch.int32)
        if self.kind == 3:
            assert dt < 0, "the graph gives up"
        return stretch_new, state_old, status + 2


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (0, r"stress: expected shape \(6, 4\), got \[5, 4\]"),
        (1, r"state: expected shape \(31, 4\)"),
        (2, r"status: expected shape \(4,\)"),
        (3, "the graph gives up"),
    ],
)
def test_a_graph_that_breaks_the_contract_is_refused(
    surrogate: Any, tmp_path: Path, kind: int, message: str
) -> None:
    path = tmp_path / "wrong.pt"
    write_model(path, torch.jit.script(WrongGraph(kind)), surrogate.card, surrogate.tensors)
    with pytest.raises(MaterialError, match=message) as caught:
        load_model(str(path), "torchscript", "float64")
    assert "wrong.pt: the TorchScript engine refused the graph" in str(caught.value)


def test_a_graph_may_ask_for_a_smaller_step(surrogate: Any, tools: Any, tmp_path: Path) -> None:
    path = tmp_path / "asks.pt"
    write_model(path, torch.jit.script(WrongGraph(4)), surrogate.card, surrogate.tensors)
    material = load_model(str(path), "torchscript", "float64")
    stress = np.arange(18.0).reshape(6, 3)
    answer = tools.step(material, 0.0, 1e-7, tools.identity(3), tools.identity(3) * 1.01, stress_old=stress)
    assert (answer.status == 2).all()
    assert np.array_equal(answer.stress, stress)
    assert (answer.state == 0).all()


def test_timing_of_a_plain_network_returns_its_answer(tmp_path: Path, rng: np.random.Generator) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(net), str(path))
    x = rng.normal(size=(10, 6)).astype(np.float32)
    y = np.empty((10, 3), np.float32)
    assert 0 < time_torch_network(str(path), x, y, 2, 2) < 1
    np.testing.assert_allclose(y, net(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6)
    with pytest.raises(MaterialError, match=r"y: expected shape \(10, 4\)"):
        time_torch_network(str(path), x, np.empty((10, 4), np.float32), 1, 1)
