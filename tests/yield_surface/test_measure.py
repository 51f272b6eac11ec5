"""What is measured of a surrogate, and the way from histories to the compiled vumat_."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pybridge.commands import main
from pybridge.errors import PybridgeError
from pybridge.host import load_vumat, our_library
from pybridge.model_file import read_model
from training.datasets import DataSet
from training.fine_scale import drive_material
from training.yield_surface_measure import (
    Learned,
    change_by_splitting,
    error_along,
    from_surrogate,
    is_yield_surface,
    learned,
    protocol_errors,
    single_against_double,
    small_cycles,
    table,
)

TIME_SCALE = 8e-9


@pytest.fixture(scope="module")
def model(surrogate) -> Learned:
    return from_surrogate(surrogate)


def test_errors_of_its_own_answer_are_none_and_of_a_stiffer_one_are_found(model, walks, tmp_path) -> None:
    time, stretch = walks
    stress = drive_material(model.double, model.density, time, stretch).stress
    data = DataSet(tmp_path / "own.h5", time, stretch, stress, ["R"] * len(stretch), {})
    own = protocol_errors(model, data)
    assert own["deviatoric"] == own["total"] == 0
    assert protocol_errors(model, replace(data, stress=stress * 1.25))["total"] == pytest.approx(0.2)
    late = stress.copy()
    late[:, -12:] *= 1.25  # the last fifth of 60 steps
    assert error_along(model, replace(data, stress=late)) == pytest.approx([0, 0, 0, 0, 0.2], abs=1e-12)
    assert "| R | 21 | 0.00 | 0.00 |" in "\n".join(table({"R": own}))


def test_splitting_and_single_precision_are_seen(model, walks) -> None:
    time, stretch = walks
    change = change_by_splitting(model, time, stretch[:3], 4)
    assert 0 < change.total < change.deviatoric <= change.largest_deviatoric
    assert change_by_splitting(model, time, stretch[:3], 1).deviatoric == 0
    twins = Learned(model.double, model.double, model.card)
    assert single_against_double(twins, time, stretch[:3]) == 0
    assert 1e-8 < single_against_double(model, time, stretch[:3]) < 1e-2


def test_small_cycles_see_what_moves(model) -> None:
    class Forgetful:
        """The surrogate, but what it lost of its stress each step it never finds again."""

        def __init__(self) -> None:
            self.inner, self.steps = model.double, 0

        def __getattr__(self, name: str):
            return getattr(self.inner, name)

        def update(self, **arguments) -> None:
            self.inner.update(**arguments)
            self.steps += 1
            arguments["stress_new"] *= 0.999**self.steps

    still = small_cycles(model.double, model.density, TIME_SCALE, 0.02, None, 100)
    assert still.rest < 1e-12
    lost = small_cycles(Forgetful(), model.density, TIME_SCALE, 0.02, 0.1, 100)  # type: ignore[arg-type]
    assert lost.rest > 0.01


def test_commands_lead_from_nothing_to_a_yield_surface_in_vumat(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    law = ["generate", "law", "PYBRIDGE_J2", "--constants", "63.9e9,0.278,200e6,0", "--processes", "0"]
    assert main([*law, "--paths", "40", "--steps", "100", "--stored", "50", "--out", "d.h5"]) == 0
    sizes = [
        text for key in ("scalars=2", "width=8", "epochs=2", "steps=[1.0]", "step_weights=[1.0]")
        for text in ("--set", key)
    ]  # fmt: skip
    assert main(["train", "d.h5", *sizes, "--out", "run"]) == 0
    assert main(["export", "run", "--out", "SURFACE.pt"]) == 0
    assert "native float64" in capsys.readouterr().out
    assert read_model(tmp_path / "SURFACE.pt").kind == "yield_surface"
    assert is_yield_surface(tmp_path / "run")
    assert is_yield_surface(tmp_path / "SURFACE.pt")
    assert not is_yield_surface(tmp_path / "d.h5")
    assert main(["evaluate", "SURFACE.pt", "--data", "d.h5"]) == 0
    assert "| d.h5 | 40 |" in capsys.readouterr().out
    assert main(["evaluate", "run", "--paths", "2", "--out", "evaluation"]) == 0
    assert "| L-U-iso | 2 |" in (tmp_path / "evaluation/evaluation.md").read_text()
    assert "L-U-iso" in learned(tmp_path / "run").card["errors"]
    assert main(["train", "d.h5", "--front"]) == 2
    assert "--config pca_dnn" in capsys.readouterr().err
    small = [
        t
        for key in ("scalars=1", "width=4", "epochs=1", "steps=[1.0]", "step_weights=[1.0]")
        for t in ("--set", key)
    ]
    assert main(["train", "d.h5", "--curve", "30,36", "--updates", "2", *small, "--out", "curve"]) == 0
    assert "| 36 | " in capsys.readouterr().out
    assert (tmp_path / "curve/learning_curve.png").stat().st_size > 1000
    assert main(["train", "d.h5", "--curve", "80", *small, "--out", "curve"]) == 2
    assert "36 paths to train on" in capsys.readouterr().err
    _through_vumat(tmp_path / "SURFACE.pt")


def _through_vumat(path) -> None:
    """The same bits from vumat_ as from the bindings, over several steps that flow."""
    from training.bench.yield_surface import flowing

    library = load_vumat(our_library("float64"))
    library.use_model("SURFACE_TEST", path, "native")
    n, file = 5, read_model(path)
    scale = float(file.tensors["scales"][0])
    given = flowing(library, "SURFACE_TEST", n, 0.7 * scale, 3.0)
    material = learned(path).double
    size = material.state_size
    stress, state = np.empty((6, n)), np.empty((size, n))
    old = given["stateOld"].reshape(size, n)
    material.update(
        time_old=0.0, dt=float(given["dt"][0]), strain_inc=given["strainInc"].reshape(6, n),
        stretch_old=given["stretchOld"].reshape(6, n), stretch_new=given["stretchNew"].reshape(6, n),
        temperature=np.zeros(n), density=given["density"], stress_old=np.zeros((6, n)), state_old=old,
        stress_new=stress, state_new=state, dissipation_inc=np.empty(n), status=np.empty(n, np.int32),
    )  # fmt: skip
    np.testing.assert_array_equal(given["stressNew"], stress.ravel())
    np.testing.assert_array_equal(given["stateNew"], state.ravel())
    assert (state[-3] > old[-3]).all()  # it flowed


def test_bench_refuses_another_kind(tmp_path) -> None:
    from argparse import Namespace

    from pybridge.bench.random_surrogate import write_random_surrogate
    from training.bench.yield_surface import run

    write_random_surrogate(tmp_path / "other.pt", 2, 4, 1, 1e-6)
    with pytest.raises(PybridgeError, match="expected a learned yield surface"):
        run(Namespace(model=tmp_path / "other.pt", quick=True))
