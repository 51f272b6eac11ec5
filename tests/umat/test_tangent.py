"""DDSDDE against central differences of what an implicit host does with it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import polar

from pybridge._core import load_model
from pybridge.errors import HostError
from pybridge.host import UmatPoint

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))  # UMAT's order, engineering shear
# Truncation of a central difference is (step / 1e-3)^2 of the tangent, 1e-3 the strain over which it changes; its
# rounding is the stress's over step times stiffness: 1e-16 for laws in closed form and networks, 1e-11 for
# Johnson-Cook's root, 1e-9 for the crystal's integrator.
STEP = {"PYBRIDGE_JOHNSON_COOK": 1e-5, "PYBRIDGE_TAYLOR_CRYSTAL": 1e-5}
TOLERANCE = {"PYBRIDGE_JOHNSON_COOK": 1e-5, "PYBRIDGE_TAYLOR_CRYSTAL": 1e-3}


def symmetric_directions():
    for m, n in PAIRS:
        d = np.zeros((3, 3))
        d[m, n] += 0.5
        d[n, m] += 0.5
        yield d


def jaumann_by_differences(point, f, dt, step):
    """(1/J) d(J sigma) for F -> (1 + d) F, d symmetric: no spin, so Jaumann's rate is the plain derivative."""
    columns = []
    for d in symmetric_directions():
        up, down = (
            np.linalg.det(g) * point.trial(g, dt).stress
            for g in ((np.eye(3) + s * step * d) @ f for s in (1, -1))
        )
        change = (up - down) / (2 * step) / np.linalg.det(f)
        columns.append([change[m, n] for m, n in PAIRS])
    return np.array(columns).T


def lie_by_differences(point, f, dt, step):
    """d(second Piola-Kirchhoff) / d(Green-Lagrange), pushed forward by U: what CalculiX pulls back by its inverse."""
    rotation, stretch = polar(f)
    columns = []
    for d in symmetric_directions():
        piola = []
        for sign in (1, -1):
            g = rotation @ (np.eye(3) + sign * step * d) @ stretch
            inverse = np.linalg.inv(g)
            piola.append(np.linalg.det(g) * inverse @ point.trial(g, dt).stress @ inverse.T)
        change = stretch @ (piola[0] - piola[1]) @ stretch / (2 * step)
        columns.append([change[m, n] for m, n in PAIRS])
    return np.array(columns).T


@pytest.mark.parametrize("host", ["abaqus", "calculix"])
def test_tangent_is_the_derivative(umat, case, history, host) -> None:
    """After half of a history with rotation, shear and plastic flow, and on the way back."""
    point = UmatPoint(umat, case.name, case.constants, host=host)
    step = STEP.get(case.name, 1e-6)
    differences = jaumann_by_differences if host == "abaqus" else lie_by_differences
    for k, f in enumerate(history(20)):
        if k in (8, 12):
            found = point.trial(f, case.dt).tangent
            expected = differences(point, f, case.dt, step)
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE.get(case.name, 1e-7) * scale)
        point.step(f, case.dt)


def test_flow_changes_the_tangent(umat, case, history) -> None:
    """What is tested above is not the elastic stiffness in disguise."""
    point = UmatPoint(umat, case.name, case.constants)
    first = point.trial(np.eye(3), case.dt).tangent
    for f in history(20)[:8]:
        point.step(f, case.dt)
    late = point.trial(history(20)[8], case.dt).tangent
    changed = np.abs(late - first).max() > 0.05 * np.abs(first).max()
    assert changed == (case.name != "PYBRIDGE_ELASTIC")


def test_newton_converges_quadratically(umat, history) -> None:
    """Uniaxial tension by Newton's iteration on the lateral stretches: the residual falls as its square."""
    point = UmatPoint(umat, "PYBRIDGE_J2", (200e9, 0.3, 4e8, 0.0, 5e8, 0.1))
    stretch = np.array([1.02, 1.0, 1.0])
    residuals = []
    for _ in range(8):
        answer = point.trial(np.diag(stretch), 1.0)
        lateral = np.diag(answer.stress)[1:]
        residuals.append(np.abs(lateral).max() / 4e8)
        # Jaumann's rate of J sigma -> rate of sigma: less the stress times the volume change
        block = answer.tangent[1:3, 1:3] - lateral[:, None]
        stretch[1:] *= 1 - np.linalg.solve(block, lateral)
    assert residuals[0] > 0.1
    assert min(residuals) < 1e-12
    small = [r for r in residuals if 1e-9 < r < 0.1]
    following = [residuals[residuals.index(r) + 1] for r in small]
    assert all(b < 30 * a * a + 1e-13 for a, b in zip(small, following, strict=True))


def test_torchscript_engine_has_a_numerical_tangent(umat, history, tmp_path) -> None:
    """Whatever has no derivative of its own: forward differences, good to 1e-5 of the stiffness."""
    from pybridge.bench.random_surrogate import write_random_surrogate

    file = tmp_path / "both.pt"
    write_random_surrogate(file, 4, 21, 2, 1e-6)
    umat.use_model("BY_NATIVE", file, "native")
    umat.use_model("BY_TORCH", file, "torchscript")
    native, torch = (UmatPoint(umat, name) for name in ("BY_NATIVE", "BY_TORCH"))
    for f in history(10):
        a, b = native.step(f, 2e-8), torch.step(f, 2e-8)
        np.testing.assert_allclose(b.stress, a.stress, rtol=0, atol=1e-11 * np.abs(a.stress).max())
        np.testing.assert_allclose(b.tangent, a.tangent, rtol=0, atol=1e-5 * np.abs(a.tangent).max())
    assert load_model(str(file), "native", "float64").state_size == 25
    with pytest.raises(HostError, match="beyond the horizon"):  # its failures are seen
        torch.trial(np.eye(3), 1.0)


def committee(path) -> None:
    """Two members of random weights from (11, 22, 12) and their accumulated strains, sigma_33 the mean of the others."""
    import warnings

    import torch as pytorch

    from pybridge.model_file import write_model
    from training.mlp_export import mlp_card
    from training.mlp_script import MlpHistoryMaterial

    rng = np.random.default_rng(17)
    layers = ((6, 14), (14, 9))
    weights = [[rng.normal(size=(o, i)) / np.sqrt(i) for i, o in layers] for _ in range(2)]
    biases = [[0.2 * rng.normal(size=o) for _, o in layers] for _ in range(2)]
    tensors = {
        "component": np.array([0.0, 1.0, 3.0]), "input_scale": rng.uniform(0.01, 0.03, 6),
        "input_lowest": np.full(6, -1.0), "input_highest": np.full(6, 1.0),
        "output_scale": rng.uniform(1e7, 3e7, 9), "output_mean": 1e6 * rng.normal(size=9),
        "stress_scale": np.array([1e8]), "spread_max": np.array([10.0]),
    }  # fmt: skip
    for m in range(2):
        for k in range(2):
            tensors |= {
                f"member{m}.layer{k}.weight": weights[m][k],
                f"member{m}.layer{k}.bias": biases[m][k],
            }
    model = SimpleNamespace(
        weights=weights, activation="tanh", deadband=0.0,
        card={"material": {"bulk": 5e7, "shear": 2e7}, "training": {}, "errors": {}},
    )  # fmt: skip
    card = mlp_card(model, "committee")  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = pytorch.jit.script(MlpHistoryMaterial(card, tensors))
    write_model(path, script, card, tensors)


def test_tangent_of_a_committee(umat, history, tmp_path) -> None:
    """The members' own derivatives, through strain and accumulated strain; torch answers the same stress."""
    committee(tmp_path / "committee.pt")
    umat.use_model("COMMITTEE", tmp_path / "committee.pt")
    umat.use_model("BY_TORCH_2", tmp_path / "committee.pt", "torchscript")
    point, other = UmatPoint(umat, "COMMITTEE"), UmatPoint(umat, "BY_TORCH_2")
    for k, f in enumerate(history(12)):
        if k in (4, 9):
            found = point.trial(f, 1.0)
            expected = jaumann_by_differences(point, f, 1.0, 1e-6)
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found.tangent, expected, rtol=0, atol=1e-7 * scale)
            assert np.abs(found.tangent).max() > 1e7
        a, b = point.step(f, 1.0), other.step(f, 1.0)
        np.testing.assert_allclose(b.stress, a.stress, rtol=0, atol=1e-11 * np.abs(a.stress).max())
        np.testing.assert_allclose(b.state, a.state, rtol=1e-9, atol=1e-9)
