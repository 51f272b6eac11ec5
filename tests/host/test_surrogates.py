"""Model files behind vumat_: search, units, horizon, flags, engines, files that are bad or change."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from pybridge._core import load_model
from pybridge.errors import HostError
from pybridge.host import HostedVumat

_spec = importlib.util.spec_from_file_location(
    "parity_surrogate", Path(__file__).parents[1] / "parity/surrogate.py"
)
assert _spec is not None
assert _spec.loader is not None
parity = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(parity)

STATES = parity.ROWS + 1


@pytest.fixture(scope="module")
def model_file() -> Path:
    return parity.surrogate_file()


@pytest.fixture
def folder(tmp_path, monkeypatch, model_file):
    """A folder on the search path that holds ROD_...pt, named after the test so that no two share a material."""
    monkeypatch.setenv("PYBRIDGE_MODEL_PATH", str(tmp_path))
    name = f"ROD_{abs(hash(str(tmp_path))):x}"
    shutil.copy(model_file, tmp_path / f"{name}.pt")
    return tmp_path, name


def increment(
    arguments, library, name, constants=(), n=4, *, time=1.2e-6, dt=1e-7, unit=1.0, seconds=1.0, strain=0.01
):
    given = arguments(library, n, name, constants, states=STATES, time=time / seconds, dt=dt / seconds)
    rng = np.random.default_rng(11)
    change = rng.normal(size=6 * n) * strain
    given["stretchNew"][:] += change
    given["defgradNew"][: 6 * n] = given["stretchNew"]
    given["strainInc"][:] = change
    given["stateOld"][:-n] = rng.normal(size=(STATES - 1) * n) * 0.002
    given["stressOld"][:] = rng.normal(size=6 * n) * 1e8 / unit
    return given


def test_found_by_name_and_answers_as_the_bindings(library, arguments, folder, model_file):
    _, name = folder
    given = increment(arguments, library, name)
    library.call(given, guarded=True)
    n = 4
    material = load_model(str(model_file), "native", str(library.dtype))
    stress, state = np.empty((6, n), library.dtype), np.empty((STATES, n), library.dtype)
    dissipation, status = np.empty(n, library.dtype), np.empty(n, np.int32)
    material.update(
        time_old=float(given["totalTime"][0]) - float(given["dt"][0]), dt=float(given["dt"][0]),
        strain_inc=given["strainInc"].reshape(6, n), stretch_old=given["stretchOld"].reshape(6, n),
        stretch_new=given["stretchNew"].reshape(6, n), temperature=given["tempOld"], density=given["density"],
        stress_old=given["stressOld"].reshape(6, n), state_old=given["stateOld"].reshape(STATES, n),
        stress_new=stress, state_new=state, dissipation_inc=dissipation, status=status,
    )  # fmt: skip
    np.testing.assert_array_equal(given["stressNew"], stress.ravel())
    np.testing.assert_array_equal(given["stateNew"], state.ravel())
    np.testing.assert_allclose(given["enerInelasNew"], dissipation / given["density"], rtol=1e-6)
    assert np.abs(given["stressNew"]).min() > 0


@pytest.mark.parametrize("shear", [3, 1])
def test_units_of_the_deck(library, arguments, folder, shear):
    """A deck in MPa and ms: stresses, energies and moduli in MPa, times in ms, the state unchanged."""
    _, name = folder
    si = increment(arguments, library, name)
    deck = increment(arguments, library, name, (1e6, 1e-3), unit=1e6, seconds=1e-3)
    library.call(si, guarded=True)
    library.call(deck, guarded=True)
    close = {"rtol": 1e-12 if library.dtype == np.float64 else 1e-3}
    np.testing.assert_allclose(deck["stressNew"] * 1e6, si["stressNew"], atol=1e2, **close)
    np.testing.assert_allclose(deck["stateNew"], si["stateNew"], atol=1e-7, **close)
    for energy in ("enerInternNew", "enerInelasNew"):
        np.testing.assert_allclose(deck[energy] * 1e6, si[energy], atol=1e-1, **close)
        assert np.abs(si[energy]).min() > 1
    described = library.describe(name, [1e6, 1e-3])
    assert described["bulk"] == pytest.approx(36e3, rel=1e-6)
    assert described["shear"] == pytest.approx(17e3, rel=1e-6)
    assert described["time_max"] == pytest.approx(2e-3, rel=1e-6)
    assert described["rate_max"] == pytest.approx(1e5, rel=1e-6)
    assert described["strain_max"] == pytest.approx(0.5)
    for given, modulus in ((si, 36e9), (deck, 36e3)):
        given["totalTime"][0] = given["stepTime"][0] = 0
        given["strainInc"][:] = 0
        given["strainInc"][: 3 * 4] = 1e-4
        library.call(given, guarded=True)
        change = (given["stressNew"] - given["stressOld"])[:12].astype(float)
        np.testing.assert_allclose(change, 3e-4 * modulus, rtol=1e-2)
        np.testing.assert_array_equal(given["stateNew"], given["stateOld"])


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ((1.0, 1.0, 0.0, 1.0), "takes at most 3 constants .* got 4"),
        ((0.0,), "constant 1, the deck's stress unit in Pa, must be positive, got 0"),
        ((np.inf,), "constant 1, .* must be positive, got inf"),
        ((1.0, -1e-3), "constant 2, the deck's time unit in s, must be positive, got -0.001"),
        ((1.0, np.nan), "constant 2, .* must be positive, got -?nan"),
        ((1.0, 1.0, 0.5), r"constant 3 must be 0 \(flag unreliable points only\) or 1 \(stop\), got 0.5"),
    ],
)
def test_constants_of_a_surrogate(library, arguments, folder, constants, message):
    given = arguments(library, 2, folder[1], constants, states=STATES)
    with pytest.raises(HostError, match=message):
        library.call(given)


def test_wrong_depvar_counts_through_the_state(library, arguments, folder):
    given = arguments(library, 2, folder[1], (), states=STATES - 1)
    with pytest.raises(HostError, match=rf"needs \*DEPVAR {STATES}, got {STATES - 1}; its state variables: "
                       rf"pca_coefficient \(1 to {STATES - 1}\), unreliable$"):  # fmt: skip
        library.call(given)


def test_horizon(library, arguments, folder):
    """The last increment ends on the horizon, to the rounding of the host's sum; the next is an error."""
    name, horizon = folder[1], parity.HORIZON
    for end in (horizon, horizon * (1 + 4 * np.finfo(library.dtype).eps)):
        given = increment(arguments, library, name, time=end)
        library.call(given, guarded=True)
    given = increment(arguments, library, name, time=horizon * 1.001)
    with pytest.raises(HostError, match=r"stopped at 4 points of 4, first at point 1: total time 2.002e-06 s is beyond "
                       r"the horizon of the model, 2e-06 s; shorten the step"):  # fmt: skip
        library.call(given)
    assert np.isnan(given["stressNew"]).all()
    np.testing.assert_array_equal(given["stateNew"], given["stateOld"])


def test_points_outside_the_domain_are_flagged_or_stop(library, arguments, folder):
    name = folder[1]
    given = increment(arguments, library, name)
    given["stretchNew"][2] = given["defgradNew"][2] = 1.6  # 11 of point 3
    library.call(given, guarded=True)
    np.testing.assert_array_equal(given["stateNew"][-4:], [0, 0, 1, 0])
    assert np.isfinite(given["stressNew"]).all()
    stopping = increment(arguments, library, name, (1.0, 1.0, 1.0))
    library.call(stopping, guarded=True)
    stopping["stretchNew"][2] = stopping["defgradNew"][2] = 1.6
    with pytest.raises(HostError, match=r"stopped at 1 point of 4, first at point 3: it left the domain .*strain up to "
                       r"0.5, rate up to 1e\+08 1/s.*constant 3"):  # fmt: skip
        library.call(stopping)
    assert np.isnan(stopping["stressNew"]).all()


def test_plane_strain_is_the_three_dimensional_answer(library, arguments, folder):
    """Stretches, strains and stresses of flat elements arrive with zeros in 23 and 13."""
    name, n = folder[1], 4
    full = increment(arguments, library, name)
    for key in ("stretchOld", "stretchNew", "strainInc", "stressOld"):
        full[key][4 * n :] = 0
    full["defgradNew"][:] = arguments(library, n, name, ())["defgradNew"]
    full["stretchOld"][1 + 3 * n] = 0.007
    flat = arguments(library, n, name, (), states=STATES, shear=1, time=1.2e-6, dt=1e-7)
    for key in ("stretchOld", "stretchNew", "strainInc", "stressOld"):
        flat[key][:] = full[key][: 4 * n]
    flat["stateOld"][:] = full["stateOld"]
    for given in (full, flat):
        library.call(given, guarded=True)
    np.testing.assert_array_equal(flat["stressNew"], full["stressNew"][: 4 * n])
    np.testing.assert_array_equal(flat["stateNew"], full["stateNew"])
    np.testing.assert_array_equal(flat["enerInelasNew"], full["enerInelasNew"])


def test_effective_bulk_modulus(library, arguments, folder):
    """The secant where it is stiffer than the virgin material, else the virgin modulus."""
    given = increment(arguments, library, folder[1], n=3)
    volume = given["strainInc"].reshape(6, 3)[:3].sum(0).astype(float)
    given["stressOld"][:] = 0
    given["stressOld"].reshape(6, 3)[:3] = np.array([-1, 1, -2]) * 6e9 * np.sign(volume)
    given["lanneal"][4] = 1
    library.set_array_arguments(True)
    try:
        library.call(given, guarded=True)
    finally:
        library.set_array_arguments(False)
    change = (given["stressNew"].astype(float) - given["stressOld"]).reshape(6, 3)[:3].mean(0)
    secant = change / volume
    assert secant[0] > 40e9
    assert secant[1] < 30e9
    np.testing.assert_allclose(given["dt"][1:4], np.maximum(secant, 36e9), rtol=1e-4)


def test_worst_point_is_named(library, arguments, folder):
    """A fatal point counts before an unreliable one that stands in front of it."""
    name = folder[1]
    given = increment(arguments, library, name, (1.0, 1.0, 1.0))
    given["stretchNew"][0] = given["defgradNew"][0] = 1.6
    given["stretchNew"][2 + 4 * 3] = 3.0  # 12 of point 3: det U < 0, while its F is upright
    if library.dtype == np.float32:
        given["stretchNew"][2 + 4 * 3] = 3.0
    with pytest.raises(
        HostError, match="stopped at 2 points of 4, first at point 3: the material has no answer"
    ):
        library.call(given)


def test_engines_agree_behind_vumat(library, arguments, model_file):
    answers = []
    for engine in ("native", "torchscript"):
        name = f"ENGINE_{engine}"
        library.use_model(name, model_file, engine)
        given = increment(arguments, library, name)
        library.call(given, guarded=True)
        answers.append(given)
    scale = np.abs(answers[0]["stressNew"]).max()
    tolerance = scale * (1e-12 if library.dtype == np.float64 else 2e-5)
    np.testing.assert_allclose(answers[0]["stressNew"], answers[1]["stressNew"], rtol=0, atol=tolerance)
    with pytest.raises(HostError, match='engine of material "X": expected native or torchscript, got "onnx"'):
        library.use_model("X", model_file, "onnx")


def test_engine_of_the_environment(library, arguments, folder, monkeypatch):
    """The engine is read when the model is loaded; what is not an engine is refused."""
    monkeypatch.setenv("PYBRIDGE_ENGINE", "torchscript")
    library.call(increment(arguments, library, folder[1]), guarded=True)
    monkeypatch.setenv("PYBRIDGE_ENGINE", "eager")
    with pytest.raises(HostError, match='PYBRIDGE_ENGINE: expected native or torchscript, got "eager"'):
        library.call(increment(arguments, library, folder[1], (1.0,)))


def test_truncated_file_is_an_error_that_names_it(library, arguments, folder):
    path, name = folder
    file = path / f"{name}.pt"
    content = file.read_bytes()
    for part in (b"", content[: len(content) // 2], content[:-1]):
        file.write_bytes(part)
        with pytest.raises(HostError, match=f"{name}.pt"):
            library.call(increment(arguments, library, name))
    file.write_bytes(content)  # a failure is not remembered
    library.call(increment(arguments, library, name), guarded=True)


def test_file_is_read_once(library, arguments, folder):
    """Later calls, also with other constants, use what was loaded, until the model is named again."""
    path, name = folder
    library.call(increment(arguments, library, name))
    (path / f"{name}.pt").unlink()
    library.call(increment(arguments, library, name))
    with pytest.raises(HostError, match="neither a built-in law"):
        library.call(increment(arguments, library, name, (1.0, 1.0)))


def test_a_new_file_under_an_old_name(library, tmp_path):
    wide = parity.write_surrogate(tmp_path / "wide.pt", strain_max=0.7)
    narrow = parity.write_surrogate(tmp_path / "narrow.pt", strain_max=0.2)
    hosted = HostedVumat(library, "SAME", model_file=wide)
    assert hosted.domain.strain_max == pytest.approx(0.7)
    assert hosted.state_size == STATES
    assert hosted.state_schema[0].description == 'history "c"\t\\'
    with pytest.raises(HostError, match=r"same is in use with another file or engine.*another name"):
        HostedVumat(library, "same", model_file=narrow)
    again = HostedVumat(library, "SAME", model_file=wide)
    del hosted, again
    assert HostedVumat(library, "SAME", model_file=narrow).domain.strain_max == pytest.approx(0.2)


def test_status_of_a_hosted_surrogate(library, model_file):
    hosted = HostedVumat(library, "STATUS", model_file=model_file, nblock=2)
    n, dtype = 5, library.dtype
    stretch = np.zeros((6, n), dtype)
    stretch[:3] = 1
    new = stretch.copy()
    new[0, 3] = 1.55
    status, state = np.full(n, 7, np.int32), np.zeros((STATES, n), dtype)
    hosted.update(
        time_old=0.0, dt=1e-7, strain_inc=new - stretch, stretch_old=stretch, stretch_new=new,
        temperature=np.zeros(n, dtype), density=np.ones(n, dtype), stress_old=np.zeros((6, n), dtype),
        state_old=np.zeros((STATES, n), dtype), stress_new=np.empty((6, n), dtype), state_new=state,
        dissipation_inc=np.empty(n, dtype), status=status,
    )  # fmt: skip
    np.testing.assert_array_equal(status, [0, 0, 0, 1, 0])
