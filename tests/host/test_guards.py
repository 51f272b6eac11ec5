"""The guarded host finds what a compiled VUMAT does wrong, and lets pass what is right."""

from __future__ import annotations

import numpy as np
import pytest
from strangers import elastic_vumat

from pybridge.errors import HostError
from pybridge.host import HostedVumat, load_vumat, our_library
from pybridge.host.arguments import Sizes, default_arguments
from pybridge.host.guards import GuardedCall

STEEL = (200e9, 0.3)

FAULTS = {
    "stress_past_end": ("stressNew[6 * n] = 1;", r"out of bounds of stressNew, 1 values past its end"),
    "state_before": ("stateNew[-3] = 1;", r"out of bounds of stateNew, 3 values before its beginning"),
    "energy_far": ("enerInternNew[n + 7] = 1;", r"out of bounds of enerInternNew, 8 values past its end"),
    "input_changed": ("strainInc[2 + 3 * n] = 0;", r"changed its input strainInc, component 4 of point 3"),
    "density_changed": ("density[1] *= 2;", r"changed its input density, component 1 of point 2"),
    "dt_changed": ("dt[0] *= 2;", r"changed its input dt, component 1 of point 1"),
    "nan": ("stressNew[3 + 4 * n] = 0 / (n - n + *totalTime - *totalTime);", r"not-a-number in stressNew, component 5 of point 4"),
}  # fmt: skip


def call(library, *, fault_free=False):
    sizes = Sizes(5, states=2, constants=2)
    arguments = default_arguments(sizes, library.dtype, "STEEL", list(STEEL))
    arguments["strainInc"][:] = np.arange(1, 31) * 1e-5
    arguments["totalTime"][0] = arguments["stepTime"][0] = arguments["dt"][0] = 1e-6
    library.call(arguments, guarded=True)
    return arguments


@pytest.mark.parametrize("real", ["double", "float"])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named(compile_library, fault, real):
    code, message = FAULTS[fault]
    path = compile_library(f"{fault}_{real}", elastic_vumat(real, code))
    with pytest.raises(HostError, match=message):
        call(load_vumat(path, "float64" if real == "double" else "float32"))


@pytest.mark.parametrize(("real", "precision"), [("double", "float64"), ("float", "float32")])
def test_right_vumat_passes_and_answers(compile_library, real, precision):
    library = load_vumat(compile_library(f"right_{real}", elastic_vumat(real)), precision)
    arguments = call(library)
    strain = arguments["strainInc"].reshape(6, 5).astype(float)
    two_g, lam = STEEL[0] / 1.3, STEEL[0] / 1.3 * 0.3 / 0.4
    expected = two_g * strain
    expected[:3] += lam * strain[:3].sum(0)
    np.testing.assert_allclose(arguments["stressNew"].reshape(6, 5), expected, rtol=1e-5)
    np.testing.assert_array_equal(arguments["stateNew"].reshape(2, 5), [[1] * 5, [2] * 5])


def test_unwritten_output_is_named_and_may_be_allowed(compile_library):
    source = elastic_vumat().replace("enerInelasNew[i] =", "if (i != 3) enerInelasNew[i] =")
    library = load_vumat(compile_library("forgetful", source), "float64")
    with pytest.raises(
        HostError, match=r"left 1 of 5 values of enerInelasNew unwritten, first component 1 of point 4"
    ):
        call(library)
    hosted = HostedVumat(
        library, "STEEL", STEEL, states=2, guarded=True, unwritten=("enerInelasNew",), nblock=5
    )
    assert hosted.elastic_moduli.shear == pytest.approx(STEEL[0] / 2.6)


def test_output_that_was_skipped_behind_the_mask(compile_library):
    source = elastic_vumat().replace("for (int c = 0; c < *nstatev", "for (int c = 1; c < *nstatev")
    with pytest.raises(
        HostError, match=r"left 5 of 10 values of stateNew unwritten, first component 1 of point 1"
    ):
        call(load_vumat(compile_library("skips_first_state", source), "float64"))


def test_library_of_the_other_precision_is_seen(compile_library):
    single = compile_library("single", elastic_vumat("float"))
    with pytest.raises(HostError, match="seems to be single precision"):
        call(load_vumat(single, "float64"))
    double = compile_library("double", elastic_vumat("double"))
    with pytest.raises(HostError, match=r"out of bounds of .*"):
        call(load_vumat(double, "float32"))


def test_precision_is_found_out(compile_library):
    assert load_vumat(compile_library("who_single", elastic_vumat("float"))).dtype == np.float32
    assert load_vumat(compile_library("who_double", elastic_vumat("double"))).dtype == np.float64


def test_precision_that_cannot_be_found_out(compile_library):
    path = compile_library("silent", 'extern "C" void vumat_() {}')
    with pytest.raises(HostError, match=r"wrote no stress.*say precision=float64 or float32"):
        load_vumat(path)
    path = compile_library("crashes", '#include <cstdlib>\nextern "C" void vumat_() { abort(); }')
    with pytest.raises(HostError, match="the trial call failed"):
        load_vumat(path)


def test_libraries_that_are_none(tmp_path, compile_library):
    with pytest.raises(HostError, match="no such file"):
        load_vumat(tmp_path / "libnone.so")
    (tmp_path / "text.so").write_text("not a library")
    with pytest.raises(HostError, match="expected a shared library with the symbol vumat_"):
        load_vumat(tmp_path / "text.so")
    with pytest.raises(HostError, match="symbol vumat_"):
        load_vumat(compile_library("empty", "int nothing;"))
    with pytest.raises(HostError, match="expected float64 or float32, got half"):
        our_library("half")
    with pytest.raises(HostError, match="expected float64 or float32, got double"):
        load_vumat(our_library("float64"), "double")
    with pytest.raises(
        HostError, match=r"is a float32 library, called with float64; use .*libexplicitU-D.so"
    ):
        load_vumat(our_library("float32"), "float64")


def test_arguments_of_wrong_type_or_size(library):
    sizes = Sizes(3, constants=2)
    arguments = default_arguments(sizes, library.dtype, "PYBRIDGE_ELASTIC", list(STEEL))
    short = {**arguments, "stretchNew": arguments["stretchNew"][:-1]}
    with pytest.raises(HostError, match="stretchNew: expected 18 contiguous values, got 17"):
        library.call(short)
    other = np.float32 if library.dtype == np.float64 else np.float64
    with pytest.raises(HostError, match="density: expected float"):
        library.call({**arguments, "density": arguments["density"].astype(other)})
    missing = {k: v for k, v in arguments.items() if k != "charLength"}
    with pytest.raises(HostError, match="check charLength"):
        library.call(missing)


def test_ours_under_guard_writes_all_and_nothing_else(library, arguments):
    given = arguments(library, 4, "PYBRIDGE_J2", (200e9, 0.3, 1e8, 0), states=1)
    given["strainInc"][:] = np.arange(24) * 1e-4
    library.call(given, guarded=True)
    assert np.isfinite(given["stressNew"]).all()
    assert (given["stateNew"] > 0).all()


def test_marker_survives_a_copy():
    """The marker of unwritten values is no ordinary NaN."""
    sizes = Sizes(2, constants=2)
    guard = GuardedCall(default_arguments(sizes, np.dtype(np.float64), "X", [1.0, 0.3]), sizes)
    guard.arrays["stressNew"][:] = np.nan
    for name in ("enerInternNew", "enerInelasNew"):
        guard.arrays[name][:] = 0
    guard.check_bounds("x")
    with pytest.raises(HostError, match="not-a-number in stressNew, component 1 of point 1"):
        guard.check_contents("x")
