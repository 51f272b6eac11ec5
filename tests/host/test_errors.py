"""Bad input of a VUMAT call: an error that says what was given, expected, and what to do; no number comes out."""

from __future__ import annotations

import numpy as np
import pytest

from pybridge.errors import HostError
from pybridge.host import load_vumat, our_library

STEEL = (200e9, 0.3)
JOHNSON_COOK = (200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9)


def fails(library, given, message):
    """The call raises, the stress is no number, state and energies are the old ones."""
    given["stateOld"][:], given["enerInternOld"][:], given["enerInelasOld"][:] = 0.125, 2, 3
    with pytest.raises(HostError, match=message):
        library.call(given)
    assert np.isnan(given["stressNew"]).all()
    assert (given["stateNew"] == 0.125).all()
    assert (given["enerInternNew"] == 2).all()
    assert (given["enerInelasNew"] == 3).all()


@pytest.mark.parametrize("states", [0, 1, 2, 4])
def test_wrong_depvar(library, arguments, states):
    given = arguments(library, 2, "PYBRIDGE_JOHNSON_COOK", JOHNSON_COOK, states=states)
    given["stateNew"][:] = 0.125
    fails(library, given, rf"needs \*DEPVAR 3, got {states}; its state variables: equivalent_plastic_strain, "
          "equivalent_plastic_strain_rate, temperature_rise")  # fmt: skip


def test_depvar_of_a_material_without_state(library, arguments):
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL, states=1)  # hosts that cannot have none
    given["stateOld"][:] = 7
    library.call(given, guarded=True)
    assert (given["stateNew"] == 7).all()
    fails(
        library, arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL, states=2), r"needs \*DEPVAR 0, got 2.*none"
    )


@pytest.mark.parametrize("time", [0.0, 1e-6])
def test_wrong_number_of_constants(library, arguments, time):
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", (*STEEL, 1.0), time=time)
    given["stateNew"][:] = 0.125
    fails(library, given, r"expected 2 constants \(Young's modulus, Poisson's ratio\), got 3")


def test_unknown_material(library, arguments):
    given = arguments(library, 2, "Mg Foil", STEEL)
    given["stateNew"][:] = 0.125
    fails(
        library,
        given,
        'material "MG FOIL": neither a built-in law .*PYBRIDGE_J2.* nor a model file: no MG FOIL.pt in',
    )
    given = arguments(library, 2, "   ", STEEL)
    given["stateNew"][:] = 0.125
    fails(library, given, r"has no name; give \*MATERIAL, NAME=")


@pytest.mark.parametrize("shear", [3, 1])
@pytest.mark.parametrize("component", range(9))
def test_nan_in_the_deformation_gradient(library, arguments, component, shear):
    if component >= 3 + 2 * shear:
        component = 2
    given = arguments(library, 3, "PYBRIDGE_ELASTIC", STEEL, states=1, shear=shear)
    given["defgradNew"][component * 3 + 1] = np.nan
    fails(
        library,
        given,
        r"point 2 of 3, total time 3e-06: not-a-number or infinity in the deformation gradient",
    )


@pytest.mark.parametrize("name", ["strainInc", "stretchNew", "stressOld"])
@pytest.mark.parametrize("component", range(6))
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_nan_elsewhere(library, arguments, name, component, value):
    given = arguments(library, 3, "PYBRIDGE_ELASTIC", STEEL, states=1)
    given[name][component * 3 + 1] = value
    fails(library, given, r"point 2 of 3, .*not-a-number or infinity in .* the strain increment")


INVERTED = {
    "mirrored": np.diag([1.0, -1.0, 1.0]),
    "two_axes_swapped": np.array([[0, 1.0, 0], [1, 0, 0], [0, 0, 1]]),
    "flat": np.diag([1.0, 0.0, 1.0]),
    "mirrored_and_sheared": np.array([[1.0, 0.9, 0], [1.3, 1, 0], [0, 0, 1]]),
    "sheared_23": np.array([[1.0, 0, 0], [0, 1, 0.9], [0, 1.3, 1]]),
    "sheared_31": np.array([[1.0, 0, 0.9], [0, 1, 0], [1.3, 0, 1]]),
    "cyclic_but_mirrored": np.array([[0, 1.0, 0], [0, 0, 1], [-1, 0, 0]]),
}
UPRIGHT = {
    "turned_upside_down": np.diag([-1.0, -1.0, 1.0]),
    "cyclic": np.array([[0, 1.0, 0], [0, 0, 1], [1, 0, 0]]),
    "cyclic_back": np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]),
    "large_shear": np.array([[1.0, 3, 0], [-2, 1, 0], [0, 0, 1]]),
}
ORDER = [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)]


def with_gradient(library, arguments, matrix, shear=3):
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL, states=1, shear=shear)
    order = ORDER if shear == 3 else [(0, 0), (1, 1), (2, 2), (0, 1), (1, 0)]
    given["defgradNew"][1::2] = [matrix[i, j] for i, j in order]
    return given


@pytest.mark.parametrize("name", INVERTED)
def test_inverted_element(library, arguments, name):
    fails(library, with_gradient(library, arguments, INVERTED[name]),
          r"point 2 of 2, .*: the element is inverted, det F = .*; expected a positive determinant: refine")  # fmt: skip


@pytest.mark.parametrize("name", UPRIGHT)
def test_element_that_is_only_turned(library, arguments, name):
    library.call(with_gradient(library, arguments, UPRIGHT[name]))


def test_inverted_plane_element(library, arguments):
    for matrix in (np.diag([1.0, -1, 1]), np.array([[1.0, 0.9, 0], [1.3, 1, 0], [0, 0, 1]])):
        fails(library, with_gradient(library, arguments, matrix, shear=1), "the element is inverted")
    library.call(with_gradient(library, arguments, np.array([[1.0, 3, 0], [-2, 1, 0], [0, 0, 1]]), shear=1))


@pytest.mark.parametrize("density", [0.0, -1.0, np.nan])
def test_density_must_be_positive(library, arguments, density):
    given = arguments(library, 3, "PYBRIDGE_ELASTIC", STEEL, states=1)
    given["density"][1] = density
    fails(library, given, "point 2 of 3, .*density must be positive, got")


def test_element_number_where_the_host_tells(library, arguments):
    given = arguments(library, 3, "PYBRIDGE_ELASTIC", STEEL, states=1)
    given["density"][1] = 0
    given["lanneal"][6:] = 101, 202, 303
    library.set_array_arguments(True)
    try:
        fails(library, given, r"point 2 of 3 \(element 202\), total time")
    finally:
        library.set_array_arguments(False)
    fails(library, given, r"point 2 of 3, total time")


@pytest.mark.parametrize(("direct", "shear"), [(2, 1), (1, 0), (3, 2), (3, 0), (0, 3)])
def test_elements_that_are_not_supported(library, arguments, direct, shear):
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL)
    given["ndir"][0], given["nshr"][0] = direct, shear
    with pytest.raises(
        HostError, match=rf"ndir = {direct}, nshr = {shear} are not supported; use solid elements"
    ):
        library.call_pointers(library.pointers(given))


def test_empty_block(library, arguments):
    given = arguments(library, 1, "PYBRIDGE_ELASTIC", STEEL)
    given["nblock"][0] = 0
    with pytest.raises(HostError, match="nblock must be at least 1, got 0"):
        library.call_pointers(library.pointers(given))


@pytest.mark.parametrize("name", ["stretchOld", "stretchNew"])
@pytest.mark.parametrize("value", [0.019, 51.0, np.nan, 0.0, -1.0])
@pytest.mark.parametrize("component", [0, 1, 2])
def test_absurd_stretch(library, arguments, name, value, component):
    given = arguments(library, 3, "PYBRIDGE_ELASTIC", STEEL)
    point = 2 if library.dtype == np.float64 else 0  # the one that tells the precision
    given[name][3 * component + point] = value
    with pytest.raises(
        HostError, match=rf"stretch of point {point + 1} of 3 reads .*seems to run in.*destroyed"
    ):
        library.call(given)
    for right in (0.0201, 49.9):
        given[name][3 * component + point] = right
        library.call(given)


def test_stretch_that_is_not_positive_definite(arguments):
    """Only single precision may look at the shears: as doubles they may lie outside a host's floats."""
    library = load_vumat(our_library("float32"))
    for component, (row, column) in enumerate(((0, 1), (1, 2), (0, 2)), start=3):
        given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL)
        given["stretchNew"][2 * row], given["stretchNew"][2 * column] = 2, 8
        given["stretchNew"][2 * component] = -3.99
        library.call(given)
        given["stretchNew"][2 * component] = -4.01
        with pytest.raises(HostError, match=r"stretch of point 1 of 2 reads .*positive definite"):
            library.call(given)


class TestOtherPrecision:
    """A host that loads the wrong one of the two libraries."""

    @staticmethod
    def given(n, shear, stretch, dtype, name="PYBRIDGE_ELASTIC", time=1e-6):
        from pybridge.host.arguments import Sizes, default_arguments

        arguments = default_arguments(Sizes(n, shear=shear, constants=2), np.dtype(dtype), name, list(STEEL))
        arguments["totalTime"][0] = arguments["stepTime"][0] = arguments["dt"][0] = time
        arguments["stretchOld"][:] = np.random.default_rng(1).normal(size=arguments["stretchOld"].size) * 1e-4
        arguments["stretchOld"][: 3 * n] += stretch
        arguments["stretchNew"][:] = arguments["stretchOld"]
        return arguments

    @staticmethod
    def call_guarded(library, arguments):
        """Guards of the host's precision around a call of the other library."""
        guarded = {}
        for name, array in arguments.items():
            memory = np.full(array.nbytes + 4096, 0xA5, np.uint8)
            memory[2048 : 2048 + array.nbytes] = array.view(np.uint8)
            guarded[name] = memory
        before = {name: memory.copy() for name, memory in guarded.items()}
        try:
            library.call_pointers(library.pointers({k: m[2048:] for k, m in guarded.items()}))
        finally:
            for name, memory in guarded.items():
                assert (memory == before[name]).all(), f"{name} was written"

    @pytest.mark.parametrize("shear", [3, 1])
    @pytest.mark.parametrize("n", [1, 2, 3, 16, 136])
    @pytest.mark.parametrize("stretch", [1.0, 0.93, 1.21])
    @pytest.mark.parametrize(("host", "ours"), [("float32", "float64"), ("float64", "float32")])
    def test_is_refused_and_nothing_is_written(self, host, ours, n, shear, stretch):
        library = load_vumat(our_library(ours))
        word = {"float32": "single", "float64": "double"}
        message = (
            f"host seems to run in {word[host]} precision while this is the {word[ours]}-precision library"
        )
        with pytest.raises(HostError, match=message):
            self.call_guarded(library, self.given(n, shear, stretch, host))

    @pytest.mark.parametrize("n", [1, 2, 136])
    @pytest.mark.parametrize(("host", "ours"), [("float32", "float64"), ("float64", "float32")])
    def test_is_refused_in_the_data_check(self, host, ours, n):
        with pytest.raises(HostError, match="double=both"):
            self.call_guarded(load_vumat(our_library(ours)), self.given(n, 3, 1.0, host, time=0.0))


@pytest.mark.parametrize("name", ["enerInternOld", "enerInelasOld"])
def test_energy_that_is_no_number(library, arguments, name):
    """The last look at the answer: here the host's own energy is what is wrong."""
    given = arguments(library, 3, "PYBRIDGE_ELASTIC", STEEL, states=1)
    given[name][1] = np.inf
    with pytest.raises(HostError, match=r"answered not-a-number at point 2 of 3"):
        library.call(given)
    assert np.isnan(given["stressNew"]).all()


def test_answer_that_overflows(library, arguments):
    """Finite inputs, an energy that no number of this precision holds."""
    given = arguments(library, 3, "PYBRIDGE_ELASTIC", STEEL, states=1)
    double = library.dtype == np.float64
    given["stressOld"][2] = 1e150 if double else 1e18
    given["strainInc"][2] = 0.01
    given["density"][2] = 1e-170 if double else 1e-25
    fails(library, given, r"answered not-a-number at point 3 of 3")


def test_an_error_does_not_linger(library, arguments):
    """The call after a failed one succeeds."""
    with pytest.raises(HostError):
        library.call(arguments(library, 2, "PYBRIDGE_ELASTIC", (1.0,)))
    given = arguments(library, 2, "PYBRIDGE_ELASTIC", STEEL)
    library.call(given)
    assert (given["stressNew"] == 0).all()
